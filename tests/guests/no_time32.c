/* recvmmsg on a kernel that has no 32-bit time for direct calls (CONFIG_COMPAT_32BIT_TIME=n), as a filter of the
 * program's own makes it one: the direct call answers ENOSYS, and the multiplexed one works.
 *	no_time32 vdso|int80 */
#include "guest.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/uio.h>

enum { RECVMMSG = 337 };

struct timeout { int32_t seconds, nanoseconds; };

static enum entry entry;
static int pair[2];

static void take_away(int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must("seccomp", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/* Up to two messages, of which so many are there. */
static void receive(const char *what, int messages, int flags, const struct timeout *timeout)
{
	char text[2][8] = { "", "" };
	struct iovec parts[2] = { { text[0], 7 }, { text[1], 7 } };
	struct mmsghdr headers[2] = { { .msg_hdr = { .msg_iov = &parts[0], .msg_iovlen = 1 } },
				      { .msg_hdr = { .msg_iov = &parts[1], .msg_iovlen = 1 } } };
	for (int i = 0; i < messages; i++)
		must("write", write(pair[1], i ? "second" : "first", i ? 6 : 5));
	say("%s: ", what);
	long result = show("recvmmsg", CALL(entry, SYS_RECVMMSG, pair[0], (long)headers, 2, flags, (long)timeout));
	for (int i = 0; i < result; i++)
		say("  %u bytes: %s\n", headers[i].msg_len, text[i]);
	/* What is left of an attempt that failed. */
	char rest[8];
	for (int i = result > 0 ? result : 0; i < messages; i++)
		say("  left: %zd bytes\n", recv(pair[0], rest, sizeof rest, MSG_DONTWAIT)), counted->stub++;
}

int main(int count, char **arguments)
{
	struct timeout timeout = { 1000, 5 };
	entry = entry_of(count > 1 ? arguments[1] : NULL);
	must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	counted->stub++;
	take_away(RECVMMSG);
	receive("no timeout", 2, 0, NULL);
	receive("no timeout, nothing there", 0, MSG_DONTWAIT, NULL);
	receive("a timeout", 1, MSG_WAITFORONE, &timeout);
	say("  left of it: %s\n", timeout.seconds == 999 && timeout.nanoseconds > 0 ? "less than was" : "something else");
	timeout = (struct timeout){ 1000, 5 };
	receive("a timeout, nothing there", 0, MSG_DONTWAIT, &timeout);
	say("  left of it: %d.%d\n", timeout.seconds, timeout.nanoseconds);
	timeout = (struct timeout){ 0, 0 };
	receive("no time at all", 2, 0, &timeout);
	receive("too many nanoseconds", 1, MSG_DONTWAIT, &(struct timeout){ 0, 1000000000 });
	receive("negative seconds", 1, MSG_DONTWAIT, &(struct timeout){ -1, 0 });
	receive("a timeout nowhere", 1, MSG_DONTWAIT, (void *)16);
	struct timeout *fixed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*fixed = (struct timeout){ 1000, 5 };
	must("mprotect", mprotect(fixed, 4096, PROT_READ));
	receive("a timeout that can't be written", 1, MSG_WAITFORONE, fixed);
	say_counts();
}
