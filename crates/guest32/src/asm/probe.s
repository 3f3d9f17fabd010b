# Asks for sockets and tells what came of it, one line each, written before the next call is made: a filter may
# kill who makes it.
    program "probe 102|359 [FAMILY TYPE PROTOCOL]..."
    variable NUMBER, 4
    variable ARRAY, 3 * 4
    variable FAILED, 4

main.{image}:
    number_argument 1
    movl %eax, NUMBER
    cmpl $NR_SOCKETCALL, %eax
    je 1f
    cmpl $NR_SOCKET, %eax
    jne wrong_usage.{image}
1:  movl $2, %ebp                               # the next argument's index

2:  movl STACK, %edx
    cmpl (%edx), %ebp                           # argc
    jae 7f
    .irp word, 0, 4, 8
    movl %ebp, %ecx
    movl $-1, %eax
    call number_argument.{image}
    movl %eax, ARRAY + \word
    incl %ebp
    .endr

    movl NUMBER, %eax
    cmpl $NR_SOCKETCALL, %eax
    je 3f
    movl ARRAY, %ebx
    movl ARRAY + 4, %ecx
    movl ARRAY + 8, %edx
    jmp 4f
3:  movl $SYS_SOCKET, %ebx
    movl $ARRAY, %ecx
4:  enter_kernel
    testl %eax, %eax
    js 5f
    sys NR_CLOSE, %eax
    must "close"
    xorl %eax, %eax
    jmp 6f
5:  movl $1, FAILED
6:  call append_decimal.{image}
    append "\n"
    movl $STDOUT, %ebx
    call flush.{image}
    jmp 2b

7:  sys NR_EXIT_GROUP, FAILED
