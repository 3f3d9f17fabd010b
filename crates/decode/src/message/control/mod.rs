//! Control messages (cmsg(3)).

mod ip;
mod ipv6;
mod socket;

pub(crate) use socket::id;

use crate::budget::Budget;
use crate::tables::control::LEVELS;
use crate::{Context, End, Value, bytes, field};

/// How one kind of control message is decoded, if it has enough data.
struct Kind {
    /// `cmsg_type`.
    number: u32,
    /// As many bytes of data as it has at least.
    least: usize,
    /// What the data says.
    data: fn(&Data<'_>) -> Value,
}

/// The data of a control message.
struct Data<'a> {
    context: &'a Context<'a>,
    bytes: &'a [u8],
    /// Where it lies.
    address: u64,
}

impl Data<'_> {
    fn as_hex(&self) -> Value {
        Value::hex_bytes(self.bytes)
    }

    fn by(&self, kinds: &[Kind], number: u32) -> Option<Value> {
        let kind = kinds.iter().find(|kind| kind.number == number)?;
        (self.bytes.len() >= kind.least).then(|| (kind.data)(self))
    }
}

/// The control messages of `length` bytes at `start`. Like the kernel, this looks at no more than its limit of them; the
/// length that each claims need not be true.
pub(super) fn all(context: &Context<'_>, start: u64, length: u64, budget: &Budget) -> Value {
    let word = context.abi.word();
    let header = word + 8;
    let taken = length.min(context.descriptors.control_limit() as u64) as usize;
    if !budget.take(taken) {
        return Value::Array { items: Vec::new(), end: End::Abbreviated };
    }
    let data = if taken < header || start == 0 { None } else { context.all(start, taken) };
    let Some(data) = data else { return Value::Pointer(start) };
    let mut items = Vec::new();
    let mut at = 0;
    while data.len() - at >= header {
        let rest = &data[at..];
        let claimed = bytes::word(rest, 0, word);
        let real = claimed.min(rest.len() as u64) as usize;
        let body = &rest[header..real.max(header)];
        let body = Data { context, bytes: body, address: start.wrapping_add((at + header) as u64) };
        items.push(one(claimed, bytes::u32(rest, word), bytes::u32(rest, word + 4), &body));
        if real < header {
            at += header;
            break;
        }
        // Nothing that a program writes there makes this go back or stay.
        at = data.len().min(at + real.next_multiple_of(context.abi.alignment()));
    }
    let end = if at < data.len() {
        End::Unreadable(start.wrapping_add(at as u64))
    } else if (taken as u64) < length {
        End::Abbreviated
    } else {
        End::Complete
    };
    Value::Array { items, end }
}

/// One control message. What strace shows as bytes, and can be said better, is shown in both ways.
fn one(claimed: u64, level: u32, number: u32, data: &Data<'_>) -> Value {
    let shape = |name: Value, shown: Option<Value>| {
        let mut fields = vec![
            field("cmsg_len", Value::Uint(claimed)),
            field("cmsg_level", Value::Symbol(&LEVELS, level.into())),
            field("cmsg_type", name),
        ];
        fields.extend(shown.map(|shown| field("cmsg_data", shown)));
        Value::Struct(fields)
    };
    let bytes = || (!data.bytes.is_empty()).then(|| data.as_hex());
    const SOL_IP: u32 = 0;
    const SOL_SOCKET: u32 = 1;
    let (table, kinds) = match level {
        SOL_SOCKET => (Some(socket::TYPES), socket::KINDS),
        SOL_IP => (Some(ip::TYPES), ip::KINDS),
        _ => (None, [].as_slice()),
    };
    let name = match table {
        Some(table) => Value::Symbol(table, number.into()),
        None => Value::Hex(number.into()),
    };
    if let Some(shown) = data.by(kinds, number) {
        return shape(name, Some(shown));
    }
    let plain = shape(name.clone(), bytes());
    let (better, kinds) = match level {
        SOL_SOCKET => (name, socket::BEYOND),
        level => match ipv6::level(level) {
            Some((table, kinds)) if table.name(number.into()).is_some() => {
                (Value::Symbol(table, number.into()), kinds)
            }
            _ => return plain,
        },
    };
    match data.by(kinds, number) {
        Some(full) => Value::beyond(plain, shape(better, Some(full))),
        None if level == SOL_SOCKET => plain,
        None => Value::beyond(plain, shape(better, bytes())),
    }
}
