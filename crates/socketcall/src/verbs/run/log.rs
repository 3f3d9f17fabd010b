//! Where refusals are told: on standard error, or in a file that may be full.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use supervise::Refusal;

use super::refused::{line, object};
use super::rules::Rules;
use crate::verbs::policy::remedy::printable;

/// Writes a line for each refusal, as long as they aren't too many.
pub struct Log {
    to: To,
    /// When this second began, how many lines it has had, and how many refusals went untold in it.
    since: Instant,
    lines: u32,
    untold: u64,
}

enum To {
    Stderr,
    Text(Lines),
    Json(Lines),
}

/// Lines a second for people, and in files. A program that asks again and again says nothing new, and could fill a disk.
const MOST: u32 = 20;
const MOST_IN_FILES: u32 = 1000;

impl Log {
    /// Writes where the options say.
    ///
    /// # Errors
    /// A file that can't be made.
    pub fn new(rules: &Rules) -> Result<Log> {
        let to = match (&rules.log, &rules.log_json) {
            (Some(path), _) => To::Text(Lines::to(path)?),
            (None, Some(path)) => To::Json(Lines::to(path)?),
            (None, None) => To::Stderr,
        };
        Ok(Log { to, since: Instant::now(), lines: 0, untold: 0 })
    }

    /// Tells of a refusal.
    pub fn tell(&mut self, refusal: &Refusal<'_>) {
        // C libraries try clone3 first, and do without: that is no news.
        if refusal.name == "clone3" {
            return;
        }
        if self.since.elapsed() > Duration::from_secs(1) {
            self.tell_untold();
            (self.since, self.lines) = (Instant::now(), 0);
        }
        self.lines += 1;
        if self.lines > if matches!(self.to, To::Stderr) { MOST } else { MOST_IN_FILES } {
            self.untold += 1;
            return;
        }
        let line = match self.to {
            To::Json(_) => object(refusal),
            To::Stderr | To::Text(_) => line(refusal),
        };
        self.write(&line);
    }

    fn tell_untold(&mut self) {
        if self.untold > 0 {
            let untold = std::mem::take(&mut self.untold);
            self.write(&match self.to {
                To::Json(_) => json!({ "untold": untold }).to_string(),
                To::Stderr | To::Text(_) => format!("and {untold} refused calls more, in a second"),
            });
        }
    }

    /// The program doesn't wait for a line that can't be written.
    fn write(&mut self, line: &str) {
        match &mut self.to {
            To::Stderr if super::has_room() => {
                let _ = writeln!(io::stderr(), "socketcall: {line}");
            }
            To::Stderr => self.untold += 1,
            To::Text(lines) => lines.write(line, |lost, error| format!("+++ {lost} lines lost: {error} +++")),
            To::Json(lines) => {
                lines.write(line, |lost, error| {
                    json!({ "lost": lost, "error": error.to_string() }).to_string()
                });
            }
        }
    }

    /// The descriptor that is written to, if it is no standard one.
    pub fn descriptor(&self) -> Option<RawFd> {
        match &self.to {
            To::Stderr => None,
            To::Text(lines) | To::Json(lines) => Some(lines.file.as_raw_fd()),
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.tell_untold();
        if let To::Text(lines) | To::Json(lines) = &self.to {
            lines.end();
        }
    }
}

/// A file of lines, of which some may be lost: that is said when it begins, in the file once there is room again, and at the
/// end.
struct Lines {
    file: File,
    name: String,
    /// Lines that were lost since something was written last, and all of them.
    missing: u64,
    lost: u64,
    /// Why, for the first time.
    error: Option<io::Error>,
    /// What was written last is the beginning of a line.
    torn: bool,
}

impl Lines {
    fn to(path: &Path) -> Result<Lines> {
        let file = File::options().create(true).append(true).open(path);
        let name = printable(&path.display().to_string());
        let file = file.with_context(|| name.clone())?;
        Ok(Lines { file, name, missing: 0, lost: 0, error: None, torn: false })
    }

    /// Writes a line; in front of it what `marker` says of those that were lost.
    fn write(&mut self, line: &str, marker: impl Fn(u64, &io::Error) -> String) {
        let begin = if self.torn { "\n" } else { "" };
        let marker = match &self.error {
            Some(error) if self.missing > 0 => marker(self.missing, error) + "\n",
            _ => String::new(),
        };
        match self.write_all(format!("{begin}{marker}{line}\n").as_bytes()) {
            Ok(()) => (self.missing, self.torn) = (0, false),
            Err((written, error)) => {
                // What is torn is lost: its beginning alone says nothing.
                self.torn |= written > 0;
                self.missing += 1;
                self.lost += 1;
                if self.error.is_none() {
                    let what = "the program goes on, and what can't be written is counted";
                    say(&format!("{}: {error}; {what}", self.name));
                    self.error = Some(error);
                }
            }
        }
    }

    /// Writes; if that fails, tells how many bytes went out before.
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        while written < bytes.len() {
            match self.file.write(&bytes[written..]) {
                Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
                Ok(more) => written += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err((written, error)),
            }
        }
        Ok(())
    }

    fn end(&self) {
        if let Some(error) = &self.error {
            let lines = if self.lost == 1 { "line was" } else { "lines were" };
            say(&format!("{}: {} {lines} lost: {error}", self.name, self.lost));
        }
    }
}

/// One line to the user, if standard error takes it at once.
fn say(line: &str) {
    if super::has_room() {
        let _ = writeln!(io::stderr(), "socketcall: {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_full_disk_takes_is_counted_and_marked() {
        let mut lines = Lines::to(Path::new("/dev/full")).expect("a device");
        let marker = |lost, error: &io::Error| format!("{lost} lost: {}", error.kind());
        for line in ["one", "two", "three"] {
            lines.write(line, marker);
        }
        assert_eq!((lines.missing, lines.lost), (3, 3));
        // Now there is room again.
        let path = std::env::temp_dir().join(format!("socketcall-log-{}", std::process::id()));
        lines.file = File::create(&path).expect("a file");
        lines.torn = true;
        lines.write("four", marker);
        lines.write("five", marker);
        let text = std::fs::read_to_string(&path).expect("a file");
        std::fs::remove_file(&path).expect("a file");
        assert_eq!(text, format!("\n3 lost: {}\nfour\nfive\n", ErrorKind::StorageFull));
        assert_eq!((lines.missing, lines.lost), (0, 3));
    }
}
