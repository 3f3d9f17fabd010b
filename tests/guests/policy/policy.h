/* What the attacks share: every way to make a socket call, with memory that each of them can point at. */
#ifndef POLICY_H
#define POLICY_H

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
	char line[1024];
	va_list list;
	va_start(list, format);
	int length = vsnprintf(line, sizeof line, format, list);
	va_end(list);
	if (write(STDOUT_FILENO, line, length) != length)
		_exit(99);
}

static inline long must(const char *what, long result)
{
	if (result < 0) {
		say("%s failed: %s\n", what, strerror(errno));
		exit(98);
	}
	return result;
}

/* linux/net.h; and the direct calls' numbers. */
enum call { BIND, CONNECT, LISTEN, SENDTO, SENDMSG, SENDMMSG, SOCKET, CALLS };
static const struct { const char *name; int multiplexed, direct, words; } calls[CALLS] = {
	[BIND] = { "bind", 2, 361, 3 },	      [CONNECT] = { "connect", 3, 362, 3 },   [LISTEN] = { "listen", 4, 363, 2 },
	[SENDTO] = { "sendto", 11, 369, 6 },  [SENDMSG] = { "sendmsg", 16, 370, 3 },  [SENDMMSG] = { "sendmmsg", 20, 345, 4 },
	[SOCKET] = { "socket", 1, 359, 3 },
};

/* By which instruction a call is made, and whether as socketcall. */
enum way { SYSCALL, INT80, VDSO, SOCKETCALL, SOCKETCALL_VDSO, WAYS };
static const char *const ways[WAYS] = { "syscall", "int80", "vdso", "socketcall", "socketcall-vdso" };

static inline enum way way_of(const char *name)
{
	for (enum way way = 0; way < WAYS; way++)
		if (!strcmp(name, ways[way]))
			return way;
	say("no such way: %s\n", name);
	exit(97);
}

/* Whether structures of a call by this way have 32-bit members. */
static inline int is_narrow(enum way way) { return sizeof(long) == 4 || way != SYSCALL; }

/* int $0x80, or what `entry` points at, with every argument register; from 64-bit code too. Nothing here may be found by
 * way of ebp while it holds the sixth argument. */
long enter32(uint32_t number, const uint32_t words[6], uintptr_t entry);
#ifdef __i386__
asm(".text\n.globl enter32\nenter32:\n"
    "	push %ebp\n	push %ebx\n	push %esi\n	push %edi\n"
    "	mov 20(%esp), %eax\n	mov 24(%esp), %ebp\n	mov 28(%esp), %edx\n	push %edx\n"
    "	mov 0(%ebp), %ebx\n	mov 4(%ebp), %ecx\n	mov 8(%ebp), %edx\n	mov 12(%ebp), %esi\n"
    "	mov 16(%ebp), %edi\n	mov 20(%ebp), %ebp\n"
    "	cmpl $0, (%esp)\n	je 1f\n	call *(%esp)\n	jmp 2f\n"
    "1:	int $0x80\n"
    "2:	pop %edx\n	pop %edi\n	pop %esi\n	pop %ebx\n	pop %ebp\n	ret\n");
#else
asm(".text\n.globl enter32\nenter32:\n"
    "	push %rbp\n	push %rbx\n	mov %edi, %eax\n	mov %rsi, %rbp\n"
    "	mov 0(%rbp), %ebx\n	mov 4(%rbp), %ecx\n	mov 8(%rbp), %edx\n	mov 12(%rbp), %esi\n"
    "	mov 16(%rbp), %edi\n	mov 20(%rbp), %ebp\n"
    "	int $0x80\n	movslq %eax, %rax\n	pop %rbx\n	pop %rbp\n	ret\n");
#endif

/* Memory below 4 GiB, so that every way can point at it. */
static inline void *low(size_t size)
{
	int flags = MAP_SHARED | MAP_ANONYMOUS;
#ifdef __x86_64__
	flags |= MAP_32BIT;
#endif
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	must("mmap", memory == MAP_FAILED ? -1 : 0);
	return memory;
}

/* The array of a multiplexed call; one for each thread. */
static __thread uint32_t *array;

/* Makes a call; answers what the kernel does. */
static inline long call6(enum way way, enum call call, long a, long b, long c, long d, long e, long f)
{
	if (way == SYSCALL) {
		static const int numbers[CALLS] = { SYS_bind, SYS_connect, SYS_listen, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_socket };
		long result = syscall(numbers[call], a, b, c, d, e, f);
		return result == -1 ? -errno : result;
	}
	uint32_t words[6] = { a, b, c, d, e, f };
	uintptr_t entry = way == VDSO || way == SOCKETCALL_VDSO ? getauxval(32) : 0;
	if (way == INT80 || way == VDSO)
		return enter32(calls[call].direct, words, entry);
	if (!array)
		array = low(4096);
	memcpy(array, words, sizeof words);
	uint32_t multiplexed[6] = { calls[call].multiplexed, (uintptr_t)array, 0xd1d2d3d4, 0x51525354, 0xd1525354, 0xb1b2b3b4 };
	return enter32(102, multiplexed, entry);
}
#define CALL6(way, call, a, b, c, d, e, f) \
	call6(way, call, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* struct msghdr in either layout, and mmsghdr. */
struct narrow_header { uint32_t name, name_length, parts, count, control, control_length, flags; };
union header {
	struct msghdr wide;
	struct narrow_header narrow;
};

/* Writes a header; answers its size with the length that sendmmsg has behind it. */
static inline size_t put_header(enum way way, void *at, const void *name, uint32_t length, struct iovec *part, const void *control,
				uint32_t room)
{
	if (is_narrow(way) && sizeof(long) == 8) {
		uint32_t *narrow = (uint32_t *)part + 4;
		narrow[0] = (uintptr_t)part->iov_base;
		narrow[1] = part->iov_len;
		*(struct narrow_header *)at = (struct narrow_header){ (uintptr_t)name, length, (uintptr_t)narrow, 1, (uintptr_t)control, room, 0 };
		return 32;
	}
	*(struct msghdr *)at = (struct msghdr){ (void *)name, length, part, 1, (void *)control, room, 0 };
	return sizeof(struct mmsghdr);
}

static inline struct sockaddr_in v4(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static inline long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

#endif
