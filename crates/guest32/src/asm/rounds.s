# The frame around a benchmark. A program's file has `main.{image}`, which prepares and then calls
# `measure.{image}`, and `rounds.{image}`, which makes %edi rounds, at least one; it may use %ebp as main left it.
#
# With a number N on the command line, N rounds are made and nothing is said. With `-`, numbers are read from
# standard input, one a line; each is answered by the nanoseconds that so many rounds took. Whoever asks can
# so measure several processes in turn, none of them at its start.
    .set FROM_INPUT, -1
    variable COUNT, 4
    variable CHARACTER, 4
    variable BEFORE, 16                         # struct __kernel_timespec: 64-bit seconds and nanoseconds
    variable AFTER, 16

    movl $FROM_INPUT, COUNT
    movl STACK, %edx
    movl 8(%edx), %esi                          # argv[1], or the null at the end
    testl %esi, %esi
    jz 1f
    cmpw $'-', (%esi)                           # with the zero behind it
    je main.{image}
1:  number_argument 1
    movl %eax, COUNT
    jmp main.{image}

# Makes all rounds that are asked for.
measure.{image}:
    movl COUNT, %edi
    cmpl $FROM_INPUT, %edi
    je 1f
    testl %edi, %edi
    jnz rounds.{image}
    ret

1:  movl $0, COUNT
2:  sys NR_READ, $STDIN, $CHARACTER, $1
    must "read"
    testl %eax, %eax
    jnz 3f
    ret                                         # nobody asks any more
3:  movzbl CHARACTER, %ecx
    cmpl $'\n', %ecx
    je 4f
    subl $'0', %ecx
    cmpl $9, %ecx
    ja wrong_usage.{image}
    imull $10, COUNT, %eax
    jo wrong_usage.{image}
    addl %ecx, %eax
    jo wrong_usage.{image}
    movl %eax, COUNT
    jmp 2b

4:  sys NR_CLOCK_GETTIME64, $CLOCK_MONOTONIC, $BEFORE
    must "clock_gettime64"
    movl COUNT, %edi
    testl %edi, %edi
    jz 5f
    call rounds.{image}
5:  sys NR_CLOCK_GETTIME64, $CLOCK_MONOTONIC, $AFTER
    must "clock_gettime64"
    movl AFTER, %eax
    subl BEFORE, %eax
    imull $1000000000, %eax
    jo 6f
    movl 8 + AFTER, %ecx
    subl 8 + BEFORE, %ecx
    addl %ecx, %eax
    jo 6f
    call append_decimal.{image}
    append "\n"
    movl $STDOUT, %ebx
    call flush.{image}
    jmp 1b

6:  append "more than two seconds: ask for fewer rounds\n"
    movl $STDERR, %ebx
    call flush.{image}
    sys NR_EXIT_GROUP, $2
