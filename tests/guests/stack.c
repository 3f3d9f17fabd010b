/* int $0x80 needs no stack. Calls are made with a stack pointer under which nothing can be written: natively
 * they work.
 *	stack		all of these, with a stack pointer ...
 *	stack start	at the start of a mapping
 *	stack zero	that is 0
 *	stack readable	at the start of a page, below which a page can only be read
 *	stack top	at the end of the address space */
#include "guest.h"
#include <netinet/in.h>

/* socketcall(call, words) with esp = stack. esp and ebp are put back from where no stack is needed. */
static long enter_on(uint32_t stack, int call, const void *words)
{
	long result;
	counted->trap++;
	asm volatile("push %%ebp\n\t"
		     "mov %%esp, %%ebp\n\t"
		     "mov %[stack], %%esp\n\t"
		     "int $0x80\n\t"
		     "cmp %[stack], %%esp\n\t"
		     "mov %%ebp, %%esp\n\t"
		     "pop %%ebp\n\t"
		     "je 1f\n\t"
		     "mov $-9999, %%eax\n\t"
		     "1:"
		     : "=a"(result)
		     : "0"(SOCKETCALL), "b"(call), "c"(words), [stack] "S"(stack)
		     : "memory", "cc");
	return result;
}

static void calls_on(const char *what, uint32_t stack)
{
	int pair[2] = { -1, -1 };
	char buffer[16] = "";
	say("with a stack pointer %s:\n", what);
	show("  socketpair", enter_on(stack, SYS_SOCKETPAIR, (long[]){ AF_UNIX, SOCK_STREAM, 0, (long)pair }));
	show("  send", enter_on(stack, SYS_SEND, (long[]){ pair[0], (long)"through", 7, 0 }));
	show("  recv", enter_on(stack, SYS_RECV, (long[]){ pair[1], (long)buffer, sizeof buffer, 0 }));
	show("  recvfrom", enter_on(stack, SYS_RECVFROM, (long[]){ pair[1], (long)buffer, 1, MSG_DONTWAIT, 0, 0 }));
	show("  no call", enter_on(stack, 77, NULL));
	show("  no array", enter_on(stack, SYS_SOCKET, NULL));
	say("  received \"%s\"\n", buffer);
	close(pair[0]);
	close(pair[1]);
}

int main(int count, char **arguments)
{
	const char *what = count > 1 ? arguments[1] : NULL;
	enum { PAGE = 4096 };
	char *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("munmap", munmap(pages, PAGE));
	must("mprotect", mprotect(pages + PAGE, PAGE, PROT_READ));
	if (!what || !strcmp(what, "start"))
		calls_on("at the start of a mapping", (uintptr_t)pages + PAGE);
	if (!what || !strcmp(what, "zero"))
		calls_on("that is 0", 0);
	if (!what || !strcmp(what, "readable"))
		calls_on("above a page that is only readable", (uintptr_t)pages + 2 * PAGE);
	if (!what || !strcmp(what, "top"))
		calls_on("at the end of all addresses", -16);
	say_counts();
}
