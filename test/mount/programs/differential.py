"""Runs one random sequence of file operations on a local folder and, step for step, on mounts in turn, and compares
what each answers: errno, and what stat, readlink, listdir and the extended attributes say afterwards.

    differential.py SEED STEPS LOCAL MOUNT...

Prints every step that differs, with the steps before it, and ends with 1. `LOCAL` and the mounts are empty folders.
"""
import ctypes
import errno
import os
import random
import stat
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
NOREPLACE, EXCHANGE = 1, 2
NAMES = ["a", "b", "c", "d", "\u00e9", b"\xff\xfe".decode("utf-8", "surrogateescape")]
USER = 12345


def renameat2(old, new, flags):
    if libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def describe(info):
    """What of a stat has to be the same everywhere: no inode, no device, no blocks."""
    size = info.st_size if not stat.S_ISDIR(info.st_mode) else 0
    return [oct(info.st_mode), info.st_uid, info.st_gid, info.st_nlink, size, info.st_rdev]


class Side:
    """One of the places that are compared: open files by slot, and steps by name."""

    def __init__(self, roots):
        self.roots = roots
        self.files = {}
        self.times = {}

    def path(self, turn, parts):
        return os.path.join(self.roots[turn % len(self.roots)], *parts)

    def run(self, turn, step):
        name, *args = step
        try:
            return getattr(self, name)(turn, *args)
        except OSError as error:
            return errno.errorcode.get(error.errno, error.errno)

    def mkdir(self, turn, parts, mode):
        os.mkdir(self.path(turn, parts), mode)

    def rmdir(self, turn, parts):
        os.rmdir(self.path(turn, parts))

    def unlink(self, turn, parts):
        os.unlink(self.path(turn, parts))

    def rename(self, turn, old, new, flags):
        renameat2(self.path(turn, old), self.path(turn, new), flags)

    def link(self, turn, old, new):
        os.link(self.path(turn, old), self.path(turn, new), follow_symlinks=False)

    def symlink(self, turn, target, parts):
        os.symlink(target, self.path(turn, parts))

    def mknod(self, turn, parts, mode, device):
        os.mknod(self.path(turn, parts), mode, device)

    def chmod(self, turn, parts, mode):
        os.chmod(self.path(turn, parts), mode)

    def chown(self, turn, parts, uid, gid):
        os.chown(self.path(turn, parts), uid, gid, follow_symlinks=False)

    def utime(self, turn, parts, ns):
        os.utime(self.path(turn, parts), ns=ns, follow_symlinks=False)
        info = os.lstat(self.path(turn, parts))
        return [info.st_atime_ns, info.st_mtime_ns]

    def truncate(self, turn, parts, size):
        os.truncate(self.path(turn, parts), size)

    def stat(self, turn, parts):
        return describe(os.stat(self.path(turn, parts)))

    def lstat(self, turn, parts):
        return describe(os.lstat(self.path(turn, parts)))

    def changed(self, turn, parts):
        """Which of its times are others than when this was last asked."""
        info = os.lstat(self.path(turn, parts))
        times = (info.st_mtime_ns, info.st_ctime_ns)
        before = self.times.get(tuple(parts), (0, 0))
        self.times[tuple(parts)] = times
        return [times[0] != before[0], times[1] != before[1]]

    def readlink(self, turn, parts):
        return os.readlink(self.path(turn, parts))

    def listdir(self, turn, parts):
        return sorted(os.listdir(self.path(turn, parts)))

    def access(self, turn, parts, mode):
        return os.access(self.path(turn, parts), mode)

    def setxattr(self, turn, parts, name, value, flags):
        os.setxattr(self.path(turn, parts), name, value, flags, follow_symlinks=False)

    def getxattr(self, turn, parts, name):
        return os.getxattr(self.path(turn, parts), name, follow_symlinks=False).hex()[:100]

    def listxattr(self, turn, parts):
        return sorted(os.listxattr(self.path(turn, parts), follow_symlinks=False))

    def removexattr(self, turn, parts, name):
        os.removexattr(self.path(turn, parts), name, follow_symlinks=False)

    def open(self, turn, slot, parts, flags, mode):
        path = self.path(turn, parts)
        if os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode):
            return "a fifo joins the processes of one mount only"
        fd = os.open(path, flags | os.O_NONBLOCK, mode)
        self.close(turn, slot)
        self.files[slot] = fd

    def close(self, turn, slot):
        fd = self.files.pop(slot, None)
        if fd is not None:
            os.close(fd)

    def pwrite(self, turn, slot, offset, data):
        if slot in self.files:
            return os.pwrite(self.files[slot], data, offset)

    def pread(self, turn, slot, offset, length):
        if slot in self.files:
            return os.pread(self.files[slot], length, offset).hex()

    def fstat(self, turn, slot):
        if slot in self.files:
            return describe(os.fstat(self.files[slot]))

    def ftruncate(self, turn, slot, size):
        if slot in self.files:
            os.ftruncate(self.files[slot], size)

    def fchmod(self, turn, slot, mode):
        # What is no file, and has lost its name, is not found by the home any more: it can be looked at, but not changed.
        if slot in self.files and stat.S_ISREG(os.fstat(self.files[slot]).st_mode):
            os.fchmod(self.files[slot], mode)

    def close_all(self):
        for fd in self.files.values():
            os.close(fd)
        self.files.clear()


