/* Races against whoever looks at a call before it is made: somebody else changes what was looked at.
 *	race KIND WAY WHO SECONDS ATTEMPTS ALLOWED FORBIDDEN DIRECTORY
 * It takes so many seconds, and so many attempts. WHO changes it: a thread, a process that shares the memory (fork), or all memory (vm). The ports are the receiver's, and so
 * is the directory. Prints how many attempts there were, how many calls were made, how many were refused, and how many of
 * those that were made did what is forbidden, where that is seen here. */
#include "policy.h"
#include <linux/netlink.h>
#include <sys/stat.h>

enum { FD = 200, BATCH = 4 };

static enum way way;
static int allowed, forbidden, seconds;
static long long limit;
static char paths[2][108], link_path[108], spare[108];

/* What is shared with whoever changes it. */
static struct shared {
	volatile int done, go;
	struct sockaddr_in address, other;
	struct sockaddr_un local;
	struct iovec parts[BATCH][3];
	char text[16], headers[BATCH][64] __attribute__((aligned(8)));
	char control[128] __attribute__((aligned(8)));
	long long attempts, made, refused, other_errors, wrong, replies[134];
} *shared;

static int pair[2];

static void pause_a_little(unsigned *random, unsigned most)
{
	*random = *random * 1103515245 + 12345;
	for (volatile unsigned wait = (*random >> 16) % most; wait; wait--)
		;
}

/* What is changed back and forth: the number of the port, a pointer, a length, ... */
static volatile uint32_t *place32;
static volatile uint16_t *place16;
static uint32_t values[2];

static void flip16(int turn) { *place16 = values[turn]; }
static void flip32(int turn) { *place32 = values[turn]; }

/* By the instruction and the number that socket calls are made by. */
static long by_way(long wide, uint32_t narrow, long a, long b, long c)
{
	uint32_t words[6] = { a, b, c };
	return way == SYSCALL ? syscall(wide, a, b, c) : enter32(narrow, words, 0);
}

static void flip_descriptor(int turn) { by_way(SYS_dup2, 63, pair[turn], FD, 0); }
static void flip_dup3(int turn) { by_way(SYS_dup3, 330, pair[turn], FD, O_CLOEXEC); }
static void flip_close(int turn)
{
	by_way(SYS_close, 6, FD, 0, 0);
	fcntl(pair[turn], F_DUPFD, FD);
}
static void flip_range(int turn)
{
	by_way(436, 436, FD, FD, 0);
	fcntl(pair[turn], F_DUPFD, FD);
}
static void flip_link(int turn)
{
	(void)!symlink(paths[turn], spare);
	rename(spare, link_path);
}

static int flip_loop(void *function)
{
	unsigned random = 1;
	for (int turn = 0; !shared->done; turn ^= 1) {
		((void (*)(int))function)(turn);
		pause_a_little(&random, 400);
		/* Everybody may be on one processor. */
		sched_yield();
	}
	return 0;
}

static void *flip_thread(void *function)
{
	flip_loop(function);
	return NULL;
}

/* A socket for one attempt. */
static int fresh(int type)
{
	struct linger at_once = { 1, 0 };
	int fd = must("socket", socket(AF_INET, type, 0));
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	return fd;
}

static void note(long result)
{
	if (result >= 0)
		shared->made++;
	else if (result == -EACCES || result == -EPERM)
		shared->refused++;
	else
		shared->other_errors++;
	if (result < 0 && result > -134)
		shared->replies[-result]++;
}

/* For so many seconds, and longer until there were enough attempts; but not for ever. */
static int goes_on(long long end)
{
	long long time = now();
	shared->attempts++;
	return time < end || (shared->attempts <= limit && time < end + seconds * 9000000000ll);
}

static int datagrams;

static void connect_datagrams(long long end)
{
	while (goes_on(end)) {
		long result = CALL6(way, CONNECT, datagrams, &shared->address, sizeof shared->address, 0, 0, 0);
		if (!result)
			result = send(datagrams, "x", 1, 0) == 1 ? 0 : -errno;
		note(result);
		struct sockaddr none = { .sa_family = AF_UNSPEC };
		connect(datagrams, &none, sizeof none);
	}
}

static void connect_streams(long long end)
{
	while (goes_on(end)) {
		int fd = fresh(SOCK_STREAM);
		note(CALL6(way, CONNECT, fd, &shared->address, sizeof shared->address, 0, 0, 0));
		close(fd);
	}
}

