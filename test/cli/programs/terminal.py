"""terminal.py ROWS COLUMNS COMMAND...: a terminal of this size with a command in it, as a job of this, its shell.

Standard output is what the command writes to the terminal, as it is. Standard input takes lines: `keys TEXT` types, `size ROWS
COLUMNS` resizes, `signal NUMBER` goes to the command, `continue` brings it to the foreground when it has stopped. Ends with the
command's exit code. Standard error has a line of JSON for each stop and for the end, which tells whether the terminal's settings
are as they were.
"""
import fcntl, json, os, pty, select, signal, struct, subprocess, sys, termios


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))


def become_foreground():
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def obey(line, terminal, inside, child):
    verb, *rest = line.decode().split(" ")
    if verb == "keys":
        os.write(terminal, " ".join(rest).encode())
    elif verb == "size":
        resize(terminal, *rest)
    elif verb == "signal":
        child.send_signal(int(rest[0]))
    elif verb == "continue":
        os.tcsetpgrp(inside, child.pid)
        os.killpg(child.pid, signal.SIGCONT)


def has_stopped(child):
    return child.returncode is None and os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOHANG) is not None


def main():
    # The other end stays open here: what the command has written can be read after its end, and the settings too.
    terminal, inside = pty.openpty()
    resize(terminal, sys.argv[1], sys.argv[2])
    before = termios.tcgetattr(inside)

    def say(what):
        restored = termios.tcgetattr(inside) == before
        print(json.dumps({"is": what, "restored": restored}), file=sys.stderr, flush=True)

    os.setsid()
    fcntl.ioctl(inside, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # This is in the background, and says who is in the foreground.
    child = subprocess.Popen(sys.argv[3:], stdin=inside, stdout=inside, stderr=inside, preexec_fn=become_foreground)
    typed = b""
    inputs = [terminal, 0]
    while True:
        ended = child.poll() is not None
        if has_stopped(child):
            os.tcsetpgrp(inside, os.getpgrp())
            say("stopped")
        ready = select.select(inputs, [], [], 0 if ended else 0.01)[0]
        if terminal in ready:
            os.write(1, os.read(terminal, 65536))
        elif ended:
            break
        if 0 in ready:
            some = os.read(0, 65536)
            if some == b"":
                inputs.remove(0)
            *lines, typed = (typed + some).split(b"\n")
            for line in lines:
                obey(line, terminal, inside, child)
    say("ended")
    sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)


main()
