//! The two tracers, and what they left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::unistd::geteuid;

use super::table::{Output, Row};
use crate::apt::Strace;
use crate::process::{Finished, Running};
use crate::suites::{command, words};
use crate::workspace::fresh;

/// A program that traces.
#[derive(Clone)]
pub struct Tracer {
    /// The words up to its options.
    words: Vec<String>,
    is_strace: bool,
}

/// A trace.
pub struct Trace {
    pub text: String,
    /// How the tracer ended: as the program did.
    pub status: std::process::ExitStatus,
    pub command: String,
}

/// More than the longest trace needs on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

impl Tracer {
    /// The strace that the others are compared with.
    pub fn oracle(strace: &Strace) -> Tracer {
        Tracer { words: strace.words(), is_strace: true }
    }

    /// The program under test; another strace is one too, to see what the suite sees.
    pub fn of(program: &Path) -> Tracer {
        let is_strace = program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("strace"));
        let mut words = vec![program.display().to_string()];
        if !is_strace {
            words.push("trace".to_owned());
        }
        Tracer { words, is_strace }
    }

    /// Whether it is there: a program that is being built may not trace yet.
    pub fn works(&self) -> bool {
        let help = [&self.words[..], &["--help".to_owned()]].concat();
        let output = command(&help).and_then(|mut command| Ok(command.output()?));
        output.is_ok_and(|output| output.status.success())
    }

    /// Traces a program to a file; how it ended, and what it said.
    pub fn trace_to(
        &self,
        file: &Path,
        options: &[&str],
        program: &[String],
        limit: Duration,
    ) -> Result<Finished> {
        let mut line = self.words.clone();
        if self.is_strace {
            line.extend(words(&["-f", "-e", "trace=%network"]));
        }
        line.extend(words(options));
        line.extend(["-o".into(), file.display().to_string(), "--".into()]);
        line.extend_from_slice(program);
        Running::start(command(&line)?, vec![], limit)?.wait()?.success()
    }

    /// Traces a program; both in a network namespace of their own, if need be.
    pub fn trace(&self, row: &Row, place: &Path, program: &[String], in_network: bool) -> Result<Trace> {
        let file = place.join("trace");
        fresh(place)?;
        let mut line = match in_network {
            true if geteuid().is_root() => words(&["unshare", "--net"]),
            true => words(&["unshare", "--map-root-user", "--net"]),
            false => vec![],
        };
        line.extend_from_slice(&self.words);
        if self.is_strace {
            // What is our default.
            line.push(if row.output == Output::Split { "-ff".into() } else { "-f".into() });
            if !row.options.iter().any(|option| option.starts_with("trace=")) {
                line.extend(words(&["-e", "trace=%network"]));
            }
        } else if row.output == Output::Split {
            line.push("-ff".into());
        }
        line.extend(words(row.options));
        if row.output != Output::Terminal {
            line.extend(["-o".into(), file.display().to_string()]);
        }
        line.push("--".into());
        line.extend_from_slice(program);
        let mut command = command(&line)?;
        if in_network {
            command.env("NETWORK", "shared");
        }
        let finished = Running::start(command, vec![], LIMIT)?.wait()?;
        ensure!(
            finished.status.code() != Some(127) && !finished.stderr.contains("error:"),
            "{}\n{}",
            finished.command,
            finished.stderr
        );
        let text = match row.output {
            Output::Terminal => finished.stderr,
            Output::File => {
                String::from_utf8_lossy(&fs::read(&file).with_context(|| said(&finished))?).into_owned()
            }
            Output::Split => split(place)?,
        };
        ensure!(!text.trim().is_empty(), "no trace by {}", finished.command);
        Ok(Trace { text, status: finished.status, command: finished.command })
    }
}

fn said(finished: &Finished) -> String {
    format!("{}\nleft no trace: {}", finished.command, finished.stderr.trim_end())
}

/// The tasks' files one after the other, with the task in front of each line, in the order of their numbers.
fn split(place: &Path) -> Result<String> {
    let mut files: Vec<(u32, PathBuf)> = Vec::new();
    for file in fs::read_dir(place)? {
        let path = file?.path();
        let task = path.extension().and_then(|task| task.to_str()?.parse().ok());
        files.push((task.with_context(|| format!("{} is no task's", path.display()))?, path));
    }
    files.sort();
    let mut text = String::new();
    for (task, path) in files {
        for line in String::from_utf8_lossy(&fs::read(path)?).lines() {
            text += &format!("{task:<5} {line}\n");
        }
    }
    Ok(text)
}
