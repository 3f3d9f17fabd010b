//! Guests about processes: how they are made, who they are, how they end.

use super::*;

/// The guests.
pub const GUESTS: &[Guest] = &[
    Guest {
        name: "forks",
        sources: &["forks.c", "entry.S"],
        // Nine processes, one of them twice, make a call each by the C library, the vDSO and int $0x80.
        builds: glibc![exactly(RUN, 18, 9), exactly(arguments(RUN, &["untraced"]), 2, 1)],
    },
    Guest {
        name: "exec_thread",
        sources: &["exec_thread.c", "entry.S"],
        // A socketpair and four recv before, two sockets after.
        builds: &[(Build::Dynamic, &[exactly(RUN, 6, 1)]), (Build::Static, &[exactly(RUN, 6, 1)])],
    },
    Guest {
        name: "chain",
        sources: &["chain.c"],
        builds: &[
            (
                Build::Dynamic,
                &[
                    exactly(arguments(RUN, &["one"]), 1, 0),
                    exactly(arguments(RUN, &["one", "DIR/chain64", "two"]), 1, 0),
                    exactly(arguments(RUN, &["one", "DIR/chain64", "two", "DIR/chain", "three"]), 2, 0),
                    exactly(arguments(RUN, &["one", "DIR/script", "DIR/chain64", "two", "DIR/script"]), 3, 0),
                ],
            ),
            (
                Build::Static,
                &[exactly(arguments(RUN, &["one", "DIR/chain64", "two", "DIR/chain", "three"]), 2, 0)],
            ),
        ],
    },
    Guest {
        name: "setuid",
        sources: &["setuid.c", "entry.S"],
        // Four users of three sockets each, two of them by the C library.
        builds: glibc![Run { root: true, ..exactly(RUN, 8, 4) }],
    },
    Guest {
        name: "identity",
        sources: &["identity.c", "entry.S"],
        builds: &[
            (
                Build::Dynamic,
                &[
                    RUN,
                    around(RUN, "standard input closed", r#"exec "$@" <&-"#),
                    Run {
                        calls: Calls::Unknown,
                        ..around(RUN, "standard error closed", r#"exec "$@" 2>&-"#)
                    },
                    Run {
                        calls: Calls::Unknown,
                        ..around(RUN, "input and error closed", r#"exec "$@" <&- 2>&-"#)
                    },
                    around(RUN, "more descriptors", r#"exec 5</dev/null 7>/dev/null; exec "$@""#),
                    around(RUN, "signals ignored", r#"trap '' PIPE INT CHLD SYS; exec "$@""#),
                    around(RUN, "a child of another", r#""$@"; exit $?"#),
                    around(RUN, "limits", r#"ulimit -n 20; ulimit -c 0; umask 077; cd /; exec "$@""#),
                ],
            ),
            (Build::Static, &[RUN]),
        ],
    },
    Guest {
        name: "clones",
        sources: &["clones.c", "entry.S"],
        builds: glibc_twice![
            arguments(RUN, &["clone"]),
            arguments(RUN, &["clone3"]),
            arguments(RUN, &["parent"])
        ],
    },
    Guest {
        name: "many",
        sources: &["many.c", "entry.S"],
        builds: &[(
            Build::Dynamic,
            &[arguments(RUN, &["1000"]), Run { root: true, ..arguments(RUN, &["limit"]) }],
        )],
    },
    Guest {
        name: "daemon",
        sources: &["daemon.c", "entry.S"],
        builds: &[(Build::Dynamic, &[exited(LIBC, 3), exited(VDSO, 3), exited(INT80, 3)])],
    },
    Guest {
        name: "exec_storm",
        sources: &["exec_storm.c", "entry.S"],
        builds: glibc_twice![uncounted(arguments(RUN, &["12"]))],
    },
    Guest {
        name: "raised",
        sources: &["raised.c", "entry.S"],
        builds: &[(
            Build::Dynamic,
            &[
                Run {
                    root: true,
                    ..uncounted(around(
                        arguments(RUN, &["become"]),
                        "set-user-ID",
                        r#"chown root "$GUEST" && chmod 4755 "$GUEST" && exec "$@""#,
                    ))
                },
                Run {
                    root: true,
                    modes: &[],
                    limits: &[Limit {
                        modes: Mode::TRACED,
                        prints: Some(
                            "user 65534, effective user 65534\nlibc: socket = 3\nint80: socket = 4\n\
                             a raw one = -1 (Operation not permitted)\n",
                        ),
                        says: "has no effect under run",
                        ..LIMIT
                    }],
                    ..uncounted(around(
                        RUN,
                        "set-user-ID, by somebody without privileges",
                        r#"chown root "$GUEST" && chmod 4755 "$GUEST" &&
                            exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@""#,
                    ))
                },
            ],
        )],
    },
];
