//! Options' values as strace shows them.

use super::layout::{Kind, Layout, cut_record, embedded, record, single, size};
use super::{Given, filter, structures};
use crate::tables::options::{
    AO_KEY_FLAGS, ICMP_TYPES, INTERNAL_ERRORS, TIPC_GROUP_FLAGS, TIPC_IMPORTANCE, TIPC_SCOPES, TXREHASH,
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
static RULES: &[(u32, Way, &[u32], Rule)] = &[
    (1, Way::Set, &[13], Rule::Whole(structures::LINGER)),
    (1, Way::Get, &[13], Rule::Cut(structures::LINGER)),
    (1, Way::Get, &[17], Rule::Cut(structures::UCRED)),
    (1, Way::Set, &[26, 51], Rule::By(filter::program)),
    (1, Way::Get, &[26], Rule::By(filter::got)),
    (1, Way::Get, &[4], Rule::By(error)),
    (1, Way::Both, &[74], Rule::By(txrehash)),
    (1, Way::Get, &[77], Rule::Int),
    (1, Way::Both, INTS, Rule::Int),
    (0, Way::Set, &[35, 36], Rule::Whole(structures::IP_MREQ)),
    (0, Way::Set, &[42, 45], Rule::Whole(structures::GROUP_REQ)),
    (0, Way::Both, &[51], Rule::By(port_range)),
    (0, Way::Get, &[52], Rule::By(protocol)),
    (41, Way::Set, &[20, 21, 27, 28], Rule::Whole(structures::IPV6_MREQ)),
    (41, Way::Set, &[42, 45], Rule::Whole(structures::GROUP_REQ)),
    (6, Way::Set, &[38], Rule::By(ao_key)),
    (263, Way::Set, &[5, 13], Rule::Exact(structures::TPACKET_REQ)),
    (263, Way::Set, &[1, 2], Rule::By(packet_membership)),
    (263, Way::Get, &[6], Rule::Cut(structures::TPACKET_STATS)),
    (255, Way::Both, &[1], Rule::By(icmp_filter)),
    (270, Way::Get, &[9], Rule::By(memberships)),
    (270, Way::Get, &[], Rule::AnyInt),
    (270, Way::Set, &[], Rule::Int),
    (271, Way::Both, &[127], Rule::By(importance)),
    (271, Way::Both, &[135], Rule::By(group)),
    (271, Way::Both, &[], Rule::AnyInt),
];

/// Options of SOL_SOCKET that are ints.
const INTS: &[u32] = &[
    1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 27, 29, 30, 32, 33, 34, 35, 36, 37, 40, 41, 42, 43,
    44, 45, 46, 49, 53, 56, 60, 63, 64, 65, 68, 69, 70, 73, 75, 76, 82, 83, 84,
];

pub(super) fn value(given: &Given<'_>) -> Value {
    let rule = RULES.iter().find(|(level, way, names, _)| {
        *level == given.level
            && (names.is_empty() || names.contains(&given.name))
            && (*way == Way::Both || (*way == Way::Get) == given.get)
    });
    let length = usize::try_from(given.length).unwrap_or(0);
    match rule.map(|(_, _, _, rule)| *rule) {
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

fn group(given: &Given<'_>) -> Value {
    let data = if given.length < 16 { None } else { given.context.all(given.pointer, 16) };
    let Some(data) = data else { return given.address() };
    Value::Struct(vec![
        field("type", Value::Uint(bytes::u32(&data, 0).into())),
        field("instance", Value::Uint(bytes::u32(&data, 4).into())),
        field("scope", Value::Symbol(&TIPC_SCOPES, bytes::u32(&data, 8).into())),
        field("flags", Value::Flags(&TIPC_GROUP_FLAGS, bytes::u32(&data, 12).into())),
    ])
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
        field("ifindex", single(context, Kind::Interface, &data[192..]).unwrap_or(Value::Word("?"))),
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
