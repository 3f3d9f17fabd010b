//! 32-bit x86 Linux programs that a 64-bit Rust program carries along.
//!
//! They show the socket multiplexer at work, probe what a machine allows, and are what the project's tests and
//! benchmarks run. No 32-bit compiler, assembler or library is needed to build them: their source is assembly
//! under `asm/`, assembled by the compiler itself, and Rust writes the ELF file around it.
//!
//! Every [`Program`] comes once per [`Entry`]. A [`Guest`] is the two together.
//!
//! ```
//! use guest32::{Entry, Guest, Program};
//!
//! let guest = Guest { program: Program::Article, entry: Entry::Int80 };
//! assert_eq!(guest.name(), "article-int80");
//! let executable = guest.image(); // write it to a file, make that executable, run it
//! assert_eq!(&executable[..4], b"\x7fELF");
//! ```
#![warn(missing_docs)]

mod elf;
mod images;

use images::Image;
use std::fmt;

/// How a guest enters the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Entry {
    /// The instruction `int $0x80`, written in the program's own code.
    Int80,
    /// `__kernel_vsyscall` of the vDSO, whose address the kernel gives as AT_SYSINFO (`getauxval(3)`).
    /// Exit status 120, with a message, where it gives none.
    Vdso,
}

impl Entry {
    /// Both entries.
    pub const ALL: [Entry; 2] = [Entry::Int80, Entry::Vdso];

    /// The last part of a guest's name.
    pub const fn name(self) -> &'static str {
        match self {
            Entry::Int80 => "int80",
            Entry::Vdso => "vdso",
        }
    }
}

/// What is known of a program besides what it does.
struct Description {
    program: Program,
    name: &'static str,
    arguments: &'static str,
    image: fn(bool) -> Image,
}

/// One table for all programs: `NAME = its name, its arguments, its code`.
macro_rules! programs {
    ($($(#[$doc:meta])+ $program:ident = $name:literal, $arguments:literal, $image:path;)+) => {
        /// What a guest does.
        ///
        /// Unless a program says otherwise, it exits 0 when all went well; 1 where a call failed, with
        /// `NAME: errno N` on standard error; and 64 when called wrongly, with its usage there. The counts
        /// COUNT, ROUNDS and N are decimal numbers and may be 0.
        ///
        /// A benchmark makes N rounds of what it does, and prints nothing. With `-` in place of N it reads
        /// such numbers from standard input, one a line, and answers each by the nanoseconds that so many
        /// rounds took, till nothing more comes. Exit status 2 when that is more than two seconds.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Program {
            $(
                #[doc = concat!("`", $name, " ", $arguments, "`")]
                ///
                $(#[$doc])+
                $program,
            )+
        }

        /// In the order of [`Program`].
        static PROGRAMS: &[Description] = &[
            $(Description { program: Program::$program, name: $name, arguments: $arguments, image: $image },)+
        ];
    };
}

programs! {
    /// Creates a TCP socket and closes it. Prints nothing. The exit status is 0, or the errno.
    Article = "article", "", images::article;
    /// Listens on a free TCP port of 127.0.0.1, prints its number as one line, serves COUNT connections (by
    /// default one) one after the other, sending back what comes.
    EchoServer = "echo-server", "[COUNT]", images::echo_server;
    /// Connects to 127.0.0.1:PORT, sends a line and reads it back ROUNDS times (by default once), prints the
    /// line that came back. Exit status 2 when it is not the line sent.
    EchoClient = "echo-client", "PORT [ROUNDS]", images::echo_client;
    /// Makes each of the twenty calls, and some that must fail, and prints `NAME RESULT` for each. The output is
    /// the same in all processes that start with the same descriptors. Exit status 3 when a register other than
    /// eax changed, 4 when a call left other data than it must, with the call's name on standard error.
    AllCalls = "all-calls", "", images::all_calls;
    /// Forks N children at once, who each make a few calls and exit with a status of their own; waits for them
    /// and prints `N children`. Exit status 2 when a child failed.
    ForkCalls = "fork-calls", "N", images::fork_calls;
    /// Creates and closes a socket N times, then executes PROGRAM (a path) with its arguments and the same
    /// environment. Exit status 127 when it can't.
    ExecChain = "exec-chain", "N PROGRAM [ARG...]", images::exec_chain;
    /// Makes and closes the sockets that are asked for, by socketcall (102) or by the direct call (359). Prints
    /// a line for each before it makes the next: 0, or the negated errno. Exit status 1 when one failed.
    Probe = "probe", "102|359 [FAMILY TYPE PROTOCOL]...", images::probe;
    /// Benchmark: calls of getsockopt.
    BenchGetsockopt = "bench-getsockopt", "N|-", images::bench_getsockopt;
    /// Benchmark: sends and receives one byte over a pair of sockets, in one process.
    BenchSendrecv = "bench-sendrecv", "N|-", images::bench_sendrecv;
    /// Benchmark: sends one byte to another process and receives it back. Exit status 2 when the other process
    /// failed.
    BenchPingpong = "bench-pingpong", "N|-", images::bench_pingpong;
    /// Benchmark: calls of getppid, no socket call, for the cost of being watched.
    BenchGetppid = "bench-getppid", "N|-", images::bench_getppid;
    /// Benchmark: forks a process that exits, and waits for it. Exit status 2 when that failed.
    BenchFork = "bench-fork", "N|-", images::bench_fork;
    /// Benchmark: sends itself a signal that it handles. Exit status 2 when one was lost.
    BenchSignal = "bench-signal", "N|-", images::bench_signal;
}

impl Program {
    /// Every program.
    pub const ALL: [Program; PROGRAMS.len()] = {
        let mut all = [Program::Article; PROGRAMS.len()];
        let mut n = 0;
        while n < all.len() {
            all[n] = PROGRAMS[n].program;
            n += 1;
        }
        all
    };

    /// The first part of a guest's name, for instance `echo-client`.
    pub const fn name(self) -> &'static str {
        self.description().name
    }

    /// The arguments it takes, in the usual notation, for instance `PORT [ROUNDS]`; empty for none.
    pub const fn arguments(self) -> &'static str {
        self.description().arguments
    }

    const fn description(self) -> &'static Description {
        &PROGRAMS[self as usize]
    }
}