class Steps:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def parts(self):
        return [self.random.choice(NAMES[: 4 if self.random.random() < 0.9 else 6]) for _ in range(self.random.choice([1, 1, 2, 2, 3]))]

    def next(self):
        pick, parts = self.random.choice, self.parts
        mode = pick([0o777, 0o755, 0o700, 0o644, 0o2755, 0o4755, 0o1777, 0o000, 0o6711])
        flags = pick([os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR]) | pick([0, os.O_CREAT, os.O_CREAT])
        flags |= pick([0, 0, os.O_EXCL, os.O_TRUNC, os.O_APPEND, os.O_NOFOLLOW, os.O_DIRECTORY])
        if flags & os.O_DIRECTORY and flags & os.O_CREAT:
            flags &= ~os.O_CREAT
        xattr = pick(["user.a", "user.b", "trusted.a", "user." + "x" * 200, "bad"])
        slot = pick([0, 1, 2, 3])
        name = pick(
            ["mkdir"] * 4 + ["open"] * 6 + ["rename"] * 4 + ["pwrite", "pread"] * 3 + ["unlink", "rmdir", "link"] * 2
            + ["symlink", "mknod", "chmod", "chown", "utime", "truncate", "stat", "lstat", "readlink", "listdir"]
            + ["access", "setxattr", "getxattr", "listxattr", "removexattr", "close", "fstat", "ftruncate", "fchmod"]
            + ["changed"] * 4
        )
        args = {
            "mkdir": lambda: [parts(), mode],
            "open": lambda: [slot, parts(), flags, mode],
            "rename": lambda: [parts(), parts(), pick([0, 0, 0, NOREPLACE, EXCHANGE])],
            "pwrite": lambda: [slot, pick([0, 1, 4095, 4096, 10000, 70000]), bytes([pick(range(256))]) * pick([1, 10, 5000])],
            "pread": lambda: [slot, pick([0, 1, 4095, 4096, 10000, 70000]), pick([1, 10, 5000, 100000])],
            "link": lambda: [parts(), parts()],
            "symlink": lambda: [pick(["a", "b/c", "../a", "nowhere", "/nowhere/at/all", "x" * 1000, "c", "d"]), parts()],
            "mknod": lambda: [parts(), mode & 0o777 | pick([stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFREG]), 0],
            "chmod": lambda: [parts(), mode],
            "chown": lambda: [parts(), pick([0, USER, -1]), pick([0, USER, -1])],
            "utime": lambda: [parts(), pick([(0, 0), (1, 999999999), (-5, -1500000001), (1700000000123456789, 4000000000123456789)])],
            "truncate": lambda: [parts(), pick([0, 1, 4096, 5000, 100000])],
            "access": lambda: [parts(), pick([os.R_OK, os.W_OK, os.X_OK])],
            "setxattr": lambda: [parts(), xattr, bytes(pick([0, 1, 100, 2000])), pick([0, 0, os.XATTR_CREATE, os.XATTR_REPLACE])],
            "getxattr": lambda: [parts(), xattr],
            "removexattr": lambda: [parts(), xattr],
            "close": lambda: [slot],
            "fstat": lambda: [slot],
            "ftruncate": lambda: [slot, pick([0, 1, 4096, 5000, 100000])],
            "fchmod": lambda: [slot, mode],
        }
        return [name, *args.get(name, lambda: [parts()])()]


def picture(root, at=""):
    lines = []
    for name in sorted(os.listdir(os.path.join(root, at))):
        path = os.path.join(at, name)
        info = os.lstat(os.path.join(root, path))
        line = [path, *describe(info), info.st_mtime_ns if info.st_mtime_ns < 1_600_000_000_000_000_000 else "now"]
        if stat.S_ISREG(info.st_mode):
            with open(os.path.join(root, path), "rb") as file:
                line.append(file.read().hex())
        lines.append(repr(line))
        if stat.S_ISDIR(info.st_mode):
            lines.extend(picture(root, path))
    return lines


def main():
    seed, count, local, *mounts = sys.argv[1:]
    os.umask(0o022)
    steps, here, there = Steps(int(seed)), Side([local]), Side(mounts)
    told, failed = [], False
    for turn in range(int(count)):
        step = steps.next()
        told.append(f"{turn}: {step!r:.200}")
        expected, actual = here.run(turn, step), there.run(turn, step)
        # What a mount wrote is sent later, which the home's disk takes for a change of the file's status.
        is_write_back = step[0] == "changed" and (expected, actual) == ([False, False], [False, True])
        if expected != actual and not is_write_back:
            print(*told[-6:], f"   local {expected!r:.300}", f"   mount {actual!r:.300}", sep="\n", flush=True)
            failed = True
            break
        if step[0] in ("open", "mkdir", "symlink", "mknod", "changed", "pwrite"):
            time.sleep(0.005)  # A step of the coarse clock by which files are stamped: no two steps have the same time.
    here.close_all()
    there.close_all()
    expected = picture(local)
    for mount in mounts:
        for one, other in zip(expected, picture(mount)):
            if one != other:
                print(f"at the end, on {mount}:", one[:300], other[:300], sep="\n")
                failed = True
                break
    sys.exit(1 if failed else 0)


main()
