//! Processes that wait before they do what they are for.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use tracee::{Options, Tid};

use crate::Error;
use crate::program::last_errno;

/// Far more than a child needs that makes a few calls. A filter's listener may leave one without an answer.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

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
    pub(crate) fn trace(self, options: Options) -> Result<Child, Error> {
        if let Err(error) = tracee::seize(self.pid, options) {
            let error = match error {
                tracee::Error::Os { error, .. } => Error::ptrace(error, self.pid),
                other => other.into(),
            };
            self.end();
            return Err(error);
        }
        self.release()?;
        Ok(self)
    }

    /// Lets the child act.
    pub(crate) fn release(&self) -> Result<(), Error> {
        (&self.hold).write_all(&[1]).map_err(|error| Error::os("write", error))
    }

    /// Ends the child, whether it was released or not. One that nothing can end is left behind.
    pub(crate) fn end(self) {
        let Child { pid, hold } = self;
        // Who still waits for its release ends by this, even where a filter refuses to send signals.
        drop(hold);
        // Where nothing could be sent, it is not waited for longer than it takes to end by itself.
        let flags = if kill(pid) { libc::__WALL } else { libc::__WALL | libc::WNOHANG };
        let patience = Instant::now() + Duration::from_secs(1);
        let mut status = 0;
        loop {
            // SAFETY: waitpid writes one int to `status`.
            match unsafe { libc::waitpid(pid, &raw mut status, flags) } {
                -1 if last_errno() == libc::EINTR => {}
                0 if Instant::now() < patience => thread::sleep(Duration::from_millis(1)),
                // A tracer may hear of a stop on the way to its end.
                ended if ended == pid && libc::WIFSTOPPED(status) => {}
                _ => return,
            }
        }
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

/// Sends SIGKILL by the first of three calls that no filter refuses; answers whether one did it.
pub(crate) fn kill(tid: Tid) -> bool {
    // SAFETY: none of the calls takes a pointer but the last, for which null is allowed; the descriptor is new.
    unsafe {
        if libc::kill(tid, libc::SIGKILL) == 0 || libc::syscall(libc::SYS_tkill, tid, libc::SIGKILL) == 0 {
            return true;
        }
        match libc::syscall(libc::SYS_pidfd_open, tid, 0) {
            -1 => false,
            fd => {
                let fd = OwnedFd::from_raw_fd(fd as i32);
                let none = std::ptr::null::<libc::siginfo_t>();
                libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), libc::SIGKILL, none, 0) == 0
            }
        }
    }
}

/// What a child wrote before it ended, and its wait status.
pub(crate) struct Told {
    pub(crate) bytes: Vec<u8>,
    pub(crate) status: i32,
}

impl Told {
    /// The signal that the child died of.
    pub(crate) const fn signal(&self) -> Option<i32> {
        if libc::WIFSIGNALED(self.status) { Some(libc::WTERMSIG(self.status)) } else { None }
    }
}

/// Runs `act` in a child, which may die of it, and reads what it wrote to the file that it is given. None if it has not
/// ended within [`LIMIT`]. `act` must be async-signal-safe.
pub(crate) fn told(act: impl FnOnce(&File) -> i32) -> Result<Option<Told>, Error> {
    let (read, write) = pipe()?;
    let child = Child::held(|| {
        no_core();
        act(&write)
    })?;
    drop(write);
    child.release()?;
    match read_until(read, Instant::now() + LIMIT) {
        Ok(Some(bytes)) => Ok(Some(Told { bytes, status: child.reap()? })),
        late => {
            child.end();
            late.map(|_| None)
        }
    }
}

/// Lets the process die of a signal without a file, or a report, about it: core(5). The limit of 1 byte
/// is one that a program in core_pattern is not started for, too (`fs/coredump.c`).
fn no_core() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls take one such structure. A failure leaves things as they are.
    unsafe {
        libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max.min(1);
        libc::setrlimit(libc::RLIMIT_CORE, &raw const limit);
    }
}

/// Everything that comes until the last writer is gone; none if that takes too long.
fn read_until(mut from: File, deadline: Instant) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now()).as_millis();
        let mut ready = libc::pollfd { fd: from.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one such structure is passed.
        match unsafe { libc::poll(&raw mut ready, 1, left.try_into().unwrap_or(libc::c_int::MAX)) } {
            0 => return Ok(None),
            -1 if last_errno() == libc::EINTR => continue,
            -1 => return Err(Error::last("poll")),
            _ => {}
        }
        match from.read(&mut buffer).map_err(|error| Error::os("read", error))? {
            0 => return Ok(Some(bytes)),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
