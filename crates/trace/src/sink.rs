//! Where lines go: to a file, a pipe or a terminal that may fail, and must not take the program with it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::{Error, Lost};

/// How much is kept back before it is written.
const ROOM: usize = 64 << 10;

/// Text on its way to a file.
#[derive(Debug)]
pub(crate) struct Sink {
    /// What is not written yet.
    pub(crate) text: String,
    /// None if there is nothing to write to, such as a standard error that is closed.
    file: Option<File>,
    name: String,
    /// Whether each line is written when it ends: somebody looks on.
    by_line: bool,
    /// Lines that were lost since something was written last.
    missing: u64,
    /// Whether what was written last is the beginning of a line.
    torn: bool,
    /// Whether the line that goes on with the next text is lost already.
    in_lost_line: bool,
}

/// What all sinks have lost.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    lost: Lost,
    marker: Marker,
}

/// The line that stands in the place of lost ones.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Marker {
    #[default]
    Text,
    Json,
}

impl Losses {
    pub(crate) fn new(marker: Marker) -> Losses {
        Losses { lost: Lost::default(), marker }
    }

    /// It says so at once, for the first time.
    fn begin(&mut self, name: &str, error: io::Error) {
        if self.lost.error.is_none() {
            say(&format!("{name}: {error}; the program goes on, and what can't be written is counted"));
            self.lost.error = Some(error);
        }
    }

    /// All of it. It says so, if there is any.
    pub(crate) fn end(self) -> Lost {
        if let Some(error) = &self.lost.error {
            let lines = if self.lost.lines == 1 { "line was" } else { "lines were" };
            say(&format!("{} {lines} lost: {error}", self.lost.lines));
        }
        self.lost
    }

    fn marker(&self, lines: u64) -> String {
        let error = self.lost.error.as_ref().map_or_else(String::new, ToString::to_string);
        match self.marker {
            Marker::Text => format!("+++ {lines} lines lost: {error} +++\n"),
            Marker::Json => {
                let mut text = format!("{{\"event\":\"lost\",\"lines\":{lines},\"error\":");
                crate::json::string(&mut text, &error);
                text.push_str("}\n");
                text
            }
        }
    }
}

/// One line of our own to the user. Nobody is there to be told if it can't be written.
pub(crate) fn say(line: &str) {
    let _ = io::stderr().write_all(format!("socketcall: {line}\n").as_bytes());
}

impl Sink {
    fn new(file: Option<File>, name: String) -> Sink {
        let by_line = file.as_ref().is_some_and(IsTerminal::is_terminal);
        let text = String::with_capacity(ROOM + 4096);
        Sink { text, file, name, by_line, missing: 0, torn: false, in_lost_line: false }
    }

    /// Standard error, by a descriptor of its own.
    pub(crate) fn standard_error() -> Sink {
        let file = io::stderr().as_fd().try_clone_to_owned().ok().map(File::from);
        Sink::new(file, "standard error".to_owned())
    }

    pub(crate) fn file(path: &std::path::Path, append: bool) -> Result<Sink, Error> {
        let opened = OpenOptions::new().create(true).write(true).append(append).truncate(!append).open(path);
        match opened {
            Ok(file) => Ok(Sink::new(Some(file), path.display().to_string())),
            Err(error) => Err(Error::Open { path: path.into(), error }),
        }
    }

    /// A thread's own file could not be opened: all that would go there is lost.
    pub(crate) fn broken(name: String, error: io::Error, losses: &mut Losses) -> Sink {
        losses.begin(&name, error);
        Sink::new(None, name)
    }

    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        self.file.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// A shell's command that reads it.
    pub(crate) fn command(command: &str) -> Result<(Sink, Child), Error> {
        let child = Command::new("/bin/sh").arg("-c").arg(command).stdin(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| Error::Command { command: command.to_owned(), error })?;
        let pipe = child.stdin.take().map(|stdin| File::from(std::os::fd::OwnedFd::from(stdin)));
        Ok((Sink { by_line: true, ..Sink::new(pipe, command.to_owned()) }, child))
    }

