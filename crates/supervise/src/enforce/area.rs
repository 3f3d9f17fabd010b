//! Where copies lie: memory that a program has mapped for reading only, sealed, and that we write.

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};

/// The longest address, `struct sockaddr_storage`.
pub(super) const ADDRESS: usize = 128;
/// The longest message: its header, address and control messages.
const MESSAGE: usize = 4096;
/// How many addresses may be in use at a time by the threads that share an area, and how many messages.
const ADDRESSES: usize = 8192;
const MESSAGES: usize = 256;
/// Where the slots for messages begin.
const MESSAGES_AT: usize = ADDRESSES * ADDRESS;
/// Bytes of an area.
pub(super) const SIZE: usize = MESSAGES_AT + MESSAGES * MESSAGE;

/// Memory that was not given to a program yet.
#[derive(Debug)]
pub(super) struct Memory {
    fd: OwnedFd,
    mapping: Mapping,
}

impl Memory {
    /// Makes it, maps it for us, and seals it: nobody else can map it for writing, or write it.
    pub(super) fn new() -> io::Result<Memory> {
        const SEALS: libc::c_int =
            libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_FUTURE_WRITE | libc::F_SEAL_SEAL;
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        // SAFETY: the name ends with a zero; the descriptor is new.
        let fd = unsafe {
            match libc::memfd_create(c"socketcall-arguments".as_ptr(), flags) {
                -1 => return Err(io::Error::last_os_error()),
                fd => OwnedFd::from_raw_fd(fd),
            }
        };
        // SAFETY: a new mapping of a file of that size; nothing else is touched.
        let start = unsafe {
            if libc::ftruncate(fd.as_raw_fd(), SIZE as libc::off_t) == -1 {
                return Err(io::Error::last_os_error());
            }
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(ptr::null_mut(), SIZE, protection, libc::MAP_SHARED, fd.as_raw_fd(), 0)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let Some(start) = NonNull::new(start.cast()) else { return Err(io::ErrorKind::OutOfMemory.into()) };
        let memory = Memory { fd, mapping: Mapping(start) };
        // SAFETY: F_ADD_SEALS takes no pointers.
        if unsafe { libc::fcntl(memory.fd.as_raw_fd(), libc::F_ADD_SEALS, SEALS) } == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(memory)
    }

    /// Device and inode, as a process's maps name them.
    pub(super) fn identity(&self) -> io::Result<(u64, u64)> {
        // SAFETY: stat is plain integers, for which zero is a value; the call fills it in.
        unsafe {
            let mut stat: libc::stat = std::mem::zeroed();
            match libc::fstat(self.fd.as_raw_fd(), &raw mut stat) {
                0 => Ok((stat.st_dev, stat.st_ino)),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    fn keep(self) -> Mapping {
        self.mapping
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Our mapping of what a program has.
#[derive(Debug)]
struct Mapping(NonNull<u8>);

// SAFETY: the mapping belongs to this value alone.
unsafe impl Send for Mapping {}
// SAFETY: it is written through slots only, each of which one owner has.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was mapped so, and no slot outlives its area.
        unsafe { libc::munmap(self.0.as_ptr().cast(), SIZE) };
    }
}

/// An area that a program has mapped; its children share it. Its descriptor is closed: there may be many programs.
#[derive(Debug)]
pub(super) struct Area {
    mapping: Mapping,
    /// Where the program has it.
    base: u64,
    /// Device and inode.
    identity: (u64, u64),
    free: Mutex<[Free; 2]>,
}

/// Which slots of one length are free.
#[derive(Debug)]
struct Free {
    /// What was never used begins here.
    next: usize,
    end: usize,
    each: usize,
    returned: Vec<usize>,
}

impl Free {
    fn take(&mut self) -> Option<usize> {
        if let Some(offset) = self.returned.pop() {
            return Some(offset);
        }
        let offset = self.next;
        (offset < self.end).then(|| {
            self.next += self.each;
            offset
        })
    }
}

impl Area {
    pub(super) fn new(memory: Memory, base: u64) -> io::Result<Area> {
        let identity = memory.identity()?;
        let free = |next, end, each| Free { next, end, each, returned: Vec::new() };
        let free = [free(0, MESSAGES_AT, ADDRESS), free(MESSAGES_AT, SIZE, MESSAGE)];
        Ok(Area { mapping: memory.keep(), base, identity, free: Mutex::new(free) })
    }

    /// Whether the thread's memory has this area, where it was put, and sealed as it was. What its maps say is the kernel's
    /// word (proc_pid_smaps(5)).
    pub(super) fn is_in(&self, smaps: &str) -> bool {
        let (device, inode) = self.identity;
        let device = format!("{:02x}:{:02x}", libc::major(device), libc::minor(device));
        let place = format!("{:08x}-{:08x} ", self.base, self.base + SIZE as u64);
        // What can be read can be executed under READ_IMPLIES_EXEC (personality(2)).
        let kinds = ["r--s", "r-xs"].map(|kind| format!("{kind} 00000000 {device} {inode} "));
        let is_place = |line: &str| {
            line.strip_prefix(&place).is_some_and(|rest| kinds.iter().any(|kind| rest.starts_with(kind)))
        };
        let mut lines = smaps.lines().skip_while(|line| !is_place(line));
        let flags = lines.find_map(|line| line.strip_prefix("VmFlags:"));
        flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "sl"))
    }

    /// Whether some of these addresses are in it.
    pub(super) fn overlaps(&self, addresses: Range<u64>) -> bool {
        addresses.start < self.base + SIZE as u64 && self.base < addresses.end
    }

    /// A slot for `length` bytes; `None` if there is none of that length, or all are in use.
    pub(super) fn slot(area: &Arc<Area>, length: usize) -> Option<Slot> {
        let mut free = area.free.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = match length {
            0..=ADDRESS => free[0].take()?,
            _ if length <= MESSAGE => free[1].take()?,
            _ => return None,
        };
        drop(free);
        Some(Slot { area: Arc::clone(area), offset })
    }
}

/// A place for one call's copy. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    area: Arc<Area>,
    offset: usize,
}

impl Slot {
    /// Where the program sees it.
    pub(super) fn address(&self) -> u64 {
        self.area.base + self.offset as u64
    }

