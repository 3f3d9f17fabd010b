//! Values and calls as strace(1) writes them.

mod quote;
mod result;
mod value;

use crate::Request;
pub use quote::quote;
pub use result::outcome;
pub use value::value;

/// How numbers that have names are written: strace's `-X`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// As numbers.
    Raw,
    /// By name where they have one.
    #[default]
    Abbreviated,
    /// As a number, and the name in a comment.
    Verbose,
}

/// How bytes are quoted: strace's `-x` and `-xx`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strings {
    /// Printable bytes as they are, others in octal.
    #[default]
    Plain,
    /// In hexadecimal where one byte is not printable.
    HexIfNeeded,
    /// Always in hexadecimal.
    Hex,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Numbers that have names.
    pub names: Names,
    /// Bytes.
    pub strings: Strings,
    /// Whether what strace leaves undecoded is shown in full.
    pub beyond: bool,
}

/// Appends a number in decimal, as `write!` does with more ado: most of a trace is numbers.
pub fn decimal(out: &mut String, number: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Writes the arguments `from..to` of a call, with what separates them: `3, "abc", 3`. Stops before the first that is
/// not known yet; answers how many were written in all, and whether they were the last.
pub fn arguments(out: &mut String, request: &Request, from: usize, style: &Style) -> usize {
    let mut written = from;
    for argument in &request.arguments[from..] {
        let Some(known) = &argument.value else { break };
        value(out, known, style);
        written += 1;
        if written < request.arguments.len() {
            out.push_str(", ");
        }
    }
    written
}

#[cfg(test)]
mod tests;
