//! Attributes of messages (include/uapi/linux/netlink.h, `struct nlattr`): what kinds there are, and how they are
//! decoded.

use super::Reader;
use super::span::Span;
use crate::tables::Table;
use crate::{End, Field, Value, bytes, field};

/// The attributes that a message, or another attribute, can have.
pub(super) struct Attributes {
    /// Their names.
    pub(super) names: &'static Table,
    /// What is in those of which that is known.
    pub(super) kinds: &'static [(u16, Kind)],
}

/// What is in an attribute, or a field of a structure.
pub(super) enum Kind {
    /// A number of so many bytes.
    Unsigned(usize),
    /// A number with sign.
    Signed(usize),
    /// A number in hexadecimal.
    Hex(usize),
    /// A number in the network's order, and the function that would put it there.
    Big(usize, &'static str),
    /// One of a table's values, in as many bytes at least; in any number if that is 0.
    Symbol(&'static Table, usize),
    /// One of a table's values, 16 bits in the network's order.
    BigSymbol(&'static Table),
    /// Bits of a table.
    Flags(&'static Table, usize),
    /// A number of another kind, if there are no more than eight bytes.
    Short(&'static Kind),
    /// Text that its length ends.
    Text,
    /// Text that its zero byte ends.
    String,
    /// A network interface.
    Interface,
    /// A descriptor.
    Descriptor,
    /// A user or group.
    User,
    /// Time in hundredths of a second, in any number of bytes.
    Clock,
    /// A hardware address, of so many bytes at most.
    Hardware(fn(&Reader<'_>) -> u64),
    /// An address of the message's family.
    Address,
    /// An IPv6 address.
    Address6,
    /// Of a structure, an address of the message's family in as many bytes as one of IPv6.
    AddressField,
    /// A port, in the network's order.
    Port,
    /// Two numbers of 32 bits.
    Pair,
    /// Bytes between fields of a structure.
    Skip(usize),
    /// A number that is shown only if it is not zero, as it should be.
    Reserved(usize),
    /// Other attributes.
    Nested(&'static Attributes),
    /// Numbers of so many bytes, each with its place's name; with sign or without.
    Places(&'static Table, usize, bool),
    /// A structure.
    Structure(&'static [(&'static str, Kind)]),
    /// Counters of so many bytes, as many as there are, but no fewer than so many.
    Counters(&'static [&'static str], usize, usize),
    /// Something else; nothing where it is not that.
    Other(fn(&Reader<'_>, &Span<'_>) -> Option<Value>),
}

impl Kind {
    /// Bytes of a field of this kind.
    const fn size(&self) -> usize {
        match self {
            Kind::Unsigned(size)
            | Kind::Signed(size)
            | Kind::Hex(size)
            | Kind::Big(size, _)
            | Kind::Symbol(_, size)
            | Kind::Flags(_, size)
            | Kind::Skip(size)
            | Kind::Reserved(size) => *size,
            Kind::BigSymbol(_) | Kind::Port => 2,
            Kind::Pair => 8,
            Kind::Address6 | Kind::AddressField => 16,
            Kind::Structure(fields) => {
                let (mut sum, mut at) = (0, 0);
                while at < fields.len() {
                    sum += fields[at].1.size();
                    at += 1;
                }
                sum
            }
            _ => 4,
        }
    }

    /// What an attribute of this kind says; nothing if it is too short for that. Where it can't be read, its address.
    pub(super) fn decode(&self, reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
        let unreadable = || Value::Pointer(data.address);
        match self {
            Kind::Text => return Some(data.text()),
            Kind::String => return Some(data.string()),
            Kind::Nested(attributes) => return Some(reader.attributes(*data, attributes)),
            Kind::Other(decode) => return decode(reader, data),
            Kind::Address => return Some(reader.address(data)),
            Kind::Places(names, size, signed) => return reader.places(data, names, *size, *signed),
            Kind::Hardware(_) if data.length > 32 => return None,
            Kind::Hardware(most) => {
                let bytes = data.bytes(0, data.length as usize);
                let address = |bytes: &[u8]| {
                    let shown = bytes.len().min(most(reader) as usize);
                    Value::named(Value::hex_bytes(bytes), Value::Mac(bytes[..shown].into()))
                };
                return Some(bytes.map_or_else(unreadable, |bytes| address(&bytes)));
            }
            Kind::Clock if data.length > 8 => return None,
            Kind::Clock => {
                let number = data.bytes(0, data.length as usize).map(|bytes| any(&bytes));
                return Some(number.map_or_else(unreadable, crate::signal::clock));
            }
            Kind::Counters(names, size, least) => {
                let counters = names.len().min((data.length / *size as u64) as usize);
                if counters < *least || (counters < names.len() && !data.length.is_multiple_of(*size as u64))
                {
                    return None;
                }
                let Some(bytes) = data.bytes(0, counters * size) else { return Some(unreadable()) };
                let numbers = bytes.chunks_exact(*size).map(|number| Value::Uint(any(number)));
                let fields = names.iter().zip(numbers).map(|(name, number)| field(name, number));
                return Some(Value::Struct(fields.collect()));
            }
            Kind::Symbol(_, 0) | Kind::BigSymbol(_) | Kind::Short(_) if data.length > 8 => return None,
            Kind::Short(kind) => return kind.decode(reader, data),
            _ => {}
        }
        let least = self.size();
        if data.length < least as u64 {
            return None;
        }
        let size = if least == 0 { data.length as usize } else { least };
        Some(match data.bytes(0, size) {
            Some(bytes) => self.fixed(reader, &bytes),
            None => unreadable(),
        })
    }

    /// What a field of this kind says: as many bytes as it has.
    fn fixed(&self, reader: &Reader<'_>, data: &[u8]) -> Value {
        match self {
            Kind::Signed(1) => Value::Int((data[0] as i8).into()),
            Kind::Signed(8) => Value::Int(any(data) as i64),
            Kind::Signed(_) => Value::Int((any(data) as i32).into()),
            Kind::Hex(_) | Kind::Reserved(_) => Value::Hex(any(data)),
            Kind::Big(size, function) => {
                let number = any(data).swap_bytes() >> (64 - 8 * size);
                Value::Function(function, vec![Value::Uint(number)])
            }
            Kind::Symbol(table, _) => Value::Symbol(table, any(data)),
            Kind::BigSymbol(table) => {
                let number = u16::from_be(any(data) as u16);
                Value::Function("htons", vec![Value::Symbol(table, number.into())])
            }
            Kind::Flags(table, _) => Value::Flags(table, any(data)),
            Kind::Interface => Value::interface(reader.context, any(data) as u32),
            Kind::Descriptor => reader.context.fd(any(data) as i32),
            Kind::User => crate::message::id(any(data) as u32),
            Kind::Address6 => Value::Inet6(data.first_chunk().copied().unwrap_or_default()),
            Kind::AddressField => match (reader.family.get(), data.first_chunk(), data.first_chunk()) {
                // As bytes, all of them.
                (2, Some(inet), _) => match Value::inet(*inet) {
                    Value::Named { name, .. } => Value::named(Value::hex_bytes(data), *name),
                    other => other,
                },
                (_, _, Some(inet6)) => Value::Inet6(*inet6),
                _ => Value::hex_bytes(data),
            },
            Kind::Port => Value::port(data.first_chunk().copied().unwrap_or_default()),
            Kind::Pair => {
                let numbers = data.chunks(4).map(|number| Value::Uint(any(number)));
                let shown = reader.most().min(2);
                let end = if shown < 2 { End::Abbreviated } else { End::Complete };
                Value::Array { items: numbers.take(shown).collect(), end }
            }
            Kind::Structure(fields) => Value::Struct(structure(reader, fields, data)),
            _ => Value::Uint(any(data)),
        }
    }
}

/// A number of up to eight bytes.
fn any(data: &[u8]) -> u64 {
    data.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The fields of a structure, of which all bytes are there.
pub(super) fn structure(
    reader: &Reader<'_>,
    fields: &'static [(&'static str, Kind)],
    mut data: &[u8],
) -> Vec<Field> {
    let mut shown = Vec::new();
    for (name, kind) in fields {
        let (own, rest) = data.split_at(kind.size().min(data.len()));
        let hidden = match kind {
            Kind::Skip(_) => true,
            Kind::Reserved(_) => any(own) == 0,
            _ => false,
        };
        if !hidden {
            shown.push(field(name, kind.fixed(reader, own)));
        }
        data = rest;
    }
    shown
}

impl Reader<'_> {
    /// All attributes of a span.
    pub(super) fn attributes(&self, span: Span<'_>, attributes: &Attributes) -> Value {
        self.elements(
            span,
            4,
            |data| u64::from(bytes::u16(data, 0)),
            |span, data| self.attribute(span, data, attributes),
        )
    }

    /// Things of which each has its length in a header of `header` bytes: alone, or in an array if there are more. strace
    /// has messages and attributes alike.
    pub(super) fn elements(
        &self,
        mut span: Span<'_>,
        header: usize,
        length: impl Fn(&[u8]) -> u64,
        show: impl Fn(Span<'_>, &[u8]) -> Value,
    ) -> Value {
        let mut items = Vec::new();
        let mut is_array = false;
        let mut end = End::Complete;
        loop {
            if span.length < header as u64 {
                items.push(span.hex());
                break;
            }
            let Some(data) = span.bytes(0, header).filter(|_| span.address != 0) else {
                if !is_array {
                    return Value::Pointer(span.address);
                }
                end = End::Unreadable(span.address);
                break;
            };
            if items.len() >= self.most() || !self.budget.take(8) {
                if !is_array {
                    return Value::Word("...");
                }
                end = End::Abbreviated;
                break;
            }
            let claimed = length(&data);
            let next = if claimed < header as u64 { u64::MAX } else { claimed.next_multiple_of(4) };
            let last = next >= span.length;
            is_array |= !last;
            items.push(show(span.first(claimed.max(header as u64)), &data));
            if last {
                break;
            }
            span = span.after(next);
        }
        match items.pop() {
            Some(only) if !is_array && items.is_empty() && end == End::Complete => only,
            last => {
                items.extend(last);
                Value::Array { items, end }
            }
        }
    }

    /// One attribute: what it is, and what it says.
    fn attribute(&self, span: Span<'_>, header: &[u8], attributes: &Attributes) -> Value {
        const NESTED: u16 = 1 << 15;
        const NET_BYTEORDER: u16 = 1 << 14;
        let (length, ty) = (bytes::u16(header, 0), bytes::u16(header, 2));
        let number = ty & !(NESTED | NET_BYTEORDER);
        let mut names: Vec<Value> = ATTRIBUTE_FLAGS
            .rows
            .iter()
            .filter(|(bit, _)| u64::from(ty) & bit != 0)
            .map(|(bit, _)| Value::Symbol(&ATTRIBUTE_FLAGS, *bit))
            .collect();
        let name = Value::Symbol(attributes.names, number.into());
        let name = if names.is_empty() {
            name
        } else {
            names.push(name);
            Value::Joined(names)
        };
        let shown =
            Value::Struct(vec![field("nla_len", Value::Uint(length.into())), field("nla_type", name)]);
        let data = span.after(4);
        if length <= 4 || data.length == 0 {
            return shown;
        }
        let kind = attributes.kinds.iter().find(|(own, _)| *own == number).map(|(_, kind)| kind);
        let said = self.deeper(|| kind.and_then(|kind| kind.decode(self, &data)));
        Value::array(vec![shown, said.flatten().unwrap_or_else(|| data.hex())])
    }

    /// An address of the message's family, or its bytes.
    fn address(&self, data: &Span<'_>) -> Value {
        self.address_of(data, self.family.get())
    }

    /// An address of a family, or its bytes.
    pub(super) fn address_of(&self, data: &Span<'_>, family: u16) -> Value {
        const AF_INET: u16 = 2;
        const AF_INET6: u16 = 10;
        let size = match family {
            AF_INET => 4,
            AF_INET6 => 16,
            _ => return data.hex(),
        };
        if data.length < size {
            return data.hex();
        }
        match data.bytes(0, size as usize) {
            Some(bytes) => match (bytes.first_chunk(), bytes.first_chunk()) {
                (_, Some(inet6)) => Value::Inet6(*inet6),
                (Some(inet), None) => Value::inet(*inet),
                (None, None) => data.hex(),
            },
            None => Value::Pointer(data.address),
        }
    }

    /// Numbers, each with the name of its place.
    fn places(&self, data: &Span<'_>, names: &'static Table, size: usize, signed: bool) -> Option<Value> {
        let count = (data.length / size as u64) as usize;
        if count == 0 {
            return None;
        }
        let shown = count.min(self.most());
        let looked_at = count.min(shown + 1);
        let Some(bytes) = data.bytes(0, looked_at * size) else { return Some(Value::Pointer(data.address)) };
        self.budget.take(8 * shown);
        let items = bytes.chunks_exact(size).take(shown).enumerate().map(|(place, number)| {
            let number = any(number);
            let number = if signed { Value::Int((number as i32).into()) } else { Value::Uint(number) };
            Value::Place { place: Box::new(place_name(names, place as u64)), value: Box::new(number) }
        });
        let end = if count > shown { End::Abbreviated } else { End::Complete };
        Some(Value::Array { items: items.collect(), end })
    }
}

/// A place by its name, or its number and that it has none.
fn place_name(names: &'static Table, place: u64) -> Value {
    let number = Value::Uint(place);
    match names.name(place) {
        Some(name) => Value::named(number, Value::Word(name)),
        None => Value::explained(Value::named(number, Value::Word(names.unknown))),
    }
}

/// Bits of an attribute's type.
static ATTRIBUTE_FLAGS: Table =
    Table { unknown: "", rows: &[(1 << 15, "NLA_F_NESTED"), (1 << 14, "NLA_F_NET_BYTEORDER")] };
