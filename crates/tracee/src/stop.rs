//! Waiting for tracees, and what their stops mean.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Result, Signal, Stopped, Tid};

/// Why a tracee is stopped (ptrace(2), "Stopped states").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// execve succeeded: the new program is in place and has not run yet. The thread that made the call was
    /// `former` until now; it has become the group's leader, and all other threads are gone. The call has
    /// not returned yet: the accumulator will be overwritten.
    Exec {
        /// The thread that called execve.
        former: Tid,
    },
    /// The thread is in fork, vfork or clone, and `child` exists, seized like it. The child reports
    /// [`Stop::Attached`], before or after this.
    Clone {
        /// The new thread or process.
        child: Tid,
    },
    /// The thread is about to end; its memory is still there.
    Exit,
    /// A filter answered RET_TRACE, at a call's entry ([`Stopped::filter_data`]).
    Seccomp,
    /// At a call's entry or exit, in turn, after [`crate::Resume::ToCall`].
    Call,
    /// A signal is about to be delivered; it is, if the tracee is resumed with it.
    Signal(Signal),
    /// The group was stopped by this signal: SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU.
    Group(Signal),
    /// A new tracee's first stop, the end of a group's stop, or an answer to [`crate::interrupt`].
    Attached,
}

/// What [`Waiter::wait`] heard. Nearly always it is the largest of these.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Waited {
    /// A tracee is stopped.
    Stopped(Stopped, Stop),
    /// A thread ended with this status. (Of a process, its first thread's end is reported last.)
    Exited(Tid, i32),
    /// A thread was ended by a signal.
    Killed {
        /// The thread.
        tid: Tid,
        /// The signal.
        signal: Signal,
        /// Whether it left a core dump.
        core: bool,
    },
    /// [`Waiter::interruptible`]: somebody wants to be heard.
    Interrupted,
    /// There is nobody left to wait for.
    Nobody,
}

/// Whose tracees and children are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of the whole calling process.
    Process,
    /// Those of the calling thread only: nobody else's children are reaped.
    Thread,
    /// This tracee alone.
    One(Tid),
}

/// Waits for tracees.
#[derive(Debug)]
pub struct Waiter {
    scope: Scope,
    /// Heard, and not told yet.
    heard: VecDeque<Waited>,
    /// How many are told until everybody is asked.
    until_all: u32,
    interrupted: Option<&'static AtomicBool>,
    times: bool,
}

impl Waiter {
    /// Rare enough to cost a quiet program nothing.
    const ROUND: u32 = 16;

    /// Waits for whom `scope` says.
    #[must_use]
    pub const fn new(scope: Scope) -> Waiter {
        Waiter { scope, heard: VecDeque::new(), until_all: Self::ROUND, interrupted: None, times: false }
    }

    /// Ends its waiting with [`Waited::Interrupted`] whenever `flag` is set. Whoever sets it sends the waiting thread a
    /// signal that is handled without SA_RESTART, again and again until the thread has answered: one that comes before the
    /// thread waits is not felt. The flag is cleared when it is told.
    pub const fn interruptible(&mut self, flag: &'static AtomicBool) {
        self.interrupted = Some(flag);
    }

    /// Also asks for the processor time that a stopped thread's process has used ([`Stopped::system_time`]), which costs
    /// the more the more threads it has.
    pub const fn with_times(&mut self) {
        self.times = true;
    }

    /// Takes the flag down, if it is up.
    fn is_interrupted(&self) -> bool {
        self.interrupted.is_some_and(|flag| flag.swap(false, Ordering::Relaxed))
    }

