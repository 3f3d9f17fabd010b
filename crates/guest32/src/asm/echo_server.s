    program "echo-server [COUNT]"
    variable COUNT, 4
    variable LISTENER, 4
    variable CONNECTION, 4
    variable ADDRESS, SOCKADDR_IN
    variable ADDRESS_LENGTH, 4
    variable RECEIVED, 4                        # how many bytes are in BUFFER
    variable SENT, 4                            # how many of them went back
    .set BUFFER_SIZE, 4096
    variable BUFFER, BUFFER_SIZE

main.{image}:
    number_argument 1, 1
    movl %eax, COUNT

    socketcall SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0
    must "socket"
    movl %eax, LISTENER
    movl $AF_INET, ADDRESS                      # and port 0: the kernel chooses one
    movl $LOOPBACK, ADDRESS + 4
    socketcall SYS_BIND, LISTENER, $ADDRESS, $SOCKADDR_IN
    must "bind"
    socketcall SYS_LISTEN, LISTENER, $128
    must "listen"
    movl $SOCKADDR_IN, ADDRESS_LENGTH
    socketcall SYS_GETSOCKNAME, LISTENER, $ADDRESS, $ADDRESS_LENGTH
    must "getsockname"

    movzwl ADDRESS + 2, %eax                    # the port, big-endian
    xchgb %al, %ah
    call append_decimal.{image}
    append "\n"
    movl $STDOUT, %ebx
    call flush.{image}

    # One connection after the other.
1:  subl $1, COUNT
    js 5f
    socketcall SYS_ACCEPT, LISTENER, $0, $0
    must "accept"
    movl %eax, CONNECTION

2:  socketcall SYS_RECV, CONNECTION, $BUFFER, $BUFFER_SIZE, $0
    must "recv"
    testl %eax, %eax                            # the peer has said all it will
    jz 4f
    movl %eax, RECEIVED
    movl $0, SENT

    # send(2) may take less than it is given.
3:  movl RECEIVED, %edx
    subl SENT, %edx
    jz 2b
    movl SENT, %esi
    addl $BUFFER, %esi
    socketcall SYS_SEND, CONNECTION, %esi, %edx, $MSG_NOSIGNAL
    must "send"
    addl %eax, SENT
    jmp 3b

4:  sys NR_CLOSE, CONNECTION
    must "close"
    jmp 1b

5:  sys NR_EXIT_GROUP, $0
