//! Programs that one talks with while they run.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::{Finished, Hang, line};

/// A program whose lines are read one by one. Dropped, its process group is killed.
pub struct Live {
    command: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
    deadline: Instant,
}

impl Live {
    /// Starts `command` in a process group of its own.
    pub fn start(mut command: Command, limit: Duration) -> Result<Live> {
        let line = line(&command);
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {line}"))?;
        let input = child.stdin.take();
        let stdout = child.stdout.take().context("no standard output")?;
        let mut stderr = child.stderr.take().context("no standard error")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let stderr = thread::spawn(move || {
            let mut text = Vec::new();
            // What was read before an error is still worth showing.
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let deadline = Instant::now() + limit;
        Ok(Live { command: line, child, input, lines, stderr: Some(stderr), deadline })
    }

    /// The process that was started.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> Result<String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.lines.recv_timeout(left).with_context(|| format!("no line from {}", self.command))
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, text: &str) -> Result<()> {
        let input = self.input.as_mut().context("its input is closed")?;
        Ok(writeln!(input, "{text}")?)
    }

    /// Closes its standard input, and waits for its end and all that it still says.
    pub fn wait(mut self) -> Result<Finished> {
        self.input = None;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > self.deadline {
                bail!(Hang(format!("hangs: {}", self.command)));
            }
            thread::sleep(Duration::from_millis(2));
        };
        let mut stdout = String::new();
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => stdout += &format!("{line}\n"),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(_) => bail!(Hang(format!("its outputs stay open: {}", self.command))),
            }
        }
        let stderr = self.stderr.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        Ok(Finished { command: self.command.clone(), status, stdout: stdout.into_bytes(), stderr })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
