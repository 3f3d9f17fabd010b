# A program without any library, in the non-position-independent code of old: it makes a TCP socket and
# closes it, by int $0x80 alone. Exit status: the descriptor that it got, or the errno.

	.set	EXIT, 1
	.set	CLOSE, 6
	.set	SOCKETCALL, 102
	.set	SYS_SOCKET, 1

	.data
words:	.long	2, 1, 6			# AF_INET, SOCK_STREAM, IPPROTO_TCP

	.text
	.globl	_start
_start:	mov	$SOCKETCALL, %eax
	mov	$SYS_SOCKET, %ebx
	mov	$words, %ecx
	int	$0x80
	test	%eax, %eax
	js	1f
	mov	%eax, %ebx
	mov	$CLOSE, %eax
	int	$0x80
	mov	$EXIT, %eax
	int	$0x80
1:	neg	%eax
	mov	%eax, %ebx
	mov	$EXIT, %eax
	int	$0x80

	.section .note.GNU-stack, "", @progbits
