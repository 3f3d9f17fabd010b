/* Sends itself signals with all kinds of siginfo_t, which it may make up itself, and writes them down.
 * A tracer sees a signal that is ignored, too. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static FILE *out;

static void deliver(int signal, int number, int code, const unsigned char *payload)
{
	unsigned char info[128] = { 0 };
	memcpy(info, &signal, 4);
	memcpy(info + 4, &number, 4);
	memcpy(info + 8, &code, 4);
	memcpy(info + 16, payload, 32);
	fprintf(out, "signal ");
	for (int i = 0; i < 48; i++) fprintf(out, "%02x", info[i]);
	fputc('\n', out);
	syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signal, info);
}

int main(int argc, char **argv)
{
	out = fopen(argv[argc - 1], "w");
	if (!out) return 1;
	unsigned char count[32], none[32] = { 0 }, one[32] = { 0 };
	for (int i = 0; i < 32; i++) count[i] = i + 1;
	one[0] = 1;
	struct { void *handler; unsigned long flags; void *restorer; uint64_t mask; } ignore = { SIG_IGN, 0, 0, 0 };
	static const int codes[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 128, 129, 99, -1, -2, -3, -4, -5, -6, -7, -8, -60, -99 };
	static const int few[] = { 0, 1, 128, -1, -6 };
	static const int special[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGCHLD, SIGIO, SIGPROF, SIGSYS, 0 };
	for (int signal = 1; signal <= 64; signal++) {
		if (signal == SIGKILL || signal == SIGSTOP) continue;
		syscall(SYS_rt_sigaction, signal, &ignore, 0, 8);
		int known = 0;
		for (int i = 0; special[i]; i++) known |= special[i] == signal;
		if (!known) {
			for (unsigned i = 0; i < (signal < 3 || signal == 64 ? 5 : 1); i++) deliver(signal, 0, few[i], count);
			continue;
		}
		for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) deliver(signal, 0, codes[i], count);
		deliver(signal, 0, 1, none);
		deliver(signal, 11, 3, none);
		deliver(signal, 4095, -1, one);
	}
	deliver(SIGUSR1, 0, 1, none);
	deliver(SIGUSR1, 0, 5, one);
	deliver(SIGUSR1, 0, -1, none);
	deliver(SIGUSR1, 5, -2, none);
	deliver(SIGUSR1, 1, 0, none);
	/* Who has a time, and who not; signals that ended a child. */
	unsigned char child[32] = { 5, 0, 0, 0, 255, 255, 255, 255, 11, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 4 };
	for (int code = 1; code <= 7; code++) deliver(SIGCHLD, 0, code, child);
	static const int endings[] = { 0, 1, 31, 32, 33, 34, 35, 64, 65, 99, 255 };
	for (unsigned i = 0; i < sizeof endings / sizeof *endings; i++) {
		child[8] = endings[i];
		deliver(SIGCHLD, 0, 2, child);
	}
	/* Calls that a filter refused, of several architectures. */
	static const unsigned arches[] = { 0x40000003, 0xc000003e, 0xc00000b7, 0x12345678 };
	static const int numbers[] = { 0, 1, 41, 102, 335, 359, 424, 470, 1000, 0x40000000 | 1, 0x40000000 | 512, 0x40000000 | 600, -1 };
	for (unsigned a = 0; a < 4; a++)
		for (unsigned n = 0; n < sizeof numbers / sizeof *numbers; n++) {
			unsigned char call[32] = { 0x34, 0x12 };
			memcpy(call + 8, &numbers[n], 4);
			memcpy(call + 12, &arches[a], 4);
			deliver(SIGSYS, 22, 1, call);
		}
	return fclose(out) ? 1 : 0;
}
