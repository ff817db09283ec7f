"""features.py NAME ONE OTHER: what a program finds on a local disk, on two mounts of one volume. Says what is wrong, and exits
with 1."""
import ctypes
import errno
import fcntl
import mmap
import os
import struct
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
PUNCH, ZERO = 3, 0x10


def succeed(result, call):
    if result != 0:
        raise OSError(ctypes.get_errno(), call)


def fallocate(fd, mode, start, length):
    succeed(libc.fallocate(fd, mode, ctypes.c_long(start), ctypes.c_long(length)), "fallocate")


def rename(one, other, flags):
    succeed(libc.renameat2(-100, one.encode(), -100, other.encode(), flags), "renameat2")


def fails(code, call):
    try:
        call()
    except OSError as error:
        assert error.errno == code, f"{errno.errorcode[error.errno]}, not {errno.errorcode[code]}"
        return
    raise AssertionError(f"no {errno.errorcode[code]}")


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def edit(path, flags=0):
    return os.open(path, os.O_RDWR | os.O_CREAT | flags)


def at_once(*calls):
    """Each in a thread of its own. Those that hang are said to."""
    threads = [threading.Thread(target=call, args=args, daemon=True) for call, *args in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "they hang"


def room(one, other):
    fd = edit(f"{one}/room")
    fallocate(fd, 0, 0, 100_000)
    assert os.stat(f"{other}/room").st_size == 100_000
    os.pwrite(fd, b"x" * 100_000, 0)
    fallocate(fd, PUNCH, 4096, 8192)
    assert read(f"{other}/room") == b"x" * 4096 + b"\0" * 8192 + b"x" * (100_000 - 12_288), "a hole"
    fallocate(fd, ZERO, 50_000, 60_000)
    content = read(f"{other}/room")
    assert len(content) == 110_000 and content[49_999:] == b"x" + b"\0" * 60_000, "zeros"


def copy(one, other):
    write(f"{one}/source", os.urandom(300_000))
    source, target = os.open(f"{one}/source", os.O_RDONLY), edit(f"{one}/target")
    left = 300_000
    while left > 0:
        left -= os.copy_file_range(source, target, left)
    assert read(f"{other}/source") == read(f"{other}/target")


def holes(one, other):
    fd = edit(f"{one}/sparse")
    os.pwrite(fd, b"a", 1 << 20)
    os.ftruncate(fd, 2 << 20)
    for each in fd, os.open(f"{other}/sparse", os.O_RDONLY):
        assert os.lseek(each, 0, os.SEEK_DATA) == 1 << 20
        assert os.lseek(each, 1 << 20, os.SEEK_HOLE) == (1 << 20) + 4096
        fails(errno.ENXIO, lambda each=each: os.lseek(each, (1 << 20) + 4096, os.SEEK_DATA))


def direct(one, other):
    there, here = mmap.mmap(-1, 8192), mmap.mmap(-1, 8192)
    there[:] = os.urandom(8192)
    os.pwritev(edit(f"{one}/direct", os.O_DIRECT), [there], 0)
    os.preadv(os.open(f"{other}/direct", os.O_RDONLY | os.O_DIRECT), [here], 0)
    assert here[:] == there[:]


def same_map(one, other):
    write(f"{one}/same", b"1" * 65_536)
    fd = edit(f"{one}/same")
    view = memoryview(mmap.mmap(fd, 65_536))
    os.pwritev(fd, [view[0:8192]], 4096)
    os.preadv(fd, [view[0:8192]], 100)
    os.writev(os.open(f"{one}/same", os.O_WRONLY | os.O_APPEND), [view[60_000:]])
    assert os.stat(f"{other}/same").st_size == 65_536 + 5536


def crossed_maps(one, other):
    size = 1 << 20
    paths = [f"{folder}/{name}" for name in ("left", "right") for folder in (one, other)]
    for path in paths[::2]:
        write(path, os.urandom(size))
    files = [edit(path) for path in paths]
    maps = [memoryview(mmap.mmap(fd, size)) for fd in files]

    def go(fd, view, step):
        for turn in range(60):
            at = turn * 4096 * step % size
            os.pwritev(fd, [view[at : at + 8192]], (at + 4096) % size)
            os.preadv(fd, [view[at : at + 8192]], at)

    pairs = [(0, 3), (0, 0), (1, 2), (1, 1), (2, 1), (3, 0)]
    at_once(*[(go, files[file], maps[view], step) for (file, view), step in zip(pairs, [3, 13, 11, 17, 5, 7])])


def append(one, other):
    def go(folder, letter):
        fd = os.open(f"{folder}/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for _ in range(100):
            os.write(fd, (letter * 99 + "\n").encode())

    at_once((go, one, "a"), (go, other, "b"), (go, one, "c"), (go, other, "d"))
    lines = read(f"{one}/log").decode().split("\n")[:-1]
    assert all(len(set(line)) == 1 and len(line) == 99 for line in lines), "a torn record"
    assert all(sum(line[0] == letter for line in lines) == 100 for letter in "abcd"), "a lost record"


def names(one, other):
    longest = "ä" * 127 + "x"
    write(f"{one}/{longest}", b"1")
    assert longest in os.listdir(other)
    fails(errno.ENAMETOOLONG, lambda: write(f"{one}/{'n' * 256}", b""))
    write(f"{one}/first", b"1")
    write(f"{one}/second", b"2")
    fails(errno.EEXIST, lambda: rename(f"{one}/first", f"{one}/second", 1))
    rename(f"{one}/first", f"{one}/second", 2)
    assert read(f"{other}/first") == b"2"
    os.link(f"{one}/first", f"{one}/third")
    first, third = os.stat(f"{other}/first"), os.stat(f"{other}/third")
    assert first.st_nlink == 2 and first.st_ino == third.st_ino


def attributes(one, other):
    write(f"{one}/attributes", b"0" * 4096)
    os.setxattr(f"{one}/attributes", "user.key", b"v" * 1000)
    assert os.listxattr(f"{other}/attributes") == ["user.key"]
    assert os.getxattr(f"{other}/attributes", "user.key") == b"v" * 1000
    assert os.statvfs(other).f_namemax == 255 and os.statvfs(other).f_bavail > 0
    os.utime(f"{one}/attributes", (1, 1))
    before = os.stat(f"{other}/attributes")
    view = mmap.mmap(edit(f"{one}/attributes"), 4096)
    view[0] = 1
    view.flush()
    after = os.stat(f"{other}/attributes")
    assert before.st_mtime == 1 and after.st_mtime > 1 and after.st_ctime > before.st_ctime, "a store through a map"


def listing(one, other):
    """What is there all the while is listed once, whatever comes and goes."""
    os.mkdir(f"{one}/listing")
    for number in range(1500):
        os.close(edit(f"{one}/listing/f{number:05}"))
    seen = []
    for number, entry in enumerate(os.scandir(f"{other}/listing")):
        seen.append(entry.name)
        if number % 100 == 0:
            os.unlink(f"{one}/listing/f{1499 - number // 100:05}")
            os.close(edit(f"{one}/listing/g{number:05}"))
    assert len(seen) == len(set(seen)), "twice"
    assert {f"f{number:05}" for number in range(1450)} <= set(seen), "not at all"


def many(one, other):
    """The folder was filled behind the mounts' back."""
    assert len(set(os.listdir(f"{one}/many"))) == 100_000
    os.rename(f"{other}/many/n00007", f"{other}/many/moved")
    fails(errno.ENOENT, lambda: os.stat(f"{one}/many/n00007"))
    assert sum(1 for _ in os.scandir(f"{one}/many")) == 100_000


def far(one, other):
    """A file as long as they get."""
    end = 2**53 - 1
    fd, reader = edit(f"{one}/far"), edit(f"{other}/far")
    os.pwrite(fd, b"end", end - 3)
    assert os.fstat(reader).st_size == end and os.pread(reader, 10, end - 3) == b"end"
    page = end // 4096 * 4096
    view, writer = (mmap.mmap(each, end - page, offset=page) for each in (reader, fd))
    assert view[-3:] == b"end"
    writer[-1:] = b"!"
    assert view[-3:] == b"en!" and os.pread(reader, 1, end - 1) == b"!"
    assert os.pread(fd, 5, 2**52) == b"\0" * 5, "a hole"
    direct = os.open(f"{other}/far", os.O_RDONLY | os.O_DIRECT)
    for offset, found in [(page, end - page), (end - 1, 1), (end, 0), (2**62, 0)]:
        assert os.preadv(direct, [mmap.mmap(-1, 8192)], offset) == found, f"past the cache at {offset}"
    fails(errno.EFBIG, lambda: os.pwrite(fd, b"xx", end))
    write_only = os.open(f"{one}/far", os.O_WRONLY)
    appending = os.open(f"{other}/far", os.O_WRONLY | os.O_APPEND)
    for beyond in (end, 2**53, 2**53 + 1, 2**60, 2**63 - 1 - 8192):
        for each in (fd, write_only, os.open(f"{one}/far", os.O_RDWR | os.O_DIRECT)):
            fails(errno.EFBIG, lambda each=each: os.pwritev(each, [mmap.mmap(-1, 4096)], beyond))
        fails(errno.EFBIG, lambda: os.ftruncate(fd, beyond + 1))
        fails(errno.EFBIG, lambda: fallocate(fd, 0, beyond, 4096))
        fails(errno.ENXIO, lambda: os.lseek(fd, beyond, os.SEEK_DATA))
        assert os.pread(fd, 5, beyond) == b""
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, beyond + 1, 1, 0)
        fails(errno.EOVERFLOW, lambda: fcntl.fcntl(fd, fcntl.F_SETLK, lock))
        assert struct.unpack_from("h", fcntl.fcntl(fd, fcntl.F_GETLK, lock))[0] == fcntl.F_UNLCK
        fails(errno.EFBIG, lambda: os.copy_file_range(reader, fd, 10, 0, beyond))
    fails(errno.EFBIG, lambda: os.write(appending, b"x"))
    assert os.pread(reader, 3, end - 3) == b"en!", "it goes on for others"
    os.ftruncate(fd, 2**40 + 1)
    assert os.fstat(reader).st_size == 2**40 + 1


if __name__ == "__main__":
    os.umask(0o022)
    globals()[sys.argv[1]](*sys.argv[2:])
