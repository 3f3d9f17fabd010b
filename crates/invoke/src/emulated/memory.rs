//! This process's memory below 4 GiB, read and written without fear of faults.

use core::ptr;

use abi::{Errno, Fault, Memory};

use crate::syscall::{number, syscall};

/// This process's own memory.
pub(super) struct OwnMemory;

impl OwnMemory {
    /// Copies from `address`, all of it or nothing that counts.
    pub(super) fn read(&self, address: u32, bytes: &mut [u8]) -> Result<(), Errno> {
        let (to, len) = (bytes.as_mut_ptr(), bytes.len());
        // SAFETY: `bytes` has room for as many bytes as are copied.
        unsafe { self.copy(number::PROCESS_VM_READV, to, address, len) }.unwrap_or_else(|| {
            let from = ptr::with_exposed_provenance(address as usize);
            // SAFETY: see above; that `from` can be read is all there is left to trust in.
            unsafe { ptr::copy(from, to, len) };
            Ok(())
        })
    }

    /// Copies to `address`.
    pub(super) fn write(&self, address: u32, bytes: &[u8]) -> Result<(), Errno> {
        let (from, len) = (bytes.as_ptr(), bytes.len());
        // SAFETY: `bytes` is read only.
        unsafe { self.copy(number::PROCESS_VM_WRITEV, from.cast_mut(), address, len) }.unwrap_or_else(|| {
            let to = ptr::with_exposed_provenance_mut(address as usize);
            // SAFETY: the memory is what a caller has named as room for what the kernel writes.
            unsafe { ptr::copy(from, to, len) };
            Ok(())
        })
    }

    /// 32-bit words.
    pub(super) fn read_array<const N: usize>(&self, address: u32) -> Result<[u32; N], Errno> {
        let mut words = [0; N];
        self.read_words(address, &mut words).map_err(|Fault| Errno::EFAULT)?;
        Ok(words)
    }

    /// A 32-bit word.
    pub(super) fn write_word(&self, address: u32, word: u32) -> Result<(), Errno> {
        self.write(address, &word.to_ne_bytes())
    }

    /// `None` where the system call is refused, whatever the address.
    ///
    /// # Safety
    /// `ours` may be read or written, as the system call does.
    unsafe fn copy(&self, number: u32, ours: *mut u8, address: u32, len: usize) -> Option<Result<(), Errno>> {
        if len == 0 {
            return Some(Ok(()));
        }
        let ours = [ours.expose_provenance(), len];
        let theirs = [address as usize, len];
        // SAFETY: the caller's for our side; the kernel checks the other. process_vm_readv(2): two vectors of
        // one struct iovec each, and no flags.
        let copied = unsafe {
            let pid = syscall(number::GETPID, [0; 6]).unwrap_or(0);
            let vectors = [&raw const ours, &raw const theirs].map(|vector| vector.expose_provenance());
            syscall(number, [pid, vectors[0], 1, vectors[1], 1, 0])
        };
        match copied {
            Ok(copied) if copied == len => Some(Ok(())),
            Ok(_) | Err(Errno::EFAULT) => Some(Err(Errno::EFAULT)),
            Err(_) => None,
        }
    }
}

impl Memory for OwnMemory {
    fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault> {
        let len = size_of_val(words);
        // SAFETY: the same memory as bytes.
        let bytes = unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), len) };
        self.read(address, bytes).map_err(|_| Fault)
    }
}
