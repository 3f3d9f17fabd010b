# The frame around every image: what `src/images.rs` reads, and the macros that the programs are written with.
# All images are assembled into one object file, so a label carries its image's name (`main.{image}`)
# or is a number, a macro is purged again in end.s, and a constant is simply set once more.
#
# Operands from Rust: {image} the image's symbol, {text} the address that the text is loaded at,
# {data} the address of the variables, {vdso} 1 where the kernel is entered through the vDSO.
#
# The section has three parts: 0 the code, 1 the strings, 2 the addresses of the instructions that enter the kernel.

    .pushsection .rodata.{image}, "a", @progbits
    .code32
    .balign 16
    .globl {image}
    .hidden {image}
{image}:                                        # struct Header of src/images.rs
    .long code_end.{image} - text.{image}
    .long text_end.{image} - text.{image}
    .long entries.{image} - text.{image}
    .long (entries_end.{image} - entries.{image}) / 4
    .long start.{image} - text.{image}
    .long bss.{image}
    .balign 16
text.{image}:

    .subsection 2
entries.{image}:
    .subsection 0

# variable NAME, SIZE: SIZE zeroed bytes in the writable segment, at the address NAME. Declare before use:
# till then the name may stand for another image's variable.
    .set BSS, 0
    .macro variable name, size
    .set \name, {data} + BSS
    .set BSS, BSS + ((\size + 3) & ~3)
    .endm

    variable STACK, 4                           # %esp at the start, from start.s
    variable SYSINFO, 4                         # AT_SYSINFO, the address of __kernel_vsyscall, from start.s

# address LABEL, REGISTER: the address of a label. The host's binary may be loaded anywhere, the image
# is not: so this is a number known when assembling, and no relocation.
    .macro address label, register
    movl $({text} + (\label - text.{image})), \register
    .endm

# string "TEXT", REGISTER: the address of a zero-terminated string.
    .macro string text, register
    .subsection 1
77: .asciz "\text"
    .subsection 0
    address 77b, \register
    .endm

# enter_kernel: the system call numbered %eax, with its arguments in %ebx, %ecx, %edx, %esi, %edi, %ebp.
# The result, or a negated errno, comes back in %eax; nothing else changes.
    .macro enter_kernel
    .if {vdso}
77: call *SYSINFO                               # __kernel_vsyscall: sysenter, syscall or int, as the processor has it
    .else
77: int $0x80
    .endif
    .subsection 2
    .long {text} + (77b - text.{image})
    .subsection 0
    .endm

# sys NUMBER [, ARGUMENT...]: a plain system call of up to three arguments.
    .macro sys number, ebx, ecx, edx
    .ifnb \ebx
    movl \ebx, %ebx
    .endif
    .ifnb \ecx
    movl \ecx, %ecx
    .endif
    .ifnb \edx
    movl \edx, %edx
    .endif
    movl $\number, %eax
    enter_kernel
    .endm

# push_words WORD...: the words on the stack, the first one lowest; WORDS counts them.
    .macro push_words first, rest:vararg
    .ifnb \first
    push_words \rest
    pushl \first
    .set WORDS, WORDS + 1
    .endif
    .endm

# socketcall CALL, WORD...: the words become the array on the stack. Changes %ebx and %ecx.
    .macro socketcall call, words:vararg
    .set WORDS, 0
    push_words \words
    movl $NR_SOCKETCALL, %eax
    movl $\call, %ebx
    movl %esp, %ecx
    enter_kernel
    addl $(4 * WORDS), %esp
    .endm

# must "NAME": where %eax is a negated errno, "NAME: errno N" goes to standard error and the program exits 1.
    .macro must name
    testl %eax, %eax
    jns 78f
    string "\name", %esi
    jmp fail.{image}
78:
    .endm

# append "TEXT": puts it into the output, which `flush` writes.
    .macro append text
    string "\text", %esi
    call append_string.{image}
    .endm

# number_argument INDEX [, DEFAULT]: argv[INDEX] as a number in %eax. Without a default it has to be there.
    .macro number_argument index, default=-1
    movl $\index, %ecx
    movl $\default, %eax
    call number_argument.{image}
    .endm

# program "USAGE": what the program is called with. Its code follows, from `main`.
    .macro program usage
    .subsection 1
usage.{image}:
    .asciz "usage: \usage\n"
    .subsection 0
    .endm