    /// Whether it is time to write, when a line has ended.
    pub(crate) const fn is_due(&self) -> bool {
        self.by_line || self.text.len() >= ROOM
    }

    /// Writes all that is there.
    pub(crate) fn flush(&mut self, losses: &mut Losses) {
        if self.text.is_empty() {
            return;
        }
        if self.in_lost_line {
            self.drop_lost_line(losses);
        }
        if self.missing > 0 {
            let begin = if self.torn { "\n" } else { "" };
            let marker = format!("{begin}{}", losses.marker(self.missing));
            self.text.insert_str(0, &marker);
        }
        match self.write() {
            Ok(()) => {
                self.torn = !self.text.ends_with('\n');
                self.missing = 0;
            }
            Err((written, error)) => {
                if written > 0 {
                    self.torn = self.text.as_bytes()[written - 1] != b'\n';
                }
                let lines =
                    self.text.as_bytes()[written..].iter().filter(|byte| **byte == b'\n').count() as u64;
                // Our own marker is none of them.
                let lines = lines.saturating_sub(u64::from(self.missing > 0 && written == 0));
                self.in_lost_line = !self.text.ends_with('\n');
                self.missing += lines;
                losses.lost.lines += lines;
                losses.begin(&self.name, error);
            }
        }
        self.text.clear();
    }

    /// What is left of a line whose beginning is lost.
    fn drop_lost_line(&mut self, losses: &mut Losses) {
        let Some(end) = self.text.find('\n') else {
            self.text.clear();
            return;
        };
        self.text.drain(..=end);
        self.in_lost_line = false;
        self.missing += 1;
        losses.lost.lines += 1;
    }

    /// Writes the text; if that fails, tells how many bytes went out before.
    fn write(&mut self) -> Result<(), (usize, io::Error)> {
        let Some(file) = &mut self.file else {
            return Err((0, io::Error::from_raw_os_error(nix::libc::EBADF)));
        };
        let bytes = self.text.as_bytes();
        let mut written = 0;
        while written < bytes.len() {
            match file.write(&bytes[written..]) {
                Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
                Ok(more) => written += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Somebody who shares the terminal or the pipe made it so.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let _ = poll(&mut [PollFd::new(file.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE);
                }
                Err(error) => return Err((written, error)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(path: &str) -> Sink {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        Sink::new(Some(file), path.to_owned())
    }

    #[test]
    fn what_a_full_disk_takes_is_counted() {
        let (mut sink, mut losses) = (sink("/dev/full"), Losses::default());
        for part in ["one\ntwo\nthr", "ee\nfour\n", "five\n"] {
            sink.text.push_str(part);
            sink.flush(&mut losses);
        }
        assert_eq!((losses.lost.lines, sink.missing), (5, 5));
        assert_eq!(losses.lost.error.as_ref().unwrap().kind(), ErrorKind::StorageFull);
        // Now there is room again.
        let path = std::env::temp_dir().join(format!("socketcall-sink-{}", std::process::id()));
        sink.file = Some(File::create(&path).unwrap());
        sink.text.push_str("six\n");
        sink.flush(&mut losses);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(text, "+++ 5 lines lost: No space left on device (os error 28) +++\nsix\n");
        assert_eq!(losses.end().lines, 5);
    }

    #[test]
    fn a_marker_is_a_line_of_its_format() {
        let mut losses = Losses::new(Marker::Json);
        losses.begin("file", io::Error::other("no \"room\""));
        let object: serde_json::Value = serde_json::from_str(&losses.marker(3)).unwrap();
        assert_eq!(object, serde_json::json!({"event": "lost", "lines": 3, "error": "no \"room\""}));
    }

    #[test]
    fn a_closed_pipe_is_no_end() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut sink = Sink::new(Some(File::from(std::os::fd::OwnedFd::from(writer))), "pipe".into());
        let mut losses = Losses::default();
        sink.text.push_str("a\nb\n");
        sink.flush(&mut losses);
        assert_eq!(losses.lost.lines, 2);
        assert_eq!(losses.lost.error.unwrap().kind(), ErrorKind::BrokenPipe);
    }
}
