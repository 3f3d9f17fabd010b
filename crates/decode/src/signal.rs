//! Signals: their names, and what is told of them.

use crate::Value;

/// What a signal's `siginfo_t` says, in the layout that a 64-bit tracer gets.
#[must_use]
pub fn info(bytes: &[u8; 128]) -> Value {
    let _ = bytes;
    Value::Word("...")
}
