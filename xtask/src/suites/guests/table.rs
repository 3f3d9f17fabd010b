//! The guests as data: what each is built from and for, how it is run, and which way its calls must take.

use crate::counts::Counts;
use crate::suites::Mode;

/// All of them.
pub const GUESTS: &[&[Guest]] = &[calls::GUESTS, signals::GUESTS, processes::GUESTS, hostile::GUESTS];

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

impl Guest {
    /// Whether it needs g++.
    pub fn is_cplusplus(&self) -> bool {
        self.sources.iter().any(|source| source.ends_with(".cc"))
    }
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
    /// The modes of `run` in which it does what it does natively.
    pub modes: &'static [Mode],
    /// What it does in other modes.
    pub limits: &'static [Limit],
    /// The filter that denies does not change it, natively.
    pub undeniable: bool,
    /// It needs root.
    pub root: bool,
}

/// What a program does in some modes, as documented.
pub struct Limit {
    /// The modes.
    pub modes: &'static [Mode],
    /// How the program ends, as waitpid(2) tells it.
    pub wait_status: i32,
    /// What it prints, if that matters.
    pub prints: Option<&'static str>,
    /// What standard error must hold.
    pub says: &'static str,
}

/// How many calls go which way.
pub enum Calls {
    /// The guest prints it.
    Printed,
    /// This many.
    Exactly(Counts),
    /// Nobody knows: how many depends on luck, or the supervisor has nowhere to say it.
    Unknown,
}

const RUN: Run = Run {
    arguments: &[],
    calls: Calls::Printed,
    wait_status: 0,
    around: None,
    modes: Mode::ALL,
    limits: &[],
    undeniable: false,
    root: false,
};
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

/// The same runs for the two ways to link that differ most.
macro_rules! glibc_twice {
    ($($run:expr),+) => { &[(Build::Dynamic, &[$($run),+]), (Build::Static, &[$($run),+])] };
}

const fn exactly(run: Run, stub: u64, trap: u64) -> Run {
    Run { calls: Calls::Exactly(Counts { stub, trap, direct: 0 }), ..run }
}

const fn around(run: Run, name: &'static str, script: &'static str) -> Run {
    Run { around: Some((name, script)), ..run }
}

/// Where nobody stays attached, it meets a limit.
const fn with_limits(run: Run, limits: &'static [Limit]) -> Run {
    Run { modes: Mode::TRACED, limits, ..run }
}

const fn uncounted(run: Run) -> Run {
    Run { calls: Calls::Unknown, ..run }
}

const LIMIT: Limit = Limit { modes: Mode::ALL, wait_status: 0, prints: None, says: "" };

/// What becomes of traps that nobody can serve.
const UNTRACED_DIES_OF_SIGSYS: &[Limit] =
    &[Limit { modes: Mode::UNTRACED, wait_status: 31, says: "died of SIGSYS", ..LIMIT }];

/// What becomes of traps where there is no stack, or no page, to serve them.
const UNTRACED_DIES_OF_SIGSEGV: &[Limit] = &[Limit { modes: Mode::UNTRACED, wait_status: 11, ..LIMIT }];

/// The status of a process that ended with `exit`, in waitpid's form.
const fn exited(run: Run, status: i32) -> Run {
    Run { wait_status: status << 8, ..run }
}

const fn arguments(run: Run, arguments: &'static [&'static str]) -> Run {
    Run { arguments, ..run }
}

mod calls;
mod hostile;
mod processes;
mod signals;
