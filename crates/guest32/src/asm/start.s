# Where the kernel starts the program: argc is at (%esp), then come the pointers of argv, a zero, those of
# the environment, a zero, and the auxiliary vector of pairs (type, value) that ends with type 0
# (fs/binfmt_elf.c, create_elf_tables).
start.{image}:
    movl %esp, STACK
    .if {vdso}
    movl (%esp), %ecx
    leal 8(%esp,%ecx,4), %esi                   # the environment
1:  lodsl
    testl %eax, %eax
    jnz 1b
2:  lodsl                                       # the type
    movl %eax, %edx
    lodsl                                       # the value
    cmpl $AT_SYSINFO, %edx
    je 3f
    testl %edx, %edx
    jnz 2b

    # The kernel was booted with vdso32=0. `int $0x80` is the only entry left to say so by.
    .subsection 1
4:  .ascii "no AT_SYSINFO: this kernel offers no 32-bit vDSO\n"
5:
    .subsection 0
    movl $NR_WRITE, %eax
    movl $STDERR, %ebx
    address 4b, %ecx
    movl $(5b - 4b), %edx
    int $0x80
    movl $NR_EXIT_GROUP, %eax
    movl $120, %ebx
    int $0x80
3:  movl %eax, SYSINFO
    .endif
