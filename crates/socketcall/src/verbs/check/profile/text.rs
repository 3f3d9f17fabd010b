//! The report for people: a table, and what was found with places and remedies.

use std::cmp::Reverse;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use profile::{Access, Family, FamilyReport, FindingKind, Verdict};

use super::{Judged, words};

const BOLD: Style = Style::new().bold();

const fn colour(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::BackDoor => AnsiColor::Red,
        Verdict::Asked | Verdict::Broken => AnsiColor::Yellow,
        Verdict::Closed | Verdict::Open => AnsiColor::Green,
    };
    colour.on_default().bold()
}

/// Writes the report.
pub fn write(judged: &Judged<'_>, out: &mut dyn Write) -> io::Result<()> {
    for warning in judged.profile.warnings() {
        writeln!(out, "{}:{}: {}", judged.file, warning.position, warning.text)?;
    }
    let worst = judged.report.families.iter().map(|family| family.verdict).max();
    let style = worst.map_or(BOLD, colour);
    writeln!(out, "{BOLD}{}{BOLD:#}: {style}{}{style:#}\n", judged.file, judged.headline())?;
    table(judged, out)?;
    for finding in &judged.report.findings {
        let (kind, verdict) = match finding.kind {
            FindingKind::BackDoor => ("back door", Verdict::BackDoor),
            FindingKind::UpperBits => ("upper bits", Verdict::BackDoor),
            FindingKind::Asked => ("left to a listener", Verdict::Asked),
            FindingKind::Broken => ("broken", Verdict::Broken),
        };
        let style = colour(verdict);
        let what = wrapped(kind.len() + 2, &words::what(finding));
        writeln!(out, "\n{style}{kind}{style:#}: {what}")?;
        let dropped = words::dropped(judged, finding);
        let remedy = format!("remedy: {}", words::remedy(finding));
        for sentence in [words::why(judged, finding)].iter().chain(&dropped).chain([&remedy]) {
            writeln!(out, "  {}", wrapped(2, sentence))?;
        }
    }
    if !judged.report.has_i386 {
        writeln!(
            out,
            "\nSCMP_ARCH_X86 is not among the architectures: 32-bit calls kill the thread that makes them."
        )?;
    } else if let Some(sentence) = words::no_socket_for_32_bits(judged) {
        writeln!(out, "\n{}", wrapped(0, &format!("{sentence}.")))?;
    }
    Ok(())
}

/// Breaks a sentence that begins in column `at` into lines; those after the first are indented by four.
pub fn wrapped(at: usize, sentence: &str) -> String {
    const WIDTH: usize = 100;
    let (mut text, mut column) = (String::new(), at);
    for word in sentence.split(' ') {
        if column > at && column + 1 + word.len() > WIDTH {
            text.push_str("\n    ");
            column = 4;
        } else if !text.is_empty() {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text
}

fn table(judged: &Judged<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<(Vec<Family>, Vec<String>, Verdict)> = Vec::new();
    for report in &judged.report.families {
        let cells: Vec<_> = report.ways.iter().map(cell).collect();
        match rows.iter_mut().find(|(_, other, verdict)| *other == cells && *verdict == report.verdict) {
            Some((families, ..)) => families.push(report.family),
            None => rows.push((vec![report.family], cells, report.verdict)),
        }
    }
    let half = judged.report.families.len() / 2;
    // What is true of most comes last, as "the other".
    rows.sort_by_key(|(families, _, verdict)| (families.len() > half, Reverse(*verdict), families.len()));
    let Some(first) = judged.report.families.first() else { return Ok(()) };
    let mut lines = vec![head(first)];
    let total = judged.report.families.len();
    for (families, cells, verdict) in &rows {
        let name = match families.len() {
            count if count == total && total > 1 => format!("all {total}"),
            count if count > half && total > 1 => format!("the other {count}"),
            _ => words::families(families, 4),
        };
        lines.push(
            [name].into_iter().chain(cells.iter().cloned()).chain([verdict.name().to_owned()]).collect(),
        );
    }
    let widths: Vec<_> = (0..lines[0].len())
        .map(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or(0))
        .collect();
    for (index, line) in lines.iter().enumerate() {
        let (last, cells) = (&line[line.len() - 1], &line[..line.len() - 1]);
        for (cell, width) in cells.iter().zip(&widths) {
            write!(out, "{cell:width$}  ")?;
        }
        let style = if index == 0 { Style::new() } else { colour(rows[index - 1].2) };
        writeln!(out, "{style}{last}{style:#}")?;
    }
    Ok(())
}

fn head(report: &FamilyReport) -> Vec<String> {
    let ways = report.ways.iter().map(|access| access.way.name().to_owned());
    ["family".to_owned()].into_iter().chain(ways).chain(["verdict".to_owned()]).collect()
}

fn cell(access: &Access) -> String {
    if access.is_partial() {
        return "some".to_owned();
    }
    access.allowed.or(access.denied).map_or_else(String::new, |seen| words::action(seen.action))
}
