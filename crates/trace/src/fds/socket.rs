//! Sockets: their protocols, and what they are connected to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::mem::MaybeUninit;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;

use decode::tables::{FAMILIES, protocols};
use decode::text::{Strings, quote};
use rustix::fs::getxattr;
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, getpeername,
    getsockname, recv, send, socket_with, sockopt,
};

/// A socket's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One with addresses of the internet family, by its name.
    Inet(&'static str),
    /// Of no addresses that would be shown.
    Named(&'static str),
    /// A unix socket.
    Unix(&'static str),
    /// A netlink socket of this protocol.
    Netlink(u32),
    /// Anything else.
    Other,
}

/// Names of the kernel's protocols (`struct proto`, `.name`) that strace knows, and whether they have addresses.
const NAMES: [(&str, bool); 16] = [
    ("TCP", true),
    ("TCPv6", true),
    ("UDP", true),
    ("UDPv6", true),
    ("UDPLITE", true),
    ("UDPLITEv6", true),
    ("DCCP", true),
    ("DCCPv6", true),
    ("SCTP", true),
    ("SCTPv6", true),
    ("RAW", false),
    ("RAWv6", false),
    ("PING", false),
    ("PINGv6", false),
    ("L2TP/IP", false),
    ("L2TP/IPv6", false),
];

impl Kind {
    /// What is behind a descriptor that is a socket. Sockets carry their protocol's name as an attribute
    /// (net/socket.c, `sockfs_xattr_get`).
    pub(super) fn of(tid: i32, fd: i32, netlink: impl FnOnce() -> Option<u32>) -> Kind {
        let mut buffer = [MaybeUninit::uninit(); 64];
        let path = format!("/proc/{tid}/fd/{fd}");
        let Ok((name, _)) = getxattr(path, "system.sockprotoname", &mut buffer[..]) else {
            return Kind::Other;
        };
        let name = name.strip_suffix(b"\0").unwrap_or(name);
        match name {
            b"NETLINK" => netlink().map_or(Kind::Other, Kind::Netlink),
            b"UNIX" => Kind::Unix("UNIX"),
            b"UNIX-STREAM" => Kind::Unix("UNIX-STREAM"),
            _ => match NAMES.iter().find(|(known, _)| known.as_bytes() == name) {
                Some((known, true)) => Kind::Inet(known),
                Some((known, false)) => Kind::Named(known),
                None => Kind::Other,
            },
        }
    }

    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Kind::Inet(name) | Kind::Named(name) | Kind::Unix(name) => Some(name),
            Kind::Netlink(_) => Some("NETLINK"),
            Kind::Other => None,
        }
    }

    /// What stands between the brackets; `None` if only the inode can.
    pub(super) fn shown(self, socket: &OwnedFd, inode: u64, diagnosis: Option<&Diagnosis>) -> Option<String> {
        match self {
            Kind::Inet(_) => inet(socket),
            Kind::Unix(_) => Some(unix(socket, inode, diagnosis)),
            Kind::Netlink(protocol) => netlink(socket, protocol),
            Kind::Named(_) | Kind::Other => None,
        }
    }

    /// A socket's own address and its peer's, each by itself; empty where there is none.
    pub(super) fn ends(self, socket: &OwnedFd) -> (String, String) {
        let peer = getpeername(socket).ok().flatten();
        match self {
            Kind::Unix(_) => {
                let name =
                    |any| SocketAddrUnix::try_from(any).ok().map(|name| unix_name(&name)).unwrap_or_default();
                (getsockname(socket).map(name).unwrap_or_default(), peer.map(name).unwrap_or_default())
            }
            Kind::Netlink(protocol) => (netlink(socket, protocol).unwrap_or_default(), String::new()),
            _ => {
                let text = |any| address(any).map(|address| address.to_string()).unwrap_or_default();
                (getsockname(socket).map(text).unwrap_or_default(), peer.map(text).unwrap_or_default())
            }
        }
    }
}

/// The protocol of a netlink socket.
pub(super) fn netlink_protocol(socket: OwnedFd) -> Option<u32> {
    Some(sockopt::socket_protocol(&socket).ok()?.map_or(0, |protocol| protocol.as_raw().get()))
}

/// A socket's family: `PACKET`.
pub(super) fn family(socket: &OwnedFd) -> String {
    let name = sockopt::socket_domain(socket).ok().and_then(|family| FAMILIES.name(family.as_raw().into()));
    name.map(|name| name.strip_prefix("AF_").unwrap_or(name)).unwrap_or_default().to_owned()
}

/// Whether the table of our own network namespace's netlink sockets holds this one.
pub(super) fn is_in_our_network(inode: u64) -> bool {
    let Ok(table) = std::fs::read_to_string("/proc/self/net/netlink") else { return false };
    let inode = inode.to_string();
    table.lines().any(|line| line.split_whitespace().last() == Some(&inode))
}

fn address(any: SocketAddrAny) -> Option<SocketAddr> {
    match any.address_family() {
        AddressFamily::INET => SocketAddrV4::try_from(any).ok().map(SocketAddr::V4),
        // Without a scope: the kernel's tables show none.
        AddressFamily::INET6 => {
            let whole = SocketAddrV6::try_from(any).ok()?;
            Some(SocketAddrV6::new(*whole.ip(), whole.port(), 0, 0).into())
        }
        _ => None,
    }
}

