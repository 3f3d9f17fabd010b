//! What a tracer has to tell.

use crate::{Abi, Request};

/// When something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stamp {
    /// CLOCK_REALTIME: nanoseconds since 1970.
    pub wall: u64,
    /// CLOCK_MONOTONIC, nanoseconds.
    pub monotonic: u64,
}

/// Something that happened to a thread.
#[derive(Debug)]
pub struct Event<'a> {
    /// The thread, in the tracer's pid namespace.
    pub tid: i32,
    /// When.
    pub at: Stamp,
    /// What.
    pub what: What<'a>,
}

/// What happened.
#[derive(Debug)]
pub enum What<'a> {
    /// The thread is traced from now on; `by_us` if we attached to it, and it is not the child of a tracee.
    Attached {
        /// Whether we attached to it.
        by_us: bool,
    },
    /// We let it go.
    Detached,
    /// It makes a call.
    Enter(&'a Request),
    /// The call has returned: the same request, complete; `took` is the time since its entry, in nanoseconds, and `system`
    /// the processor time that the thread spent in the kernel meanwhile, if it is known.
    Exit {
        /// The call.
        request: &'a Request,
        /// Nanoseconds since its entry.
        took: u64,
        /// Nanoseconds of system time, for `-c` without `-w`.
        system: u64,
    },
    /// A policy refused the call, unmade; `rule` says which and where it stands.
    Refused {
        /// The call.
        request: &'a Request,
        /// The rule, as a person reads it.
        rule: &'a str,
    },
    /// The program of the thread's process is of another kind than was known.
    Mode(Abi),
    /// A signal is about to be delivered: `siginfo_t`, 128 bytes, in the tracer's (64-bit) layout.
    Signal(&'a [u8; 128]),
    /// The thread's group was stopped by this signal.
    Stopped(i32),
    /// It is about to end; a call that it is in will not return.
    Ending,
    /// It ended with this status.
    Exited(i32),
    /// It was ended by this signal; `core` if it left one.
    Killed {
        /// The signal.
        signal: i32,
        /// Whether it dumped core.
        core: bool,
    },
    /// Another thread of its process, `by`, executed a program: this one is that from now on.
    Superseded {
        /// The thread that made the call.
        by: i32,
    },
}
