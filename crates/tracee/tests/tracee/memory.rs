//! Reading and writing a tracee's memory, at its edges and without permission for the fast ways.

use std::io;
use std::ptr::null_mut;

use tracee::{Error, Options, Stop, Stopped};

use crate::harness::{Child, expect_stop, skip};

const PAGE: usize = 4096;

/// Some pages of known bytes, readable and no more. A child has them at the same place, with nothing in front and
/// nothing behind.
struct Pages {
    at: u64,
    content: Vec<u8>,
}

impl Pages {
    fn new(pages: usize) -> Pages {
        let content: Vec<u8> =
            (0..pages * PAGE).map(|at| (at.wrapping_mul(0x9e37_79b1) >> 13) as u8).collect();
        let length = (pages + 2) * PAGE;
        // SAFETY: a new mapping, whose middle is filled and then protected.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let map = libc::mmap(null_mut(), length, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(map, libc::MAP_FAILED, "{}", io::Error::last_os_error());
            let middle = map.byte_add(PAGE);
            assert_eq!(libc::mprotect(middle, content.len(), libc::PROT_READ | libc::PROT_WRITE), 0);
            middle.cast::<u8>().copy_from_nonoverlapping(content.as_ptr(), content.len());
            assert_eq!(libc::mprotect(middle, content.len(), libc::PROT_READ), 0);
            Pages { at: middle.expose_provenance() as u64, content }
        }
    }

    /// A child that, once it is released, unmaps what is around its pages, and then sends itself SIGUSR1. (In this
    /// process others might map something there.)
    fn child(&self, first: fn()) -> Child {
        let [before, behind] =
            [self.at as usize - PAGE, self.end() as usize].map(std::ptr::without_provenance_mut);
        // SAFETY: two pages of the child's that nobody uses, and system calls without pointers.
        Child::new(move || unsafe {
            if libc::munmap(before, PAGE) != 0 || libc::munmap(behind, PAGE) != 0 {
                return 96;
            }
            first();
            libc::raise(libc::SIGUSR1);
            0
        })
    }

    fn end(&self) -> u64 {
        self.at + self.content.len() as u64
    }

    /// The bytes as this process, which is not the tracee, has them.
    fn own(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.content.len()];
        let from = std::ptr::with_exposed_provenance::<u8>(self.at as usize);
        // SAFETY: the mapping is readable and never unmapped.
        unsafe { from.copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) };
        bytes
    }
}

/// A fault, told of by the address or by that of the aligned word around it.
fn is_fault_at(read: &tracee::Result<usize>, address: u64) -> bool {
    matches!(read, Err(Error::Fault(at)) if [address, address & !7].contains(at))
}

/// What a read has to answer, by the rules of the mapping alone.
fn check_reads(stopped: &Stopped, pages: &Pages, content: &[u8]) {
    let near_edges = |edge: usize| edge.saturating_sub(20)..edge + 20;
    let offsets = near_edges(0).chain(near_edges(PAGE)).chain(near_edges(content.len()));
    for offset in offsets {
        for length in
            [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 100, PAGE - 1, PAGE, PAGE + 1, content.len() + PAGE]
        {
            let mut buffer = vec![0xa5; length];
            let address = pages.at + offset as u64;
            let there = content.len().saturating_sub(offset).min(length);
            let read = stopped.read(address, &mut buffer);
            match there {
                0 => assert!(is_fault_at(&read, address), "{offset} {length}: {read:?}"),
                there => {
                    assert_eq!(read.expect("memory"), there, "{offset} {length}");
                    assert_eq!(buffer[..there], content[offset..offset + there], "{offset} {length}");
                    assert!(buffer[there..].iter().all(|byte| *byte == 0xa5), "nothing is made up");
                }
            }
            let exact = stopped.read_exact(address, &mut buffer);
            assert_eq!(exact.is_ok(), there == length, "{offset} {length}: {exact:?}");
        }
    }
    // In front of the first byte there is nothing either.
    let mut buffer = [0; 16];
    let before = stopped.read(pages.at - 8, &mut buffer);
    assert!(is_fault_at(&before, pages.at - 8), "{before:?}");
    assert_eq!(stopped.read(pages.at - 8, &mut []).expect("nothing asked"), 0);
    assert!(stopped.is_readable(pages.at) && stopped.is_readable(pages.end() - 1));
    assert!(!stopped.is_readable(pages.at - 1) && !stopped.is_readable(pages.end()));
    for address in [0, u64::MAX - 3, 1 << 63] {
        let read = stopped.read(address, &mut buffer);
        assert!(matches!(read, Err(Error::Fault(_))), "{address:#x}: {read:?}");
        assert!(!stopped.is_readable(address));
    }
}

#[test]
fn reads_stop_where_memory_ends() {
    let pages = Pages::new(3);
    let child = pages.child(|| ()).traced(Options::FOLLOW);
    let stopped = expect_stop(&mut child.waiter(), Stop::Signal(libc::SIGUSR1));
    check_reads(&stopped, &pages, &pages.content);
}

/// What the tracee may not read is not read for it either.
#[test]
fn protected_memory_is_not_read() {
    let pages = Pages::new(1);
    let child = Child::pausing();
    let stopped = child.stopped(&mut child.waiter());
    let mut buffer = [0; 16];
    assert_eq!(stopped.read(pages.end() - 8, &mut buffer).expect("memory"), 8);
    let protected = stopped.read(pages.end(), &mut buffer);
    assert!(matches!(protected, Err(Error::Fault(_))), "{protected:?}");
}

