//! The program: reads its command line, runs a verb, says what went wrong.
#![forbid(unsafe_code)]

mod cli;
mod verbs;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use cli::{Cli, Verb};
use verbs::check::profile::Status;

/// What `run` and `trace` exit with if it is not the program's status: as env(1) does.
const RUN_FAILED: u8 = 125;
/// Bad usage of any other verb.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = match with_options(std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(error) => return fail(&error, RUN_FAILED),
    };
    let runs_a_program = arguments.get(1).is_some_and(|verb| verb == "run" || verb == "trace");
    let verb = match Cli::read(arguments) {
        Ok(verb) => verb,
        Err(error) => {
            // Help and version are asked for, and go to standard output.
            let asked = !error.use_stderr();
            let _ = error.print();
            let status = if runs_a_program { RUN_FAILED } else { USAGE };
            return if asked { ExitCode::SUCCESS } else { status.into() };
        }
    };
    match verb {
        Verb::Run(run) => match verbs::run::run(&run) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let status = error
                    .downcast_ref::<socketcall::Error>()
                    .map_or(RUN_FAILED, socketcall::Error::exit_status);
                fail(&format_args!("{error:#}"), status)
            }
        },
        Verb::Trace(trace) => match verbs::trace::run(&trace) {
            Ok(status) => status,
            Err(error) => fail(&format_args!("{error:#}"), verbs::trace::exit_status(&error)),
        },
        Verb::Check(check) => {
            checked(verbs::check::run(&check, &mut anstream::stdout().lock(), &mut io::stderr().lock()))
        }
        Verb::Policy(policy) => printed(verbs::policy::run(
            &policy,
            &mut anstream::stdout().lock(),
            &mut anstream::stderr().lock(),
        )),
        Verb::Calls(calls) => printed(verbs::calls::run(&calls, &mut io::stdout().lock()).map(|()| true)),
        Verb::Demo(demo) => printed(verbs::demo::run(&demo, &mut anstream::stdout().lock())),
        Verb::Completions(completions) => {
            printed(verbs::completions::run(&completions, &mut io::stdout().lock()).map(|()| true))
        }
        Verb::Man(man) => printed(verbs::man::run(&man, &mut io::stdout().lock()).map(|()| true)),
    }
}

/// The exit status of a verb that prints, and answers whether all is well. Who closes the pipe has seen
/// enough.
fn printed(result: anyhow::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => match error.downcast_ref::<io::Error>() {
            Some(io) if io.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            _ => fail(&format_args!("{error:#}"), USAGE),
        },
    }
}

/// The exit status of `check`, which is its verdict.
fn checked(result: anyhow::Result<Status>) -> ExitCode {
    match result {
        Ok(status) => (status as u8).into(),
        Err(error) => fail(&format_args!("{error:#}"), Status::Unknown as u8),
    }
}

fn fail(error: &dyn std::fmt::Display, status: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "socketcall: {error}");
    status.into()
}

/// Puts the options of SOCKETCALL_OPTIONS behind the verb `run`, where those of the command line follow and
/// win: what can't stand beside one of them is left out.
fn with_options(mut arguments: Vec<OsString>) -> Result<Vec<OsString>, String> {
    const NAME: &str = "SOCKETCALL_OPTIONS";
    let Some(options) = std::env::var_os(NAME) else { return Ok(arguments) };
    if arguments.get(1).is_none_or(|verb| verb != "run") {
        return Ok(arguments);
    }
    let words = options.to_str().and_then(shlex::split);
    let words = words.ok_or(format!("{NAME}: not words as a shell splits them: {options:?}"))?;
    verbs::run::environment::check_options(&words).map_err(|error| format!("{NAME}: {error}"))?;
    let words = verbs::run::environment::without_overruled(words, &arguments[2..]);
    arguments.splice(2..2, words.into_iter().map(OsString::from));
    Ok(arguments)
}
