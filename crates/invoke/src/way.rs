//! Making one of the twenty calls, whatever it becomes.

use abi::{Call, Errno};

use crate::lower::with_words;
use crate::{Entry, socketcall};

/// An argument of a call: a word, or memory that the kernel reads or writes while the call lasts.
#[derive(Debug)]
pub enum Argument<'a> {
    /// A number: a descriptor, a length, flags, a null pointer.
    Word(u32),
    /// Memory that the kernel reads.
    Read(&'a [u8]),
    /// Memory that the kernel writes, as many bytes as its result says (recv, recvfrom).
    Fill(&'a mut [u8]),
    /// Memory that the kernel may read and write.
    Update(&'a mut [u8]),
}

impl Argument<'_> {
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Argument::Word(_) => &[],
            Argument::Read(bytes) => bytes,
            Argument::Fill(bytes) | Argument::Update(bytes) => bytes,
        }
    }
}

/// A way to make the calls.
pub trait Way: Copy {
    /// Makes a call. Its arguments are as many as [`Call::words`], in their order.
    ///
    /// # Errors
    /// The call's; and ENOMEM where there is no memory below 4 GiB and this way needs some.
    ///
    /// # Panics
    /// When the arguments are not as many as the call takes.
    ///
    /// # Safety
    /// Memory that the kernel finds through other memory, such as that of a `msghdr` or of an option that holds a
    /// pointer, is memory that it may read or write; lengths that are passed as words are no larger than the
    /// memory beside them. The descriptors are ones that the caller may use.
    unsafe fn call(self, call: Call, arguments: &mut [Argument<'_>]) -> Result<u32, Errno>;
}

/// The multiplexed call, [`socketcall`], by an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Multiplexed<E>(pub E);

impl<E: Entry> Way for Multiplexed<E> {
    unsafe fn call(self, call: Call, arguments: &mut [Argument<'_>]) -> Result<u32, Errno> {
        // SAFETY: the caller's; what the arguments borrow stays borrowed until the call is over.
        with_words(arguments, |words| unsafe { socketcall(self.0, call, words) })
    }
}

/// The direct i386 call ([`Call::direct_i386`]), by an entry: the same words, in registers. Since Linux 4.3;
/// recvmmsg since 2.6.33, sendmmsg since 3.0. ENOSYS before, and for recvmmsg on kernels without 32-bit time.
///
/// Source: `arch/x86/entry/syscalls/syscall_32.tbl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Direct<E>(pub E);

impl<E: Entry> Way for Direct<E> {
    unsafe fn call(self, call: Call, arguments: &mut [Argument<'_>]) -> Result<u32, Errno> {
        check(call, arguments);
        with_words(arguments, |words| {
            let mut registers = [0; 6];
            registers[..words.len()].copy_from_slice(words);
            // SAFETY: as above. The words that the multiplexed call doesn't have are 0 for the direct one.
            Errno::from_eax(unsafe { self.0.enter(call.direct_i386(), registers) })
        })
    }
}

/// The x86-64 call, by [`syscall`](crate::syscall()). Pointers keep their 64 bits; nothing is copied.
///
/// Structures inside the memory are the 64-bit ones here (`struct msghdr` of 56 bytes, a timeval of 16), unlike
/// every other way's. Source: `arch/x86/entry/syscalls/syscall_64.tbl`.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Native;

#[cfg(target_arch = "x86_64")]
impl Way for Native {
    unsafe fn call(self, call: Call, arguments: &mut [Argument<'_>]) -> Result<u32, Errno> {
        check(call, arguments);
        let mut registers = [0; 6];
        for (register, argument) in registers.iter_mut().zip(arguments) {
            *register = match argument {
                Argument::Word(word) => *word as usize,
                Argument::Read(bytes) => bytes.as_ptr().expose_provenance(),
                Argument::Fill(bytes) | Argument::Update(bytes) => bytes.as_mut_ptr().expose_provenance(),
            };
        }
        // SAFETY: as above. accept, send and recv become accept, sendto and recvfrom with zeros.
        let result = unsafe { crate::syscall(call.facts().direct_x86_64.number, registers) };
        result.map(|result| result as u32)
    }
}

/// The multiplexed call as [`emulated::socketcall`](crate::emulated::socketcall()) serves it.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emulated;

#[cfg(target_arch = "x86_64")]
impl Way for Emulated {
    unsafe fn call(self, call: Call, arguments: &mut [Argument<'_>]) -> Result<u32, Errno> {
        check(call, arguments);
        with_words(arguments, |words| {
            let mut array = [0; 6];
            array[..words.len()].copy_from_slice(words);
            let array = crate::low::Array::new(array)?;
            // SAFETY: as above.
            unsafe { crate::emulated::socketcall(call.number(), array.address()) }
        })
    }
}

fn check(call: Call, arguments: &[Argument<'_>]) {
    assert_eq!(arguments.len(), call.words(), "the arguments of {}", call.name());
}
