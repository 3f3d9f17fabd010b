//! Network interfaces (include/uapi/linux/if_link.h).

use crate::netlink::Reader;
use crate::netlink::attribute::{Attributes, Kind};
use crate::netlink::span::Span;
use crate::tables::netlink::{bridge, link, settings};
use crate::tables::{FAMILIES, HARDWARE};
use crate::{End, Value, field};

/// Kinds of interfaces whose own attributes are decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::netlink) enum LinkKind {
    Bridge,
    Tun,
    Can,
    Other,
}

/// `struct ifinfomsg` behind its family.
pub(super) static HEADER: [(&str, Kind); 5] = [
    ("", Kind::Skip(1)),
    ("ifi_type", Kind::Symbol(&HARDWARE, 2)),
    ("ifi_index", Kind::Interface),
    ("ifi_flags", Kind::Flags(&link::FLAGS, 4)),
    ("ifi_change", Kind::Hex(4)),
];

/// What is told of an interface.
pub(super) static LINK: Attributes = Attributes {
    names: &link::ATTRIBUTES,
    kinds: &[
        (1, Kind::Hardware(most_hardware)),
        (2, Kind::Hardware(most_hardware)),
        (3, Kind::Text),
        (4, Kind::Unsigned(4)),
        (5, Kind::Unsigned(4)),
        (6, Kind::Text),
        (7, Kind::Counters(&COUNTERS, 4, 23)),
        (10, Kind::Unsigned(4)),
        (12, Kind::Other(protocol_info)),
        (13, Kind::Unsigned(4)),
        (14, Kind::Structure(MAP)),
        (15, Kind::Unsigned(4)),
        (16, Kind::Unsigned(1)),
        (17, Kind::Unsigned(1)),
        (18, Kind::Other(link_info)),
        (19, Kind::Unsigned(4)),
        (20, Kind::Text),
        (21, Kind::Unsigned(4)),
        (23, Kind::Counters(&COUNTERS_64, 8, 23)),
        (26, Kind::Other(by_family)),
        (27, Kind::Unsigned(4)),
        (28, Kind::Descriptor),
        (29, Kind::Short(&Kind::Flags(&link::FILTERS, 4))),
        (30, Kind::Unsigned(4)),
        (31, Kind::Unsigned(4)),
        (32, Kind::Unsigned(4)),
        (33, Kind::Unsigned(1)),
        (35, Kind::Unsigned(4)),
        (37, Kind::Signed(4)),
        (38, Kind::Text),
        (39, Kind::Unsigned(1)),
        (40, Kind::Unsigned(4)),
        (41, Kind::Unsigned(4)),
        (43, Kind::Nested(&XDP)),
        (44, Kind::Symbol(&link::EVENTS, 4)),
        (45, Kind::Signed(4)),
        (46, Kind::Signed(4)),
        (47, Kind::Unsigned(4)),
        (48, Kind::Unsigned(4)),
        (49, Kind::Interface),
        (50, Kind::Unsigned(4)),
        (51, Kind::Unsigned(4)),
        (52, Kind::Nested(&PROPERTIES)),
        (53, Kind::Text),
        (54, Kind::Hardware(most_hardware)),
        (55, Kind::Nested(&DOWN)),
        (56, Kind::Text),
        (57, Kind::Text),
        (58, Kind::Unsigned(4)),
        (59, Kind::Unsigned(4)),
        (60, Kind::Unsigned(4)),
        (61, Kind::Unsigned(4)),
        (62, Kind::Unsigned(4)),
        (63, Kind::Unsigned(4)),
        (64, Kind::Unsigned(4)),
        (66, Kind::Unsigned(8)),
        (67, Kind::Unsigned(1)),
        (68, Kind::Unsigned(2)),
        (69, Kind::Unsigned(2)),
    ],
};

/// Bytes of an interface's hardware address that are shown. strace takes the message's family for the kind of hardware,
/// whose addresses can be shorter; mostly it is none, which stands for a kind of amateur radio with seven bytes.
fn most_hardware(reader: &Reader<'_>) -> u64 {
    const SHORTER: [(u16, u64); 9] =
        [(0, 7), (1, 6), (3, 7), (6, 6), (7, 1), (15, 2), (24, 16), (27, 8), (32, 20)];
    let family = reader.family.get();
    SHORTER.iter().find(|(own, _)| *own == family).map_or(32, |(_, most)| *most)
}

/// Counters, which are twice there: of 32 bits, and of 64 with one more.
static COUNTERS_64: [&str; 25] = [
    "rx_packets",
    "tx_packets",
    "rx_bytes",
    "tx_bytes",
    "rx_errors",
    "tx_errors",
    "rx_dropped",
    "tx_dropped",
    "multicast",
    "collisions",
    "rx_length_errors",
    "rx_over_errors",
    "rx_crc_errors",
    "rx_frame_errors",
    "rx_fifo_errors",
    "rx_missed_errors",
    "tx_aborted_errors",
    "tx_carrier_errors",
    "tx_fifo_errors",
    "tx_heartbeat_errors",
    "tx_window_errors",
    "rx_compressed",
    "tx_compressed",
    "rx_nohandler",
    "rx_otherhost_dropped",
];

