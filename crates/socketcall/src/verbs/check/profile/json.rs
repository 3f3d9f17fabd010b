//! The report as JSON. The fields are described in docs/check-profile.md.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use profile::{Access, Answer, Cause, Finding, FindingKind, Runtime, Seen};
use serde::Serialize;

use super::{Judged, words};

#[derive(Serialize)]
struct ReportRecord<'a> {
    profile: &'a str,
    architecture: &'static str,
    kernel: String,
    runtime: &'static str,
    capabilities: Vec<&'static str>,
    verdict: &'static str,
    status: u8,
    warnings: Vec<WarningRecord<'a>>,
    findings: Vec<FindingRecord>,
    families: Vec<FamilyRecord>,
}

#[derive(Serialize)]
struct WarningRecord<'a> {
    line: usize,
    column: usize,
    text: &'a str,
}

#[derive(Serialize)]
struct FindingRecord {
    kind: &'static str,
    families: Vec<String>,
    partly: bool,
    way: &'static str,
    #[serde(flatten)]
    seen: SeenRecord,
    example: String,
    text: String,
    why: String,
    dropped: Vec<String>,
    remedy: &'static str,
}

#[derive(Serialize)]
struct SeenRecord {
    answer: &'static str,
    action: String,
    cause: &'static str,
    line: Option<usize>,
    column: Option<usize>,
    rule: Option<usize>,
    call: Option<String>,
    args: [u64; 6],
}

#[derive(Serialize)]
struct FamilyRecord {
    family: String,
    number: u32,
    verdict: &'static str,
    doors: Vec<&'static str>,
    upper_bits: Option<[u64; 6]>,
    ways: BTreeMap<&'static str, AccessRecord>,
}

#[derive(Serialize)]
struct AccessRecord {
    partly: bool,
    #[serde(flatten)]
    seen: Option<SeenRecord>,
}

/// Made in memory first: serde_json's own error would hide that a pipe is closed.
pub fn write(judged: &Judged<'_>, out: &mut dyn Write) -> Result<()> {
    let text = serde_json::to_string_pretty(&report(judged))?;
    Ok(writeln!(out, "{text}")?)
}

fn report<'a>(judged: &'a Judged<'_>) -> ReportRecord<'a> {
    let target = judged.target;
    let warnings = judged.profile.warnings().iter().map(|warning| WarningRecord {
        line: warning.position.line,
        column: warning.position.column,
        text: &warning.text,
    });
    let families = judged.report.families.iter().map(|report| FamilyRecord {
        family: report.family.to_string(),
        number: report.family.number(),
        verdict: report.verdict.name(),
        doors: report.doors.iter().map(|way| way.name()).collect(),
        upper_bits: report.upper_bits.map(|seen| seen.args),
        ways: report.ways.iter().map(|access| (access.way.name(), self::access(judged, access))).collect(),
    });
    ReportRecord {
        profile: judged.file,
        architecture: target.machine.profile_name(),
        kernel: format!("{}.{}", target.kernel.major, target.kernel.minor),
        runtime: match target.runtime {
            Runtime::Runc => "runc",
            Runtime::Crun => "crun",
        },
        capabilities: target.caps.iter().copied().collect(),
        verdict: judged.headline(),
        status: judged.status() as u8,
        warnings: warnings.collect(),
        findings: judged.report.findings.iter().map(|finding| self::finding(judged, finding)).collect(),
        families: families.collect(),
    }
}

fn finding(judged: &Judged<'_>, finding: &Finding) -> FindingRecord {
    FindingRecord {
        kind: match finding.kind {
            FindingKind::BackDoor => "back door",
            FindingKind::UpperBits => "upper bits",
            FindingKind::Asked => "left to a listener",
            FindingKind::Broken => "broken",
        },
        families: finding.families.iter().map(ToString::to_string).collect(),
        partly: finding.partly.is_some(),
        way: finding.way.name(),
        seen: seen(judged, &finding.seen),
        example: words::call(finding),
        text: words::what(finding),
        why: words::why(judged, finding),
        dropped: words::dropped(judged, finding),
        remedy: words::remedy(finding),
    }
}

fn access(judged: &Judged<'_>, access: &Access) -> AccessRecord {
    let seen = access.allowed.or(access.denied).map(|seen| self::seen(judged, &seen));
    AccessRecord { partly: access.is_partial(), seen }
}

fn seen(judged: &Judged<'_>, seen: &Seen) -> SeenRecord {
    let (cause, place, origin) = match seen.cause {
        Cause::Rule(origin) => ("rule", Some(judged.profile.place(origin)), Some(origin)),
        Cause::Default => ("default", Some(judged.profile.default_place()), None),
        Cause::Architecture => ("architecture", None, None),
        Cause::TooNew => ("too new", None, None),
    };
    SeenRecord {
        answer: match seen.answer() {
            Answer::Allowed => "allowed",
            Answer::Refused => "refused",
            Answer::Killed => "killed",
            Answer::Asked => "asked",
        },
        action: words::action(seen.action),
        cause,
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
        rule: origin.map(|origin| origin.rule),
        call: origin.map(|origin| judged.profile.name(origin).to_owned()),
        args: seen.args,
    }
}
