# One byte goes into one end of a pair and comes out of the other, in one process.
    program "bench-sendrecv N"
    variable LEFT, 4                            # socketpair(2) writes these two
    variable RIGHT, 4
    variable BYTE, 4

main.{image}:
    number_argument 1
    movl %eax, %edi                             # rounds to go; no call changes it
    socketcall SYS_SOCKETPAIR, $AF_UNIX, $SOCK_STREAM, $0, $LEFT
    must "socketpair"
    push_words RIGHT, $BYTE, $1, $0
    push_words LEFT, $BYTE, $1, $0
    testl %edi, %edi
    jz 2f

1:  movl $NR_SOCKETCALL, %eax
    movl $SYS_SEND, %ebx
    movl %esp, %ecx
    enter_kernel
    must "send"
    movl $NR_SOCKETCALL, %eax
    movl $SYS_RECV, %ebx
    leal 16(%esp), %ecx
    enter_kernel
    must "recv"
    decl %edi
    jnz 1b

2:  sys NR_EXIT_GROUP, $0
