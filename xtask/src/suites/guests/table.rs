//! The guests as data: what each is built from and for, how it is run, and which way its calls must take.

use crate::counts::Counts;

/// For which processor and C library, and how linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// glibc, dynamic and position-independent, as distributions build.
    Dynamic,
    /// glibc, static at a fixed address.
    Static,
    /// glibc, static and position-independent.
    StaticPie,
    /// musl, dynamic.
    MuslDynamic,
    /// musl, static.
    MuslStatic,
    /// No library at all.
    Bare,
    /// A 64-bit program.
    SixtyFour,
}

impl Build {
    /// For the names of cases.
    pub fn name(self) -> &'static str {
        match self {
            Build::Dynamic => "glibc",
            Build::Static => "glibc static",
            Build::StaticPie => "glibc static-pie",
            Build::MuslDynamic => "musl",
            Build::MuslStatic => "musl static",
            Build::Bare => "bare",
            Build::SixtyFour => "64 bits",
        }
    }

    /// Whether the i386 tree must be there.
    pub fn is_musl(self) -> bool {
        matches!(self, Build::MuslDynamic | Build::MuslStatic)
    }
}

/// A program of tests/guests.
pub struct Guest {
    /// Its name, as a file too.
    pub name: &'static str,
    /// Its sources.
    pub sources: &'static [&'static str],
    /// How it is built, and what is run of each build.
    pub builds: &'static [(Build, &'static [Run])],
}

/// One way to run a guest.
pub struct Run {
    /// Its arguments; DIR is the directory of the guests of this build.
    pub arguments: &'static [&'static str],
    /// Which way its calls take under `run`.
    pub calls: Calls,
    /// How it ends natively, as waitpid(2) tells it.
    pub wait_status: i32,
    /// A name, and a shell script inside the filter that runs the rest, `run` included, as `"$@"`.
    pub around: Option<(&'static str, &'static str)>,
    /// There is no run with -v, since the supervisor has nowhere to write to.
    pub silent: bool,
    /// It needs root.
    pub root: bool,
}

/// How many calls go which way.
pub enum Calls {
    /// The guest prints it.
    Printed,
    /// This many.
    Exactly(Counts),
}

const RUN: Run =
    Run { arguments: &[], calls: Calls::Printed, wait_status: 0, around: None, silent: false, root: false };
const LIBC: Run = Run { arguments: &["libc"], ..RUN };
const VDSO: Run = Run { arguments: &["vdso"], ..RUN };
const INT80: Run = Run { arguments: &["int80"], ..RUN };

/// musl makes direct calls by itself; what is left is the one that the guest makes by syscall(2).
const ALL20_BY_MUSL: Run = Run { calls: Calls::Exactly(Counts { stub: 1, trap: 0, direct: 27 }), ..LIBC };

/// The same runs for every way to link glibc.
macro_rules! glibc {
    ($($run:expr),+) => {
        &[(Build::Dynamic, &[$($run),+]), (Build::Static, &[$($run),+]), (Build::StaticPie, &[$($run),+])]
    };
}

const fn exactly(run: Run, stub: u64, trap: u64) -> Run {
    Run { calls: Calls::Exactly(Counts { stub, trap, direct: 0 }), ..run }
}

const fn around(run: Run, name: &'static str, script: &'static str) -> Run {
    Run { around: Some((name, script)), ..run }
}

/// The status of a process that ended with `exit`, in waitpid's form.
const fn exited(run: Run, status: i32) -> Run {
    Run { wait_status: status << 8, ..run }
}

const fn arguments(run: Run, arguments: &'static [&'static str]) -> Run {
    Run { arguments, ..run }
}

/// All of them.
pub const GUESTS: &[Guest] = &[
    Guest {
        name: "all20",
        sources: &["all20.c", "entry.S"],
        builds: &[
            (Build::Dynamic, &[LIBC, VDSO, INT80]),
            (Build::Static, &[LIBC, VDSO, INT80]),
            (Build::StaticPie, &[LIBC, VDSO, INT80]),
            (Build::MuslDynamic, &[ALL20_BY_MUSL, VDSO, INT80]),
            (Build::MuslStatic, &[ALL20_BY_MUSL, VDSO, INT80]),
        ],
    },
    Guest { name: "registers", sources: &["registers.c", "entry.S"], builds: glibc![VDSO, INT80] },
    Guest { name: "raw", sources: &["raw.S"], builds: &[(Build::Bare, &[exited(exactly(RUN, 0, 1), 3)])] },
    Guest {
        name: "errors",
        sources: &["errors.c", "entry.S"],
        builds: &[
            (Build::Dynamic, &[VDSO, INT80]),
            (Build::Static, &[VDSO, INT80]),
            (Build::MuslDynamic, &[VDSO, INT80]),
        ],
    },
    Guest { name: "threads", sources: &["threads.c", "entry.S"], builds: glibc![RUN] },
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
    Guest { name: "bypass64", sources: &["bypass64.c"], builds: &[(Build::SixtyFour, &[RUN])] },
    Guest {
        name: "setuid",
        sources: &["setuid.c", "entry.S"],
        // Four users of three sockets each, two of them by the C library.
        builds: glibc![Run { root: true, ..exactly(RUN, 8, 4) }],
    },
    Guest { name: "blocking", sources: &["blocking.c", "entry.S"], builds: glibc![LIBC, VDSO, INT80] },
    Guest { name: "fdpass", sources: &["fdpass.c", "entry.S"], builds: glibc![LIBC, VDSO, INT80] },
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
        name: "identity",
        sources: &["identity.c", "entry.S"],
        builds: &[
            (
                Build::Dynamic,
                &[
                    RUN,
                    around(RUN, "standard input closed", r#"exec "$@" <&-"#),
                    Run { silent: true, ..around(RUN, "standard error closed", r#"exec "$@" 2>&-"#) },
                    Run { silent: true, ..around(RUN, "input and error closed", r#"exec "$@" <&- 2>&-"#) },
                    around(RUN, "more descriptors", r#"exec 5</dev/null 7>/dev/null; exec "$@""#),
                    around(RUN, "signals ignored", r#"trap '' PIPE INT CHLD SYS; exec "$@""#),
                    around(RUN, "a child of another", r#""$@"; exit $?"#),
                    around(RUN, "limits", r#"ulimit -n 20; ulimit -c 0; umask 077; cd /; exec "$@""#),
                ],
            ),
            (Build::Static, &[RUN]),
        ],
    },
];
