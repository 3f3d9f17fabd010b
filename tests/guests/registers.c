/* Every register but eax is preserved by every call, and by int $0x80 the flags are too. The calls here fail,
 * each in its own way; where they succeed, all20 sees to the same, since enter() checks it always. */
#include "guest.h"

int main(int count, char **arguments)
{
	enum entry entry = entry_of(count > 1 ? arguments[1] : NULL);
	for (int call = 1; call <= CALLS; call++)
		show(calls[call].name, CALL(entry, call, -1, -1, -1, -1, -1, -1));
	static const int none[] = { 0, CALLS + 1, -1, 0x7fffffff, -0x7fffffff - 1 };
	for (unsigned i = 0; i < sizeof none / sizeof *none; i++)
		show("no call", CALL(entry, none[i], -1, -1, -1, -1, -1, -1));
	for (int call = 1; call <= CALLS; call++)
		show(calls[call].name, enter(entry, call, NULL));
	say_counts();
}
