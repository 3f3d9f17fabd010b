# A system call that is no socket call, and does next to nothing.
    program "bench-getppid N|-"

main.{image}:
    call measure.{image}
    sys NR_EXIT_GROUP, $0

rounds.{image}:
1:  movl $NR_GETPPID, %eax
    enter_kernel
    decl %edi
    jnz 1b
    ret
