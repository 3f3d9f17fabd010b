//! `xtask repeat`: starts a command as often as it is told, and says how long that took.

use std::io::{BufRead, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::process::{ending, line};

#[derive(Args)]
pub struct Options {
    /// The command.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Reads numbers, one a line, and answers each by the nanoseconds in which the command was so many times
/// started and waited for.
pub fn run(options: &Options) -> Result<ExitCode> {
    let (program, arguments) = options.command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for times in std::io::stdin().lock().lines() {
        let times: u32 = times?.parse()?;
        let start = Instant::now();
        for _ in 0..times {
            let status = command.status().with_context(|| format!("cannot start {program}"))?;
            ensure!(status.success(), "{}: {}", line(&command), ending(status));
        }
        let elapsed = start.elapsed().as_nanos();
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{elapsed}")?;
        stdout.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}
