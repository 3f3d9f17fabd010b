//! `socketcall completions`: what a shell needs to complete our command line.

use std::io::Write;

use anyhow::Result;
use clap::{Arg, Args, Command, CommandFactory};
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
    let mut command = shown(&Cli::command());
    let mut script = Vec::new();
    generate(args.shell, &mut command, "socketcall", &mut script);
    // zsh hears of the command behind `run` by its value hint.
    match args.shell {
        Shell::Bash => write!(script, include_str!("completions/run.bash"), valued = valued(&command))?,
        Shell::Fish => script.extend(include_bytes!("completions/run.fish")),
        _ => {}
    }
    Ok(out.write_all(&script)?)
}

/// The options of `run` whose value is the next word, each with a space on both sides.
fn valued(command: &Command) -> String {
    let run = command.find_subcommand("run").expect("a verb");
    let takes_value = |argument: &&Arg| argument.get_action().takes_values();
    let options = run.get_opts().filter(takes_value);
    let names = options.flat_map(|option| {
        let long = option.get_long().map(|name| format!("--{name}"));
        long.into_iter().chain(option.get_short().map(|name| format!("-{name}")))
    });
    names.fold(String::from(" "), |all, name| all + &name + " ")
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
