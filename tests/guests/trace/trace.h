/* What the traced guests share: the calls by every entry, and memory at addresses that are the same in every
 * run and in both builds. So two traces of a guest are alike, pointers and all.
 *
 * Each is built for 32 and 64 bits, static and not position-independent. The first argument is the entry. */
#ifndef TRACE_H
#define TRACE_H

#include "../guest.h"
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* An address where nothing is. */
#define NOWHERE ((void *)0x30000000)

/* Pages at fixed addresses, each with nothing behind it. */
enum { PAGES = 8, PAGE = 4096 };
#define ARENA 0x20000000ul

static inline char *page(int number) { return (char *)ARENA + number * 2 * PAGE; }

/* The last `size` bytes of a page, so that whoever reads too much does not read at all. */
static inline void *edge(int number, size_t size) { return page(number) + PAGE - size; }

/* A copy of something there. */
static inline void *at(int number, const void *what, size_t size) { return memcpy(edge(number, size), what, size); }
#define AT(number, object) at(number, &(object), sizeof(object))

/* An object of this type and value there. */
#define NEW(number, type, ...) ((type *)at(number, &(type){ __VA_ARGS__ }, sizeof(type)))

/* A length that the kernel reads and writes: the page before the last is for them. */
static inline socklen_t *length(socklen_t value) { return at(PAGES - 1, &value, sizeof value); }

/* The ways of a run: socketcall by either entry, the direct calls of i386, and those of x86-64. */
enum way { BY_INT80, BY_VDSO, BY_DIRECT, BY_X86_64 };
static enum way way;

/* The direct calls' numbers. 0: there is none, and the wider call is made. */
static const struct { short narrow, wide; } direct[CALLS + 1] = {
	[SYS_SOCKET] = { 359, 41 }, [SYS_BIND] = { 361, 49 }, [SYS_CONNECT] = { 362, 42 }, [SYS_LISTEN] = { 363, 50 },
	[SYS_ACCEPT] = { 0, 43 }, [SYS_GETSOCKNAME] = { 367, 51 }, [SYS_GETPEERNAME] = { 368, 52 },
	[SYS_SOCKETPAIR] = { 360, 53 }, [SYS_SENDTO] = { 369, 44 }, [SYS_RECVFROM] = { 371, 45 },
	[SYS_SHUTDOWN] = { 373, 48 }, [SYS_SETSOCKOPT] = { 366, 54 }, [SYS_GETSOCKOPT] = { 365, 55 },
	[SYS_SENDMSG] = { 370, 46 }, [SYS_RECVMSG] = { 372, 47 }, [SYS_ACCEPT4] = { 364, 288 },
	[SYS_RECVMMSG] = { 337, 299 }, [SYS_SENDMMSG] = { 345, 307 },
};

/* Any call of this architecture, by the instruction itself. */
static inline long number(long nr, long a, long b, long c, long d, long e, long f)
{
#ifdef __i386__
	struct registers before = { .eax = nr, .ebx = a, .ecx = b, .edx = c, .esi = d, .edi = e, .ebp = f,
				    .eflags = 0x202 }, after;
	enter_int80(&before, &after);
	return (int32_t)after.eax;
#else
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#endif
}

/* One of the twenty by the way of this run. */
static inline long by_way(int call, long a, long b, long c, long d, long e, long f)
{
#ifdef __i386__
	if (way != BY_DIRECT)
		return enter(way == BY_VDSO ? VDSO : INT80, call, (const long[]){ a, b, c, d, e, f });
	int nr = direct[call].narrow;
#else
	int nr = direct[call].wide;
#endif
	if (call == SYS_SEND)
		return by_way(SYS_SENDTO, a, b, c, d, 0, 0);
	if (call == SYS_RECV)
		return by_way(SYS_RECVFROM, a, b, c, d, 0, 0);
	if (!nr)
		return by_way(SYS_ACCEPT4, a, b, c, 0, 0, 0);
	return number(nr, a, b, c, d, e, f);
}

#define SIX(a, b, c, d, e, f, ...) (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)
#define DO(call, ...) by_way(call, SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0))

/* A call whose success the rest depends on. */
static inline long need(const char *what, long result)
{
	if (result < 0) {
		say("%s: %s\n", what, strerror(-result));
		exit(98);
	}
	return result;
}
#define NEED(call, ...) need(#call, DO(call, __VA_ARGS__))

/* The loopback interface of a network namespace that is new. */
static inline void loopback_up(void)
{
	int fd = need("socket", DO(SYS_SOCKET, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	must("SIOCSIFFLAGS", ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

/* A network of its own: its ports are free, and nobody else's packets pass. A tracer can ask only for sockets of
 * its own network, so whoever wants that starts both in a new one, and says so in the environment. */
static inline void own_network(void)
{
	const char *network = getenv("NETWORK");
	if (network && !strcmp(network, "shared"))
		return loopback_up();
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		say("no network namespace: %s\n", strerror(errno));
		exit(77);
	}
	loopback_up();
}

/* Reads the way from the first argument, and lays out memory. Stack and vDSO are to be at the same addresses in
 * every run as well: a pointer made of chance may hit them. */
static inline void begin(int count, char **arguments)
{
	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		must("personality", personality(personality(0xffffffff) | ADDR_NO_RANDOMIZE));
		must("execv", execv("/proc/self/exe", arguments));
	}
	static const char *const names[] = { "int80", "vdso", "direct", "x86-64" };
	unsigned first = sizeof(long) == 8 ? BY_X86_64 : BY_INT80, last = sizeof(long) == 8 ? BY_X86_64 : BY_DIRECT;
	for (way = first; way <= last; way++)
		if (count > 1 && !strcmp(arguments[1], names[way]))
			break;
	if (way > last) {
		say("usage: GUEST int80|vdso|direct|x86-64\n");
		exit(96);
	}
	for (int i = 0; i < PAGES; i++)
		if (mmap(page(i), PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)
		    != page(i)) {
			say("no memory at %p\n", page(i));
			exit(97);
		}
}

/* A sequence of numbers that is the same everywhere (Marsaglia's xorshift). */
static inline uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Fills memory with one of the patterns. */
enum pattern { ZEROS, COUNTING, TEXT, ONES, PATTERNS };
static inline void *fill(void *where, size_t size, enum pattern pattern)
{
	unsigned char *bytes = where;
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern == ZEROS ? 0 : pattern == COUNTING ? i + 1 : pattern == TEXT ? 'a' + i % 26 : 0xff;
	return where;
}

#endif
