//! The report for people: a table, what was found with its remedy, and what is known of this process.

use std::cmp::Reverse;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use profile::Family;
use supervise::probe::{Missing, Way};

use super::ask::{Access, Creation};
use super::judge::Verdict;
use super::profile::wrapped;
use super::{Checked, words};

const BOLD: Style = Style::new().bold();

const fn colour(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::BackDoor => AnsiColor::Red,
        Verdict::Unknown | Verdict::Broken => AnsiColor::Yellow,
        Verdict::Closed | Verdict::Open | Verdict::Absent => AnsiColor::Green,
    };
    colour.on_default().bold()
}

/// Writes the report.
pub fn write(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    let style = colour(checked.verdict());
    writeln!(out, "{BOLD}here{BOLD:#}: {style}{}{style:#}\n", checked.headline())?;
    table(checked, out)?;
    legend(checked, out)?;
    for finding in &checked.findings {
        let style = colour(finding.verdict);
        let kind = finding.verdict.name();
        writeln!(out, "\n{style}{kind}{style:#}: {}", wrapped(kind.len() + 2, &finding.text))?;
        writeln!(out, "  {}", wrapped(2, &format!("remedy: {}", finding.remedy)))?;
    }
    if checked.closes_32_bit() {
        writeln!(out, "\n{}.", words::no_socket("here", checked.families.len()))?;
    }
    writeln!(out)?;
    for (name, text) in facts(checked) {
        writeln!(out, "{BOLD}{name}{BOLD:#}: {}", wrapped(name.len() + 2, &text))?;
    }
    Ok(())
}

/// What is known besides, name by name.
fn facts(checked: &Checked) -> Vec<(&'static str, String)> {
    let here = &checked.here;
    let seccomp = match (here.seccomp, here.filters) {
        (seccomp::Mode::None, _) => "no filter judges this process".to_owned(),
        (seccomp::Mode::Filter, Some(1)) => "one filter judges this process".to_owned(),
        (seccomp::Mode::Filter, Some(count)) => format!("{count} filters judge this process"),
        (seccomp::Mode::Filter, None) => "filters judge this process".to_owned(),
    };
    let no_new_privs = match here.no_new_privs {
        Some(true) => "set",
        Some(false) => "not set",
        None => "not known",
    };
    let modules = here.security_modules.as_ref();
    let modules = modules.map_or_else(|| "not known".to_owned(), |modules| modules.join(", "));
    let mut facts = vec![
        ("seccomp", seccomp),
        ("no_new_privs", no_new_privs.to_owned()),
        ("security modules", modules),
        ("socketcall run", words::run(here)),
    ];
    facts.extend(missing(checked).into_iter().map(|text| ("not tried", text)));
    facts.extend(here.unknown.iter().map(|text| ("not known", text.clone())));
    facts
}

/// Ways that are not there or could not be tried: those of which the same is true in one line.
fn missing(checked: &Checked) -> Vec<String> {
    let mut lines: Vec<(String, Vec<Way>)> = Vec::new();
    let missing = checked.asked.ways.iter().filter_map(|asked| Some((asked.way, asked.missing.as_ref()?)));
    for (way, missing) in missing {
        let reason = Missing::to_string(missing);
        match lines.iter_mut().find(|(same, _)| *same == reason) {
            Some((_, ways)) => ways.push(way),
            None => lines.push((reason, vec![way])),
        }
    }
    lines.into_iter().map(|(reason, ways)| format!("{}: {reason}", words::ways(&ways))).collect()
}

/// What the words of the table mean, as far as they stand in it.
fn legend(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    let stands = |wanted: fn(Access) -> bool| {
        checked.families.iter().any(|report| report.ways.iter().any(|access| wanted(*access)))
    };
    let passes = match checked.asked.creation {
        Creation::All => "passes: the family is there; a socket of it needs another type or protocol",
        Creation::Loaded => {
            "passes: seccomp lets it through; not created, since that could load a module (--create)"
        }
        Creation::Nothing => {
            "passes: seccomp lets it through; nothing was created, since /proc/net/protocols can't be read, \
             which tells what is loaded (--create)"
        }
    };
    let lines = [
        (stands(|access| access == Access::Passes), passes),
        (
            stands(|access| access == Access::Absent),
            "absent: seccomp lets it through, and this kernel does not have it",
        ),
        (
            stands(|access| matches!(access, Access::Refused(_))),
            "EPERM or EACCES of a family that seccomp lets through: the kernel wants a capability, or a security \
             module refuses",
        ),
    ];
    for (_, line) in lines.into_iter().filter(|(stands, _)| *stands) {
        writeln!(out, "{}", wrapped(0, line))?;
    }
    Ok(())
}

/// Column heads below "64-bit program" and "32-bit program".
const HEADS: [&str; 9] =
    ["x86_64", "upper", "x32", "i386", "socketcall", "io_uring", "i386", "socketcall", "by vDSO"];
const FIRST_OF_32: usize = 6;

fn table(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<(Vec<Family>, Vec<String>, Verdict)> = Vec::new();
    for report in &checked.families {
        let cells: Vec<_> = report.ways.iter().map(|access| words::cell(*access)).collect();
        match rows.iter_mut().find(|(_, other, verdict)| *other == cells && *verdict == report.verdict) {
            Some((families, ..)) => families.push(report.family),
            None => rows.push((vec![report.family], cells, report.verdict)),
        }
    }
    let total = checked.families.len();
    // What is true of most comes last, as "the other".
    rows.sort_by_key(|(families, _, verdict)| (families.len() > total / 2, Reverse(*verdict)));
    let head = ["family"].into_iter().chain(HEADS).map(str::to_owned).collect();
    let lines: Vec<Vec<String>> = [head]
        .into_iter()
        .chain(rows.iter().map(|(families, cells, _)| {
            [words::row(families, total)].into_iter().chain(cells.iter().cloned()).collect()
        }))
        .collect();
    let widths: Vec<_> = (0..=HEADS.len())
        .map(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or(0))
        .collect();
    let at = |column: usize| widths[..column].iter().map(|width| width + 2).sum::<usize>();
    let (first, second) = (at(1), at(1 + FIRST_OF_32));
    writeln!(out, "{:first$}{:width$}32-bit program", "", "64-bit program", width = second - first)?;
    for (index, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            write!(out, "{cell:width$}  ")?;
        }
        match index.checked_sub(1).map(|index| rows[index].2) {
            None => writeln!(out, "verdict")?,
            Some(verdict) => {
                let style = colour(verdict);
                writeln!(out, "{style}{}{style:#}", verdict.name())?;
            }
        }
    }
    Ok(())
}