static COUNTERS: [&str; 24] = {
    let mut names = [""; 24];
    let mut at = 0;
    while at < names.len() {
        names[at] = COUNTERS_64[at];
        at += 1;
    }
    names
};

/// `struct rtnl_link_ifmap`.
const MAP: &[(&str, Kind)] = &[
    ("mem_start", Kind::Hex(8)),
    ("mem_end", Kind::Hex(8)),
    ("base_addr", Kind::Hex(8)),
    ("irq", Kind::Unsigned(2)),
    ("dma", Kind::Unsigned(1)),
    ("port", Kind::Unsigned(1)),
];

/// Other names.
static PROPERTIES: Attributes = Attributes { names: &link::ATTRIBUTES, kinds: &[(53, Kind::Text)] };

/// A program for packets.
static XDP: Attributes = Attributes {
    names: &link::XDP,
    kinds: &[
        (1, Kind::Descriptor),
        (2, Kind::Short(&Kind::Symbol(&link::XDP_ATTACHED, 1))),
        (3, Kind::Flags(&link::XDP_FLAGS, 4)),
        (4, Kind::Unsigned(4)),
        (5, Kind::Unsigned(4)),
        (6, Kind::Unsigned(4)),
        (7, Kind::Unsigned(4)),
        (8, Kind::Descriptor),
    ],
};

/// Why an interface is held down.
static DOWN: Attributes = Attributes { names: &link::DOWN, kinds: &[(1, Kind::Hex(4)), (2, Kind::Hex(4))] };

/// Of what kind an interface is, and what that has.
static INFO: Attributes = Attributes {
    names: &link::INFO,
    kinds: &[
        (1, Kind::Other(kind)),
        (2, Kind::Other(kind_data)),
        (3, Kind::Other(kind_counters)),
        (4, Kind::String),
    ],
};

fn link_info(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    reader.kind.set(LinkKind::Other);
    Some(reader.attributes(*data, &INFO))
}

/// The kind's name, which says how the attributes behind it are decoded.
fn kind(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    let name = data.context.up_to(data.address, data.length.min(8) as usize);
    reader.kind.set(match name.split(|byte| *byte == 0).next() {
        Some(b"bridge") => LinkKind::Bridge,
        Some(b"tun") => LinkKind::Tun,
        Some(b"can") => LinkKind::Can,
        _ => LinkKind::Other,
    });
    Some(data.string())
}

fn kind_data(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    match reader.kind.get() {
        LinkKind::Bridge => Some(reader.attributes(*data, &BRIDGE)),
        LinkKind::Tun => Some(reader.attributes(*data, &TUN)),
        LinkKind::Can | LinkKind::Other => None,
    }
}

fn kind_counters(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    static CAN: [&str; 6] =
        ["bus_error", "error_warning", "error_passive", "bus_off", "arbitration_lost", "restarts"];
    let can = reader.kind.get() == LinkKind::Can;
    can.then(|| Kind::Counters(&CAN, 4, 6).decode(reader, data)).flatten()
}

/// A tunnel to a program.
static TUN: Attributes = Attributes {
    names: &link::TUN,
    kinds: &[
        (1, Kind::User),
        (2, Kind::User),
        (3, Kind::Short(&Kind::Symbol(&link::TUN_TYPES, 1))),
        (4, Kind::Unsigned(1)),
        (5, Kind::Unsigned(1)),
        (6, Kind::Unsigned(1)),
        (7, Kind::Unsigned(1)),
        (8, Kind::Unsigned(4)),
        (9, Kind::Unsigned(4)),
    ],
};

/// A bridge.
static BRIDGE: Attributes = Attributes {
    names: &bridge::BRIDGE,
    kinds: &[
        (1, Kind::Clock),
        (2, Kind::Clock),
        (3, Kind::Clock),
        (4, Kind::Clock),
        (5, Kind::Unsigned(4)),
        (6, Kind::Unsigned(2)),
        (7, Kind::Unsigned(1)),
        (8, Kind::BigSymbol(&bridge::PROTOCOLS)),
        (9, Kind::Hex(2)),
        (10, Kind::Other(bridge_id)),
        (11, Kind::Other(bridge_id)),
        (12, Kind::Unsigned(2)),
        (13, Kind::Unsigned(4)),
        (14, Kind::Unsigned(1)),
        (15, Kind::Unsigned(1)),
        (16, Kind::Clock),
        (17, Kind::Clock),
        (18, Kind::Clock),
        (19, Kind::Clock),
        (20, Kind::Hardware(|_| 32)),
        (22, Kind::Unsigned(1)),
        (23, Kind::Unsigned(1)),
        (24, Kind::Unsigned(1)),
        (25, Kind::Unsigned(1)),
        (26, Kind::Unsigned(4)),
        (27, Kind::Unsigned(4)),
        (28, Kind::Unsigned(4)),
        (29, Kind::Unsigned(4)),
        (30, Kind::Clock),
        (31, Kind::Clock),
        (32, Kind::Clock),
        (33, Kind::Clock),
        (34, Kind::Clock),
        (35, Kind::Clock),
        (36, Kind::Unsigned(1)),
        (37, Kind::Unsigned(1)),
        (38, Kind::Unsigned(1)),
        (39, Kind::Unsigned(2)),
        (41, Kind::Unsigned(1)),
        (42, Kind::Unsigned(1)),
        (43, Kind::Unsigned(1)),
        (44, Kind::Unsigned(1)),
        (45, Kind::Unsigned(1)),
        (48, Kind::Unsigned(4)),
        (49, Kind::Unsigned(4)),
    ],
};

