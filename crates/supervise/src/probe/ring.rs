//! socket(2) as an operation of io_uring, without a library (io_uring_setup(2), io_uring_enter(2)).

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use abi::Errno;
use invoke::syscall;

use super::Socket;

const SETUP: u32 = 425;
const ENTER: u32 = 426;
const REGISTER: u32 = 427;
// linux/io_uring.h
const OP_SOCKET: u8 = 45;
const ENTER_GETEVENTS: usize = 1;
const REGISTER_PROBE: usize = 8;
const OP_SUPPORTED: u16 = 1;
const OFF_SQ_RING: i64 = 0;
const OFF_CQ_RING: i64 = 0x800_0000;
const OFF_SQES: i64 = 0x1000_0000;

/// `struct io_uring_params`; of the offsets, those that are used have names.
#[repr(C)]
#[derive(Default)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: [u32; 8],
    /// head, tail, mask, entries, flags, dropped, array
    sq: [u32; 10],
    /// head, tail, mask, entries, overflow, cqes
    cq: [u32; 10],
}

const HEAD: usize = 0;
const TAIL: usize = 1;
const MASK: usize = 2;
const ARRAY: usize = 6;
const CQES: usize = 5;

/// `struct io_uring_sqe`. This operation takes the family as `fd`, the type as `off`, the protocol as `len`.
#[repr(C)]
#[derive(Default)]
struct Submission {
    opcode: u8,
    flags: u8,
    ioprio: u16,
    fd: u32,
    off: u64,
    addr: u64,
    len: u32,
    rest: [u32; 9],
}

/// `struct io_uring_cqe`
#[repr(C)]
struct Completion {
    user_data: u64,
    res: i32,
    flags: u32,
}

/// A ring of one entry.
pub(super) struct Ring {
    fd: OwnedFd,
    params: Params,
    submissions: *mut u8,
    completions: *mut u8,
    entry: *mut Submission,
}

impl Ring {
    /// # Errors
    /// EPERM where kernel.io_uring_disabled or a filter says so; ENOSYS where there is none.
    pub(super) fn new() -> Result<Ring, Errno> {
        let mut params = Params::default();
        let arguments = [1, (&raw mut params).expose_provenance(), 0, 0, 0, 0];
        // SAFETY: the kernel reads and writes `params`, which has its size.
        let fd = unsafe { syscall(SETUP, arguments) }?;
        // SAFETY: the descriptor was just made, and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        let submissions = (params.sq[ARRAY] + 4 * params.sq_entries) as usize;
        let completions = params.cq[CQES] as usize + params.cq_entries as usize * size_of::<Completion>();
        let entries = params.sq_entries as usize * size_of::<Submission>();
        Ok(Ring {
            submissions: map(&fd, submissions, OFF_SQ_RING)?,
            completions: map(&fd, completions, OFF_CQ_RING)?,
            entry: map(&fd, entries, OFF_SQES)?.cast(),
            fd,
            params,
        })
    }

    /// Whether the kernel knows the operation; true where it can't be asked.
    pub(super) fn has_socket(&self) -> bool {
        /// `struct io_uring_probe` with 64 operations.
        #[repr(C)]
        struct Probe {
            last_op: u8,
            len: u8,
            reserved: [u16; 7],
            /// op, then flags in the second half
            ops: [[u16; 4]; 64],
        }
        let mut probe = Probe { last_op: 0, len: 0, reserved: [0; 7], ops: [[0; 4]; 64] };
        let at = (&raw mut probe).expose_provenance();
        // SAFETY: the kernel fills in as many operations as it is told there is room for.
        let told = unsafe { syscall(REGISTER, [self.fd(), REGISTER_PROBE, at, probe.ops.len(), 0, 0]) };
        match told {
            Ok(_) => probe.ops[OP_SOCKET as usize][1] & OP_SUPPORTED != 0,
            // Linux 5.5 and older.
            Err(Errno::EINVAL) => false,
            Err(_) => true,
        }
    }

    pub(super) fn socket(&self, socket: Socket) -> Result<u32, Errno> {
        let entry = Submission {
            opcode: OP_SOCKET,
            fd: socket.family,
            off: socket.kind.into(),
            len: socket.protocol,
            ..Submission::default()
        };
        // The only entry: it stands at index 0, and the kernel has taken the one before.
        // SAFETY: the mappings hold what the kernel's offsets say, and live as long as this process.
        unsafe {
            self.entry.write(entry);
            let tail = word(self.submissions, self.params.sq[TAIL]);
            let mask = word(self.submissions, self.params.sq[MASK]).load(Ordering::Relaxed);
            let old = tail.load(Ordering::Relaxed);
            word(self.submissions, self.params.sq[ARRAY] + 4 * (old & mask)).store(0, Ordering::Relaxed);
            tail.store(old.wrapping_add(1), Ordering::Release);
        }
        // SAFETY: no pointers are passed.
        unsafe { syscall(ENTER, [self.fd(), 1, 1, ENTER_GETEVENTS, 0, 0]) }?;
        // SAFETY: as above.
        let result = unsafe {
            let head = word(self.completions, self.params.cq[HEAD]);
            let at = head.load(Ordering::Relaxed);
            if word(self.completions, self.params.cq[TAIL]).load(Ordering::Acquire) == at {
                return Err(Errno::EAGAIN);
            }
            let mask = word(self.completions, self.params.cq[MASK]).load(Ordering::Relaxed);
            let first = self.completions.add(self.params.cq[CQES] as usize).cast::<Completion>();
            let result = (*first.add((at & mask) as usize)).res;
            head.store(at.wrapping_add(1), Ordering::Release);
            result
        };
        Errno::from_eax(result.cast_unsigned())
    }

    fn fd(&self) -> usize {
        self.fd.as_raw_fd() as usize
    }
}

/// Maps a part of the ring, for as long as this process lives.
fn map(fd: &OwnedFd, len: usize, offset: i64) -> Result<*mut u8, Errno> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at a place of the kernel's choice.
    let at =
        unsafe { libc::mmap(ptr::null_mut(), len, protection, libc::MAP_SHARED, fd.as_raw_fd(), offset) };
    if at == libc::MAP_FAILED {
        return Err(Errno::from_raw(crate::program::last_errno()).unwrap_or(Errno::ENOMEM));
    }
    Ok(at.cast())
}

/// A word that the kernel and we share.
///
/// # Safety
/// `offset` is one of the kernel's offsets into the mapping at `base`.
unsafe fn word<'a>(base: *mut u8, offset: u32) -> &'a AtomicU32 {
    // SAFETY: the caller's; the kernel aligns its words.
    unsafe { AtomicU32::from_ptr(base.add(offset as usize).cast()) }
}
