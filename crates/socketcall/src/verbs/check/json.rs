//! The report as JSON. The fields are described in docs/check.md.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use socketcall::{OuterKill, Stub, Way as Caught};
use supervise::probe::{Missing, Way};

use super::ask::{Access, Creation};
use super::here::Here;
use super::{Checked, judge, words};

#[derive(Serialize)]
struct Record<'a> {
    verdict: &'static str,
    headline: String,
    status: u8,
    no_32_bit_support: bool,
    no_32_bit_sockets: bool,
    created: &'static str,
    process: ProcessRecord<'a>,
    run: RunRecord,
    findings: Vec<FindingRecord<'a>>,
    families: Vec<FamilyRecord>,
    missing: BTreeMap<&'static str, MissingRecord>,
    unknown: &'a [String],
}

#[derive(Serialize)]
struct ProcessRecord<'a> {
    seccomp: &'static str,
    filters: Option<u32>,
    no_new_privs: Option<bool>,
    security_modules: Option<&'a [String]>,
}

#[derive(Serialize)]
struct RunRecord {
    works: bool,
    vdso: Option<&'static str>,
    int80: Option<&'static str>,
    untraced: bool,
    text: String,
}

#[derive(Serialize)]
struct FindingRecord<'a> {
    kind: &'static str,
    families: Vec<String>,
    text: &'a str,
    remedy: &'a str,
}

#[derive(Serialize)]
struct FamilyRecord {
    family: String,
    number: u32,
    verdict: &'static str,
    doors: Vec<&'static str>,
    ways: BTreeMap<&'static str, AccessRecord>,
}

#[derive(Serialize)]
struct AccessRecord {
    answer: &'static str,
    errno: Option<String>,
    signal: Option<i32>,
}

#[derive(Serialize)]
struct MissingRecord {
    no_entry: bool,
    text: String,
}

/// Made in memory first: serde_json's own error would hide that a pipe is closed.
pub fn write(checked: &Checked, out: &mut dyn Write) -> Result<()> {
    let text = serde_json::to_string_pretty(&record(checked))?;
    Ok(writeln!(out, "{text}")?)
}

fn record(checked: &Checked) -> Record<'_> {
    let here = &checked.here;
    let findings = checked.findings.iter().map(|finding| FindingRecord {
        kind: finding.verdict.name(),
        families: finding.families.iter().map(ToString::to_string).collect(),
        text: &finding.text,
        remedy: &finding.remedy,
    });
    let families = checked.families.iter().map(|report| FamilyRecord {
        family: report.family.to_string(),
        number: report.family.number(),
        verdict: report.verdict.name(),
        doors: report.doors.iter().map(|way| words::name(*way)).collect(),
        ways: Way::ALL
            .iter()
            .zip(&report.ways)
            .map(|(way, access)| (words::name(*way), self::access(*access)))
            .collect(),
    });
    let missing = checked.asked.ways.iter().filter_map(|asked| {
        let missing = asked.missing.as_ref()?;
        let record = MissingRecord { no_entry: missing.is_no_entry(), text: Missing::to_string(missing) };
        Some((words::name(asked.way), record))
    });
    Record {
        verdict: checked.verdict().name(),
        headline: checked.headline(),
        status: checked.status() as u8,
        no_32_bit_support: checked.asked.has_no_32_bit(),
        no_32_bit_sockets: checked.closes_32_bit(),
        created: match checked.asked.creation {
            Creation::All => "all",
            Creation::Loaded => "loaded",
            Creation::Nothing => "nothing",
        },
        process: ProcessRecord {
            seccomp: match here.seccomp {
                seccomp::Mode::None => "none",
                seccomp::Mode::Filter => "filter",
            },
            filters: here.filters,
            no_new_privs: here.no_new_privs,
            security_modules: here.security_modules.as_deref(),
        },
        run: run(here),
        findings: findings.collect(),
        families: families.collect(),
        missing: missing.collect(),
        unknown: &here.unknown,
    }
}

fn run(here: &Here) -> RunRecord {
    let machine = &here.run;
    let works = machine.serves_vdso();
    let stub = machine.stub.as_ref().ok().filter(|_| works);
    RunRecord {
        works,
        vdso: stub.map(|stub| match stub {
            Stub::InVdso => "stub in the vDSO",
            Stub::InFront => "stub in front of the vDSO",
            Stub::Nowhere(_) => "trap",
        }),
        int80: match (machine.outer_kills, machine.way) {
            (OuterKill::Socketcall | OuterKill::Everything, _) => Some("killed"),
            _ if !works => None,
            (_, Caught::Trace) => Some("trace"),
            (_, Caught::Trap) => Some("trap"),
        },
        untraced: works && machine.untraced.is_ok(),
        text: words::run(here),
    }
}

fn access(access: Access) -> AccessRecord {
    let answer = match access {
        Access::Created => "created",
        Access::Passes => "passes",
        Access::Absent => "absent",
        Access::Denied(_) => "denied",
        Access::Refused(_) => "refused",
        Access::Killed(_) => "killed",
        Access::NoEntry => "no entry",
        Access::Unknown => "unknown",
    };
    let signal = if let Access::Killed(signal) = access { Some(signal) } else { None };
    AccessRecord { answer, errno: judge::errno(access).map(|errno| errno.to_string()), signal }
}
