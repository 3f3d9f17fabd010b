//! Parts 2 to 4: what is said of the talks, and whether they went so.

use std::io;

use anyhow::Result;
use guest32::Entry;

use super::place::Place;
use super::process::End;
use super::talk::{Counts, DENIAL, How, Part, RUN, Talk, talk};
use super::text::Page;
use super::{Denial, Findings};

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
    page.body("They talk over 127.0.0.1, and each of their socket calls is a socketcall: by int $0x80, or by the vDSO.")?;
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
    if findings.filtered && findings.denied.is_none() {
        // Part 1 could not tell.
        findings.denied = failed.iter().find_map(|part| part.denied()).map(Denial::Errno);
    }
    page.blank()?;
    if let Some(denial) = findings.denied {
        page.body(&format!(
            "They fail: {denial}. So the problem is here already; part 4 is about the remedy."
        ))?;
        return Ok(());
    }
    if failed.iter().any(|part| part.ended.stderr.iter().any(|line| line == NO_LOOPBACK)) {
        page.body("The network is unreachable: the loopback interface is down. `ip link set lo up` helps.")?;
    }
    for part in failed {
        findings.failed(2, part);
    }
    Ok(())
}

impl Findings {
    /// Notes what is to work and failed. What was stopped did so because of something else.
    fn failed(&mut self, number: u8, part: &Part) {
        if part.ended.end != End::Stopped {
            self.unexpected(format!("part {number}: {}", part.account()));
        }
    }
}

/// How a client says ENETUNREACH.
const NO_LOOPBACK: &str = "connect: errno 101";

fn filtered(page: &mut Page, talks: &[Talk], findings: &mut Findings) -> io::Result<()> {
    said(page, parts(talks).map(|part| (part, None)))?;
    if parts(talks).any(|part| part.denied() == Some(DENIAL)) {
        page.blank()?;
        page.body(&format!(
            "They fail. Errno {} is {DENIAL}: people saw \"socket: {}\".",
            DENIAL.raw(),
            super::explain(DENIAL)
        ))?;
    }
    if findings.denied == Some(Denial::Sigsys) {
        page.blank()?;
        page.body("They are killed: of two filters the stricter one counts, the one around this demo.")?;
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
    let mut all_work = true;
    for (part, counts) in parts(&talks).zip(&counts) {
        if !part.ended.is_success() || counts.is_none() {
            all_work = false;
            findings.failed(4, part);
        }
    }
    let of = |entry| {
        let counted = parts(&talks).zip(counts.iter().flatten());
        counted.filter(|(part, _)| part.guest.entry == entry).map(|(_, counts)| *counts).sum::<Counts>()
    };
    let ways: Vec<_> = Entry::ALL.into_iter().filter_map(|entry| way(entry, of(entry))).collect();
    if !ways.is_empty() {
        page.blank()?;
    }
    for sentence in ways {
        page.body(&sentence)?;
    }
    if all_work {
        page.body("So they work: what reached the kernel were the direct calls, which the filter allows.")?;
    }
    Ok(())
}

/// What the counts of an entry's programs say.
fn way(entry: Entry, counts: Counts) -> Option<String> {
    let Counts { stub, trap, direct } = counts;
    Some(match (entry, counts) {
        (_, Counts { stub: 0, trap: 0, direct: 0 }) => return None,
        (Entry::Vdso, Counts { trap: 0, direct: 0, .. }) => format!(
            "All {stub} socketcalls through the vDSO went by the stub: taken apart inside the program, without a stop."
        ),
        (Entry::Int80, Counts { stub: 0, direct: 0, .. }) => {
            format!("All {trap} socketcalls by int $0x80 were trapped, and taken apart by the supervisor.")
        }
        _ => format!("By {}: stub {stub}, trap {trap}, direct {direct}.", entry.name()),
    })
}

fn parts(talks: &[Talk]) -> impl Iterator<Item = &Part> {
    talks.iter().flat_map(Talk::parts)
}

/// A row for each: what it is, what it said, how it ended; and its counts. What `run` has to say itself comes
/// behind, once.
fn said<'a>(page: &mut Page, parts: impl Iterator<Item = (&'a Part, Option<Counts>)>) -> io::Result<()> {
    let (mut rows, mut notes) = (vec![], vec![]);
    for (part, counts) in parts {
        let counts = counts
            .map(|Counts { stub, trap, direct }| format!("stub {stub}, trap {trap}, direct {direct}"))
            .unwrap_or_default();
        let mut lines = vec![];
        for line in part.ended.stdout.iter().chain(&part.ended.stderr) {
            match line.strip_prefix(RUN) {
                Some(note) if notes.contains(&note) => {}
                Some(note) => notes.push(note),
                None => lines.push(line.clone()),
            }
        }
        let mut lines = lines.into_iter();
        rows.push([part.name(), lines.next().unwrap_or_default(), part.ended.end.to_string(), counts]);
        rows.extend(lines.map(|line| [String::new(), line, String::new(), String::new()]));
    }
    page.blank()?;
    page.rows(&rows)?;
    if !notes.is_empty() {
        page.blank()?;
    }
    for note in notes {
        page.body(&format!("socketcall run says: {note}."))?;
    }
    Ok(())
}
