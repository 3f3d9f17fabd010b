# Closes the image that begin.s opened.
code_end.{image}:
    .subsection 1
    .balign 4
text_end.{image}:
    .subsection 2
entries_end.{image}:
    .set bss.{image}, BSS

    .purgem variable
    .purgem address
    .purgem string
    .purgem enter_kernel
    .purgem sys
    .purgem push_words
    .purgem socketcall
    .purgem must
    .purgem append
    .purgem number_argument
    .purgem program
    .code64
    .popsection
