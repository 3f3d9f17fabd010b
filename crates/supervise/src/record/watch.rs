//! What is known of a thread that is watched, and how its registers and memory are read.

use std::cell::OnceCell;

use super::{Abi, Arch, Call, HashSet, Request, SOCKETCALL_I386, Stamp, Stopped, i386};
use decode::{Entry, Seen};
use tracee::{ARCH_I386, CallInfo};

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

/// CLOCK_REALTIME and CLOCK_MONOTONIC.
pub(super) fn clock() -> Stamp {
    let read = |clock| {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: one structure; both clocks are always there.
        unsafe { libc::clock_gettime(clock, &raw mut time) };
        time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
    };
    Stamp { wall: read(libc::CLOCK_REALTIME), monotonic: read(libc::CLOCK_MONOTONIC) }
}

/// The numbers that can name a socket call, by interface.
fn all_numbers() -> impl Iterator<Item = (Abi, u32, &'static str)> {
    const LAST: u32 = 1024;
    [Abi::I386, Abi::X86_64, Abi::X32].into_iter().flat_map(|abi| {
        let bit = if abi == Abi::X32 { Abi::X32_BIT } else { 0 };
        (0..LAST).filter_map(move |number| Some((abi, number | bit, abi.name_of(number | bit)?)))
    })
}

/// The names of all calls that can be shown, by interface.
pub(super) fn names() -> impl Iterator<Item = (Abi, &'static str)> {
    let multiplexed = Call::ALL.into_iter().map(|call| (Abi::I386, call.name()));
    all_numbers().map(|(abi, _, name)| (abi, name)).chain(multiplexed)
}

/// The system calls by whose numbers something that is `shown` can be made. Where calls are `taken_apart`, accept comes as
/// accept4, send as sendto and recv as recvfrom.
pub(super) fn numbers(shown: &HashSet<(Abi, &'static str)>, taken_apart: bool) -> Vec<(Arch, u32)> {
    let becomes = |number: u32| {
        let multiplexed = Call::ALL.into_iter().filter(move |call| call.direct_i386() == number);
        taken_apart && multiplexed.into_iter().any(|call| shown.contains(&(Abi::I386, call.name())))
    };
    let is_shown = |abi, number, name| shown.contains(&(abi, name)) || (abi == Abi::I386 && becomes(number));
    all_numbers()
        .filter(|(_, number, name)| *number != SOCKETCALL_I386 || *name != "socketcall")
        .filter(|(abi, number, name)| is_shown(*abi, *number, name))
        .map(|(abi, number, _)| (if abi == Abi::I386 { Arch::I386 } else { Arch::X86_64 }, number))
        .collect()
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

    pub(super) fn begin(&mut self, request: Request, since: Stamp, system: u64) {
        self.under_way = Some(UnderWay { request, since, system });
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

/// A stopped thread's memory. What lies near the stack pointer, as most arguments do, is read once, when something there is
/// asked for.
pub(super) struct Memory<'a> {
    stopped: &'a Stopped,
    /// The stack pointer, if there may be more than one look.
    sp: Option<u64>,
    near: OnceCell<Near>,
}

/// Bytes from the stack pointer on, as many as can be read.
struct Near {
    bytes: [u8; Near::MOST],
    read: usize,
}

impl Near {
    /// What is read at once.
    const MOST: usize = 1024;
}

impl<'a> Memory<'a> {
    pub(super) fn near(stopped: &'a Stopped, sp: u64) -> Memory<'a> {
        Memory { stopped, sp: Some(sp), near: OnceCell::new() }
    }

    pub(super) fn plain(stopped: &'a Stopped) -> Memory<'a> {
        Memory { stopped, sp: None, near: OnceCell::new() }
    }

    /// Bytes behind the stack pointer, up to the first that can't be read.
    fn behind(&self, sp: u64) -> &[u8] {
        let near = self.near.get_or_init(|| {
            let mut bytes = [0; Near::MOST];
            let read = self.stopped.read(sp, &mut bytes).unwrap_or(0);
            Near { bytes, read }
        });
        &near.bytes[..near.read]
    }

    /// Whether a call that comes back to `ip` came through the vDSO: there stand `pop %ebp; pop %edx; pop %ecx; ret`.
    fn is_landing(&self, ip: u64) -> bool {
        const LANDING: [u8; 4] = [0x5d, 0x5a, 0x59, 0xc3];
        let mut code = [0; 4];
        self.stopped.read_exact(ip, &mut code).is_ok() && code == LANDING
    }
}

impl decode::Memory for Memory<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        if let Some(sp) = self.sp
            && let Some(offset) = address.checked_sub(sp).filter(|offset| *offset < Near::MOST as u64)
            && let Some(bytes) =
                self.behind(sp).get(offset as usize..).and_then(|bytes| bytes.get(..buffer.len()))
        {
            buffer.copy_from_slice(bytes);
            return buffer.len();
        }
        self.stopped.read(address, buffer).unwrap_or(0)
    }
}
