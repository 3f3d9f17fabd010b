//! Tests of the workspace that need more than cargo: programs in C and assembly, Debian's i386 packages,
//! containers. `cargo xtask test --install` gets what they need.
#![forbid(unsafe_code)]

mod apt;
mod counts;
mod deny;
mod enter;
mod process;
mod report;
mod suites;
mod tools;
mod workspace;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tests of the workspace that need more than cargo")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the test suites.
    Test(suites::Options),
    /// Run a command under a filter that denies socketcall.
    Deny(deny::Options),
    /// Run a command inside a directory tree, with /proc and /dev.
    #[command(hide = true)]
    Enter(enter::Options),
}

fn main() -> std::process::ExitCode {
    let result = match Cli::parse().verb {
        Verb::Test(options) => suites::run(&options),
        Verb::Deny(options) => deny::run(&options),
        Verb::Enter(options) => enter::run(&options),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        // What env(1), timeout(1) and docker say of a failure of their own.
        125.into()
    })
}
