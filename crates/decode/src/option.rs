//! Socket options: their names and values.

use crate::{Context, Value};

/// The name of option `name` of `level`; of some there is one that can be got and another that can be set.
pub(crate) fn name(level: u32, name: u32, get: bool) -> Value {
    let _ = (level, get);
    Value::Uint(name.into())
}

/// The value that setsockopt is given.
pub(crate) fn set(context: &Context<'_>, level: u32, name: u32, pointer: u64, length: i32) -> Value {
    let _ = (context, level, name, length);
    Value::Pointer(pointer)
}

/// The value that getsockopt has brought: there was `room`, and it has `length` bytes.
pub(crate) fn get(
    context: &Context<'_>,
    level: u32,
    name: u32,
    pointer: u64,
    room: i32,
    length: i32,
) -> Value {
    let _ = (context, level, name, room, length);
    Value::Pointer(pointer)
}
