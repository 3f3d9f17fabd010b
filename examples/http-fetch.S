/*
 * http-fetch: fetches a file by HTTP, with nothing but socketcall and the file calls.
 *
 *     gcc -m32 -nostdlib -static -o http-fetch http-fetch.S
 *     ./http-fetch 127.0.0.1 8000 /index.html            writes the file to standard output
 *     ./http-fetch 127.0.0.1 8000 /index.html FILE       writes it to FILE
 *
 * The exit status is
 *     0   the file was fetched,
 *     1   a call failed: which one, and its errno, stand on standard error,
 *     2   the server answered with something else than a file: what, stands on standard error,
 *    64   wrong arguments.
 *
 * Read it beside docs/interface.md. 32-bit x86 Linux; AT&T syntax: the source comes first, $ marks a
 * number, % a register, and x(%ebp) is memory at %ebp + x.
 */

/* System calls of their own: asm/unistd_32.h. The number goes to %eax. */
        .equ    NR_exit, 1
        .equ    NR_write, 4
        .equ    NR_open, 5
        .equ    NR_close, 6
        .equ    NR_socketcall, 102

/* The calls behind NR_socketcall: linux/net.h. The number goes to %ebx. */
        .equ    SYS_SOCKET, 1
        .equ    SYS_CONNECT, 3
        .equ    SYS_SEND, 9
        .equ    SYS_RECV, 10

/* What they are given: linux/socket.h, linux/net.h, fcntl.h. */
        .equ    AF_INET, 2
        .equ    SOCK_STREAM, 1
        .equ    MSG_NOSIGNAL, 0x4000            # EPIPE as an error, and no SIGPIPE
        .equ    O_WRONLY_CREAT_TRUNC, 1 | 0100 | 01000

        .equ    STDOUT, 1
        .equ    STDERR, 2

        .equ    BUFFER_SIZE, 16384

/*
 * socketcall CALL, WORD...
 *
 * The whole interface. The words are pushed from the last to the first, because the stack grows
 * downwards: so the first one lies lowest, and %esp is the address of an array in the right order. For
 * example,  socketcall SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0  becomes
 *
 *         pushl   $0                              # protocol
 *         pushl   $1                              # type: SOCK_STREAM
 *         pushl   $2                              # family: AF_INET
 *         movl    $102, %eax                      # socketcall
 *         movl    $1, %ebx                        # which call: socket
 *         movl    %esp, %ecx                      # where its words are
 *         int     $0x80                           # into the kernel, and back
 *         addl    $12, %esp                       # away with the array
 *
 * %eax comes back with the result, or with a negated errno. %ebx and %ecx are changed by this macro,
 * nothing by the kernel.
 */
        .macro  push_words first, rest:vararg
        .ifnb   \first
        push_words \rest
        pushl   \first
        .set    WORDS, WORDS + 1
        .endif
        .endm

        .macro  socketcall call, words:vararg
        .set    WORDS, 0
        push_words \words
        movl    $NR_socketcall, %eax
        movl    $\call, %ebx
        movl    %esp, %ecx
        int     $0x80
        addl    $(4 * WORDS), %esp
        .endm

/*
 * file_call NUMBER, ARGUMENT...
 *
 * A system call that is not multiplexed takes its arguments in registers: %ebx, %ecx, %edx.
 */
        .macro  file_call number, first, second, third
        movl    \first, %ebx
        .ifnb   \second
        movl    \second, %ecx
        .endif
        .ifnb   \third
        movl    \third, %edx
        .endif
        movl    $\number, %eax
        int     $0x80
        .endm

/*
 * or_fail NAME
 *
 * After a call: where %eax is negative, tells which call failed and why, and exits. (A result of these
 * calls is never so large that it would look negative.)
 */
        .macro  or_fail name
        testl   %eax, %eax
        jns     .Lgood\@
        movl    $.Lname\@, %esi
        jmp     fail
        .pushsection .rodata
.Lname\@:
        .asciz  "\name"
        .popsection
.Lgood\@:
        .endm

        .text
        .globl  _start

/*
 * The kernel starts a program with the stack filled: at (%esp) the number of arguments, then their
 * addresses, the program's name being the first.
 */
