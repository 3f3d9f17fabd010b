//! Signals' names.

use std::fmt;

use decode::signal::NAMES;

/// The last signal.
const LAST: i32 = 64;

/// A signal's name as strace writes it, or its number.
pub(crate) struct Name(pub(crate) i32);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.name(self.0 as u64) {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The signal of this name, with or without `SIG`, or number.
pub(crate) fn parse(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse() {
        return (0..=LAST).contains(&number).then_some(number);
    }
    let name = name.to_ascii_uppercase();
    let short = name.strip_prefix("SIG").unwrap_or(&name);
    let is_named = |signal: &i32| {
        NAMES.name(*signal as u64).and_then(|name| name.strip_prefix("SIG")).is_some_and(|name| name == short)
    };
    (1..=LAST).find(is_named)
}
