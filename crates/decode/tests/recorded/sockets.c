/* Makes calls with addresses and writes them down, as record.c does for messages: registers, memory before and after, and
 * the result.
 *
 * sockets ABI OUT WHAT [LIST]: ABI is x86-64, i386, or socketcall for i386's multiplexer; WHAT is "calls", or
 * "addresses" for a bind of each address of LIST, lines of a length and bytes in hexadecimal.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { ARENA = 0x10000000, SIZE = 0x2000, WORDS = ARENA + 0x1800 };
/* Numbers of the multiplexer (include/uapi/linux/net.h). */
enum {
	SOCKET = 1, BIND, CONNECT, LISTEN, ACCEPT, GETSOCKNAME, GETPEERNAME, SOCKETPAIR, SEND, RECV, SENDTO, RECVFROM,
	SHUTDOWN, SETSOCKOPT, GETSOCKOPT, SENDMSG, RECVMSG, ACCEPT4,
};
static const unsigned numbers[2][19] = {
	{ 0, 41, 49, 42, 50, 43, 51, 52, 53, 0, 0, 44, 45, 48, 54, 55, 46, 47, 288 },
	{ 0, 359, 361, 362, 363, 0, 367, 368, 360, 0, 0, 369, 371, 373, 366, 365, 370, 372, 364 },
};

static enum { X86_64, I386, MULTIPLEXED } abi;
static FILE *out;
static unsigned char *const arena = (void *)(uintptr_t)ARENA;
static unsigned char known[SIZE];

static void dump(const char *what)
{
	for (unsigned at = 0; at < SIZE; at += 16) {
		unsigned end = at;
		while (end < SIZE && memcmp(arena + end, known + end, 16)) end += 16;
		if (end == at) continue;
		fprintf(out, "%s %x ", what, ARENA + at);
		for (unsigned i = at; i < end; i++) fprintf(out, "%02x", arena[i]);
		fputc('\n', out);
		at = end;
	}
	memcpy(known, arena, SIZE);
}

static long made(unsigned number, long a, long b, long c, long d, long e, long f)
{
	fprintf(out, "call %s %u %lx %lx %lx %lx %lx %lx\n", abi ? "i386" : "x86-64", number, a, b, c, d, e, f);
	dump("before");
	long result = syscall(number, a, b, c, d, e, f);
	if (result < 0) result = -errno;
	dump("after");
	fprintf(out, "result %ld\n\n", result);
	return result;
}

/* A call that is shown, too, and not written down: whoever joins both records drops its line. */
static long quiet(int which, long a, long b, long c)
{
	fprintf(out, "quiet\n");
	return syscall(numbers[sizeof(long) == 4][which], a, b, c, 0, 0, 0);
}

static long call(int which, long a, long b, long c, long d, long e, long f)
{
	if (abi == MULTIPLEXED) {
		uint32_t words[6] = { a, b, c, d, e, f };
		memcpy(arena + WORDS - ARENA, words, sizeof words);
		return made(102, which, WORDS, 0, 0, 0, 0);
	}
	unsigned number = numbers[abi][which];
	return number ? made(number, a, b, c, d, e, f) : -1;
}

/* Puts bytes into the arena. They end where it ends if `last`, so that there are no more to be read. */
static long data(const void *bytes, unsigned length, int last)
{
	memset(arena, 0, SIZE);
	unsigned at = last ? SIZE - length : 0x100;
	memcpy(arena + at, bytes, length);
	return ARENA + at;
}

/* A length in front of the arena's middle, and what else is given. */
static long length(int value)
{
	memcpy(arena + 0x80, &value, 4);
	return ARENA + 0x80;
}

static void addresses(const char *list)
{
	static char line[4096];
	FILE *file = fopen(list, "r");
	while (file && fgets(line, sizeof line, file)) {
		unsigned char bytes[2048];
		char *hex;
		long claimed = strtol(line, &hex, 10);
		unsigned count = 0, byte;
		if (line[0] == '#' || line[0] == '\n') continue;
		for (hex++; sscanf(hex, "%2x", &byte) == 1; hex += 2) bytes[count++] = byte;
		call(BIND, -1, data(bytes, count, 1), claimed, 0, 0, 0);
	}
}