_start:
        movl    (%esp), %eax                    # argc
        cmpl    $4, %eax
        jb      usage
        cmpl    $5, %eax
        ja      usage
        movl    20(%esp), %eax                  # argv[4], or the 0 that ends the list
        movl    %eax, file_name

        movl    8(%esp), %esi                   # argv[1]: an address such as 127.0.0.1
        call    parse_address
        movl    12(%esp), %esi                  # argv[2]: a port
        call    parse_number
        cmpb    $0, (%esi)                      # nothing may follow it
        jne     usage
        xchgb   %al, %ah                        # to network order: the high byte first
        movw    %ax, address + 2

/* The request is written down before there is a connection, so that it can be refused without one. */
        movl    $buffer, %edi
        movl    $get, %esi
        call    append
        movl    16(%esp), %esi                  # argv[3]: the path
        call    append
        movl    $version_and_host, %esi
        call    append
        movl    8(%esp), %esi                   # argv[1] once more
        call    append
        movl    $end_of_request, %esi
        call    append
        subl    $buffer, %edi
        movl    %edi, request_size

/* A socket; and the connection, whose address is the struct sockaddr_in below, 16 bytes of it. */
        socketcall SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0
        or_fail "socket (socketcall 1)"
        movl    %eax, socket

        socketcall SYS_CONNECT, socket, $address, $16
        or_fail "connect (socketcall 3)"

/*
 * send takes the socket, where the bytes are, how many, and flags. It may take fewer than it is given, so
 * it is repeated for the rest: %esi is where that starts, %edi how much it is.
 */
        movl    $buffer, %esi
        movl    request_size, %edi
1:      socketcall SYS_SEND, socket, %esi, %edi, $MSG_NOSIGNAL
        or_fail "send (socketcall 9)"
        addl    %eax, %esi
        subl    %eax, %edi
        jnz     1b

/*
 * The answer starts with a header, which ends at the first empty line. It may come in pieces of any size:
 * they are put one behind the other until the empty line is there. %edi is where the next one goes.
 */
        movl    $buffer, %edi
2:      movl    $(buffer + BUFFER_SIZE), %edx
        subl    %edi, %edx                      # how much room is left
        jz      no_http
        socketcall SYS_RECV, socket, %edi, %edx, $0
        or_fail "recv (socketcall 10)"
        testl   %eax, %eax                      # 0: the server will send no more
        jz      no_http
        addl    %eax, %edi

        movl    $buffer, %esi                   # look for \r\n\r\n, which as a number reads backwards
3:      leal    4(%esi), %eax
        cmpl    %edi, %eax
        ja      2b
        cmpl    $0x0a0d0a0d, (%esi)
        je      4f
        incl    %esi
        jmp     3b
4:      movl    %eax, body                      # the file starts behind it
        movl    %edi, body_end

/* The header's first line: HTTP/1.1 200 OK. Anything but 200 is no file. */
        cmpl    $0x50545448, buffer             # "HTTP", backwards
        jne     no_http
        cmpl    $0x30303220, buffer + 8         # " 200", backwards
        jne     refused

/* Only now is the file made: a server that has none must not empty it. */
        movl    $STDOUT, output
        cmpl    $0, file_name
        je      5f
        file_call NR_open, file_name, $O_WRONLY_CREAT_TRUNC, $0666
        or_fail "open"
        movl    %eax, output

/* What came with the header is written first, then piece after piece, until the server sends no more. */
5:      movl    body, %esi
        movl    body_end, %edi
        subl    %esi, %edi
        call    write_all
6:      socketcall SYS_RECV, socket, $buffer, $BUFFER_SIZE, $0
        or_fail "recv (socketcall 10)"
        movl    $buffer, %esi
        movl    %eax, %edi
        call    write_all
        testl   %edi, %edi                      # 0: that was all
        jnz     6b

/* close tells what went wrong with a file at the very end. The socket is the kernel's to close. */
        file_call NR_close, output
        or_fail "close"
        xorl    %ebx, %ebx
        jmp     exit

/* write_all: %edi bytes at %esi to the output. Keeps %edi. write may take fewer too. */
write_all:
        pushl   %edi
1:      testl   %edi, %edi
        jz      2f
        file_call NR_write, output, %esi, %edi
        or_fail "write"
        addl    %eax, %esi
        subl    %eax, %edi
        jmp     1b
2:      popl    %edi
        ret

/* append: the string at %esi to what is written down up to %edi, which moves on. */
append:
        lodsb                                   # %al = (%esi++)
        testb   %al, %al
        jz      1f
        cmpl    $(buffer + BUFFER_SIZE), %edi
        je      usage                           # the path is too long
        stosb                                   # (%edi++) = %al
        jmp     append
