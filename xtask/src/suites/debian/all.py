# What Python's standard library makes of sockets: an event loop, processes, threads, datagrams, descriptors
# and credentials. Prints nothing that changes from run to run.
import array
import asyncio
import hashlib
import multiprocessing
import os
import selectors
import socket
import struct
import subprocess
import sys
import threading


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def asked(port, number):
    reader, writer = await asyncio.open_connection("localhost", port)
    sent = hashlib.sha256(str(number).encode()).digest() * 1000
    writer.write(sent)
    writer.write_eof()
    got = await reader.read()
    writer.close()
    await writer.wait_closed()
    return got == sent


async def loop():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answers = await asyncio.gather(*(asked(port, number) for number in range(60)))
    print("asyncio:", answers.count(True), "of", len(answers))
    server.close()
    child = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    print("a child:", await child.communicate(b"through a socket pair"))


def square(number):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.sendto(str(number).encode(), s.getsockname())
        return int(s.recvfrom(100)[0]) ** 2


def processes():
    with multiprocessing.get_context("fork").Pool(4) as pool:
        print("forked:", sum(pool.map(square, range(100))))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print("spawned:", sum(pool.map(square, range(10))))


def threads():
    results = [0] * 16

    def work(number):
        for turn in range(20):
            a, b = socket.socketpair()
            a.sendall(struct.pack("I", number * turn))
            results[number] += struct.unpack("I", b.recv(4))[0]
            a.close()
            b.close()

    all_threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    print("threads:", sum(results))


def messages():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    r, w = os.pipe()
    a.sendmsg([b"two ", b"parts"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w]))])
    data, control, flags, _ = b.recvmsg(100, socket.CMSG_SPACE(4))
    fd = array.array("i", control[0][2])[0]
    os.write(fd, b"by a passed descriptor")
    print("recvmsg:", data, flags, os.read(r, 100))
    b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    a.send(b"x")
    _, control, _, _ = b.recvmsg(100, socket.CMSG_SPACE(12))
    print("credentials:", struct.unpack("iII", control[0][2]) == (os.getpid(), os.getuid(), os.getgid()))
    b.settimeout(0.05)
    try:
        b.recv(1)
    except TimeoutError as error:
        print("timeout:", error)
    b.setblocking(False)
    try:
        b.recv(1)
    except BlockingIOError as error:
        print("nothing there:", error.errno)
    print("options:", b.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE), a.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    with selectors.EpollSelector() as selector:
        selector.register(b, selectors.EVENT_READ)
        a.close()
        print("epoll:", len(selector.select()), b.recv(1))


def refusals():
    for what in (
        lambda: socket.socket(socket.AF_INET, 99),
        lambda: socket.socket(9999),
        lambda: socket.create_connection(("127.0.0.1", 1)),
        lambda: socket.socket().getpeername(),
        lambda: socket.socket().listen() or socket.socket().accept(),
        lambda: socket.socket(fileno=0),
        lambda: socket.getaddrinfo("no.such.name.invalid.", 80, flags=socket.AI_NUMERICHOST),
    ):
        try:
            what()
        except OSError as error:
            print("refused:", error.errno, error.strerror)


if __name__ == "__main__":
    asyncio.run(loop())
    processes()
    threads()
    messages()
    refusals()
    sys.stdout.flush()
