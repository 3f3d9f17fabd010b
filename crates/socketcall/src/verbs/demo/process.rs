//! A program of the demo's, run with a limit on its time.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use nix::sys::signal::Signal;

/// Far more than any of them needs; one that takes longer hangs.
pub const LIMIT: Duration = Duration::from_secs(10);

const SIGKILL: i32 = Signal::SIGKILL as i32;

/// A program that runs. It is killed when this is dropped.
pub struct Process {
    child: Child,
    /// Standard output and error, line by line.
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// What was read of standard output.
    lines: Vec<String>,
    deadline: Instant,
    stopped: bool,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, or by a signal.
    Ended(ExitStatus),
    /// It did not within [`LIMIT`], and was killed.
    Late,
    /// By [`Process::stop`].
    Stopped,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
    pub end: End,
}

impl Ended {
    /// Whether it exited with status 0.
    pub fn is_success(&self) -> bool {
        matches!(self.end, End::Ended(status) if status.success())
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self {
            End::Ended(status) => status,
            End::Late => return write!(f, "killed after {} s", LIMIT.as_secs()),
            End::Stopped => return write!(f, "stopped"),
        };
        match (status.code(), status.signal().map(Signal::try_from)) {
            (Some(code), _) => write!(f, "exit status {code}"),
            (None, Some(Ok(signal))) => write!(f, "killed by {signal}"),
            _ => write!(f, "{status}"),
        }
    }
}

impl Process {
    /// Starts `command` with nothing on its standard input.
    ///
    /// # Errors
    /// It could not be executed.
    pub fn start(command: &mut Command) -> Result<Process> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| anyhow!("{}: {error}", command.get_program().display()))?;
        let stdout = lines(child.stdout.take().expect("piped"));
        let stderr = lines(child.stderr.take().expect("piped"));
        Ok(Process { child, stdout, stderr, lines: vec![], deadline: Instant::now() + LIMIT, stopped: false })
    }

    /// The next line of its standard output; none if there is no other, or none in time.
    pub fn line(&mut self) -> Option<&str> {
        let line = receive(&self.stdout, self.deadline)?;
        self.lines.push(line);
        self.lines.last().map(String::as_str)
    }

    /// Ends it, where nobody is left to make it end by itself.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.kill();
    }

    fn kill(&mut self) {
        // It may have ended meanwhile.
        let _ = self.child.kill();
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Those of waitpid(2).
    pub fn finish(mut self) -> Result<Ended> {
        let end = loop {
            match self.child.try_wait().map_err(|error| anyhow!("waitpid: {error}"))? {
                Some(status) if status.signal() == Some(SIGKILL) && self.stopped => break End::Stopped,
                Some(status) => break End::Ended(status),
                None if Instant::now() >= self.deadline => break End::Late,
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        self.kill();
        let stderr = std::iter::from_fn(|| receive(&self.stderr, self.deadline)).collect();
        while self.line().is_some() {}
        Ok(Ended { stdout: std::mem::take(&mut self.lines), stderr, end })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}

/// What comes before the deadline; after it, what is there already.
fn receive(lines: &Receiver<String>, deadline: Instant) -> Option<String> {
    lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

/// Reads lines in a thread of its own, until the last writer is gone.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n') {
            let Ok(line) = line else { return };
            if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    receive
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::{End, Process};

    fn start(script: &str) -> Process {
        Process::start(Command::new("/bin/sh").args(["-c", script])).expect("a shell")
    }

    #[test]
    fn what_a_program_says_and_how_it_ends() {
        let mut process = start("echo one; echo two; echo three >&2; exit 3");
        assert_eq!(process.line(), Some("one"));
        let ended = process.finish().unwrap();
        assert_eq!((ended.stdout, ended.stderr), (vec!["one".into(), "two".into()], vec!["three".into()]));
        assert_eq!(ended.end.to_string(), "exit status 3");
        assert_eq!(start("kill -9 $$").finish().unwrap().end.to_string(), "killed by SIGKILL");
    }

    #[test]
    fn one_that_hangs_is_killed_and_what_it_said_is_kept() {
        let mut process = start("echo said; exec sleep 60");
        assert_eq!(process.line(), Some("said"));
        process.deadline = Instant::now() + Duration::from_millis(20);
        assert_eq!(process.line(), None);
        let ended = process.finish().unwrap();
        assert_eq!((ended.end, ended.stdout), (End::Late, vec!["said".into()]));
    }

    #[test]
    fn one_that_is_stopped_is_no_failure_of_its_own() {
        let mut process = start("echo ready; exec sleep 60");
        process.line();
        process.stop();
        assert_eq!(process.finish().unwrap().end, End::Stopped);
        let mut process = start("exit 0");
        while process.child.try_wait().unwrap().is_none() {}
        process.stop();
        assert!(process.finish().unwrap().is_success());
    }
}
