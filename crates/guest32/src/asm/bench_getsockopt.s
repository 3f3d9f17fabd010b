# The loop has nothing in it but the call: the array is built once.
    program "bench-getsockopt N|-"
    variable VALUE, 4
    variable LENGTH, 4

main.{image}:
    socketcall SYS_SOCKET, $AF_UNIX, $SOCK_STREAM, $0
    must "socket"
    movl $4, LENGTH
    push_words %eax, $SOL_SOCKET, $SO_TYPE, $VALUE, $LENGTH
    movl %esp, %ebp
    call measure.{image}
    sys NR_EXIT_GROUP, $0

rounds.{image}:
    movl %ebp, %ecx
    movl $SYS_GETSOCKOPT, %ebx
1:  movl $NR_SOCKETCALL, %eax
    enter_kernel
    must "getsockopt"
    decl %edi
    jnz 1b
    ret
