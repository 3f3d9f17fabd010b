# Linux's numbers, written down here and not taken from `abi`: the guests are what `abi` is tested against.

# System calls: arch/x86/entry/syscalls/syscall_32.tbl.
    .set NR_EXIT, 1
    .set NR_FORK, 2
    .set NR_READ, 3
    .set NR_WRITE, 4
    .set NR_CLOSE, 6
    .set NR_WAITPID, 7
    .set NR_EXECVE, 11
    .set NR_GETPID, 20
    .set NR_KILL, 37
    .set NR_GETPPID, 64
    .set NR_SOCKETCALL, 102
    .set NR_SIGRETURN, 119
    .set NR_RT_SIGACTION, 174
    .set NR_EXIT_GROUP, 252
    .set NR_SOCKET, 359
    .set NR_CLOCK_GETTIME64, 403

# The calls behind NR_SOCKETCALL: linux/net.h.
    .set SYS_SOCKET, 1
    .set SYS_BIND, 2
    .set SYS_CONNECT, 3
    .set SYS_LISTEN, 4
    .set SYS_ACCEPT, 5
    .set SYS_GETSOCKNAME, 6
    .set SYS_GETPEERNAME, 7
    .set SYS_SOCKETPAIR, 8
    .set SYS_SEND, 9
    .set SYS_RECV, 10
    .set SYS_SENDTO, 11
    .set SYS_RECVFROM, 12
    .set SYS_SHUTDOWN, 13
    .set SYS_SETSOCKOPT, 14
    .set SYS_GETSOCKOPT, 15
    .set SYS_SENDMSG, 16
    .set SYS_RECVMSG, 17
    .set SYS_ACCEPT4, 18
    .set SYS_RECVMMSG, 19
    .set SYS_SENDMMSG, 20

# Their arguments: linux/socket.h, linux/net.h, asm-generic/socket.h.
    .set AF_UNIX, 1
    .set AF_INET, 2
    .set SOCK_STREAM, 1
    .set SOCK_DGRAM, 2
    .set SOCK_CLOEXEC, 0x80000
    .set SOL_SOCKET, 1
    .set SO_REUSEADDR, 2
    .set SO_TYPE, 3
    .set SHUT_WR, 1
    .set SHUT_RDWR, 2
    .set MSG_NOSIGNAL, 0x4000
    .set MSG_WAITFORONE, 0x10000

# struct sockaddr_in: the family and the port (big-endian) in one word, the address in the next.
    .set SOCKADDR_IN, 16
    .set LOOPBACK, 0x0100007f                   # 127.0.0.1, big-endian

# The auxiliary vector's entry with the address of __kernel_vsyscall: asm/auxvec.h.
    .set AT_SYSINFO, 32

# Signals and clocks: asm/signal.h, linux/time.h.
    .set SIGUSR1, 10
    .set SA_RESTORER, 0x04000000
    .set CLOCK_MONOTONIC, 1

    .set STDIN, 0
    .set STDOUT, 1
    .set STDERR, 2
