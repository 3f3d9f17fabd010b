//! Routes and rules (include/uapi/linux/rtnetlink.h and fib_rules.h).

use crate::netlink::Reader;
use crate::netlink::attribute::{Attributes, Kind, structure};
use crate::netlink::span::Span;
use crate::tables::FAMILIES;
use crate::tables::netlink::route as tables;
use crate::tables::protocols::INET as PROTOCOLS;
use crate::{End, Value, bytes, field};

/// `struct rtmsg` behind its family.
pub(super) static ROUTE_HEADER: [(&str, Kind); 8] = [
    ("rtm_dst_len", Kind::Unsigned(1)),
    ("rtm_src_len", Kind::Unsigned(1)),
    ("rtm_tos", Kind::Flags(&tables::SERVICES, 1)),
    ("rtm_table", Kind::Symbol(&tables::ROUTE_TABLES, 1)),
    ("rtm_protocol", Kind::Symbol(&tables::ROUTE_ORIGINS, 1)),
    ("rtm_scope", Kind::Symbol(&tables::SCOPES, 1)),
    ("rtm_type", Kind::Symbol(&tables::ROUTE_TYPES, 1)),
    ("rtm_flags", Kind::Flags(&tables::ROUTE_FLAGS, 4)),
];

/// What is told of a route.
pub(super) static ROUTE: Attributes = Attributes {
    names: &tables::ROUTE,
    kinds: &[
        (1, Kind::Address),
        (2, Kind::Address),
        (3, Kind::Interface),
        (4, Kind::Interface),
        (5, Kind::Address),
        (6, Kind::Unsigned(4)),
        (7, Kind::Address),
        (8, Kind::Nested(&METRICS)),
        (9, Kind::Other(multipath)),
        (10, Kind::Unsigned(4)),
        (11, Kind::Unsigned(4)),
        (12, Kind::Structure(USES)),
        (14, Kind::Unsigned(4)),
        (15, Kind::Symbol(&tables::ROUTE_TABLES, 4)),
        (16, Kind::Unsigned(4)),
        (17, Kind::Structure(MULTICAST)),
        (18, Kind::Other(via)),
        (19, Kind::Address),
        (20, Kind::Unsigned(1)),
        (21, Kind::Symbol(&tables::ENCAPSULATIONS, 2)),
        (23, Kind::Unsigned(8)),
        (25, Kind::Unsigned(4)),
        (26, Kind::Unsigned(1)),
        (27, Kind::Unsigned(1)),
        (28, Kind::Unsigned(2)),
        (29, Kind::Unsigned(2)),
        (30, Kind::Unsigned(4)),
        (31, Kind::Big(4, "htonl")),
    ],
};

/// What a route is like.
static METRICS: Attributes = Attributes {
    names: &tables::METRICS,
    kinds: &[
        (1, Kind::Unsigned(4)),
        (2, Kind::Unsigned(4)),
        (3, Kind::Unsigned(4)),
        (4, Kind::Unsigned(4)),
        (5, Kind::Unsigned(4)),
        (6, Kind::Unsigned(4)),
        (7, Kind::Unsigned(4)),
        (8, Kind::Unsigned(4)),
        (9, Kind::Unsigned(4)),
        (10, Kind::Unsigned(4)),
        (11, Kind::Unsigned(4)),
        (12, Kind::Unsigned(4)),
        (13, Kind::Unsigned(4)),
        (14, Kind::Unsigned(4)),
        (15, Kind::Unsigned(4)),
        (16, Kind::Text),
    ],
};

/// `struct rta_cacheinfo`.
const USES: &[(&str, Kind)] = &[
    ("rta_clntref", Kind::Unsigned(4)),
    ("rta_lastuse", Kind::Unsigned(4)),
    ("rta_expires", Kind::Unsigned(4)),
    ("rta_error", Kind::Unsigned(4)),
    ("rta_used", Kind::Unsigned(4)),
    ("rta_id", Kind::Hex(4)),
    ("rta_ts", Kind::Unsigned(4)),
    ("rta_tsage", Kind::Unsigned(4)),
];

/// `struct rta_mfc_stats`.
const MULTICAST: &[(&str, Kind)] = &[
    ("mfcs_packets", Kind::Unsigned(8)),
    ("mfcs_bytes", Kind::Unsigned(8)),
    ("mfcs_wrong_if", Kind::Unsigned(8)),
];

