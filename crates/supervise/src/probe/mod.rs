//! Asks the kernel for sockets by every way there is, and tells what came of it.
//!
//! Each way is tried in processes of their own: that a filter kills who makes the call is an answer like
//! any other. A process asks for one socket after the other and tells each answer before it makes the next call;
//! where it dies, another goes on behind.
//!
//! [`Socket::refused_late`] makes a question that changes nothing: seccomp judges it, and what gets past
//! seccomp is refused before security modules hear of it and before a module is loaded.

mod call;
mod process;
mod ring;

use std::fmt;

use abi::Errno;

use call::{Call, Int80Call};
use process::{End, Told, Worker};
use ring::Ring;

use crate::child::LIMIT;
use crate::{Error, trial};

/// A way to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// socket(2) of x86-64.
    X86_64,
    /// The same with a bit set above the family's 32, which the kernel does not look at and a filter may.
    UpperBits,
    /// socket(2) of x32: x86-64's with bit 30 set in the number.
    X32,
    /// The direct call of i386 by `int $0x80` from 64-bit code.
    I386,
    /// The multiplexed call by `int $0x80` from 64-bit code.
    Socketcall,
    /// `IORING_OP_SOCKET` of io_uring, since Linux 5.19.
    IoUring,
    /// The direct call of i386 from a 32-bit process.
    Process32Direct,
    /// The multiplexed call by `int $0x80` from a 32-bit process.
    Process32Int80,
    /// The multiplexed call through the vDSO, from a 32-bit process.
    Process32Vdso,
}

impl Way {
    /// Every way, the machine's own first.
    pub const ALL: [Way; 9] = [
        Way::X86_64,
        Way::UpperBits,
        Way::X32,
        Way::I386,
        Way::Socketcall,
        Way::IoUring,
        Way::Process32Direct,
        Way::Process32Int80,
        Way::Process32Vdso,
    ];
}

/// What socket(2) is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The family.
    pub family: u32,
    /// The type, with flags.
    pub kind: u32,
    /// The protocol.
    pub protocol: u32,
}

impl Socket {
    /// The same with a flag that does not exist: EINVAL for what gets past seccomp (`net/socket.c`,
    /// `__sys_socket_create`; `io_uring/net.c`, `io_socket_prep`).
    #[must_use]
    pub const fn refused_late(self) -> Socket {
        const NO_FLAG: u32 = 0x10_0000;
        Socket { kind: self.kind | NO_FLAG, ..self }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There was a socket. It is closed again.
    Created,
    /// The call failed.
    Failed(Errno),
    /// Who made the call died of this signal: SIGSYS is a filter's.
    Died(i32),
}

/// Why a way could not be tried.
#[derive(Debug)]
pub enum Missing {
    /// The kernel does not have it, for this reason.
    NoEntry(&'static str),
    /// 32-bit programs die here of this signal before they ask for anything.
    Dies(i32),
    /// 32-bit programs are not executed here: from where that was tried, and what the kernel answered.
    NotExecuted(String),
    /// No answer came in time.
    Late,
    /// What it takes to ask was refused.
    Os(Error),
}

impl Missing {
    /// Whether this kernel has no such way, for anybody.
    #[must_use]
    pub const fn is_no_entry(&self) -> bool {
        matches!(self, Missing::NoEntry(_))
    }
}

impl From<Error> for Missing {
    fn from(error: Error) -> Missing {
        Missing::Os(error)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::NoEntry(reason) => f.write_str(reason),
            Missing::Dies(signal) => {
                write!(f, "32-bit programs die here of signal {signal} before they ask for anything")
            }
            Missing::NotExecuted(refusals) => {
                write!(f, "a 32-bit program can't be executed here: {refusals}")
            }
            Missing::Late => write!(f, "no answer came within {} s", LIMIT.as_secs()),
            Missing::Os(error) => error.fmt(f),
        }
    }
}

/// Asks for `sockets` by `way`; the answers are in their order.
///
/// # Errors
/// The way is not there, or could not be tried.
pub fn ask(way: Way, sockets: &[Socket]) -> Result<Vec<Answer>, Missing> {
    let worker = worker(way)?;
    let mut answers = Vec::with_capacity(sockets.len());
    while answers.len() < sockets.len() {
        let Told { results, end } = worker.run(&sockets[answers.len()..])?;
        answers.extend(results.into_iter().map(|result| match Errno::from_eax(result.cast_unsigned()) {
            Ok(_) => Answer::Created,
            Err(errno) => Answer::Failed(errno),
        }));
        match end {
            End::Killed(_) if answers.len() >= sockets.len() => {}
            End::Killed(signal) => answers.push(Answer::Died(signal)),
            End::Exited(_) if answers.len() == sockets.len() => {}
            End::Exited(status) => return Err(worker.broke_off(status)),
        }
    }
    Ok(answers)
}

fn worker(way: Way) -> Result<Worker, Missing> {
    const DIRECT: &str = "359";
    const MULTIPLEXED: &str = "102";
    let worker = match way {
        Way::X86_64 => return Ok(Worker::Here(Call::X86_64)),
        Way::UpperBits => return Ok(Worker::Here(Call::UpperBits)),
        Way::X32 => Worker::Here(Call::X32),
        Way::I386 => Worker::Int80(Int80Call::Direct),
        Way::Socketcall => Worker::Int80(Int80Call::multiplexed()?),
        Way::IoUring => Worker::Ring,
        Way::Process32Direct => Worker::program(guest32::Entry::Int80, DIRECT)?,
        Way::Process32Int80 => Worker::program(guest32::Entry::Int80, MULTIPLEXED)?,
        Way::Process32Vdso => Worker::program(guest32::Entry::Vdso, MULTIPLEXED)?,
    };
    worker.try_entry()?;
    Ok(worker)
}

/// The security modules that are active (lsm_list_modules(2), Linux 6.8), in their order; `None` where the
/// kernel does not tell, or a filter kills for the question.
#[must_use]
pub fn security_modules() -> Option<Vec<String>> {
    const LSM_LIST_MODULES: u32 = 461;
    /// `linux/lsm.h`: the ids from 100 on.
    const NAMES: [&str; 14] = [
        "capability",
        "selinux",
        "smack",
        "tomoyo",
        "apparmor",
        "yama",
        "loadpin",
        "safesetid",
        "lockdown",
        "bpf",
        "landlock",
        "ima",
        "evm",
        "ipe",
    ];
    if !trial::killing(&[trial::LSM_LIST_MODULES]).ok()?.is_empty() {
        return None;
    }
    let mut ids = [0u64; 32];
    let mut size = size_of_val(&ids) as u32;
    let arguments = [ids.as_mut_ptr().expose_provenance(), (&raw mut size).expose_provenance(), 0, 0, 0, 0];
    // SAFETY: the kernel writes at most `size` bytes to `ids`, and how many it has to `size`.
    let count = unsafe { invoke::syscall(LSM_LIST_MODULES, arguments) }.ok()?;
    let name = |id: &u64| {
        let known = usize::try_from(id.wrapping_sub(100)).ok().and_then(|index| NAMES.get(index));
        known.map_or_else(|| format!("number {id}"), |name| (*name).to_owned())
    };
    Some(ids.get(..count)?.iter().map(name).collect())
}

#[cfg(test)]
mod tests;
