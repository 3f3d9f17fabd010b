//! Starting programs in the worlds that the tests compare, and looking at how they ended.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{OnceLock, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use guest32::{Entry, Guest, Program};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use seccomp::{Action, Arch, Wants, with_filter};

/// The program under test.
pub const SOCKETCALL: &str = env!("CARGO_BIN_EXE_socketcall");

/// What the denying filter answers: an errno that no socket call has (EXFULL).
const DENIED: u16 = 54;

/// No test takes this long unless something hangs, and then it is killed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file that is open for writing can't be executed (ETXTBSY), and a child that another thread has just
/// forked holds what was open then. So nobody is started while a file is written.
static WRITING: RwLock<()> = RwLock::new(());

/// Where a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// Natively.
    Native,
    /// Natively, where socketcall is denied.
    Denied,
    /// Under `run`, where nobody else answers for socketcall: RET_TRACE serves.
    Run,
    /// Under `run`, where socketcall is denied: RET_TRAP serves.
    RunDenied,
    /// Under `run --untraced`: a handler inside the process serves.
    Untraced,
    /// The same, where socketcall is denied.
    UntracedDenied,
}

impl World {
    /// Both worlds of `run` with a tracer.
    pub const RUNS: [World; 2] = [World::Run, World::RunDenied];

    /// Both without.
    pub const UNTRACED: [World; 2] = [World::Untraced, World::UntracedDenied];

    /// `program` as a command of this world; under `run` with a tracer also with counts.
    pub fn command(self, program: impl AsRef<Path>) -> Command {
        let program = program.as_ref();
        let under = |option| {
            let mut command = Command::new(SOCKETCALL);
            command.args(["run", option, "--"]).arg(program);
            command
        };
        let mut command = match self {
            World::Native | World::Denied => Command::new(program),
            World::Run | World::RunDenied => under("-v"),
            World::Untraced | World::UntracedDenied => under("--untraced"),
        };
        if matches!(self, World::Denied | World::RunDenied | World::UntracedDenied) {
            with_filter(&mut command, answering(Action::Errno(DENIED)));
        }
        clean(&mut command);
        command
    }
}

/// Whoever runs the tests may have options of their own.
pub fn clean(command: &mut Command) -> &mut Command {
    command.env_remove("SOCKETCALL_OPTIONS")
}

/// `socketcall run` with these arguments, where nothing is denied.
pub fn socketcall_run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(SOCKETCALL);
    command.arg("run").args(arguments);
    clean(&mut command);
    command
}

/// A filter with this answer for every multiplexed call.
pub fn answering(action: Action) -> seccomp::Filter {
    let mut wants = Wants::new();
    wants.add(Arch::I386, abi::SOCKETCALL_I386, action);
    wants.compile().expect("a filter of one rule")
}

/// A program's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Exited with this status.
    pub fn exited(status: i32, stdout: &str, stderr: &str) -> Finished {
        let status = ExitStatus::from_raw(status << 8);
        Finished { status, stdout: stdout.into(), stderr: stderr.into() }
    }

    /// Takes the counts that `run -v` reports out of standard error.
    pub fn split(mut self) -> (Finished, Counts) {
        let mut counts = Counts::default();
        let mut rest = String::new();
        for line in self.stderr.split_inclusive('\n') {
            if !counts.take(line) {
                rest.push_str(line);
            }
        }
        self.stderr = rest;
        (self, counts)
    }
}

/// Calls by stub, by trap, and direct ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub stub: u64,
    pub trap: u64,
    pub direct: u64,
}

impl Calls {
    /// `multiplexed` calls, all by the way that belongs to `entry`, and no direct ones.
    pub fn by(entry: Entry, multiplexed: u64) -> Calls {
        match entry {
            Entry::Vdso => Calls { stub: multiplexed, ..Calls::default() },
            Entry::Int80 => Calls { trap: multiplexed, ..Calls::default() },
        }
    }
}

