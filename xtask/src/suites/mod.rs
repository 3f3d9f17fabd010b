//! `cargo xtask test`: the suites, and what their cases have in common.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::apt::{AMD64, Debian, I386};
use crate::counts::{Account, Counts};
use crate::deny::TELLTALE;
use crate::process::{Finished, Hang, adopt_orphans, leftovers};
use crate::report::{Outcome, Report};
use crate::tools::{self, Tool};
use crate::workspace::{Workspace, has_i686};

mod container;
mod debian;
mod debuggers;
mod examples;
mod explain;
mod guests;
mod oracle;
mod policy;
mod ports;
mod stress;
mod supervisor;
mod systemd;
mod terminal;
mod vdso;
mod way;

pub use ports::{free_port, listens};
use way::{Mode, Way};

#[derive(Args)]
pub struct Options {
    /// Install the host's programs that are missing.
    #[arg(long)]
    install: bool,
    /// A suite to run (all of them otherwise).
    #[arg(long, value_name = "SUITE")]
    only: Vec<Suite>,
    /// Fail if a case is skipped.
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new())]
    no_skip: bool,
    /// Test this program instead of the workspace's own (an installed one, say).
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    #[command(flatten)]
    stress: stress::Options,
    #[command(flatten)]
    oracle: oracle::Options,
    /// Run only the cases whose name contains this.
    filter: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// `cargo test` for every crate.
    Workspace,
    /// The programs of tests/guests.
    Guests,
    /// Debian's i386 programs.
    Debian,
    /// Inside an OCI runtime, as process 1.
    Container,
    /// The stub in the vDSOs of other kernels.
    Vdso,
    /// gdb and strace, outside and inside of `run`.
    Debuggers,
    /// Job control in shells on a terminal.
    Terminal,
    /// What becomes of the supervisor, and what it needs.
    Supervisor,
    /// What `run --explain` says.
    Explain,
    /// The drop-in for systemd.
    Systemd,
    /// `trace`, line by line as strace.
    Oracle,
    /// `run` with rules: ways around them, and what they permit.
    Policy,
    /// Threads, forks and signals for a while.
    Stress,
    /// The example application.
    Examples,
}

/// How gcc makes guests that are static and lie at fixed addresses, so that a run's pointers are those of every run. They
/// leave fields out on purpose.
const STATIC_GUEST: &[&str] = &[
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-missing-field-initializers",
    "-pthread",
    "-static",
    "-no-pie",
    "-fno-pie",
];

/// What the cases work with.
struct World {
    workspace: Workspace,
    /// The program under test.
    socketcall: PathBuf,
    /// This program, for `deny` and `enter`.
    xtask: PathBuf,
    /// Debian's i386 packages, or why they are not there.
    debian: Result<PathBuf, String>,
    /// The same for 64 bits, once they are asked for.
    debian64: OnceLock<Result<PathBuf, String>>,
    stress: stress::Options,
    oracle: oracle::Options,
}

/// Runs the cases of a suite.
type Run = fn(&World, &mut Report) -> Result<()>;

/// The suites that need a [`World`], in the order in which they are run.
const SUITES: &[(Suite, Run)] = &[
    (Suite::Guests, guests::run),
    (Suite::Vdso, vdso::run),
    (Suite::Debuggers, debuggers::run),
    (Suite::Terminal, terminal::run),
    (Suite::Supervisor, supervisor::run),
    (Suite::Debian, debian::run),
    (Suite::Container, container::run),
    (Suite::Explain, explain::run),
    (Suite::Systemd, systemd::run),
    (Suite::Examples, examples::run),
    (Suite::Oracle, oracle::run),
    (Suite::Policy, policy::run),
    (Suite::Stress, stress::run),
];

/// Where the program under test lies in the i386 tree.
const IN_TREE: &str = "/usr/bin/socketcall";

