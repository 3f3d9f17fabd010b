//! Guests about signals, stacks and unwinding.

use super::*;

/// The guests.
pub const GUESTS: &[Guest] = &[
    Guest { name: "blocking", sources: &["blocking.c", "entry.S"], builds: glibc![LIBC, VDSO, INT80] },
    Guest {
        name: "stop",
        sources: &["stop.c", "entry.S"],
        builds: &[(
            Build::Dynamic,
            &[
                LIBC,
                VDSO,
                INT80,
                exactly(exited(arguments(RUN, &["libc", "status", "7"]), 7), 2, 0),
                exactly(exited(arguments(RUN, &["libc", "status", "125"]), 125), 2, 0),
                exactly(Run { wait_status: 15, ..arguments(RUN, &["libc", "signal", "15"]) }, 2, 0),
                exactly(Run { wait_status: 9, ..arguments(RUN, &["libc", "signal", "9"]) }, 2, 0),
                exactly(Run { wait_status: 10, ..arguments(RUN, &["libc", "signal", "10"]) }, 2, 0),
            ],
        )],
    },
    Guest {
        name: "unwind",
        sources: &["unwind.cc"],
        builds: glibc_twice![
            arguments(RUN, &["cancel"]),
            arguments(RUN, &["asynchronous"]),
            arguments(RUN, &["throw"]),
            uncounted(arguments(RUN, &["storm"]))
        ],
    },
    Guest {
        name: "sigsys",
        sources: &["sigsys.c", "entry.S"],
        builds: &[(
            Build::Dynamic,
            &[
                // Of those that it executes, two make a call.
                with_limits(exactly(RUN, 2, 17), UNTRACED_DIES_OF_SIGSYS),
                arguments(RUN, &["handled"]),
                with_limits(arguments(RUN, &["blocked"]), UNTRACED_DIES_OF_SIGSYS),
                // It sends itself the signal, which is ignored as far as it knows.
                with_limits(arguments(RUN, &["ignored"]), UNTRACED_DIES_OF_SIGSYS),
                with_limits(arguments(RUN, &["sent"]), UNTRACED_DIES_OF_SIGSYS),
                // Programs that nobody traces find the stub's handler.
                Run { modes: Mode::TRACED, ..exactly(arguments(RUN, &["executed"]), 0, 5) },
            ],
        )],
    },
    Guest {
        name: "own_filter",
        sources: &["own_filter.c", "entry.S"],
        builds: &[(
            Build::Dynamic,
            &[
                with_limits(RUN, UNTRACED_DIES_OF_SIGSYS),
                Run {
                    undeniable: true,
                    modes: &[],
                    ..with_limits(uncounted(arguments(RUN, &["socketcall"])), UNTRACED_DIES_OF_SIGSYS)
                },
            ],
        )],
    },
    Guest {
        name: "stack",
        sources: &["stack.c"],
        // A trap that the process serves itself needs a stack.
        builds: &[(Build::Dynamic, &[with_limits(RUN, UNTRACED_DIES_OF_SIGSEGV)])],
    },
    Guest { name: "altstack", sources: &["altstack.c", "entry.S"], builds: glibc_twice![LIBC, VDSO, INT80] },
    Guest {
        name: "alarms",
        sources: &["alarms.c", "entry.S"],
        // An interrupted call counts twice, or not, depending on how far it was.
        builds: &[(
            Build::Dynamic,
            &[
                uncounted(arguments(RUN, &["vdso", "restart"])),
                uncounted(arguments(RUN, &["int80", "restart"])),
                uncounted(arguments(RUN, &["libc", "again"])),
                uncounted(arguments(RUN, &["int80", "again"])),
            ],
        )],
    },
];
