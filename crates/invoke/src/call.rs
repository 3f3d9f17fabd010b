//! The call itself.

use abi::{Call, Errno, SOCKETCALL_I386};

use crate::Entry;

/// `socketcall(call, words)`: the multiplexed call, its array built from `words`.
///
/// The kernel gets 102 in `eax`, the call's number in `ebx`, the array's address in `ecx`. In 64-bit code, whose
/// memory lies higher, the array is copied below 4 GiB. The words are passed as they are: one that is a
/// pointer points below 4 GiB by its type (`low::Region` has such memory; a [`Way`](crate::Way) copies by itself).
///
/// # Errors
/// What the kernel answers; in 64-bit code also what mmap(2) answers when there is no memory below 4 GiB for the
/// array.
///
/// # Panics
/// When `words` are not as many as the call takes ([`Call::words`]).
///
/// # Safety
/// What the kernel reads and writes through the words that are pointers is memory that it may, and the
/// descriptors are ones that the caller may use.
pub unsafe fn socketcall<E: Entry>(entry: E, call: Call, words: &[u32]) -> Result<u32, Errno> {
    assert_eq!(words.len(), call.words(), "the words of {}", call.name());
    let mut array = [0; 6];
    array[..words.len()].copy_from_slice(words);
    #[cfg(target_arch = "x86_64")]
    let array = crate::low::Array::new(array)?;
    #[cfg(target_arch = "x86_64")]
    let address = array.address();
    #[cfg(target_arch = "x86")]
    let address = array.as_ptr().expose_provenance() as u32;
    // SAFETY: the array holds as many words as any call reads, and lives until the call is over.
    unsafe { socketcall_at(entry, call.number(), address) }
}

/// `socketcall(call, args)` with any number and any address, as the instruction takes them.
///
/// # Errors
/// What the kernel answers. EINVAL for a call outside 1 to 20, EFAULT for an array that can't be read
/// (`net/socket.c`, `net/compat.c`); the others are the single call's.
///
/// # Safety
/// As [`socketcall`]'s, for the words that are at `args`.
pub unsafe fn socketcall_at<E: Entry>(entry: E, call: i32, args: u32) -> Result<u32, Errno> {
    // SAFETY: passed on to the caller. The other registers mean nothing to this system call.
    Errno::from_eax(unsafe { entry.enter(SOCKETCALL_I386, [call as u32, args, 0, 0, 0, 0]) })
}
