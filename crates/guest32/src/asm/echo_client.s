    program "echo-client PORT [ROUNDS]"
    variable ROUNDS, 4
    variable SOCKET, 4
    variable ADDRESS, SOCKADDR_IN
    variable DONE, 4                            # how much of the line went out, then how much came back
    variable BUFFER, 64

    .subsection 1
line.{image}:
    .ascii "one line, there and back\n"
    .set LINE, 25
    .byte 0
    .subsection 0

main.{image}:
    number_argument 1
    xchgb %al, %ah                              # big-endian
    movw %ax, ADDRESS + 2
    movw $AF_INET, ADDRESS
    movl $LOOPBACK, ADDRESS + 4
    number_argument 2, 1
    movl %eax, ROUNDS

    socketcall SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0
    must "socket"
    movl %eax, SOCKET
    socketcall SYS_CONNECT, SOCKET, $ADDRESS, $SOCKADDR_IN
    must "connect"

1:  subl $1, ROUNDS
    js 5f

    movl $0, DONE
2:  address line.{image}, %esi
    addl DONE, %esi
    movl $LINE, %edx
    subl DONE, %edx
    jz 3f
    socketcall SYS_SEND, SOCKET, %esi, %edx, $MSG_NOSIGNAL
    must "send"
    addl %eax, DONE
    jmp 2b

    # A stream keeps no boundaries: the line may come back in pieces.
3:  movl $0, DONE
4:  movl DONE, %esi
    addl $BUFFER, %esi
    movl $LINE, %edx
    subl DONE, %edx
    jz compare.{image}
    socketcall SYS_RECV, SOCKET, %esi, %edx, $0
    must "recv"
    testl %eax, %eax                            # the end, too early
    jz mismatch.{image}
    addl %eax, DONE
    jmp 4b

compare.{image}:
    address line.{image}, %esi
    movl $BUFFER, %edi
    movl $LINE, %ecx
    repe cmpsb
    je 1b

mismatch.{image}:
    append "what came back is not what was sent\n"
    movl $STDERR, %ebx
    call flush.{image}
    sys NR_EXIT_GROUP, $2

    # All rounds are done. The line that is printed is the one that came back (none, for 0 rounds).
5:  movl $BUFFER, %esi
    call append_string.{image}
    cmpl $0, OUTPUT_LENGTH
    je 6f
    movl $STDOUT, %ebx
    call flush.{image}
6:  socketcall SYS_SHUTDOWN, SOCKET, $SHUT_RDWR
    must "shutdown"
    sys NR_CLOSE, SOCKET
    must "close"
    sys NR_EXIT_GROUP, $0
