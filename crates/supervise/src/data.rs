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
/// seccomp, by somebody who wants a listener.
pub(crate) const LISTENER: u16 = 0x5c6c;

/// A direct call that is shown.
pub(crate) const SHOWN: u16 = 0x5c6d;
/// A multiplexed call that is shown, and goes on to the kernel as it is.
pub(crate) const SHOWN_WHOLE: u16 = 0x5c6e;

/// A call that rules decide about, or that is refused and told.
pub(crate) const JUDGED: u16 = 0x5c6f;

/// Whether an answer with this data can be our filter's for this call. A filter of the program's can answer with
/// our data, and of equal answers the newest filter's counts (kernel/seccomp.c, `seccomp_run_filters`): what
/// it says must not let a multiplexed call through as something else. Numbers of both architectures.
pub(crate) fn belongs(data: u16, number: u32) -> bool {
    use abi::{Call, SOCKETCALL_I386, i386};
    use decode::Abi;
    match data {
        SOCKETCALL => number == SOCKETCALL_I386,
        DIRECT => {
            number == i386::RECVMMSG_TIME64 || Call::ALL.iter().any(|call| call.direct_i386() == number)
        }
        SHOWN => {
            [Abi::I386, Abi::X86_64, Abi::X32].iter().any(|abi| abi.name_of(number).is_some())
                && number != SOCKETCALL_I386
        }
        // The rules are asked again at the stop.
        JUDGED => number != SOCKETCALL_I386,
        SHOWN_WHOLE => number == SOCKETCALL_I386,
        EXEC => crate::demux::execs().iter().any(|(_, exec)| *exec == number),
        SIGACTION => crate::demux::sigactions().iter().any(|(_, set)| *set == number),
        CLONE => {
            [crate::clone::CLONE_I386, crate::clone::CLONE_X86_64, crate::clone::CLONE3].contains(&number)
        }
        PTRACE => crate::follow::PTRACE.iter().any(|(_, ptrace)| *ptrace == number),
        LISTENER => crate::demux::SECCOMP.iter().any(|(_, seccomp)| *seccomp == number),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a filter of the program's says with the data of a shown call must not let a multiplexed one pass.
    #[test]
    fn a_multiplexed_call_is_no_shown_direct_one() {
        assert!(!belongs(SHOWN, abi::SOCKETCALL_I386));
        assert!(!belongs(SHOWN_WHOLE, abi::i386::CONNECT));
        for number in [abi::i386::CONNECT, abi::x86_64::CONNECT, decode::Abi::X32_BIT | 42] {
            assert!(belongs(SHOWN, number), "{number}");
        }
    }
}
