//! What a descriptor of the program's is, as the kernel says.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use policy::Socket;
use tracee::Tid;

/// AF_UNIX
const UNIX: u32 = 1;

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

/// Copies descriptor `fd` of thread `tid`. `pidfd` is made once.
pub(super) fn copy(tid: Tid, pidfd: &mut Option<OwnedFd>, fd: i32) -> Result<Copy, Missing> {
    /// Of this thread, not of its process: it may have a table of descriptors of its own.
    const PIDFD_THREAD: libc::c_int = libc::O_EXCL;
    if pidfd.is_none() {
        // SAFETY: no pointers.
        let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, tid, PIDFD_THREAD) };
        *pidfd = Some(owned(opened).map_err(Missing::Hidden)?);
    }
    let Some(pidfd) = pidfd else { return Err(Missing::Answer(libc::ESRCH)) };
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

impl Copy {
    pub(super) fn is_unix(&self) -> bool {
        self.socket.family == UNIX
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