/// Longer than one process_vm_readv of ours takes.
#[test]
fn a_long_read_is_whole() {
    let pages = Pages::new(40);
    let child = Child::pausing();
    let mut waiter = child.waiter();
    let stopped = child.stopped(&mut waiter);
    for (offset, length) in [(0, 40 * PAGE), (1, 40 * PAGE - 1), (17, 16 * PAGE), (PAGE - 1, 33 * PAGE)] {
        let mut buffer = vec![0; length];
        stopped.read_exact(pages.at + offset as u64, &mut buffer).expect("memory");
        assert!(buffer == pages.content[offset..offset + length], "{offset} {length}");
    }
    let mut buffer = vec![0; 50 * PAGE];
    assert_eq!(stopped.read(pages.at + 5, &mut buffer).expect("memory"), 40 * PAGE - 5);
}

/// Writes of all lengths, also where the tracee may not write; and what they must leave alone.
fn check_writes(stopped: &mut Stopped, pages: &Pages) -> Vec<u8> {
    let mut content = pages.content.clone();
    let mut seed = 1u8;
    for offset in (0..10).chain(PAGE - 10..PAGE + 3) {
        for length in [0, 1, 2, 3, 4, 7, 8, 9, 16, 63, 64, 65, 200, PAGE + 8] {
            seed = seed.wrapping_mul(5).wrapping_add(3);
            let bytes: Vec<u8> = (0..length).map(|at| seed ^ at as u8).collect();
            stopped.write(pages.at + offset as u64, &bytes).expect("memory");
            content[offset..offset + length].copy_from_slice(&bytes);
            let mut all = vec![0; content.len()];
            stopped.read_exact(pages.at, &mut all).expect("memory");
            assert!(all == content, "{offset} {length}");
        }
    }
    // Up to the last byte, and not over it.
    for length in [1, 3, 8, 13, 64, 100] {
        let at = pages.end() - length as u64;
        stopped.write(at, &vec![0x77; length]).expect("memory");
        let end = content.len();
        content[end - length..].fill(0x77);
        let mut tail = vec![0; length];
        stopped.read_exact(at, &mut tail).expect("memory");
        assert_eq!(tail, vec![0x77; length]);
        let over = stopped.write(at + 1, &vec![0x78; length]);
        assert!(matches!(over, Err(Error::Fault(_))), "{length}: {over:?}");
        stopped.write(at, &vec![0x77; length]).expect("memory");
        let nowhere = stopped.write(pages.end(), &vec![0; length]);
        assert!(matches!(nowhere, Err(Error::Fault(_))), "{length}: {nowhere:?}");
    }
    content
}

#[test]
fn writes_reach_what_the_tracee_may_only_read() {
    let pages = Pages::new(3);
    let child = pages.child(|| ()).traced(Options::FOLLOW);
    let mut stopped = expect_stop(&mut child.waiter(), Stop::Signal(libc::SIGUSR1));
    let content = check_writes(&mut stopped, &pages);
    check_reads(&stopped, &pages, &content);
    assert!(pages.own() == pages.content, "the tracee's copy was written, not its parent's page");
}

const CAP_SYS_PTRACE: u32 = 19;

/// Gives up CAP_SYS_PTRACE for this thread alone.
fn without_cap_sys_ptrace() {
    /// `struct __user_cap_header_struct`, version 3 (capget(2)).
    const HEADER: [u32; 2] = [0x2008_0522, 0];
    let mut sets = [0u32; 6];
    // SAFETY: the header and two triples of sets, as version 3 has them.
    unsafe {
        assert_eq!(libc::syscall(libc::SYS_capget, HEADER.as_ptr(), sets.as_mut_ptr()), 0);
        sets[0] &= !(1 << CAP_SYS_PTRACE);
        assert_eq!(libc::syscall(libc::SYS_capset, HEADER.as_ptr(), sets.as_ptr()), 0);
    }
}

/// Where the tracee has become another user, only PTRACE_PEEKDATA and its like are left.
#[test]
fn another_users_memory_is_read_and_written_word_by_word() {
    // SAFETY: geteuid takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        return skip("only root can make a tracee another user's");
    }
    let pages = Pages::new(3);
    let child = pages.child(|| {
        // SAFETY: plain system calls, which change this process alone.
        unsafe { libc::syscall(libc::SYS_setresgid, 65534, 65534, 65534) };
        // SAFETY: as above.
        unsafe { libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534) };
        // SAFETY: as above. exec does the same.
        unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) };
    });
    without_cap_sys_ptrace();
    let child = child.traced(Options::FOLLOW);
    let mut stopped = expect_stop(&mut child.waiter(), Stop::Signal(libc::SIGUSR1));
    let mut byte = 0u8;
    let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(pages.at as usize), iov_len: 1 };
    // SAFETY: one byte of ours.
    let refused = unsafe { libc::process_vm_readv(child.pid, &raw const local, 1, &raw const remote, 1, 0) };
    assert_eq!((refused, io::Error::last_os_error().raw_os_error()), (-1, Some(libc::EPERM)));
    let mem = std::fs::OpenOptions::new().write(true).open(format!("/proc/{}/mem", child.pid));
    assert!(mem.is_err(), "the test shows nothing if this way is open");

    check_reads(&stopped, &pages, &pages.content);
    let content = check_writes(&mut stopped, &pages);
    check_reads(&stopped, &pages, &content);
}
