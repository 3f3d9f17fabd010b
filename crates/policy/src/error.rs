//! What is wrong with a policy, and where; and how it is shown.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A text that rules come from: a file, or the argument of `--deny` or `--allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's name, or the option's.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

impl Source {
    /// A text and its name.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Source {
        Source { name: name.into(), text: text.into() }
    }

    /// The line and the column, both from 1, the column in characters.
    #[must_use]
    pub fn position(&self, at: usize) -> (usize, usize) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.text[..at];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        (1 + before.matches('\n').count(), 1 + before[line..].chars().count())
    }
}

/// One mistake. Displayed in one line, `FILE:12:5: unknown family ...`; [`Error::render`] shows the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The text.
    pub source: Source,
    /// The bytes of it that are wrong.
    pub span: Range<usize>,
    /// What is wrong.
    pub problem: Box<Problem>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.source.position(self.span.start);
        write!(f, "{}:{line}:{column}: {}", self.source.name, self.problem)?;
        match self.problem.label().or_else(|| self.problem.help()) {
            Some(help) => write!(f, ": {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The error with its line, and what is wrong underlined; for a terminal, in colour.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let title = self.problem.to_string();
        let help = self.problem.help();
        let mut annotation = AnnotationKind::Primary.span(self.span.clone());
        if let Some(label) = self.problem.label() {
            annotation = annotation.label(label);
        }
        let snippet = Snippet::source(&*self.source.text).path(&*self.source.name).annotation(annotation);
        let mut group = Level::ERROR.primary_title(&*title).element(snippet);
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(&**help));
        }
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }
}

/// Every mistake of a policy, in the order of the text; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors(pub Vec<Error>);

/// One line each.
impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Errors {}

impl Errors {
    /// Each as [`Error::render`] shows it.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let all: Vec<_> = self.0.iter().map(|error| error.render(colour)).collect();
        all.join("\n\n")
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is no TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A word of a short rule is no `KEY=VALUE`.
    #[error("`{0}` is not of the form KEY=VALUE")]
    NoValue(String),
    /// A key that means nothing here.
    #[error("{what} has no key `{key}`")]
    Key {
        /// What has keys.
        what: &'static str,
        /// The key.
        key: String,
        /// Keys near to it.
        near: Vec<String>,
        /// All of them.
        known: &'static [&'static str],
    },
    /// A key that stands twice in a short rule.
    #[error("`{0}` stands twice")]
    Twice(String),
    /// A key that has to be there.
    #[error("{what} needs the key `{key}`")]
    Missing {
        /// What needs it.
        what: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A value of another type.
    #[error("`{key}` must be {expected}")]
    Type {
        /// The key.
        key: String,
        /// The types that it takes.
        expected: &'static str,
        /// The type that is there.
        found: &'static str,
    },
    /// A name that means nothing.
    #[error("unknown {what} `{name}`")]
    Name {
        /// What it would be the name of.
        what: &'static str,
        /// The name.
        name: String,
        /// Names near to it.
        near: Vec<String>,
    },
    /// A number out of range.
    #[error("{what} is a number from {least} to {most}")]
    Number {
        /// Of what.
        what: &'static str,
        /// The least.
        least: u32,
        /// The greatest.
        most: u32,
    },
    /// No address or pattern of one.
    #[error("not an address: {0}")]
    Address(String),
    /// An address with bits below its prefix.
    #[error("`{given}` has bits below its prefix")]
    Prefix {
        /// The address.
        given: String,
        /// The network it is in.
        network: String,
    },
    /// A pattern of a path or name that can't be read.
    #[error("not a pattern: {0}")]
    Glob(&'static str),
    /// No port or range of ports.
    #[error("not a port or a range of ports: `{0}`")]
    Port(String),
    /// A range that runs backwards.
    #[error("the range {0}-{1} runs backwards")]
    Backwards(u32, u32),
    /// No `LEVEL.NAME`.
    #[error("an option is written LEVEL.NAME, not `{0}`")]
    Option(String),
    /// A list without anything in it.
    #[error("`{0}` is empty, so the rule would never match")]
    Empty(String),
    /// A rule that says about nothing what it says.
    #[error("this rule matches everything")]
    NoMatcher,
    /// Matchers of which one excludes the other.
    #[error("this rule can never match: {0}")]
    Never(String),
    /// An errno for what is not denied.
    #[error("`errno` goes with `action = \"deny\"` only")]
    Errno,
}

impl Problem {
    /// What stands beside the underlined place.
    #[must_use]
    pub fn label(&self) -> Option<String> {
        match self {
            Problem::Type { found, .. } => Some(format!("this is {found}")),
            Problem::Name { near, .. } | Problem::Key { near, .. } if !near.is_empty() => {
                Some(format!("did you mean `{}`?", near.join("` or `")))
            }
            Problem::Prefix { network, .. } => Some(format!("did you mean `{network}`?")),
            _ => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Problem::Key { known, .. } => format!("the keys are {}", known.join(", ")),
            Problem::NoValue(word) => {
                format!("write `family={word}`, `call={word}` or another key of docs/policy.md")
            }
            Problem::Missing { key: "default", .. } => {
                "`default` decides what no rule does: \"allow\" or \"deny\"".to_owned()
            }
            Problem::Missing { key: "action", .. } => {
                "an action is \"allow\", \"deny\", \"kill\" or \"log\"".to_owned()
            }
            Problem::Name { what: "inherit", .. } => "it is \"allow\" or \"deny\"".to_owned(),
            Problem::Name { what: "action" | "default", .. } => {
                "it is \"allow\", \"deny\", \"kill\" or \"log\"".to_owned()
            }
            Problem::Name { near, .. } if near.is_empty() => {
                "docs/policy.md lists the names; where there is none, write the number".to_owned()
            }
            Problem::Address(_) => {
                "10.0.0.0/8, ::1, /run/*.sock, @name* and vsock:2 are addresses".to_owned()
            }
            Problem::Port(_) => "a port is a number, a range is written \"8000-8999\"".to_owned(),
            Problem::Option(_) => "`socket.SO_ATTACH_FILTER`, `tcp.*` and `41.57` are options".to_owned(),
            Problem::NoMatcher => {
                "what no rule matches is decided by `default`: say there what this rule says".to_owned()
            }
            _ => return None,
        })
    }
}

/// Names near to `text`, the nearest first, three at most.
pub(crate) fn near(text: &str, names: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let lower = text.to_lowercase();
    if lower.len() > 64 {
        return Vec::new();
    }
    let distance = |name: String| (strsim::osa_distance(&lower, &name.to_lowercase()), name);
    let mut near: Vec<_> = names.into_iter().map(Into::into).map(distance).collect();
    near.retain(|(distance, name)| *distance <= (name.len() / 3).clamp(1, 2) && *distance < lower.len());
    near.sort();
    near.dedup();
    near.into_iter().map(|(_, name)| name).take(3).collect()
}