1:      ret

/* parse_address: four numbers at %esi, with dots between them, to the address. */
parse_address:
        movl    $(address + 4), %edi
1:      call    parse_number
        cmpl    $255, %eax
        ja      usage
        stosb
        lodsb                                   # what follows the number
        cmpl    $(address + 8), %edi
        je      2f
        cmpb    $'.', %al
        je      1b
        jmp     usage
2:      testb   %al, %al
        jnz     usage
        ret

/* parse_number: the number of at most 65535 at %esi to %eax; %esi moves on to what follows. */
parse_number:
        xorl    %eax, %eax
        movl    %esi, %ecx
1:      movzbl  (%esi), %edx
        subl    $'0', %edx
        cmpl    $9, %edx                        # below '0' it has become a large one
        ja      2f
        imull   $10, %eax
        addl    %edx, %eax
        cmpl    $65535, %eax
        ja      usage
        incl    %esi
        jmp     1b
2:      cmpl    %ecx, %esi
        je      usage                           # not a digit was there
        ret

/* The ends. Each prints to standard error what it has to say, and leaves the exit status in %ebx. */
usage:
        movl    $usage_text, %esi
        call    print
        movl    $64, %ebx
        jmp     exit

no_http:
        movl    $no_http_text, %esi
        call    print
        movl    $2, %ebx
        jmp     exit

/* The header's first line is what the server says. It ends with \r, in whose place a 0 is put. */
refused:
        movl    $buffer, %edi
        movb    $'\r', %al
        movl    $BUFFER_SIZE, %ecx
        repne   scasb                           # there is one: the empty line
        movb    $0, -1(%edi)
        movl    $refused_text, %esi
        call    print
        movl    $buffer, %esi
        call    print
        movl    $newline, %esi
        call    print
        movl    $2, %ebx
        jmp     exit

/* fail: %esi is the name of what failed, %eax the negated errno. */
fail:
        negl    %eax
        pushl   %eax
        pushl   %esi
        movl    $program, %esi
        call    print
        popl    %esi
        call    print
        movl    $errno, %esi
        call    print
        popl    %eax
        movl    $(digits + 4), %esi             # there are at most four digits: the largest errno is 4095
        movl    $10, %ecx
1:      xorl    %edx, %edx
        divl    %ecx                            # %eax = quotient, %edx = remainder: the last digit
        addb    $'0', %dl
        decl    %esi
        movb    %dl, (%esi)
        testl   %eax, %eax
        jnz     1b
        call    print
        movl    $1, %ebx

exit:
        movl    $NR_exit, %eax
        int     $0x80

/* print: the string at %esi to standard error. Whether that works, nobody is left to be told. */
print:
        xorl    %edx, %edx                      # its length, which the kernel wants to know
1:      cmpb    $0, (%esi,%edx)
        je      2f
        incl    %edx
        jmp     1b
2:      file_call NR_write, $STDERR, %esi
        ret

        .section .rodata
get:    .asciz  "GET "
version_and_host:
        .asciz  " HTTP/1.0\r\nHost: "
end_of_request:
        .asciz  "\r\nConnection: close\r\n\r\n"
usage_text:
        .asciz  "usage: http-fetch ADDRESS PORT PATH [FILE]\n"
program:
        .asciz  "http-fetch: "
errno:  .asciz  ": errno "
no_http_text:
        .asciz  "http-fetch: this is no HTTP server's answer\n"
refused_text:
        .asciz  "http-fetch: the server says: "
newline:
        .asciz  "\n"

        .data
/* struct sockaddr_in: family, port and address, both in network order, and eight bytes that mean nothing. */
address:
        .short  AF_INET
        .short  0
        .byte   0, 0, 0, 0
        .zero   8
digits: .ascii  "    "
        .asciz  "\n"

        .bss
        .lcomm  socket, 4                       # descriptors
        .lcomm  output, 4
        .lcomm  file_name, 4                    # its address, or 0
        .lcomm  request_size, 4
        .lcomm  body, 4                         # where the file starts in the buffer, and ends
        .lcomm  body_end, 4
        .lcomm  buffer, BUFFER_SIZE

/* No executable stack is needed. */
        .section .note.GNU-stack, "", @progbits
