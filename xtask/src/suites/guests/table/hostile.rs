//! Guests that look into what they were given, lose it, and attack it.

use super::*;

/// The guests.
pub const GUESTS: &[Guest] = &[
    Guest {
        name: "vdso",
        sources: &["vdso.c", "entry.S"],
        builds: glibc_twice![
            uncounted(arguments(RUN, &["clock"])),
            uncounted(arguments(RUN, &["symbols"])),
            uncounted(arguments(RUN, &["overwrite"])),
            // Where nobody stays attached, what serves traps is gone with the page that it was in.
            Run {
                modes: &[Mode::Traced],
                ..with_limits(uncounted(arguments(RUN, &["move"])), UNTRACED_DIES_OF_SIGSEGV)
            },
            Run {
                modes: &[Mode::Traced],
                ..with_limits(uncounted(arguments(RUN, &["unmap"])), UNTRACED_DIES_OF_SIGSEGV)
            },
            Run {
                modes: &[Mode::Traced],
                ..with_limits(uncounted(arguments(RUN, &["protect"])), UNTRACED_DIES_OF_SIGSEGV)
            },
            // The breakpoints that it wrote over the stub are where traps are served.
            Run {
                modes: &[],
                limits: &[Limit { wait_status: 5, ..LIMIT }],
                ..uncounted(arguments(RUN, &["erase"]))
            }
        ],
    },
    Guest {
        name: "hostile",
        sources: &["hostile.c", "entry.S"],
        builds: &[(
            Build::Dynamic,
            &[
                // Natively a filter can't judge what is behind a pointer.
                Run {
                    modes: &[],
                    limits: &[Limit {
                        prints: Some(
                            "AF_INET sometimes, AF_NETLINK never, refused sometimes, other errors 0\n",
                        ),
                        ..LIMIT
                    }],
                    ..uncounted(arguments(RUN, &["flip"]))
                },
                Run { modes: Mode::TRACED, ..uncounted(arguments(RUN, &["faults"])) },
                exited(uncounted(arguments(RUN, &["descriptors"])), 7),
                Run {
                    modes: Mode::UNTRACED,
                    limits: &[Limit {
                        modes: Mode::TRACED,
                        prints: Some(
                            "PTRACE_TRACEME: Operation not permitted\nthe child:\n  socket made\n  socket made\n\
                             it ended with status 0\nPTRACE_ATTACH: Operation not permitted\n\
                             PTRACE_SEIZE: Operation not permitted\nthe parent:\n  socket made\n  socket made\n",
                        ),
                        says: "run --untraced",
                        ..LIMIT
                    }],
                    ..uncounted(arguments(RUN, &["tracing"]))
                },
                // Root may do with it what root may do with any process.
                Run {
                    root: true,
                    modes: &[],
                    limits: &[Limit {
                        prints: Some(
                            "its mem: refused\nits environ: refused\nits maps: refused\nits fd/2: refused\n\
                             its exe: refused\nPTRACE_SEIZE: Operation not permitted\nafterwards:\n  socket made\n  \
                             socket made\n",
                        ),
                        ..LIMIT
                    }],
                    ..uncounted(around(
                        arguments(RUN, &["supervisor"]),
                        "without privileges",
                        r#"exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@""#,
                    ))
                },
            ],
        )],
    },
    Guest {
        name: "kill_storm",
        sources: &["kill_storm.c", "entry.S"],
        builds: glibc_twice![
            uncounted(arguments(RUN, &["1", "300"])),
            uncounted(arguments(RUN, &["2", "300"]))
        ],
    },
];
