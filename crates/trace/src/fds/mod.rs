//! What descriptors are: `-y` and `-yy`; and which are netlink sockets, which decides how their bytes are shown.

mod path;
mod socket;
mod special;

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use decode::Descriptors;
use rustix::fs::{Mode, OFlags, openat, readlinkat_raw};
use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};
use rustix::process::{Pid, PidfdFlags, pidfd_getfd, pidfd_open};
use supervise::ByTid;

use crate::Describe;
use socket::{Diagnosis, Kind};

/// What is known of the descriptors of all that are traced. Nothing is remembered of a descriptor's number: a program can
/// close one, and open another, unseen.
#[derive(Debug)]
pub(crate) struct Descriptions {
    describe: Describe,
    /// Whether anything is asked at all.
    wanted: bool,
    threads: RefCell<ByTid<Thread>>,
    /// Sockets by their inodes, whose numbers come again after four thousand million others.
    sockets: RefCell<HashMap<u64, Kind>>,
    /// Whether netlink sockets are told as strace can: by the table of our own network namespace.
    as_strace: bool,
    /// Netlink sockets that were found in that table.
    ours: RefCell<HashSet<u64>>,
    diagnosis: OnceCell<Option<Diagnosis>>,
    /// A socket of ours that is asked for interfaces.
    inet: OnceCell<Option<OwnedFd>>,
}

/// The ways to a thread's descriptors.
#[derive(Debug)]
struct Thread {
    /// /proc/TID/fd
    links: OwnedFd,
    pidfd: OnceCell<Option<OwnedFd>>,
}

/// Descriptors of ours that lead to threads, at most.
const THREADS: usize = 100;
/// Sockets that are remembered, at most.
const SOCKETS: usize = 10_000;
/// The longest path that is shown.
const LONGEST: usize = 4096;

impl Descriptions {
    pub(crate) fn new(describe: Describe, wanted: bool, as_strace: bool) -> Descriptions {
        Descriptions {
            describe,
            wanted,
            as_strace,
            ours: RefCell::default(),
            threads: RefCell::default(),
            sockets: RefCell::default(),
            diagnosis: OnceCell::new(),
            inet: OnceCell::new(),
        }
    }

