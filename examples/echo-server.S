/*
 * echo-server: sends back what it receives, with nothing but socketcall and the file calls.
 *
 *     gcc -m32 -nostdlib -static -o echo-server echo-server.S
 *     ./echo-server 127.0.0.1 7777              serves one connection after the other, until it is killed
 *     ./echo-server 127.0.0.1 0 3               serves three, on a port of the kernel's choice
 *
 * It prints one line as soon as it can be connected to:  listening on port 7777
 *
 * The exit status is
 *     0   as many connections were served as were asked for,
 *     1   a call failed: which one, and its errno, stand on standard error,
 *    64   wrong arguments.
 * A call that fails for one connection ends that connection, and not the server.
 *
 * Read http-fetch.S first: the macros are the same, and are explained there.
 */

/* System calls of their own: asm/unistd_32.h. */
        .equ    NR_exit, 1
        .equ    NR_write, 4
        .equ    NR_close, 6
        .equ    NR_socketcall, 102

/* The calls behind NR_socketcall: linux/net.h. */
        .equ    SYS_SOCKET, 1
        .equ    SYS_BIND, 2
        .equ    SYS_LISTEN, 4
        .equ    SYS_ACCEPT, 5
        .equ    SYS_GETSOCKNAME, 6
        .equ    SYS_SEND, 9
        .equ    SYS_RECV, 10
        .equ    SYS_SETSOCKOPT, 14

/* What they are given: linux/socket.h, linux/net.h, asm-generic/socket.h. */
        .equ    AF_INET, 2
        .equ    SOCK_STREAM, 1
        .equ    SOL_SOCKET, 1
        .equ    SO_REUSEADDR, 2
        .equ    MSG_NOSIGNAL, 0x4000
        .equ    BACKLOG, 16                     # how many connections may wait

        .equ    STDOUT, 1
        .equ    STDERR, 2

        .equ    BUFFER_SIZE, 4096

        .macro  push_words first, rest:vararg
        .ifnb   \first
        push_words \rest
        pushl   \first
        .set    WORDS, WORDS + 1
        .endif
        .endm

/* socketcall CALL, WORD...: the words become an array on the stack, whose address goes to %ecx. */
        .macro  socketcall call, words:vararg
        .set    WORDS, 0
        push_words \words
        movl    $NR_socketcall, %eax
        movl    $\call, %ebx
        movl    %esp, %ecx
        int     $0x80
        addl    $(4 * WORDS), %esp
        .endm

/* file_call NUMBER, ARGUMENT...: a call that is not multiplexed takes its arguments in registers. */
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

/* on_error NAME, PLACE: where the call has failed, tells so, and goes on at PLACE. */
        .macro  on_error name, place
        testl   %eax, %eax
        jns     .Lgood\@
        movl    $.Lname\@, %esi
        call    tell
        jmp     \place
        .pushsection .rodata
.Lname\@:
        .asciz  "\name"
        .popsection
.Lgood\@:
        .endm

        .text
        .globl  _start

_start:
        movl    (%esp), %eax                    # argc
        cmpl    $3, %eax
        jb      usage
        cmpl    $4, %eax
        ja      usage
        movl    8(%esp), %esi                   # argv[1]: the address to listen on
        call    parse_address
        movl    12(%esp), %esi                  # argv[2]: the port
        call    parse_number
        cmpb    $0, (%esi)
        jne     usage
        xchgb   %al, %ah                        # to network order
        movw    %ax, address + 2
        movl    16(%esp), %esi                  # argv[3]: how many connections, or 0: no end
        testl   %esi, %esi
        jz      1f
        call    parse_number
        cmpb    $0, (%esi)
        jne     usage
        movl    %eax, count
        movl    $1, counting

/*
 * A socket that listens takes three calls: one makes it, one gives it its address, one lets connections
 * queue up. SO_REUSEADDR, which is set in between, lets a server start again at once although connections
 * of its predecessor are still dying away. An option is passed by the address of its value and the size.
 */
1:      socketcall SYS_SOCKET, $AF_INET, $SOCK_STREAM, $0
        on_error "socket (socketcall 1)", failed
        movl    %eax, listener
        socketcall SYS_SETSOCKOPT, listener, $SOL_SOCKET, $SO_REUSEADDR, $one, $4
        on_error "setsockopt (socketcall 14)", failed
        socketcall SYS_BIND, listener, $address, $16
        on_error "bind (socketcall 2)", failed
        socketcall SYS_LISTEN, listener, $BACKLOG
        on_error "listen (socketcall 4)", failed

