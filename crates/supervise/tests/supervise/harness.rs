//! Guests, sessions with captured output, and threads where socketcall is denied.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use guest32::{Entry, Guest, Program};
use seccomp::{Action, Arch, Filter, Wants};
use supervise::{Demux, End, Launch, Session};

/// No test takes this long unless something hangs, and then it is killed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What the denying filter answers: an errno that no socket call has (EXFULL).
pub const DENIED: u16 = 54;

/// An executable file in memory. Unlike a file on a disk it can be executed while somebody has it open.
pub struct Executable(File);

impl Executable {
    pub fn guest(program: Program, entry: Entry) -> Executable {
        // SAFETY: the name ends with a zero, and the descriptor that comes back belongs to nobody else.
        let mut file = unsafe {
            let fd = libc::memfd_create(c"guest32".as_ptr(), libc::MFD_CLOEXEC);
            assert!(fd >= 0, "memfd_create: {}", std::io::Error::last_os_error());
            File::from_raw_fd(fd)
        };
        file.write_all(&Guest { program, entry }.image()).expect("an image written to memory");
        Executable(file)
    }

    /// A path that leads to it from any process of this user.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

/// A filter with this answer for every multiplexed call.
pub fn answering(action: Action) -> Filter {
    let mut wants = Wants::new();
    wants.add(Arch::I386, abi::SOCKETCALL_I386, action);
    wants.compile().expect("a filter of one rule")
}

/// Where a session is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// No filter answers for socketcall: RET_TRACE serves.
    Open,
    /// One denies it: RET_TRAP serves.
    Denied,
}

impl World {
    pub const ALL: [World; 2] = [World::Open, World::Denied];

    /// Acts in a thread of this world. A filter judges the thread that installs it and those that it starts.
    pub fn within<T: Send + 'static>(self, act: impl FnOnce() -> T + Send + 'static) -> T {
        let thread = thread::spawn(move || {
            if self == World::Denied {
                answering(Action::Errno(DENIED)).install_unprivileged().expect("a filter");
            }
            act()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// What a program printed, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Finished {
    pub end: End,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a launch under a session with these counts or none.
pub fn run_with(launch: Launch, demux: Demux) -> Finished {
    let (stdout, stderr) = (std::io::pipe().expect("a pipe"), std::io::pipe().expect("a pipe"));
    let launch = launch.stdout(stdout.1).stderr(stderr.1);
    let running = Session::new(launch).with(demux).spawn().unwrap_or_else(|error| panic!("{error}"));
    let pid = running.pid();
    let (stdout, stderr) = (read(stdout.0), read(stderr.0));
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(running.wait()));
    let Ok(end) = end.recv_timeout(PATIENCE) else {
        // SAFETY: kill takes no pointers.
        unsafe { libc::kill(pid, libc::SIGKILL) };
        panic!("it hung, and was killed");
    };
    let text = |read: mpsc::Receiver<String>| read.recv_timeout(PATIENCE).expect("an end of its output");
    Finished { end: end.expect("an end"), stdout: text(stdout), stderr: text(stderr) }
}

/// Runs a launch under a session that takes calls apart.
pub fn run(launch: Launch) -> Finished {
    run_with(launch, Demux::new())
}

/// Reads to the end, by a thread.
fn read(mut pipe: PipeReader) -> mpsc::Receiver<String> {
    let (send, text) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).expect("text");
        send.send(text)
    });
    text
}

/// A command's output and exit status, natively. It is killed if it hangs.
pub fn natively(mut command: std::process::Command) -> Finished {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Stdio;
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("an executable");
    // SAFETY: both descriptors are the child's, whose fields give them away here.
    let [stdout, stderr] = [
        OwnedFd::from(child.stdout.take().expect("captured")),
        OwnedFd::from(child.stderr.take().expect("captured")),
    ]
    .map(|fd| read(PipeReader::from(fd)));
    let pid = child.id().cast_signed();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait()));
    let Ok(status) = end.recv_timeout(PATIENCE) else {
        // SAFETY: kill takes no pointers.
        unsafe { libc::kill(pid, libc::SIGKILL) };
        panic!("it hung, and was killed");
    };
    let status = status.expect("a child of ours");
    let end = match status.code() {
        Some(code) => End::Exited(code),
        None => End::Killed(status.signal().expect("an end")),
    };
    let text = |read: mpsc::Receiver<String>| read.recv_timeout(PATIENCE).expect("an end of its output");
    Finished { end, stdout: text(stdout), stderr: text(stderr) }
}

/// Whether 32-bit programs run here, and nobody answers for socketcall.
pub fn kernel_runs_32_bit() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let article = Executable::guest(Program::Article, Entry::Int80);
        match std::process::Command::new(article.path()).status() {
            Ok(status) => status.success(),
            Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => false,
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
