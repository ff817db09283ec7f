"""terminal.py ROWS COLUMNS COMMAND...: a terminal of this size with a command in it.

Standard output is what the command writes to the terminal, as it is. Standard input takes lines: `keys TEXT` types, `size ROWS
COLUMNS` resizes, `signal NUMBER` goes to the command. Ends with the command's exit code; standard error has one line of JSON,
which tells whether the terminal's settings are as they were.
"""
import fcntl, json, os, pty, select, struct, subprocess, sys, termios


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))


def become_foreground():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def obey(line, terminal, child):
    verb, *rest = line.decode().split(" ")
    if verb == "keys":
        os.write(terminal, " ".join(rest).encode())
    elif verb == "size":
        resize(terminal, *rest)
    elif verb == "signal":
        child.send_signal(int(rest[0]))


def main():
    # The other end stays open here: what the command has written can be read after its end, and the settings too.
    terminal, inside = pty.openpty()
    resize(terminal, sys.argv[1], sys.argv[2])
    before = termios.tcgetattr(inside)
    child = subprocess.Popen(sys.argv[3:], stdin=inside, stdout=inside, stderr=inside, preexec_fn=become_foreground)
    typed = b""
    inputs = [terminal, 0]
    while True:
        ended = child.poll() is not None
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
                obey(line, terminal, child)
    print(json.dumps({"restored": termios.tcgetattr(inside) == before}), file=sys.stderr)
    sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)


main()
