//! The tables and pages as text: plain, aligned, the same on a terminal and in a file.

use std::io::{self, Write};

use abi::arch::{ARCHITECTURES, DirectCalls, Multiplexer};
use abi::{Call, SOCKETCALL_I386};
use anyhow::Result;

use super::{REGISTERS, differences};

/// The table of calls.
pub fn calls(out: &mut impl Write) -> Result<()> {
    let mut rows = vec![["#", "name", "constant", "words", "i386", "x86-64", "arguments"].map(String::from)];
    rows.extend(Call::ALL.map(|call| {
        let facts = call.facts();
        let names: Vec<_> = facts.words.iter().map(|word| word.name).collect();
        [
            format!("{:2}", call.number()),
            facts.name.to_string(),
            facts.constant.to_string(),
            facts.words.len().to_string(),
            format!("{} {}", facts.direct_i386.number, facts.direct_i386.name),
            format!("{:3} {}", facts.direct_x86_64.number, facts.direct_x86_64.name),
            names.join(", "),
        ]
    }));
    Ok(table("", &rows, out)?)
}

/// The lines of `linux/net.h`.
pub fn header(calls: &[Call], out: &mut impl Write) -> Result<()> {
    for call in calls {
        let facts = call.facts();
        let mut line = format!("#define {}", facts.constant);
        tabs(&mut line, 24);
        line += &call.number().to_string();
        tabs(&mut line, 40);
        line += &format!("/* {}", facts.comment);
        tabs(&mut line, 72);
        writeln!(out, "{line}*/")?;
    }
    Ok(())
}

/// Fills a line with tabs, eight columns each, up to a column.
fn tabs(line: &mut String, to: usize) {
    const TAB: usize = 8;
    let column = line.chars().fold(0, |column, letter| match letter {
        '\t' => (column / TAB + 1) * TAB,
        _ => column + 1,
    });
    line.extend(std::iter::repeat_n('\t', to.saturating_sub(column).div_ceil(TAB)));
}

/// The page of one call.
pub fn page(call: Call, out: &mut impl Write) -> Result<()> {
    let facts = call.facts();
    let (i386, x86_64) = (facts.direct_i386, facts.direct_x86_64);
    writeln!(out, "{}(2): call {} of socketcall, {}\n", facts.name, call.number(), facts.constant)?;
    let words = call.words();
    let forms = [
        [
            "multiplexed",
            &format!("{SOCKETCALL_I386} socketcall({}, array of {words} words)", call.number()),
            &format!("since Linux {}", facts.multiplexed_since),
        ],
        ["i386", &format!("{} {}", i386.number, i386.name), &format!("since Linux {}", facts.direct_since)],
        ["x86-64", &format!("{} {}", x86_64.number, x86_64.name), ""],
    ];
    table("", &forms.map(|row| row.map(String::from)), out)?;

    writeln!(out, "\nArguments: a word at each offset of the array, or a register of the direct i386 call")?;
    let mut rows = vec![["offset", "register", "argument", "type"].map(String::from)];
    for (index, word) in facts.words.iter().enumerate() {
        rows.push(
            [&format!("{:6}", 4 * index), REGISTERS[index], word.name, word.c_type()].map(String::from),
        );
    }
    // What only the direct call has: accept4's flags, sendto's and recvfrom's address.
    let direct = Call::from_direct_i386(i386.number).unwrap_or(call).facts();
    for (register, word) in REGISTERS.iter().zip(direct.words).skip(words) {
        rows.push(["", register, word.name, &format!("{}, always 0", word.c_type())].map(String::from));
    }
    table("  ", &rows, out)?;

    writeln!(out, "\nWhat differs between the forms")?;
    let seen = format!(
        "A seccomp filter sees ebx = {} and an address in the multiplexed form, and each argument itself in \
         a direct one.",
        call.number()
    );
    let audit = "The audit record SOCKETCALL is written for the multiplexed form only.";
    for sentence in [seen.as_str(), audit].iter().chain(differences(call)) {
        paragraph(sentence, out)?;
    }
    Ok(())
}

/// The table of architectures.
pub fn architectures(out: &mut impl Write) -> Result<()> {
    let mut rows = vec![["architecture", "socketcall", "direct calls", "note"].map(String::from)];
    rows.extend(ARCHITECTURES.iter().map(|architecture| {
        let multiplexer = match architecture.multiplexer {
            Multiplexer::Present(number) => number.to_string(),
            Multiplexer::Retired(number) => format!("was {number}"),
            Multiplexer::Never => "never".to_string(),
        };
        let direct = match architecture.direct {
            DirectCalls::Always => "always".to_string(),
            DirectCalls::Since(release) => format!("since {release}"),
            DirectCalls::By(release) => format!("by {release}"),
            DirectCalls::Never => "no".to_string(),
        };
        let dropped = architecture.dropped.map(|release| format!("gone since {release}"));
        let note = Some(architecture.note.to_string()).filter(|note| !note.is_empty());
        let notes: Vec<_> = dropped.into_iter().chain(note).collect();
        [architecture.name.to_string(), multiplexer, direct, notes.join("; ")]
    }));
    table("", &rows, out)?;
    writeln!(out, "\nThe system call tables of Linux 6.12. \"by\": there in that release, perhaps before.")?;
    Ok(())
}

/// Columns two spaces apart, as wide as their widest cell; no line ends in a space.
fn table<const N: usize>(indent: &str, rows: &[[String; N]], out: &mut impl Write) -> io::Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let mut line = indent.to_string();
        for (cell, width) in row.iter().zip(widths) {
            line += &format!("{cell:width$}  ");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A sentence in lines of at most 80 columns, indented by two.
fn paragraph(sentence: &str, out: &mut impl Write) -> io::Result<()> {
    let mut line = " ".to_string();
    for word in sentence.split(' ') {
        if line.len() + 1 + word.len() > 80 {
            writeln!(out, "{line}")?;
            line = "   ".to_string();
        }
        line += " ";
        line += word;
    }
    writeln!(out, "{line}")
}
