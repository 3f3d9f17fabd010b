//! What it all means: a verdict for each family, and what is wrong with the rules that give it.

use seccomp::Action;

use crate::compile::{Cause, Compiled};
use crate::family::Family;
use crate::way::{Access, Answer, Probe, Seen, Way};

/// What becomes of a family. The order is that of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Refused on every way.
    Closed,
    /// Possible directly, and on the other ways as far as there are any.
    Open,
    /// Possible directly, but 32-bit programs fail, because their C library calls socketcall.
    Broken,
    /// Left to a listener or a tracer, somewhere that matters.
    Asked,
    /// Refused directly, possible on another way.
    BackDoor,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Closed => "closed",
            Verdict::Open => "open",
            Verdict::Broken => "broken",
            Verdict::Asked => "left to a listener",
            Verdict::BackDoor => "back door",
        }
    }
}

/// One family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyReport {
    /// The family.
    pub family: Family,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What is answered on each way of the machine.
    pub ways: Vec<Access>,
    /// Of [`Verdict::BackDoor`]: the ways by which more is possible than directly.
    pub doors: Vec<Way>,
    /// A call of x86-64 that gets through only because bits are set that the kernel does not look at.
    pub upper_bits: Option<Seen>,
}

impl FamilyReport {
    /// What is answered on one way.
    #[must_use]
    pub fn access(&self, way: Way) -> Option<&Access> {
        self.ways.iter().find(|access| access.way == way)
    }
}

/// Something to tell: the families it is true of, and the rule that causes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// Of which families.
    pub families: Vec<Family>,
    /// On which way.
    pub way: Way,
    /// A call that shows it, for the first of the families.
    pub seen: Seen,
    /// Some types or protocols of the family are possible directly: the finding is about the others, and this
    /// is one that is not.
    pub partly: Option<Seen>,
}

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// [`Verdict::BackDoor`].
    BackDoor,
    /// A refusal that bits above an `int` get around.
    UpperBits,
    /// [`Verdict::Asked`].
    Asked,
    /// [`Verdict::Broken`].
    Broken,
}

/// All families.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Each family, by number.
    pub families: Vec<FamilyReport>,
    /// What there is to tell, the worst first.
    pub findings: Vec<Finding>,
    /// Whether 32-bit programs are let in at all: whether the filter is made for their calls.
    pub has_i386: bool,
}

impl Report {
    /// Asks a compiled profile about `families`.
    #[must_use]
    pub fn new(compiled: &Compiled, families: impl IntoIterator<Item = Family>) -> Report {
        let probe = Probe::new(compiled);
        let machine = compiled.machine();
        let blind: Vec<_> = Way::of(machine)
            .filter(|way| !way.is_direct())
            .map(|way| probe.access(way, Family::UNIX))
            .collect();
        let families = families
            .into_iter()
            .map(|family| {
                let direct = Way::of(machine).filter(|way| way.is_direct());
                let ways = direct.map(|way| probe.access(way, family)).chain(blind.iter().cloned()).collect();
                judge(&probe, family, ways)
            })
            .collect::<Vec<_>>();
        let findings = findings(&families);
        Report { families, findings, has_i386: compiled.abis().contains(&crate::Abi::I386) }
    }

    /// The report of one family.
    #[must_use]
    pub fn of(&self, family: Family) -> Option<&FamilyReport> {
        self.families.iter().find(|report| report.family == family)
    }

    /// Whether a family has this verdict.
    #[must_use]
    pub fn has(&self, verdict: Verdict) -> bool {
        self.families.iter().any(|report| report.verdict == verdict)
    }

    /// Whether something of this kind was found.
    #[must_use]
    pub fn found(&self, kind: FindingKind) -> bool {
        self.findings.iter().any(|finding| finding.kind == kind)
    }
}

fn judge(probe: &Probe<'_>, family: Family, ways: Vec<Access>) -> FamilyReport {
    // The first way is the machine's own socket(2): the front door.
    let front = &ways[0];
    let more = |access: &&Access| {
        access.sockets.iter().zip(&front.sockets).any(|(there, directly)| *there && !*directly)
    };
    let doors: Vec<Way> = ways[1..].iter().filter(more).map(|access| access.way).collect();
    let on = |way| ways.iter().find(|access| access.way == way);
    let asked = |access: &Access| access.answer() == Answer::Asked;
    let direct32 = on(Way::Direct32).is_some_and(|access| access.allowed.is_some());
    let ordinary = on(Way::Socketcall).and_then(|access| access.ordinary).map(|seen| seen.answer());
    let verdict = if !doors.is_empty() {
        Verdict::BackDoor
    } else if ways.iter().any(asked) && (front.allowed.is_none() || ordinary == Some(Answer::Asked)) {
        Verdict::Asked
    } else if front.allowed.is_none() {
        Verdict::Closed
    } else if direct32 && ordinary != Some(Answer::Allowed) {
        Verdict::Broken
    } else {
        Verdict::Open
    };
    let wide = front.way == Way::Direct64 && front.denied.is_some();
    let upper_bits = if wide { probe.upper_bits(family, front) } else { None };
    FamilyReport { family, verdict, doors, upper_bits, ways }
}

/// Families of which the same is true for the same reason are one finding.
fn findings(families: &[FamilyReport]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut add = |kind, report: &FamilyReport, way: Way, seen: Seen| {
        let front = &report.ways[0];
        let partly = front.denied.filter(|_| front.is_partial() && kind != FindingKind::Broken);
        let same = |finding: &&mut Finding| {
            let key = |seen: &Seen| -> (Action, Cause) { (seen.action, seen.cause) };
            finding.kind == kind
                && finding.way == way
                && key(&finding.seen) == key(&seen)
                && finding.partly.is_some() == partly.is_some()
        };
        match findings.iter_mut().find(same) {
            Some(finding) => finding.families.push(report.family),
            None => findings.push(Finding { kind, families: vec![report.family], way, seen, partly }),
        }
    };
    for report in families {
        for way in &report.doors {
            if let Some(seen) = report.access(*way).and_then(|access| access.allowed) {
                add(FindingKind::BackDoor, report, *way, seen);
            }
        }
        if let Some(seen) = report.upper_bits {
            add(FindingKind::UpperBits, report, Way::Direct64, seen);
        }
        match report.verdict {
            Verdict::Broken => {
                let ordinary = report.access(Way::Socketcall).and_then(|access| access.ordinary);
                ordinary.into_iter().for_each(|seen| add(FindingKind::Broken, report, Way::Socketcall, seen));
            }
            Verdict::Asked => {
                let asked = report.ways.iter().find(|access| access.answer() == Answer::Asked);
                if let Some((access, seen)) = asked.and_then(|access| Some((access, access.denied?))) {
                    add(FindingKind::Asked, report, access.way, seen);
                }
            }
            _ => {}
        }
    }
    findings.sort_by_key(|finding| finding.kind);
    findings
}
