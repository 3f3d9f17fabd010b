//! The data of our filter's answers, by which we know what they are for. Another filter of the program's may answer RET_TRACE
//! or RET_TRAP too, also with our data: what the filter itself says of a call is what counts.

/// A multiplexed call.
pub(crate) const SOCKETCALL: u16 = stub::TRAP_DATA;
/// A direct call that did not come through the vDSO, to be counted.
pub(crate) const DIRECT: u16 = 0x5c67;
/// execve or execveat, for a last look at the counters.
pub(crate) const EXEC: u16 = 0x5c68;
/// SIGSYS gets a disposition.
pub(crate) const SIGACTION: u16 = 0x5c69;
/// clone with CLONE_UNTRACED, or clone3.
pub(crate) const CLONE: u16 = 0x5c6a;
/// ptrace, by somebody who wants to be a tracer.
pub(crate) const PTRACE: u16 = 0x5c6b;
/// seccomp, by somebody who wants a listener.
pub(crate) const LISTENER: u16 = 0x5c6c;

/// A direct call that is shown.
pub(crate) const SHOWN: u16 = 0x5c6d;
/// A multiplexed call that is shown, and goes on to the kernel as it is.
pub(crate) const SHOWN_WHOLE: u16 = 0x5c6e;

/// A call that rules decide about, or that is refused and told.
pub(crate) const JUDGED: u16 = 0x5c6f;
