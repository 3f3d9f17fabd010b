//! Options that come from SOCKETCALL_OPTIONS, in front of those of the command line, which win.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Args, Command};

use super::{Options, Run};

/// Whether `words` are options alone: a program among them would be run in place of the one that was asked
/// for.
pub fn check_options(words: &[String]) -> Result<(), String> {
    if words.iter().any(|word| word == "--") {
        return Err("'--' ends the options, and a program can't follow here".to_owned());
    }
    let command = Options::augment_args(Command::new("socketcall run").disable_help_flag(true));
    let words = std::iter::once("socketcall run").chain(words.iter().map(String::as_str));
    match command.try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            Err(first.trim_start_matches("error: ").to_owned())
        }
    }
}

/// What goes together with neither, though clap is not told so: `run` has its own words for the first two, and what is shown
/// by the third is not there.
const APART: [[&str; 2]; 3] = [["untraced", "log"], ["untraced", "log_json"], ["untraced", "entry"]];

/// `words` without the options that can't stand beside one of the command line, whose arguments are those behind the verb.
/// Where these are no good on their own, that is to be said of them.
pub fn without_overruled(words: Vec<String>, arguments: &[OsString]) -> Vec<String> {
    let command = || Run::augment_args(Command::new("socketcall run").args_override_self(true));
    let given = std::iter::once(OsString::from("socketcall run")).chain(arguments.iter().cloned());
    let Ok(given) = command().try_get_matches_from(given) else { return words };
    let command = {
        let mut command = command();
        command.build();
        command
    };
    let is_given = |arg: &&Arg| given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let given: Vec<&Arg> = command.get_arguments().filter(is_given).collect();
    let excludes =
        |a: &Arg, b: &Arg| command.get_arg_conflicts_with(a).iter().any(|arg| arg.get_id() == b.get_id());
    let apart = |a: &Arg, b: &Arg| APART.contains(&[a.get_id().as_str(), b.get_id().as_str()]);
    let overruled = |own: &Arg| {
        given.iter().any(|arg| excludes(own, arg) || excludes(arg, own) || apart(own, arg) || apart(arg, own))
    };
    let (mut kept, mut words) = (Vec::new(), words.into_iter());
    while let Some(word) = words.next() {
        let Some(arg) = named(&command, &word) else {
            kept.push(word);
            continue;
        };
        let takes_next =
            arg.get_action().takes_values() && !arg.is_require_equals_set() && !word.contains('=');
        let option: Vec<String> =
            std::iter::once(word).chain(if takes_next { words.next() } else { None }).collect();
        if !overruled(arg) {
            kept.extend(option);
        }
    }
    kept
}

/// The option that a word is: `--log`, `--log=FILE`, `-v`.
fn named<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let is_it = |arg: &&Arg| match word.strip_prefix("--") {
        Some(long) => arg.get_long().is_some_and(|own| long.split('=').next() == Some(own)),
        // What is short here takes no value, and may stand twice in a word.
        None => word.strip_prefix('-').and_then(|short| short.chars().next()).is_some_and(|short| {
            arg.get_short() == Some(short) && matches!(arg.get_action(), ArgAction::SetTrue)
        }),
    };
    command.get_arguments().find(is_it)
}