/// A program with its entry: something that can be run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Guest {
    /// What it does.
    pub program: Program,
    /// How it enters the kernel.
    pub entry: Entry,
}

impl Guest {
    /// Every program with every entry.
    pub const ALL: [Guest; Program::ALL.len() * Entry::ALL.len()] = {
        let mut all =
            [Guest { program: Program::Article, entry: Entry::Int80 }; Program::ALL.len() * Entry::ALL.len()];
        let mut n = 0;
        while n < all.len() {
            all[n] = Guest {
                program: Program::ALL[n / Entry::ALL.len()],
                entry: Entry::ALL[n % Entry::ALL.len()],
            };
            n += 1;
        }
        all
    };

    /// The program's name and the entry's, for instance `echo-client-vdso`.
    pub fn name(self) -> String {
        self.to_string()
    }

    /// The guest of that [`name`](Guest::name).
    pub fn from_name(name: &str) -> Option<Guest> {
        Guest::ALL.into_iter().find(|guest| guest.name() == name)
    }

    /// The complete ELF32 executable: static, loaded at a fixed address, needing no interpreter.
    pub fn image(self) -> Vec<u8> {
        elf::executable(&self.assembled())
    }

    /// The address of the first instruction that runs.
    pub fn start(self) -> u32 {
        elf::TEXT_ADDRESS + self.assembled().start
    }

    /// The addresses of the instructions that enter the kernel, in the order of the source: `int $0x80` (2
    /// bytes), or the `call` of the vDSO (6 bytes). The article's are its socketcall, its close and its exit.
    pub fn kernel_entries(self) -> &'static [u32] {
        self.assembled().entries
    }

    fn assembled(self) -> Image {
        (self.program.description().image)(self.entry == Entry::Vdso)
    }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.program.name(), self.entry.name())
    }
}
