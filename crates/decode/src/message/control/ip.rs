//! Control messages of SOL_IP (ip(7)).

use super::socket::security;
use super::{Data, Kind};
use crate::message::array::most;
use crate::tables::Table;
use crate::tables::control::{IP, PROTOCOLS};
use crate::{End, Value, address, bytes, field};

pub(super) const TYPES: &Table = &IP;

/// What is decoded.
pub(super) const KINDS: &[Kind] = &[
    Kind { number: 1, least: 1, data: octets },
    Kind { number: 2, least: 4, data: numbers },
    Kind { number: 3, least: 1, data: security },
    Kind { number: 6, least: 1, data: octets },
    Kind { number: 7, least: 1, data: octets },
    Kind { number: 8, least: 12, data: interface },
    Kind { number: 11, least: 32, data: |data| error(data, data.address + 16, 16) },
    Kind { number: 20, least: 16, data: |data| address(data, data.address, data.bytes.len()) },
    Kind { number: 23, least: 4, data: numbers },
    Kind { number: 52, least: 4, data: protocol },
];

/// As many as are shown of an array.
fn some<T>(data: &Data<'_>, all: impl ExactSizeIterator<Item = T>, show: impl FnMut(T) -> Value) -> Value {
    let most = most(data.context);
    let end = if all.len() > most { End::Abbreviated } else { End::Complete };
    Value::Array { items: all.take(most).map(show).collect(), end }
}

fn octets(data: &Data<'_>) -> Value {
    some(data, data.bytes.iter(), |byte| Value::Hex((*byte).into()))
}

fn numbers(data: &Data<'_>) -> Value {
    some(data, data.bytes.as_chunks().0.iter(), |number| Value::Uint(u32::from_le_bytes(*number).into()))
}

/// `struct in_pktinfo`.
fn interface(data: &Data<'_>) -> Value {
    let inet = |offset: usize| Value::inet(bytes::u32(data.bytes, offset).to_le_bytes());
    Value::Struct(vec![
        field("ipi_ifindex", Value::interface(data.context, bytes::u32(data.bytes, 0))),
        field("ipi_spec_dst", inet(4)),
        field("ipi_addr", inet(8)),
    ])
}

/// `struct sock_extended_err` (include/uapi/linux/errqueue.h), and the address of who reported it, which lies behind it.
pub(super) fn error(data: &Data<'_>, offender: u64, length: usize) -> Value {
    let byte = |offset: usize| Value::Uint(data.bytes.get(offset).copied().unwrap_or(0).into());
    let number = |offset| Value::Uint(bytes::u32(data.bytes, offset).into());
    Value::Struct(vec![
        field("ee_errno", number(0)),
        field("ee_origin", byte(4)),
        field("ee_type", byte(5)),
        field("ee_code", byte(6)),
        field("ee_info", number(8)),
        field("ee_data", number(12)),
        field("offender", address(data, offender, length)),
    ])
}

/// A socket address, which can't be longer than a `struct sockaddr_storage`.
pub(super) fn address(data: &Data<'_>, pointer: u64, length: usize) -> Value {
    address::decode(data.context, pointer, length.min(128) as i32)
}

fn protocol(data: &Data<'_>) -> Value {
    Value::behind(Value::Symbol(&PROTOCOLS, bytes::u32(data.bytes, 0).into()))
}
