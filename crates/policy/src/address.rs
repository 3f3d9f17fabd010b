//! Addresses: as rules name them, and as a call carries them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::Errno;
use ipnet::IpNet;

use crate::glob::Glob;
use crate::socket::{INET, INET6, Socket, UNIX, VSOCK};

/// Addresses that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// IPv4, also where it is mapped into IPv6; or IPv6.
    Net(IpNet),
    /// Paths of unix sockets, resolved.
    Path(Glob, String),
    /// Abstract names of unix sockets, without the `@`.
    Abstract(Glob, String),
    /// A context id of vsock; `None` is any.
    Vsock(Option<u32>),
}

impl Pattern {
    /// The families of sockets that can carry such an address.
    pub(crate) const fn families(&self) -> &'static [u32] {
        match self {
            Pattern::Net(IpNet::V4(_)) => &[INET, INET6],
            Pattern::Net(IpNet::V6(_)) => &[INET6],
            Pattern::Path(..) | Pattern::Abstract(..) => &[UNIX],
            Pattern::Vsock(_) => &[VSOCK],
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().fmt(f),
            Pattern::Net(net) => net.fmt(f),
            Pattern::Path(_, text) => f.write_str(text),
            Pattern::Abstract(_, text) => write!(f, "@{text}"),
            Pattern::Vsock(Some(cid)) => write!(f, "vsock:{cid}"),
            Pattern::Vsock(None) => f.write_str("vsock:*"),
        }
    }
}

