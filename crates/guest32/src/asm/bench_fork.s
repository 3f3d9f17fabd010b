# A process that does nothing, from its birth to the parent's wait for it.
    program "bench-fork N|-"
    variable STATUS, 4

main.{image}:
    call measure.{image}
    sys NR_EXIT_GROUP, $0

rounds.{image}:
1:  sys NR_FORK
    must "fork"
    testl %eax, %eax
    jz 2f
    sys NR_WAITPID, %eax, $STATUS, $0
    must "waitpid"
    cmpl $0, STATUS                             # exited, with 0
    jne 3f
    decl %edi
    jnz 1b
    ret
2:  sys NR_EXIT_GROUP, $0
3:  sys NR_EXIT_GROUP, $2
