//! Points and spans of time.

use crate::{Context, Note, Value, bytes, field};

/// Seconds and a fraction, each of `size` bytes; `fraction` is the name of the second half.
pub(crate) fn pair(data: &[u8], size: usize, fraction: &'static str) -> Value {
    let seconds = if size == 4 { bytes::i32(data, 0).into() } else { bytes::i64(data, 0) };
    Value::Struct(vec![
        field("tv_sec", Value::Int(seconds)),
        field(fraction, Value::Uint(bytes::word(data, size, size))),
    ])
}

/// A `struct timespec` at `pointer`; its halves have `size` bytes each.
pub(crate) fn timeout(context: &Context<'_>, pointer: u64, size: usize) -> Value {
    match context.all(pointer, 2 * size) {
        Some(data) if pointer != 0 => pair(&data, size, "tv_nsec"),
        _ => Value::Pointer(pointer),
    }
}

/// What recvmmsg's timeout has come to, when the call has returned `result`.
pub(crate) fn left(context: &Context<'_>, pointer: u64, size: usize, result: i64) -> Option<Note> {
    match result {
        0 => Some(Note::Timeout),
        1.. if pointer != 0 => Some(Note::Left(timeout(context, pointer, size))),
        _ => None,
    }
}
