/* The way around a filter that forgets it: a 64-bit program reaches i386's socketcall by int $0x80, with
 * everything that it points to below 4 GiB. It is carried out as the direct call; the words' order, the
 * errors and the registers are the kernel's. */
#include "guest.h"
#include <netinet/in.h>

static struct memory {
	uint32_t words[6];
	struct sockaddr_in name;
	uint32_t length;
	char text[16];
	int32_t pair[2];
} *low;

static unsigned trapped;

static long socketcall(int call, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint64_t rax = SOCKETCALL, rbx = call, rcx = (uintptr_t)low->words, rdx = 0xd1d2d3d4d5d6d7d8, rsi = 0x51525354;
	memcpy(low->words, (uint32_t[]){ a, b, c, d }, 16);
	/* Kernels before 4.17 cleared r8-r11. */
	asm volatile("int $0x80" : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx), "+S"(rsi)
		     : : "memory", "cc", "r8", "r9", "r10", "r11");
	if (rbx != (uint64_t)call || rcx != (uintptr_t)low->words || rdx != 0xd1d2d3d4d5d6d7d8 || rsi != 0x51525354)
		say("a register is not as it was\n");
	trapped++;
	return (int32_t)rax;
}

#define LOW(field) ((uint32_t)(uintptr_t)&low->field)

int main(void)
{
	low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	must("mmap", low == MAP_FAILED ? -1 : 0);
	must("munmap", munmap((char *)low + 4096, 4096));
	int fd = show("socket", socketcall(SYS_SOCKET, AF_INET, SOCK_STREAM, 0, 0));
	low->name = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	show("bind", socketcall(SYS_BIND, fd, LOW(name), sizeof low->name, 0));
	show("listen", socketcall(SYS_LISTEN, fd, 1, 0, 0));
	low->length = sizeof low->name;
	show("getsockname", socketcall(SYS_GETSOCKNAME, fd, LOW(name), LOW(length), 0));
	say("  %s port, %u bytes\n", low->name.sin_port ? "a" : "no", low->length);
	show("socketpair", socketcall(SYS_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, LOW(pair)));
	strcpy(low->text, "around");
	show("send", socketcall(SYS_SEND, low->pair[0], LOW(text), 6, 0));
	memset(low->text, 0, sizeof low->text);
	show("recv", socketcall(SYS_RECV, low->pair[1], LOW(text), 16, 0));
	say("  \"%s\"\n", low->text);
	show("no call", socketcall(21, 0, 0, 0, 0));
	/* Two words at the page's end are enough for listen, not for socket. */
	low = (void *)((uintptr_t)low + 4096 - 8);
	uint64_t rax = SOCKETCALL;
	memcpy(low, (uint32_t[]){ -1, 1 }, 8);
	asm volatile("int $0x80" : "+a"(rax) : "b"(SYS_LISTEN), "c"(low) : "memory", "cc", "r8", "r9", "r10", "r11");
	show("listen at a page's end", (int32_t)rax);
	rax = SOCKETCALL;
	asm volatile("int $0x80" : "+a"(rax) : "b"(SYS_SOCKET), "c"(low) : "memory", "cc", "r8", "r9", "r10", "r11");
	show("socket over a page's end", (int32_t)rax);
	say("calls: stub 0, trap %u, direct 0\n", trapped + 2);
	return fd < 0;
}