/// A port of a bridge.
static PORT: Attributes = Attributes {
    names: &bridge::PORT,
    kinds: &[
        (1, Kind::Unsigned(1)),
        (2, Kind::Unsigned(2)),
        (3, Kind::Unsigned(4)),
        (4, Kind::Unsigned(1)),
        (5, Kind::Unsigned(1)),
        (6, Kind::Unsigned(1)),
        (7, Kind::Unsigned(1)),
        (8, Kind::Unsigned(1)),
        (9, Kind::Unsigned(1)),
        (10, Kind::Unsigned(1)),
        (11, Kind::Unsigned(1)),
        (12, Kind::Unsigned(1)),
        (13, Kind::Other(bridge_id)),
        (14, Kind::Other(bridge_id)),
        (15, Kind::Unsigned(2)),
        (16, Kind::Unsigned(2)),
        (17, Kind::Unsigned(2)),
        (18, Kind::Unsigned(2)),
        (19, Kind::Unsigned(1)),
        (20, Kind::Unsigned(1)),
        (21, Kind::Clock),
        (22, Kind::Clock),
        (23, Kind::Clock),
        (25, Kind::Unsigned(1)),
        (27, Kind::Unsigned(1)),
        (28, Kind::Unsigned(1)),
        (29, Kind::Unsigned(1)),
        (30, Kind::Unsigned(1)),
        (31, Kind::Hex(2)),
        (32, Kind::Unsigned(1)),
        (33, Kind::Unsigned(1)),
        (34, Kind::Interface),
        (35, Kind::Unsigned(1)),
        (36, Kind::Unsigned(1)),
        (37, Kind::Unsigned(4)),
        (38, Kind::Unsigned(4)),
        (39, Kind::Unsigned(1)),
        (40, Kind::Unsigned(1)),
        (41, Kind::Unsigned(4)),
        (42, Kind::Unsigned(4)),
        (43, Kind::Unsigned(1)),
        (44, Kind::Unsigned(4)),
        (45, Kind::Unsigned(1)),
    ],
};

/// `struct ifla_bridge_id`.
fn bridge_id(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    if data.length < 8 {
        return None;
    }
    let Some(bytes) = data.bytes(0, 8) else { return Some(Value::Pointer(data.address)) };
    let shown = reader.most().min(2);
    let priority = bytes[..shown].iter().map(|byte| Value::Uint((*byte).into())).collect();
    let end = if shown < 2 { End::Abbreviated } else { End::Complete };
    Some(Value::Struct(vec![
        field("prio", Value::Array { items: priority, end }),
        field("addr", Value::hardware(&bytes[2..])),
    ]))
}

/// What the protocol of the message's family tells.
fn protocol_info(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    const AF_BRIDGE: u16 = 7;
    const AF_INET6: u16 = 10;
    match reader.family.get() {
        AF_BRIDGE => Some(reader.attributes(*data, &PORT)),
        AF_INET6 => Some(reader.attributes(*data, &INET6)),
        _ => None,
    }
}

/// What each family tells; bridges have attributes of their own there.
fn by_family(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    const AF_BRIDGE: u16 = 7;
    (reader.family.get() != AF_BRIDGE).then(|| reader.attributes(*data, &BY_FAMILY))
}

static BY_FAMILY: Attributes =
    Attributes { names: &FAMILIES, kinds: &[(2, Kind::Nested(&INET)), (10, Kind::Nested(&INET6))] };

/// Settings of IPv4.
static INET: Attributes =
    Attributes { names: &link::INET, kinds: &[(1, Kind::Places(&settings::INET, 4, true))] };

/// Settings, counters and state of IPv6.
static INET6: Attributes = Attributes {
    names: &link::INET6,
    kinds: &[
        (1, Kind::Short(&Kind::Flags(&link::INET6_FLAGS, 4))),
        (2, Kind::Places(&settings::INET6, 4, true)),
        (3, Kind::Places(&settings::IP, 8, false)),
        (5, Kind::Structure(INET6_CACHE)),
        (6, Kind::Places(&settings::ICMP6, 8, false)),
        (7, Kind::Address6),
        (8, Kind::Short(&Kind::Symbol(&link::INET6_MODES, 1))),
        (9, Kind::Unsigned(4)),
    ],
};

/// `struct ifla_cacheinfo`.
const INET6_CACHE: &[(&str, Kind)] = &[
    ("max_reasm_len", Kind::Unsigned(4)),
    ("tstamp", Kind::Unsigned(4)),
    ("reachable_time", Kind::Unsigned(4)),
    ("retrans_time", Kind::Unsigned(4)),
];
