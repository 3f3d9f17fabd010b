# Two processes hand one byte to and fro: each round is a send and a receive on either side.
    program "bench-pingpong N|-"
    variable PARENT, 4                          # socketpair(2) writes these two: one end for each process
    variable CHILD, 4
    variable BYTE, 4
    variable STATUS, 4

# byte CALL: sends or receives it; both take the same words.
    .macro byte call, name
    movl $NR_SOCKETCALL, %eax
    movl $\call, %ebx
    movl %ebp, %ecx
    enter_kernel
    must "\name"
    .endm

main.{image}:
    socketcall SYS_SOCKETPAIR, $AF_UNIX, $SOCK_STREAM, $0, $PARENT
    must "socketpair"
    sys NR_FORK
    must "fork"
    testl %eax, %eax
    jz child.{image}

    # Each closes the other's end, so that nobody waits for one who died.
    sys NR_CLOSE, CHILD
    must "close"
    push_words PARENT, $BYTE, $1, $MSG_NOSIGNAL
    movl %esp, %ebp
    call measure.{image}
    sys NR_CLOSE, PARENT
    must "close"
    sys NR_WAITPID, $-1, $STATUS, $0
    must "waitpid"
    movl STATUS, %eax
    testl %eax, %eax                            # 0: exited, with 0
    jz 1f
    movl $2, %eax
1:  sys NR_EXIT_GROUP, %eax

rounds.{image}:
1:  byte SYS_SEND, "send"
    byte SYS_RECV, "recv"
    decl %edi
    jnz 1b
    ret

child.{image}:
    sys NR_CLOSE, PARENT
    must "close"
    push_words CHILD, $BYTE, $1, $MSG_NOSIGNAL
    movl %esp, %ebp
1:  byte SYS_RECV, "recv"
    testl %eax, %eax                            # 0: the parent has closed its end
    jz 2f
    byte SYS_SEND, "send"
    jmp 1b
2:  sys NR_EXIT_GROUP, $0

    .purgem byte
