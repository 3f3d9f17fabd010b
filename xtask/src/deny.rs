//! `xtask deny`: the outer world in which a 32-bit program's socketcall is closed.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use seccomp::{Action, Arch, Wants};

/// The number of socketcall for i386, which `int $0x80` in a 64-bit process has too.
pub const SOCKETCALL: u32 = 102;

/// EXFULL: no socket call ever answers it, so whoever sees it met the filter.
pub const TELLTALE: u16 = 54;

#[derive(Args)]
pub struct Options {
    /// The errno that socketcall answers.
    #[arg(long, value_name = "N", default_value_t = TELLTALE)]
    errno: u16,
    /// Send SIGSYS instead.
    #[arg(long, conflicts_with_all = ["errno", "kill"])]
    trap: bool,
    /// Kill the process instead.
    #[arg(long, conflicts_with = "errno")]
    kill: bool,
    /// The command.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Becomes the command, under the filter.
pub fn run(options: &Options) -> Result<ExitCode> {
    let answer = match options {
        Options { kill: true, .. } => Action::KillProcess,
        Options { trap: true, .. } => Action::Trap(0),
        Options { errno, .. } => Action::Errno(*errno),
    };
    install(answer)?;
    become_command(&options.command)
}

/// Puts this process under a filter that gives `answer` to socketcall and allows everything else.
pub fn install(answer: Action) -> Result<()> {
    let mut wants = Wants::new();
    wants.add(Arch::I386, SOCKETCALL, answer);
    Ok(wants.compile()?.install_unprivileged()?)
}

/// Replaces this process.
pub fn become_command(command: &[String]) -> Result<ExitCode> {
    let Some((program, arguments)) = command.split_first() else { bail!("no command") };
    Err(Command::new(program).args(arguments).exec()).with_context(|| format!("cannot execute {program}"))
}
