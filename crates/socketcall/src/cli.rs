//! The command line. Help, manual pages and completions all come from here.

use clap::{Parser, Subcommand};

use crate::verbs::{
    calls::Calls, check::Check, completions::Completions, demo::Demo, man::Man, policy::PolicyArgs, run::Run,
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
