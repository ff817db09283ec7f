"""A program that makes files and gives each a mode, while somebody else (65534) tries to open it all the time.

opened-by-others.py FOLDER COUNT: prints how many of the files were opened."""
import mmap, os, struct, sys

folder, count = sys.argv[1], int(sys.argv[2])
shared = mmap.mmap(-1, 4096)
current, tries, opened, end = range(0, 32, 8)


def get(at):
    return struct.unpack_from("q", shared, at)[0]


def put(at, value):
    struct.pack_into("q", shared, at, value)


def try_all_the_time():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    last = 0
    while get(end) == 0:
        number = get(current)
        try:
            os.close(os.open(f"{folder}/{number}", os.O_RDONLY))
            if number != last:
                put(opened, get(opened) + 1)
                last = number
        except PermissionError:
            pass
        put(tries, get(tries) + 1)


def wait_for_tries(more):
    until = get(tries) + more
    while get(tries) < until:
        os.sched_yield()


os.close(os.open(f"{folder}/0", os.O_CREAT | os.O_EXCL, 0o600))
other = os.fork()
if other == 0:
    try_all_the_time()
    os._exit(0)
for number in range(1, count + 1):
    fd = os.open(f"{folder}/{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    put(current, number)
    wait_for_tries(2)
    os.fchmod(fd, 0o664)
    wait_for_tries(5)
    os.close(fd)
put(end, 1)
_, status = os.waitpid(other, 0)
print(get(opened))
sys.exit(status)
