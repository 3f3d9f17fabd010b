# One byte goes into one end of a pair and comes out of the other, in one process.
    program "bench-sendrecv N|-"
    variable LEFT, 4                            # socketpair(2) writes these two
    variable RIGHT, 4
    variable BYTE, 4

main.{image}:
    socketcall SYS_SOCKETPAIR, $AF_UNIX, $SOCK_STREAM, $0, $LEFT
    must "socketpair"
    push_words RIGHT, $BYTE, $1, $0
    push_words LEFT, $BYTE, $1, $0
    movl %esp, %ebp
    call measure.{image}
    sys NR_EXIT_GROUP, $0

rounds.{image}:
1:  movl $NR_SOCKETCALL, %eax
    movl $SYS_SEND, %ebx
    movl %ebp, %ecx
    enter_kernel
    must "send"
    movl $NR_SOCKETCALL, %eax
    movl $SYS_RECV, %ebx
    leal 16(%ebp), %ecx
    enter_kernel
    must "recv"
    decl %edi
    jnz 1b
    ret