static const long address = ARENA + 0x400, nowhere = 0x9000, edge = ARENA + SIZE - 2;

/* All that can be given to a call that tells an address. */
static void told(int which, int fd)
{
	static const int lengths[] = { 0, 1, 2, 3, 8, 16, 20, 110, 128, 200, -1 };
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		data("", 0, 0);
		long result = call(which, fd, address, length(lengths[i]), 04000, 0, 0);
		if (result >= 0 && (which == ACCEPT || which == ACCEPT4)) close(result);
	}
	data("", 0, 0);
	call(which, fd, 0, 0, 0, 0, 0);
	call(which, fd, 0, length(16), 0, 0, 0);
	call(which, fd, address, 0, 0, 0, 0);
	call(which, fd, address, nowhere, 0, 0, 0);
	call(which, fd, nowhere, length(16), 0, 0, 0);
	call(which, fd, edge, length(16), 0, 0, 0);
	call(which, fd, address, edge, 0, 0, 0);
	call(which, -1, address, length(16), 1, 0, 0);
	call(which, 0, address, length(16), 1, 0, 0);
}

static int loopback(struct sockaddr_in *in, int type)
{
	int fd = quiet(SOCKET, AF_INET, type, 0);
	socklen_t size = sizeof *in;
	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (quiet(BIND, fd, (long)in, sizeof *in)) exit(2);
	quiet(GETSOCKNAME, fd, (long)in, (long)&size);
	return fd;
}

static void sockets(void)
{
	static const long families[] = { 0, 1, 2, 3, 4, 10, 16, 17, 23, 29, 31, 33, 34, 35, 37, 39, 40, 41, 43, 46, 255, -1 };
	static const long types[] = { 0, 1, 2, 3, 10, 7, 02000001, 04002, 02004003, 02000007, 0x15, 0x7f000001, -1 };
	static const long protocols[] = { 0, 1, 6, 17, 0x300, 0x08, 262, -1 };
	for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
		for (unsigned j = 0; j < 8; j++) call(SOCKET, families[i], -1, protocols[j], 0, 0, 0);
	for (unsigned i = 0; i < 13; i++) {
		long fd = call(SOCKET, 1, types[i], 0, 0, 0, 0);
		if (fd >= 0) close(fd);
		call(SOCKETPAIR, 1, types[i], 77, nowhere, 0, 0);
	}
	if (abi == X86_64) {
		long high = (long)0x1234567800000000ull;
		call(SOCKET, high | 2, high | 7, high | 6, 0, 0, 0);
		call(SOCKET, 3, 0, high | 1, 0, 0, 0);
		call(LISTEN, high | 0xffffffff, high | 5, 0, 0, 0, 0);
		call(SHUTDOWN, high | 0xffffffff, high | 1, 0, 0, 0, 0);
		call(BIND, high | 0xffffffff, data("\1\0abc", 5, 0), high | 5, 0, 0, 0);
		call(ACCEPT4, high | 0xffffffff, 0, 0, high | 04000, 0, 0);
		call(SENDTO, high | 0xffffffff, address, 3, high | 0x4000, address, high | 2);
	}
}

