//! How the demo looks: headings, paragraphs, rows. Less than 100 columns wide; bold is the only style, and
//! whoever hands the output in removes it where there is no terminal.

use std::fmt::Display;
use std::io::{self, Write};
use std::iter;

use anstyle::Style;

const BOLD: Style = Style::new().bold();
/// Paragraphs are broken here.
const WIDTH: usize = 90;
/// What stands below a heading is indented by this.
const INDENT: &str = "   ";

/// Where the demo writes.
pub struct Page<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Page<'a> {
    pub fn new(out: &'a mut dyn Write) -> Page<'a> {
        Page { out }
    }

    /// A part's number and name.
    pub fn heading(&mut self, number: u8, name: &str) -> io::Result<()> {
        writeln!(self.out, "\n{BOLD}{number}  {name}{BOLD:#}")
    }

    /// A name below a heading.
    pub fn subheading(&mut self, name: &str) -> io::Result<()> {
        writeln!(self.out, "\n{INDENT}{BOLD}{name}{BOLD:#}")
    }

    /// Sentences, broken into lines.
    pub fn paragraph(&mut self, text: &str) -> io::Result<()> {
        self.wrapped("", text)
    }

    /// Sentences below a heading, broken into lines.
    pub fn body(&mut self, text: &str) -> io::Result<()> {
        self.wrapped(INDENT, text)
    }

    /// Sentences of a list, broken into lines.
    pub fn item(&mut self, text: &str) -> io::Result<()> {
        for (first, line) in iter::once(true).chain(iter::repeat(false)).zip(wrap(text, WIDTH - 5)) {
            self.line(format_args!("{}{line}", if first { "- " } else { "  " }))?;
        }
        Ok(())
    }

    fn wrapped(&mut self, indent: &str, text: &str) -> io::Result<()> {
        for line in wrap(text, WIDTH - indent.len()) {
            writeln!(self.out, "{indent}{line}")?;
        }
        Ok(())
    }

    /// A line below a heading, as it is.
    pub fn line(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.out, "{}", format!("{INDENT}  {line}").trim_end())
    }

    /// Columns two spaces apart, as wide as their widest cell.
    pub fn rows<const N: usize>(&mut self, rows: &[[String; N]]) -> io::Result<()> {
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        for row in rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            self.line(cells.collect::<Vec<_>>().join("  "))?;
        }
        Ok(())
    }

    pub fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Shows what was written so far, before something that takes its time.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The words of `text` in lines of at most `width` columns, or of one word.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("never empty");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.into());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Page, wrap};

    #[test]
    fn words_are_kept_and_lines_are_short() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a long-unbreakable-word b", 4), ["a", "long-unbreakable-word", "b"]);
    }

    #[test]
    fn columns_are_as_wide_as_needed_and_no_line_ends_in_a_space() {
        let mut out = Vec::new();
        let rows = [["a", "bb", ""], ["ccc", "d", "e"]].map(|row| row.map(String::from));
        Page::new(&mut out).rows(&rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "     a    bb\n     ccc  d   e\n");
    }
}