static void bind_flips(long long end)
{
	while (goes_on(end)) {
		int fd = fresh(SOCK_DGRAM);
		struct sockaddr_in name = { .sin_family = AF_INET };
		socklen_t length = sizeof name;
		long result = CALL6(way, BIND, fd, &shared->address, sizeof shared->address, 0, 0, 0);
		getsockname(fd, (void *)&name, &length);
		note(result);
		shared->wrong += name.sin_port == htons(forbidden);
		close(fd);
	}
}

static void *target;
static uint32_t target_length;

static void sendto_flips(long long end)
{
	while (goes_on(end))
		note(CALL6(way, SENDTO, datagrams, shared->text, 1, 0, target, target_length));
}

static void sendmsg_flips(long long end)
{
	while (goes_on(end))
		note(CALL6(way, SENDMSG, datagrams, shared->headers[0], 0, 0, 0, 0));
}

/* Of a number of messages that were sent, each counts. */
static void sendmmsg_flips(long long end)
{
	while (goes_on(end)) {
		long result = CALL6(way, SENDMMSG, datagrams, shared->headers, BATCH, 0, 0, 0);
		note(result);
		if (result > 0)
			shared->made += result - 1;
	}
}

/* Code that another thread changes: a call by it may be made in parts, and be another one the second time. */
static unsigned char *page;

static void code_flips(long long end)
{
	while (goes_on(end)) {
		long result;
		long fd = datagrams, vector = (long)shared->headers, batch = BATCH, flags = 0;
		/* Whoever changes the code changes registers too. */
#ifdef __x86_64__
		register long last asm("r10") = flags;
		asm volatile("call *%[page]"
			     : "=a"(result), "+D"(fd), "+S"(vector), "+d"(batch), "+r"(last)
			     : "0"(SYS_sendmmsg), [page] "r"(page)
			     : "rcx", "r8", "r9", "r11", "memory");
#else
		unsigned char *entry = page;
		asm volatile("push %%ebp\n	call *%%edi\n	pop %%ebp"
			     : "=a"(result), "+b"(fd), "+c"(vector), "+d"(batch), "+S"(flags), "+D"(entry)
			     : "0"(345)
			     : "memory");
#endif
		note(result);
		if (result > 0)
			shared->made += result - 1;
	}
}

/* The instruction and a return; behind it the same with other memory, which a jump in its place leads to. */
static void write_code(const void *other)
{
	uint32_t address = (uintptr_t)other;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("mmap", page == MAP_FAILED ? -1 : 0);
	/* mov $address, %esi or %ecx */
	page[16] = sizeof(long) == 8 ? 0xbe : 0xb9;
	memcpy(page + 17, &address, 4);
	static const unsigned char narrow[3] = { 0xcd, 0x80, 0xc3 }, wide[3] = { 0x0f, 0x05, 0xc3 };
	memcpy(page, sizeof(long) == 8 ? wide : narrow, 3);
	memcpy(page + 21, sizeof(long) == 8 ? wide : narrow, 3);
	place16 = (void *)page;
	values[0] = *place16;
	values[1] = 0x0eeb;
}

/* To a descriptor that is now this socket, now that. */
static void descriptor_sendto(long long end)
{
	while (goes_on(end))
		note(CALL6(way, SENDTO, FD, shared->text, 1, MSG_DONTWAIT | MSG_NOSIGNAL, target, target_length));
}

static void descriptor_sendmmsg(long long end)
{
	while (goes_on(end))
		note(CALL6(way, SENDMMSG, FD, shared->headers, BATCH, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0));
}

/* By a descriptor that is now datagrams, now a stream. */
static int is_fastopen;

static void type_connect(long long end)
{
	while (goes_on(end)) {
		int udp = fresh(SOCK_DGRAM), tcp = fresh(SOCK_STREAM);
		pair[0] = udp;
		pair[1] = tcp;
		if (is_fastopen)
			note(CALL6(way, SENDTO, FD, shared->text, 1, MSG_FASTOPEN | MSG_NOSIGNAL | MSG_DONTWAIT, target, target_length));
		else
			note(CALL6(way, CONNECT, FD, target, target_length, 0, 0, 0));
		close(udp);
		close(tcp);
	}
}

/* A unix socket with a name of the kernel's choice. */
static int named(void)
{
	int fd = must("unix", socket(AF_UNIX, SOCK_STREAM, 0));
	struct sockaddr_un none = { .sun_family = AF_UNIX };
	must("bind", bind(fd, (void *)&none, sizeof none.sun_family));
	return fd;
}

