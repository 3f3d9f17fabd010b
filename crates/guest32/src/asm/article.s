# Creates a TCP socket by the multiplexer, and closes it. The exit status is 0, or the errno of what failed.
#
# After "x86 Linux Networking System Calls: Socketcall" (2010): one frame holds both the parameter array,
# at -12(%ebp), and the descriptor, at -16(%ebp). The stack grows downwards, so the array's first word is
# the one furthest from %ebp.
main.{image}:
    pushl %ebp
    movl %esp, %ebp
    subl $16, %esp

    # The words that socket(2) takes, in its order.
    movl $AF_INET, -12(%ebp)                    # family
    movl $SOCK_STREAM, -8(%ebp)                 # type
    movl $0, -4(%ebp)                           # protocol: the family's own for this type

    # One system call for all of them: %ebx says which call is meant, %ecx where its words are.
    movl $NR_SOCKETCALL, %eax
    movl $SYS_SOCKET, %ebx
    leal -12(%ebp), %ecx
    enter_kernel
    movl %eax, -16(%ebp)                        # the descriptor; %eax is needed for the next call
    testl %eax, %eax
    js 1f

    # A socket is a descriptor like any other: close(2) is a system call of its own.
    movl $NR_CLOSE, %eax
    movl -16(%ebp), %ebx
    enter_kernel

1:  addl $16, %esp
    popl %ebp

    # %eax is 0 or a negated errno.
    movl %eax, %ebx
    negl %ebx
    andl $0x7f, %ebx
    movl $NR_EXIT, %eax
    enter_kernel
