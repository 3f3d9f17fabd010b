//! Socket addresses: typed, and as the kernel has them.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use abi::Errno;

// linux/socket.h
const AF_UNSPEC: u16 = 0;
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// `sizeof(struct sockaddr_storage)`: what the kernel takes at most.
const STORAGE: usize = 128;
const FAMILY: usize = 2;
/// `sizeof(sun_path)`.
const PATH: usize = 108;

/// An address of one of the three families that a [`Socket`](crate::Socket) has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `AF_INET`, ip(7).
    Inet(SocketAddrV4),
    /// `AF_INET6`, ipv6(7).
    Inet6(SocketAddrV6),
    /// `AF_UNIX`, unix(7).
    Unix(UnixAddress),
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => Self::Inet(address),
            SocketAddr::V6(address) => Self::Inet6(address),
        }
    }
}

impl From<UnixAddress> for Address {
    fn from(address: UnixAddress) -> Self {
        Self::Unix(address)
    }
}

/// `127.0.0.1:80`, `[::1]:80`, a path, `@name` of an abstract address, `(unnamed)`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Inet6(address) => address.fmt(f),
            Self::Unix(address) => address.fmt(f),
        }
    }
}

/// An address of unix(7): a path, an abstract name, or none.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnixAddress {
    /// `sun_path`: a path without its final zero byte, or an abstract name with its first.
    bytes: [u8; PATH],
    len: u8,
}

impl UnixAddress {
    /// The address of a socket that is bound to none.
    pub const UNNAMED: Self = Self { bytes: [0; PATH], len: 0 };

    /// A file's name.
    ///
    /// # Errors
    /// ENAMETOOLONG over 107 bytes; EINVAL for an empty path and one with a zero byte in it.
    pub fn path(path: &[u8]) -> Result<Self, Errno> {
        match path.len() {
            0 => Err(Errno::EINVAL),
            len if len >= PATH => Err(Errno::ENAMETOOLONG),
            _ if path.contains(&0) => Err(Errno::EINVAL),
            _ => Ok(Self::of(path)),
        }
    }

    /// A name in the abstract namespace of Linux, of any bytes.
    ///
    /// # Errors
    /// ENAMETOOLONG over 107 bytes.
    pub fn abstract_name(name: &[u8]) -> Result<Self, Errno> {
        if name.len() >= PATH {
            return Err(Errno::ENAMETOOLONG);
        }
        let mut bytes = [0; PATH];
        bytes[1..][..name.len()].copy_from_slice(name);
        Ok(Self { bytes, len: name.len() as u8 + 1 })
    }

    fn of(sun_path: &[u8]) -> Self {
        let mut bytes = [0; PATH];
        bytes[..sun_path.len()].copy_from_slice(sun_path);
        Self { bytes, len: sun_path.len() as u8 }
    }

    /// The path, if it is one.
    pub fn as_path(&self) -> Option<&[u8]> {
        self.sun_path().first().filter(|first| **first != 0).map(|_| self.sun_path())
    }

    /// The abstract name, if it is one.
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        self.sun_path().split_first().filter(|(first, _)| **first == 0).map(|(_, name)| name)
    }

    /// Whether it has no name.
    pub fn is_unnamed(&self) -> bool {
        self.len == 0
    }

    fn sun_path(&self) -> &[u8] {
        &self.bytes[..self.len.into()]
    }
}

impl fmt::Display for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.as_path(), self.as_abstract_name()) {
            (Some(path), _) => path.escape_ascii().fmt(f),
            (_, Some(name)) => write!(f, "@{}", name.escape_ascii()),
            _ => f.write_str("(unnamed)"),
        }
    }
}

impl fmt::Debug for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixAddress({self})")
    }
}

/// A `struct sockaddr_*` with its length.
#[derive(Clone, Copy)]
pub(crate) struct Encoded {
    pub(crate) bytes: [u8; STORAGE],
    /// In a form that the kernel can write to.
    pub(crate) len: [u8; 4],
}

impl Encoded {
    /// Room for any address.
    pub(crate) fn room() -> Self {
        Self { bytes: [0; STORAGE], len: (STORAGE as u32).to_ne_bytes() }
    }

    fn new(family: u16, parts: &[&[u8]]) -> Self {
        let mut bytes = [0; STORAGE];
        bytes[..FAMILY].copy_from_slice(&family.to_ne_bytes());
        let mut len = FAMILY;
        for part in parts {
            bytes[len..][..part.len()].copy_from_slice(part);
            len += part.len();
        }
        Self { bytes, len: (len as u32).to_ne_bytes() }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..STORAGE.min(u32::from_ne_bytes(self.len) as usize)]
    }
}

