# A system call that is no socket call, and does next to nothing.
    program "bench-getppid N"

main.{image}:
    number_argument 1
    movl %eax, %edi                             # rounds to go; no call changes it
    testl %edi, %edi
    jz 2f

1:  movl $NR_GETPPID, %eax
    enter_kernel
    decl %edi
    jnz 1b

2:  sys NR_EXIT_GROUP, $0
