//! `socketcall completions`: what a shell needs to complete our command line.

use std::io::Write;

use anyhow::Result;
use clap::{Args, Command, CommandFactory};
use clap_complete::{Shell, generate};

use crate::cli::Cli;

/// Prints the completions for a shell.
///
/// Where they go: for bash, into a file `socketcall` in ~/.local/share/bash-completion/completions; for zsh, into
/// a file `_socketcall` in a directory of $fpath; for fish, into ~/.config/fish/completions/socketcall.fish.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

/// Prints them.
pub fn run(args: &Completions, out: &mut impl Write) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut shown(&Cli::command()), "socketcall", &mut script);
    Ok(out.write_all(&script)?)
}

/// A command without its hidden options, which clap_complete would offer.
fn shown(command: &Command) -> Command {
    let about = command.get_about().cloned().unwrap_or_default();
    let mut shown = Command::new(command.get_name().to_owned()).about(about);
    if let Some(version) = command.get_version() {
        shown = shown.version(version.to_owned());
    }
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown.args(arguments.cloned()).subcommands(verbs.map(self::shown))
}
