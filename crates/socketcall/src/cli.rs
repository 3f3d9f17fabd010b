//! The command line. Help, manual pages and completions all come from here.

use std::ffi::OsString;

use clap::{Args, Command, Parser, Subcommand};

use crate::verbs::{
    calls::Calls,
    check::Check,
    completions::Completions,
    demo::Demo,
    man::Man,
    policy::PolicyArgs,
    run::{Options, Run},
    trace::Trace,
};

/// Takes the socket multiplexer of 32-bit x86 Linux apart.
///
/// 32-bit x86 programs make every socket operation through one system call, socketcall, whose arguments hide
/// behind a pointer: no seccomp filter can judge them. `socketcall run` turns each call into the direct one
/// that it stands for, so that socketcall can be closed without breaking such programs.
#[derive(Debug, Parser)]
#[command(name = "socketcall", version, max_term_width = 100, args_override_self = true)]
#[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    Run(Run),
    Trace(Box<Trace>),
    Check(Box<Check>),
    Policy(PolicyArgs),
    Calls(Calls),
    Demo(Demo),
    Completions(Completions),
    Man(Man),
}

impl Cli {
    /// Reads the command line.
    ///
    /// To make the options of all verbs known takes longer than what else `run` does before the program starts. So where there
    /// are no options none are made known; and a verb that starts a program is tried first with its own alone. Whatever is
    /// wrong, or is help, the whole tells.
    pub fn read(arguments: Vec<OsString>) -> Result<Verb, clap::Error> {
        let known = match arguments.get(1).and_then(|verb| verb.to_str()) {
            Some("run") => without_options(&arguments).or_else(|| alone(&arguments)).map(Verb::Run),
            Some("trace") => alone(&arguments).map(|trace| Verb::Trace(Box::new(trace))),
            _ => None,
        };
        known.map_or_else(|| Cli::try_parse_from(arguments).map(|cli| cli.verb), Ok)
    }
}

/// `run [--] PROGRAM [ARG]...`
fn without_options(arguments: &[OsString]) -> Option<Run> {
    let command = match arguments.get(2..)? {
        [first, rest @ ..] if first == "--" => rest,
        [first, ..] if first.as_encoded_bytes().starts_with(b"-") => return None,
        command => command,
    };
    (!command.is_empty()).then(|| Run { options: Options::default(), command: command.to_vec() })
}

/// A verb's options by themselves, if they are whole.
fn alone<T: Args>(arguments: &[OsString]) -> Option<T> {
    // As `Cli` has it.
    let command = T::augment_args(Command::new("verb").args_override_self(true).disable_help_flag(true));
    let matches = command.try_get_matches_from(&arguments[1..]).ok()?;
    T::from_arg_matches(&matches).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> String {
        let arguments = ["socketcall"].iter().chain(words).map(Into::into).collect();
        Cli::read(arguments).map_or_else(|error| error.to_string(), |verb| format!("{verb:?}"))
    }

    fn read_as_a_whole(words: &[&str]) -> String {
        let cli = Cli::try_parse_from(["socketcall"].iter().chain(words));
        cli.map_or_else(|error| error.to_string(), |cli| format!("{:?}", cli.verb))
    }

    #[test]
    fn the_short_ways_read_what_the_whole_reads() {
        for line in [
            "run",
            "run --",
            "run --help",
            "run -h",
            "run help",
            "run a",
            "run a -v --help -- b",
            "run -- -a",
            "run -- -- a",
            "run -- a -- b",
            "run -",
            "run - a",
            "run -v a",
            "run -v -v -- a -v",
            "run --verbose a",
            "run --nothing a",
            "run --untraced -v a",
            "run --trace=x --entry --deny port=1 --allow family=inet a b",
            "run --entry a",
            "trace",
            "trace a -o b",
            "trace -o x -f -tt -s 10 a b",
            "trace -p 1 -p 2",
            "trace -p 1 a",
            "trace --help",
            "calls connect",
            "nothing",
            "--version",
            "",
        ] {
            let words: Vec<_> = line.split_whitespace().collect();
            assert_eq!(read(&words), read_as_a_whole(&words), "{line}");
        }
    }
}
