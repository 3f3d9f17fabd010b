//! Programs under `trace`, and what was written of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::RwLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use guest32::{Entry, Guest, Program};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The program under test.
pub const SOCKETCALL: &str = env!("CARGO_BIN_EXE_socketcall");

/// No test takes this long unless something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A directory of a test's own.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("socketcall-trace-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a scratch directory");
        Scratch(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect(name)
    }

    /// A 32-bit program, as a file.
    pub fn guest(&self, program: Program, entry: Entry) -> PathBuf {
        let guest = Guest { program, entry };
        let path = self.path(&guest.name());
        let _writing = WRITING.write();
        fs::write(&path, guest.image()).expect("a guest");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a guest");
        path
    }
}

/// A file that is open for writing can't be executed (ETXTBSY), and a child that another thread has just forked holds what
/// was open then. So nobody is started while a file is written.
static WRITING: RwLock<()> = RwLock::new(());

/// Starts a command.
pub fn start(command: &mut Command) -> Child {
    let _reading = WRITING.read();
    command.spawn().expect("a program that starts")
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `socketcall trace`, with these arguments.
pub fn trace(arguments: &[&str]) -> Command {
    let mut command = Command::new(SOCKETCALL);
    command.arg("trace").args(arguments).env_remove("SOCKETCALL_OPTIONS").stdin(Stdio::null());
    command
}

/// Runs a command to its end; if it hangs, it is killed.
pub fn finish(command: &mut Command) -> Output {
    let child = start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let pid = Pid::from_raw(child.id().cast_signed());
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if ended.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    });
    let output = child.wait_with_output().expect("its output");
    drop(done);
    watch.join().expect("the watch");
    output
}

/// What a command wrote on standard error, where it exited with 0.
pub fn errors(command: &mut Command) -> String {
    let output = finish(command);
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{:?}: {text}", output.status);
    text
}

/// How a command ended.
pub fn status(command: &mut Command) -> ExitStatus {
    finish(command).status
}

/// The signal that ended a command.
pub fn signal(command: &mut Command) -> Option<i32> {
    status(command).signal()
}

/// Waits until something is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Who traces a process.
pub fn tracer(pid: u32) -> i32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    line.and_then(|tracer| tracer.trim().parse().ok()).unwrap_or(0)
}

/// Text with every run of digits of four or more replaced, as ids and ports are; and shorter ones where a process's id stands,
/// with what fills them up to their width.
pub fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let trimmed = out.trim_end_matches(' ').len();
        let is_id = ["pid", "PID=", "Process"].iter().any(|before| out[..trimmed].ends_with(before));
        if is_id && !digits.is_empty() && trimmed < out.len() {
            out.truncate(trimmed + 1);
        }
        out.push_str(if digits.len() >= 4 || is_id && !digits.is_empty() { "N" } else { &digits });
        digits.clear();
        if character != '\0' {
            out.push(character);
        }
    }
    out
}

/// Whether a file holds this text by now.
pub fn holds(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|there| there.contains(text))
}
