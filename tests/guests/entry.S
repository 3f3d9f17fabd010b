# The two ways into socketcall by hand, with every register known before and seen after.
#
#	void enter_int80(const struct registers *before, struct registers *after);
#	void enter_vdso(const struct registers *before, struct registers *after, uint32_t sysinfo);
#
# struct registers is { eax, ebx, ecx, edx, esi, edi, ebp, eflags }. esp is not in it: everything after the
# call is found through esp, so a change of it cannot go unseen.

	.set	EAX, 0
	.set	EBX, 4
	.set	ECX, 8
	.set	EDX, 12
	.set	ESI, 16
	.set	EDI, 20
	.set	EBP, 24
	.set	EFLAGS, 28

	.macro	enter name, instruction:vararg
	.globl	\name
	.type	\name, @function
\name:	push	%ebp
	push	%ebx
	push	%esi
	push	%edi
	mov	20(%esp), %eax		# before
	mov	28(%esp), %edx		# sysinfo
	push	%edx
	push	EFLAGS(%eax)
	popf
	mov	EBX(%eax), %ebx
	mov	ECX(%eax), %ecx
	mov	EDX(%eax), %edx
	mov	ESI(%eax), %esi
	mov	EDI(%eax), %edi
	mov	EBP(%eax), %ebp
	mov	EAX(%eax), %eax
	\instruction
	pushf
	push	%eax
	mov	36(%esp), %eax		# after
	mov	%ebx, EBX(%eax)
	mov	%ecx, ECX(%eax)
	mov	%edx, EDX(%eax)
	mov	%esi, ESI(%eax)
	mov	%edi, EDI(%eax)
	mov	%ebp, EBP(%eax)
	pop	EAX(%eax)
	pop	EFLAGS(%eax)
	pop	%edx
	pop	%edi
	pop	%esi
	pop	%ebx
	pop	%ebp
	ret
	.size	\name, . - \name
	.endm

	.text
	enter	enter_int80, int $0x80
	enter	enter_vdso, call *(%esp)

	.section .note.GNU-stack, "", @progbits
