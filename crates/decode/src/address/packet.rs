//! Addresses of network devices: AF_PACKET (packet(7)) and AF_XDP (include/uapi/linux/if_xdp.h).

use super::bytes::Bytes;
use crate::tables::HARDWARE;
use crate::tables::addresses::{PACKET_TYPES, XDP_FLAGS};
use crate::tables::protocols::ETHERNET;
use crate::{Context, End, Field, Value, field};

/// A packet socket's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The protocol, `ETH_P_*`.
    pub protocol: u16,
    /// The interface's index; 0 is any.
    pub interface: u32,
    /// The type of hardware address, `ARPHRD_*`.
    pub hardware: u16,
    /// The type of packet, `PACKET_*`.
    pub packet_type: u8,
    /// How long the hardware address is said to be.
    pub length: u8,
    /// The hardware address, as far as the address goes.
    pub address: Vec<u8>,
}

impl Packet {
    /// Bytes of `struct sockaddr_ll`, with room for 8 bytes of hardware address; the kernel refuses fewer.
    const SHORTEST: usize = 20;
    /// Where the hardware address stands.
    const ADDRESS: usize = 12;

    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Packet> {
        let length = bytes.u8(11);
        (bytes.len() >= Packet::SHORTEST).then(|| Packet {
            protocol: bytes.net16(2),
            interface: bytes.u32(4),
            hardware: bytes.u16(8),
            packet_type: bytes.u8(10),
            length,
            address: bytes.range(Packet::ADDRESS, Packet::ADDRESS + usize::from(length)).into(),
        })
    }

    pub(super) fn fields(&self, context: &Context<'_>) -> Vec<Field> {
        let name = Value::Function("htons", vec![Value::Symbol(&ETHERNET, self.protocol.into())]);
        let mut fields = vec![
            field("sll_protocol", Value::named(Value::hex_bytes(self.protocol.to_be_bytes()), name)),
            field("sll_ifindex", Value::interface(context, self.interface)),
            field("sll_hatype", Value::Symbol(&HARDWARE, self.hardware.into())),
            field("sll_pkttype", Value::Symbol(&PACKET_TYPES, self.packet_type.into())),
            field("sll_halen", Value::Uint(self.length.into())),
        ];
        if self.length > 0 {
            let items = self.address.iter().map(|byte| Value::HexWide((*byte).into(), 2)).collect();
            let cut = self.address.len() < usize::from(self.length);
            let end = if cut { End::Abbreviated } else { End::Complete };
            fields.push(field("sll_addr", Value::Array { items, end }));
        }
        fields
    }
}

/// An express data path socket's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xdp {
    /// `XDP_*`.
    pub flags: u16,
    /// The interface's index.
    pub interface: u32,
    /// The interface's queue.
    pub queue: u32,
    /// The socket whose memory is shared, if `flags` say so.
    pub shared: i32,
}

impl Xdp {
    const SHARED_UMEM: u16 = 1;

    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Xdp> {
        (bytes.len() >= 16).then(|| Xdp {
            flags: bytes.u16(2),
            interface: bytes.u32(4),
            queue: bytes.u32(8),
            shared: bytes.i32(12),
        })
    }

    pub(super) fn fields(&self, context: &Context<'_>) -> Vec<Field> {
        let mut fields = vec![
            field("sxdp_flags", Value::Flags(&XDP_FLAGS, self.flags.into())),
            field("sxdp_ifindex", Value::interface(context, self.interface)),
            field("sxdp_queue_id", Value::Uint(self.queue.into())),
        ];
        if self.flags & Xdp::SHARED_UMEM != 0 {
            fields.push(field("sxdp_shared_umem_fd", context.fd(self.shared)));
        } else if self.shared != 0 {
            fields.push(field("sxdp_shared_umem_fd", Value::Hex((self.shared as u32).into())));
        }
        fields
    }
}
