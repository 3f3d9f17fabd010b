//! Layouts of structures, as data: what their members are called and what they say.

use super::Local;
use crate::tables::Table;
use crate::{Abi, Context, Field, Value, address, bytes, field};

/// A structure's member.
pub(super) struct Member {
    /// Its name in C.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) kind: Kind,
}

/// A structure's members, in order.
pub(super) type Layout = &'static [Member];

/// What a member, or an option that has one value, is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A signed number of so many bytes.
    Int(usize),
    /// An unsigned number of so many bytes.
    Uint(usize),
    /// An unsigned number of so many bytes, in hexadecimal.
    Hex(usize),
    /// Half of a `struct timeval` or `timespec`.
    Time,
    /// A user or group, of which the last is none.
    Id,
    /// An IPv4 address.
    Inet,
    /// An IPv6 address.
    Inet6,
    /// An interface's index.
    Interface,
    /// An interface's index, in the network's order.
    InterfaceBig,
    /// A descriptor.
    Fd,
    /// One of a table's values, in so many bytes.
    Symbol(&'static Table, usize),
    /// Bits of a table, in so many bytes.
    Flags(&'static Table, usize),
    /// A socket address in a `struct sockaddr_storage`.
    Address,
    /// A socket address in a `struct sockaddr_in6`.
    Address6,
    /// A structure.
    Record(Layout),
    /// As many values as there are.
    Rest(&'static Kind),
    /// So many bits of a byte, from this one on; the byte ends with them if the last is true.
    Bits(u32, u32, bool),
}

impl Kind {
    /// Its size and its alignment.
    fn shape(self, abi: Abi) -> (usize, usize) {
        let number = |size: usize| (size, if abi == Abi::I386 { size.min(4) } else { size });
        match self {
            Kind::Int(size)
            | Kind::Uint(size)
            | Kind::Hex(size)
            | Kind::Symbol(_, size)
            | Kind::Flags(_, size) => number(size),
            Kind::Time => number(abi.time()),
            Kind::Id | Kind::Inet | Kind::Interface | Kind::InterfaceBig | Kind::Fd => (4, 4),
            Kind::Inet6 => (16, 4),
            // It is aligned as a pointer is (include/uapi/linux/socket.h).
            Kind::Address => (128, abi.word()),
            Kind::Address6 => (28, 4),
            Kind::Record(layout) => extent(layout, abi),
            Kind::Rest(kind) => (0, kind.shape(abi).1),
            Kind::Bits(_, _, last) => (last.into(), 1),
        }
    }

    /// Its value in `data`, which begins with it and holds it.
    fn value(self, context: &Context<'_>, data: &[u8]) -> Value {
        let signed = |size: usize| number(data, size) << (64 - 8 * size) as u32;
        match self {
            Kind::Int(size) => Value::Int(signed(size) as i64 >> (64 - 8 * size)),
            Kind::Time => Kind::Int(context.abi.time()).value(context, data),
            Kind::Uint(size) => Value::Uint(number(data, size)),
            Kind::Hex(size) => Value::Hex(number(data, size)),
            Kind::Id => match bytes::u32(data, 0) {
                u32::MAX => Value::Int(-1),
                id => Value::Uint(id.into()),
            },
            Kind::Inet => Value::inet([data[0], data[1], data[2], data[3]]),
            Kind::Inet6 => Value::Inet6(data.first_chunk().copied().unwrap_or_default()),
            Kind::Interface => Value::interface(context, bytes::u32(data, 0)),
            Kind::InterfaceBig => Value::interface(context, u32::from_be(bytes::u32(data, 0))),
            Kind::Fd => context.fd(bytes::i32(data, 0)),
            Kind::Symbol(table, size) => Value::Symbol(table, number(data, size)),
            Kind::Flags(table, size) => Value::Flags(table, number(data, size)),
            Kind::Address => embedded(context, data, 128),
            Kind::Address6 => embedded(context, data, 28),
            Kind::Record(layout) => record(context, layout, data),
            Kind::Rest(kind) => array(context, *kind, data),
            Kind::Bits(from, count, _) => {
                let byte = u32::from(data.first().copied().unwrap_or(0));
                Value::Uint((byte >> from & ((1 << count) - 1)).into())
            }
        }
    }
}

/// An unsigned number of `size` bytes, which are there.
fn number(data: &[u8], size: usize) -> u64 {
    let mut number = [0; 8];
    number[..size].copy_from_slice(&data[..size]);
    u64::from_le_bytes(number)
}

/// A socket address within a structure that was read.
pub(super) fn embedded(context: &Context<'_>, data: &[u8], length: usize) -> Value {
    let data = &data[..length.min(data.len())];
    let local = Local(data);
    address::decode(&Context { memory: &local, ..*context }, Local::BASE, data.len() as i32)
}

/// A structure's size and its alignment.
fn extent(layout: Layout, abi: Abi) -> (usize, usize) {
    let (mut end, mut widest) = (0_usize, 1);
    for member in layout {
        let (size, alignment) = member.kind.shape(abi);
        end = end.next_multiple_of(alignment) + size;
        widest = widest.max(alignment);
    }
    (end.next_multiple_of(widest), widest)
}

/// A structure's size.
pub(super) fn size(layout: Layout, abi: Abi) -> usize {
    extent(layout, abi).0
}

/// As many members as `data` holds, and what it has of the next, as bytes, if `rest`.
fn members(context: &Context<'_>, layout: Layout, data: &[u8], rest: bool) -> Vec<Field> {
    let mut fields = Vec::with_capacity(layout.len());
    let mut offset = 0_usize;
    for member in layout {
        let (size, alignment) = member.kind.shape(context.abi);
        offset = offset.next_multiple_of(alignment);
        match data.get(offset..) {
            Some(here) if here.len() >= size => {
                fields.push(field(member.name, member.kind.value(context, here)));
            }
            Some(here) if rest && !here.is_empty() => {
                fields.push(field(member.name, Value::hex_bytes(here)));
                break;
            }
            _ => break,
        }
        offset += size;
    }
    fields
}

/// A structure of which there may be less than all: then what there is.
pub(super) fn record(context: &Context<'_>, layout: Layout, data: &[u8]) -> Value {
    Value::Struct(members(context, layout, data, false))
}

/// A structure of which there may be less than all: then the member that is cut is shown as bytes.
pub(super) fn cut_record(context: &Context<'_>, layout: Layout, data: &[u8]) -> Value {
    Value::Struct(members(context, layout, data, true))
}

/// One value; `None` if it isn't there.
pub(super) fn single(context: &Context<'_>, kind: Kind, data: &[u8]) -> Option<Value> {
    (data.len() >= kind.shape(context.abi).0).then(|| kind.value(context, data))
}

/// As many values as there are, one after the other.
pub(super) fn array(context: &Context<'_>, kind: Kind, data: &[u8]) -> Value {
    let items = data.chunks_exact(kind.shape(context.abi).0.max(1));
    Value::array(items.map(|item| kind.value(context, item)).collect())
}

/// A member, for layouts.
pub(super) const fn member(name: &'static str, kind: Kind) -> Member {
    Member { name, kind }
}