    /// Those of a thread.
    pub(crate) fn of(&self, tid: i32) -> Described<'_> {
        Described { all: self, tid }
    }

    /// A thread is gone, and its number may be another's next.
    pub(crate) fn forget(&mut self, tid: i32) {
        self.threads.get_mut().remove(&tid);
    }

    fn with_thread<T>(&self, tid: i32, act: impl FnOnce(&Thread) -> Option<T>) -> Option<T> {
        let mut threads = self.threads.borrow_mut();
        if threads.len() >= THREADS && !threads.contains_key(&tid) {
            threads.clear();
        }
        let thread = match threads.entry(tid) {
            std::collections::hash_map::Entry::Occupied(thread) => thread.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let links = openat(rustix::fs::CWD, format!("/proc/{tid}/fd"), flags, Mode::empty()).ok()?;
                place.insert(Thread { links, pidfd: OnceCell::new() })
            }
        };
        act(thread)
    }

    /// Where a descriptor's link points to: `socket:[12345]`, or a path.
    fn link<T>(&self, tid: i32, fd: i32, act: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let mut name = [0; 12];
        let name = decimal(fd, &mut name)?;
        let mut buffer = [MaybeUninit::uninit(); LONGEST];
        self.with_thread(tid, |thread| {
            let (link, _) = readlinkat_raw(&thread.links, name, &mut buffer).ok()?;
            Some(act(link))
        })
    }

    /// The descriptor itself, in our hands, as briefly as can be.
    fn with_descriptor<T>(&self, tid: i32, fd: i32, act: impl FnOnce(OwnedFd) -> Option<T>) -> Option<T> {
        // include/uapi/linux/pidfd.h, PIDFD_THREAD; since Linux 6.9. A thread's descriptors are its process's, mostly.
        const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(OFlags::EXCL.bits());
        let open = || {
            let pid = Pid::from_raw(tid)?;
            pidfd_open(pid, THREAD).or_else(|_| pidfd_open(pid, PidfdFlags::empty())).ok()
        };
        let ours = self.with_thread(tid, |thread| {
            let pidfd = thread.pidfd.get_or_init(open).as_ref()?;
            pidfd_getfd(pidfd, fd, rustix::process::PidfdGetfdFlags::empty()).ok()
        });
        act(ours?)
    }

    /// The inode of a socket.
    pub(crate) fn inode(&self, tid: i32, fd: i32) -> Option<u64> {
        self.link(tid, fd, socket_inode)?
    }

    /// A socket's protocol, or its family, and both of its ends; empty where there is none.
    pub(crate) fn ends(&self, tid: i32, fd: i32, inode: u64) -> (String, String, String) {
        let kind = self.kind(tid, fd, inode);
        let ends = self.with_descriptor(tid, fd, |ours| {
            let name = kind.name().map_or_else(|| socket::family(&ours), str::to_owned);
            let (local, peer) = kind.ends(&ours);
            Some((name, local, peer))
        });
        ends.unwrap_or_default()
    }

    /// Whether strace would find a netlink socket: one that is bound, in our own network namespace.
    fn is_told(&self, inode: u64) -> bool {
        if !self.as_strace || self.ours.borrow().contains(&inode) {
            return true;
        }
        let found = socket::is_in_our_network(inode);
        if found {
            self.ours.borrow_mut().insert(inode);
        }
        found
    }

    /// What kind of socket has this inode.
    fn kind(&self, tid: i32, fd: i32, inode: u64) -> Kind {
        if let Some(kind) = self.sockets.borrow().get(&inode) {
            return *kind;
        }
        let kind = Kind::of(tid, fd, || self.with_descriptor(tid, fd, socket::netlink_protocol));
        let mut sockets = self.sockets.borrow_mut();
        if sockets.len() >= SOCKETS {
            sockets.clear();
        }
        sockets.insert(inode, kind);
        kind
    }
}

/// The descriptors of a thread.
#[derive(Debug)]
pub(crate) struct Described<'a> {
    all: &'a Descriptions,
    tid: i32,
}

impl Descriptors for Described<'_> {
    fn describe(&self, fd: i32) -> Option<String> {
        if self.all.describe == Describe::Nothing || !self.all.wanted {
            return None;
        }
        let (text, inode) = self.all.link(self.tid, fd, |link| (path::shown(link), socket_inode(link)))?;
        if self.all.describe < Describe::All {
            return Some(text);
        }
        let Some(inode) = inode else { return Some(special::shown(self.tid, fd, text)) };
        let kind = self.all.kind(self.tid, fd, inode);
        let diagnosis = || self.all.diagnosis.get_or_init(Diagnosis::open).as_ref();
        let shown = kind.name().map(|name| {
            if matches!(kind, Kind::Netlink(_)) && !self.all.is_told(inode) {
                return format!("{name}:[{inode}]");
            }
            let shown = self.all.with_descriptor(self.tid, fd, |ours| kind.shown(&ours, inode, diagnosis()));
            format!("{name}:[{}]", shown.unwrap_or_else(|| inode.to_string()))
        });
        Some(shown.unwrap_or(text))
    }

    fn netlink(&self, fd: i32) -> Option<u32> {
        if !self.all.wanted {
            return None;
        }
        let inode = self.all.link(self.tid, fd, socket_inode)??;
        /// None of the protocols: messages are shown as far as all have it.
        const UNKNOWN: u32 = u32::MAX;
        match self.all.kind(self.tid, fd, inode) {
            Kind::Netlink(protocol) if self.all.is_told(inode) => Some(protocol),
            Kind::Netlink(_) => Some(UNKNOWN),
            _ => None,
        }
    }

    fn interface(&self, index: u32) -> Option<String> {
        let open = || socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).ok();
        let socket = self.all.inet.get_or_init(open).as_ref()?;
        netdevice::index_to_name(socket, index).ok()
    }
}