/* What was looked at is local; what listens is bound to nothing. */
static void descriptor_listen(long long end)
{
	while (goes_on(end)) {
		int local = named(), any = fresh(SOCK_STREAM), listens = 0;
		socklen_t length = sizeof listens;
		pair[0] = local;
		pair[1] = any;
		note(CALL6(way, LISTEN, FD, 1, 0, 0, 0, 0));
		getsockopt(any, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length);
		shared->wrong += listens;
		close(local);
		close(any);
	}
}

static size_t headers(void *name, uint32_t length, void *control, uint32_t room)
{
	size_t size = 0, at = 0;
	for (int i = 0; i < BATCH; i++, at += size) {
		shared->parts[i][0] = (struct iovec){ shared->text, 1 };
		size = put_header(way, (char *)shared->headers + at, name, length, shared->parts[i], control, room);
	}
	return size;
}

/* Where a header has its name, the name's length, and so on. */
static volatile uint32_t *field(int index, size_t size, size_t wide, size_t narrow)
{
	return (void *)((char *)shared->headers + index * size + (is_narrow(way) ? narrow : wide));
}
#define FIELD(index, size, name, narrow_name) \
	field(index, size, offsetof(struct msghdr, name), offsetof(struct narrow_header, narrow_name))

/* A control message that says: by way of 127.0.0.2 (RFC 791, loose source route). Of an unknown level it says nothing. */
static uint32_t source_route(void)
{
	static const uint8_t route[8] = { 131, 7, 4, 127, 0, 0, 2, 0 };
	uint32_t head = is_narrow(way) ? 12 : 16, length = head + sizeof route;
	memcpy(shared->control, &(size_t){ length }, is_narrow(way) ? 4 : sizeof(size_t));
	*(uint32_t *)(shared->control + head - 8) = IPPROTO_IP;
	*(uint32_t *)(shared->control + head - 4) = IP_RETOPTS;
	memcpy(shared->control + head, route, sizeof route);
	return length;
}

typedef void flips(int);
typedef void attempts(long long);

