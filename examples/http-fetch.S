/*
 * http-fetch: fetches a file by HTTP, with nothing but socketcall and the file calls.
 *
 *     gcc -m32 -nostdlib -static -o http-fetch http-fetch.S
 *     ./http-fetch 127.0.0.1 8000 /index.html            writes the file to standard output
 *     ./http-fetch 127.0.0.1 8000 /index.html FILE       writes it to FILE
 *
 * The exit status is
 *     0   the file was fetched, all of it,
 *     1   a call failed, or could not be made: which one, and why, stands on standard error,
 *     2   the server answered with something else than a file, or with a part of one: what, stands on
 *         standard error,
 *    64   wrong arguments.
 *
 * How long the file is, the server says by Content-Length. Where it does not say, the file is what comes
 * until the server closes the connection, and nobody can tell whether something is missing. The request
 * is one of HTTP/1.0, so that the file comes as it is; a server that sends it in chunks all the same is
 * refused.
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
        jc      usage                           # it is no number
        cmpl    $65535, %eax
        ja      usage
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

/*
 * A new descriptor is the lowest one that is free. If that is 0, 1 or 2, a standard one was closed: then
 * this socket would be standard output, say, and the file would be sent to the server.
 */
        cmpl    $(STDERR + 1), %eax
        jb      closed

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

/* What the header's fields say about the file: that it comes in chunks, or how long it is. */
        movl    $transfer_encoding, %esi
        call    field
        testl   %edi, %edi
        jnz     encoded
        movl    $content_length, %esi
        call    field
        movl    %edi, has_length                # an address, or 0
        testl   %edi, %edi
        jz      5f
        movl    %edi, %esi
        call    parse_number
        jc      no_length
        cmpb    $'\r', (%esi)                   # nothing may follow it
        jne     no_length
        movl    %eax, left

/* Only now is the file made: a server that has none must not empty it. */
5:      movl    $STDOUT, output
        cmpl    $0, file_name
        je      6f
        file_call NR_open, file_name, $O_WRONLY_CREAT_TRUNC, $0666
        or_fail "open"
        movl    %eax, output

/*
 * What came with the header is written first, then piece after piece, until nothing is left of the length,
 * or until the server sends no more.
 */
6:      movl    body, %esi
        movl    body_end, %edi
        subl    %esi, %edi
7:      cmpl    $0, has_length
        je      9f
        cmpl    left, %edi
        jbe     8f
        movl    left, %edi                      # what is more than it said is not of the file
8:      subl    %edi, left
9:      call    write_all
        cmpl    $0, has_length
        je      10f
        cmpl    $0, left
        je      11f                             # that was all
10:     socketcall SYS_RECV, socket, $buffer, $BUFFER_SIZE, $0
        or_fail "recv (socketcall 10)"
        movl    $buffer, %esi
        movl    %eax, %edi
        testl   %eax, %eax                      # 0: the server will send no more
        jnz     7b
        cmpl    $0, has_length
        jne     cut_off                         # and something is left

/* close tells what went wrong with a file at the very end. The socket is the kernel's to close. */
11:     file_call NR_close, output
        or_fail "close"
        xorl    %ebx, %ebx
        jmp     exit

/* write_all: %edi bytes at %esi to the output. write may take fewer too. */
write_all:
        testl   %edi, %edi
        jz      1f
        file_call NR_write, output, %esi, %edi
        or_fail "write"
        addl    %eax, %esi
        subl    %eax, %edi
        jmp     write_all
1:      ret

/*
 * field: looks for a field of the header, whose name is at %esi in small letters, with the colon. %edi
 * comes back as the address of what it says, or as 0 where there is no such field.
 */
field:
        movl    $buffer, %edi
1:      cmpw    $0x0a0d, (%edi)                 # to the end of the line: \r\n, backwards
        je      2f
        incl    %edi
        jmp     1b
2:      addl    $2, %edi                        # the next line; an empty one ends the header
        cmpw    $0x0a0d, (%edi)
        je      6f
        xorl    %ecx, %ecx                      # how much of the name is there
3:      movb    (%esi,%ecx), %al
        testb   %al, %al
        jz      4f                              # all of it
        movb    (%edi,%ecx), %dl
        orb     $0x20, %dl                      # makes a small letter of a capital one
        cmpb    %al, %dl
        jne     1b
        incl    %ecx
        jmp     3b
4:      addl    %ecx, %edi
5:      cmpb    $' ', (%edi)                    # spaces before the value are none of it
        jne     7f
        incl    %edi
        jmp     5b
6:      xorl    %edi, %edi
7:      ret

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
        jc      usage                           # it is no number
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

/*
 * parse_number: the number at %esi to %eax; %esi moves on to what follows. The carry flag is set where
 * there is no number, or none that 32 bits hold: mull, addl and cmpl leave it so.
 */
parse_number:
        xorl    %eax, %eax
        movl    $10, %ebx
        leal    1(%esi), %ebp                   # behind the first digit
1:      movzbl  (%esi), %ecx
        subl    $'0', %ecx
        cmpl    $9, %ecx                        # below '0' it has become a large one
        ja      2f
        mull    %ebx                            # %edx:%eax = 10 * %eax; carry: %edx is not 0
        jc      3f
        addl    %ecx, %eax
        jc      3f
        incl    %esi
        jmp     1b
2:      cmpl    %ebp, %esi                      # carry: %esi is below, so not a digit was there
3:      ret

/* The ends. Each prints to standard error what it has to say, and leaves the exit status in %ebx. */
usage:
        movl    $usage_text, %esi
        call    print
        movl    $64, %ebx
        jmp     exit

closed:
        movl    $closed_text, %esi
        call    print
        movl    $1, %ebx
        jmp     exit

no_http:
        movl    $no_http_text, %esi
        jmp     no_file
encoded:
        movl    $encoded_text, %esi
        jmp     no_file
no_length:
        movl    $no_length_text, %esi
        jmp     no_file
cut_off:
        movl    $cut_off_text, %esi
no_file:
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
transfer_encoding:
        .asciz  "transfer-encoding:"
content_length:
        .asciz  "content-length:"
usage_text:
        .asciz  "usage: http-fetch ADDRESS PORT PATH [FILE]\n"
program:
        .asciz  "http-fetch: "
errno:  .asciz  ": errno "
closed_text:
        .asciz  "http-fetch: standard input, output or error is closed\n"
encoded_text:
        .asciz  "http-fetch: the file comes in a Transfer-Encoding, chunked perhaps: HTTP/1.0 has none\n"
no_length_text:
        .asciz  "http-fetch: the Content-Length is no number below 2^32\n"
cut_off_text:
        .asciz  "http-fetch: the file is cut off: its Content-Length says more\n"
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
        .lcomm  has_length, 4                   # 0 if the server did not say it
        .lcomm  left, 4                         # how much of it is still to come
        .lcomm  buffer, BUFFER_SIZE

/* No executable stack is needed. */
        .section .note.GNU-stack, "", @progbits
