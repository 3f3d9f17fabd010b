/* A program that looks into its vDSO, moves it, loses it or writes to it.
 *	vdso clock		its clocks are read without a system call
 *	vdso symbols		what its symbol table says is what the auxiliary vector says
 *	vdso move		it is moved, as checkpointing does; calls go through its new place
 *	vdso unmap		it is unmapped: int $0x80 works on, the C library's calls don't
 *	vdso protect		it can't be executed any more: int $0x80 works on
 *	vdso overwrite		its entry is overwritten: the program's own code answers
 *	vdso erase		all of it is overwritten: int $0x80 works on */
#include "guest.h"
#include <elf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

struct range { uintptr_t begin, end; };

/* A mapping by its name in /proc/self/maps. */
static struct range mapping(const char *name)
{
	static char maps[65536];
	int file = must("open", open("/proc/self/maps", O_RDONLY));
	size_t length = 0;
	for (ssize_t got; (got = read(file, maps + length, sizeof maps - 1 - length)) > 0;)
		length += got;
	close(file);
	maps[length] = 0;
	for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long begin, end;
		if (strstr(line, name) && sscanf(line, "%lx-%lx", &begin, &end) == 2)
			return (struct range){ begin, end };
	}
	say("there is no %s\n", name);
	exit(94);
}

/* The address of a symbol of the ELF image at `base`, by its dynamic section. */
static uintptr_t symbol(uintptr_t base, const char *wanted)
{
	const Elf32_Ehdr *header = (void *)base;
	const Elf32_Phdr *programs = (void *)(base + header->e_phoff);
	const Elf32_Sym *symbols = NULL;
	const char *strings = NULL;
	uintptr_t linked = 0, count = 0;
	for (int i = 0; i < header->e_phnum; i++)
		if (programs[i].p_type == PT_LOAD && !programs[i].p_offset)
			linked = programs[i].p_vaddr;
	for (int i = 0; i < header->e_phnum; i++) {
		if (programs[i].p_type != PT_DYNAMIC)
			continue;
		for (const Elf32_Dyn *entry = (void *)(base + programs[i].p_offset); entry->d_tag != DT_NULL; entry++) {
			uintptr_t at = base + entry->d_un.d_ptr - linked;
			if (entry->d_tag == DT_SYMTAB)
				symbols = (void *)at;
			if (entry->d_tag == DT_STRTAB)
				strings = (void *)at;
			if (entry->d_tag == DT_HASH)
				count = ((uint32_t *)at)[1];
			if (entry->d_tag == DT_GNU_HASH && !count) {
				const uint32_t *hash = (void *)at, *buckets = hash + 4 + hash[2], *chain = buckets + hash[0];
				for (uint32_t b = 0; b < hash[0]; b++)
					if (buckets[b] > count)
						count = buckets[b];
				while (count && !(chain[count - hash[1]] & 1))
					count++;
				count++;
			}
		}
	}
	for (uintptr_t i = 0; symbols && i < count; i++)
		if (!strcmp(strings + symbols[i].st_name, wanted))
			return base + symbols[i].st_value - linked;
	return 0;
}

static long call_at(uintptr_t sysinfo, int call, const long *words)
{
	const struct registers before = { .eax = SOCKETCALL, .ebx = call, .ecx = (uintptr_t)words, .eflags = 0x202 };
	struct registers after;
	enter_vdso(&before, &after, sysinfo);
	return (int32_t)after.eax;
}

static void by_int80(const char *when)
{
	say("%s, int80: ", when);
	long fd = CALL(INT80, SYS_SOCKET, AF_INET, SOCK_STREAM, 0);
	show("socket", fd);
	close(fd);
	say("%s, int80, no array: ", when);
	show("socket", enter(INT80, SYS_SOCKET, NULL));
}

static void clocks(void)
{
	/* Were one of these a system call, it would answer EXFULL. */
	static const int numbers[] = { 13, 78, 265, 266, 403, 406 };
	struct sock_filter code[2 + 2 * 6];
	int length = 0;
	code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < 6; i++) {
		code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], 0, 1);
		code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXFULL);
	}
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { length, code };
	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must("seccomp", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	struct timespec time;
	struct timeval day;
	static const clockid_t all[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME };
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		show("clock_gettime", raw(clock_gettime(all[i], &time)));
	/* Those that no vDSO answers. */
	say("CPU time needs a system call: %s\n", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) ? "yes" : "no");
	show("gettimeofday", raw(gettimeofday(&day, NULL)));
	show("socket", raw(socket(AF_INET, SOCK_STREAM, 0)));
	by_int80("with that filter");
}

