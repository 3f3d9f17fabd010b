//! What is wrong with a profile, and where.

use std::fmt;

use crate::json::SyntaxError;

/// A place in the text, for people: both count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The start of a text.
    pub(crate) const START: Position = Position { line: 1, column: 1 };

    /// The place of byte `at` of `text`.
    #[must_use]
    pub fn of(text: &str, at: usize) -> Position {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        Position::START.after(&text[..at])
    }

    /// The place behind `text`, which begins here.
    pub(crate) fn after(self, text: &str) -> Position {
        match text.rfind('\n') {
            None => Position { line: self.line, column: self.column + text.chars().count() },
            Some(newline) => Position {
                line: self.line + text.matches('\n').count(),
                column: 1 + text[newline + 1..].chars().count(),
            },
        }
    }
}

/// `12:5`
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a profile could not be judged. Displayed without the file's name, which goes in front:
/// `FILE:12:5: unknown system call ...`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {problem}")]
pub struct Error {
    /// Where.
    pub position: Position,
    /// What.
    #[source]
    pub problem: Problem,
}

/// What is wrong. Text that the profile has is shown escaped: it goes to terminals, and nobody vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No JSON.
    #[error("not JSON: expected {0}")]
    Syntax(&'static str),
    /// A value of another type.
    #[error("{what} must be {expected}, not {found}")]
    Type {
        /// What the value is for.
        what: String,
        /// The type it is to have.
        expected: &'static str,
        /// The type it has.
        found: String,
    },
    /// A field that is not there.
    #[error("{what} needs the field `{field}`")]
    Missing {
        /// What lacks it.
        what: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field that stands twice: of which runtimes would take the last.
    #[error("the field `{}` stands twice", .0.escape_debug())]
    Twice(String),
    /// Two fields of which only one may be there.
    #[error("`{0}` and `{1}` are both there: use either")]
    Both(&'static str, &'static str),
    /// A name that means nothing.
    #[error("unknown {what} `{}`{}", name.escape_debug(), listed(near))]
    Unknown {
        /// What it would be the name of.
        what: &'static str,
        /// The name.
        name: String,
        /// Names near to it.
        near: Vec<String>,
    },
    /// Runtimes take this for no profile at all.
    #[error("{0}: a runtime installs no filter, so every family is open by every way")]
    NoProfile(&'static str),
    /// A runtime would refuse the profile, and start no container.
    #[error("runtimes refuse this profile: {0}")]
    Refused(String),
    /// The rules for a call are more than a filter can hold.
    #[error("the rules for `{0}` are too many: a filter has at most 4096 instructions, so fewer are needed")]
    TooMany(String),
}

fn listed(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; near names: {}", near.join(", ")) }
}

impl Error {
    /// `problem` at byte `at` of `text`.
    pub(crate) fn at(text: &str, at: usize, problem: Problem) -> Error {
        Error { position: Position::of(text, at), problem }
    }

    pub(crate) fn syntax(text: &str, error: SyntaxError) -> Error {
        Error::at(text, error.at, Problem::Syntax(error.expected))
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn positions_count_lines_and_characters() {
        let text = "a\né😀b\n";
        let at = |needle: &str| Position::of(text, text.find(needle).unwrap()).to_string();
        assert_eq!([at("a"), at("é"), at("😀"), at("b")], ["1:1", "2:1", "2:2", "2:3"]);
        assert_eq!(Position::of(text, text.len()).to_string(), "3:1");
        assert_eq!(Position::of(text, 4), Position::of(text, text.find('😀').unwrap()));
    }
}
