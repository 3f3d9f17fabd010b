# Makes each of the twenty calls at least once, and some that fail, and looks after each whether a register
# other than %eax changed. What it prints is the same in every fresh process, so that two runs can be compared
# byte by byte: descriptors are handed out from 3 on, ports are not shown.
    program "all-calls"

    variable NAME, 4                            # the call being tried
    variable CALL, 4                            # what its registers held
    variable ARRAY, 4
    variable FRAME, 4
    variable RESULT, 4

    variable LISTENER, 4                        # descriptors
    variable CLIENT, 4
    variable SERVER, 4
    variable DATAGRAM, 4
    variable LEFT, 4                            # socketpair(2) writes these two
    variable RIGHT, 4

    variable VALUE, 4
    variable LENGTH, 4
    variable ADDRESS, SOCKADDR_IN
    variable PEER, SOCKADDR_IN
    variable BUFFER, 16
    variable OTHER_BUFFER, 16
    variable MESSAGES, 2 * 32                   # struct mmsghdr[2]: a msghdr of 28 bytes, and how much moved
    variable VECTORS, 2 * 8                     # struct iovec[2]: address, length
    variable TIMEOUT, 8                         # struct old_timespec32: seconds, nanoseconds

    # To stand in the registers that carry no argument. No call succeeds with one of them as an argument.
    .set IN_EDX, 0xd1d2d3d4
    .set IN_ESI, 0x51525354
    .set IN_EDI, 0xe1e2e3e4
    .set IN_EBP, 0xb1b2b3b4

# try "NAME", CALL, WORD...: makes the call with the words in an array on the stack, and prints the result.
    .macro try name, call, words:vararg
    .set WORDS, 0
    push_words \words
    movl %esp, %ecx
    try_at "\name", \call
    addl $(4 * WORDS), %esp
    .endm

# try_at "NAME", CALL: the same with the array that %ecx points to.
    .macro try_at name, call
    string "\name", %esi
    movl $\call, %ebx
    call checked_call.{image}
    .endm

# kept REGISTER, VALUE: fails where the register is not what it was.
    .macro kept register, value
    cmpl \value, %\register
    je 78f
    string "\register", %edi
    jmp changed.{image}
78:
    .endm

# expect VALUE, OPERAND: fails where the last call did not leave the value in the operand.
    .macro expect value, operand
    cmpl \value, \operand
    jne wrong.{image}
    .endm