static void symbols(void)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR), entry = symbol(base, "__kernel_vsyscall");
	say("__kernel_vsyscall is %sAT_SYSINFO\n", entry == getauxval(AT_SYSINFO) ? "" : "not ");
	static const char *const names[] = { "__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time", "__kernel_sigreturn", "__kernel_rt_sigreturn" };
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		uintptr_t at = symbol(base, names[i]);
		struct range vdso = mapping("[vdso]");
		say("%s is %s\n", names[i], at >= vdso.begin && at < vdso.end ? "in the vDSO" : "elsewhere");
	}
	int (*gettime)(clockid_t, int32_t *) = (void *)symbol(base, "__vdso_clock_gettime");
	int32_t time[2] = { 0 };
	show("clock_gettime by its symbol", gettime(CLOCK_MONOTONIC, time));
	long fd = call_at(entry, SYS_SOCKET, (long[]){ AF_INET, SOCK_STREAM, 0 });
	show("socket by its symbol", fd);
	by_int80("by hand");
}

static volatile int handled;

static void on_signal(int signal) { handled = signal; }

static void moved(void)
{
	struct range vdso = mapping("[vdso]");
	size_t size = vdso.end - vdso.begin;
	char *place = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *there = mremap((void *)vdso.begin, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	/* Its entry, as anybody would find it now. */
	uintptr_t entry = there == MAP_FAILED ? 0 : symbol((uintptr_t)there, "__kernel_vsyscall");
	say("moved: %s, with %s entry\n", there == place ? "yes" : "no", entry ? "an" : "no");
	for (int turn = 0; turn < 2; turn++) {
		/* By which way it goes depends on where the entry is. */
		long fd = call_at(entry, SYS_SOCKET, (long[]){ AF_INET, SOCK_STREAM, 0 });
		show("socket through its new place", fd);
		show("no array", call_at(entry, SYS_SOCKET, NULL));
		close(fd);
	}
	/* The kernel's way back from a handler is in the vDSO, if the handler names none. */
	struct { void (*handler)(int); unsigned long flags; void *restorer; uint32_t mask[2]; } action = { .handler = on_signal };
	must("rt_sigaction", syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8));
	raise(SIGUSR1);
	say("handled %d\n", handled);
	by_int80("moved");
}

/* The C library's way into the kernel is changed to int $0x80: nothing that it does needs the vDSO. */
static void leave_vdso(void)
{
	asm volatile("call 1f\n\t"
		     "int $0x80\n\t"
		     "ret\n\t"
		     "1: pop %%eax\n\t"
		     "mov %%eax, %%gs:0x10" ::: "eax", "memory");
}

/* How a child ends that goes through what is left at the old place. */
static void through_the_old_place(void)
{
	pid_t child = must("fork", fork());
	if (!child) {
		long result = call_at(getauxval(AT_SYSINFO), SYS_SOCKET, (long[]){ AF_INET, SOCK_STREAM, 0 });
		_exit(result == 42 ? 42 : 1);
	}
	int status = -1;
	must("waitpid", waitpid(child, &status, 0));
	say("a call through the old place: status %#x\n", status & ~0x80);
}

/* mov $42, %eax; ret */
static const unsigned char answer[] = { 0xb8, 42, 0, 0, 0, 0xc3 };

int main(int count, char **arguments)
{
	const char *what = count > 1 ? arguments[1] : "";
	struct range vdso = mapping("[vdso]");
	void *begin = (void *)vdso.begin;
	size_t size = vdso.end - vdso.begin;
	if (!strcmp(what, "clock")) {
		clocks();
	} else if (!strcmp(what, "symbols")) {
		symbols();
	} else {
		leave_vdso();
		by_int80("before");
		if (!strcmp(what, "move"))
			moved();
		else if (!strcmp(what, "unmap"))
			must("munmap", munmap(begin, size));
		else if (!strcmp(what, "protect"))
			must("mprotect", mprotect(begin, size, PROT_READ));
		else
			must("mprotect", mprotect(begin, size, PROT_READ | PROT_WRITE | PROT_EXEC));
		if (!strcmp(what, "overwrite")) {
			/* Wherever that is. */
			char *entry = (void *)getauxval(AT_SYSINFO), *page = entry - (uintptr_t)entry % 4096;
			must("mprotect", mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
			memcpy(entry, answer, sizeof answer);
		}
		if (!strcmp(what, "erase"))
			memset(begin, 0xcc, size);
		if (strcmp(what, "move")) {
			through_the_old_place();
			by_int80("after");
			by_int80("and again");
		}
	}
}
