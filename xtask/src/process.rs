//! Running programs that may hang: each in a process group of its own, with a deadline.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

mod live;

pub use live::Live;

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The command line, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// This, if the program ended with status 0.
    pub fn success(self) -> Result<Finished> {
        if !self.status.success() {
            bail!("{}\n{}: {}{}", self.command, ending(self.status), self.text(), self.stderr);
        }
        Ok(self)
    }
}

/// An exit status as a person says it.
pub fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (_, Some(signal)) => format!("died of signal {signal}"),
        _ => status.to_string(),
    }
}

enum Event {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Ended(ExitStatus),
}

/// A program that was started. Dropped, it is killed.
pub struct Running {
    command: String,
    group: Pid,
    deadline: Instant,
    events: Receiver<Event>,
    stdout: Option<Vec<u8>>,
    stderr: Option<Vec<u8>>,
    status: Option<ExitStatus>,
}

impl Running {
    /// Starts `command` in a process group of its own, with `input` as its standard input.
    pub fn start(mut command: Command, input: Vec<u8>, limit: Duration) -> Result<Running> {
        let line = line(&command);
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {line}"))?;
        let group = Pid::from_raw(child.id().cast_signed());
        let (sender, events) = channel();
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input ends the writing by EPIPE.
            thread::spawn(move || stdin.write_all(&input));
        }
        read(child.stdout.take(), sender.clone(), Event::Stdout);
        read(child.stderr.take(), sender.clone(), Event::Stderr);
        thread::spawn(move || child.wait().map(|status| sender.send(Event::Ended(status))));
        let deadline = Instant::now() + limit;
        Ok(Running { command: line, group, deadline, events, stdout: None, stderr: None, status: None })
    }

    /// The command line, for messages.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        while let Ok(event) = self.events.try_recv() {
            self.note(event);
        }
        self.status.is_some()
    }

    /// Sends `signal` to the process that was started, not to its group.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(self.group, signal).with_context(|| format!("signalling {}", self.command))
    }

    /// Waits for its end, and for the end of everything it wrote.
    pub fn wait(mut self) -> Result<Finished> {
        while self.status.is_none() || self.stdout.is_none() || self.stderr.is_none() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => self.note(event),
                Err(RecvTimeoutError::Timeout) => return Err(self.hang()),
                Err(RecvTimeoutError::Disconnected) => bail!("{}: its outputs were lost", self.command),
            }
        }
        Ok(Finished {
            command: std::mem::take(&mut self.command),
            status: self.status.unwrap_or_default(),
            stdout: self.stdout.take().unwrap_or_default(),
            stderr: String::from_utf8_lossy(&self.stderr.take().unwrap_or_default()).into_owned(),
        })
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Stdout(bytes) => self.stdout = Some(bytes),
            Event::Stderr(bytes) => self.stderr = Some(bytes),
            Event::Ended(status) => self.status = Some(status),
        }
    }

    /// Kills the group, and tells what is known.
    fn hang(&mut self) -> anyhow::Error {
        let mut what = match self.status {
            None => format!("hangs: {}", self.command),
            Some(status) => format!("{}, but its outputs stay open: {}", ending(status), self.command),
        };
        let _ = killpg(self.group, Signal::SIGKILL);
        while let Ok(event) = self.events.recv_timeout(Duration::from_secs(1)) {
            self.note(event);
        }
        for (name, bytes) in [("standard output", &self.stdout), ("standard error", &self.stderr)] {
            let text = bytes.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            if !text.is_empty() {
                let _ = write!(what, "\n{name}:\n{}", text.trim_end());
            }
        }
        anyhow::Error::new(Hang(what))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

/// A program that did not end in time: never what a test may expect.
#[derive(Debug)]
pub struct Hang(pub String);

impl std::fmt::Display for Hang {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Hang {}

fn read<R: Read + Send + 'static>(pipe: Option<R>, sender: Sender<Event>, event: fn(Vec<u8>) -> Event) {
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
            sender.send(event(bytes))
        });
    }
}

/// The command line as a shell takes it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|word| {
        let word = word.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Makes orphans this process's children, so that [`leftovers`] finds them.
pub fn adopt_orphans() -> Result<()> {
    nix::sys::prctl::set_child_subreaper(true).context("PR_SET_CHILD_SUBREAPER")
}

/// Reaps what the programs of a case left running. Whatever has not ended by itself soon is killed, and
/// told. Call it when nothing is [`Running`].
pub fn leftovers() -> Vec<String> {
    let grace = Instant::now() + Duration::from_secs(2);
    let mut killed = Vec::new();
    loop {
        // __WALL: a child whose exit signal is not SIGCHLD counts too.
        match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
            Err(Errno::ECHILD) => return killed,
            Ok(WaitStatus::StillAlive) if Instant::now() < grace => {
                thread::sleep(Duration::from_millis(1));
            }
            Ok(WaitStatus::StillAlive) => {
                for (pid, name) in children() {
                    let _ = kill(pid, Signal::SIGKILL);
                    let what = format!("{pid} {name}");
                    if !killed.contains(&what) {
                        killed.push(what);
                    }
                }
                thread::sleep(Duration::from_millis(10));
            }
            _ => {}
        }
    }
}

/// The children of this process, with their names.
fn children() -> Vec<(Pid, String)> {
    let me = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // proc_pid_stat(5): the name is in parentheses, and may hold some itself.
            let (name, rest) = stat.rsplit_once(')')?;
            let parent = rest.split_whitespace().nth(1)?;
            let name = name.split_once('(')?.1.to_owned();
            (parent == me).then_some((Pid::from_raw(pid), name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_is_heard_out() {
        let run = Running::start(shell("cat; echo two >&2; exit 3"), b"one".into(), Duration::from_secs(20));
        let done = run.unwrap().wait().unwrap();
        assert_eq!((done.stdout.as_slice(), done.stderr.as_str()), (b"one".as_slice(), "two\n"));
        assert_eq!(ending(done.status), "exit status 3");
        assert_eq!(done.command, "/bin/sh -c 'cat; echo two >&2; exit 3'");
    }

    #[test]
    fn a_hang_is_named_and_its_group_killed() {
        let run =
            Running::start(shell("echo here; sleep 100 & sleep 100"), vec![], Duration::from_millis(200));
        let error = run.unwrap().wait().unwrap_err();
        assert!(error.is::<Hang>());
        assert!(error.to_string().contains("here"), "{error}");
    }
}
