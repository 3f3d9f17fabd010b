//! Messages of netlink sockets (netlink(7)).
//!
//! Of every protocol the headers are decoded, and answers; what is in the messages of NETLINK_ROUTE that programs meet.
//! What isn't decoded is shown as bytes.

mod attribute;
mod diag;
mod message;
mod route;
mod span;

use std::cell::Cell;

use attribute::{Attributes, Kind};
use span::Span;

use crate::budget::Budget;
use crate::tables::Table;
use crate::tables::netlink::types;
use crate::tables::netlink::{self as tables, audit};
use crate::{Context, Value, bytes, field};

/// Bytes of a buffer that are read at once; what lies behind them is read as it is decoded.
const WINDOW: u64 = 64 << 10;

/// Messages and attributes in one another; a hostile program could nest thousands.
const DEPTH: usize = 16;

/// Bytes of a `struct nlmsghdr`.
const HEADER: usize = 16;

const NETLINK_ROUTE: u32 = 0;
const NETLINK_SOCK_DIAG: u32 = 4;
const NETLINK_XFRM: u32 = 6;
const NETLINK_NETFILTER: u32 = 12;
const NETLINK_KOBJECT_UEVENT: u32 = 15;
const NETLINK_GENERIC: u32 = 16;
const NETLINK_CRYPTO: u32 = 21;

/// A buffer that is sent or received: of a netlink socket its messages, of any other its bytes.
pub(crate) fn buffer(context: &Context<'_>, fd: i32, pointer: u64, length: u64) -> Value {
    if length >= 4 && cannot_be_messages(context, pointer) {
        return context.buffer(pointer, length);
    }
    match context.descriptors.netlink(fd) {
        Some(protocol) => messages(context, Some(protocol), pointer, length, &Budget::new(context.limits)),
        None => context.buffer(pointer, length),
    }
}

/// Whether a buffer holds no netlink message, whatever its socket is: then nobody has to be asked what that is. Where four
/// letters stand for the first message's length, that would be beyond 512 MiB.
fn cannot_be_messages(context: &Context<'_>, pointer: u64) -> bool {
    let is_text = |bytes: [u8; 4]| bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    context.exactly(pointer).is_some_and(is_text)
}

/// Messages of a netlink socket; its protocol, if it is known.
pub(crate) fn messages(
    context: &Context<'_>,
    protocol: Option<u32>,
    pointer: u64,
    length: u64,
    budget: &Budget,
) -> Value {
    // Devices are told of in text. Of the firewall's messages even the types are of many kinds.
    if matches!(protocol, Some(NETLINK_KOBJECT_UEVENT | NETLINK_NETFILTER)) {
        return context.buffer_within(pointer, length, budget);
    }
    let window = length.min(WINDOW).min(budget.left() as u64) as usize;
    budget.take(window / 4);
    let window = if pointer == 0 { Vec::new() } else { context.up_to(pointer, window) };
    let reader = Reader {
        context,
        protocol,
        budget,
        depth: Cell::new(0),
        family: Cell::new(0),
        kind: Cell::new(route::LinkKind::Other),
    };
    let span = Span::new(context, budget, &window, pointer, length);
    reader.elements(
        span,
        HEADER,
        |header| u64::from(bytes::u32(header, 0)),
        |span, header| reader.message(span, header),
    )
}

/// What is known while a buffer is decoded.
struct Reader<'a> {
    context: &'a Context<'a>,
    protocol: Option<u32>,
    budget: &'a Budget,
    depth: Cell<usize>,
    /// The address family that the message names.
    family: Cell<u16>,
    /// The kind of network interface that an attribute has named.
    kind: Cell<route::LinkKind>,
}

