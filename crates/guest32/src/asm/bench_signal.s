# A signal that the process sends to itself: sent, handled, returned from.
    program "bench-signal N|-"
    variable ACTION, 20                         # struct sigaction: handler, flags, restorer, 64-bit mask
    variable HANDLED, 4

main.{image}:
    address handler.{image}, %eax
    movl %eax, ACTION
    movl $SA_RESTORER, 4 + ACTION
    address restorer.{image}, %eax
    movl %eax, 8 + ACTION
    movl $8, %esi                               # the size of the mask
    sys NR_RT_SIGACTION, $SIGUSR1, $ACTION, $0
    must "rt_sigaction"
    sys NR_GETPID
    movl %eax, %ebp
    call measure.{image}
    sys NR_EXIT_GROUP, $0

rounds.{image}:
1:  sys NR_KILL, %ebp, $SIGUSR1
    must "kill"
    decl HANDLED                                # signal(7): one at least is delivered before kill returns
    js 2f
    decl %edi
    jnz 1b
    ret
2:  sys NR_EXIT_GROUP, $2

handler.{image}:
    incl HANDLED
    ret

# sigreturn(2) finds the frame by the stack pointer, which must be past the signal's number: by `int $0x80`
# alone, as the kernel's own __kernel_sigreturn does it.
restorer.{image}:
    popl %eax
    movl $NR_SIGRETURN, %eax
    int $0x80
