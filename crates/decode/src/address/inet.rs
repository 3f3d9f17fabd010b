//! AF_INET and AF_INET6 (ip(7), ipv6(7)).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use super::FAMILY;
use super::bytes::Bytes;
use crate::{Context, Field, Value, field};

/// Bytes of `struct sockaddr_in`; the kernel refuses fewer.
const INET: usize = 16;

pub(super) fn read(bytes: &Bytes<'_>) -> Option<SocketAddrV4> {
    read_behind_family(bytes.from(FAMILY))
}

/// What stands behind the family.
pub(super) fn read_behind_family(data: &[u8]) -> Option<SocketAddrV4> {
    let bytes = Bytes(data);
    let address = Ipv4Addr::from(bytes.array::<4>(2));
    (data.len() >= INET - FAMILY).then(|| SocketAddrV4::new(address, bytes.net16(0)))
}

pub(super) fn fields(address: &SocketAddrV4) -> Vec<Field> {
    vec![
        field("sin_port", Value::port(address.port().to_be_bytes())),
        field("sin_addr", Value::inet(address.ip().octets())),
    ]
}

/// An IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inet6 {
    /// As the kernel reads it. The flow information is as it lies in memory, in the network's order; the scope is 0 where
    /// the address ends before it, which the kernel accepts (`SIN6_LEN_RFC2133`, include/net/transp_v6.h).
    pub address: SocketAddrV6,
    /// What there is of the scope's bytes.
    scope: Option<u32>,
}

impl Inet6 {
    /// Bytes of `struct sockaddr_in6`.
    const WHOLE: usize = 28;
    /// Where the scope stands in it; the kernel refuses less.
    const SCOPE: usize = 24;

    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Inet6> {
        if bytes.len() < Inet6::SCOPE {
            return None;
        }
        let scope = (bytes.len() > Inet6::SCOPE).then(|| bytes.u32(Inet6::SCOPE));
        let heeded = scope.filter(|_| bytes.len() >= Inet6::WHOLE).unwrap_or(0);
        let address = Ipv6Addr::from(bytes.array::<16>(8));
        Some(Inet6 { address: SocketAddrV6::new(address, bytes.net16(2), bytes.u32(4), heeded), scope })
    }

    pub(super) fn fields(&self, context: &Context<'_>) -> Vec<Field> {
        let flow = self.address.flowinfo();
        let network = Value::Uint(u32::from_be(flow).into());
        let flow =
            Value::named(Value::hex_bytes(flow.to_le_bytes()), Value::Function("htonl", vec![network]));
        let mut fields = vec![
            field("sin6_port", Value::port(self.address.port().to_be_bytes())),
            field("sin6_flowinfo", flow),
            field("sin6_addr", Value::Inet6(self.address.ip().octets())),
        ];
        if let Some(scope) = self.scope {
            // The scope of a link is an interface.
            let [first, second, ..] = self.address.ip().octets();
            let of_link =
                matches!((first, second & 0xc0), (0xfe, 0x80)) || (first, second & 0xf) == (0xff, 2);
            let scope = if of_link { Value::interface(context, scope) } else { Value::Uint(scope.into()) };
            fields.push(field("sin6_scope_id", scope));
        }
        fields
    }
}
