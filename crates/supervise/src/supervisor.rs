//! The process that supervises a program whose child it is.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use seccomp::{Filter, Listener};
use tracee::{Options, Scope, Tid, Waiter};

use crate::session::{Begun, Layers, follow_all};
use crate::withdraw::{protect, silence, withdraw, without_stop_signals};
use crate::{Error, say, trial};

/// Lets `tid` trace us where Yama restricts that (prctl(2), PR_SET_PTRACER); 0 for nobody. Without Yama
/// there is no such call, and no need.
pub(crate) fn set_tracer(tid: Tid) {
    // SAFETY: PR_SET_PTRACER takes no pointers.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, tid, 0, 0, 0) };
}

/// Why a supervisor that tells nothing more has ended.
pub(crate) fn ended(supervisor: Tid) -> Error {
    let mut status = 0;
    // SAFETY: waitpid writes one int to `status`.
    let waited = unsafe { libc::waitpid(supervisor, &raw mut status, libc::__WALL) };
    let killed = waited == supervisor && libc::WIFSIGNALED(status);
    Error::Supervisor(killed.then(|| libc::WTERMSIG(status)))
}

/// How the supervisor's process does its work.
pub(crate) struct Ways {
    pub(crate) options: Options,
    pub(crate) times: bool,
    /// Whether the program hands over its filter's listener.
    pub(crate) listener: bool,
    /// What it tries before anybody does it, since an outer filter may kill for that.
    pub(crate) needs: &'static [trial::Call],
    pub(crate) keep: Vec<RawFd>,
    pub(crate) keep_stderr: bool,
}

/// Takes over the listener whose descriptor `program` tells.
fn take_listener(program: Tid, up: &mut File) -> std::io::Result<Listener> {
    let mut fd = [0; 4];
    up.read_exact(&mut fd)?;
    let fd = i32::from_ne_bytes(fd);
    // SAFETY: no pointers; each descriptor is made by the call that answers it.
    let [pidfd, listener] = unsafe {
        let pidfd = libc::syscall(libc::SYS_pidfd_open, program, 0) as i32;
        [pidfd, libc::syscall(libc::SYS_pidfd_getfd, pidfd, fd, 0) as i32]
    };
    let error = std::io::Error::last_os_error();
    if pidfd != -1 {
        // SAFETY: it was just made, and nobody else knows it.
        drop(unsafe { OwnedFd::from_raw_fd(pidfd) });
    }
    match listener {
        -1 => Err(error),
        // SAFETY: as above.
        fd => Ok(unsafe { OwnedFd::from_raw_fd(fd) }.into()),
    }
}

/// The supervisor's process, from fork to end.
pub(crate) fn supervise(
    mut layers: Layers,
    program: Tid,
    filter: Option<&Filter>,
    ways: Ways,
    mut up: File,
    answer: File,
) -> ! {
    protect();
    let Ways { options, times, listener, needs, mut keep, keep_stderr } = ways;
    if !needs.is_empty() {
        needs.iter().for_each(trial::Call::make);
        // Whoever doesn't hear it has ended.
        let _ = (&answer).write_all(&[0]);
    }
    let allowed = matches!(up.read(&mut [0]), Ok(1));
    let mut seized = if allowed { tracee::seize(program, options) } else { Err(tracee::Error::Gone) };
    if listener && seized.is_ok() {
        match take_listener(program, &mut up) {
            Ok(listener) => {
                let listener = Arc::new(listener);
                keep.push(listener.as_fd().as_raw_fd());
                layers.iter_mut().for_each(|layer| layer.on_listener(&listener));
            }
            Err(error) => seized = Err(tracee::Error::Os { what: "pidfd_getfd", error }),
        }
    }
    let errno = match &seized {
        Ok(()) => 0,
        Err(tracee::Error::Os { error, .. }) => error.raw_os_error().unwrap_or(libc::EPERM),
        Err(_) => libc::ESRCH,
    };
    let told = (&answer).write_all(&errno.to_ne_bytes());
    drop((up, answer));
    // From here on the program is being executed, and waits for us at the end of that.
    withdraw(&keep);
    without_stop_signals();
    if seized.is_ok() && told.is_ok() {
        let waiter = waiter(Scope::Process, times);
        let begun = Begun { threads: &[program], filter, kill_on_exit: true };
        let followed = follow_all(&mut layers, waiter, begun, |_| {
            if !keep_stderr {
                silence(2);
            }
        });
        if let Err(error) = followed {
            say(format_args!("waitpid: {error}"));
        }
    }
    // Layers may have something to say at their end.
    drop(layers);
    std::process::exit(0)
}

/// Who waits for the program and what it starts.
pub(crate) fn waiter(scope: Scope, times: bool) -> Waiter {
    let mut waiter = Waiter::new(scope);
    if times {
        waiter.with_times();
    }
    waiter
}
