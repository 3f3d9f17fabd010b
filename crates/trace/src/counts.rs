//! `-c`: how many calls, how long, how many bytes, by which ways.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;

use decode::{Abi, Entry, Request};

use crate::traffic::Traffic;
use crate::{Options, Sort};

/// What is counted of each call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count {
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    /// Nanoseconds.
    pub(crate) time: u64,
    pub(crate) shortest: Option<u64>,
    pub(crate) longest: u64,
    pub(crate) traffic: Traffic,
    /// By [`Entry`], in the order of [`WAYS`].
    pub(crate) ways: [u64; WAYS.len()],
}

/// The ways in.
pub(crate) const WAYS: [Entry; 5] = [Entry::Int80, Entry::Vdso, Entry::Direct, Entry::X86_64, Entry::X32];
/// Interfaces, in the order of their tables.
const ABIS: [(Abi, &str); 3] = [(Abi::X86_64, ""), (Abi::I386, "32 bit"), (Abi::X32, "x32")];

/// Counts of all calls.
#[derive(Debug)]
pub(crate) struct Counts {
    counts: HashMap<(Abi, &'static str), (u32, Count)>,
    sort: Sort,
    wall_clock: bool,
}

/// A row: a call's name and its counts.
pub(crate) type Row<'a> = (&'static str, &'a Count);

impl Counts {
    pub(crate) fn new(options: &Options) -> Counts {
        Counts { counts: HashMap::new(), sort: options.sort, wall_clock: options.wall_clock }
    }

    /// A call has returned.
    pub(crate) fn add(&mut self, request: &Request, took: u64, system: u64) {
        let seen = &request.asked.seen;
        let name = request.asked.form.name;
        let order = match request.asked.form.call {
            Some(call) if seen.abi == Abi::I386 => call.number() as u32,
            _ => seen.number,
        };
        let (_, count) = self.counts.entry((seen.abi, name)).or_insert((order, Count::default()));
        let time = if self.wall_clock { took } else { system };
        count.calls += 1;
        count.errors += u64::from(request.outcome.as_ref().is_some_and(|outcome| outcome.error().is_some()));
        count.time += time;
        count.shortest = Some(count.shortest.map_or(time, |shortest| shortest.min(time)));
        count.longest = count.longest.max(time);
        count.traffic.add(Traffic::of(request));
        if let Some(way) = WAYS.iter().position(|way| *way == seen.entry) {
            count.ways[way] += 1;
        }
    }

    /// The rows of each interface that was used, sorted.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (Abi, &'static str, Vec<Row<'_>>)> {
        ABIS.into_iter().filter_map(|(abi, mode)| {
            let mut rows: Vec<_> = self.counts.iter().filter(|((own, _), _)| *own == abi).collect();
            rows.sort_by_key(|((_, name), (order, _))| (*order, *name));
            let mut rows: Vec<Row<'_>> =
                rows.into_iter().map(|((_, name), (_, count))| (*name, count)).collect();
            match self.sort {
                Sort::Time => rows.sort_by_key(|(_, count)| Reverse(count.time)),
                Sort::Shortest => rows.sort_by_key(|(_, count)| Reverse(count.shortest)),
                Sort::Longest => rows.sort_by_key(|(_, count)| Reverse(count.longest)),
                Sort::Calls => rows.sort_by_key(|(_, count)| Reverse(count.calls)),
                Sort::Errors => rows.sort_by_key(|(_, count)| Reverse(count.errors)),
                Sort::Name => rows.sort_by_key(|(name, _)| *name),
                Sort::Average => rows.sort_by_key(|(_, count)| Reverse(count.time / count.calls)),
                Sort::Nothing => {}
            }
            (!rows.is_empty()).then_some((abi, mode, rows))
        })
    }

    /// strace's tables, with columns of ours behind its last.
    pub(crate) fn write(&self, out: &mut String) {
        const LINE: &str = "------ ----------- ----------- --------- --------- ---------------- ----------- ----------- ----------\n";
        for (_, mode, rows) in self.tables() {
            if !mode.is_empty() {
                let _ = writeln!(out, "System call usage summary for {mode} mode:");
            }
            let mut total = Count::default();
            for (_, count) in &rows {
                total.calls += count.calls;
                total.errors += count.errors;
                total.time += count.time;
                total.traffic.add(count.traffic);
                total.ways.iter_mut().zip(count.ways).for_each(|(all, one)| *all += one);
            }
            out.push_str("% time     seconds  usecs/call     calls    errors syscall             bytes in   bytes out ways in\n");
            out.push_str(LINE);
            for (name, count) in rows {
                let share = if total.time == 0 { 0.0 } else { 100.0 * count.time as f64 / total.time as f64 };
                row(out, share, count, name);
            }
            out.push_str(LINE);
            row(out, 100.0, &total, "total");
        }
    }
}

fn row(out: &mut String, share: f64, count: &Count, name: &str) {
    let seconds = count.time as f64 / 1e9;
    let average = count.time / 1000 / count.calls.max(1);
    let errors = if count.errors == 0 { String::new() } else { count.errors.to_string() };
    let ways = WAYS.iter().zip(count.ways).filter(|(_, calls)| *calls > 0);
    let ways: Vec<_> = ways.map(|(way, calls)| format!("{} {calls}", way.name())).collect();
    let Traffic { received, sent } = count.traffic;
    let _ = writeln!(
        out,
        "{share:6.2} {seconds:11.6} {average:11} {:9} {errors:>9} {name:16} {received:11} {sent:11} {}",
        count.calls,
        ways.join(", ")
    );
}
