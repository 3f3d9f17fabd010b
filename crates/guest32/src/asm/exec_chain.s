# Proves that calls work in front of an exec: for chains of programs, 32-bit and 64-bit ones in turn.
    program "exec-chain N PROGRAM [ARG...]"
    variable ROUNDS, 4

main.{image}:
    number_argument 1
    movl %eax, ROUNDS
    movl STACK, %edx
    cmpl $3, (%edx)                             # argc
    jb wrong_usage.{image}

1:  subl $1, ROUNDS
    js 2f
    socketcall SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0
    must "socket"
    sys NR_CLOSE, %eax
    must "close"
    jmp 1b

    # argv[i] is at 4 + 4 * i, the environment behind argv's zero.
2:  movl STACK, %esi
    movl (%esi), %edi
    leal 8(%esi,%edi,4), %edx
    leal 12(%esi), %ecx
    sys NR_EXECVE, 12(%esi)
    string "execve", %esi
    call say_errno.{image}
    sys NR_EXIT_GROUP, $127                     # as a shell has it