/// The inode in `socket:[12345]`.
fn socket_inode(link: &[u8]) -> Option<u64> {
    let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// A descriptor's number as text, with a zero behind it.
fn decimal(fd: i32, buffer: &mut [u8; 12]) -> Option<&std::ffi::CStr> {
    let mut left = u32::try_from(fd).ok()?;
    let mut at = buffer.len() - 1;
    loop {
        at -= 1;
        buffer[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    std::ffi::CStr::from_bytes_with_nul(&buffer[at..]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    fn own() -> i32 {
        std::process::id().cast_signed()
    }

    #[test]
    fn numbers_as_text() {
        let text = |fd| decimal(fd, &mut [0; 12]).map(|text| text.to_str().unwrap().to_owned());
        assert_eq!(text(0).as_deref(), Some("0"));
        assert_eq!(text(1024).as_deref(), Some("1024"));
        assert_eq!(text(i32::MAX).as_deref(), Some("2147483647"));
        assert_eq!(text(-1), None);
    }

    #[test]
    fn sockets_are_told_by_their_addresses() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let own_port = client.local_addr().unwrap().port();
        let all = Descriptions::new(Describe::All, true, true);
        let described = all.of(own());
        assert_eq!(described.describe(listener.as_raw_fd()), Some(format!("TCP:[127.0.0.1:{port}]")));
        let both = format!("TCP:[127.0.0.1:{own_port}->127.0.0.1:{port}]");
        assert_eq!(described.describe(client.as_raw_fd()), Some(both));
        assert_eq!(described.netlink(client.as_raw_fd()), None);
        assert_eq!(described.describe(-1), None);
        assert_eq!(described.describe(100_000), None);
        let paths = Descriptions::new(Describe::Paths, true, true);
        let path = paths.of(own()).describe(client.as_raw_fd()).unwrap();
        assert!(path.starts_with("socket:[") && path.ends_with(']'), "{path}");
    }

    #[test]
    fn netlink_sockets_by_protocol_and_port() {
        use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(KOBJECT_UEVENT))
                .unwrap();
        let all = Descriptions::new(Describe::All, true, true);
        let described = all.of(own());
        // It is in no table until it is bound.
        assert_eq!(described.netlink(socket.as_raw_fd()), Some(u32::MAX));
        let knowing = Descriptions::new(Describe::All, true, false);
        assert_eq!(knowing.of(own()).netlink(socket.as_raw_fd()), Some(15));
        let unbound = described.describe(socket.as_raw_fd()).unwrap();
        assert!(unbound.starts_with("NETLINK:[") && !unbound.contains("UEVENT"), "{unbound}");
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, 0)).unwrap();
        let bound = described.describe(socket.as_raw_fd()).unwrap();
        assert!(bound.starts_with("NETLINK:[KOBJECT_UEVENT:"), "{bound}");
        assert_eq!(described.netlink(socket.as_raw_fd()), Some(15));
    }

    #[test]
    fn unix_sockets_by_inode_peer_and_name() {
        let (one, two) = std::os::unix::net::UnixStream::pair().unwrap();
        let all = Descriptions::new(Describe::All, true, true);
        let described = all.of(own());
        let texts = [one.as_raw_fd(), two.as_raw_fd()].map(|fd| described.describe(fd).unwrap());
        let numbers = texts.each_ref().map(|text| {
            let inside = text.strip_prefix("UNIX-STREAM:[").unwrap().strip_suffix(']').unwrap();
            inside.split_once("->").map(|(one, two)| (one.to_owned(), two.to_owned())).unwrap()
        });
        assert_eq!(numbers[0].0, numbers[1].1);
        assert_eq!(numbers[0].1, numbers[1].0);
    }

    #[test]
    fn the_loopback_interface_has_a_name() {
        let all = Descriptions::new(Describe::Nothing, true, true);
        assert_eq!(all.of(own()).interface(1).as_deref(), Some("lo"));
        assert_eq!(all.of(own()).interface(u32::MAX), None);
    }
}
