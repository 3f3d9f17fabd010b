/* Attacks on the place where copies lie: memory that a program has, and must not be able to change.
 *	slots ours		on a mapping of the program's own, of the same kind but not sealed: all of them work
 *	slots given PORT	on the mapping that a supervisor made; at last a datagram to PORT, by way of it
 * Prints each attack and what came of it. */
#include "policy.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/uio.h>

static char *place;
static size_t size;
static int file = -1;

static long raw(long result) { return result == -1 ? -errno : result; }
static long mapped(void *result) { return result == MAP_FAILED ? -errno : 0; }

/* Its line in the maps. */
static int find(const char *name)
{
	char line[512], want[64];
	FILE *maps = fopen("/proc/self/maps", "r");
	snprintf(want, sizeof want, "memfd:%s", name);
	while (maps && fgets(line, sizeof line, maps)) {
		unsigned long from, until;
		if (!strstr(line, want) || sscanf(line, "%lx-%lx", &from, &until) != 2)
			continue;
		place = (char *)from;
		size = until - from;
		fclose(maps);
		return 1;
	}
	if (maps)
		fclose(maps);
	return 0;
}

static long unmap(void) { return raw(munmap(place, 4096)); }
static long protect(void) { return raw(mprotect(place, size, PROT_READ | PROT_WRITE)); }
static long move(void) { return mapped(mremap(place, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))); }
static long shrink(void) { return mapped(mremap(place, size, size - 4096, 0)); }
static long move_over(void)
{
	void *other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mapped(mremap(other, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, place));
}
static long map_over(void) { return mapped(mmap(place, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)); }
static long attach_over(void)
{
	int segment = must("shmget", shmget(IPC_PRIVATE, 4096, 0600));
	long result = mapped(shmat(segment, place, SHM_REMAP));
	shmctl(segment, IPC_RMID, NULL);
	return result;
}
static long remap_pages(void) { return raw(syscall(SYS_remap_file_pages, place, 4096, 0, 1, 0)); }
static long punch(void) { return raw(madvise(place, 4096, MADV_REMOVE)); }
static long memory_file(void)
{
	int fd = must("/proc/self/mem", open("/proc/self/mem", O_RDWR));
	return raw(pwrite(fd, "x", 1, (off_t)(uintptr_t)place));
}
static long vm_write(void)
{
	struct iovec here = { "x", 1 }, there = { place, 1 };
	return raw(process_vm_writev(getpid(), &here, 1, &there, 1, 0));
}
static int opened(int flags)
{
	char name[128];
	snprintf(name, sizeof name, "/proc/self/map_files/%lx-%lx", (unsigned long)place, (unsigned long)place + size);
	return open(name, flags);
}
static long reopened_write(void)
{
	int fd = opened(O_RDWR);
	return fd < 0 ? -errno : raw(write(fd, "x", 1));
}
static long reopened_map(void)
{
	int fd = opened(O_RDWR);
	return fd < 0 ? -errno : mapped(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}
static long reopened_truncate(void)
{
	int fd = opened(O_RDWR);
	return fd < 0 ? -errno : raw(ftruncate(fd, 4096));
}
static long reopened_punch(void)
{
	int fd = opened(O_RDWR);
	return fd < 0 ? -errno : raw(fallocate(fd, 3 /* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */, 0, 4096));
}
static long faults(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { { (uintptr_t)place, size }, UFFDIO_REGISTER_MODE_MISSING, 0 };
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return 0;
	return raw(ioctl(fd, UFFDIO_REGISTER, &range));
}
/* A child without it could have something else there. */
static long not_for_children(void) { return raw(madvise(place + 4096, 1, MADV_DONTFORK)); }
static long not_for_children_by_process(void)
{
	struct iovec all = { place, size };
	int self = must("pidfd_open", syscall(434, getpid(), 0));
	long result = raw(syscall(440, self, &all, 1, MADV_DONTFORK, 0));
	return result > 0 ? 0 : result;
}
static long pipe_into(void)
{
	/* A pipe's bytes into it: the kernel writes what the program can't. */
	int ends[2];
	must("pipe", pipe(ends));
	must("write", write(ends[1], "x", 1));
	return raw(read(ends[0], place, 1));
}

static const struct { const char *name; long (*attack)(void); } attacks[] = {
	{ "munmap", unmap }, { "mprotect", protect }, { "mremap away", move }, { "mremap shorter", shrink }, { "mremap over", move_over },
	{ "MAP_FIXED", map_over }, { "SHM_REMAP", attach_over }, { "remap_file_pages", remap_pages }, { "MADV_REMOVE", punch },
	{ "/proc/self/mem", memory_file }, { "process_vm_writev", vm_write }, { "map_files, write", reopened_write },
	{ "map_files, mmap", reopened_map }, { "map_files, ftruncate", reopened_truncate }, { "map_files, fallocate", reopened_punch },
	{ "userfaultfd", faults }, { "read into it", pipe_into }, { "MADV_DONTFORK", not_for_children },
	{ "process_madvise (from Linux 6.13)", not_for_children_by_process },
};

int main(int count, char **arguments)
{
	int given = count == 3 && !strcmp(arguments[1], "given");
	if (!given) {
		file = must("memfd_create", memfd_create("slots-of-ours", 0));
		must("ftruncate", ftruncate(file, 65536));
		must("mmap", mapped(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)));
	}
	if (!find(given ? "socketcall-arguments" : "slots-of-ours")) {
		say("there is no such mapping\n");
		return 1;
	}
	for (unsigned i = 0; i < sizeof attacks / sizeof *attacks; i++) {
		int status;
		pid_t child = must("fork", fork());
		if (!child) {
			long result = attacks[i].attack();
			_exit(result < 0 ? -result : 0);
		}
		waitpid(child, &status, 0);
		say("%s: %s\n", attacks[i].name, !WIFEXITED(status) ? "killed" : WEXITSTATUS(status) ? strerror(WEXITSTATUS(status)) : "through");
	}
	if (given) {
		/* What throws pages away changes nothing. */
		char *before = place;
		size_t length = size;
		madvise(place, size, MADV_DONTNEED);
		madvise(place, size, MADV_FREE);
		madvise(place, size, MADV_PAGEOUT);
		/* And memory beside it may be kept from children as ever. */
		char *other = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must("madvise", madvise(other, 4096, MADV_DONTFORK));
		struct sockaddr_in name = v4(atoi(arguments[2]));
		long result = raw(sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (void *)&name, sizeof name));
		say("it is %s, and used: %ld\n", find("socketcall-arguments") && place == before && size == length ? "there" : "not there", result);
	}
}
