//! Calls that we need and a filter may kill on, tried by a child that may die of them.
//!
//! A process that is killed says nothing. So where a filter is in force, what we are about to call is called by
//! somebody else first, in a way that changes nothing: what gets past the filter is refused for its arguments.

use std::fs::File;
use std::io::Write;

use crate::Error;
use crate::child::told;

/// A call with arguments that do nothing.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    name: &'static str,
    number: libc::c_long,
    arguments: [usize; 4],
}

const fn call(name: &'static str, number: libc::c_long, arguments: [usize; 4]) -> Call {
    Call { name, number, arguments }
}

/// No process has this id, nor descriptor this number.
const NONE: usize = usize::MAX;

/// SECCOMP_SET_MODE_FILTER with no filter: EFAULT.
const SECCOMP: Call = call("seccomp", libc::SYS_seccomp, [1, 0, 0, 0]);
/// PTRACE_SEIZE of nobody: ESRCH.
const PTRACE: Call = call("ptrace", libc::SYS_ptrace, [0x4206, 0, 0, 0]);
/// No bytes.
const READV: Call = call("process_vm_readv", libc::SYS_process_vm_readv, [0; 4]);
const PIDFD_OPEN: Call = call("pidfd_open", libc::SYS_pidfd_open, [NONE, 0, 0, 0]);
const PIDFD_GETFD: Call = call("pidfd_getfd", libc::SYS_pidfd_getfd, [NONE, NONE, 0, 0]);
/// Asks for the version.
const LANDLOCK: Call = call("landlock_create_ruleset", libc::SYS_landlock_create_ruleset, [0, 0, 1, 0]);
/// No name: EFAULT.
pub(crate) const MEMFD_CREATE: Call = call("memfd_create", libc::SYS_memfd_create, [0; 4]);
/// No path: EFAULT.
pub(crate) const EXECVEAT: Call = call("execveat", libc::SYS_execveat, [NONE, 0, 0, 0]);

/// No room for an answer: EINVAL. (Linux 6.8; libc has no name for it.)
pub(crate) const LSM_LIST_MODULES: Call = call("lsm_list_modules", 461, [0; 4]);

/// An empty range: no effect. (Linux 6.10; libc has no name for it.)
const MSEAL: Call = call("mseal", 462, [0; 4]);

/// What tracing takes beyond what any program calls.
pub(crate) const TRACE: &[Call] = &[PTRACE, READV];
/// What supervising under a filter of ours takes.
pub(crate) const SUPERVISE: &[Call] = &[SECCOMP, PTRACE, READV];
/// What it takes without staying attached.
pub(crate) const UNTRACED: &[Call] = &[SECCOMP, PTRACE, READV, PIDFD_OPEN];
/// What a domain takes.
pub(crate) const DOMAIN: &[Call] = &[LANDLOCK];
/// What rules take, and what those take that memory decides.
pub(crate) const RULES: &[Call] = &[LANDLOCK, PIDFD_OPEN, PIDFD_GETFD];
pub(crate) const RULES_ON_MEMORY: &[Call] = &[LANDLOCK, PIDFD_OPEN, PIDFD_GETFD, MEMFD_CREATE, MSEAL];

/// Which of `calls` kill. None where no filter is in force, and of those that a listener holds.
pub(crate) fn killing(calls: &[Call]) -> Result<Vec<&'static str>, Error> {
    let mut killing = Vec::new();
    let mut left = if seccomp::mode() == seccomp::Mode::Filter { calls } else { &[] };
    while !left.is_empty() {
        let Some(told) = told(|out| make(left, out))? else { break };
        if told.signal() != Some(libc::SIGSYS) {
            break;
        }
        let begun = told.bytes.len().clamp(1, left.len());
        killing.push(left[begun - 1].name);
        left = &left[begun..];
    }
    Ok(killing)
}

/// Makes the calls, each behind a byte. Async-signal-safe.
fn make(calls: &[Call], mut out: &File) -> i32 {
    for call in calls {
        if out.write_all(&[0]).is_err() {
            break;
        }
        call.make();
    }
    0
}

impl Call {
    /// Makes it. Whoever is killed for it is not told which it was.
    pub(crate) fn make(&self) {
        let Call { number, arguments: [a, b, c, d], .. } = *self;
        // SAFETY: null pointers, and numbers that name nothing: the kernel changes nothing for them.
        unsafe { libc::syscall(number, a, b, c, d, 0, 0) };
    }
}

/// Fails where one of `calls` kills.
pub(crate) fn need(calls: &[Call]) -> Result<(), Error> {
    match killing(calls)? {
        killing if killing.is_empty() => Ok(()),
        killing => Err(Error::Killed(killing)),
    }
}
