//! What a socket is: family, type, protocol, as the kernel understands them.

use crate::names;

/// Families that the rules treat specially (include/linux/socket.h).
pub(crate) const UNIX: u32 = 1;
pub(crate) const INET: u32 = 2;
pub(crate) const INET6: u32 = 10;
pub(crate) const NETLINK: u32 = 16;
pub(crate) const PACKET: u32 = 17;
pub(crate) const VSOCK: u32 = 40;

/// Types (include/linux/net.h).
pub(crate) const STREAM: u32 = 1;
pub(crate) const DGRAM: u32 = 2;
pub(crate) const RAW: u32 = 3;
pub(crate) const SEQPACKET: u32 = 5;
const SOCK_PACKET: u32 = 10;
/// The bits of a type that say which it is (`SOCK_TYPE_MASK`).
pub(crate) const TYPE_MASK: u32 = 0xf;

/// Protocols of IP (include/uapi/linux/in.h).
const ICMP: u32 = 1;
pub(crate) const TCP: u32 = 6;
pub(crate) const UDP: u32 = 17;
const ICMPV6: u32 = 58;
const SCTP: u32 = 132;
pub(crate) const MPTCP: u32 = 262;

/// A socket's family, type and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket {
    /// The family, `AF_*`.
    pub family: u32,
    /// The type, `SOCK_*`, without flags.
    pub ty: u32,
    /// The protocol; never 0 where 0 stands for another.
    pub protocol: u32,
}

impl Socket {
    /// What `socket(family, ty, protocol)` makes; or what SO_DOMAIN, SO_TYPE and SO_PROTOCOL say of a socket that
    /// is there.
    ///
    /// The kernel takes three ints, and type has flags above [`TYPE_MASK`]. `(AF_INET, SOCK_PACKET)` is a
    /// packet socket (net/socket.c, `__sock_create`), and a protocol of 0 is the type's usual one
    /// (net/ipv4/af_inet.c, `inetsw_array`). A unix socket of type raw is one of datagrams. Sockets of unix and vsock
    /// have no protocol but their own: the kernel makes none with another (net/unix/af_unix.c, `unix_create`;
    /// net/vmw_vsock/af_vsock.c, `vsock_create`).
    #[must_use]
    pub const fn new(family: u32, ty: u32, protocol: u32) -> Socket {
        let ty = ty & TYPE_MASK;
        match (family, ty, protocol) {
            (INET, SOCK_PACKET, _) => Socket { family: PACKET, ty, protocol },
            (INET | INET6, STREAM, 0) => Socket { family, ty, protocol: TCP },
            (INET | INET6, DGRAM, 0) => Socket { family, ty, protocol: UDP },
            (INET | INET6, SEQPACKET, 0) => Socket { family, ty, protocol: SCTP },
            (UNIX, RAW, _) => Socket { family, ty: DGRAM, protocol: 0 },
            (UNIX | VSOCK, _, _) => Socket { family, ty, protocol: 0 },
            _ => Socket { family, ty, protocol },
        }
    }

    /// Every socket whose addresses the rules understand: TCP, MPTCP, UDP, ping, unix, vsock.
    pub(crate) const MODELLED: [Socket; 14] = {
        const fn socket(family: u32, ty: u32, protocol: u32) -> Socket {
            Socket { family, ty, protocol }
        }
        [
            socket(INET, STREAM, TCP),
            socket(INET, STREAM, MPTCP),
            socket(INET, DGRAM, UDP),
            socket(INET, DGRAM, ICMP),
            socket(INET6, STREAM, TCP),
            socket(INET6, STREAM, MPTCP),
            socket(INET6, DGRAM, UDP),
            socket(INET6, DGRAM, ICMPV6),
            socket(UNIX, STREAM, 0),
            socket(UNIX, DGRAM, 0),
            socket(UNIX, SEQPACKET, 0),
            socket(VSOCK, STREAM, 0),
            socket(VSOCK, DGRAM, 0),
            socket(VSOCK, SEQPACKET, 0),
        ]
    };

    /// Whether the rules understand its addresses. Others can carry headers of their own, connect by an option,
    /// or name peers in ways that no address rule knows.
    #[must_use]
    pub fn is_modelled(self) -> bool {
        Socket::MODELLED.contains(&self)
    }

    /// Whether it speaks IP.
    #[must_use]
    pub const fn is_inet(self) -> bool {
        matches!(self.family, INET | INET6)
    }
}

/// `inet stream tcp`
impl std::fmt::Display for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", names::family_name(self.family), names::type_name(self.ty))?;
        if self.protocol != 0 {
            write!(f, " {}", names::protocol_name(self.family, self.protocol))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_what_the_kernel_makes_of_three_ints() {
        const CLOEXEC: u32 = 0o2_000_000;
        let cases = [
            ((INET, STREAM, 0), (INET, STREAM, TCP)),
            ((INET6, DGRAM | CLOEXEC, 0), (INET6, DGRAM, UDP)),
            ((INET, SOCK_PACKET, 768), (PACKET, SOCK_PACKET, 768)),
            ((UNIX, RAW, 0), (UNIX, DGRAM, 0)),
            ((UNIX, STREAM, 1), (UNIX, STREAM, 0)),
            ((VSOCK, STREAM, 40), (VSOCK, STREAM, 0)),
            ((NETLINK, RAW, 0), (NETLINK, RAW, 0)),
            ((INET, RAW, 255), (INET, RAW, 255)),
        ];
        for ((family, ty, protocol), (a, b, c)) in cases {
            let made = Socket::new(family, ty, protocol);
            assert_eq!(made, Socket { family: a, ty: b, protocol: c });
            // What the kernel says of it afterwards is the same.
            assert_eq!(Socket::new(made.family, made.ty, made.protocol), made);
        }
        assert!(Socket::new(INET, DGRAM, ICMP).is_modelled());
        assert!(!Socket::new(INET, RAW, ICMP).is_modelled());
        assert!(!Socket::new(INET, STREAM, SCTP).is_modelled());
        assert!(!Socket::new(INET6, DGRAM, ICMP).is_modelled());
    }
}
