//! Threads, forks and signals for a while (docs/testing.md tells for how long).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::guests::{Build, Builder, Guest};
use super::supervisor::Supervisor;
use super::way::{Mode, Way};
use super::{World, command, missing, nothing_left, unfiltered};
use crate::process::{Finished, Live, ending};
use crate::report::{Outcome, Report};
use crate::tools::GCC32;

/// How long, and with what.
#[derive(Args, Clone, Copy)]
#[group(skip)]
pub struct Options {
    /// How long the stress test takes in each mode, and each race against a policy: from 60 on, a million attempts too.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub seconds: u64,
    /// What the stress test's chances begin with (the time otherwise).
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
}

const GUEST: Guest = Guest { name: "stress", sources: &["stress.c", "entry.S"], builds: &[] };
const PROCESSES: &str = "8";
const THREADS: &str = "32";

/// What a supervisor may grow by, in KiB: its tables' sizes vary with how many threads there are at a time.
const GROWTH: u64 = 256;

/// Natively, and in each mode.
pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("stress");
    let builder = Builder::new(world)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.subsec_nanos());
    let seed = world.stress.seed.unwrap_or(now);
    for mode in [None].into_iter().chain(Mode::ALL.iter().copied().map(Some)) {
        let name = mode.map_or("natively", Mode::name);
        let title = format!("{name}, {PROCESSES} processes of {THREADS} threads, seed {seed}");
        report.case(&title, || match missing(&[GCC32]) {
            Some(why) => Ok(Outcome::Skipped(why)),
            None => nothing_left(play(world, &builder, mode, seed)),
        });
    }
    report.end_suite();
    Ok(())
}

fn play(world: &World, builder: &Builder, mode: Option<Mode>, seed: u32) -> Result<Outcome> {
    let way = mode.map_or(Way::Native, Way::Run);
    // Natively it only shows that the test itself is right.
    let seconds = if mode.is_none() { 1 } else { world.stress.seconds };
    let program = builder.make(&GUEST, Build::Dynamic)?;
    let (mut line, run) = way.prefix(world);
    line.extend(run);
    line.push(program.display().to_string());
    line.extend([seconds.to_string(), seed.to_string(), PROCESSES.into(), THREADS.into()]);
    let live = Live::start(command(&line)?, Duration::from_secs(seconds * 2 + 30))?;
    let mut grown = String::new();
    if mode.is_some() {
        // Early, when all threads are there, and late, when all has happened many times.
        std::thread::sleep(Duration::from_millis(seconds * 300));
        let supervisor = Supervisor::of(world, live.pid())?;
        let early = supervisor.state()?;
        std::thread::sleep(Duration::from_millis(seconds * 600));
        let late = supervisor.state()?;
        ensure!(late.descriptors == early.descriptors, "its descriptors: {early:?}, later {late:?}");
        ensure!(
            late.anonymous <= early.anonymous + GROWTH,
            "the supervisor grows: {early:?}, later {late:?}"
        );
        grown = format!("; the supervisor has {} KiB of its own, {} before", late.anonymous, early.anonymous);
    }
    let finished = live.wait()?;
    unfiltered(&finished)?;
    let Finished { status, stderr, command, .. } = &finished;
    let text = finished.text();
    ensure!(status.success() && stderr.is_empty(), "{command}\n{}\n{text}{stderr}", ending(*status));
    let what = text.lines().next().context("it says nothing")?;
    Ok(Outcome::Passed(format!("{what}{grown}")))
}
