//! The multiplexer.

use core::fmt;

use crate::{Call, Errno};

/// The array can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the memory at this address can't be read")
    }
}

impl core::error::Error for Fault {}

/// The memory of the program that makes the call.
pub trait Memory {
    /// Copies exactly `words.len()` 32-bit words from `address`, once, or faults.
    ///
    /// No byte behind the last word may be needed: the array may end at the end of a page.
    /// `address` may have any alignment. On a fault, what `words` holds is not used.
    fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault>;
}

impl<M: Memory + ?Sized> Memory for &M {
    fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault> {
        (**self).read_words(address, words)
    }
}

/// A call in its direct form: what to load into the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Direct {
    /// The call that was asked for.
    pub call: Call,
    /// The i386 number of the direct call, for `eax`.
    pub number: u32,
    /// `ebx`, `ecx`, `edx`, `esi`, `edi`, `ebp`. Words that the call doesn't have are 0, which is
    /// what turns accept into accept4, send into sendto and recv into recvfrom.
    pub args: [u32; 6],
}

/// Takes `socketcall(call, args)` apart, as `sys_socketcall` does (`net/socket.c`; for 32-bit
/// programs on a 64-bit kernel `compat_sys_socketcall` in `net/compat.c`). The order of checks is
/// part of the contract:
///
/// 1. A call outside 1..=20 is EINVAL, before the array is looked at.
/// 2. Exactly the call's words are copied, once; an array that can't be read is EFAULT.
///
/// Everything else is checked by the direct call.
///
/// In one thing this is stricter than the kernel: an array that would reach beyond 4 GiB is EFAULT
/// without being asked for. No 32-bit process has memory there; a 64-bit one that makes the call
/// by `int $0x80` may, and for it the kernel would read on.
pub fn demux(call: i32, args: u32, memory: &impl Memory) -> Result<Direct, Errno> {
    let call = Call::from_number(call).ok_or(Errno::EINVAL)?;
    let mut words = [0; 6];
    let array = &mut words[..call.words()];
    if u64::from(args) + 4 * array.len() as u64 > 1 << 32 {
        return Err(Errno::EFAULT);
    }
    memory.read_words(args, array).map_err(|Fault| Errno::EFAULT)?;
    Ok(Direct { call, number: call.direct_i386(), args: words })
}

#[cfg(test)]
mod tests;
