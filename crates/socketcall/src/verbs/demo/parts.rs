//! Parts 2 to 4: what is said of the talks, and whether they went so.

use std::io;

use anyhow::Result;
use guest32::Entry;

use super::Findings;
use super::place::Place;
use super::talk::{Counts, DENIAL, How, Part, Talk, talk};
use super::text::Page;

/// Shows the three parts.
///
/// # Errors
/// A program could not be executed; or what is shown could not be written.
pub fn show(page: &mut Page, place: &Place, findings: &mut Findings) -> Result<()> {
    // What the client is told where the server tells no port. It does not get as far as using it.
    let mut port = "9".to_owned();
    let mut talks = |findings: &Findings, page: &mut Page, how| -> Result<Vec<Talk>> {
        page.flush()?;
        findings.entries.iter().map(|entry| talk(place, *entry, how, &mut port)).collect()
    };

    page.heading(2, "A client and a server")?;
    page.body("They talk over 127.0.0.1. Each of their calls is a socketcall, by int $0x80 or by the vDSO.")?;
    let natives = talks(findings, page, How::Natively)?;
    natively(page, &natives, findings)?;

    page.heading(3, "The same under a filter that denies socketcall")?;
    page.body(
        "A seccomp filter answers socketcall with ENOSYS, as Docker's did in 2016, in 2023 and in 2026. It \
         allows everything else, the direct calls too.",
    )?;
    let denied = talks(findings, page, How::Filtered)?;
    filtered(page, &denied, findings)?;

    page.heading(4, "The same under that filter, by socketcall run")?;
    page.body("Each is started by `socketcall run -v --`, which counts the calls at the end.")?;
    let run = talks(findings, page, How::Run)?;
    by_run(page, run, findings)
}

fn natively(page: &mut Page, talks: &[Talk], findings: &mut Findings) -> Result<()> {
    said(page, parts(talks).map(|part| (part, None)))?;
    let failed: Vec<_> = parts(talks).filter(|part| !part.ended.is_success()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    // A denied server takes its client along, and the other way round.
    let denied = failed.iter().find_map(|part| part.denied());
    if findings.filtered && denied.is_some() {
        findings.denied = denied;
    }
    if let Some(errno) = findings.denied {
        page.body(&format!(
            "They fail: this demo is already under a seccomp filter, and under it socketcall answers {errno} \
             ({}). So the machine shows the problem by itself; part 4 shows the remedy.",
            super::explain(errno)
        ))?;
        return Ok(());
    }
    if failed.iter().any(|part| part.ended.stderr.iter().any(|line| line == NO_LOOPBACK)) {
        page.body("The network is unreachable: the loopback interface is down. `ip link set lo up` helps.")?;
    }
    for part in failed {
        findings.unexpected(format!("part 2: {}", part.account()));
    }
    Ok(())
}

/// How a client says ENETUNREACH.
const NO_LOOPBACK: &str = "connect: errno 101";

fn filtered(page: &mut Page, talks: &[Talk], findings: &mut Findings) -> io::Result<()> {
    said(page, parts(talks).map(|part| (part, None)))?;
    if parts(talks).any(|part| part.denied() == Some(DENIAL)) {
        page.body(&format!(
            "They fail: {} is {DENIAL}. \"socket: {}\" is what people saw.",
            DENIAL.raw(),
            super::explain(DENIAL)
        ))?;
    }
    for part in parts(talks).filter(|part| part.ended.is_success()) {
        findings.unexpected(format!("part 3: {} worked under the filter", part.name()));
    }
    Ok(())
}

fn by_run(page: &mut Page, mut talks: Vec<Talk>, findings: &mut Findings) -> Result<()> {
    let counts: Vec<_> =
        talks.iter_mut().flat_map(|talk| [&mut talk.server, &mut talk.client].map(Part::counts)).collect();
    said(page, parts(&talks).zip(counts.iter().copied()))?;
    let mut failed = false;
    for (part, counts) in parts(&talks).zip(&counts) {
        if !part.ended.is_success() || counts.is_none() {
            failed = true;
            findings.unexpected(format!("part 4: {}", part.account()));
        }
    }
    if failed {
        return Ok(());
    }
    let of = |entry| {
        let counted = parts(&talks).zip(counts.iter().flatten());
        counted.filter(|(part, _)| part.guest.entry == entry).map(|(_, counts)| *counts).sum::<Counts>()
    };
    for sentence in Entry::ALL.into_iter().filter_map(|entry| way(entry, of(entry))) {
        page.body(&sentence)?;
    }
    Ok(page.body("So they work: what reached the kernel were the direct calls, which the filter allows.")?)
}

/// What the counts of an entry's programs say.
fn way(entry: Entry, counts: Counts) -> Option<String> {
    let Counts { stub, trap, direct } = counts;
    Some(match (entry, counts) {
        (_, Counts { stub: 0, trap: 0, direct: 0 }) => return None,
        (Entry::Vdso, Counts { trap: 0, direct: 0, .. }) => format!(
            "All {stub} calls through the vDSO went by the stub: taken apart inside the program, without a stop."
        ),
        (Entry::Int80, Counts { stub: 0, direct: 0, .. }) => {
            format!("All {trap} calls by int $0x80 were trapped, and taken apart by the supervisor.")
        }
        _ => format!("By {}: stub {stub}, trap {trap}, direct {direct}.", entry.name()),
    })
}

fn parts(talks: &[Talk]) -> impl Iterator<Item = &Part> {
    talks.iter().flat_map(Talk::parts)
}

/// A row for each: what it is, what it said, how it ended; and its counts.
fn said<'a>(page: &mut Page, parts: impl Iterator<Item = (&'a Part, Option<Counts>)>) -> io::Result<()> {
    let mut rows = vec![];
    for (part, counts) in parts {
        let counts =
            counts.map(|Counts { stub, trap, direct }| format!("stub {stub}, trap {trap}, direct {direct}"));
        let mut said = part.ended.stdout.iter().chain(&part.ended.stderr).cloned();
        let first = said.next().unwrap_or_default();
        rows.push([part.name(), first, part.ended.end.to_string(), counts.unwrap_or_default()]);
        rows.extend(said.map(|line| [String::new(), line, String::new(), String::new()]));
    }
    page.rows(&rows)
}
