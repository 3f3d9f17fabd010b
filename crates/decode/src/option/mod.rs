//! Socket options: their names and values.
//!
//! [`plain`] is what strace shows, [`full`] what it leaves as a number or bytes.

mod details;
mod filter;
mod full;
mod layout;
mod plain;
mod structures;
#[cfg(test)]
mod tests;

use crate::tables::{Options, options};
use crate::{Context, Memory, Value};

/// Options of a level: its number and theirs.
type Of = (u32, &'static [u32]);

/// Options of a level, by their names: what isn't in its tables doesn't compile.
macro_rules! of {
    ($level:ident: $($name:ident)*) => {
        ($level.level as u32, &[$($level.known(stringify!($name))),*])
    };
}
use of;

/// The name of option `name` of `level`; of some there is one that can be got and another that can be set.
pub(crate) fn name(level: u32, name: u32, get: bool) -> Value {
    let number = u64::from(name);
    let Some(known) = options(level.into()) else { return Value::Uint(number) };
    let table = known.table(number, get);
    let shown = |known: &Options| {
        if known.shown { Value::Symbol(known.names, number) } else { Value::Uint(number) }
    };
    match table {
        Some(table) if std::ptr::eq(table, known.also) || !known.shown => {
            Value::beyond(shown(known), Value::Symbol(table, number))
        }
        Some(table) => Value::Symbol(table, number),
        None => shown(known),
    }
}

/// An option's value, and where it is.
struct Given<'a> {
    context: &'a Context<'a>,
    level: u32,
    name: u32,
    pointer: u64,
    /// Bytes that the program says there are, or that the kernel has filled in.
    length: i32,
    /// Bytes that there were for getsockopt(2) to fill in.
    room: i32,
    get: bool,
}

impl Given<'_> {
    fn address(&self) -> Value {
        Value::Pointer(self.pointer)
    }

    /// The option's bytes, as far as there are any.
    fn bytes(&self, most: usize) -> Vec<u8> {
        let length = usize::try_from(self.length).unwrap_or(0);
        self.context.up_to(self.pointer, length.min(most))
    }
}

/// The value that setsockopt is given.
pub(crate) fn set(context: &Context<'_>, level: u32, name: u32, pointer: u64, length: i32) -> Value {
    shown(&Given { context, level, name, pointer, length, room: length, get: false })
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
    // The kernel neither takes nor returns such a length.
    if room <= 0 || length <= 0 {
        return Value::Pointer(pointer);
    }
    shown(&Given { context, level, name, pointer, length, room, get: true })
}

fn shown(given: &Given<'_>) -> Value {
    if given.pointer == 0 {
        return Value::Pointer(0);
    }
    let plain = plain::value(given);
    match full::value(given) {
        Some(full) if full != plain => Value::beyond(plain, full),
        _ => plain,
    }
}

/// Bytes that were read, in the place of a program's memory.
struct Local<'a>(&'a [u8]);

impl Local<'_> {
    /// Where they begin.
    const BASE: u64 = 0x1000;
}

impl Memory for Local<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        let from = address.checked_sub(Self::BASE).and_then(|from| usize::try_from(from).ok());
        let bytes = from.and_then(|from| self.0.get(from..)).unwrap_or(&[]);
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        length
    }
}
