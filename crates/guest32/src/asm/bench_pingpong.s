# Two processes hand one byte to and fro: each round is a send and a receive on either side.
    program "bench-pingpong N"
    variable PARENT, 4                          # socketpair(2) writes these two: one end for each process
    variable CHILD, 4
    variable BYTE, 4
    variable STATUS, 4

# byte CALL: sends or receives it; both take the same words.
    .macro byte call, name
    movl $NR_SOCKETCALL, %eax
    movl $\call, %ebx
    movl %esp, %ecx
    enter_kernel
    must "\name"
    .endm

main.{image}:
    number_argument 1
    movl %eax, %edi                             # rounds to go; no call changes it
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
    testl %edi, %edi
    jz 2f
1:  byte SYS_SEND, "send"
    byte SYS_RECV, "recv"
    decl %edi
    jnz 1b

2:  sys NR_WAITPID, $-1, $STATUS, $0
    must "waitpid"
    movl STATUS, %eax
    testl %eax, %eax                            # 0: exited, with 0
    jz 3f
    movl $2, %eax
3:  sys NR_EXIT_GROUP, %eax

child.{image}:
    sys NR_CLOSE, PARENT
    must "close"
    push_words CHILD, $BYTE, $1, $MSG_NOSIGNAL
    testl %edi, %edi
    jz 2f
1:  byte SYS_RECV, "recv"
    byte SYS_SEND, "send"
    decl %edi
    jnz 1b
2:  sys NR_EXIT_GROUP, $0

    .purgem byte
