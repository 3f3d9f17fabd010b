/* Waits in a call for a debugger to look: it is in caller_of_it, in waits_in_it. What is written to its standard
 * input ends the call.
 *	debugged libc|vdso|int80 */
#include "guest.h"

static enum entry entry;
static int pair[2];

__attribute__((noinline)) long waits_in_it(void)
{
	char byte;
	long result;
	const long words[] = { pair[0], (long)&byte, 1, 0 };
	if (entry == LIBC)
		result = recv(pair[0], &byte, 1, 0);
	else if (entry == VDSO)
		asm volatile("call *%4; nop" : "=a"(result)
			     : "0"(SOCKETCALL), "b"(SYS_RECV), "c"(words), "m"((const long){ getauxval(AT_SYSINFO) })
			     : "memory");
	else
		asm volatile("int $0x80; nop" : "=a"(result) : "0"(SOCKETCALL), "b"(SYS_RECV), "c"(words) : "memory");
	return result;
}

__attribute__((noinline)) long caller_of_it(void) { return waits_in_it() * 2; }

int main(int count, char **arguments)
{
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	if (!must("fork", fork())) {
		char byte;
		close(pair[0]);
		if (read(STDIN_FILENO, &byte, 1) == 1)
			(void)!write(pair[1], &byte, 1);
		_exit(0);
	}
	say("ready\n");
	say("twice what was received: %ld\n", caller_of_it());
	wait(NULL);
}