/// What `run -v` reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Each program's process, name and calls, in the order of their ends.
    pub programs: Vec<(u32, String, Calls)>,
    /// The last line.
    pub total: Option<Calls>,
}

impl Counts {
    /// Takes a line that is one of the report's.
    fn take(&mut self, line: &str) -> bool {
        let Some((who, calls)) = line
            .strip_prefix("socketcall: ")
            .and_then(|line| line.trim_end().split_once(": stub "))
            .and_then(|(who, numbers)| Some((who, numbers.split_once(", trap ")?)))
            .and_then(|(who, (stub, rest))| Some((who, stub, rest.split_once(", direct ")?)))
            .and_then(|(who, stub, (trap, direct))| {
                let number = |text: &str| text.parse().ok();
                Some((who, Calls { stub: number(stub)?, trap: number(trap)?, direct: number(direct)? }))
            })
        else {
            return false;
        };
        assert!(self.total.is_none(), "the total is the last line, and comes once: {line}");
        match who.split_once(' ') {
            None => {
                assert_eq!(who, "total", "{line}");
                self.total = Some(calls);
            }
            Some((pid, name)) => {
                self.programs.push((pid.parse().expect("a process id"), name.into(), calls));
            }
        }
        true
    }

    /// The report of one program.
    pub fn one(pid: u32, name: &str, calls: Calls) -> Counts {
        Counts { programs: vec![(pid, name.into(), calls)], total: Some(calls) }
    }

    /// The report of a run without any socket call.
    pub fn none() -> Counts {
        Counts { programs: vec![], total: Some(Calls::default()) }
    }
}

/// A started program whose output is read as it comes. It is killed with its process group if it hangs.
pub struct Running {
    child: Option<Child>,
    pub pid: u32,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

impl Running {
    /// Starts a command, in a process group of its own.
    pub fn start(command: &mut Command) -> Running {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let started = {
            let _nobody_writes = WRITING.read();
            command.spawn()
        };
        let mut child = started.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = lines_of(child.stdout.take().expect("captured"));
        let stderr = lines_of(child.stderr.take().expect("captured"));
        Running { pid: child.id(), child: Some(child), stdout, stderr }
    }

    pub fn nix_pid(&self) -> Pid {
        Pid::from_raw(self.pid.cast_signed())
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.nix_pid(), signal).expect("a process of ours");
    }

    /// The next line of standard output.
    pub fn line(&mut self) -> String {
        let line = self.stdout.recv_timeout(PATIENCE).expect("a line, in time");
        String::from_utf8(line).expect("text").trim_end().to_owned()
    }

    /// Writes to standard input.
    pub fn feed(&mut self, text: &[u8]) {
        let input = self.child.as_mut().and_then(|child| child.stdin.as_mut()).expect("given by the test");
        input.write_all(text).expect("a program that reads");
    }

    /// Waits until the program has ended and nobody holds its output open.
    pub fn finish(mut self) -> Finished {
        let mut child = self.child.take().expect("not waited for yet");
        let pid = self.nix_pid();
        drop(child.stdin.take());
        let (ended, end) = mpsc::channel();
        thread::spawn(move || ended.send(child.wait()));
        let deadline = Instant::now() + PATIENCE;
        let Ok(status) = end.recv_timeout(PATIENCE) else {
            let _ = killpg(pid, Signal::SIGKILL);
            let [stdout, stderr] = [&self.stdout, &self.stderr].map(|lines| rest(lines, Instant::now()));
            panic!("it hung, and was killed; its output: {stdout:?} {stderr:?}");
        };
        let [stdout, stderr] = [&self.stdout, &self.stderr].map(|lines| rest(lines, deadline));
        let [(stdout, true), (stderr, true)] = [stdout, stderr] else {
            let _ = killpg(pid, Signal::SIGKILL);
            panic!("it ended, and somebody holds its output open");
        };
        Finished { status: status.expect("a child of ours"), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = killpg(Pid::from_raw(self.pid.cast_signed()), Signal::SIGKILL);
            let _ = child.wait();
        }
    }
}

