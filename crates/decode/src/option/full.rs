//! Options' values that strace leaves as a number or bytes.

use super::layout::{Kind, Layout, array, embedded, record, single, size};
use super::{Given, Of, details, of, structures};
use crate::tables::options::{
    ADDRESS_PREFERENCES, BLUETOOTH, BUFFER_LOCKS, CAN_RAW, FANOUT_FLAGS, FANOUT_TYPES, ICMPV6, ICMPV6_TYPES,
    IP, IPV6, MPTCP, PACKET, PMTU_DISCOVERY, PMTU_DISCOVERY6, SCTP, SOCKET, TCP, TCP_QUEUES, TCP_REPAIR,
    TIMESTAMPING, TLS, TPACKET_VERSIONS, UDP, UDP_ENCAPSULATIONS, VSOCK, XDP,
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

/// Shapes by level and option, whether it is set or got.
static SHAPES: &[(Of, Shape)] = &[
    (of!(SOCKET: SO_TYPE), Shape::One(Kind::Symbol(&TYPES, 4))),
    (of!(SOCKET: SO_RCVTIMEO_OLD SO_SNDTIMEO_OLD), Shape::Record(details::TIMEVAL)),
    (of!(SOCKET: SO_RCVTIMEO_NEW SO_SNDTIMEO_NEW), Shape::Record(details::SOCK_TIMEVAL)),
    (of!(SOCKET: SO_BINDTODEVICE SO_PEERSEC), Shape::Text),
    (of!(SOCKET: SO_PEERNAME), Shape::Address),
    (of!(SOCKET: SO_TIMESTAMPING_OLD SO_TIMESTAMPING_NEW), Shape::By(timestamping)),
    (of!(SOCKET: SO_DOMAIN), Shape::One(Kind::Symbol(&FAMILIES, 4))),
    (of!(SOCKET: SO_MAX_PACING_RATE), Shape::By(rate)),
    (of!(SOCKET: SO_ATTACH_BPF SO_ATTACH_REUSEPORT_EBPF SO_PEERPIDFD), Shape::One(Kind::Fd)),
    (of!(SOCKET: SO_MEMINFO), Shape::Record(details::MEMINFO)),
    (of!(SOCKET: SO_COOKIE SO_NETNS_COOKIE), Shape::One(Kind::Hex(8))),
    (of!(SOCKET: SO_PEERGROUPS), Shape::Many(Kind::Id)),
    (of!(SOCKET: SO_TXTIME), Shape::Record(details::SOCK_TXTIME)),
    (of!(SOCKET: SO_BUF_LOCK), Shape::One(Kind::Flags(&BUFFER_LOCKS, 4))),
    (of!(SOCKET: SO_DEVMEM_DONTNEED), Shape::Many(Kind::Record(details::DMABUF_TOKEN))),
    (of!(IP: IP_MTU_DISCOVER), Shape::One(Kind::Symbol(&PMTU_DISCOVERY, 4))),
    (of!(IP: IP_MULTICAST_IF), Shape::By(multicast_interface)),
    (of!(IP: IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP), Shape::By(membership)),
    (
        of!(IP: IP_UNBLOCK_SOURCE IP_BLOCK_SOURCE IP_ADD_SOURCE_MEMBERSHIP IP_DROP_SOURCE_MEMBERSHIP),
        Shape::Record(details::IP_MREQ_SOURCE),
    ),
    (of!(IP: IP_MSFILTER), Shape::Record(details::IP_MSFILTER)),
    (
        of!(IP: MCAST_BLOCK_SOURCE MCAST_UNBLOCK_SOURCE MCAST_JOIN_SOURCE_GROUP MCAST_LEAVE_SOURCE_GROUP),
        Shape::Record(details::GROUP_SOURCE_REQ),
    ),
    (of!(IP: MCAST_MSFILTER), Shape::Record(details::GROUP_FILTER)),
    (of!(IP: IP_UNICAST_IF), Shape::One(Kind::InterfaceBig)),
    (of!(IP: SO_ORIGINAL_DST), Shape::Address),
    (of!(IPV6: IPV6_ADDRFORM), Shape::One(Kind::Symbol(&FAMILIES, 4))),
    (of!(IPV6: IPV6_2292PKTINFO IPV6_PKTINFO), Shape::Record(details::IN6_PKTINFO)),
    (of!(IPV6: IPV6_NEXTHOP IP6T_SO_ORIGINAL_DST), Shape::Address),
    (of!(IPV6: IPV6_MULTICAST_IF), Shape::One(Kind::Interface)),
    (of!(IPV6: IPV6_MTU_DISCOVER), Shape::One(Kind::Symbol(&PMTU_DISCOVERY6, 4))),
    (of!(IPV6: IPV6_FLOWLABEL_MGR), Shape::Record(details::FLOWLABEL_REQ)),
    (
        of!(IPV6: MCAST_BLOCK_SOURCE MCAST_UNBLOCK_SOURCE MCAST_JOIN_SOURCE_GROUP MCAST_LEAVE_SOURCE_GROUP),
        Shape::Record(details::GROUP_SOURCE_REQ),
    ),
    (of!(IPV6: MCAST_MSFILTER), Shape::Record(details::GROUP_FILTER)),
    (of!(IPV6: IPV6_PATHMTU), Shape::Record(details::IP6_MTUINFO)),
    (of!(IPV6: IPV6_ADDR_PREFERENCES), Shape::One(Kind::Flags(&ADDRESS_PREFERENCES, 4))),
    (of!(IPV6: IPV6_UNICAST_IF), Shape::One(Kind::InterfaceBig)),
    (of!(ICMPV6: ICMPV6_FILTER), Shape::By(icmpv6_filter)),
    (of!(TCP: TCP_INFO), Shape::Record(details::TCP_INFO)),
    (of!(TCP: TCP_CONGESTION TCP_ULP), Shape::Text),
    (of!(TCP: TCP_MD5SIG TCP_MD5SIG_EXT), Shape::By(md5_key)),
    (of!(TCP: TCP_REPAIR), Shape::One(Kind::Symbol(&TCP_REPAIR, 4))),
    (of!(TCP: TCP_REPAIR_QUEUE), Shape::One(Kind::Symbol(&TCP_QUEUES, 4))),
    (of!(TCP: TCP_QUEUE_SEQ TCP_TIMESTAMP), Shape::One(Kind::Uint(4))),
    (of!(TCP: TCP_REPAIR_OPTIONS), Shape::Many(Kind::Record(details::TCP_REPAIR_OPT))),
    (of!(TCP: TCP_SAVED_SYN TCP_FASTOPEN_KEY), Shape::Hex),
    (of!(TCP: TCP_REPAIR_WINDOW), Shape::Record(details::TCP_REPAIR_WINDOW)),
    (of!(TCP: TCP_ZEROCOPY_RECEIVE), Shape::Record(details::TCP_ZEROCOPY_RECEIVE)),
    (of!(UDP: UDP_ENCAP), Shape::One(Kind::Symbol(&UDP_ENCAPSULATIONS, 4))),
    (of!(TLS: TLS_TX TLS_RX), Shape::Record(details::TLS_CRYPTO_INFO)),
    (of!(MPTCP: MPTCP_INFO), Shape::Record(details::MPTCP_INFO)),
    (of!(PACKET: PACKET_ADD_MEMBERSHIP PACKET_DROP_MEMBERSHIP), Shape::By(packet_membership)),
    (of!(PACKET: PACKET_RX_RING PACKET_TX_RING), Shape::By(ring)),
    (of!(PACKET: PACKET_VERSION), Shape::One(Kind::Symbol(&TPACKET_VERSIONS, 4))),
    (of!(PACKET: PACKET_FANOUT), Shape::By(fanout)),
    (of!(PACKET: PACKET_ROLLOVER_STATS), Shape::Record(details::TPACKET_ROLLOVER_STATS)),
    (of!(CAN_RAW: CAN_RAW_FILTER), Shape::Many(Kind::Record(details::CAN_FILTER))),
    (of!(CAN_RAW: CAN_RAW_ERR_FILTER), Shape::One(Kind::Hex(4))),
    (
        of!(VSOCK: SO_VM_SOCKETS_BUFFER_SIZE SO_VM_SOCKETS_BUFFER_MIN_SIZE SO_VM_SOCKETS_BUFFER_MAX_SIZE),
        Shape::One(Kind::Uint(8)),
    ),
    (of!(VSOCK: SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD), Shape::Record(details::TIMEVAL)),
    (of!(VSOCK: SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW), Shape::Record(details::SOCK_TIMEVAL)),
    (of!(XDP: XDP_MMAP_OFFSETS), Shape::Record(details::XDP_MMAP_OFFSETS)),
    (of!(XDP: XDP_UMEM_REG), Shape::Record(details::XDP_UMEM_REG)),
    (of!(XDP: XDP_STATISTICS), Shape::Record(details::XDP_STATISTICS)),
    (of!(XDP: XDP_OPTIONS), Shape::Record(details::XDP_OPTIONS)),
    (of!(SCTP: SCTP_RTOINFO), Shape::Record(details::SCTP_RTOINFO)),
    (of!(SCTP: SCTP_ASSOCINFO), Shape::Record(details::SCTP_ASSOCPARAMS)),
    (of!(SCTP: SCTP_INITMSG), Shape::Record(details::SCTP_INITMSG)),
    (of!(SCTP: SCTP_MAXSEG SCTP_CONTEXT SCTP_MAX_BURST), Shape::By(of_association)),
    (of!(SCTP: SCTP_DELAYED_SACK), Shape::Record(details::SCTP_SACK_INFO)),
    (of!(SCTP: SCTP_DEFAULT_SNDINFO), Shape::Record(details::SCTP_SNDINFO)),
    (of!(SCTP: SCTP_EVENT), Shape::Record(details::SCTP_EVENT)),
    (of!(BLUETOOTH: BT_SECURITY), Shape::Record(details::BT_SECURITY)),
];

/// Bytes of a value that are looked at: any list that a person would read fits.
const MOST: usize = 4096;

/// What there is to say, if there is more than strace says.
pub(super) fn value(given: &Given<'_>) -> Option<Value> {
    let (_, shape) =
        SHAPES.iter().find(|((level, names), _)| *level == given.level && names.contains(&given.name))?;
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

/// `struct sctp_assoc_value`; an int would be of all associations (net/sctp/socket.c).
fn of_association(context: &Context<'_>, data: &[u8]) -> Option<Value> {
    let layout = details::SCTP_ASSOC_VALUE;
    (data.len() >= size(layout, context.abi)).then(|| record(context, layout, data))
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
