# Numbers and strings, for all programs but the article's. These functions keep %ebx and %ebp only.

# Output is collected, so that a line is written by one system call.
    .set OUTPUT_SIZE, 512
    variable OUTPUT, OUTPUT_SIZE
    variable OUTPUT_LENGTH, 4

# Appends the zero-terminated string at %esi.
append_string.{image}:
    movl OUTPUT_LENGTH, %edx
1:  lodsb
    testb %al, %al
    jz 2f
    movb %al, OUTPUT(%edx)
    incl %edx
    jmp 1b
2:  movl %edx, OUTPUT_LENGTH
    ret

# Appends the signed number in %eax. Its digits come last one first, so they go by the stack.
append_decimal.{image}:
    movl OUTPUT_LENGTH, %edi
    testl %eax, %eax
    jns 1f
    movb $'-', OUTPUT(%edi)
    incl %edi
    negl %eax
1:  movl $10, %esi
    xorl %ecx, %ecx                             # how many digits
2:  xorl %edx, %edx
    divl %esi
    pushl %edx
    incl %ecx
    testl %eax, %eax
    jnz 2b
3:  popl %edx
    addl $'0', %edx
    movb %dl, OUTPUT(%edi)
    incl %edi
    decl %ecx
    jnz 3b
    movl %edi, OUTPUT_LENGTH
    ret

# Writes the output to the descriptor in %ebx. Where that fails there is nobody left to tell: exit 1.
flush.{image}:
    movl $OUTPUT, %ecx
    movl OUTPUT_LENGTH, %edx
1:  movl $NR_WRITE, %eax
    enter_kernel
    testl %eax, %eax
    js 2f
    addl %eax, %ecx
    subl %eax, %edx
    jnz 1b
    movl %edx, OUTPUT_LENGTH
    ret
2:  sys NR_EXIT_GROUP, $1

# Says "%esi: errno -%eax" on standard error and exits 1.
fail.{image}:
    call say_errno.{image}
    sys NR_EXIT_GROUP, $1

# Says "%esi: errno -%eax" on standard error.
say_errno.{image}:
    movl $0, OUTPUT_LENGTH
    pushl %eax
    call append_string.{image}
    append ": errno "
    popl %eax
    negl %eax
    call append_decimal.{image}
    append "\n"
    movl $STDERR, %ebx
    jmp flush.{image}

# argv[%ecx] as a number in %eax; what is in %eax where there is no such argument, unless that is negative.
number_argument.{image}:
    movl STACK, %edx
    cmpl (%edx), %ecx                           # argc
    jb 1f
    testl %eax, %eax
    js wrong_usage.{image}
    ret
1:  movl 4(%edx,%ecx,4), %esi
    xorl %eax, %eax
    movzbl (%esi), %ecx
2:  subl $'0', %ecx
    cmpl $9, %ecx
    ja wrong_usage.{image}
    imull $10, %eax
    jo wrong_usage.{image}
    addl %ecx, %eax
    jo wrong_usage.{image}
    incl %esi
    movzbl (%esi), %ecx
    testl %ecx, %ecx
    jnz 2b
    ret

wrong_usage.{image}:
    address usage.{image}, %esi
    call append_string.{image}
    movl $STDERR, %ebx
    call flush.{image}
    sys NR_EXIT_GROUP, $64                      # EX_USAGE of sysexits.h
