//! Processes that wait before they do what they are for.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use tracee::{Options, Tid};

use crate::Error;

/// Both ends of a pipe: to read from, to write to. Closed by exec.
pub(crate) fn pipe() -> Result<(File, File), Error> {
    let mut ends = [0; 2];
    // SAFETY: pipe2 stores two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(Error::last("pipe2"));
    }
    // SAFETY: both were just made, and nobody else knows them.
    let [read, write] = ends.map(|end| unsafe { File::from_raw_fd(end) });
    Ok((read, write))
}

/// Two connected sockets, closed by exec.
pub(crate) fn socket_pair() -> Result<(OwnedFd, OwnedFd), Error> {
    let mut ends = [0; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: socketpair stores two descriptors.
    if unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) } != 0 {
        return Err(Error::last("socketpair"));
    }
    // SAFETY: both were just made, and nobody else knows them.
    let [here, there] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    Ok((here, there))
}

/// A message of one byte with one descriptor (unix(7), SCM_RIGHTS).
struct Passing {
    byte: [u8; 1],
    /// `struct cmsghdr` and an int, padded as CMSG_SPACE says.
    control: [u64; 3],
}

impl Passing {
    fn with<T>(&mut self, act: impl FnOnce(*mut libc::msghdr) -> T) -> T {
        let mut part = libc::iovec { iov_base: self.byte.as_mut_ptr().cast(), iov_len: 1 };
        // SAFETY: msghdr is plain integers and pointers, for which zero is a value.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = self.control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&self.control);
        act(&raw mut message)
    }
}

/// Hands a descriptor over.
pub(crate) fn pass_descriptor(channel: &OwnedFd, fd: BorrowedFd<'_>) -> Result<(), Error> {
    let header = [20, libc::SOL_SOCKET as u64 | (libc::SCM_RIGHTS as u64) << 32, fd.as_raw_fd() as u64];
    let mut passing = Passing { byte: [1], control: header };
    // SAFETY: the message's parts live through the call.
    match passing.with(|message| unsafe { libc::sendmsg(channel.as_raw_fd(), message, 0) }) {
        1 => Ok(()),
        _ => Err(Error::last("sendmsg")),
    }
}

/// Takes a descriptor that was handed over. It is closed by exec.
pub(crate) fn receive_descriptor(channel: &OwnedFd) -> Result<OwnedFd, Error> {
    let mut passing = Passing { byte: [0], control: [0; 3] };
    let flags = libc::MSG_CMSG_CLOEXEC;
    // SAFETY: as above.
    let read = passing.with(|message| unsafe { libc::recvmsg(channel.as_raw_fd(), message, flags) });
    match (read, passing.control) {
        // SAFETY: the kernel has just made this descriptor for us.
        (1, [20, _, fd]) => Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }),
        (1.., _) => Err(Error::os("recvmsg", io::ErrorKind::InvalidData.into())),
        _ => Err(Error::last("recvmsg")),
    }
}

/// fork(2) whose child has no exit signal: its end sends none, and a wait() that does not ask for such
/// children does not see it (waitpid(2), __WALL). 0 in the child.
pub(crate) fn fork_unseen() -> Result<Tid, Error> {
    // SAFETY: without CLONE_VM the child has its own memory, as after fork. All callers are documented to do
    // in it what is allowed there.
    match unsafe { libc::syscall(libc::SYS_clone, 0, 0, 0, 0, 0) } {
        -1 => Err(Error::last("clone")),
        pid => Ok(pid as Tid),
    }
}

/// A child that waits until it is released.
pub(crate) struct Child {
    pid: Tid,
    hold: File,
}

impl Child {
    /// Forks. The child waits for [`Child::release`], calls `act`, and exits with what that answers; it exits
    /// at once if its parent ends. `act` must be async-signal-safe: the caller may have other threads.
    pub(crate) fn held(act: impl FnOnce() -> i32) -> Result<Child, Error> {
        let (mut wait, hold) = pipe()?;
        match fork_unseen()? {
            0 => {
                drop(hold);
                let released = matches!(wait.read(&mut [0]), Ok(1));
                let status = if released { act() } else { 0 };
                // SAFETY: ends the child, without what the parent registered for its own end.
                unsafe { libc::_exit(status) }
            }
            pid => Ok(Child { pid, hold }),
        }
    }

    pub(crate) const fn pid(&self) -> Tid {
        self.pid
    }

    /// Becomes the child's tracer, and lets it act. A child that can't be traced is ended.
    pub(crate) fn trace(&self, options: Options) -> Result<(), Error> {
        if let Err(error) = tracee::seize(self.pid, options) {
            let error = match error {
                tracee::Error::Os { error, .. } => Error::ptrace(error, self.pid),
                other => other.into(),
            };
            self.kill();
            self.reap()?;
            return Err(error);
        }
        self.release()
    }

    /// Lets the child act.
    pub(crate) fn release(&self) -> Result<(), Error> {
        (&self.hold).write_all(&[1]).map_err(|error| Error::os("write", error))
    }

    pub(crate) fn kill(&self) {
        // SAFETY: kill takes no pointers.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
    }

    /// Waits for its end; answers its wait status.
    pub(crate) fn reap(&self) -> Result<i32, Error> {
        let mut status = 0;
        loop {
            // SAFETY: waitpid writes one int to `status`.
            match unsafe { libc::waitpid(self.pid, &raw mut status, libc::__WALL) } {
                -1 if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
                -1 => return Err(Error::last("waitpid")),
                _ => return Ok(status),
            }
        }
    }
}

/// A file in memory that can be executed by [`execute_file`].
pub(crate) fn memory_file(content: &[u8]) -> Result<OwnedFd, Error> {
    const NAME: &CStr = c"socketcall-probe";
    // SAFETY: the name ends with a zero.
    let create = |flags| unsafe { libc::memfd_create(NAME.as_ptr(), libc::MFD_CLOEXEC | flags) };
    // Where vm.memfd_noexec is 1, executing is to be asked for; before Linux 6.3 there is no such flag.
    let fd = match create(libc::MFD_EXEC) {
        -1 if io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) => create(0),
        fd => fd,
    };
    if fd == -1 {
        return Err(Error::last("memfd_create"));
    }
    // SAFETY: the descriptor was just made, and nobody else knows it.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(content).map_err(|error| Error::os("write", error))?;
    Ok(file.into())
}

/// Executes `file` with no arguments and no environment. Returns on failure only, with the errno.
/// Async-signal-safe, and needs no /proc.
pub(crate) fn execute_file(file: &OwnedFd) -> i32 {
    let none = [std::ptr::null::<libc::c_char>()];
    let argv = [c"probe".as_ptr(), std::ptr::null()];
    // SAFETY: an empty path, and lists of strings that end with a null.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            file.as_raw_fd(),
            c"".as_ptr(),
            argv.as_ptr(),
            none.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    crate::program::last_errno()
}