/// Runs the suites that were asked for.
pub fn run(options: &Options) -> Result<ExitCode> {
    tools::provide(tools::FOR_TEST, "test", options.install)?;
    adopt_orphans()?;
    let workspace = Workspace::find()?;
    let wanted = |suite| options.only.is_empty() || options.only.contains(&suite);
    let mut report = Report::new(options.filter.clone());
    if wanted(Suite::Workspace) {
        report.suite("workspace");
        report.case("cargo test", || {
            ensure!(workspace.cargo_test()?, "cargo test --workspace failed");
            Ok(Outcome::Passed(String::new()))
        });
        // Where that target's standard library can be had; most toolchains have not got it.
        if has_i686() {
            report.case("cargo test for i686", || {
                ensure!(
                    workspace.cargo_test_i686()?,
                    "cargo test --package socketcall-invoke failed for i686"
                );
                Ok(Outcome::Passed(String::new()))
            });
        }
        report.end_suite();
    }
    if SUITES.iter().any(|(suite, _)| wanted(*suite)) {
        let socketcall = match &options.program {
            Some(program) => program.canonicalize().with_context(|| program.display().to_string())?,
            None => workspace.socketcall()?,
        };
        let xtask = std::env::current_exe()?;
        let debian = debian_tree(&workspace, &socketcall, I386)?;
        let (debian64, stress, oracle) = (OnceLock::new(), options.stress, options.oracle);
        let world = World { workspace, socketcall, xtask, debian, debian64, stress, oracle };
        for (_, run) in SUITES.iter().filter(|(suite, _)| wanted(*suite)) {
            run(&world, &mut report)?;
        }
    }
    let good = report.close(options.no_skip);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A tree of Debian's with a copy of the program under test, or why there is none.
fn debian_tree(
    workspace: &Workspace,
    socketcall: &Path,
    architecture: &'static str,
) -> Result<Result<PathBuf, String>> {
    if let Some(why) = missing(&[tools::APT]) {
        return Ok(Err(why));
    }
    let tree = Debian::prepare(&workspace.target, architecture).map_err(|error| format!("{error:#}"));
    if let Ok(root) = &tree {
        let copy = root.join(&IN_TREE[1..]);
        std::fs::copy(socketcall, &copy).with_context(|| format!("cannot copy to {}", copy.display()))?;
    }
    Ok(tree)
}

impl World {
    /// Debian's packages for 64 bits, or why they are not there.
    fn debian64(&self) -> Result<&Path, String> {
        let tree = self.debian64.get_or_init(|| {
            debian_tree(&self.workspace, &self.socketcall, AMD64)
                .unwrap_or_else(|why| Err(format!("{why:#}")))
        });
        tree.as_deref().map_err(String::clone)
    }
}

/// Why a suite that needs these tools can't run.
fn missing(needed: &[Tool]) -> Option<String> {
    needed.iter().find(|tool| !tool.works()).map(|tool| format!("{} is missing", tool.name))
}

/// How long a program may take: a hang is a failure, and the slowest of them needs two seconds.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits until something holds that soon will.
fn until(what: &str, holds: impl Fn() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !holds()? {
        ensure!(Instant::now() < deadline, Hang(format!("it is never so: {what}")));
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// A command in an environment that is the same on every machine.
fn command(words: &[String]) -> Result<Command> {
    let (program, arguments) = words.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.envs([("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C"), ("HOME", "/"), ("TZ", "UTC")]);
    Ok(command)
}

/// The words of a command, owned.
fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Takes the supervisor's account out of a program's standard error.
fn account(finished: &mut Finished) -> Result<Counts> {
    let account = Account::take(&finished.stderr).with_context(|| finished.command.clone())?;
    finished.stderr = account.rest;
    Ok(account.total)
}

/// Sees to it that a program met no filter.
fn unfiltered(finished: &Finished) -> Result<()> {
    let (stdout, telltale) = (finished.text(), format!("= -{TELLTALE} "));
    for sign in ["Exchange full", "EXFULL", &telltale] {
        if stdout.contains(sign) || finished.stderr.contains(sign) {
            bail!("{}\nsaw the filter's errno:\n{stdout}{}", finished.command, finished.stderr);
        }
    }
    Ok(())
}

/// A case's last check: it left no process behind. Its own failure comes first.
fn nothing_left<T>(result: Result<T>) -> Result<T> {
    let left = leftovers();
    let result = result?;
    ensure!(left.is_empty(), "left running: {}", left.join(", "));
    Ok(result)
}
