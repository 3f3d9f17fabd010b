//! Messages: `struct msghdr`, its buffers and control messages, and arrays of them.

use crate::{Context, Note, Value};

/// `msg_namelen` before the call, or 0.
pub(crate) fn name_length(context: &Context<'_>, pointer: u64) -> i32 {
    context.int(pointer + context.abi.word() as u64).unwrap_or(0)
}

/// A message to be sent.
pub(crate) fn sent(context: &Context<'_>, fd: i32, pointer: u64) -> Value {
    let _ = (context, fd);
    Value::Pointer(pointer)
}

/// A message that was received: `room` is `msg_namelen` before the call, `result` what the call returned if it did not
/// fail.
pub(crate) fn received(
    context: &Context<'_>,
    fd: i32,
    pointer: u64,
    room: i32,
    result: Option<i64>,
) -> Value {
    let _ = (context, fd, room, result);
    Value::Pointer(pointer)
}

/// Messages to be sent.
pub(crate) fn sent_many(context: &Context<'_>, fd: i32, pointer: u64, count: u32) -> Value {
    let _ = (context, fd, count);
    Value::Pointer(pointer)
}

/// Messages that were received.
pub(crate) fn received_many(context: &Context<'_>, fd: i32, pointer: u64, result: Option<i64>) -> Value {
    let _ = (context, fd, result);
    Value::Pointer(pointer)
}

/// A timeout; its halves have `size` bytes each.
pub(crate) fn timeout(context: &Context<'_>, pointer: u64, size: usize) -> Value {
    let _ = (context, size);
    Value::Pointer(pointer)
}

/// What is left of a timeout.
pub(crate) fn left(context: &Context<'_>, pointer: u64, size: usize, result: i64) -> Option<Note> {
    let _ = (context, pointer, size, result);
    None
}
