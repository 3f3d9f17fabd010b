//! What is recorded, and how it is written.

use std::path::PathBuf;

use decode::Limits;
use decode::text::Style;

use crate::{CallSet, SignalSet};

/// What is recorded, and how it is written. The default is what `strace -f -e trace=%network` does.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it goes: `-o`.
    pub output: Output,
    /// Whether it is added to the file that is there: `-A`.
    pub append: bool,
    /// Whether each thread has a file of its own, whose name ends in its id: `-ff`. It needs a file.
    pub separately: bool,
    /// Whether what the program starts is followed: `-f`. Then each line in a file begins with a thread's id.
    pub follow: bool,
    /// How many processes are attached to at first: `-p`.
    pub attached: usize,
    /// Which calls: `-e trace=`.
    pub calls: CallSet,
    /// Of those, which by their results: `-e status=`.
    pub statuses: Statuses,
    /// Which signals: `-e signal=`.
    pub signals: SignalSet,
    /// What is left unsaid: `-q`.
    pub quiet: Quiet,
    /// What is said of descriptors: `-y`.
    pub describe: Describe,
    /// The time in front of each line: `-t`.
    pub time: Time,
    /// Whether the time since the line before stands there too, and with so many digits behind the seconds' point, 0,
    /// 3, 6 or 9: `-r`.
    pub relative: Option<u8>,
    /// The same for a call's duration, behind it: `-T`.
    pub duration: Option<u8>,
    /// Whether the call's number stands in front of it: `-n`.
    pub numbers: bool,
    /// The column of results: `-a`.
    pub column: usize,
    /// Counts of calls: `-c`.
    pub summary: Summary,
    /// In which order they are shown: `-S`.
    pub sort: Sort,
    /// Whether the counts sum up durations, in place of system time: `-w`.
    pub wall_clock: bool,
    /// How much of a call is decoded: `-s`, `-v`.
    pub limits: Limits,
    /// How values are written: `-x`, `-X`; and, beyond strace, whether what it leaves undecoded is shown.
    pub style: Style,
    /// Whether a call's line says by which way it came in.
    pub entry: bool,
    /// Whether lines are JSON.
    pub json: bool,
    /// Whether there is a table of sockets at the end.
    pub sockets: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            output: Output::StandardError,
            append: false,
            separately: false,
            follow: true,
            attached: 0,
            calls: CallSet::network(),
            statuses: Statuses::ALL,
            signals: SignalSet::all(),
            quiet: Quiet::default(),
            describe: Describe::Nothing,
            time: Time::None,
            relative: None,
            duration: None,
            numbers: false,
            column: 40,
            summary: Summary::No,
            sort: Sort::Time,
            wall_clock: false,
            limits: Limits::default(),
            style: Style::default(),
            entry: false,
            json: false,
            sockets: false,
        }
    }
}

/// Where the record goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Standard error.
    #[default]
    StandardError,
    /// A file.
    File(PathBuf),
    /// The standard input of a shell's command.
    Command(String),
}

/// Results that a call is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// It returned no error.
    pub successful: bool,
    /// It returned an error.
    pub failed: bool,
    /// It never returned.
    pub unfinished: bool,
    /// Its result could not be had.
    pub unavailable: bool,
    /// The thread was let go before it returned.
    pub detached: bool,
}

impl Statuses {
    /// All.
    pub const ALL: Statuses =
        Statuses { successful: true, failed: true, unfinished: true, unavailable: true, detached: true };
    /// None.
    pub const NONE: Statuses =
        Statuses { successful: false, failed: false, unfinished: false, unavailable: false, detached: false };
}

/// What is left unsaid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// That threads are traced from now on, or no more.
    pub attach: bool,
    /// That a program is of another kind, 32-bit or 64-bit.
    pub personality: bool,
    /// That a thread has exited.
    pub exit: bool,
    /// That another thread of a process has executed a program.
    pub thread_execve: bool,
}

impl Quiet {
    /// `-q`.
    pub const ATTACH: Quiet = Quiet { attach: true, personality: true, exit: false, thread_execve: false };
    /// `-qq`.
    pub const EXIT: Quiet = Quiet { exit: true, ..Quiet::ATTACH };
    /// `-qqq`.
    pub const ALL: Quiet = Quiet { thread_execve: true, ..Quiet::EXIT };
}

/// What is said of descriptors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Describe {
    /// Nothing.
    #[default]
    Nothing,
    /// Their paths: `-y`.
    Paths,
    /// What they are: sockets' protocols and addresses, devices' numbers: `-yy`.
    All,
}

/// The time in front of a line; with so many digits behind the seconds' point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    /// None.
    #[default]
    None,
    /// The local time of day.
    Clock {
        /// 0, 3, 6 or 9.
        digits: u8,
    },
    /// Seconds since 1970.
    Unix {
        /// 0, 3, 6 or 9.
        digits: u8,
    },
}

/// Whether calls are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Summary {
    /// They are not.
    #[default]
    No,
    /// They are, and not shown one by one: `-c`.
    Only,
    /// They are, and shown too: `-C`.
    Also,
}

/// The order of counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By time, most first.
    #[default]
    Time,
    /// By the shortest call, longest first.
    Shortest,
    /// By the longest call, longest first.
    Longest,
    /// By how many calls, most first.
    Calls,
    /// By how many errors, most first.
    Errors,
    /// By name.
    Name,
    /// By average time, most first.
    Average,
    /// As they come.
    Nothing,
}
