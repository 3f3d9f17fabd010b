//! Nothing is lost: eight threads make calls as fast as they can, and each of them is in the trace.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Oracle;
use super::guests::Entry;
use crate::report::Outcome;
use crate::workspace::fresh;

impl Oracle {
    /// Memory where strace writes without end: each line of ours is of a size that can be told beforehand.
    pub(super) fn ends(&self, entry: Entry) -> Result<Outcome> {
        const LONGEST: usize = 16 * 1024;
        let program = self.guests.program("control", entry)?.display().to_string();
        let program = [program, entry.name().to_owned(), "endless".to_owned()];
        fresh(&self.place)?;
        let file = self.place.join("trace");
        self.ours.trace_to(&file, &[], &program, Duration::from_secs(30))?;
        let text = fs::read_to_string(&file)?;
        let longest = text.lines().map(str::len).max().unwrap_or_default();
        let calls = text.lines().filter(|line| line.contains("sendmsg(")).count();
        ensure!(calls == 7, "{calls} of 7 calls are shown");
        ensure!(longest < LONGEST, "a line of {longest} bytes");
        Ok(Outcome::Passed(format!("lines of {longest} bytes at most")))
    }

    /// Traces the threads, and counts what they issued and what was shown.
    pub(super) fn all_are_shown(&self, entry: Entry) -> Result<Outcome> {
        let program = self.guests.program("events", entry)?.display().to_string();
        let program = [program, entry.name().to_owned(), self.events.to_string()];
        // Slower than any tracer is on a machine with one processor.
        let limit = Duration::from_secs(60 + self.events / 1000);
        fresh(&self.place)?;
        let file = self.place.join("trace");
        let start = Instant::now();
        let finished = self.ours.trace_to(&file, &[], &program, limit)?;
        let time = start.elapsed();
        let said = finished.text();
        let issued: u64 = said
            .trim_end()
            .strip_prefix("issued: ")
            .and_then(|number| number.parse().ok())
            .with_context(|| format!("{} says: {said}", finished.command))?;
        // What a tracer has to say there is that something went wrong.
        ensure!(finished.stderr.is_empty(), "{}\n{}", finished.command, finished.stderr);
        let shown = shown(&file)?;
        let sum: u64 = shown.values().sum();
        ensure!(sum == issued, "{}: issued {issued}, shown {sum}: {shown:?}", finished.command);
        fs::remove_file(&file)?;
        Ok(Outcome::Passed(format!(
            "issued {issued}, shown {sum}, {:.0} in a second",
            sum as f64 / time.as_secs_f64()
        )))
    }
}

/// How many calls a trace shows to their ends, by name.
fn shown(trace: &Path) -> Result<BTreeMap<String, u64>> {
    let mut calls = BTreeMap::new();
    for line in BufReader::new(File::open(trace)?).lines() {
        let line = line?;
        // "123   send(", "123   <... send resumed>"; not "--- SIGSEGV" and "+++ exited".
        let Some((_, event)) = line.split_once(' ') else { continue };
        let event = event.trim_start();
        let name =
            event.strip_prefix("<... ").map_or_else(|| event.split_once('('), |event| event.split_once(' '));
        let ended = !event.starts_with(['+', '-']) && !event.ends_with("<unfinished ...>");
        if let Some((name, _)) = name.filter(|_| ended) {
            *calls.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    Ok(calls)
}
