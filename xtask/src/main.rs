//! Tests of the workspace that need more than cargo: programs in C and assembly, Debian's i386 packages,
//! containers. `cargo xtask test --install` gets what they need. And benchmarks: `cargo xtask bench`.
#![forbid(unsafe_code)]

mod apt;
mod bench;
mod counts;
mod deny;
mod enter;
mod overhear;
mod process;
mod report;
mod suites;
mod tools;
mod workspace;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tests and benchmarks of the workspace that need more than cargo")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the test suites.
    Test(suites::Options),
    /// Measure what `socketcall run` and `trace` cost, beside strace and qemu-i386.
    Bench(bench::Options),
    /// Run a command under a filter that denies socketcall.
    Deny(deny::Options),
    /// Run a command, and count its socketcalls that reach the kernel.
    Overhear(overhear::Options),
    /// Run a command inside a directory tree, with /proc and /dev.
    #[command(hide = true)]
    Enter(enter::Options),
    /// Start a command as often as standard input says, and time that.
    #[command(hide = true)]
    Repeat(bench::repeat::Options),
    /// Send a byte to another process and back as often as standard input says, and time that.
    #[command(hide = true)]
    PingPong(bench::pingpong::Options),
    /// Connect to itself as often as standard input says, and time that.
    #[command(hide = true)]
    Connect(bench::connect::Options),
    /// Be a process of so many threads until standard input ends.
    #[command(hide = true)]
    Threads(bench::threads::Options),
}

fn main() -> std::process::ExitCode {
    let result = match Cli::parse().verb {
        Verb::Test(options) => suites::run(&options),
        Verb::Bench(options) => bench::run(&options),
        Verb::Deny(options) => deny::run(&options),
        Verb::Overhear(options) => overhear::run(&options),
        Verb::Enter(options) => enter::run(&options),
        Verb::Repeat(options) => bench::repeat::run(&options),
        Verb::PingPong(options) => bench::pingpong::run(&options),
        Verb::Connect(options) => bench::connect::run(&options),
        Verb::Threads(options) => bench::threads::run(&options),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        // What env(1), timeout(1) and docker say of a failure of their own.
        125.into()
    })
}
