# All children run at the same time. Each one's exit status is made of its own process id, so that the parent
# sees whose it is.
    program "fork-calls N"
    variable CHILDREN, 4
    variable COUNT, 4
    variable ROUNDS, 4
    variable STATUS, 4

main.{image}:
    number_argument 1
    movl %eax, CHILDREN
    movl %eax, COUNT
1:  subl $1, COUNT
    js 2f
    sys NR_FORK
    must "fork"
    testl %eax, %eax
    jz child.{image}
    jmp 1b

2:  movl CHILDREN, %eax
    movl %eax, COUNT
3:  subl $1, COUNT
    js 4f
    sys NR_WAITPID, $-1, $STATUS, $0
    must "waitpid"
    andl $0x3f, %eax
    orl $0x80, %eax
    shll $8, %eax                               # exited, and with that: WEXITSTATUS of sys/wait.h
    cmpl %eax, STATUS
    je 3b
    append "a child failed, its wait status is "
    movl STATUS, %eax
    call append_decimal.{image}
    append "\n"
    movl $STDERR, %ebx
    call flush.{image}
    sys NR_EXIT_GROUP, $2

4:  movl CHILDREN, %eax
    call append_decimal.{image}
    append " children\n"
    movl $STDOUT, %ebx
    call flush.{image}
    sys NR_EXIT_GROUP, $0

# Opens and closes a few sockets. The status has bit 7 set: it is none that a failure exits with.
child.{image}:
    movl $4, ROUNDS
1:  socketcall SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0
    must "socket"
    sys NR_CLOSE, %eax
    must "close"
    decl ROUNDS
    jnz 1b
    sys NR_GETPID
    andl $0x3f, %eax
    orl $0x80, %eax
    sys NR_EXIT_GROUP, %eax
