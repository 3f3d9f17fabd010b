//! What a descriptor of the program's is, as the kernel says.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use abi::{Call, Errno};
use policy::{Action, By, Copied, Socket, Verdict};
use tracee::Tid;

use super::path;

/// AF_UNIX
const UNIX: u32 = 1;
/// AF_INET
const INET: u32 = 2;
/// AF_INET6
const INET6: u32 = 10;
/// AF_VSOCK
const VSOCK: u32 = 40;

/// Why a socket can't be looked at.
pub(super) enum Missing {
    /// The call would answer this.
    Answer(i32),
    /// The process hides it.
    Hidden(io::Error),
}

/// Our copy of a socket.
pub(super) struct Copy {
    fd: OwnedFd,
    pub(super) socket: Socket,
}

/// Copies descriptor `fd` of thread `tid`. `known` is the thread that was asked last.
pub(super) fn copy(tid: Tid, known: &mut Option<(Tid, OwnedFd)>, fd: i32) -> Result<Copy, Missing> {
    /// Of this thread, not of its process: it may have a table of descriptors of its own.
    const PIDFD_THREAD: libc::c_int = libc::O_EXCL;
    if known.as_ref().is_none_or(|(of, _)| *of != tid) {
        // SAFETY: no pointers.
        let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, tid, PIDFD_THREAD) };
        *known = Some((tid, owned(opened).map_err(Missing::Hidden)?));
    }
    let Some((_, pidfd)) = known else { return Err(Missing::Answer(libc::ESRCH)) };
    // SAFETY: no pointers.
    let copied = unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), fd, 0) };
    let fd = owned(copied).map_err(|error| match error.raw_os_error() {
        Some(libc::EBADF) => Missing::Answer(libc::EBADF),
        _ => Missing::Hidden(error),
    })?;
    let option = |name| {
        option(&fd, name).map_err(|error| Missing::Answer(error.raw_os_error().unwrap_or(libc::EBADF)))
    };
    let socket = Socket::new(option(libc::SO_DOMAIN)?, option(libc::SO_TYPE)?, option(libc::SO_PROTOCOL)?);
    Ok(Copy { fd, socket })
}

/// The address as it is to be used, of a call that is permitted; `None` if it is nobody's. Or why it can't be.
///
/// Another thread can put another socket in the place of the one that was looked at, and what is no address for the one is
/// one for the other. So an address is used only if sockets of other families don't take it:
/// - what is sent from IPv6 to AF_UNSPEC has no destination (net/ipv6/udp.c, `udpv6_sendmsg`), and IPv4 takes AF_UNSPEC for
///   its own;
/// - of a family whose addresses are not understood, those that begin as another's are refused, as most such families do.
///
/// And a path is used as it was resolved; and 0.0.0.0 as 127.0.0.1, for which it was judged: the kernel takes the socket's own
/// address for it, if that has one (net/ipv4/route.c, `ip_route_output_key_hash_rcu`), and so another one than was permitted.
pub(super) fn settled(
    socket: Socket,
    call: Call,
    mut bytes: Vec<u8>,
    resolved: Option<Vec<u8>>,
) -> Result<Option<Vec<u8>>, (Verdict, Vec<u8>)> {
    let refused = |errno, by| Verdict { action: Action::Deny(errno), by };
    let family = bytes.first_chunk().map(|family| u32::from(u16::from_ne_bytes(*family)));
    let sends = !matches!(call, Call::Bind | Call::Connect);
    if socket.family == INET6 && family == Some(0) && sends {
        return Ok(None);
    }
    // connect to AF_UNSPEC ends a connection, of whichever family.
    let ends = call == Call::Connect && family == Some(0);
    if !socket.is_modelled() && family.is_some_and(|family| family != socket.family) && !ends {
        return Err((refused(Errno::EINVAL, By::Unmodelled), bytes));
    }
    if socket.is_inet() && call != Call::Bind && !ends {
        any_is_loopback(&mut bytes);
    }
    match resolved.map(|path| path::replaced(&bytes, &path)) {
        Some(Some(replaced)) => Ok(Some(replaced)),
        // Whoever uses another name for it can let that lead elsewhere in the meantime.
        Some(None) => Err((refused(Errno::ENAMETOOLONG, By::Unresolved), bytes)),
        None => Ok(Some(bytes)),
    }
}

/// The flags with which something is sent to an address that is permitted for this socket: without MSG_FASTOPEN, if that means
/// nothing to it. To a socket of TCP that another thread has put in its place it would mean to connect.
pub(super) const fn flags(socket: Socket, flags: u32) -> u32 {
    const FASTOPEN: u32 = libc::MSG_FASTOPEN.cast_unsigned();
    if socket.ty == libc::SOCK_STREAM.cast_unsigned() { flags } else { flags & !FASTOPEN }
}

