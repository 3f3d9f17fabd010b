//! Typed ptrace(2): a [`Stopped`] tracee is another type than a running one.
//!
//! # Terms
//! - A **tracee** is a thread, named by its [`Tid`]. Everything here is about threads; a process is a group
//!   of them.
//! - A tracee is **seized** (PTRACE_SEIZE), never attached: no SIGSTOP is sent, and group stops can be told
//!   from signals.
//! - A **stop** is what [`Waiter::wait`] reports; only a stopped tracee can be looked at. Resuming it consumes the
//!   [`Stopped`], so no one can touch the registers of a running thread.
//!
//! A tracee can be killed at any moment, also while it is stopped. Every operation then answers
//! [`Error::Gone`]; its end is reported by [`Waiter::wait`] as for any other.
//!
//! ptrace is bound to the thread that seized: all functions are for that thread alone.

mod call;
mod inject;
mod memory;
mod proc;
mod registers;
mod stop;
mod stopped;

pub use call::{ARCH_I386, ARCH_X86_64, At, CallInfo};
pub use inject::{AnyInjection, Injection, WideInjection, inject, inject_any};
pub use proc::{has_ended, proc_file, proc_stat, proc_status};
pub use registers::{CODE_32, DATA_32, Registers};
pub use stop::{Scope, Stop, Waited, Waiter};
pub use stopped::{Options, Resume, SignalInfo, Stopped, interrupt, seize};

use std::io;

/// A thread's id in the caller's pid namespace.
pub type Tid = libc::pid_t;

/// A signal's number; 0 for none.
pub type Signal = libc::c_int;

/// Why an operation on a tracee failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// ESRCH: the tracee was killed. Its end is still to be waited for.
    #[error("the tracee is gone")]
    Gone,
    /// Memory that the tracee has not mapped, or not so.
    #[error("the tracee's memory at {0:#x} can't be accessed")]
    Fault(u64),
    /// Any other failure of ptrace(2); `what` is the request.
    #[error("{what}: {error}")]
    Os {
        /// The request.
        what: &'static str,
        /// What the kernel answered.
        error: io::Error,
    },
}

impl Error {
    /// The error of the request that just failed.
    pub(crate) fn last(what: &'static str) -> Error {
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ESRCH) => Error::Gone,
            _ => Error::Os { what, error },
        }
    }
}

/// The result of an operation on a tracee.
pub type Result<T> = std::result::Result<T, Error>;