impl Address {
    pub(crate) fn encode(&self) -> Encoded {
        match self {
            // struct sockaddr_in: port, address, eight bytes of padding.
            Self::Inet(address) => {
                Encoded::new(AF_INET, &[&address.port().to_be_bytes(), &address.ip().octets(), &[0; 8]])
            }
            // struct sockaddr_in6: port, flow label (as it comes, in network order), address, scope.
            Self::Inet6(address) => Encoded::new(
                AF_INET6,
                &[
                    &address.port().to_be_bytes(),
                    &address.flowinfo().to_ne_bytes(),
                    &address.ip().octets(),
                    &address.scope_id().to_ne_bytes(),
                ],
            ),
            // A path's zero byte counts, an abstract name's end is told by the length.
            Self::Unix(address) => {
                let end: &[u8] = if address.as_path().is_some() { &[0] } else { &[] };
                Encoded::new(AF_UNIX, &[address.sun_path(), end])
            }
        }
    }

    /// The address that the kernel has written; `None` if it wrote none, as for the peer of a connected socket.
    ///
    /// # Errors
    /// EAFNOSUPPORT for another family's; EINVAL for one that is too short.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Self>, Errno> {
        let Some((family, rest)) = bytes.split_first_chunk::<FAMILY>() else { return Ok(None) };
        let part =
            |at: usize| rest.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().ok_or(Errno::EINVAL);
        let port = |[high, low, ..]: [u8; 4]| u16::from_be_bytes([high, low]);
        Ok(Some(match u16::from_ne_bytes(*family) {
            AF_UNSPEC => return Ok(None),
            AF_INET => {
                let address = Ipv4Addr::from(part(2)?);
                Self::Inet(SocketAddrV4::new(address, port(part(0)?)))
            }
            AF_INET6 => {
                let octets =
                    rest.get(6..22).and_then(|rest| <[u8; 16]>::try_from(rest).ok()).ok_or(Errno::EINVAL)?;
                let [flow, scope] = [part(2)?, part(22)?].map(u32::from_ne_bytes);
                Self::Inet6(SocketAddrV6::new(Ipv6Addr::from(octets), port(part(0)?), flow, scope))
            }
            AF_UNIX => {
                let path = match rest.split_first() {
                    None | Some((0, _)) => rest,
                    // The kernel counts the zero byte; up to 109 with one that it has added (unix(7), BUGS).
                    Some(_) => rest.split(|byte| *byte == 0).next().unwrap_or(rest),
                };
                Self::Unix(UnixAddress::of(path.get(..PATH).unwrap_or(path)))
            }
            _ => return Err(Errno::EAFNOSUPPORT),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;

    use super::{Address, UnixAddress};
    use abi::Errno;
    use core::net::{SocketAddr, SocketAddrV6};

    #[test]
    fn there_and_back() {
        let inet: SocketAddr = "1.2.3.4:80".parse().unwrap();
        let inet6 = SocketAddrV6::new("fe80::1:2".parse().unwrap(), 8080, 7, 3);
        let unix = [
            UnixAddress::path(b"/run/socket").unwrap(),
            UnixAddress::path(&[b'p'; 107]).unwrap(),
            UnixAddress::abstract_name(b"a\0b").unwrap(),
            UnixAddress::abstract_name(&[0; 107]).unwrap(),
            UnixAddress::UNNAMED,
        ];
        let all = [Address::from(inet), Address::Inet6(inet6)].into_iter().chain(unix.map(Address::Unix));
        for address in all {
            let encoded = address.encode();
            assert_eq!(Address::decode(encoded.as_bytes()), Ok(Some(address)), "{address}");
        }
    }

    #[test]
    fn layouts_are_the_kernels() {
        let inet = Address::from("1.2.3.4:80".parse::<SocketAddr>().unwrap()).encode();
        assert_eq!(inet.as_bytes(), [2, 0, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
        let inet6 = Address::from("[::1]:256".parse::<SocketAddr>().unwrap()).encode();
        assert_eq!((inet6.as_bytes().len(), &inet6.as_bytes()[..4]), (28, &[10, 0, 1, 0][..]));
        let unix = Address::from(UnixAddress::path(b"s").unwrap()).encode();
        assert_eq!(unix.as_bytes(), [1, 0, b's', 0]);
    }

    #[test]
    fn names() {
        assert_eq!(UnixAddress::path(&[b'p'; 108]), Err(Errno::ENAMETOOLONG));
        assert_eq!(UnixAddress::path(b""), Err(Errno::EINVAL));
        assert_eq!(UnixAddress::path(b"a\0b"), Err(Errno::EINVAL));
        assert_eq!(UnixAddress::abstract_name(&[1; 108]), Err(Errno::ENAMETOOLONG));
        assert_eq!(UnixAddress::abstract_name(b"x\n").unwrap().to_string(), "@x\\n");
        assert_eq!(UnixAddress::UNNAMED.to_string(), "(unnamed)");
    }

    #[test]
    fn what_is_no_address() {
        assert_eq!(Address::decode(&[]), Ok(None));
        assert_eq!(Address::decode(&[2]), Ok(None));
        assert_eq!(Address::decode(&[2, 0, 1]), Err(Errno::EINVAL));
        assert_eq!(Address::decode(&[10, 0, 0, 80, 1, 2, 3, 4]), Err(Errno::EINVAL));
        assert_eq!(Address::decode(&[40, 0, 0, 0]), Err(Errno::EAFNOSUPPORT));
    }
}