/// Whom a call speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer<'a> {
    /// Nobody: there is no address.
    None,
    /// Nobody any more: connect with AF_UNSPEC ends an association.
    Disconnect,
    /// An IP address, IPv4 if it was mapped, and a port.
    Ip(IpAddr, u16),
    /// A path, as the program gives it.
    Path(&'a [u8]),
    /// An abstract name, without the zero in front. Empty, where the kernel is asked to choose one.
    Abstract(&'a [u8]),
    /// A context id and a port.
    Vsock(u32, u32),
    /// The kernel answers this, whatever a policy says.
    Malformed(Errno),
}

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Purpose {
    Bind,
    Connect,
    Listen,
    Send,
}

impl<'a> Peer<'a> {
    /// Reads the address of a socket whose addresses are modelled. What the kernel would refuse is
    /// [`Peer::Malformed`].
    pub fn read(socket: Socket, purpose: Purpose, bytes: &'a [u8]) -> Peer<'a> {
        let Some(family) = bytes.first_chunk().map(|family| u16::from_ne_bytes(*family)) else {
            // Without a length it is no address at all, but for those who need one.
            let needed = matches!(purpose, Purpose::Bind | Purpose::Connect);
            return if bytes.is_empty() && !needed { Peer::None } else { Peer::Malformed(Errno::EINVAL) };
        };
        let family = u32::from(family);
        match (socket.family, family) {
            // net/ipv4/af_inet.c and net/unix/af_unix.c; vsock takes no such address.
            (INET | INET6 | UNIX, 0) if purpose == Purpose::Connect => Peer::Disconnect,
            // net/ipv6/udp.c, udpv6_sendmsg: sends to whom the socket is connected.
            (INET6, 0) if purpose == Purpose::Send => Peer::None,
            // bind and udp_sendmsg take AF_UNSPEC for AF_INET.
            (INET, 0) | (INET | INET6, INET) => Peer::inet(bytes),
            (INET6, INET6) => Peer::inet6(bytes),
            (UNIX, UNIX) => Peer::unix(purpose, &bytes[2..]),
            (VSOCK, VSOCK) => Peer::vsock(bytes),
            (UNIX | VSOCK, _) => Peer::Malformed(Errno::EINVAL),
            _ => Peer::Malformed(Errno::EAFNOSUPPORT),
        }
    }

    /// `struct sockaddr_in`.
    fn inet(bytes: &[u8]) -> Peer<'static> {
        match (bytes.get(2..4), bytes.get(4..8)) {
            (Some([a, b]), Some([w, x, y, z])) if bytes.len() >= 16 => {
                Peer::Ip(Ipv4Addr::new(*w, *x, *y, *z).into(), u16::from_be_bytes([*a, *b]))
            }
            _ => Peer::Malformed(Errno::EINVAL),
        }
    }

    /// `struct sockaddr_in6`, with or without its scope (SIN6_LEN_RFC2133).
    fn inet6(bytes: &[u8]) -> Peer<'static> {
        match (bytes.get(2..4), bytes.get(8..24).and_then(|address| address.first_chunk::<16>())) {
            (Some([a, b]), Some(address)) => {
                Peer::Ip(Ipv6Addr::from(*address).to_canonical(), u16::from_be_bytes([*a, *b]))
            }
            _ => Peer::Malformed(Errno::EINVAL),
        }
    }

    /// `sun_path`. A path ends at a zero, or where the address does.
    fn unix(purpose: Purpose, path: &'a [u8]) -> Peer<'a> {
        match path {
            // Asks for a name of the kernel's choice; or says that there is none, as getsockname does.
            [] if matches!(purpose, Purpose::Bind | Purpose::Listen) => Peer::Abstract(&[]),
            [] => Peer::Malformed(Errno::EINVAL),
            _ if path.len() > 108 => Peer::Malformed(Errno::EINVAL),
            [0, name @ ..] => Peer::Abstract(name),
            _ => Peer::Path(path.split(|byte| *byte == 0).next().unwrap_or_default()),
        }
    }

    /// `struct sockaddr_vm`.
    fn vsock(bytes: &[u8]) -> Peer<'static> {
        match (bytes.get(4..8).and_then(<[u8]>::first_chunk), bytes.get(8..12).and_then(<[u8]>::first_chunk))
        {
            (Some(port), Some(cid)) if bytes.len() >= 16 => {
                Peer::Vsock(u32::from_ne_bytes(*cid), u32::from_ne_bytes(*port))
            }
            _ => Peer::Malformed(Errno::EINVAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_what_the_kernel_takes_them_for() {
        let tcp = Socket::new(INET, 1, 0);
        let udp6 = Socket::new(INET6, 2, 0);
        let unix = Socket::new(UNIX, 1, 0);
        let v4 = |family: u8| -> &'static [u8] {
            vec![family, 0, 1, 187, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0].leak()
        };
        let ten = Peer::Ip("10.1.2.3".parse().unwrap(), 443);
        fn read(socket: Socket, purpose: Purpose, bytes: &[u8]) -> Peer<'_> {
            Peer::read(socket, purpose, bytes)
        }
        assert_eq!(read(tcp, Purpose::Connect, v4(2)), ten);
        assert_eq!(read(udp6, Purpose::Send, v4(2)), ten);
        assert_eq!(read(tcp, Purpose::Bind, v4(0)), ten);
        assert_eq!(read(tcp, Purpose::Send, v4(0)), ten);
        assert_eq!(read(tcp, Purpose::Connect, v4(0)), Peer::Disconnect);
        assert_eq!(read(udp6, Purpose::Send, v4(0)), Peer::None);
        assert_eq!(read(tcp, Purpose::Connect, &v4(2)[..15]), Peer::Malformed(Errno::EINVAL));
        assert_eq!(read(tcp, Purpose::Connect, v4(10)), Peer::Malformed(Errno::EAFNOSUPPORT));
        let mut v6 = [0; 28];
        (v6[0], v6[2], v6[3], v6[18], v6[19]) = (10, 1, 187, 255, 255);
        v6[20..24].copy_from_slice(&[10, 1, 2, 3]);
        assert_eq!(read(udp6, Purpose::Send, &v6), ten, "mapped");
        assert_eq!(read(udp6, Purpose::Send, &v6[..24]), ten);
        assert_eq!(read(unix, Purpose::Connect, b"\x01\0/a\0b"), Peer::Path(b"/a"));
        assert_eq!(read(unix, Purpose::Connect, b"\x01\0/a"), Peer::Path(b"/a"));
        assert_eq!(read(unix, Purpose::Connect, b"\x01\0\0a\0"), Peer::Abstract(b"a\0"));
        assert_eq!(read(unix, Purpose::Bind, b"\x01\0"), Peer::Abstract(b""));
        assert_eq!(read(unix, Purpose::Connect, b"\x01\0"), Peer::Malformed(Errno::EINVAL));
        assert_eq!(read(unix, Purpose::Send, b""), Peer::None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_something(
            socket in 0..Socket::MODELLED.len(),
            family in prop_oneof![Just(0u16), Just(1), Just(2), Just(10), Just(40), any::<u16>()],
            rest in proptest::collection::vec(any::<u8>(), 0..140),
            short in 0usize..4,
        ) {
            let bytes = [&family.to_ne_bytes()[..], &rest].concat();
            let bytes = if short < 2 { &bytes[..short] } else { &bytes };
            for purpose in [Purpose::Bind, Purpose::Connect, Purpose::Listen, Purpose::Send] {
                Peer::read(Socket::MODELLED[socket], purpose, bytes);
            }
        }
    }
}