    /// Waits until a tracee stops or ends.
    ///
    /// # Errors
    /// Those of waitpid(2) but EINTR and ECHILD.
    pub fn wait(&mut self) -> io::Result<Waited> {
        if self.is_interrupted() {
            return Ok(Waited::Interrupted);
        }
        if let Some(heard) = self.heard.pop_front() {
            return Ok(heard);
        }
        let first = loop {
            match wait(self.scope, 0, self.times) {
                Ok(heard) => break heard.expect("waitpid waits"),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    if self.is_interrupted() {
                        return Ok(Waited::Interrupted);
                    }
                }
                Err(error) => return Err(error),
            }
        };
        self.until_all -= 1;
        if self.until_all == 0 {
            self.hear_all()?;
            // In a crowd everybody has something to say all the time.
            self.until_all = if self.heard.is_empty() { Self::ROUND } else { 1 };
        }
        Ok(first)
    }

    /// The kernel looks at the newest tracee first (kernel/exit.c, `ptrace_do_wait`): where new ones keep
    /// coming, the oldest would never be heard. So now and then all who have something to say are heard, and
    /// told of in turn.
    fn hear_all(&mut self) -> io::Result<()> {
        while let Some(heard) = wait_again(self.scope, libc::WNOHANG, self.times)? {
            if matches!(heard, Waited::Nobody) {
                break;
            }
            self.heard.push_back(heard);
        }
        Ok(())
    }

    /// As [`Waiter::wait`], but for no longer than `limit`. For what is about to come: it asks again and again.
    ///
    /// # Errors
    /// As [`Waiter::wait`].
    pub fn wait_at_most(&mut self, limit: Duration) -> io::Result<Option<Waited>> {
        const PAUSE: Duration = Duration::from_micros(50);
        if let Some(heard) = self.heard.pop_front() {
            return Ok(Some(heard));
        }
        let end = Instant::now() + limit;
        loop {
            match wait_again(self.scope, libc::WNOHANG, self.times)? {
                None if Instant::now() < end => thread::sleep(PAUSE),
                heard => return Ok(heard),
            }
        }
    }

    /// Waits for this tracee alone.
    pub(crate) fn wait_for(&mut self, tid: Tid) -> io::Result<Waited> {
        Ok(wait_again(Scope::One(tid), 0, self.times)?.expect("waitpid waits"))
    }

    /// Gives back what was heard for the next [`Waiter::wait`].
    pub(crate) fn give_back(&mut self, heard: Waited) {
        self.heard.push_back(heard);
    }
}

/// Waits whatever signals come.
fn wait_again(scope: Scope, flags: libc::c_int, times: bool) -> io::Result<Option<Waited>> {
    loop {
        match wait(scope, flags, times) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            heard => return heard,
        }
    }
}

/// None only if `flags` say WNOHANG. EINTR is an error here.
fn wait(scope: Scope, flags: libc::c_int, times: bool) -> io::Result<Option<Waited>> {
    let (whom, whose) = match scope {
        Scope::Process => (-1, 0),
        Scope::Thread => (-1, libc::__WNOTHREAD),
        Scope::One(tid) => (tid, 0),
    };
    let flags = flags | whose | libc::__WALL;
    loop {
        let mut status = 0;
        // SAFETY: rusage is plain integers, for which zero is a value.
        let mut used: libc::rusage = unsafe { mem::zeroed() };
        let usage = if times { &raw mut used } else { ptr::null_mut() };
        // glibc's wait4 would have to be ready to be cancelled, in a process of several threads.
        // SAFETY: wait4 writes one int to `status`, and one structure to `usage` if that is not null.
        let tid = unsafe { libc::syscall(libc::SYS_wait4, whom, &raw mut status, flags, usage) } as Tid;
        if tid == -1 {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::ECHILD) => return Ok(Some(Waited::Nobody)),
                _ => return Err(error),
            }
        }
        if tid == 0 {
            return Ok(None);
        }
        if libc::WIFEXITED(status) {
            return Ok(Some(Waited::Exited(tid, libc::WEXITSTATUS(status))));
        }
        if libc::WIFSIGNALED(status) {
            let (signal, core) = (libc::WTERMSIG(status), libc::WCOREDUMP(status));
            return Ok(Some(Waited::Killed { tid, signal, core }));
        }
        if !libc::WIFSTOPPED(status) {
            continue;
        }
        let time = used.ru_stime;
        let nanoseconds = time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_usec.cast_unsigned() * 1_000;
        let stopped = Stopped::new(tid, nanoseconds);
        match meaning(&stopped, status) {
            Ok(stop) => return Ok(Some(Waited::Stopped(stopped, stop))),
            // Killed between its stop and our question: its end comes next.
            Err(Error::Gone) => {}
            Err(Error::Os { error, .. }) => return Err(error),
            Err(Error::Fault(_)) => unreachable!("no memory was read"),
        }
    }
}

/// What a stop's wait status means. `stopped` is asked for the event's message where there is one.
fn meaning(stopped: &Stopped, status: libc::c_int) -> Result<Stop> {
    let signal = libc::WSTOPSIG(status);
    let tid = || Ok(stopped.event_message()? as Tid);
    Ok(match status >> 16 {
        0 if signal == libc::SIGTRAP | 0x80 => Stop::Call,
        0 => Stop::Signal(signal),
        libc::PTRACE_EVENT_EXEC => Stop::Exec { former: tid()? },
        libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
            Stop::Clone { child: tid()? }
        }
        libc::PTRACE_EVENT_EXIT => Stop::Exit,
        libc::PTRACE_EVENT_SECCOMP => Stop::Seccomp,
        libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => Stop::Group(signal),
        _ => Stop::Attached,
    })
}
