//! What is measured.

use guest32::{Entry, Guest, Program};

use super::contestant::Place;

/// One line of the table.
pub struct Row {
    /// What a person calls it.
    pub name: &'static str,
    /// What takes the time.
    pub work: Work,
    /// Options of `socketcall run`.
    pub options: &'static [&'static str],
    /// On which processors.
    pub place: Place,
    /// What is promised of it.
    pub bound: Option<Bound>,
}

/// What takes the time.
#[derive(Clone, Copy)]
pub enum Work {
    /// A benchmark, long after its start.
    Loop(Program, Entry),
    /// The start and the end of a program that does nothing; natively, of `env PROGRAM`.
    Start {
        /// All inside a filter that denies socketcall.
        denied: bool,
    },
}

/// At most so much.
#[derive(Clone, Copy)]
pub enum Bound {
    /// Times native.
    Ratio(f64),
    /// Nanoseconds more than native.
    Over(f64),
}

/// The program that [`Work::Start`] starts. It makes no call that a filter denies.
pub const STARTED: Guest = Guest { program: Program::BenchGetppid, entry: Entry::Int80 };

const START: Work = Work::Start { denied: false };
const THROUGH_STUB: Option<Bound> = Some(Bound::Ratio(1.02));

/// Nobody stays attached to the program.
const UNTRACED: &[&str] = &["--untraced"];

/// A row without options and bound.
const fn row(name: &'static str, work: Work, place: Place) -> Row {
    Row { name, work, options: &[], place, bound: None }
}

/// By the vDSO, as the C libraries go: the stub's way.
const fn vdso(program: Program) -> Work {
    Work::Loop(program, Entry::Vdso)
}

/// By an `int $0x80` of its own, as Go goes: the trap's way.
const fn int80(program: Program) -> Work {
    Work::Loop(program, Entry::Int80)
}

/// All rows, in the order of the table.
pub const ROWS: &[Row] = &[
    Row { bound: THROUGH_STUB, ..row("getsockopt", vdso(Program::BenchGetsockopt), Place::One) },
    Row { bound: THROUGH_STUB, ..row("send+recv", vdso(Program::BenchSendrecv), Place::One) },
    Row { bound: THROUGH_STUB, ..row("ping-pong, one CPU", vdso(Program::BenchPingpong), Place::One) },
    Row { bound: THROUGH_STUB, ..row("ping-pong, two CPUs", vdso(Program::BenchPingpong), Place::Two) },
    Row { bound: Some(Bound::Over(500_000.0)), ..row("start-up", START, Place::Free) },
    row("start-up, one CPU", START, Place::One),
    Row { options: &["-v"], ..row("start-up, -v", START, Place::Free) },
    Row { options: UNTRACED, ..row("start-up, untraced", START, Place::Free) },
    row("start-up in a filter", Work::Start { denied: true }, Place::Free),
    row("getsockopt, int80", int80(Program::BenchGetsockopt), Place::One),
    row("send+recv, int80", int80(Program::BenchSendrecv), Place::One),
    row("ping-pong, int80, one CPU", int80(Program::BenchPingpong), Place::One),
    row("ping-pong, int80, two CPUs", int80(Program::BenchPingpong), Place::Two),
    Row { options: UNTRACED, ..row("ping-pong, int80, untraced", int80(Program::BenchPingpong), Place::One) },
    row("getppid", vdso(Program::BenchGetppid), Place::One),
    row("getppid, int80", int80(Program::BenchGetppid), Place::One),
    row("fork+exit", vdso(Program::BenchFork), Place::One),
    Row { options: UNTRACED, ..row("fork+exit, untraced", vdso(Program::BenchFork), Place::One) },
    row("signal to self", vdso(Program::BenchSignal), Place::One),
    Row { options: UNTRACED, ..row("signal, untraced", vdso(Program::BenchSignal), Place::One) },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_rows_apart() {
        let mut names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }
}
