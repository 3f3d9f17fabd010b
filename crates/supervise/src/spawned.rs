//! A program that is started as a child of this process, which one of its threads supervises.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use seccomp::Filter;
use tracee::{Scope, Tid};

use crate::child::{Child, pipe};
use crate::launch::{Launch, Ready, Session};
use crate::layer::End;
use crate::program::Program;
use crate::session::{Begun, Layers, follow_all};
use crate::supervisor::waiter;
use crate::withdraw::without_stop_signals;
use crate::{Error, inherited, trial};

/// A program that was started by [`Session::spawn`].
#[derive(Debug)]
pub struct Running {
    pid: Tid,
    thread: JoinHandle<Result<End, Error>>,
}

impl Running {
    /// The program's process.
    #[must_use]
    pub const fn pid(&self) -> Tid {
        self.pid
    }

    /// Waits until the program, and all that it started, have ended; answers how the program did.
    ///
    /// # Errors
    /// [`Error`]
    ///
    /// # Panics
    /// If a layer did.
    pub fn wait(self) -> Result<End, Error> {
        match self.thread.join() {
            Ok(end) => end,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Starts a program, in a thread of its own.
pub(crate) fn spawn(launch: Launch, layers: Layers, kind: Kind) -> Result<Running, Error> {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = thread::Builder::new()
        .name("socketcall".into())
        .spawn(move || supervise_here(launch, layers, kind, &tell))
        .map_err(|error| Error::os("clone", error))?;
    let Ok(pid) = told.recv() else {
        // The thread tells before it ends, unless a layer panics.
        std::panic::resume_unwind(thread.join().expect_err("a thread that told nothing has panicked"));
    };
    Ok(Running { pid: pid?, thread })
}

/// The dedicated thread of [`Session::spawn`]: ptrace is bound to it. Tells whether the program runs.
fn supervise_here(
    launch: Launch,
    layers: Layers,
    kind: Kind,
    tell: &Sender<Result<Tid, Error>>,
) -> Result<End, Error> {
    let started = start(launch, layers, kind);
    let (ready, child, mut failure) = match started {
        Ok(started) => started,
        Err(error) => {
            let _ = tell.send(Err(error));
            return Ok(End::Exited(125));
        }
    };
    let Ready { program, mut layers, filter, times, .. } = ready;
    // The pipe's other end is closed by the program's exec, or by the child's end after it told why not.
    thread::scope(|scope| {
        let pid = child.pid();
        scope.spawn(move || {
            let mut errno = [0; 5];
            let failed = failure.read_exact(&mut errno).is_ok();
            let _ = tell.send(if failed { Err(explain(&program, errno)) } else { Ok(pid) });
        });
        let mut waiter = waiter(Scope::Thread, times);
        if kind.foreground {
            crate::signals::forward_to(pid);
            without_stop_signals();
            waiter.interruptible(&crate::signals::INTERRUPTED);
        }
        let begun = Begun { threads: &[pid], filter: filter.as_ref(), kill_on_exit: true };
        let end = follow_all(&mut layers, waiter, begun, |_| {
            crate::signals::forward_no_more();
        });
        end.map(|end| end.unwrap_or(End::Exited(125))).map_err(|error| Error::os("waitpid", error))
    })
}

/// How [`Session::spawn`] was asked to start.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) foreground: bool,
    pub(crate) children: bool,
}

/// What the child writes when it can't become the program: the step, and the errno.
const AT_FILTER: u8 = 1;
const AT_EXEC: u8 = 2;

fn explain(program: &Program, [step, errno @ ..]: [u8; 5]) -> Error {
    let errno = i32::from_ne_bytes(errno);
    match step {
        AT_FILTER => seccomp::InstallError::from(std::io::Error::from_raw_os_error(errno)).into(),
        _ => program.error(errno),
    }
}

/// Forks the program's process, seizes it and lets it go on. The file tells of a failure to exec.
fn start(mut launch: Launch, layers: Layers, kind: Kind) -> Result<(Ready, Child, File), Error> {
    let ready = Session::ready(&launch, layers, kind.children)?;
    trial::need(ready.needs)?;
    if ready.listener || ready.domain {
        return Err(Error::InItsPlace);
    }
    let (failure, tell) = pipe()?;
    let tell = File::from(out_of_the_way(tell.as_fd())?);
    let given = std::mem::take(&mut launch.stdio);
    let mut stdio = [None, None, None];
    for (here, fd) in stdio.iter_mut().zip(&given) {
        *here = fd.as_ref().map(|fd| out_of_the_way(fd.as_fd())).transpose()?;
    }
    let child = Child::held(|| {
        for (number, fd) in (0..).zip(&stdio) {
            if let Some(fd) = fd {
                // SAFETY: dup2 takes no pointers; what it closes is this child's copy.
                unsafe { libc::dup2(fd.as_raw_fd(), number) };
            }
        }
        if kind.foreground {
            inherited::restore();
        } else {
            reset_signals();
        }
        let (step, errno) = match ready.filter.as_ref().map_or(Ok(()), Filter::install_unprivileged) {
            Err(_) => (AT_FILTER, crate::program::last_errno()),
            Ok(()) => (AT_EXEC, ready.program.execute()),
        };
        let [a, b, c, d] = errno.to_ne_bytes();
        let _ = (&tell).write_all(&[step, a, b, c, d]);
        125
    })?;
    drop(tell);
    drop(stdio);
    let child = child.trace(ready.options)?;
    Ok((ready, child, failure))
}

/// A copy of `fd` that is no standard descriptor, so that making those leaves it alone; closed by exec.
fn out_of_the_way(fd: BorrowedFd<'_>) -> Result<OwnedFd, Error> {
    // SAFETY: F_DUPFD_CLOEXEC takes no pointers; the descriptor is new, and ours.
    unsafe {
        match libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) {
            -1 => Err(Error::last("fcntl")),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// As [`std::process::Command`] does: nothing is blocked, and SIGPIPE ends the program.
fn reset_signals() {
    // SAFETY: an empty set, which is all zeros, is set as the mask; the default disposition has no handler.
    unsafe {
        let empty: libc::sigset_t = std::mem::zeroed();
        libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
