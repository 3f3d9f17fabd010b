/* What the guests share: the two entries by hand, counted and checked; and a way to print that neither
 * buffers nor shows anything that changes from run to run. */
#ifndef GUEST_H
#define GUEST_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { SOCKETCALL = 102, CALLS = 20 };

/* linux/net.h */
enum {
	SYS_SOCKET = 1, SYS_BIND, SYS_CONNECT, SYS_LISTEN, SYS_ACCEPT, SYS_GETSOCKNAME, SYS_GETPEERNAME,
	SYS_SOCKETPAIR, SYS_SEND, SYS_RECV, SYS_SENDTO, SYS_RECVFROM, SYS_SHUTDOWN, SYS_SETSOCKOPT,
	SYS_GETSOCKOPT, SYS_SENDMSG, SYS_RECVMSG, SYS_ACCEPT4, SYS_RECVMMSG, SYS_SENDMMSG,
};

/* The calls' names and how many words each takes; index 0 is no call. */
static const struct { const char *name; int words; } calls[CALLS + 1] = {
	[SYS_SOCKET] = { "socket", 3 }, [SYS_BIND] = { "bind", 3 }, [SYS_CONNECT] = { "connect", 3 },
	[SYS_LISTEN] = { "listen", 2 }, [SYS_ACCEPT] = { "accept", 3 }, [SYS_GETSOCKNAME] = { "getsockname", 3 },
	[SYS_GETPEERNAME] = { "getpeername", 3 }, [SYS_SOCKETPAIR] = { "socketpair", 4 }, [SYS_SEND] = { "send", 4 },
	[SYS_RECV] = { "recv", 4 }, [SYS_SENDTO] = { "sendto", 6 }, [SYS_RECVFROM] = { "recvfrom", 6 },
	[SYS_SHUTDOWN] = { "shutdown", 2 }, [SYS_SETSOCKOPT] = { "setsockopt", 5 },
	[SYS_GETSOCKOPT] = { "getsockopt", 5 }, [SYS_SENDMSG] = { "sendmsg", 3 }, [SYS_RECVMSG] = { "recvmsg", 3 },
	[SYS_ACCEPT4] = { "accept4", 4 }, [SYS_RECVMMSG] = { "recvmmsg", 5 }, [SYS_SENDMMSG] = { "sendmmsg", 4 },
};

/* Prints at once: a forked child inherits nothing half written. */
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

/* "what = 3", or "what = -9 (Bad file descriptor)". */
static inline long show(const char *what, long result)
{
	if (result < 0 && result >= -4095)
		say("%s = %ld (%s)\n", what, result, strerror(-result));
	else
		say("%s = %ld\n", what, result);
	return result;
}

/* A libc wrapper's result as the kernel gives it. */
static inline long raw(long result) { return result == -1 ? -errno : result; }

/* A step of the preparation that must work. */
static inline long must(const char *what, long result)
{
	if (result < 0) {
		say("%s failed: %s\n", what, strerror(errno));
		exit(98);
	}
	return result;
}

#ifdef __i386__

enum entry { LIBC, VDSO, INT80 };

struct registers { uint32_t eax, ebx, ecx, edx, esi, edi, ebp, eflags; };
void enter_int80(const struct registers *before, struct registers *after);
void enter_vdso(const struct registers *before, struct registers *after, uint32_t sysinfo);

/* How often each way was used; shared with every child that is forked after main() began. */
static struct { unsigned stub, trap, direct; } *counted;

__attribute__((constructor)) static void count_in_shared_memory(void)
{
	counted = mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counted == MAP_FAILED)
		_exit(97);
}

/* What the supervisor must have counted too: the last line of a guest. */
static inline void say_counts(void) 
{
	say("calls: stub %u, trap %u, direct %u\n", counted->stub, counted->trap, counted->direct);
}

static inline enum entry entry_of(const char *name)
{
	static const char *const names[] = { "libc", "vdso", "int80" };
	for (int entry = LIBC; entry <= INT80; entry++)
		if (name && !strcmp(name, names[entry]))
			return entry;
	say("usage: GUEST libc|vdso|int80\n");
	exit(96);
}

/* The status, direction, overflow, sign, zero, auxiliary, parity and carry flags. */
enum { FLAGS = 0xcd5, CARRY_PARITY_ZERO_SIGN_OVERFLOW = 0x8c5 };

/* socketcall(call, words) by hand. Exits if a register other than eax is not as it was; the ABI of the
 * fast entry, which is reached by a call instruction, lets the flags change. */
static inline long enter(enum entry entry, int call, const void *words)
{
	struct registers before = {
		.eax = SOCKETCALL, .ebx = call, .ecx = (uintptr_t)words, .edx = 0xd1d2d3d4, .esi = 0x51525354,
		.edi = 0xd1525354, .ebp = 0xb1b2b3b4, .eflags = CARRY_PARITY_ZERO_SIGN_OVERFLOW | 0x202,
	}, after;
	if (entry == INT80) {
		__atomic_add_fetch(&counted->trap, 1, __ATOMIC_RELAXED);
		enter_int80(&before, &after);
	} else {
		__atomic_add_fetch(&counted->stub, 1, __ATOMIC_RELAXED);
		enter_vdso(&before, &after, getauxval(AT_SYSINFO));
	}
	struct { const char *name; uint32_t before, after; } kept[] = {
		{ "ebx", before.ebx, after.ebx }, { "ecx", before.ecx, after.ecx }, { "edx", before.edx, after.edx },
		{ "esi", before.esi, after.esi }, { "edi", before.edi, after.edi }, { "ebp", before.ebp, after.ebp },
		{ "eflags", before.eflags & FLAGS, entry == INT80 ? after.eflags & FLAGS : before.eflags & FLAGS },
	};
	int changed = 0;
	for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++)
		if (kept[i].before != kept[i].after) {
			say("%s by %s: %s was %#x and is %#x\n", call > 0 && call <= CALLS ? calls[call].name : "no call",
			    entry == INT80 ? "int80" : "vdso", kept[i].name, kept[i].before, kept[i].after);
			changed = 1;
		}
	if (changed)
		exit(95);
	return (int32_t)after.eax;
}

#define CALL(entry, call, ...) enter(entry, call, (const long[]){ __VA_ARGS__ })

#endif
#endif