/// `struct rtnexthop` behind its length.
const HOP: &[(&str, Kind)] = &[
    ("rtnh_flags", Kind::Flags(&tables::HOP_FLAGS, 1)),
    ("rtnh_hops", Kind::Unsigned(1)),
    ("rtnh_ifindex", Kind::Interface),
];

/// Next hops, one after the other: each has its length, and attributes as a route has.
fn multipath(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    const SIZE: u64 = 8;
    if data.length < SIZE {
        return None;
    }
    let mut left = *data;
    let mut hops = Vec::new();
    let mut is_array = false;
    loop {
        // Whether all of one is left is not asked.
        let Some(hop) = left.bytes(0, SIZE as usize) else {
            hops.push(Value::Pointer(left.address));
            break;
        };
        if !reader.budget.take(8) {
            return Some(Value::Array { items: hops, end: End::Abbreviated });
        }
        let claimed = u64::from(bytes::u16(&hop, 0));
        if hops.is_empty() {
            is_array = claimed < data.length;
        }
        let mut fields = vec![field("rtnh_len", Value::Uint(claimed))];
        fields.extend(structure(reader, HOP, &hop[2..]));
        let shown = Value::Struct(fields);
        let length = claimed.min(left.length);
        hops.push(if length > SIZE {
            let attributes = reader.attributes(left.first(length).after(SIZE), &ROUTE);
            Value::array(vec![shown, attributes])
        } else {
            shown
        });
        let next = length.next_multiple_of(4);
        // One that says it has no length would be met for ever.
        if next >= left.length || next == 0 {
            break;
        }
        left = left.after(next);
    }
    match hops.pop() {
        Some(only) if !is_array && hops.is_empty() => Some(only),
        last => {
            hops.extend(last);
            Some(Value::array(hops))
        }
    }
}

/// `struct rtvia`: a gateway of another family.
fn via(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    if data.length < 2 {
        return None;
    }
    let Some(family) = data.bytes(0, 2).map(|bytes| bytes::u16(&bytes, 0)) else {
        return Some(Value::Pointer(data.address));
    };
    let mut fields = vec![field("rtvia_family", Value::Symbol(&FAMILIES, family.into()))];
    if data.length > 2 {
        fields.push(field("rtvia_addr", reader.address_of(&data.after(2), family)));
    }
    Some(Value::Struct(fields))
}

/// `struct fib_rule_hdr` behind its family.
pub(super) static RULE_HEADER: [(&str, Kind); 7] = [
    ("dst_len", Kind::Unsigned(1)),
    ("src_len", Kind::Unsigned(1)),
    ("tos", Kind::Flags(&tables::SERVICES, 1)),
    ("table", Kind::Symbol(&tables::RULE_TABLES, 1)),
    ("", Kind::Skip(2)),
    ("action", Kind::Symbol(&tables::RULE_ACTIONS, 1)),
    ("flags", Kind::Flags(&tables::RULE_FLAGS, 4)),
];

/// What is told of a rule.
pub(super) static RULE: Attributes = Attributes {
    names: &tables::RULE,
    kinds: &[
        (1, Kind::Address),
        (2, Kind::Address),
        (3, Kind::Text),
        (4, Kind::Unsigned(4)),
        (6, Kind::Unsigned(4)),
        (10, Kind::Unsigned(4)),
        (11, Kind::Unsigned(4)),
        (12, Kind::Big(8, "htobe64")),
        (13, Kind::Unsigned(4)),
        (14, Kind::Unsigned(4)),
        (15, Kind::Symbol(&tables::ROUTE_TABLES, 4)),
        (16, Kind::Unsigned(4)),
        (17, Kind::Text),
        (19, Kind::Unsigned(1)),
        (20, Kind::Structure(USERS)),
        (21, Kind::Symbol(&tables::ROUTE_ORIGINS, 1)),
        (22, Kind::Symbol(&PROTOCOLS, 0)),
        (23, Kind::Structure(PORTS)),
        (24, Kind::Structure(PORTS)),
        (25, Kind::Unsigned(1)),
        (26, Kind::Big(4, "htonl")),
        (27, Kind::Big(4, "htonl")),
        (28, Kind::Hex(2)),
        (29, Kind::Hex(2)),
        (30, Kind::Hex(1)),
    ],
};

/// `struct fib_rule_uid_range`.
const USERS: &[(&str, Kind)] = &[("start", Kind::Unsigned(4)), ("end", Kind::Unsigned(4))];

/// `struct fib_rule_port_range`.
const PORTS: &[(&str, Kind)] = &[("start", Kind::Unsigned(2)), ("end", Kind::Unsigned(2))];