    fn size(&self) -> usize {
        if self.offset < MESSAGES_AT { ADDRESS } else { MESSAGE }
    }

    /// Writes at an offset in the slot. What doesn't fit is a mistake of ours.
    pub(super) fn write(&self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= self.size(), "a copy fits its slot");
        // SAFETY: within the slot, which is this value's; the program can only read it.
        unsafe {
            let to = self.area.mapping.0.as_ptr().add(self.offset + at);
            ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut free = self.area.free.lock().unwrap_or_else(PoisonError::into_inner);
        free[usize::from(self.offset >= MESSAGES_AT)].returned.push(self.offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_given_once_and_come_back() {
        let area = Arc::new(Area::new(Memory::new().expect("memory"), 0x1000).expect("an area"));
        let all: Vec<_> = std::iter::from_fn(|| Area::slot(&area, ADDRESS)).collect();
        assert_eq!(all.len(), ADDRESSES);
        let mut at: Vec<_> = all.iter().map(Slot::address).collect();
        at.dedup();
        assert_eq!(at.len(), ADDRESSES);
        drop(all);
        assert!(Area::slot(&area, 1).is_some());
        assert!(Area::slot(&area, MESSAGE + 1).is_none());
        let message = Area::slot(&area, MESSAGE).expect("a slot");
        message.write(MESSAGE - 4, &[1, 2, 3, 4]);
    }

    /// Nobody can have it for writing who has its descriptor.
    #[test]
    fn the_memory_is_sealed() {
        let memory = Memory::new().expect("memory");
        let fd = memory.fd().as_raw_fd();
        // SAFETY: no pointers but to a byte of ours.
        unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let mapped = libc::mmap(ptr::null_mut(), SIZE, protection, libc::MAP_SHARED, fd, 0);
            assert_eq!(mapped, libc::MAP_FAILED);
            assert_eq!(libc::pwrite(fd, [0u8].as_ptr().cast(), 1, 0), -1);
            assert_eq!(libc::ftruncate(fd, 0), -1);
        }
    }
}
