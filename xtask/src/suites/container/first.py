# A server that is process 1: it tells who it is and which signals came how often, reaps what others left to it, and
# ends with a status of its own at SIGTERM.
import os
import signal
import socket
import sys


def end(signal_number, frame):
    sys.exit(7)


came = {}


def count(signal_number, frame):
    name = signal.Signals(signal_number).name
    came[name] = came.get(name, 0) + 1


signal.signal(signal.SIGTERM, end)
for name in "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH":
    signal.signal(signal.Signals[name], count)


def reap_an_orphan():
    r, w = os.pipe()
    if os.fork() == 0:
        orphan = os.fork()
        if orphan == 0:
            os.close(r)
            os._exit(9)
        os.write(w, str(orphan).encode())
        os._exit(8)
    ended = dict(sorted((os.waitstatus_to_exitcode(os.wait()[1]), True) for _ in range(2)))
    os.close(r)
    os.close(w)
    return list(ended)


def no_child():
    try:
        return os.wait()
    except ChildProcessError:
        return "no child"


with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    first = no_child()
    while True:
        connection, _ = server.accept()
        with connection:
            connection.recv(100)
            told = [os.getpid(), os.getppid(), first, reap_an_orphan(), no_child(), came]
            connection.sendall((repr(told) + "\n").encode())