/// `127.0.0.1:1->127.0.0.1:2`
fn inet(socket: &OwnedFd) -> Option<String> {
    // One that is not bound is in no table of the kernel's.
    let local = address(getsockname(socket).ok()?).filter(|local| local.port() != 0)?;
    match getpeername(socket).ok().flatten().and_then(address) {
        Some(peer) => Some(format!("{local}->{peer}")),
        None => Some(local.to_string()),
    }
}

/// `12->13,"path"`
fn unix(socket: &OwnedFd, inode: u64, diagnosis: Option<&Diagnosis>) -> String {
    let mut text = inode.to_string();
    if let Some(peer) = diagnosis.and_then(|diagnosis| diagnosis.unix_peer(u32::try_from(inode).ok()?)) {
        let _ = write!(text, "->{peer}");
    }
    let name = getsockname(socket).ok().and_then(|name| SocketAddrUnix::try_from(name).ok());
    let name = name.map(|name| unix_name(&name)).unwrap_or_default();
    if !name.is_empty() {
        text.push(',');
        text.push_str(&name);
    }
    text
}

/// `"path"` or `@"name"`; nothing for a socket without a name.
fn unix_name(name: &SocketAddrUnix) -> String {
    let mut text = String::new();
    if let Some(path) = name.path_bytes().filter(|path| !path.is_empty()) {
        quote(&mut text, path, Strings::Plain);
    } else if let Some(name) = name.abstract_name().filter(|name| !name.is_empty()) {
        text.push('@');
        quote(&mut text, name, Strings::Plain);
    }
    text
}

/// `ROUTE:12`
fn netlink(socket: &OwnedFd, protocol: u32) -> Option<String> {
    let own = SocketAddrNetlink::try_from(getsockname(socket).ok()?).ok()?;
    if own.pid() == 0 {
        return None;
    }
    const AF_NETLINK: u64 = 16;
    let name = protocols(AF_NETLINK).and_then(|table| table.name(protocol.into()));
    let name = name.map(|name| name.strip_prefix("NETLINK_").unwrap_or(name));
    let name = name.map_or_else(|| protocol.to_string(), str::to_owned);
    Some(format!("{name}:{}", own.pid()))
}

/// The kernel's tables of sockets, by sock_diag(7).
#[derive(Debug)]
pub(super) struct Diagnosis {
    socket: OwnedFd,
    /// Unix sockets and their peers: those don't change, and are told no more when one of them is closed.
    peers: RefCell<HashMap<u32, u32>>,
}

impl Diagnosis {
    pub(super) fn open() -> Option<Diagnosis> {
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(SOCK_DIAG))
                .ok()?;
        Some(Diagnosis { socket, peers: RefCell::default() })
    }

    /// The inode of the unix socket that this one is connected to.
    fn unix_peer(&self, inode: u32) -> Option<u32> {
        if let Some(peer) = self.peers.borrow().get(&inode) {
            return Some(*peer);
        }
        let peer = self.ask_for_peer(inode)?;
        let mut peers = self.peers.borrow_mut();
        if peers.len() >= super::SOCKETS {
            peers.clear();
        }
        peers.insert(inode, peer);
        Some(peer)
    }

    fn ask_for_peer(&self, inode: u32) -> Option<u32> {
        // linux/unix_diag.h
        const UDIAG_SHOW_PEER: u32 = 4;
        const UNIX_DIAG_PEER: u16 = 2;
        const SOCK_DIAG_BY_FAMILY: u16 = 20;
        const NLM_F_REQUEST: u16 = 1;
        const AF_UNIX: u8 = 1;
        const HEADER: usize = 16;
        const MESSAGE: usize = 16;
        let mut request = Vec::with_capacity(HEADER + 24);
        request.extend(40_u32.to_ne_bytes());
        request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        request.extend(NLM_F_REQUEST.to_ne_bytes());
        request.extend([0; 8]);
        // struct unix_diag_req: family, protocol, pad, states, inode, what to show, and a cookie that matches any.
        request.extend([AF_UNIX, 0, 0, 0]);
        for word in [u32::MAX, inode, UDIAG_SHOW_PEER, u32::MAX, u32::MAX] {
            request.extend(word.to_ne_bytes());
        }
        send(&self.socket, &request, SendFlags::empty()).ok()?;
        let mut answer = [0; 512];
        let (received, _) = recv(&self.socket, &mut answer, RecvFlags::DONTWAIT).ok()?;
        let answer = answer.get(..received)?;
        let half = |at: usize| Some(u16::from_ne_bytes(answer.get(at..at + 2)?.try_into().ok()?));
        let word = |at: usize| Some(u32::from_ne_bytes(answer.get(at..at + 4)?.try_into().ok()?));
        if half(4)? != SOCK_DIAG_BY_FAMILY || word(HEADER + 4)? != inode {
            return None;
        }
        let mut at = HEADER + MESSAGE;
        loop {
            let length = usize::from(half(at)?);
            match half(at + 2)? {
                UNIX_DIAG_PEER => return word(at + 4).filter(|peer| *peer != 0),
                _ if length < 4 => return None,
                _ => at += length.next_multiple_of(4),
            }
        }
    }
}
