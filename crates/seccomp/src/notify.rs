//! Listeners: a filter's RET_USER_NOTIF, answered by another process (seccomp_unotify(2)).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::bpf::{Data, Filter};
use crate::install::{InstallError, set_filter};

/// `struct seccomp_notif` (include/uapi/linux/seccomp.h), 80 bytes.
#[repr(C)]
#[derive(Default)]
struct Notif {
    id: u64,
    pid: u32,
    flags: u32,
    nr: u32,
    arch: u32,
    instruction_pointer: u64,
    args: [u64; 6],
}

/// `struct seccomp_notif_resp`, 24 bytes.
#[repr(C)]
struct Response {
    id: u64,
    val: i64,
    error: i32,
    flags: u32,
}

const SECCOMP_FILTER_FLAG_NEW_LISTENER: libc::c_ulong = 1 << 3;
/// `SECCOMP_IOWR(0, struct seccomp_notif)` and `SECCOMP_IOWR(1, struct seccomp_notif_resp)`.
const RECV: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;
const CONTINUE: u32 = 1;
/// `SECCOMP_IOW(3, struct seccomp_notif_addfd)`
const ADDFD: libc::c_ulong = 0x4018_2103;
/// Answers the notification too, with the descriptor.
const ADDFD_SEND: u32 = 2;

/// `struct seccomp_notif_addfd`, 24 bytes.
#[repr(C)]
struct AddFd {
    id: u64,
    flags: u32,
    srcfd: u32,
    newfd: u32,
    newfd_flags: u32,
}

/// A thread waits in a call for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// What an answer refers to.
    pub id: u64,
    /// The thread, in the listener's pid namespace.
    pub tid: libc::pid_t,
    /// The call.
    pub data: Data,
}

/// The descriptor on which a filter's notifications arrive: readable when there is one, hung up when no
/// process has the filter any more (from Linux 5.9 on).
#[derive(Debug)]
pub struct Listener(OwnedFd);

impl Filter {
    /// Installs the filter on this thread, with a listener, and sets no_new_privs first where that is needed.
    ///
    /// # Errors
    /// [`InstallError::Busy`], if this thread has a filter with a listener. Others as for
    /// [`Filter::install_unprivileged`].
    pub fn install_with_listener(&self) -> Result<Listener, InstallError> {
        let flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
        let fd = match set_filter(self, flags).map_err(InstallError::from) {
            Err(InstallError::NotPermitted) => {
                crate::set_no_new_privs()?;
                set_filter(self, flags)?
            }
            other => other?,
        };
        // SAFETY: the call made the descriptor, and nobody else knows it.
        Ok(Listener(unsafe { OwnedFd::from_raw_fd(fd) }))
    }
}

impl From<OwnedFd> for Listener {
    /// A listener that was handed over.
    fn from(fd: OwnedFd) -> Listener {
        Listener(fd)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Listener {
    /// Takes the next notification; waits for one. None, if the thread was killed meanwhile.
    ///
    /// # Errors
    /// Those of SECCOMP_IOCTL_NOTIF_RECV but ENOENT and EINTR.
    pub fn receive(&self) -> io::Result<Option<Notification>> {
        // The kernel wants it zeroed.
        let mut notif = Notif::default();
        // SAFETY: the request fills in one struct seccomp_notif.
        if unsafe { libc::ioctl(self.0.as_raw_fd(), RECV, &raw mut notif) } == 0 {
            let Notif { id, pid, nr, arch, instruction_pointer, args, .. } = notif;
            let data = Data { nr, arch, instruction_pointer, args };
            return Ok(Some(Notification { id, tid: pid.cast_signed(), data }));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::EINTR) => Ok(None),
            _ => Err(error),
        }
    }

    /// Lets the thread make its call. What the call's pointers point to may change until then: this is no
    /// judgement.
    ///
    /// # Errors
    /// ENOENT: the thread was killed meanwhile.
    pub fn go_on(&self, id: u64) -> io::Result<()> {
        self.answer(&Response { id, val: 0, error: 0, flags: CONTINUE })
    }

    /// Lets the call fail with `errno`.
    ///
    /// # Errors
    /// ENOENT: the thread was killed meanwhile.
    pub fn fail(&self, id: u64, errno: i32) -> io::Result<()> {
        self.answer(&Response { id, val: 0, error: -errno, flags: 0 })
    }

    /// Gives the thread a copy of `fd`, which exec closes, and lets its call answer that descriptor. From Linux 5.14 on.
    ///
    /// # Errors
    /// ENOENT: the thread was killed meanwhile. EMFILE: it has as many descriptors as it may have.
    pub fn give(&self, id: u64, fd: BorrowedFd<'_>) -> io::Result<()> {
        let (srcfd, newfd_flags) = (fd.as_raw_fd().cast_unsigned(), libc::O_CLOEXEC.cast_unsigned());
        let given = AddFd { id, flags: ADDFD_SEND, srcfd, newfd: 0, newfd_flags };
        // SAFETY: the request reads one struct seccomp_notif_addfd.
        match unsafe { libc::ioctl(self.0.as_raw_fd(), ADDFD, &raw const given) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    fn answer(&self, response: &Response) -> io::Result<()> {
        // SAFETY: the request reads one struct seccomp_notif_resp.
        match unsafe { libc::ioctl(self.0.as_raw_fd(), SEND, std::ptr::from_ref(response)) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
