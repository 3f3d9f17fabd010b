//! Control messages of levels of which strace shows the bytes: SOL_IPV6 (ipv6(7), RFC 3542), SOL_UDP (udp(7)),
//! SOL_PACKET (packet(7)), SOL_TCP and SOL_TLS.

use super::ip::{address, error};
use super::{Data, Kind};
use crate::tables::control::{IPV6, PACKET, RECORDS, TCP, TLS, UDP};
use crate::tables::{Table, protocols};
use crate::{Value, bytes, field};

/// The types of a level, and how they are decoded.
pub(super) fn level(level: u32) -> Option<(&'static Table, &'static [Kind])> {
    Some(match level {
        6 => (&TCP, &[Kind { number: 36, least: 4, data: number }]),
        17 => (&UDP, UDP_KINDS),
        41 => (&IPV6, IPV6_KINDS),
        263 => (&PACKET, &[Kind { number: 8, least: 20, data: auxiliary }]),
        282 => (&TLS, TLS_KINDS),
        _ => return None,
    })
}

const UDP_KINDS: &[Kind] = &[
    Kind { number: 103, least: 2, data: |data| Value::behind(Value::Uint(bytes::u16(data.bytes, 0).into())) },
    Kind { number: 104, least: 4, data: number },
];

const IPV6_KINDS: &[Kind] = &[
    Kind { number: 2, least: 20, data: interface },
    Kind { number: 8, least: 4, data: number },
    Kind { number: 11, least: 4, data: flow },
    Kind { number: 25, least: 44, data: |data| error(data, data.address + 16, 28) },
    Kind { number: 50, least: 20, data: interface },
    Kind { number: 52, least: 4, data: number },
    Kind { number: 61, least: 32, data: path_mtu },
    Kind { number: 67, least: 4, data: number },
    Kind { number: 74, least: 28, data: |data| address(data, data.address, data.bytes.len()) },
    Kind { number: 77, least: 4, data: number },
];

const TLS_KINDS: &[Kind] =
    &[Kind { number: 1, least: 1, data: record }, Kind { number: 2, least: 1, data: record }];

fn number(data: &Data<'_>) -> Value {
    Value::behind(Value::Int(bytes::i32(data.bytes, 0).into()))
}

fn inet6(data: &Data<'_>, offset: usize) -> Value {
    Value::Inet6(data.bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default())
}

/// `struct in6_pktinfo`.
fn interface(data: &Data<'_>) -> Value {
    Value::Struct(vec![
        field("ipi6_addr", inet6(data, 0)),
        field("ipi6_ifindex", Value::interface(data.context, bytes::u32(data.bytes, 16))),
    ])
}

/// `struct ip6_mtuinfo`: an address, and what goes there in one piece.
fn path_mtu(data: &Data<'_>) -> Value {
    Value::Struct(vec![
        field("ip6m_addr", address(data, data.address, 28)),
        field("ip6m_mtu", Value::Uint(bytes::u32(data.bytes, 28).into())),
    ])
}

/// Traffic class and flow label, in the network's order.
fn flow(data: &Data<'_>) -> Value {
    let flow = u32::from_be(bytes::u32(data.bytes, 0));
    Value::behind(Value::Function("htonl", vec![Value::Hex(flow.into())]))
}

/// `struct tpacket_auxdata` (include/uapi/linux/if_packet.h).
fn auxiliary(data: &Data<'_>) -> Value {
    let long = |offset| Value::Uint(bytes::u32(data.bytes, offset).into());
    let short = |offset| Value::Uint(bytes::u16(data.bytes, offset).into());
    let protocol = Value::Symbol(&protocols::ETHERNET, bytes::u16(data.bytes, 18).into());
    Value::Struct(vec![
        field("tp_status", Value::Hex(bytes::u32(data.bytes, 0).into())),
        field("tp_len", long(4)),
        field("tp_snaplen", long(8)),
        field("tp_mac", short(12)),
        field("tp_net", short(14)),
        field("tp_vlan_tci", short(16)),
        field("tp_vlan_tpid", protocol),
    ])
}

/// The type of a record (RFC 8446, 5.1).
fn record(data: &Data<'_>) -> Value {
    Value::behind(Value::Symbol(&RECORDS, data.bytes.first().copied().unwrap_or(0).into()))
}
