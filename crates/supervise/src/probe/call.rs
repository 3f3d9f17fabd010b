//! socket(2) as 64-bit code can make it.

use abi::Errno;
use invoke::low::Region;
use invoke::{Entry as _, Int80, syscall};

use super::{Missing, Socket};
use crate::Error;

/// `arch/x86/entry/syscalls/syscall_64.tbl`
const SOCKET: u32 = 41;
const GETPID: u32 = 39;
/// `arch/x86/entry/syscalls/syscall_32.tbl`
const SOCKET_I386: u32 = 359;
const GETPID_I386: u32 = 20;
/// `__X32_SYSCALL_BIT`
const X32: u32 = 0x4000_0000;

/// By the instruction `syscall`.
#[derive(Clone, Copy)]
pub(super) enum Call {
    X86_64,
    UpperBits,
    X32,
}

impl Call {
    pub(super) fn socket(self, socket: Socket) -> Result<u32, Errno> {
        let (number, upper) = match self {
            Call::X86_64 => (SOCKET, 0),
            Call::UpperBits => (SOCKET, 1 << 32),
            Call::X32 => (SOCKET | X32, 0),
        };
        let Socket { family, kind, protocol } = socket;
        let arguments = [upper | family as usize, kind as usize, protocol as usize, 0, 0, 0];
        // SAFETY: socket takes no pointers.
        unsafe { syscall(number, arguments) }.map(|fd| fd as u32)
    }

    /// Whether the kernel has this table of calls at all.
    pub(super) fn has_table(self) -> bool {
        let number = match self {
            Call::X86_64 | Call::UpperBits => GETPID,
            Call::X32 => GETPID | X32,
        };
        // SAFETY: getpid takes nothing.
        let answer = unsafe { syscall(number, [0; 6]) };
        answer != Err(Errno::ENOSYS)
    }
}

/// By `int $0x80`.
pub(super) enum Int80Call {
    Direct,
    /// The parameter array is below 4 GiB, where 32 bits can point to.
    Multiplexed(Region),
}

impl Int80Call {
    pub(super) fn multiplexed() -> Result<Int80Call, Missing> {
        let region = Region::new(4096)
            .map_err(|errno| Error::os("mmap(MAP_32BIT)", std::io::Error::from_raw_os_error(errno.raw())))?;
        Ok(Int80Call::Multiplexed(region))
    }

    pub(super) fn socket(&self, socket: Socket) -> Result<u32, Errno> {
        let words = [socket.family, socket.kind, socket.protocol];
        let eax = match self {
            // SAFETY: the direct call takes no pointers.
            Int80Call::Direct => unsafe { Int80.enter(SOCKET_I386, [words[0], words[1], words[2], 0, 0, 0]) },
            Int80Call::Multiplexed(region) => {
                let call = abi::Call::Socket.number().cast_unsigned();
                // SAFETY: the region is ours and holds a page; the call reads three words from it.
                unsafe {
                    region.as_ptr().cast::<[u32; 3]>().write(words);
                    Int80.enter(abi::SOCKETCALL_I386, [call, region.address(), 0, 0, 0, 0])
                }
            }
        };
        Errno::from_eax(eax)
    }

    /// A call that does nothing. SIGSEGV where the kernel takes no `int $0x80`.
    pub(super) fn nothing() {
        // SAFETY: getpid takes nothing.
        unsafe { Int80.enter(GETPID_I386, [0; 6]) };
    }
}