/* Prepares a kind of race; answers what is flipped, and what is attempted. */
static flips *prepare(const char *kind, attempts **attempt)
{
	struct shared *s = shared;
	datagrams = must("socket", socket(AF_INET, SOCK_DGRAM, 0));
	s->address = v4(allowed);
	s->other = v4(forbidden);
	place16 = &s->address.sin_port;
	values[0] = htons(allowed);
	values[1] = htons(forbidden);
	target = &s->address;
	target_length = sizeof s->address;
	*attempt = NULL;
	static const struct { const char *name; attempts *attempt; } by_port[] = {
		{ "connect", connect_datagrams }, { "connect-stream", connect_streams }, { "bind", bind_flips }, { "sendto", sendto_flips },
	};
	for (unsigned i = 0; i < sizeof by_port / sizeof *by_port; i++)
		if (!strcmp(kind, by_port[i].name)) {
			*attempt = by_port[i].attempt;
			return flip16;
		}
	size_t size = headers(&s->address, sizeof s->address, NULL, 0);
	*attempt = !strncmp(kind, "sendmmsg", 8) ? sendmmsg_flips : sendmsg_flips;
	if (!strcmp(kind, "sendmsg") || !strcmp(kind, "sendmmsg"))
		return flip16;
	if (!strcmp(kind, "sendmsg-name") || !strcmp(kind, "sendmmsg-name")) {
		/* The pointer, of the last message of several. Its low half is enough: both are in one page. */
		place32 = FIELD(!strcmp(kind, "sendmsg-name") ? 0 : BATCH - 1, size, msg_name, name);
		values[0] = (uintptr_t)&s->address;
		values[1] = (uintptr_t)&s->other;
		return flip32;
	}
	if (!strcmp(kind, "sendmsg-length") || !strcmp(kind, "sendmmsg-length")) {
		/* An address of no length is none; and to nobody nothing is sent, but the socket is connected. */
		headers(&s->other, 0, NULL, 0);
		must("connect", connect(datagrams, (void *)&s->address, sizeof s->address));
		place32 = FIELD(!strcmp(kind, "sendmsg-length") ? 0 : 1, size, msg_namelen, name_length);
		values[0] = 0;
		values[1] = sizeof s->other;
		return flip32;
	}
	if (!strcmp(kind, "sendmsg-control") || !strcmp(kind, "sendmsg-control-length")) {
		uint32_t length = source_route();
		headers(&s->address, sizeof s->address, s->control, length);
		place32 = (void *)(s->control + (is_narrow(way) ? 4 : 8));
		values[0] = 1234;
		values[1] = IPPROTO_IP;
		if (!strcmp(kind, "sendmsg-control"))
			return flip32;
		place32 = FIELD(0, size, msg_controllen, control_length);
		values[0] = 0;
		values[1] = length;
		return flip32;
	}
	if (!strcmp(kind, "code")) {
		char *other = shared->control;
		for (size_t at = 0; at < 2 * size; at += size)
			put_header(way, other + at, &s->other, sizeof s->other, &s->parts[0][0], NULL, 0);
		write_code(other);
		*attempt = code_flips;
		return flip16;
	}
	if (!strcmp(kind, "link")) {
		s->local = (struct sockaddr_un){ .sun_family = AF_UNIX };
		strcpy(s->local.sun_path, link_path);
		unlink(link_path);
		unlink(spare);
		target = &s->local;
		target_length = sizeof s->local;
		datagrams = must("socket", socket(AF_UNIX, SOCK_DGRAM, 0));
		*attempt = sendto_flips;
		flip_link(0);
		return flip_link;
	}
	/* The address is the forbidden one, and no address of the first socket's. */
	target = &s->other;
	target_length = sizeof s->other;
	*attempt = descriptor_sendto;
	pair[1] = datagrams;
	if (!strcmp(kind, "descriptor")) {
		pair[0] = must("netlink", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
		return flip_descriptor;
	}
	if (!strcmp(kind, "descriptor-unspec")) {
		/* No address for IPv6; for IPv4 it is one. */
		pair[0] = must("inet6", socket(AF_INET6, SOCK_DGRAM, 0));
		s->other.sin_family = AF_UNSPEC;
		return flip_descriptor;
	}
	if (!strcmp(kind, "descriptor-listen")) {
		pair[0] = named();
		*attempt = descriptor_listen;
		return flip_descriptor;
	}
	static const struct { const char *name; flips *flip; attempts *attempt; } by_type[] = {
		{ "type-dup2", flip_descriptor, type_connect }, { "type-dup3", flip_dup3, type_connect },
		{ "type-close", flip_close, type_connect },	{ "type-range", flip_range, type_connect },
		{ "fastopen", flip_descriptor, type_connect },	{ "type-sendto", flip_descriptor, descriptor_sendto },
		{ "type-sendmmsg", flip_close, descriptor_sendmmsg },
	};
	is_fastopen = !strcmp(kind, "fastopen");
	pair[0] = fresh(SOCK_STREAM);
	headers(&s->other, sizeof s->other, NULL, 0);
	for (unsigned i = 0; i < sizeof by_type / sizeof *by_type; i++)
		if (!strcmp(kind, by_type[i].name)) {
			*attempt = by_type[i].attempt;
			return by_type[i].flip;
		}
	say("no such race: %s\n", kind);
	exit(97);
}

int main(int count, char **arguments)
{
	if (count != 9) {
		say("usage: race KIND WAY WHO SECONDS ATTEMPTS ALLOWED FORBIDDEN DIRECTORY\n");
		return 97;
	}
	way = way_of(arguments[2]);
	const char *who = arguments[3];
	seconds = atoi(arguments[4]);
	limit = atoll(arguments[5]);
	allowed = atoi(arguments[6]);
	forbidden = atoi(arguments[7]);
	snprintf(paths[0], sizeof *paths, "%s/allowed/socket", arguments[8]);
	snprintf(paths[1], sizeof *paths, "%s/forbidden/socket", arguments[8]);
	snprintf(link_path, sizeof link_path, "%s/link", arguments[8]);
	snprintf(spare, sizeof spare, "%s/spare", arguments[8]);
	shared = low(16384);
	attempts *attempt;
	flips *flip = prepare(arguments[1], &attempt);
	pthread_t thread;
	pid_t child = 0;
	if (!strcmp(who, "thread")) {
		must("pthread_create", -pthread_create(&thread, NULL, flip_thread, flip));
	} else if (!strcmp(who, "fork")) {
		child = must("fork", fork());
		if (!child)
			_exit(flip_loop(flip));
	} else {
		char *stack = low(1 << 16);
		child = must("clone", clone(flip_loop, stack + (1 << 16), CLONE_VM | CLONE_FILES | SIGCHLD, flip));
	}
	attempt(now() + seconds * 1000000000ll);
	shared->done = 1;
	if (child)
		must("waitpid", waitpid(child, NULL, 0));
	else
		pthread_join(thread, NULL);
	say("attempts %lld, made %lld, refused %lld, other %lld, wrong %lld\n", shared->attempts - 1, shared->made, shared->refused,
	    shared->other_errors, shared->wrong);
	for (int i = 0; i < 134; i++)
		if (shared->replies[i])
			say("  %lld x %s\n", shared->replies[i], strerror(i));
}