/*
 * Which port it is, the kernel tells: with port 0 it has chosen one. The size is passed by its address,
 * because the kernel writes there how long the address was.
 */
        socketcall SYS_GETSOCKNAME, listener, $address, $address_size
        on_error "getsockname (socketcall 6)", failed
        movl    $listening, %esi
        movl    $STDOUT, %edi
        call    print
        movzwl  address + 2, %eax
        xchgb   %al, %ah                        # from network order
        call    print_number

/* One connection after the other. accept makes a new socket for each; the peer's address is not wanted. */
next:
        cmpl    $0, counting
        je      1f
        decl    count
        js      served
1:      socketcall SYS_ACCEPT, listener, $0, $0
        on_error "accept (socketcall 5)", failed
        movl    %eax, connection

/* What is received is sent back, until the peer has said all it will: then recv returns 0. */
receive:
        socketcall SYS_RECV, connection, $buffer, $BUFFER_SIZE, $0
        on_error "recv (socketcall 10)", close
        movl    $buffer, %esi
        movl    %eax, %edi
        testl   %edi, %edi
        jz      close

/* send may take fewer bytes than it is given: %esi is where the rest starts, %edi how much it is. */
1:      socketcall SYS_SEND, connection, %esi, %edi, $MSG_NOSIGNAL
        on_error "send (socketcall 9)", close
        addl    %eax, %esi
        subl    %eax, %edi
        jnz     1b
        jmp     receive

close:
        file_call NR_close, connection
        on_error "close", failed
        jmp     next

served:
        xorl    %ebx, %ebx
        jmp     exit

usage:
        movl    $usage_text, %esi
        movl    $STDERR, %edi
        call    print
        movl    $64, %ebx
        jmp     exit

failed:
        movl    $1, %ebx
exit:
        movl    $NR_exit, %eax
        int     $0x80

/* tell: that the call whose name is at %esi has failed with the negated errno in %eax. */
tell:
        negl    %eax
        pushl   %eax
        pushl   %esi
        movl    $STDERR, %edi
        movl    $program, %esi
        call    print
        popl    %esi
        call    print
        movl    $errno, %esi
        call    print
        popl    %eax
        /* falls through */

/* print_number: %eax and a new line to the descriptor in %edi. */
print_number:
        movl    $(digits + 5), %esi             # there are at most five digits
        movl    $10, %ecx
1:      xorl    %edx, %edx
        divl    %ecx                            # %eax = quotient, %edx = remainder: the last digit
        addb    $'0', %dl
        decl    %esi
        movb    %dl, (%esi)
        testl   %eax, %eax
        jnz     1b
        /* falls through */

/* print: the string at %esi to the descriptor in %edi. */
print:
        xorl    %edx, %edx                      # its length
1:      cmpb    $0, (%esi,%edx)
        je      2f
        incl    %edx
        jmp     1b
2:      file_call NR_write, %edi, %esi
        ret

/* parse_address: four numbers at %esi, with dots between them, to the address. */
parse_address:
        movl    $(address + 4), %edi
1:      call    parse_number
        cmpl    $255, %eax
        ja      usage
        stosb                                   # (%edi++) = %al
        lodsb                                   # %al = (%esi++): what follows the number
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

        .section .rodata
one:    .long   1
usage_text:
        .asciz  "usage: echo-server ADDRESS PORT [COUNT]\n"
program:
        .asciz  "echo-server: "
errno:  .asciz  ": errno "
listening:
        .asciz  "listening on port "

        .data
/* struct sockaddr_in: family, port and address, both in network order, and eight bytes that mean nothing. */
address:
        .short  AF_INET
        .short  0
        .byte   0, 0, 0, 0
        .zero   8
address_size:
        .long   16
digits: .ascii  "     "
        .asciz  "\n"

        .bss
        .lcomm  listener, 4                     # descriptors
        .lcomm  connection, 4
        .lcomm  count, 4                        # how many connections are still to be served,
        .lcomm  counting, 4                     # if that has an end
        .lcomm  buffer, BUFFER_SIZE

/* No executable stack is needed. */
        .section .note.GNU-stack, "", @progbits
