//! Options' values that strace leaves as a number or bytes.

use super::layout::{Kind, Layout, array, embedded, record, single, size};
use super::{Given, details, structures};
use crate::tables::options::{
    ADDRESS_PREFERENCES, BUFFER_LOCKS, FANOUT_FLAGS, FANOUT_TYPES, ICMPV6_TYPES, PMTU_DISCOVERY,
    PMTU_DISCOVERY6, TCP_QUEUES, TCP_REPAIR, TIMESTAMPING, TPACKET_VERSIONS, UDP_ENCAPSULATIONS,
};
use crate::tables::{FAMILIES, TYPES};
use crate::{Context, Value, bytes, field};

/// How a value's bytes are shown.
#[derive(Clone, Copy)]
enum Shape {
    /// One value.
    One(Kind),
    /// A structure, or as many of its members as there are.
    Record(Layout),
    /// As many values as there are.
    Many(Kind),
    /// Text that ends at a zero byte, if there is one.
    Text,
    /// Bytes that are no text.
    Hex,
    /// A socket address.
    Address,
    /// Anything else.
    By(fn(&Context<'_>, &[u8]) -> Option<Value>),
}

/// Shapes by level and option. Those of which more is said than strace says where they are set may be got too, and the
/// other way round: the kernel would refuse what is not.
static SHAPES: &[(u32, &[u32], Shape)] = &[
    (1, &[3], Shape::One(Kind::Symbol(&TYPES, 4))),
    (1, &[20, 21], Shape::Record(details::TIMEVAL)),
    (1, &[66, 67], Shape::Record(details::SOCK_TIMEVAL)),
    (1, &[25, 31], Shape::Text),
    (1, &[28], Shape::Address),
    (1, &[37, 65], Shape::By(timestamping)),
    (1, &[39], Shape::One(Kind::Symbol(&FAMILIES, 4))),
    (1, &[47], Shape::By(rate)),
    (1, &[50, 52, 77], Shape::One(Kind::Fd)),
    (1, &[55], Shape::Record(details::MEMINFO)),
    (1, &[57, 71], Shape::One(Kind::Hex(8))),
    (1, &[59], Shape::Many(Kind::Id)),
    (1, &[61], Shape::Record(details::SOCK_TXTIME)),
    (1, &[72], Shape::One(Kind::Flags(&BUFFER_LOCKS, 4))),
    (1, &[80], Shape::Many(Kind::Record(details::DMABUF_TOKEN))),
    (0, &[10], Shape::One(Kind::Symbol(&PMTU_DISCOVERY, 4))),
    (0, &[32], Shape::By(multicast_interface)),
    (0, &[35, 36], Shape::By(membership)),
    (0, &[37, 38, 39, 40], Shape::Record(details::IP_MREQ_SOURCE)),
    (0, &[41], Shape::Record(details::IP_MSFILTER)),
    (0, &[43, 44, 46, 47], Shape::Record(details::GROUP_SOURCE_REQ)),
    (0, &[48], Shape::Record(details::GROUP_FILTER)),
    (0, &[50], Shape::One(Kind::InterfaceBig)),
    (0, &[80], Shape::Address),
    (41, &[1], Shape::One(Kind::Symbol(&FAMILIES, 4))),
    (41, &[2, 50], Shape::Record(details::IN6_PKTINFO)),
    (41, &[9, 80], Shape::Address),
    (41, &[17], Shape::One(Kind::Interface)),
    (41, &[23], Shape::One(Kind::Symbol(&PMTU_DISCOVERY6, 4))),
    (41, &[32], Shape::Record(details::FLOWLABEL_REQ)),
    (41, &[43, 44, 46, 47], Shape::Record(details::GROUP_SOURCE_REQ)),
    (41, &[48], Shape::Record(details::GROUP_FILTER)),
    (41, &[61], Shape::Record(details::IP6_MTUINFO)),
    (41, &[72], Shape::One(Kind::Flags(&ADDRESS_PREFERENCES, 4))),
    (41, &[76], Shape::One(Kind::InterfaceBig)),
    (58, &[1], Shape::By(icmpv6_filter)),
    (6, &[11], Shape::Record(details::TCP_INFO)),
    (6, &[13, 31], Shape::Text),
    (6, &[14, 32], Shape::By(md5_key)),
    (6, &[19], Shape::One(Kind::Symbol(&TCP_REPAIR, 4))),
    (6, &[20], Shape::One(Kind::Symbol(&TCP_QUEUES, 4))),
    (6, &[21, 24], Shape::One(Kind::Uint(4))),
    (6, &[22], Shape::Many(Kind::Record(details::TCP_REPAIR_OPT))),
    (6, &[28, 33], Shape::Hex),
    (6, &[29], Shape::Record(details::TCP_REPAIR_WINDOW)),
    (6, &[35], Shape::Record(details::TCP_ZEROCOPY_RECEIVE)),
    (17, &[100], Shape::One(Kind::Symbol(&UDP_ENCAPSULATIONS, 4))),
    (282, &[1, 2], Shape::Record(details::TLS_CRYPTO_INFO)),
    (284, &[1], Shape::Record(details::MPTCP_INFO)),
    (263, &[1, 2], Shape::By(packet_membership)),
    (263, &[5, 13], Shape::By(ring)),
    (263, &[10, 11], Shape::One(Kind::Symbol(&TPACKET_VERSIONS, 4))),
    (263, &[18], Shape::By(fanout)),
    (263, &[21], Shape::Record(details::TPACKET_ROLLOVER_STATS)),
    (101, &[1], Shape::Many(Kind::Record(details::CAN_FILTER))),
    (101, &[2], Shape::One(Kind::Hex(4))),
    (40, &[0, 1, 2], Shape::One(Kind::Uint(8))),
    (40, &[6], Shape::Record(details::TIMEVAL)),
    (40, &[8], Shape::Record(details::SOCK_TIMEVAL)),
    (283, &[1], Shape::Record(details::XDP_MMAP_OFFSETS)),
    (283, &[4], Shape::Record(details::XDP_UMEM_REG)),
    (283, &[7], Shape::Record(details::XDP_STATISTICS)),
    (283, &[8], Shape::Record(details::XDP_OPTIONS)),
    (132, &[0], Shape::Record(details::SCTP_RTOINFO)),
    (132, &[1], Shape::Record(details::SCTP_ASSOCPARAMS)),
    (132, &[2], Shape::Record(details::SCTP_INITMSG)),
    (132, &[13, 17, 20], Shape::Record(details::SCTP_ASSOC_VALUE)),
    (132, &[16], Shape::Record(details::SCTP_SACK_INFO)),
    (132, &[34], Shape::Record(details::SCTP_SNDINFO)),
    (132, &[127], Shape::Record(details::SCTP_EVENT)),
    (274, &[4], Shape::Record(details::BT_SECURITY)),
];

/// Bytes of a value that are looked at: any list that a person would read fits.
const MOST: usize = 4096;

/// What there is to say, if there is more than strace says.
pub(super) fn value(given: &Given<'_>) -> Option<Value> {
    let (_, _, shape) =
        SHAPES.iter().find(|(level, names, _)| *level == given.level && names.contains(&given.name))?;
    let context = given.context;
    let data = given.bytes(MOST);
    if data.is_empty() {
        return None;
    }
    match *shape {
        Shape::One(kind) => single(context, kind, &data).map(Value::behind),
        Shape::Record(layout) => some_of(context, layout, &data),
        Shape::Many(kind) => Some(array(context, kind, &data)),
        Shape::Text => {
            let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
            Some(Value::bytes(&data[..end]))
        }
        Shape::Hex => Some(Value::hex_bytes(data)),
        Shape::Address => Some(embedded(context, &data, data.len())),
        Shape::By(show) => show(context, &data),
    }
}

/// A structure, unless not even its first member is there.
fn some_of(context: &Context<'_>, layout: Layout, data: &[u8]) -> Option<Value> {
    match record(context, layout, data) {
        Value::Struct(fields) if fields.is_empty() => None,
        shown => Some(shown),
    }
}

/// Flags, or `struct so_timestamping`.
fn timestamping(context: &Context<'_>, data: &[u8]) -> Option<Value> {
    if data.len() >= size(details::SO_TIMESTAMPING, context.abi) {
        return Some(record(context, details::SO_TIMESTAMPING, data));
    }
    single(context, Kind::Flags(&TIMESTAMPING, 4), data).map(Value::behind)
}

/// Bytes each second, in an `unsigned int` or an `unsigned long`.
fn rate(context: &Context<'_>, data: &[u8]) -> Option<Value> {
    let kind = if data.len() >= 8 { Kind::Uint(8) } else { Kind::Uint(4) };
    single(context, kind, data).map(Value::behind)
}

/// An address, or one of two structures (net/ipv4/ip_sockglue.c, IP_MULTICAST_IF).
fn multicast_interface(context: &Context<'_>, data: &[u8]) -> Option<Value> {
    match data.len() {
        12.. => Some(record(context, details::IP_MREQN, data)),
        8.. => Some(record(context, structures::IP_MREQ, data)),
        _ => single(context, Kind::Inet, data).map(Value::behind),
    }
}

/// The longer of the two structures that a membership can be asked for with.
fn membership(context: &Context<'_>, data: &[u8]) -> Option<Value> {
    (data.len() >= size(details::IP_MREQN, context.abi)).then(|| record(context, details::IP_MREQN, data))
}

/// `struct packet_mreq`, or longer: the kernel takes any length that the address fits in.
fn packet_membership(context: &Context<'_>, data: &[u8]) -> Option<Value> {
    (data.len() >= 8).then(|| structures::packet_mreq(context, data))
}

/// `struct tpacket_req3`; strace shows the other one.
fn ring(context: &Context<'_>, data: &[u8]) -> Option<Value> {
    (data.len() >= size(details::TPACKET_REQ3, context.abi))
        .then(|| record(context, details::TPACKET_REQ3, data))
}

/// An int that is a group's number, and how it is shared out (net/packet/af_packet.c).
fn fanout(_: &Context<'_>, data: &[u8]) -> Option<Value> {
    if data.len() < 4 {
        return None;
    }
    let how = u64::from(bytes::u16(data, 2));
    let mut parts = vec![Value::Symbol(&FANOUT_TYPES, how & 0xff)];
    if how & 0xff00 != 0 {
        parts.push(Value::Flags(&FANOUT_FLAGS, how & 0xff00));
    }
    let mut fields =
        vec![field("id", Value::Uint(bytes::u16(data, 0).into())), field("type", Value::Joined(parts))];
    if data.len() >= 8 {
        fields.push(field("max_num_members", Value::Uint(bytes::u32(data, 4).into())));
    }
    Some(Value::Struct(fields))
}

/// `struct tcp_md5sig`, and of its key what is used.
fn md5_key(context: &Context<'_>, data: &[u8]) -> Option<Value> {
    let head = size(details::TCP_MD5SIG, context.abi);
    let Value::Struct(mut fields) = some_of(context, details::TCP_MD5SIG, data)? else { return None };
    if let Some(key) = data.get(head..) {
        let used = usize::from(bytes::u16(data, 130)).min(key.len()).min(80);
        fields.push(field("tcpm_key", Value::hex_bytes(&key[..used])));
    }
    Some(Value::Struct(fields))
}

/// ICMPv6 types, of which those in the set are dropped.
fn icmpv6_filter(_: &Context<'_>, data: &[u8]) -> Option<Value> {
    let data = data.first_chunk::<32>()?;
    let dropped = |kind: u64| data[kind as usize / 8] >> (kind % 8) & 1 != 0;
    let inverted = (0..256).filter(|kind| dropped(*kind)).count() > 128;
    let told = (0..256).filter(|kind| dropped(*kind) != inverted);
    Some(Value::Set { items: told.map(|kind| Value::Symbol(&ICMPV6_TYPES, kind)).collect(), inverted })
}
