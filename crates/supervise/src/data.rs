//! The data of our filter's answers, by which we know them: another filter of the program's may answer
//! RET_TRACE or RET_TRAP too, and means something else by it.

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
