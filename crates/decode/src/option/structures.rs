//! Structures that strace shows.

use super::layout::{Kind, Layout, member};
use crate::tables::options::{PACKET_MEMBERSHIPS, TIPC_GROUP_FLAGS, TIPC_SCOPES};
use crate::{Context, Value, bytes, field};

/// `struct linger` (include/linux/socket.h).
pub(super) const LINGER: Layout = &[member("l_onoff", Kind::Int(4)), member("l_linger", Kind::Int(4))];

/// `struct ucred` (include/linux/socket.h).
pub(super) const UCRED: Layout =
    &[member("pid", Kind::Int(4)), member("uid", Kind::Id), member("gid", Kind::Id)];

/// `struct ip_mreq` (include/uapi/linux/in.h).
pub(super) const IP_MREQ: Layout =
    &[member("imr_multiaddr", Kind::Inet), member("imr_interface", Kind::Inet)];

/// `struct ipv6_mreq` (include/uapi/linux/in6.h).
pub(super) const IPV6_MREQ: Layout =
    &[member("ipv6mr_multiaddr", Kind::Inet6), member("ipv6mr_interface", Kind::Interface)];

/// `struct group_req` (include/uapi/linux/in.h).
pub(super) const GROUP_REQ: Layout =
    &[member("gr_interface", Kind::Interface), member("gr_group", Kind::Address)];

/// `struct tpacket_req` (include/uapi/linux/if_packet.h).
pub(super) const TPACKET_REQ: Layout = &[
    member("tp_block_size", Kind::Uint(4)),
    member("tp_block_nr", Kind::Uint(4)),
    member("tp_frame_size", Kind::Uint(4)),
    member("tp_frame_nr", Kind::Uint(4)),
];

/// `union tpacket_stats_u` (include/uapi/linux/if_packet.h).
pub(super) const TPACKET_STATS: Layout = &[
    member("tp_packets", Kind::Uint(4)),
    member("tp_drops", Kind::Uint(4)),
    member("tp_freeze_q_cnt", Kind::Uint(4)),
];

/// `struct tipc_group_req` (include/uapi/linux/tipc.h).
pub(super) const TIPC_GROUP_REQ: Layout = &[
    member("type", Kind::Uint(4)),
    member("instance", Kind::Uint(4)),
    member("scope", Kind::Symbol(&TIPC_SCOPES, 4)),
    member("flags", Kind::Flags(&TIPC_GROUP_FLAGS, 4)),
];

/// `struct packet_mreq` (include/uapi/linux/if_packet.h), or the longer one that the kernel takes too: its address is as
/// long as it says itself, and fits.
pub(super) fn packet_mreq(context: &Context<'_>, data: &[u8]) -> Value {
    let length = bytes::u16(data, 6);
    let address = data.get(8..).unwrap_or(&[]);
    Value::Struct(vec![
        field("mr_ifindex", Value::interface(context, bytes::u32(data, 0))),
        field("mr_type", Value::Symbol(&PACKET_MEMBERSHIPS, bytes::u16(data, 4).into())),
        field("mr_alen", Value::Uint(length.into())),
        field("mr_address", Value::hardware(&address[..address.len().min(length.into())])),
    ])
}
