//! Options' values as strace shows them.

use super::layout::{Layout, cut_record, embedded, record, size};
use super::{Given, Of, filter, of, structures};
use crate::tables::options::{
    AO_KEY_FLAGS, ICMP_TYPES, INTERNAL_ERRORS, IP, IPV6, NETLINK, PACKET, RAW, SOCKET, TCP, TIPC,
    TIPC_IMPORTANCE, TXREHASH,
};
use crate::tables::protocols::INET;
use crate::{End, Value, bytes, field};

/// How a value is shown.
#[derive(Clone, Copy)]
enum Rule {
    /// An int, however long the value is; if it is too short, bytes that were got, and the address of what is to be
    /// set.
    Int,
    /// An int, even if the value is shorter.
    AnyInt,
    /// A structure. If the value is shorter, its address.
    Whole(Layout),
    /// A structure; if the value has another size, its address.
    Exact(Layout),
    /// A structure, or as much of it as there is.
    Cut(Layout),
    /// Anything else.
    By(fn(&Given<'_>) -> Value),
}

/// Which way a rule is for.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Get,
    Set,
    Both,
}

/// Rules by level and option; where no option is named, all others of the level.
static RULES: &[(Of, Way, Rule)] = &[
    (of!(SOCKET: SO_LINGER), Way::Set, Rule::Whole(structures::LINGER)),
    (of!(SOCKET: SO_LINGER), Way::Get, Rule::Cut(structures::LINGER)),
    (of!(SOCKET: SO_PEERCRED), Way::Get, Rule::Cut(structures::UCRED)),
    (of!(SOCKET: SO_ATTACH_FILTER SO_ATTACH_REUSEPORT_CBPF), Way::Set, Rule::By(filter::program)),
    (of!(SOCKET: SO_GET_FILTER), Way::Get, Rule::By(filter::got)),
    (of!(SOCKET: SO_ERROR), Way::Get, Rule::By(error)),
    (of!(SOCKET: SO_TXREHASH), Way::Both, Rule::By(txrehash)),
    (of!(SOCKET: SO_PEERPIDFD), Way::Get, Rule::Int),
    (
        of!(SOCKET:
            SO_DEBUG SO_REUSEADDR SO_DONTROUTE SO_BROADCAST SO_SNDBUF SO_RCVBUF SO_KEEPALIVE
            SO_OOBINLINE SO_NO_CHECK SO_PRIORITY SO_BSDCOMPAT SO_REUSEPORT SO_PASSCRED SO_RCVLOWAT
            SO_SNDLOWAT SO_DETACH_FILTER SO_TIMESTAMP_OLD SO_ACCEPTCONN SO_SNDBUFFORCE SO_RCVBUFFORCE
            SO_PASSSEC SO_TIMESTAMPNS_OLD SO_MARK SO_TIMESTAMPING_OLD SO_RXQ_OVFL SO_WIFI_STATUS
            SO_PEEK_OFF SO_NOFCS SO_LOCK_FILTER SO_SELECT_ERR_QUEUE SO_BUSY_POLL SO_INCOMING_CPU
            SO_CNX_ADVICE SO_INCOMING_NAPI_ID SO_ZEROCOPY SO_TIMESTAMP_NEW SO_TIMESTAMPNS_NEW
            SO_TIMESTAMPING_NEW SO_DETACH_REUSEPORT_BPF SO_PREFER_BUSY_POLL SO_BUSY_POLL_BUDGET
            SO_RESERVE_MEM SO_RCVMARK SO_PASSPIDFD SO_RCVPRIORITY SO_PASSRIGHTS SO_INQ
        ),
        Way::Both,
        Rule::Int,
    ),
    (of!(IP: IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP), Way::Set, Rule::Whole(structures::IP_MREQ)),
    (of!(IP: MCAST_JOIN_GROUP MCAST_LEAVE_GROUP), Way::Set, Rule::Whole(structures::GROUP_REQ)),
    (of!(IP: IP_LOCAL_PORT_RANGE), Way::Both, Rule::By(port_range)),
    (of!(IP: IP_PROTOCOL), Way::Get, Rule::By(protocol)),
    (
        of!(IPV6: IPV6_ADD_MEMBERSHIP IPV6_DROP_MEMBERSHIP IPV6_JOIN_ANYCAST IPV6_LEAVE_ANYCAST),
        Way::Set,
        Rule::Whole(structures::IPV6_MREQ),
    ),
    (of!(IPV6: MCAST_JOIN_GROUP MCAST_LEAVE_GROUP), Way::Set, Rule::Whole(structures::GROUP_REQ)),
    (of!(TCP: TCP_AO_ADD_KEY), Way::Set, Rule::By(ao_key)),
    (of!(PACKET: PACKET_RX_RING PACKET_TX_RING), Way::Set, Rule::Exact(structures::TPACKET_REQ)),
    (of!(PACKET: PACKET_ADD_MEMBERSHIP PACKET_DROP_MEMBERSHIP), Way::Set, Rule::By(packet_membership)),
    (of!(PACKET: PACKET_STATISTICS), Way::Get, Rule::Cut(structures::TPACKET_STATS)),
    (of!(RAW: ICMP_FILTER), Way::Both, Rule::By(icmp_filter)),
    (of!(NETLINK: NETLINK_LIST_MEMBERSHIPS), Way::Get, Rule::By(memberships)),
    (of!(NETLINK:), Way::Get, Rule::AnyInt),
    (of!(NETLINK:), Way::Set, Rule::Int),
    (of!(TIPC: TIPC_IMPORTANCE), Way::Both, Rule::By(importance)),
    (of!(TIPC: TIPC_GROUP_JOIN), Way::Both, Rule::Whole(structures::TIPC_GROUP_REQ)),
    (of!(TIPC:), Way::Both, Rule::AnyInt),
];

pub(super) fn value(given: &Given<'_>) -> Value {
    let rule = RULES.iter().find(|((level, names), way, _)| {
        *level == given.level
            && (names.is_empty() || names.contains(&given.name))
            && (*way == Way::Both || (*way == Way::Get) == given.get)
    });
    let length = usize::try_from(given.length).unwrap_or(0);
    match rule.map(|(_, _, rule)| *rule) {
        Some(Rule::Int) if length < 4 => short(given),
        Some(Rule::Int | Rule::AnyInt) => int(given),
        Some(Rule::Whole(layout)) if length >= size(layout, given.context.abi) => whole(given, layout),
        Some(Rule::Exact(layout)) if length == size(layout, given.context.abi) => whole(given, layout),
        Some(Rule::Whole(_) | Rule::Exact(_)) => given.address(),
        Some(Rule::Cut(layout)) => {
            let length = length.min(size(layout, given.context.abi));
            match given.context.all(given.pointer, length) {
                Some(data) => cut_record(given.context, layout, &data),
                None => given.address(),
            }
        }
        Some(Rule::By(show)) => show(given),
        None if length == 4 => int(given),
        None => given.context.buffer(given.pointer, i64::from(given.length) as u64),
    }
}

/// A structure that is there whole, or its address if it can't be read.
fn whole(given: &Given<'_>, layout: Layout) -> Value {
    match given.context.all(given.pointer, size(layout, given.context.abi)) {
        Some(data) => record(given.context, layout, &data),
        None => given.address(),
    }
}

/// A value that is too short to be what it should be.
fn short(given: &Given<'_>) -> Value {
    if given.get { hex(given) } else { given.address() }
}

/// Bytes, in hexadecimal.
fn hex(given: &Given<'_>) -> Value {
    match given.context.buffer(given.pointer, i64::from(given.length) as u64) {
        Value::Bytes { data, more, .. } => Value::Bytes { data, more, hex: true },
        other => other,
    }
}

/// `[x]`, of four bytes; the address if they can't be read.
fn behind(given: &Given<'_>, show: impl FnOnce(u32) -> Value) -> Value {
    match given.context.exactly(given.pointer) {
        Some(data) => Value::behind(show(u32::from_le_bytes(data))),
        None => given.address(),
    }
}

fn int(given: &Given<'_>) -> Value {
    behind(given, |number| Value::Int((number as i32).into()))
}

fn error(given: &Given<'_>) -> Value {
    if given.length < 4 {
        return short(given);
    }
    behind(given, |number| {
        let name = abi::Errno::from_raw(number as i32).and_then(|errno| errno.name());
        match name.or_else(|| INTERNAL_ERRORS.name(number.into())) {
            Some(name) => Value::named(Value::Uint(number.into()), Value::Word(name)),
            None => Value::Uint(number.into()),
        }
    })
}

fn txrehash(given: &Given<'_>) -> Value {
    if given.length < 4 {
        return short(given);
    }
    behind(given, |number| {
        let shown = Value::Int((number as i32).into());
        match TXREHASH.name(number.into()) {
            Some(name) => Value::named(shown, Value::Word(name)),
            None => Value::explained(Value::named(shown, Value::Word(TXREHASH.unknown))),
        }
    })
}

/// Two ports, of which none is no bound.
fn port_range(given: &Given<'_>) -> Value {
    if given.length != 4 {
        return hex(given);
    }
    behind(given, |ports| {
        let shown = Value::Hex(ports.into());
        let (low, high) = (ports & 0xffff, ports >> 16);
        if ports == 0 || low != 0 && high != 0 && low > high {
            return shown;
        }
        let bound = |port: u32| if port == 0 { String::new() } else { port.to_string() };
        let range = Value::Bare(format!("{}..{}", bound(low), bound(high)));
        Value::explained(Value::named(shown, range))
    })
}

fn protocol(given: &Given<'_>) -> Value {
    if given.length != 4 {
        return hex(given);
    }
    behind(given, |number| Value::Symbol(&INET, number.into()))
}

fn importance(given: &Given<'_>) -> Value {
    if given.length < 4 {
        return given.address();
    }
    behind(given, |number| Value::Symbol(&TIPC_IMPORTANCE, number.into()))
}

/// ICMP types, of which those in the set are dropped. Where more than half of them are, those that aren't are told.
fn icmp_filter(given: &Given<'_>) -> Value {
    let length = usize::try_from(given.length).unwrap_or(0).min(4);
    let data = if length == 0 { None } else { given.context.all(given.pointer, length) };
    let Some(data) = data else { return given.address() };
    let mut set = [0xff; 4];
    set[..length].copy_from_slice(&data);
    let set = u32::from_le_bytes(set);
    let inverted = set.count_ones() > 16;
    let told = if inverted { !set } else { set };
    let items = (0..32).filter(|bit| told >> bit & 1 != 0).map(|bit| Value::Symbol(&ICMP_TYPES, bit));
    Value::Set { items: items.collect(), inverted }
}

/// `struct packet_mreq`, whose address is as long as it says itself, and fits.
fn packet_membership(given: &Given<'_>) -> Value {
    let data = if given.length == 16 { given.context.all(given.pointer, 16) } else { None };
    let Some(data) = data else { return given.address() };
    structures::packet_mreq(given.context, &data)
}

/// Groups of a netlink socket.
fn memberships(given: &Given<'_>) -> Value {
    /// More than the kernel has groups.
    const MOST: usize = 16 << 10;
    let context = given.context;
    let count = usize::try_from(given.room.min(given.length)).unwrap_or(0) / 4;
    if count == 0 {
        return Value::array(Vec::new());
    }
    let shown = if context.limits.verbose { MOST } else { context.limits.elements };
    let data = context.up_to(given.pointer, 4 * count.min(shown));
    let items: Vec<_> = data.chunks_exact(4).map(|group| Value::Uint(bytes::u32(group, 0).into())).collect();
    if items.is_empty() && shown > 0 {
        return given.address();
    }
    let end = if items.len() == count {
        End::Complete
    } else if items.len() >= shown {
        End::Abbreviated
    } else {
        End::Unreadable(given.pointer.wrapping_add(4 * items.len() as u64))
    };
    Value::Array { items, end }
}

/// `struct tcp_ao_add` (include/uapi/linux/tcp.h), which may be given in part: the rest counts as zero.
fn ao_key(given: &Given<'_>) -> Value {
    const SIZE: usize = 288;
    let length = usize::try_from(given.length).unwrap_or(0).min(SIZE);
    let data = if length == 0 { None } else { given.context.all(given.pointer, length) };
    let Some(mut data) = data else { return given.address() };
    data.resize(SIZE, 0);
    let context = given.context;
    let bits = bytes::u32(&data, 196);
    let byte = |at: usize| Value::Uint(data[at].into());
    let key = usize::from(data[207]).min(80);
    Value::Struct(vec![
        field("addr", embedded(context, &data, 128)),
        field("prefix", byte(202)),
        field("alg_name", Value::string(&data[128..192])),
        field("ifindex", Value::interface(context, bytes::u32(&data, 192))),
        field("set_current", Value::Uint((bits & 1).into())),
        field("set_rnext", Value::Uint((bits >> 1 & 1).into())),
        field("sndid", byte(203)),
        field("rcvid", byte(204)),
        field("maclen", byte(205)),
        field("keyflags", Value::Flags(&AO_KEY_FLAGS, data[206].into())),
        field("key", Value::hex_bytes(&data[208..208 + key])),
        field("keylen", byte(207)),
    ])
}
