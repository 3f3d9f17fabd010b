//! `socketcall policy`: the rules of `run --policy`, checked, asked, explained and compiled.

mod json;
pub mod remedy;
pub mod rules;
pub mod text;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};

use ::policy::{Answer, Compiled, Error, Policy, Question};

pub use rules::{Read, ShortRules};

/// Checks, asks, explains and compiles the rules of `run --policy`
#[derive(Debug, Args)]
#[command(subcommand_value_name = "WHAT", subcommand_help_heading = "What to do")]
pub struct PolicyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tells whether a policy is whole; of each mistake, where it is and what is near
    ///
    /// Rules that never decide, because rules in front of them do, are told too, and are no mistake.
    ///
    /// Exit status: 0 whole, 1 mistakes, 2 a file can't be read.
    Check {
        /// Policies, in TOML; `-` is standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,

        /// Write one JSON object for each file; docs/policy.md describes it
        #[arg(long)]
        json: bool,
    },
    /// Tells what becomes of calls: which rule decides, and in which layer
    ///
    /// A CALL is in words: `connect inet stream 10.1.2.3:443`, `socket inet raw icmp`, `bind unix stream @name`,
    /// `sendto inet6 dgram [::1]:53`, `connect vsock stream vsock:2:1024`, `setsockopt tcp.TCP_NODELAY`, `ptrace`.
    ///
    /// Exit status: 0 all are permitted, 1 one is refused, 2 a mistake.
    Test {
        #[command(flatten)]
        rules: Rules,

        /// Calls in words, each in quotes
        #[arg(required = true, value_name = "CALL")]
        calls: Vec<String>,

        /// Write one JSON object for each call
        #[arg(long)]
        json: bool,
    },
    /// Tells where each rule decides: in registers, at no cost, or in memory, and why
    ///
    /// Exit status: 0, or 2 for a mistake.
    Explain {
        #[command(flatten)]
        rules: Rules,

        /// Write one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Writes what registers decide as a profile of container runtimes, or as the filter's instructions
    ///
    /// Exit status: 0, or 2 for a mistake.
    Compile {
        #[command(flatten)]
        rules: Rules,

        /// What to write
        #[arg(long, value_enum)]
        format: Format,
    },
}

/// A file, and short rules in front of it.
#[derive(Debug, Args)]
struct Rules {
    /// The policy, in TOML; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    short: ShortRules,
}

/// What `policy compile` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A seccomp profile of the OCI runtime specification, for Docker, Podman and others
    ///
    /// It denies socketcall, so that 32-bit programs need `socketcall run` in the container. What memory decides
    /// is left to `run --policy` there.
    Oci,
    /// The filter, one instruction on a line, with what it is for
    Bpf,
}

/// Carries out the verb; answers whether all is permitted, or whole.
///
/// # Errors
/// What can't be read, and mistakes of those who are not asked for them: exit status 2.
pub fn run(args: &PolicyArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<bool> {
    match &args.what {
        What::Check { files, json } => {
            let mut whole = true;
            for file in files {
                whole &= check(&Read::file(file)?, *json, out, err)?;
            }
            Ok(whole)
        }
        What::Test { rules, calls, json } => {
            let compiled = rules.compile()?;
            let asked = calls.iter().map(|call| Ok((call.as_str(), ask(&compiled, call)?)));
            let asked: Vec<_> = asked.collect::<Result<_>>()?;
            for (call, (question, answer)) in &asked {
                if *json {
                    json::answer(&compiled, call, question, *answer, out)?;
                } else {
                    text::answer(&compiled, call, question, *answer, out)?;
                }
            }
            Ok(asked.iter().all(|(_, (_, answer))| answer.verdict.action.permits()))
        }
        What::Explain { rules, json } => {
            let compiled = rules.compile()?;
            if *json {
                json::explain(&compiled, out)?
            } else {
                text::explain(&compiled, out)?
            }
            Ok(true)
        }
        What::Compile { rules, format } => {
            let compiled = rules.compile()?;
            match format {
                Format::Bpf => write!(out, "{}", compiled.listing().context("the filter")?)?,
                Format::Oci => {
                    let oci = compiled.oci();
                    write!(out, "{}", oci.text)?;
                    if !oci.memory.is_empty() {
                        let calls = oci.memory.join(", ");
                        writeln!(
                            err,
                            "socketcall: not in the profile: what memory decides of {calls}; `socketcall run --policy` in the container does"
                        )?;
                    }
                }
            }
            Ok(true)
        }
    }
}

/// Whether a policy is whole.
fn check(read: &Read, json: bool, out: &mut dyn Write, err: &mut dyn Write) -> Result<bool> {
    let parsed = Policy::parse(&read.name, &read.text).map(Policy::compile);
    // Every filter that a policy comes to has to be one that the kernel takes.
    let parsed = parsed.map(|compiled| {
        let filter = compiled.register_wants(0).compile();
        (compiled, filter)
    });
    match parsed {
        Ok((_, Err(error))) => Err(error).with_context(|| read.name.clone()),
        Ok((compiled, Ok(_))) => {
            if json {
                json::whole(read, &compiled, out)?
            } else {
                text::whole(read, &compiled, out)?
            }
            Ok(true)
        }
        Err(errors) => {
            if json {
                json::mistakes(read, &errors, out)?;
            } else {
                writeln!(err, "{}", errors.render(true))?;
            }
            Ok(false)
        }
    }
}

fn ask(compiled: &Compiled, call: &str) -> Result<(Question, Answer)> {
    let question = Question::parse(call).map_err(shown)?;
    let answer = compiled.ask(&question);
    Ok((question, answer))
}

/// A mistake as it is shown where it ends the verb.
fn shown(error: Error) -> anyhow::Error {
    anyhow::anyhow!("{} has a mistake\n{}", error.source.name, error.render(false))
}

impl Rules {
    fn compile(&self) -> Result<Compiled> {
        let file = Read::file(&self.file)?.policy()?;
        Ok(Policy::with_short(Some(file), self.short.rules()?).compile())
    }
}
