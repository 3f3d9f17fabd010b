//! Socket addresses: what the kernel reads in one, and how it is shown.
//!
//! [`Address::parse`] reads as the kernel does, for those who judge an address. `decode` shows as strace does, for
//! those who look at one: it stands on the same reading, and differs only where strace shows what the kernel
//! refuses (see `show`).

mod bluetooth;
mod bytes;
mod can;
mod inet;
mod local;
mod node;
mod packet;
mod radio;
mod rxrpc;
mod unix;
mod wide;

#[cfg(test)]
mod tests;

pub use bluetooth::Bluetooth;
pub use can::Can;
pub use inet::Inet6;
pub use local::{Alg, Netlink};
pub use node::{Mctp, Qrtr, Tipc, TipcTarget, Vsock};
pub use packet::{Packet, Xdp};
pub use radio::{Ieee802154, Nfc};
pub use rxrpc::Rxrpc;
pub use unix::Unix;
pub use wide::{Ax25, Ipx, X25};

use std::net::SocketAddrV4;

use crate::tables::FAMILIES;
use crate::{Context, Field, Value, field};
use bytes::Bytes;

/// Bytes of the largest address: the kernel refuses a longer one (`struct sockaddr_storage`; net/socket.c,
/// `move_addr_to_kernel`).
pub const LONGEST: usize = 128;

/// Bytes of every address's beginning, its family.
const FAMILY: usize = 2;

/// A socket address, by its family.
///
/// Numbers are in the host's order, but where it is said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// AF_UNSPEC, and what stands behind it: connect(2) dissolves a connection with it. Inet sockets may take it for an
    /// address all the same: see [`Address::as_inet`].
    Unspecified(Vec<u8>),
    /// AF_UNIX.
    Unix(Unix),
    /// AF_INET.
    Inet(SocketAddrV4),
    /// AF_AX25.
    Ax25(Ax25),
    /// AF_IPX.
    Ipx(Ipx),
    /// AF_X25.
    X25(X25),
    /// AF_INET6.
    Inet6(Inet6),
    /// AF_NETLINK.
    Netlink(Netlink),
    /// AF_PACKET.
    Packet(Packet),
    /// AF_CAN.
    Can(Can),
    /// AF_TIPC.
    Tipc(Tipc),
    /// AF_BLUETOOTH.
    Bluetooth(Bluetooth),
    /// AF_RXRPC.
    Rxrpc(Rxrpc),
    /// AF_IEEE802154.
    Ieee802154(Ieee802154),
    /// AF_ALG.
    Alg(Alg),
    /// AF_NFC.
    Nfc(Nfc),
    /// AF_VSOCK.
    Vsock(Vsock),
    /// AF_QIPCRTR.
    Qrtr(Qrtr),
    /// AF_XDP.
    Xdp(Xdp),
    /// AF_MCTP.
    Mctp(Mctp),
    /// All bytes of an address of another family, or of one that is too short or too long for its own, which the kernel
    /// refuses.
    Other(Vec<u8>),
}