main.{image}:
    # A TCP connection to oneself: LISTENER listens, CLIENT connects, SERVER is accepted.
    try "socket", SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0
    movl %eax, LISTENER
    movl $1, VALUE
    try "setsockopt", SYS_SETSOCKOPT, LISTENER, $SOL_SOCKET, $SO_REUSEADDR, $VALUE, $4
    movl $4, LENGTH
    movl $0, VALUE
    try "getsockopt", SYS_GETSOCKOPT, LISTENER, $SOL_SOCKET, $SO_TYPE, $VALUE, $LENGTH
    expect $SOCK_STREAM, VALUE
    movl $AF_INET, ADDRESS
    movl $LOOPBACK, ADDRESS + 4
    try "bind", SYS_BIND, LISTENER, $ADDRESS, $SOCKADDR_IN
    try "listen", SYS_LISTEN, LISTENER, $8
    movl $SOCKADDR_IN, LENGTH
    try "getsockname", SYS_GETSOCKNAME, LISTENER, $ADDRESS, $LENGTH
    expect $LOOPBACK, ADDRESS + 4
    expect $SOCKADDR_IN, LENGTH
    try "socket", SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0
    movl %eax, CLIENT
    try "connect", SYS_CONNECT, CLIENT, $ADDRESS, $SOCKADDR_IN
    movl $SOCKADDR_IN, LENGTH
    try "accept", SYS_ACCEPT, LISTENER, $PEER, $LENGTH
    movl %eax, SERVER
    expect $LOOPBACK, PEER + 4
    movl $SOCKADDR_IN, LENGTH
    try "getpeername", SYS_GETPEERNAME, CLIENT, $PEER, $LENGTH
    movl ADDRESS, %eax                          # the listener's family and port
    expect %eax, PEER

    movl $0x676e6970, BUFFER                    # "ping"
    try "send", SYS_SEND, CLIENT, $BUFFER, $4, $MSG_NOSIGNAL
    try "recv", SYS_RECV, SERVER, $OTHER_BUFFER, $4, $0
    expect $0x676e6970, OTHER_BUFFER
    try "shutdown", SYS_SHUTDOWN, CLIENT, $SHUT_WR
    try "recv", SYS_RECV, SERVER, $OTHER_BUFFER, $4, $0

    # A second connection. Its descriptor is closed on exec, and nobody asks who connected.
    try "socket", SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0
    movl %eax, CLIENT
    try "connect", SYS_CONNECT, CLIENT, $ADDRESS, $SOCKADDR_IN
    try "accept4", SYS_ACCEPT4, LISTENER, $0, $0, $SOCK_CLOEXEC

    # A datagram to oneself, with all six words.
    try "socket", SYS_SOCKET, $AF_INET, $SOCK_DGRAM, $0
    movl %eax, DATAGRAM
    movl $AF_INET, ADDRESS
    try "bind", SYS_BIND, DATAGRAM, $ADDRESS, $SOCKADDR_IN
    movl $SOCKADDR_IN, LENGTH
    try "getsockname", SYS_GETSOCKNAME, DATAGRAM, $ADDRESS, $LENGTH
    try "sendto", SYS_SENDTO, DATAGRAM, $BUFFER, $3, $0, $ADDRESS, $SOCKADDR_IN
    movl $0, OTHER_BUFFER
    movl $SOCKADDR_IN, LENGTH
    try "recvfrom", SYS_RECVFROM, DATAGRAM, $OTHER_BUFFER, $16, $0, $PEER, $LENGTH
    expect $0x6e6970, OTHER_BUFFER
    expect $SOCKADDR_IN, LENGTH
    movl ADDRESS, %eax
    expect %eax, PEER

    # Messages over a pair of datagram sockets.
    try "socketpair", SYS_SOCKETPAIR, $AF_UNIX, $SOCK_DGRAM, $0, $LEFT
    movl $BUFFER, VECTORS                       # "ping" in two pieces
    movl $1, VECTORS + 4
    movl $(BUFFER + 1), VECTORS + 8
    movl $3, VECTORS + 12
    movl $VECTORS, MESSAGES + 8                 # msg_iov
    movl $2, MESSAGES + 12                      # msg_iovlen
    try "sendmsg", SYS_SENDMSG, LEFT, $MESSAGES, $0
    movl $0, OTHER_BUFFER
    movl $OTHER_BUFFER, VECTORS
    movl $(OTHER_BUFFER + 1), VECTORS + 8
    try "recvmsg", SYS_RECVMSG, RIGHT, $MESSAGES, $0
    expect $0x676e6970, OTHER_BUFFER

    # Two messages at once, of one piece each.
    movl $BUFFER, VECTORS
    movl $(BUFFER + 2), VECTORS + 8
    movl $2, VECTORS + 12
    movl $1, MESSAGES + 12
    movl $(VECTORS + 8), MESSAGES + 32 + 8
    movl $1, MESSAGES + 32 + 12
    try "sendmmsg", SYS_SENDMMSG, LEFT, $MESSAGES, $2, $0
    expect $1, MESSAGES + 28                    # msg_len
    expect $2, MESSAGES + 32 + 28
    movl $0, OTHER_BUFFER
    movl $OTHER_BUFFER, VECTORS
    movl $(OTHER_BUFFER + 1), VECTORS + 8
    movl $60, TIMEOUT
    try "recvmmsg", SYS_RECVMMSG, RIGHT, $MESSAGES, $2, $MSG_WAITFORONE, $TIMEOUT
    expect $1, MESSAGES + 28
    expect $2, MESSAGES + 32 + 28
    expect $0x676e70, OTHER_BUFFER              # "p", "ng"
    cmpl $60, TIMEOUT                           # what is left of it was written back
    jae wrong.{image}

    # What the multiplexer itself refuses: a call that is not there, before the array is looked at ...
    xorl %ecx, %ecx
    try_at "call-0", 0
    xorl %ecx, %ecx
    try_at "call-21", 21
    xorl %ecx, %ecx
    try_at "call-minus-1", -1
    xorl %ecx, %ecx
    try_at "call-257", 257
    # ... and an array that can't be read.
    xorl %ecx, %ecx
    try_at "socket-at-0", SYS_SOCKET
    movl $0xfffffffc, %ecx
    try_at "socket-at-the-end-of-memory", SYS_SOCKET

    # An array may end where readable memory ends, and only its own words are read. Nothing is mapped
    # behind the page of the variables: a program that never called brk(2) has no heap there.
    movl $(page_end.{image} - 8), %ecx
    movl LISTENER, %eax
    movl %eax, (%ecx)
    movl $8, 4(%ecx)
    try_at "listen-at-page-end", SYS_LISTEN
    movl $(page_end.{image} - 8), %ecx
    try_at "socket-across-page-end", SYS_SOCKET

    # Errors of the calls themselves come through unchanged.
    try "bind-bad-descriptor", SYS_BIND, $77, $ADDRESS, $SOCKADDR_IN
    try "socket-bad-family", SYS_SOCKET, $12345, $SOCK_STREAM, $0
    try "connect-bad-address", SYS_CONNECT, CLIENT, $0, $SOCKADDR_IN
    try "sendmsg-compat-flag", SYS_SENDMSG, LEFT, $MESSAGES, $0x80000000
    sys NR_EXIT_GROUP, $0

# Makes the call %ebx with the array at %ecx, prints "%esi result" and returns the result in %eax.
checked_call.{image}:
    movl %esi, NAME
    movl %ebx, CALL
    movl %ecx, ARRAY
    movl %esp, FRAME
    movl $IN_EDX, %edx
    movl $IN_ESI, %esi
    movl $IN_EDI, %edi
    movl $IN_EBP, %ebp
    movl $NR_SOCKETCALL, %eax
    enter_kernel
    movl %eax, RESULT
    kept ebx, CALL
    kept ecx, ARRAY
    kept edx, $IN_EDX
    kept esi, $IN_ESI
    kept edi, $IN_EDI
    kept ebp, $IN_EBP
    kept esp, FRAME

    movl NAME, %esi
    call append_string.{image}
    append " "
    movl RESULT, %eax
    call append_decimal.{image}
    append "\n"
    movl $STDOUT, %ebx
    call flush.{image}
    movl RESULT, %eax
    ret

# %edi: the register's name.
changed.{image}:
    movl FRAME, %esp
    pushl %edi
    movl NAME, %esi
    call append_string.{image}
    append ": changed "
    popl %esi
    call append_string.{image}
    append "\n"
    movl $STDERR, %ebx
    call flush.{image}
    sys NR_EXIT_GROUP, $3

wrong.{image}:
    movl NAME, %esi
    call append_string.{image}
    append ": wrong data\n"
    movl $STDERR, %ebx
    call flush.{image}
    sys NR_EXIT_GROUP, $4

    .set page_end.{image}, {data} + ((BSS + 4095) & ~4095)
    .purgem try
    .purgem try_at
    .purgem kept
    .purgem expect
