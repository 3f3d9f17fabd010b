/* Linux's order of checks: EINVAL for a number outside 1..20 before the array is looked at; then exactly the
 * words that the call needs are read, so that an array may end at the end of a page; EFAULT where they
 * cannot be read; then the call's own errors. Arrays lie wherever a program may have them. */
#include "guest.h"
#include <limits.h>

static enum entry entry;

static void try(const char *where, int call, const void *words)
{
	char what[64];
	snprintf(what, sizeof what, "%s %s", call >= 1 && call <= CALLS ? calls[call].name : "no call", where);
	show(what, enter(entry, call, words));
}

static char *pages(int count)
{
	char *start = mmap(NULL, (count + 1) * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("mmap", start == MAP_FAILED ? -1 : 0);
	must("munmap", munmap(start + count * 4096, 4096));
	memset(start, -1, count * 4096);
	return start;
}

/* The end of the stack's mapping: nothing lies above it. */
static char *end_of_stack(void)
{
	char line[256];
	unsigned long end = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps && fgets(line, sizeof line, maps))
		if (strstr(line, "[stack]"))
			sscanf(line, "%*x-%lx", &end);
	must("the stack's mapping", end ? 0 : -1);
	fclose(maps);
	return (char *)end;
}

/* Seven words, so that unaligned arrays have bytes to the end. */
static long in_data[7] = { -1, -1, -1, -1, -1, -1, -1 };
static const long in_text[7] = { -1, -1, -1, -1, -1, -1, -1 };

int main(int count, char **arguments)
{
	entry = entry_of(count > 1 ? arguments[1] : NULL);

	static const int none[] = { 0, -1, CALLS + 1, 22, 255, 256, 257, 0x10001, INT_MIN, INT_MIN + 1, INT_MAX, -20 };
	for (unsigned i = 0; i < sizeof none / sizeof *none; i++) {
		say("number %d: ", none[i]);
		try("with words", none[i], in_data);
		try("without", none[i], NULL);
	}

	long on_stack[7], *in_heap = malloc(sizeof in_data);
	memset(on_stack, -1, sizeof on_stack);
	memset(in_heap, -1, sizeof in_data);
	char *two_pages = pages(2), *refused = pages(1), *stack_end = end_of_stack();
	must("mprotect", mprotect(refused, 4096, PROT_NONE));
	char *executable = pages(1);
	must("mprotect", mprotect(executable, 4096, PROT_READ | PROT_EXEC));

	for (int call = 1; call <= CALLS; call++) {
		int size = calls[call].words * 4;
		try("on the stack", call, on_stack);
		try("in data", call, in_data);
		try("in read-only data", call, in_text);
		try("in the heap", call, in_heap);
		try("unaligned", call, (char *)in_data + 1);
		try("in an executable page", call, executable);
		try("across two pages", call, two_pages + 4096 - 4);
		try("at a page's end", call, two_pages + 8192 - size);
		try("one byte over a page's end", call, two_pages + 8192 - size + 1);
		try("one word over a page's end", call, two_pages + 8192 - size + 4);
		try("at nothing", call, two_pages + 8192);
		try("in a page without access", call, refused);
		try("at NULL", call, NULL);
		try("at a small address", call, (void *)8);
		try("at the stack's end", call, stack_end);
		try("over the stack's end", call, stack_end - size + 4);
		try("below the kernel's addresses", call, (void *)0xffffe000);
		try("at the last word", call, (void *)0xfffffffc);
		try("at the last byte", call, (void *)0xffffffff);
	}
	say_counts();
}