/// Makes 127.0.0.1 of 0.0.0.0, also of a mapped one. (Of :: the kernel itself makes ::1, net/ipv6/tcp_ipv6.c and udp.c.)
fn any_is_loopback(address: &mut [u8]) {
    const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    let ip = match address.first_chunk().map(|family| u32::from(u16::from_ne_bytes(*family))) {
        // AF_UNSPEC is taken for AF_INET where something is sent.
        Some(0 | INET) => address.get_mut(4..8),
        Some(INET6) if address.get(8..20) == Some(&MAPPED) => address.get_mut(20..24),
        _ => None,
    };
    if let Some(ip @ [0, 0, 0, 0]) = ip {
        ip.copy_from_slice(&[127, 0, 0, 1]);
    }
}

impl Copy {
    /// Whether connections are accepted on it.
    pub(super) fn listens(&self) -> bool {
        option(&self.fd, libc::SO_ACCEPTCONN).is_ok_and(|listens| listens != 0)
    }

    /// Accepts connections on it from now on; answers an errno, or 0.
    pub(super) fn listen(&self, backlog: i32) -> i32 {
        // SAFETY: no pointers.
        match unsafe { libc::listen(self.fd.as_raw_fd(), backlog) } {
            0 => 0,
            _ => io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL),
        }
    }

    /// Which socket it is, among all that there are.
    pub(super) fn inode(&self) -> Option<u64> {
        // SAFETY: stat is plain integers, for which zero is a value; the call fills it in.
        unsafe {
            let mut stat: libc::stat = mem::zeroed();
            (libc::fstat(self.fd.as_raw_fd(), &raw mut stat) == 0).then_some(stat.st_ino)
        }
    }

    /// A call on it, without flags and control messages.
    pub(super) const fn copied<'a>(
        &self,
        call: Call,
        address: Option<&'a [u8]>,
        path: Option<&'a [u8]>,
    ) -> Copied<'a> {
        Copied { call, socket: self.socket, address, path, flags: 0, control: &[] }
    }

    pub(super) fn is_unix(&self) -> bool {
        self.socket.family == UNIX
    }

    pub(super) fn is_vsock(&self) -> bool {
        self.socket.family == VSOCK
    }

    /// Its own address, as getsockname(2) tells it; nothing if it has none.
    pub(super) fn name(&self) -> Vec<u8> {
        // SAFETY: sockaddr_storage is plain integers, for which zero is a value; the call fills it in.
        unsafe {
            let mut address: libc::sockaddr_storage = mem::zeroed();
            let mut length = size_of_val(&address) as libc::socklen_t;
            if libc::getsockname(self.fd.as_raw_fd(), (&raw mut address).cast(), &raw mut length) == -1 {
                return Vec::new();
            }
            let bytes: [u8; size_of::<libc::sockaddr_storage>()] = mem::transmute(address);
            bytes[..bytes.len().min(length as usize)].to_vec()
        }
    }
}

fn owned(answer: libc::c_long) -> io::Result<OwnedFd> {
    match answer {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: the call that answered it has just made it.
        fd => Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }),
    }
}

fn option(fd: &OwnedFd, name: libc::c_int) -> io::Result<u32> {
    let mut value = 0u32;
    let mut length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: an int and its length.
    let answer = unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut length)
    };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `struct sockaddr_in` or `sockaddr_in6` to port 443.
    fn address(family: u16, ip: &[u8]) -> Vec<u8> {
        let flow: &[u8] = if family == 10 { &[0; 4] } else { &[] };
        [&family.to_ne_bytes()[..], &[1, 187], flow, ip, &[0; 8]].concat()
    }

    #[test]
    fn any_address_is_loopback_to_who_connects_or_sends() {
        let mapped = |ip: [u8; 4]| [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff][..], &ip].concat();
        let (any, loopback, other) = ([0; 4], [127, 0, 0, 1], [10, 0, 0, 0]);
        let (tcp, udp6) = (Socket::new(2, 1, 6), Socket::new(10, 2, 17));
        for (socket, call, family, given, used) in [
            (tcp, Call::Connect, 2, any.to_vec(), loopback.to_vec()),
            (tcp, Call::Connect, 2, other.to_vec(), other.to_vec()),
            (tcp, Call::Connect, 0, any.to_vec(), any.to_vec()),
            (tcp, Call::Sendto, 0, any.to_vec(), loopback.to_vec()),
            (tcp, Call::Bind, 2, any.to_vec(), any.to_vec()),
            (udp6, Call::Sendmsg, 2, any.to_vec(), loopback.to_vec()),
            (udp6, Call::Sendmmsg, 10, mapped(any), mapped(loopback)),
            (udp6, Call::Connect, 10, mapped(other), mapped(other)),
            (udp6, Call::Connect, 10, vec![0; 16], vec![0; 16]),
        ] {
            let settled = settled(socket, call, address(family, &given), None);
            assert_eq!(settled, Ok(Some(address(family, &used))), "{call:?} {family} {given:?}");
        }
        let short = address(2, &any)[..6].to_vec();
        assert_eq!(settled(tcp, Call::Connect, short.clone(), None), Ok(Some(short)));
    }
}