/// How a family's addresses are read; `None` if these bytes are none.
type Reader = fn(&Bytes<'_>) -> Option<Address>;

/// The families whose addresses are known (include/linux/socket.h).
static READERS: &[(u16, Reader)] = &[
    (0, |bytes| Some(Address::Unspecified(bytes.from(FAMILY).into()))),
    (1, |bytes| Unix::read(bytes).map(Address::Unix)),
    (2, |bytes| inet::read(bytes).map(Address::Inet)),
    (3, |bytes| Ax25::read(bytes).map(Address::Ax25)),
    (4, |bytes| Ipx::read(bytes).map(Address::Ipx)),
    (9, |bytes| X25::read(bytes).map(Address::X25)),
    (10, |bytes| Inet6::read(bytes).map(Address::Inet6)),
    (16, |bytes| Netlink::read(bytes).map(Address::Netlink)),
    (17, |bytes| Packet::read(bytes).map(Address::Packet)),
    (29, |bytes| Can::read(bytes).map(Address::Can)),
    (30, |bytes| Tipc::read(bytes).map(Address::Tipc)),
    (31, |bytes| Bluetooth::read(bytes).map(Address::Bluetooth)),
    (33, |bytes| Rxrpc::read(bytes).map(Address::Rxrpc)),
    (36, |bytes| Ieee802154::read(bytes).map(Address::Ieee802154)),
    (38, |bytes| Alg::read(bytes).map(Address::Alg)),
    (39, |bytes| Nfc::read(bytes).map(Address::Nfc)),
    (40, |bytes| Vsock::read(bytes).map(Address::Vsock)),
    (42, |bytes| Qrtr::read(bytes).map(Address::Qrtr)),
    (44, |bytes| Xdp::read(bytes).map(Address::Xdp)),
    (45, |bytes| Mctp::read(bytes).map(Address::Mctp)),
];

impl Address {
    /// Reads an address as the kernel would; any bytes are something.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Address {
        let all = Bytes(bytes);
        let readable = (FAMILY..=LONGEST).contains(&bytes.len());
        let reader = READERS.iter().find(|(family, _)| readable && *family == all.u16(0));
        reader.and_then(|(_, read)| read(&all)).unwrap_or_else(|| Address::Other(bytes.into()))
    }

    /// The address family, `AF_*`; 0 where there are too few bytes for one.
    #[must_use]
    pub fn family(&self) -> u16 {
        match self {
            Address::Unspecified(_) => 0,
            Address::Unix(_) => 1,
            Address::Inet(_) => 2,
            Address::Ax25(_) => 3,
            Address::Ipx(_) => 4,
            Address::X25(_) => 9,
            Address::Inet6(_) => 10,
            Address::Netlink(_) => 16,
            Address::Packet(_) => 17,
            Address::Can(_) => 29,
            Address::Tipc(_) => 30,
            Address::Bluetooth(_) => 31,
            Address::Rxrpc(_) => 33,
            Address::Ieee802154(_) => 36,
            Address::Alg(_) => 38,
            Address::Nfc(_) => 39,
            Address::Vsock(_) => 40,
            Address::Qrtr(_) => 42,
            Address::Xdp(_) => 44,
            Address::Mctp(_) => 45,
            Address::Other(bytes) if bytes.len() < FAMILY => 0,
            Address::Other(bytes) => Bytes(bytes).u16(0),
        }
    }

    /// The IPv4 address that the kernel makes of this one, for whoever judges: who looks at AF_INET alone has seen half.
    ///
    /// An inet socket takes AF_UNSPEC for AF_INET for the sake of old programs: when it is told where to send
    /// (net/ipv4/udp.c, `udp_sendmsg`; net/ipv4/raw.c, `raw_sendmsg`), and when it is bound to no particular address
    /// (net/ipv4/af_inet.c, `__inet_bind`). An IPv6 socket goes to ::ffff:127.0.0.1 by IPv4 (net/ipv6/tcp_ipv6.c,
    /// `tcp_v6_connect`).
    #[must_use]
    pub fn as_inet(&self) -> Option<SocketAddrV4> {
        match self {
            Address::Inet(address) => Some(*address),
            Address::Unspecified(data) => inet::read_behind_family(data),
            Address::Inet6(Inet6 { address, .. }) => {
                address.ip().to_ipv4_mapped().map(|mapped| SocketAddrV4::new(mapped, address.port()))
            }
            _ => None,
        }
    }

    /// The fields of the structure behind its family.
    fn fields(&self, context: &Context<'_>) -> Vec<Field> {
        match self {
            Address::Unspecified(data) => vec![field("sa_data", Value::bytes(data.clone()))],
            Address::Unix(address) => address.fields(),
            Address::Inet(address) => inet::fields(address),
            Address::Ax25(address) => address.fields(context),
            Address::Ipx(address) => address.fields(),
            Address::X25(address) => address.fields(),
            Address::Inet6(address) => address.fields(context),
            Address::Netlink(address) => address.fields(),
            Address::Packet(address) => address.fields(context),
            Address::Can(address) => address.fields(context),
            Address::Tipc(address) => address.fields(),
            Address::Bluetooth(address) => address.fields(),
            Address::Rxrpc(address) => address.fields(context),
            Address::Ieee802154(address) => address.fields(),
            Address::Alg(address) => address.fields(),
            Address::Nfc(address) => address.fields(context),
            Address::Vsock(address) => address.fields(),
            Address::Qrtr(address) => address.fields(),
            Address::Xdp(address) => address.fields(context),
            Address::Mctp(address) => address.fields(),
            Address::Other(bytes) => vec![field("sa_data", Value::bytes(Bytes(bytes).from(FAMILY)))],
        }
    }
}

/// The address at `pointer`, of which the program says that it has `length` bytes.
pub(crate) fn decode(context: &Context<'_>, pointer: u64, length: i32) -> Value {
    let length = usize::try_from(length).unwrap_or(0).min(LONGEST);
    if pointer == 0 || length < FAMILY {
        return Value::Pointer(pointer);
    }
    match context.all(pointer, length) {
        Some(bytes) => show(context, &bytes),
        None => Value::Pointer(pointer),
    }
}

/// An address of these bytes, at least two, as strace shows it: it cuts off what is too long, where the kernel
/// refuses the whole.
pub(crate) fn show(context: &Context<'_>, bytes: &[u8]) -> Value {
    let longest = if Bytes(bytes).u16(0) == 1 { unix::LONGEST } else { LONGEST };
    let bytes = &bytes[..bytes.len().min(longest)];
    let family = field("sa_family", Value::Symbol(&FAMILIES, Bytes(bytes).u16(0).into()));
    let whole = |fields: Vec<Field>| Value::Struct([vec![family.clone()], fields].concat());
    if bytes.len() <= FAMILY {
        return whole(vec![]);
    }
    let address = Address::parse(bytes);
    let fields = whole(address.fields(context));
    match address {
        // strace knows the family, and not what its addresses look like.
        Address::Can(_) => Value::beyond(whole(Address::Other(bytes.into()).fields(context)), fields),
        _ => fields,
    }
}
