//! strace is the oracle for `trace`: guests are traced by both, and the lines must be equal.
//!
//! Where they are meant to differ is listed in tests/oracle/differences.toml.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;

use self::compare::{compare, summary};
use self::differences::Differences;
use self::guests::{Entry, Guests};
use self::normal::normal;
use self::table::{DEFAULT, EACH_SIZE, Output, ROWS, Row, TRACED, Traced};
use self::tracer::{Trace, Tracer};
use super::{World, missing, nothing_left};
use crate::apt::Strace;
use crate::process::ending;
use crate::report::{Outcome, Report};
use crate::tools::{APT, GCC32};

mod compare;
mod differences;
mod events;
mod guests;
mod json;
mod line;
mod normal;
mod table;
mod tracer;

/// How many kinds of differences a failure shows.
const KINDS: usize = 12;

/// How much.
#[derive(Args, Clone, Copy)]
#[group(skip)]
pub struct Options {
    /// How many calls eight threads make while they are traced.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    events: u64,
}

/// Traces everything by both.
pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("oracle");
    match Oracle::new(world) {
        Ok(oracle) => oracle.run(report)?,
        Err(why) => report.case("strace", || Ok(Outcome::Skipped(why))),
    }
    report.end_suite();
    Ok(())
}

struct Oracle {
    guests: Guests,
    strace: Tracer,
    version: String,
    ours: Tracer,
    differences: PathBuf,
    place: PathBuf,
    events: u64,
}

impl Oracle {
    fn new(world: &World) -> Result<Oracle, String> {
        if let Some(why) = missing(&[APT, GCC32]) {
            return Err(why);
        }
        let target = &world.workspace.target;
        let strace = Strace::prepare(target).map_err(|error| format!("{error:#}"))?;
        let ours = Tracer::of(&world.socketcall);
        if !ours.works() {
            return Err(format!("{} does not trace", world.socketcall.display()));
        }
        Ok(Oracle {
            guests: Guests::new(&world.workspace.source, target),
            strace: Tracer::oracle(&strace),
            version: strace.version,
            ours,
            differences: world.workspace.source.join("tests/oracle/differences.toml"),
            place: target.join("oracle/run"),
            events: world.oracle.events,
        })
    }

    fn run(&self, report: &mut Report) -> Result<()> {
        let differences = Differences::read(&self.differences, &self.version)?;
        let mut complete = true;
        for (traced, row, entries) in cases() {
            let title = title(traced, row);
            complete &= report.wants(&title);
            report.case(&title, || {
                let mut lines = 0;
                for &entry in entries {
                    lines += nothing_left(self.agree(traced, row, entry, &differences))?;
                }
                Ok(Outcome::Passed(format!("{lines} lines, as strace {}", self.version)))
            });
        }
        for traced in TRACED {
            // What is no news about us: whether the guests say the same twice.
            let title = format!("strace and strace, {}", title(traced, &DEFAULT));
            report.case(&title, || nothing_left(self.repeats(traced)));
        }
        // What it costs to read is much; the guests with very many calls have no event that others lack.
        for traced in TRACED.iter().filter(|traced| traced.entries != EACH_SIZE) {
            let title = format!("--json, {}", title(traced, &DEFAULT));
            report.case(&title, || nothing_left(self.objects_agree(traced)));
        }
        for &entry in EACH_SIZE {
            let title = format!("a list of control messages without end, {}", entry.name());
            report.case(&title, || nothing_left(self.ends(entry)));
        }
        for entry in EACH_SIZE {
            let title = format!("{} calls of eight threads, {}", self.events, entry.name());
            report.case(&title, || nothing_left(self.all_are_shown(*entry)));
        }
        if complete {
            report.case("no difference is listed that is none", || {
                let stale = differences.stale();
                ensure!(
                    stale.is_empty(),
                    "{}: nothing needs\n{}",
                    self.differences.display(),
                    stale.join("\n")
                );
                Ok(Outcome::Passed(String::new()))
            });
        }
        Ok(())
    }

    /// Traces a guest by both tracers and compares. The number of lines that are equal.
    fn agree(&self, traced: &Traced, row: &Row, entry: Entry, differences: &Differences) -> Result<usize> {
        let expected = self.trace(&self.strace, traced, row, entry)?;
        let ours = self.trace(&self.ours, traced, row, entry)?;
        ensure!(
            expected.status == ours.status,
            "{}\nstrace: {}\nours:   {}",
            ours.command,
            ending(expected.status),
            ending(ours.status)
        );
        let lines = normal(&expected.text, row.shape);
        let mut mismatches = compare(&lines, &normal(&ours.text, row.shape));
        mismatches.retain(|mismatch| !differences.excuse(mismatch, row.options));
        if !mismatches.is_empty() {
            bail!("{}\n{}", ours.command, summary(&mismatches, KINDS));
        }
        Ok(lines.len())
    }

    /// Whether two traces of a guest by strace are equal.
    fn repeats(&self, traced: &Traced) -> Result<Outcome> {
        let entry = Entry::X86_64;
        let first = normal(&self.trace(&self.strace, traced, &DEFAULT, entry)?.text, DEFAULT.shape);
        let second = normal(&self.trace(&self.strace, traced, &DEFAULT, entry)?.text, DEFAULT.shape);
        let mismatches = compare(&first, &second);
        ensure!(mismatches.is_empty(), "{}", summary(&mismatches, KINDS));
        Ok(Outcome::Passed(format!("{} lines", first.len())))
    }

    fn trace(&self, tracer: &Tracer, traced: &Traced, row: &Row, entry: Entry) -> Result<Trace> {
        let program = self.guests.program(traced.guest, entry)?.display().to_string();
        let mut words = vec![program, entry.name().to_owned()];
        words.extend(traced.arguments.iter().map(|word| (*word).to_owned()));
        tracer.trace(row, &self.place, &words, shares_network(traced, row))
    }
}

/// Every guest without options, by each of its entries; and those that are for it with all options.
fn cases() -> impl Iterator<Item = (&'static Traced, &'static Row, &'static [Entry])> {
    let plain = TRACED.iter().map(|traced| (traced, &DEFAULT, traced.entries));
    let others = ROWS.iter().flat_map(|row| {
        TRACED.iter().filter(|traced| row.is_for(traced)).map(move |traced| (traced, row, EACH_SIZE))
    });
    plain.chain(others)
}

/// Where a tracer asks the kernel what a socket is, both are in one network.
fn shares_network(traced: &Traced, row: &Row) -> bool {
    traced.shared_network || row.options.contains(&"-yy")
}

fn title(traced: &Traced, row: &Row) -> String {
    let guest = [&[traced.guest], traced.arguments].concat().join(" ");
    let output = match row.output {
        Output::File => None,
        Output::Terminal => Some("on standard error"),
        Output::Split => Some("-ff"),
    };
    let network = shares_network(traced, row).then_some("in one network");
    let options: Vec<&str> = row.options.iter().copied().chain(output).chain(network).collect();
    if options.is_empty() { guest } else { format!("{guest}, {}", options.join(" ")) }
}