/// Reads until the end, by a thread: whoever writes never waits for the test.
fn lines_of(output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (read, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            match output.read_until(b'\n', &mut line).expect("a pipe") {
                0 => break,
                _ => drop(read.send(line)),
            }
        }
    });
    lines
}

/// What is left of a program's output, and whether it ended in time.
fn rest(lines: &Receiver<Vec<u8>>, deadline: Instant) -> (String, bool) {
    let mut text = Vec::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => text.extend(line),
            Err(error) => {
                let text = String::from_utf8(text).expect("text");
                return (text, error == RecvTimeoutError::Disconnected);
            }
        }
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Finished {
    Running::start(command).finish()
}

/// Runs a command of `run -v`; answers its process id, its end, and the counts.
pub fn run_counted(command: &mut Command) -> (u32, Finished, Counts) {
    let running = Running::start(command);
    let pid = running.pid;
    let (finished, counts) = running.finish().split();
    (pid, finished, counts)
}

/// The program's supervisor, by /proc: its tracer.
pub fn supervisor(pid: u32) -> u32 {
    let tracer = status_field(pid, "TracerPid").expect("a process that is there");
    let tracer = tracer.parse().expect("a process id");
    assert_ne!(tracer, 0, "process {pid} is not supervised");
    tracer
}

/// A field of /proc/PID/status.
pub fn status_field(pid: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"))?;
    Some(field.to_owned())
}

/// Whether a process has ended. Where nobody reaps, a zombie is left of it.
pub fn is_gone(pid: u32) -> bool {
    status_field(pid, "State").is_none_or(|state| state.starts_with(['Z', 'X']))
}

/// Waits until `holds` does; says whether it did in time.
pub fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if holds() {
            return true;
        }
        thread::sleep(Duration::from_millis(2));
    }
    false
}

/// A directory of a test's own, removed at its end.
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub fn new() -> Scratch {
        Scratch::under(Path::new(env!("CARGO_TARGET_TMPDIR")))
    }

    /// One that every user can reach.
    pub fn public() -> Scratch {
        Scratch::under(&std::env::temp_dir())
    }

    fn under(parent: &Path) -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("socketcall-run-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let path = parent.join(name);
        fs::create_dir_all(&path).expect("a directory that can be written");
        let scratch = Scratch { path };
        scratch.mode("", 0o755);
        scratch
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The path as an argument.
    pub fn text(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().expect("text")
    }

    pub fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("a file of ours");
    }

    /// Writes a file that can be executed.
    pub fn executable(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        let _nobody_starts = WRITING.write();
        fs::write(&path, content).expect("a file that can be written");
        self.mode(name, 0o755);
        path
    }

    /// Writes a guest under its own name.
    pub fn guest(&self, program: Program, entry: Entry) -> PathBuf {
        let guest = Guest { program, entry };
        self.executable(&guest.name(), &guest.image())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Whether 32-bit programs run here, and nobody answers for socketcall.
pub fn kernel_runs_32_bit() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let scratch = Scratch::new();
        let article = scratch.guest(Program::Article, Entry::Int80);
        let _nobody_writes = WRITING.read();
        match Command::new(article).status() {
            Ok(status) => status.success(),
            Err(error) if error.raw_os_error() == Some(8) => false,
            Err(error) => panic!("a guest can't be executed: {error}"),
        }
    })
}

/// Leaves the test where there is nothing to compare with.
macro_rules! require_32_bit_kernel {
    () => {
        if !$crate::harness::kernel_runs_32_bit() {
            return $crate::harness::skip("no 32-bit program can call socketcall here natively");
        }
    };
}

/// Names the running test as skipped. Goes around libtest's capture, which shows what failed tests print only.
pub fn skip(why: &str) {
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    writeln!(std::io::stderr(), "skipped: {test}: {why}").expect("standard error");
}
