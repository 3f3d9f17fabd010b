//! `socketcall run`: a program with its calls taken apart.

pub mod environment;
mod explained;
mod inherited;
mod log;
mod refused;
mod rules;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use ::trace::{Output, Quiet, Recorder};
use anyhow::{Context, bail};
use clap::Args;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socketcall::{Count, Demux, Enforce, Launch, Session, Tally, Untraced};
use supervise::Record;

use log::Log;
use rules::Rules;

/// Runs a program with its multiplexed calls turned into direct ones.
///
/// This process becomes the program: it keeps its process id, its parent, its terminal. What the program
/// starts is followed. 64-bit programs run as they are.
///
/// The environment variable SOCKETCALL_OPTIONS holds options that come before those of the command line, which win.
///
/// Exit status: the program's; 125 if socketcall itself fails, 126 if the program can't be executed, 127 if it
/// is not found.
#[derive(Debug, Args)]
#[command(override_usage = "socketcall run [OPTIONS] [--] PROGRAM [ARG]...")]
#[command(after_help = "Example: socketcall run -v -- curl http://localhost/")]
pub struct Run {
    /// Options that SOCKETCALL_OPTIONS may hold too.
    #[command(flatten)]
    pub options: Options,

    /// The program, looked for in PATH if it holds no slash, and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_names = ["PROGRAM", "ARG"],
        value_hint = clap::ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

/// What can stand in SOCKETCALL_OPTIONS. By default nothing does, as for clap.
#[derive(Debug, Default, Args)]
pub struct Options {
    /// Say at the end how many calls went by stub, trap and direct, process by process.
    ///
    /// By stub: through the vDSO, taken apart there at no cost. By trap: a raw int $0x80, taken apart by the
    /// supervisor. Direct: calls that the program itself made as direct i386 calls.
    #[arg(short, long)]
    pub verbose: bool,

    /// Stay attached to no process, so that gdb and strace can be, and signals and forks cost nothing.
    ///
    /// Calls that don't go through the vDSO are then served by a SIGSYS handler inside the process: a program
    /// that blocks that signal while it makes such a call dies, and its own handler of it is never called.
    #[arg(long, conflicts_with = "verbose")]
    pub untraced: bool,

    /// Say what would be done with the program here, and why, without running it.
    #[arg(long)]
    pub explain: bool,

    /// Show every network call, as `socketcall trace` does, on standard error or in FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "untraced",
        value_hint = clap::ValueHint::FilePath)]
    pub trace: Option<Option<PathBuf>>,

    /// With --trace, show by which way each call came in, and what it became
    #[arg(long, requires = "trace")]
    pub entry: bool,

    /// Rules that the program is held to.
    #[command(flatten)]
    pub rules: Rules,

    /// Put the code that takes calls apart into a page in front of the vDSO, as on kernels whose vDSO has no
    /// room for it. For tests.
    #[arg(long, hide = true)]
    pub in_front: bool,
}

/// Becomes the program, and returns on failure only; or explains what it would do.
pub fn run(args: &Run) -> anyhow::Result<()> {
    let (program, arguments) = args.command.split_first().expect("clap requires a program");
    let launch = Launch::new(program).args(arguments);
    let policy = args.options.rules.policy()?;
    if let (true, Some(log)) = (args.options.untraced, args.options.rules.log_option()) {
        bail!("{log} can't be used with --untraced: nobody stays there to tell of a refusal");
    }
    if args.options.explain {
        let explained = explained::explained(launch, policy.as_ref(), args.options.untraced)?;
        return match writeln!(io::stdout(), "{explained}") {
            // A reader who has seen enough is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.context("standard output"),
        };
    }
    if let Some(policy) = &policy {
        inherited::sockets(policy.policy().inherit)?;
        inherited::warn(policy)?;
    }
    if args.options.untraced {
        let untraced = Untraced::new(launch);
        let untraced = if args.options.in_front { untraced.in_front() } else { untraced };
        let untraced = match &policy {
            Some(policy) => untraced.rules(policy)?,
            None => untraced,
        };
        return Ok(untraced.become_program().map(|never| match never {})?);
    }
    let demux = if args.options.in_front { Demux::new().in_front() } else { Demux::new() };
    let demux = if args.options.verbose { demux.count(Report::default()) } else { demux };
    let session = Session::new(launch);
    let has_policy = policy.is_some();
    let session = match policy {
        Some(policy) => {
            let mut log = Log::new(&args.options.rules)?;
            let session = session.keep(log.descriptor());
            session.with(Enforce::new(policy, move |refusal| log.tell(refusal)))
        }
        None => session,
    };
    let session = match &args.options.trace {
        Some(file) => {
            let recorder = recorder(file.as_deref(), args.options.entry)?;
            let session = session.keep(recorder.descriptor());
            session.with(Record::new(recorder).beside_demux().before_the_end())
        }
        None => session,
    };
    let keep_stderr = args.options.verbose || has_policy || args.options.trace.is_some();
    let session = session.with(demux).keep_stderr(keep_stderr);
    Ok(session.become_program().map(|never| match never {})?)
}

/// Who writes what `--trace` shows.
fn recorder(file: Option<&Path>, entry: bool) -> anyhow::Result<Recorder> {
    let mut options = ::trace::Options { entry, ..::trace::Options::default() };
    if let Some(file) = file {
        options.output = Output::File(file.into());
        options.quiet = Quiet::ATTACH;
    }
    Ok(Recorder::new(options)?)
}

/// Prints the counts. The program stands still meanwhile, so what nobody reads is kept and not waited for,
/// until the last process has ended.
#[derive(Default)]
struct Report {
    lines: VecDeque<String>,
}

impl Tally for Report {
    fn process(&mut self, count: &Count) {
        self.line(format!("{} {}: {}", count.pid, count.program.escape_debug(), ways(count)));
    }

    fn all(&mut self, total: &Count) {
        self.line(format!("total: {}", ways(total)));
    }
}

impl Report {
    fn line(&mut self, line: String) {
        self.lines.push_back(line);
        while has_room() && self.print() {}
    }

    /// Prints a line; answers whether there was one. Nobody is there to be told if it can't be written.
    fn print(&mut self) -> bool {
        let line = self.lines.pop_front();
        if let Some(line) = &line {
            let _ = writeln!(io::stderr(), "socketcall: {line}");
        }
        line.is_some()
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        while self.print() {}
    }
}

/// The three counts.
fn ways(count: &Count) -> String {
    let Count { stub, trap, direct, hidden, .. } = count;
    let at_least = if *hidden { " or more (it hid its memory)" } else { "" };
    format!("stub {stub}, trap {trap}, direct {direct}{at_least}")
}

/// Whether standard error takes a line at once. (A pipe that is writable has room for a page: poll(2).)
fn has_room() -> bool {
    let stderr = io::stderr();
    let mut ready = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    poll(&mut ready, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}
