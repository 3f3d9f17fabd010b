//! Control messages of SOL_SOCKET (unix(7), socket(7), Documentation/networking/timestamping.rst).

use super::{Data, Kind};
use crate::message::array::most;
use crate::message::time::pair;
use crate::tables::Table;
use crate::tables::control::SOCKET;
use crate::{End, Value, bytes, field};

pub(super) const TYPES: &Table = &SOCKET;

/// What is decoded. Of some, strace says that they are there even where their data is too short.
pub(super) const KINDS: &[Kind] = &[
    Kind { number: 1, least: 4, data: rights },
    Kind { number: 2, least: 12, data: credentials },
    Kind { number: 3, least: 1, data: security },
    Kind { number: 4, least: 4, data: pidfd },
    Kind { number: 29, least: 1, data: |data| stamp(data, data.context.abi.time(), "tv_usec") },
    Kind { number: 35, least: 1, data: |data| stamp(data, data.context.abi.time(), "tv_nsec") },
    Kind { number: 37, least: 1, data: |data| stamps(data, data.context.abi.time()) },
    Kind { number: 63, least: 1, data: |data| stamp(data, 8, "tv_usec") },
    Kind { number: 64, least: 1, data: |data| stamp(data, 8, "tv_nsec") },
    Kind { number: 65, least: 1, data: |data| stamps(data, 8) },
];

/// What strace shows as bytes.
pub(super) const BEYOND: &[Kind] = &[
    // Whether a frame was acknowledged, the time when to send, its identifier, and what is left to be read.
    Kind { number: 41, least: 4, data: number },
    Kind { number: 61, least: 8, data: |data| Value::Uint(bytes::u64(data.bytes, 0)) },
    Kind { number: 81, least: 4, data: number },
    Kind { number: 84, least: 4, data: number },
    Kind { number: 58, least: 16, data: timestamping_interface },
];

fn number(data: &Data<'_>) -> Value {
    Value::Uint(bytes::u32(data.bytes, 0).into())
}

/// Descriptors that are handed over.
fn rights(data: &Data<'_>) -> Value {
    let all = data.bytes.as_chunks::<4>().0;
    let most = most(data.context);
    let items = all.iter().take(most).map(|fd| data.context.fd(i32::from_le_bytes(*fd))).collect();
    Value::Array { items, end: if all.len() > most { End::Abbreviated } else { End::Complete } }
}

/// `struct ucred`.
fn credentials(data: &Data<'_>) -> Value {
    Value::Struct(vec![
        field("pid", Value::Int(bytes::i32(data.bytes, 0).into())),
        field("uid", id(bytes::u32(data.bytes, 4))),
        field("gid", id(bytes::u32(data.bytes, 8))),
    ])
}

/// A user or group; none is -1.
pub(crate) fn id(id: u32) -> Value {
    if id == u32::MAX { Value::Int(-1) } else { Value::Uint(id.into()) }
}

/// A security label.
pub(super) fn security(data: &Data<'_>) -> Value {
    Value::bytes(data.bytes)
}

fn pidfd(data: &Data<'_>) -> Value {
    data.context.fd(bytes::i32(data.bytes, 0))
}

fn stamp(data: &Data<'_>, size: usize, fraction: &'static str) -> Value {
    if data.bytes.len() < 2 * size { Value::Word("???") } else { pair(data.bytes, size, fraction) }
}

/// `struct scm_timestamping`: the software's time, one that is no more, and the hardware's.
fn stamps(data: &Data<'_>, size: usize) -> Value {
    match data.bytes.get(..6 * size) {
        Some(all) => Value::array(all.chunks(2 * size).map(|one| pair(one, size, "tv_nsec")).collect()),
        None => Value::Word("???"),
    }
}

/// `struct scm_ts_pktinfo` (include/uapi/linux/net_tstamp.h).
fn timestamping_interface(data: &Data<'_>) -> Value {
    Value::Struct(vec![
        field("if_index", Value::interface(data.context, bytes::u32(data.bytes, 0))),
        field("pkt_length", Value::Uint(bytes::u32(data.bytes, 4).into())),
    ])
}
