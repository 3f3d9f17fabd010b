//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why nothing can be recorded, or a set of names means nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file can't be written.
    #[error("{}: {error}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The command that was to get the output can't be started.
    #[error("can't start /bin/sh for '{command}': {error}")]
    Command {
        /// The command.
        command: String,
        /// Why.
        error: io::Error,
    },
    /// No socket call has this name.
    #[error("no network call or group is called '{name}'{}", told(near))]
    Call {
        /// What was given.
        name: String,
        /// What it may have meant.
        near: Vec<&'static str>,
    },
    /// No signal has this name.
    #[error("no signal is called '{0}'; names are those of signal(7), with or without SIG, and numbers")]
    Signal(String),
}

fn told(names: &[&str]) -> String {
    if names.is_empty() {
        return "; `socketcall calls` lists them, and %network is all of them".to_owned();
    }
    format!("; near names: {}", names.join(", "))
}

/// What could not be written.
#[derive(Debug, Default)]
pub struct Lost {
    /// How many lines.
    pub lines: u64,
    /// What the first failure was.
    pub error: Option<io::Error>,
}
