//! `socketcall man`: the manual pages, from the definition of the command line.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Command, CommandFactory, ValueHint};
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::Cli;

/// Prints the manual page, or writes the pages of all verbs.
///
/// Without DIR, socketcall(1) is printed as roff: `socketcall man | man -l -` shows it. With DIR, socketcall.1
/// and a page for each verb, such as socketcall-run.1, are written there.
#[derive(Debug, Args)]
pub struct Man {
    /// The directory to write all pages to; it is made if it is not there.
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// Prints or writes them.
pub fn run(args: &Man, out: &mut impl Write) -> Result<()> {
    let command = built();
    let Some(dir) = &args.dir else { return Ok(page(&command, out)?) };
    fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    for command in pages(&command) {
        let file = dir.join(format!("{}.1", name(command)));
        let mut text = Vec::new();
        page(command, &mut text)?;
        fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// The command line, with its verbs' full names in place.
fn built() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

/// The command itself and its verbs.
fn pages(command: &Command) -> Vec<&Command> {
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    std::iter::once(command).chain(verbs.flat_map(pages)).collect()
}

/// `socketcall-run`
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command, out: &mut impl Write) -> io::Result<()> {
    // The third word is a date, which a page that is built anew each time has none of.
    let version = env!("CARGO_PKG_VERSION");
    writeln!(out, ".TH {} 1 \"\" \"socketcall {version}\" \"User Commands\"", name(command))?;
    let man = clap_mangen::Man::new(command.clone().subcommand_help_heading("VERBS"));
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(out)?;
    }
    let mut rest = Roff::new();
    if let Some(example) = command.get_after_long_help().or(command.get_after_help()) {
        let example = example.to_string();
        let example = example.strip_prefix("Example: ").unwrap_or(&example);
        rest.control("SH", ["EXAMPLE"]);
        for (index, line) in example.lines().enumerate() {
            if index > 0 {
                rest.control("br", []);
            }
            rest.text([bold(line)]);
        }
    }
    let parent = name(command).rsplit_once('-').map(|(parent, _)| format!("{parent}(1), "));
    rest.control("SH", ["SEE ALSO"]).text([roman(parent.unwrap_or_default() + SEE_ALSO)]);
    rest.to_writer(out)
}

/// What every page sends its reader to.
const SEE_ALSO: &str = "socketcall(2), seccomp(2), ptrace(2), vdso(7)";
