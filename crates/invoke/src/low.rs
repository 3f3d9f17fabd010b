//! Memory that a 32-bit word can point to, for 64-bit code.
//!
//! `int $0x80` takes 32-bit pointers, and a 64-bit program's stack, heap and statics lie above 4 GiB (a
//! position independent one's, at least). `mmap(MAP_32BIT)` gives memory in the first 2 GiB.

use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use abi::Errno;

use crate::syscall::{number, syscall};

const PROT_READ_WRITE: usize = 3;
const MAP_PRIVATE_ANONYMOUS: usize = 0x22;
const MAP_32BIT: usize = 0x40;
const PAGE: usize = 4096;

/// Zeroed memory of one's own, unmapped when dropped. It does not move with the value.
pub(crate) struct Mapping {
    start: *mut u8,
    len: usize,
}

impl Mapping {
    pub(crate) fn new(len: usize, flags: usize) -> Result<Self, Errno> {
        let len = len.max(1);
        let flags = MAP_PRIVATE_ANONYMOUS | flags;
        // SAFETY: a new mapping at a place of the kernel's choice.
        let start = unsafe { syscall(number::MMAP, [0, len, PROT_READ_WRITE, flags, usize::MAX, 0]) }?;
        Ok(Self { start: ptr::with_exposed_provenance_mut(start), len })
    }

    pub(crate) fn start(&self) -> *mut u8 {
        self.start
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: all of the mapping, borrowed as long as it is.
        unsafe { core::slice::from_raw_parts_mut(self.start, self.len) }
    }

    /// Leaves it mapped.
    fn leak(self) -> *mut u8 {
        let start = self.start;
        core::mem::forget(self);
        start
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: our own mapping, to which nobody holds a reference that outlives this.
        // It can fail only if the process has as many mappings as it may, and then it stays.
        let _ = unsafe { syscall(number::MUNMAP, [self.start.addr(), self.len, 0, 0, 0, 0]) };
    }
}

/// Zeroed memory in the first 2 GiB of the address space. Unmapped when dropped.
pub struct Region(Mapping);

impl Region {
    /// Maps at least `len` bytes.
    ///
    /// # Errors
    /// ENOMEM where there is no room; EPERM where a filter or a policy forbids mmap(2).
    pub fn new(len: usize) -> Result<Self, Errno> {
        Ok(Self(Mapping::new(len, MAP_32BIT)?))
    }

    /// Where it is.
    pub fn address(&self) -> u32 {
        self.0.start().addr() as u32
    }

    /// Its bytes, for filling it and for reading what the kernel wrote.
    pub fn bytes(&mut self) -> &mut [u8] {
        self.0.bytes()
    }

    /// A pointer to its first byte.
    pub fn as_ptr(&self) -> *mut u8 {
        self.0.start()
    }
}

// SAFETY: plain memory that the region owns alone.
unsafe impl Send for Region {}
// SAFETY: a shared region gives out its address only.
unsafe impl Sync for Region {}

/// A parameter array below 4 GiB: a slot of a page that is mapped once and shared by all threads, or a
/// region of its own where all slots are taken.
///
/// A call may block for long, and a signal handler may make calls while one blocks: so a slot is claimed, not
/// tied to a thread. The claims are one atomic word and need no lock. A child of fork(2) gets a copy of the page
/// and of the claims; the slots that the parent's other threads held stay claimed in it, which costs at most all
/// of them, and then there are regions.
pub(crate) struct Array {
    address: u32,
    held: Held,
}

enum Held {
    Slot(u32),
    // Held for its Drop.
    #[allow(dead_code)]
    Region(Region),
}

const WORDS: usize = 6;
/// A slot for each bit of `FREE`; with 32 bytes each they are half a page.
const SLOT: usize = 32;
static FREE: AtomicU64 = AtomicU64::new(u64::MAX);
/// The page's address; 0 until it is there.
static SLOTS: AtomicU32 = AtomicU32::new(0);

impl Array {
    pub(crate) fn new(words: [u32; WORDS]) -> Result<Self, Errno> {
        let array = match claim() {
            Some(slot) => {
                // The claim is undone by the drop, should there be no page.
                let mut array = Self { address: 0, held: Held::Slot(slot) };
                array.address = slots()? + slot * SLOT as u32;
                array
            }
            None => {
                let region = Region::new(size_of_val(&words))?;
                Self { address: region.address(), held: Held::Region(region) }
            }
        };
        // SAFETY: a slot that is ours alone until we drop it, of 32 bytes at a multiple of 32, or a page.
        unsafe { ptr::with_exposed_provenance_mut::<[u32; WORDS]>(array.address as usize).write(words) };
        Ok(array)
    }

    pub(crate) fn address(&self) -> u32 {
        self.address
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        if let Held::Slot(slot) = self.held {
            FREE.fetch_or(1 << slot, Ordering::Release);
        }
    }
}

fn claim() -> Option<u32> {
    let claimed = FREE.fetch_update(Ordering::Acquire, Ordering::Relaxed, |free| {
        // Clears the lowest bit that is set.
        (free != 0).then(|| free & (free - 1))
    });
    claimed.ok().map(u64::trailing_zeros)
}

fn slots() -> Result<u32, Errno> {
    match SLOTS.load(Ordering::Acquire) {
        0 => {
            let page = Mapping::new(PAGE, MAP_32BIT)?;
            let address = page.start().addr() as u32;
            match SLOTS.compare_exchange(0, address, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    page.leak().expose_provenance();
                    Ok(address)
                }
                // Another thread was faster; ours is unmapped.
                Err(theirs) => Ok(theirs),
            }
        }
        address => Ok(address),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::vec::Vec;

    use super::{Array, Held, Region};

    /// The slots belong to the process, so that one test uses them at a time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    fn words(array: &Array) -> [u32; 6] {
        // SAFETY: the array is held.
        unsafe { core::ptr::with_exposed_provenance::<[u32; 6]>(array.address() as usize).read() }
    }

    #[test]
    fn more_arrays_than_slots() {
        let _guard = ONE_AT_A_TIME.lock();
        let arrays: Vec<_> = (0..100).map(|n| Array::new([n; 6]).unwrap()).collect();
        for (n, array) in (0..).zip(&arrays) {
            assert_eq!(words(array), [n; 6]);
        }
        let addresses: BTreeSet<_> = arrays.iter().map(Array::address).collect();
        assert_eq!(addresses.len(), arrays.len());
        assert!(arrays.iter().any(|array| matches!(array.held, Held::Region(_))));
        drop(arrays);
        assert!(matches!(Array::new([0; 6]).unwrap().held, Held::Slot(_)));
    }

    #[test]
    fn many_threads() {
        let _guard = ONE_AT_A_TIME.lock();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    for round in 0..2000 {
                        let array = Array::new([thread << 16 | round; 6]).unwrap();
                        std::thread::yield_now();
                        assert_eq!(words(&array), [thread << 16 | round; 6]);
                    }
                });
            }
        });
    }

    #[test]
    fn a_region_is_below_two_gib() {
        let mut region = Region::new(5000).unwrap();
        assert!(region.bytes().len() >= 5000 && region.address() < 1 << 31);
        region.bytes().fill(7);
        assert_eq!(region.bytes()[4999], 7);
    }
}