static void calls(void)
{
	int pair[2], listening, fd;
	struct sockaddr_in in, in2;
	sockets();
	data("", 0, 0);
	if (call(SOCKETPAIR, 1, 2, 0, address, 0, 0) == 0) {
		memcpy(pair, arena + address - ARENA, 8);
		told(GETPEERNAME, pair[0]);
		close(pair[0]);
		close(pair[1]);
	}
	call(SOCKETPAIR, 2, 1, 0, address, 0, 0);
	call(SOCKETPAIR, 1, 1, 0, 0, 0, 0);
	call(SOCKETPAIR, 1, 1, 0, edge, 0, 0);
	for (int how = -1; how < 5; how++) call(SHUTDOWN, -1, how, 0, 0, 0, 0);
	call(LISTEN, -1, -7, 0, 0, 0, 0);

	/* A name in the abstract namespace, of this process. */
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int size = 2 + 1 + sprintf(un.sun_path + 1, "recorded");
	listening = quiet(SOCKET, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	call(BIND, listening, data(&un, size, 0), size, 0, 0, 0);
	call(LISTEN, listening, 50, 0, 0, 0, 0);
	told(GETSOCKNAME, listening);
	told(GETPEERNAME, listening);
	told(ACCEPT, listening);
	for (int i = 0; i < 12; i++) {
		fd = quiet(SOCKET, AF_UNIX, SOCK_STREAM, 0);
		if (i == 0) call(CONNECT, fd, data(&un, size, 0), size, 0, 0, 0);
		else quiet(CONNECT, fd, (long)&un, size);
	}
	told(ACCEPT, listening);
	for (int i = 0; i < 12; i++) {
		fd = quiet(SOCKET, AF_UNIX, SOCK_STREAM, 0);
		quiet(CONNECT, fd, (long)&un, size);
	}
	told(ACCEPT4, listening);

	fd = loopback(&in, SOCK_DGRAM);
	listening = loopback(&in2, SOCK_DGRAM);
	told(GETSOCKNAME, fd);
	for (int i = 0; i < 6; i++) {
		call(SENDTO, listening, address, 4 * i, 0x4000, data(&in, 16, 0), 16);
		memset(arena, 0, SIZE);
		switch (i) {
		case 0: call(RECVFROM, fd, address, 40, 0, address + 64, length(128)); break;
		case 1: call(RECVFROM, fd, address, 2, 0x20, address + 64, length(16)); break;
		case 2: call(RECVFROM, fd, address, 40, 0, address + 64, length(5)); break;
		case 3: call(RECVFROM, fd, address, 40, 0, 0, length(5)); break;
		case 4: call(RECVFROM, fd, address, 40, 0, address + 64, 0); break;
		case 5: call(RECVFROM, fd, address, 40, 0, nowhere, length(16)); break;
		}
	}
	call(RECVFROM, fd, address, 40, 0x40, address + 64, length(16));
	call(RECVFROM, fd, address, 40, 0x40, address + 64, nowhere);
	call(RECVFROM, fd, address, 40, 0x40, address + 64, length(-3));
	call(SENDTO, fd, address, 3, 0, address, 3);
	call(SENDTO, fd, address, 3, 0, nowhere, 16);
	call(SENDTO, fd, nowhere, 3, 0x1008000, 0, 0);
	call(SENDTO, fd, 0, 0, 0x1000000, 0, 0);

	call(CONNECT, fd, data("", 0, 0), 16, 0, 0, 0);
	fd = quiet(SOCKET, AF_NETLINK, SOCK_RAW, 0);
	told(GETSOCKNAME, fd);
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = 1 };
	fd = quiet(SOCKET, AF_PACKET, SOCK_RAW, 0);
	call(BIND, fd, data(&ll, sizeof ll, 0), sizeof ll, 0, 0, 0);
	told(GETSOCKNAME, fd);
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	fd = quiet(SOCKET, AF_INET6, SOCK_STREAM, 0);
	call(CONNECT, fd, data(&in6, sizeof in6, 0), sizeof in6, 0, 0, 0);
	if (abi == MULTIPLEXED) {
		/* There is nothing to be taken apart here. */
		for (int which = -1; which < 24; which += which < 0 || which > 20 ? 1 : 21) made(102, which, WORDS, 0, 0, 0, 0);
		made(102, SOCKET, nowhere, 0, 0, 0, 0);
		made(102, SOCKET, 0, 0, 0, 0, 0);
		made(102, BIND, ARENA + SIZE - 8, 0, 0, 0, 0);
	}
}

int main(int count, char **words)
{
	if (count < 4) return 1;
	abi = !strcmp(words[1], "x86-64") ? X86_64 : !strcmp(words[1], "i386") ? I386 : MULTIPLEXED;
	if (mmap(arena, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != (void *)arena)
		return 2;
	out = fopen(words[2], "w");
	fprintf(out, "map %x %x\n\n", ARENA, SIZE);
	if (!strcmp(words[3], "addresses")) addresses(words[4]);
	else calls();
	return fclose(out);
}
