"""A process that does what its standard input says, line by line: Python expressions, each answered by a line of JSON:
{"ok": value} or {"error": errno's name}. A line `async NUMBER ...` is run in a thread, and answers whenever it is done.
"""
import ctypes
import errno
import fcntl
import json
import mmap
import os
import random
import signal
import socket
import stat
import struct
import sys
import threading
import time

lock_format = "hhqqi4x"
SHARED, EXCLUSIVE, NONE = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK
OFD_GETLK, OFD_SETLK, OFD_SETLKW = 36, 37, 38
names = {**errno.errorcode, errno.EDEADLK: "EDEADLK", errno.ENOTSUP: "EOPNOTSUPP"}
out = threading.Lock()


def fcntl_lock(fd, command, kind, start, length, whence=0):
    """fcntl(2)'s locks, as struct flock has them."""
    answer = fcntl.fcntl(fd, command, struct.pack(lock_format, kind, whence, start, length, 0))
    return struct.unpack(lock_format, answer)


def setlk(fd, kind, start=0, length=0, whence=0):
    fcntl_lock(fd, fcntl.F_SETLK, kind, start, length, whence)


def setlkw(fd, kind, start=0, length=0, whence=0):
    fcntl_lock(fd, fcntl.F_SETLKW, kind, start, length, whence)


def ofd_setlk(fd, kind, start=0, length=0):
    fcntl_lock(fd, OFD_SETLK, kind, start, length)


def ofd_setlkw(fd, kind, start=0, length=0):
    fcntl_lock(fd, OFD_SETLKW, kind, start, length)


def getlk(fd, kind, start=0, length=0, whence=0):
    """None, or [type, whence, start, length, pid]."""
    found = fcntl_lock(fd, fcntl.F_GETLK, kind, start, length, whence)
    return None if found[0] == NONE else list(found)


def flock(fd, how):
    fcntl.flock(fd, how)


def attempt(call):
    """What it returns; None when others were faster, or have forbidden it."""
    try:
        return call()
    except (FileExistsError, PermissionError):
        return None


def exchange(one, other):
    """renameat2(2) with RENAME_EXCHANGE."""
    here = -100
    if ctypes.CDLL(None, use_errno=True).renameat2(here, one.encode(), here, other.encode(), 2) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def fork(expression):
    """Runs it in a child, which lives on until its parent's input ends. What it answers, or its error."""
    (reader, writer), (held, _hold) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(_hold)
        os.write(writer, answer_to(expression).encode())
        os.close(writer)
        os.read(held, 1)
        os._exit(0)
    os.close(writer)
    os.close(held)
    children[child] = _hold
    result = json.loads(os.read(reader, 65536))
    return [child, result]


children = {}


def end_child(child):
    os.close(children.pop(child))
    os.waitpid(child, 0)


def interrupted_by(seconds, call):
    """Calls it, and interrupts it by a signal after so many seconds."""
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(InterruptedError(errno.EINTR, "signal")))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def describe(info):
    return {key: getattr(info, key) for key in dir(info) if key.startswith("st_")}


def set_variable(name, value):
    globals()[name] = value
    return value if isinstance(value, (int, str)) else None


def answer_to(line):
    try:
        value = eval(line, globals())
        if isinstance(value, (bytes, bytearray)):
            value = value.hex()
        return json.dumps({"ok": value}, default=str)
    except OSError as error:
        return json.dumps({"error": names.get(error.errno, str(error))})
    except Exception as error:  # A mistake of the test's.
        return json.dumps({"error": repr(error)})


def say(text):
    with out:
        print(text, flush=True)


def later(number, line):
    say(f"async {number} {answer_to(line)}")


def main():
    for line in sys.stdin:
        line = line.strip()
        if line.startswith("async "):
            threading.Thread(target=later, args=line.split(" ", 2)[1:], daemon=True).start()
        else:
            say(answer_to(line))


if __name__ == "__main__":
    say("ready")
    main()
