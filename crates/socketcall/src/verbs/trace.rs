//! `socketcall trace`: every network call of a program, decoded.

mod options;
mod qualify;
mod times;

use std::ffi::OsString;
use std::process::ExitCode;

use ::trace::{Recorder, Sort};
use anyhow::{Result, bail};
use clap::{ArgAction, Args, ValueEnum, ValueHint};
use nix::sys::resource::{Resource, setrlimit};
use socketcall::{End, Launch, Session};
use supervise::{Attach, Ended, Record};
use times::{Precision, Stamps};

/// Shows every network call of a program, decoded, as strace does.
///
/// Options mean what strace's mean, and lines are strace's; what strace doesn't show is behind options of its own.
/// 32-bit programs' calls are shown as what they are, by whichever way they came in. Only network calls stop the
/// program; everything else runs untouched.
///
/// Exit status: the program's; if a signal killed it, by the same signal. 125 if socketcall itself fails, 126 if the
/// program can't be executed, 127 if it is not found; with -p, 1 if a process can't be traced, and the signal that
/// ended the tracing.
#[derive(Debug, Args)]
#[command(
    override_usage = "socketcall trace [OPTIONS] [--] PROGRAM [ARG]...\n       socketcall trace [OPTIONS] -p PID"
)]
#[command(after_help = "Example: socketcall trace -o calls curl http://localhost/")]
pub struct Trace {
    /// Write to FILE, not to standard error; `|COMMAND` is a shell command that reads it
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<OsString>,

    /// Add to FILE, and keep what is in it
    #[arg(short = 'A', long = "output-append-mode")]
    append: bool,

    /// Follow what the program starts, which is done anyway; -ff: a file for each thread, FILE.PID
    #[arg(short, long, action = ArgAction::Count)]
    follow_forks: u8,

    /// A file for each thread, FILE.PID
    #[arg(long)]
    output_separately: bool,

    /// Don't follow what the program starts
    #[arg(long, conflicts_with = "follow_forks")]
    no_follow: bool,

    /// Trace this process, all of its threads, and what it starts; may be repeated, and a list
    #[arg(short = 'p', long = "attach", value_name = "PID", conflicts_with = "command")]
    attach: Vec<String>,

    /// trace=SET, status=SET, signal=SET, quiet=SET or decode-fds=SET; a SET alone is trace=SET
    ///
    /// trace=: names of network calls, %network, all, none; ! in front for all others; @32, @64 or @x32 behind a name for
    /// one interface. status=: successful, failed, unfinished, unavailable, detached. signal=: names or numbers. quiet=:
    /// attach, exit, personality, thread-execve, all. decode-fds=: path, all, none.
    #[arg(short = 'e', value_name = "EXPR")]
    expressions: Vec<String>,

    /// As -e trace=SET
    #[arg(long, value_name = "SET")]
    trace: Option<String>,

    /// As -e status=SET
    #[arg(long, value_name = "SET")]
    status: Option<String>,

    /// As -e signal=SET
    #[arg(long, value_name = "SET")]
    signal: Option<String>,

    /// Show calls that succeed only
    #[arg(short = 'z', long)]
    successful_only: bool,

    /// Show calls that fail only
    #[arg(short = 'Z', long, overrides_with = "successful_only")]
    failed_only: bool,

    /// Leave out that processes are attached and detached; -qq: and that they exit; -qqq: all messages
    #[arg(short, action = ArgAction::Count)]
    quiet: u8,

    /// As -e quiet=SET
    #[arg(long = "quiet", value_name = "SET", conflicts_with = "quiet")]
    quiet_set: Option<String>,

    /// Show descriptors' paths; -yy: and sockets' protocols and addresses, and devices' numbers
    #[arg(short = 'y', action = ArgAction::Count)]
    decode_fds: u8,

    /// As -e decode-fds=SET
    #[arg(long = "decode-fds", value_name = "SET")]
    decode_fds_set: Option<String>,

    /// The time of day in front of each line; -tt: with microseconds; -ttt: as seconds since 1970
    #[arg(short = 't', action = ArgAction::Count)]
    time: u8,

    /// The same, as none, time or unix, and with a precision: s, ms, us or ns. Without more it is -t
    #[arg(long, alias = "timestamps", value_name = "FORMAT,PRECISION", num_args = 0..=1, require_equals = true,
        default_missing_value = "", action = ArgAction::Append, value_parser = Stamps::parse, conflicts_with = "time")]
    absolute_timestamps: Vec<Stamps>,

    /// The time since the line before in front of each line; in microseconds, unless told otherwise
    #[arg(short, long, value_name = "PRECISION", num_args = 0..=1, require_equals = true,
        default_missing_value = "us", overrides_with = "relative_timestamps", hide_possible_values = true)]
    relative_timestamps: Option<Precision>,

    /// The time that each call took; in microseconds, unless told otherwise
    #[arg(short = 'T', long, value_name = "PRECISION", num_args = 0..=1, require_equals = true,
        default_missing_value = "us", overrides_with = "syscall_times", hide_possible_values = true)]
    syscall_times: Option<Precision>,

    /// Count calls, bytes, errors and time, and show a table at the end only
    #[arg(short = 'c', long, conflicts_with = "summary")]
    summary_only: bool,

    /// Show calls, and the table of -c at the end
    #[arg(short = 'C', long)]
    summary: bool,

    /// Sort the table of -c
    #[arg(short = 'S', long, value_name = "BY", default_value = "time")]
    summary_sort_by: SortBy,

    /// Sum up the time that calls took, not the processor time that the system spent on them
    #[arg(short = 'w', long)]
    summary_wall_clock: bool,

    /// Show so many bytes of strings, and elements of arrays
    #[arg(short = 's', long, value_name = "SIZE", default_value_t = 32)]
    string_limit: usize,

    /// Show structures in full
    #[arg(short = 'v', long)]
    no_abbrev: bool,

    /// Strings with other than printable ASCII in hexadecimal; -xx: all strings
    #[arg(short = 'x', long, action = ArgAction::Count)]
    strings_in_hex: u8,

    /// How to show named numbers
    #[arg(short = 'X', long, value_name = "FORMAT", default_value = "abbrev")]
    const_print_style: Format,

    /// The column of results
    #[arg(short = 'a', long, value_name = "COLUMN", default_value_t = 40)]
    columns: usize,

    /// The system call's number in front of each line
    #[arg(short = 'n', long)]
    syscall_number: bool,

    /// Stop the program at traced calls only, which is done wherever it can be
    #[arg(long = "seccomp-bpf")]
    _seccomp_bpf: bool,

    /// Kill who is traced when socketcall is killed; without -p that is done anyway
    #[arg(long)]
    kill_on_exit: bool,

    /// Options that strace has not.
    #[command(flatten)]
    own: Own,

    /// The program, looked for in PATH if it holds no slash, and its arguments.
    #[arg(trailing_var_arg = true, required_unless_present = "attach", value_names = ["PROGRAM", "ARG"],
        value_hint = ValueHint::CommandWithArguments)]
    command: Vec<OsString>,
}