impl Reader<'_> {
    /// How many messages or attributes of one array are shown.
    fn most(&self) -> usize {
        if self.context.limits.verbose { usize::MAX } else { self.context.limits.elements }
    }

    /// Decodes what lies within something, if it does not lie too deep.
    fn deeper<T>(&self, decode: impl FnOnce() -> T) -> Option<T> {
        let depth = self.depth.get();
        if depth == DEPTH {
            return None;
        }
        self.depth.set(depth + 1);
        let decoded = decode();
        self.depth.set(depth);
        Some(decoded)
    }

    /// A message: its header, and what is in it.
    fn message(&self, span: Span<'_>, header: &[u8]) -> Value {
        let claimed = u64::from(bytes::u32(header, 0));
        let shown = self.header(header);
        if span.length.min(claimed) <= HEADER as u64 {
            return shown;
        }
        let mut parts = vec![shown];
        parts.extend(self.payload(span.first(claimed).after(HEADER as u64), header));
        Value::array(parts)
    }

    /// `struct nlmsghdr`.
    fn header(&self, data: &[u8]) -> Value {
        let ty = bytes::u16(data, 4);
        Value::Struct(vec![
            field("nlmsg_len", Value::Uint(bytes::u32(data, 0).into())),
            field("nlmsg_type", Value::Symbol(self.types(ty), ty.into())),
            field("nlmsg_flags", Value::Flags(self.flags(ty), bytes::u16(data, 6).into())),
            field("nlmsg_seq", Value::Uint(bytes::u32(data, 8).into())),
            field("nlmsg_pid", Value::Int(bytes::i32(data, 12).into())),
        ])
    }

    /// The names of a message's type. Those below 16 are every protocol's.
    fn types(&self, ty: u16) -> &'static Table {
        const MIN: u16 = 16;
        static BY_PROTOCOL: [(u32, &Table); 7] = [
            (NETLINK_ROUTE, &types::ROUTE),
            (NETLINK_SOCK_DIAG, &types::SOCK_DIAG),
            (NETLINK_XFRM, &types::XFRM),
            (7, &types::SELINUX),
            (9, &audit::AUDIT),
            (NETLINK_GENERIC, &types::GENERIC),
            (NETLINK_CRYPTO, &types::CRYPTO),
        ];
        let own = BY_PROTOCOL.iter().find(|(protocol, _)| Some(*protocol) == self.protocol);
        match own {
            Some((_, table)) if ty >= MIN => table,
            _ => &types::CONTROL,
        }
    }

    /// The names of a message's flags.
    fn flags(&self, ty: u16) -> &'static Table {
        let (plain, new, delete, get) =
            (&tables::FLAGS, &tables::NEW_FLAGS, &tables::DELETE_FLAGS, &tables::GET_FLAGS);
        match (self.protocol, ty) {
            (_, NLMSG_ERROR) => &tables::ACK_FLAGS,
            (_, ..16) => plain,
            (Some(NETLINK_ROUTE), route::DELETE_ACTION) => get,
            (Some(NETLINK_ROUTE), ty) => [new, delete, get, plain][usize::from(ty & 3)],
            (Some(NETLINK_SOCK_DIAG | NETLINK_GENERIC), _) => get,
            (Some(NETLINK_CRYPTO), 16) => new,
            (Some(NETLINK_CRYPTO), 17 | 20) => delete,
            (Some(NETLINK_CRYPTO), 19) => get,
            (Some(NETLINK_XFRM), 16 | 19 | 30 | 34 | 36) => new,
            (Some(NETLINK_XFRM), 17 | 20) => delete,
            (Some(NETLINK_XFRM), 18 | 21 | 31 | 35 | 37) => get,
            _ => plain,
        }
    }

    /// What is in a message: one part or more.
    fn payload(&self, data: Span<'_>, header: &[u8]) -> Vec<Value> {
        let ty = bytes::u16(header, 4);
        let parts = self.deeper(|| match ty {
            NLMSG_ERROR => Some(vec![self.error(data, header)]),
            NLMSG_DONE if data.length == 4 => {
                let number = data.bytes(0, 4).map(|bytes| bytes::i32(&bytes, 0));
                Some(vec![number.map_or(Value::Pointer(data.address), |number| Value::Int(number.into()))])
            }
            16.. if self.protocol == Some(NETLINK_ROUTE) => Some(self.route(data, ty)),
            // Two old types have questions of their own shape.
            16..=17 | 20.. if self.protocol == Some(NETLINK_SOCK_DIAG) => {
                Some(self.diag(data, bytes::u16(header, 6) & REQUEST != 0))
            }
            _ => None,
        });
        parts.flatten().unwrap_or_else(|| vec![data.hex()])
    }

    /// `struct nlmsgerr`: an answer, the message that it answers, and what else is told.
    fn error(&self, data: Span<'_>, header: &[u8]) -> Value {
        const CAPPED: u16 = 0x100;
        if data.length < 4 + HEADER as u64 {
            return data.hex();
        }
        let Some(number) = data.bytes(0, 4).map(|bytes| bytes::i32(&bytes, 0)) else {
            return Value::Pointer(data.address);
        };
        let answered = data.after(4);
        let mut more = None;
        let message = match answered.bytes(0, HEADER) {
            Some(own) => {
                let capped = bytes::u16(header, 6) & CAPPED != 0;
                let claimed = if capped { HEADER as u64 } else { bytes::u32(&own, 0).into() };
                let length = claimed.min(answered.length);
                if answered.length > length {
                    more = Some(answered.after(length));
                }
                self.message(answered.first(length.max(HEADER as u64)), &own)
            }
            None => Value::Pointer(answered.address),
        };
        let shown = Value::Struct(vec![field("error", error(number)), field("msg", message)]);
        match more {
            Some(more) => Value::array(vec![shown, self.attributes(more, &ERROR)]),
            None => shown,
        }
    }
}

/// A flag that every question has.
const REQUEST: u16 = 1;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// An error's number, which is negative.
fn error(number: i32) -> Value {
    match abi::Errno::from_raw(number.wrapping_neg()).and_then(abi::Errno::name) {
        Some(name) => Value::named(Value::Int(number.into()), Value::Negative(Box::new(Value::Word(name)))),
        None => Value::Int(number.into()),
    }
}

/// What is told of an error.
static ERROR: Attributes = Attributes {
    names: &tables::ERROR,
    kinds: &[(1, Kind::Text), (2, Kind::Unsigned(4)), (3, Kind::Other(cookie))],
};

/// Bytes that say to the program what it knows.
fn cookie(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    let shown = data.length.min(reader.most() as u64).min(1 << 16) as usize;
    let end = if data.length > shown as u64 { crate::End::Abbreviated } else { crate::End::Complete };
    let Some(bytes) = data.bytes(0, shown) else { return Some(Value::Pointer(data.address)) };
    Some(Value::Array { items: bytes.iter().map(|byte| Value::Uint((*byte).into())).collect(), end })
}
