//! Guests about the calls themselves, by every entry.

use super::*;

const WITHOUT_PROC: &str =
    r#"exec unshare --mount sh -c 'mount -t tmpfs -o ro none /proc && exec "$@"' sh "$@""#;

/// The guests.
pub const GUESTS: &[Guest] = &[
    Guest {
        name: "all20",
        sources: &["all20.c", "entry.S"],
        builds: &[
            (
                Build::Dynamic,
                &[LIBC, VDSO, INT80, Run { root: true, ..around(INT80, "without /proc", WITHOUT_PROC) }],
            ),
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
        name: "bypass64",
        sources: &["bypass64.c"],
        builds: &[(Build::SixtyFour, &[with_limits(RUN, UNTRACED_DIES_OF_SIGSYS)])],
    },
    Guest {
        name: "no_time32",
        sources: &["no_time32.c", "entry.S"],
        builds: &[(Build::Dynamic, &[VDSO, INT80])],
    },
    Guest { name: "fdpass", sources: &["fdpass.c", "entry.S"], builds: glibc![LIBC, VDSO, INT80] },
];