/// Options that strace has not.
#[derive(Debug, Args)]
struct Own {
    /// Show by which way each call came in
    #[arg(long, help_heading = "Beyond strace")]
    entry: bool,

    /// Write one JSON object for each event; docs/trace-json.md describes them
    #[arg(long, help_heading = "Beyond strace")]
    json: bool,

    /// Show a table of sockets at the end: addresses, bytes each way, lifetime, errors
    #[arg(long, help_heading = "Beyond strace")]
    sockets: bool,

    /// Show what strace leaves undecoded
    #[arg(long, help_heading = "Beyond strace")]
    more: bool,
}

/// What `-S` takes: strace's words.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SortBy {
    #[value(alias = "time-total", alias = "time_total", alias = "total-time", alias = "total_time")]
    Time,
    #[value(alias = "time-min", alias = "time_min", alias = "shortest")]
    MinTime,
    #[value(alias = "time-max", alias = "time_max", alias = "longest")]
    MaxTime,
    #[value(alias = "time-avg", alias = "time_avg")]
    AvgTime,
    #[value(alias = "count")]
    Calls,
    #[value(alias = "error")]
    Errors,
    #[value(alias = "syscall", alias = "syscall-name", alias = "syscall_name")]
    Name,
    #[value(alias = "none")]
    Nothing,
}

impl From<SortBy> for Sort {
    fn from(by: SortBy) -> Sort {
        match by {
            SortBy::Time => Sort::Time,
            SortBy::MinTime => Sort::Shortest,
            SortBy::MaxTime => Sort::Longest,
            SortBy::AvgTime => Sort::Average,
            SortBy::Calls => Sort::Calls,
            SortBy::Errors => Sort::Errors,
            SortBy::Name => Sort::Name,
            SortBy::Nothing => Sort::Nothing,
        }
    }
}

/// What `-X` takes.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Raw,
    Abbrev,
    Verbose,
}

impl Trace {
    /// The processes of `-p`, which may be lists.
    fn processes(&self) -> Result<Vec<i32>> {
        let lists = self.attach.iter().flat_map(|list| list.split([',', ' ', '\t', '\n']));
        let mut processes = Vec::new();
        for pid in lists.filter(|pid| !pid.is_empty()) {
            match pid.parse() {
                Ok(pid @ 1..) if pid == std::process::id().cast_signed() => {
                    bail!("-p {pid}: that is this process")
                }
                Ok(pid @ 1..) => processes.push(pid),
                _ => bail!("-p {pid}: not a process id"),
            }
        }
        if processes.is_empty() && !self.attach.is_empty() {
            bail!("-p needs a process id");
        }
        Ok(processes)
    }
}

/// Traces, and answers the exit status.
pub fn run(args: &Trace) -> Result<ExitCode> {
    let processes = args.processes()?;
    let options = options::of(args, processes.len())?;
    let follow = options.follow;
    let recorder = Recorder::new(options)?;
    let record = Record::new(recorder);
    let Some((program, arguments)) = args.command.split_first() else {
        let attach = Attach::new(processes).with(record.at_every_call()).children(follow);
        let attach = attach.kill_on_exit(args.kill_on_exit);
        return Ok(match attach.run() {
            Ok(Ended::Nobody) => ExitCode::SUCCESS,
            Ok(Ended::Interrupted(signal)) => end_as(signal),
            Err(error) => {
                eprintln!("socketcall: {error}");
                ExitCode::FAILURE
            }
        });
    };
    let record = if follow { record } else { record.at_every_call() };
    let launch = Launch::new(program).args(arguments);
    let session = Session::new(launch).foreground().children(follow).with(record);
    match session.run() {
        Ok(End::Exited(status)) => Ok(ExitCode::from(status as u8)),
        Ok(End::Killed(signal)) => Ok(end_as(signal)),
        Err(error) => Err(error.into()),
    }
}

/// The exit status for an error: the one that says whether the program is there, or that of our own errors.
pub fn exit_status(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<socketcall::Error>().map_or(125, socketcall::Error::exit_status)
}

/// Ends as the program did: by the same signal, without a core dump of ours.
fn end_as(signal: i32) -> ExitCode {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    // Returns where the signal's default is not to end a process.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    ExitCode::from(128_u8.wrapping_add(signal as u8))
}
