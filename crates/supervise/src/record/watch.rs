//! What is known of a thread that is watched, and how it came to its call.

use abi::{Call, SOCKETCALL_I386, i386};
use decode::{Abi, Entry, Request, Seen, Stamp};
use tracee::{ARCH_I386, CallInfo};

use super::memory::Memory;

/// A thread.
pub(super) struct Watched {
    /// Of which kind its last call was.
    pub(super) mode: Abi,
    /// The call that it is in.
    pub(super) under_way: Option<UnderWay>,
    /// The multiplexed call that was trapped, until it is made as a direct one: its number and array.
    pub(super) trapped: Option<(i32, u32)>,
    /// It left a core dump.
    pub(super) core: bool,
    /// Whether it was said that it is traced: of one that is made while we attach two tell.
    pub(super) announced: bool,
    /// Where its calls through the vDSO come back to, once one has come.
    landing: Option<u64>,
}

/// A call that has not returned.
pub(super) struct UnderWay {
    pub(super) request: Request,
    pub(super) since: Stamp,
    pub(super) system: u64,
}

impl Default for Watched {
    fn default() -> Watched {
        Watched {
            mode: Abi::X86_64,
            under_way: None,
            trapped: None,
            core: false,
            announced: false,
            landing: None,
        }
    }
}

/// A multiplexed call that goes nowhere.
pub(super) const fn whole(call: i32, array: u32) -> Seen {
    Seen {
        abi: Abi::I386,
        number: SOCKETCALL_I386,
        registers: [call as u32 as u64, array as u64, 0, 0, 0, 0],
        entry: Entry::Int80,
        taken_apart: None,
    }
}

impl Watched {
    /// What a child has from its parent.
    pub(super) fn inherited(&self) -> Watched {
        Watched { mode: self.mode, landing: self.landing, ..Watched::default() }
    }

    pub(super) fn is_new_program(&mut self) {
        (self.under_way, self.trapped, self.landing) = (None, None, None);
    }

    pub(super) fn is_trapped(&mut self, call: i32, array: u32) {
        self.trapped = Some((call, array));
    }

    /// What a stop at a call's entry shows.
    pub(super) fn seen(&mut self, info: &CallInfo, number: u32, args: [u64; 6], memory: &Memory<'_>) -> Seen {
        let abi = match info.arch {
            ARCH_I386 => Abi::I386,
            _ if number & Abi::X32_BIT != 0 => Abi::X32,
            _ => Abi::X86_64,
        };
        let mut seen = Seen { abi, number, registers: args, entry: Entry::X86_64, taken_apart: None };
        if abi == Abi::X32 {
            seen.entry = Entry::X32;
        }
        if abi != Abi::I386 {
            return seen;
        }
        seen.entry = Entry::Direct;
        let trapped = self.trapped.take();
        if self.landing != Some(info.ip) && memory.is_landing(info.ip) {
            self.landing = Some(info.ip);
        }
        let frame = if self.landing == Some(info.ip) { Frame::at(info, memory) } else { None };
        if number == SOCKETCALL_I386 {
            seen.entry = if frame.is_some() { Entry::Vdso } else { Entry::Int80 };
            return seen;
        }
        let becomes = |call: i32| {
            Call::from_number(call).filter(|call| {
                let time64 = *call == Call::Recvmmsg && number == i386::RECVMMSG_TIME64;
                call.direct_i386() == number || time64
            })
        };
        if let Some((call, _)) = trapped
            && let Some(call) = becomes(call)
        {
            (seen.entry, seen.taken_apart) = (Entry::Int80, Some(call));
        } else if let Some(Frame { caller, call }) = frame
            // The stub is the only code beside the vDSO that calls into it from there.
            && (info.ip.wrapping_sub(4096)..info.ip + 8192).contains(&caller.into())
            && let Some(call) = becomes(call)
        {
            (seen.entry, seen.taken_apart) = (Entry::Vdso, Some(call));
        }
        seen
    }
}

/// What `__kernel_vsyscall` and the stub have on the stack at a call that came through the vDSO
/// (arch/x86/entry/vdso/vdso32/system_call.S: ecx, edx and ebp are pushed; behind the return address are the
/// caller's registers, where the caller is the stub).
struct Frame {
    /// Who called `__kernel_vsyscall`.
    caller: u32,
    /// If that is the stub: ebx, the multiplexer's call number.
    call: i32,
}

impl Frame {
    /// Of a call that came through the vDSO.
    fn at(info: &CallInfo, memory: &Memory<'_>) -> Option<Frame> {
        let mut words = [0; 40];
        if decode::Memory::read(memory, info.sp, &mut words) < words.len() {
            return None;
        }
        let word = |at: usize| u32::from_le_bytes([words[at], words[at + 1], words[at + 2], words[at + 3]]);
        Some(Frame { caller: word(12), call: word(36).cast_signed() })
    }
}
