//! The multiplexer in Rust against the multiplexer in the kernel.
//!
//! `int $0x80` works from 64-bit code too, with 32-bit pointers. So each test makes a call twice,
//! both times on a world made anew: as the kernel's `socketcall`, and as [`demux`] followed by the
//! direct call. Result, memory and what arrived at the sockets must be the same.
//!
//! The tests live here because they need `unsafe`, which `abi` forbids. Where the kernel has no
//! 32-bit entry they are skipped, and say so.

mod cases;
mod world;

use std::arch::asm;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::ptr;
use std::sync::{LazyLock, Mutex, MutexGuard};

use abi::{Call, Errno, Fault, Memory, SOCKETCALL_I386, demux, i386};
use cases::{BAD_FD, CASES, Case, DATAGRAM, UNIX};
use world::{PAGE, Pages, World, bytes};

/// A system call by `int $0x80`, with all six argument registers.
fn int80(number: u32, args: [u32; 6]) -> u32 {
    let mut result = number;
    // SAFETY: the kernel preserves every register but eax (before 4.17 it left zeros in r8 to r11);
    // rbx and rbp, which asm! doesn't hand out, are saved here. What the system call does to
    // memory and descriptors is the caller's choice of arguments: only pages mapped below.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "mov ebx, [r12]",
            "mov ecx, [r12 + 4]",
            "mov edx, [r12 + 8]",
            "mov esi, [r12 + 12]",
            "mov edi, [r12 + 16]",
            "mov ebp, [r12 + 20]",
            "int 0x80",
            "pop rbp",
            "pop rbx",
            inout("eax") result,
            in("r12") args.as_ptr(),
            out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    result
}

/// Whether `int $0x80` works, tried in a child because it raises SIGSEGV where it doesn't.
static ENTRY: LazyLock<Result<(), String>> = LazyLock::new(|| {
    // SAFETY: the child makes two system calls and no library call, so other threads' locks don't matter.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0, "fork: {}", std::io::Error::last_os_error());
        if child == 0 {
            libc::signal(libc::SIGSEGV, libc::SIG_DFL);
            let getppid = int80(64, [0; 6]);
            libc::_exit(i32::from(Errno::from_eax(getppid).is_err()));
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        match status {
            0 => Ok(()),
            _ if libc::WIFSIGNALED(status) => {
                Err(format!("int $0x80 raised signal {}", libc::WTERMSIG(status)))
            }
            _ => Err("int $0x80 answered with an error".to_string()),
        }
    }
});

/// Says on the terminal, not in the output that the test harness swallows, what isn't tested.
fn skipped(what: &str, why: &str) {
    std::io::stderr().write_all(format!("skipped: {what}: {why}\n").as_bytes()).unwrap();
}

/// The right to make calls: descriptors are compared by number, so one test at a time.
/// `None` where there is no 32-bit entry.
fn entry(test: &str) -> Option<MutexGuard<'static, ()>> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match &*ENTRY {
        Ok(()) => Some(guard),
        Err(why) => {
            skipped(test, &format!("this kernel has no 32-bit entry ({why})"));
            None
        }
    }
}

/// Our own memory, as 32-bit code sees it: what isn't mapped faults instead of killing us.
struct OwnMemory;

impl Memory for OwnMemory {
    fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault> {
        let len = size_of_val(words);
        let to = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: len };
        let from = libc::iovec { iov_base: ptr::without_provenance_mut(address as usize), iov_len: len };
        // SAFETY: writes to `words`, whose length is `len`; `from` is checked by the kernel.
        let read = unsafe { libc::process_vm_readv(libc::getpid(), &raw const to, 1, &raw const from, 1, 0) };
        if read == len as isize { Ok(()) } else { Err(Fault) }
    }
}

fn multiplexed(call: i32, args: u32) -> u32 {
    int80(SOCKETCALL_I386, [call as u32, args, 0xdead_0003, 0xdead_0004, 0xdead_0005, 0xdead_0006])
}

fn taken_apart(call: i32, args: u32) -> u32 {
    match demux(call, args, &OwnMemory) {
        Ok(direct) => int80(direct.number, direct.args),
        Err(errno) => errno.to_eax(),
    }
}

/// All that a call may change.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    result: Result<u32, Errno>,
    data: Vec<u8>,
    /// What is left to receive at each socket of the world.
    arrived: Vec<Vec<u8>>,
}

/// Makes the world, puts the array of the call at the end of a page, makes the call.
fn outcome(pages: &Pages, end: u32, case: &Case, make: fn(i32, u32) -> u32) -> Outcome {
    pages.write(pages.page(0), &[0; PAGE]);
    let mut world = World { pages, used: 0, held: Vec::new() };
    let words = (case.2)(&mut world);
    assert_eq!(words.len(), case.0.words(), "{}", case.1);
    let args = end - 4 * words.len() as u32;
    pages.write(args, &bytes(&words));
    let result = Errno::from_eax(make(case.0.number(), args));
    let mut data = pages.data();
    if let (Ok(fd), Call::Socket | Call::Accept | Call::Accept4) = (result, case.0) {
        // SAFETY: a descriptor that the call has just made.
        drop(unsafe { OwnedFd::from_raw_fd(fd as i32) });
    }
    if let (Ok(_), Call::Socketpair) = (result, case.0) {
        for fd in data.chunks_exact(4).take(2) {
            // SAFETY: the pair that the call has just made, at the start of the data page.
            drop(unsafe { OwnedFd::from_raw_fd(i32::from_le_bytes(fd.try_into().unwrap())) });
        }
    }
    data.truncate(data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    let arrived = world.held.iter().map(drain).collect();
    Outcome { result, data, arrived }
}

fn drain(socket: &OwnedFd) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut part = [0; 64];
        // SAFETY: receives into `part`.
        let len = unsafe {
            libc::recv(socket.as_raw_fd(), part.as_mut_ptr().cast(), part.len(), libc::MSG_DONTWAIT)
        };
        let Ok(len @ 1..) = usize::try_from(len) else { return all };
        all.extend_from_slice(&part[..len]);
    }
}

#[test]
fn every_call_gives_what_the_kernel_gives() {
    let Some(_guard) = entry("every_call_gives_what_the_kernel_gives") else { return };
    let pages = Pages::new();
    // CONFIG_COMPAT_32BIT_TIME=n: 337 is gone, the multiplexed form isn't.
    let no_time32 = int80(i386::RECVMMSG, [BAD_FD, 0, 0, 0, 0, 0]) == Errno::ENOSYS.to_eax();
    let mut results = BTreeSet::new();
    for case in CASES {
        if no_time32 && case.0 == Call::Recvmmsg {
            skipped(case.1, "recvmmsg: this kernel has no 32-bit time");
            continue;
        }
        for end in pages.array_ends() {
            let kernels = outcome(&pages, end, case, multiplexed);
            let ours = outcome(&pages, end, case, taken_apart);
            assert_eq!(ours, kernels, "{}, {}", case.0.name(), case.1);
            results.insert((case.0, kernels.result.is_ok()));
        }
    }
    // The comparison is worth something only where calls succeed and fail.
    for call in Call::ALL.into_iter().filter(|call| !(no_time32 && *call == Call::Recvmmsg)) {
        assert!(results.contains(&(call, true)), "{} never succeeded", call.name());
        assert!(results.contains(&(call, false)), "{} never failed", call.name());
    }
}

/// Each number, in the range, around it and at the ends of `int`, over arrays of every kind.
#[test]
fn every_number_over_every_array() {
    let Some(_guard) = entry("every_number_over_every_array") else { return };
    let pages = Pages::new();
    let numbers =
        (-3..=30).chain([i32::MIN, i32::MIN + 1, i32::MIN + 3, -256, 257, 0x1_0001, i32::MAX - 1, i32::MAX]);
    // Around both page ends, at every distance and alignment; unreadable, absent, wrapping.
    let mut arrays: Vec<u32> = pages.array_ends().iter().flat_map(|end| end - 28..=end + 4).collect();
    arrays.extend([0, 1, 4, PAGE as u32 - 4, pages.page(2) + 8, pages.page(4) + 8]);
    arrays.extend([0x8000_0000, 0xffff_e000, 0xffff_ffe8, 0xffff_fff0, 0xffff_fffc, u32::MAX]);
    let mut answers = BTreeSet::new();
    for number in numbers {
        for &args in &arrays {
            // All ones: no descriptor, no family, no pointer; no call can succeed.
            for end in pages.array_ends() {
                pages.write(end - 64, &[0xff; 64]);
            }
            let kernels = Errno::from_eax(multiplexed(number, args));
            let ours = Errno::from_eax(taken_apart(number, args));
            assert_eq!(ours, kernels, "socketcall({number}, {args:#x})");
            answers.insert(kernels.expect_err("a call of nonsense succeeded"));
        }
    }
    for errno in [Errno::EINVAL, Errno::EFAULT, Errno::EBADF] {
        assert!(answers.contains(&errno), "no {errno} among {answers:?}");
    }
}

/// The one place where `demux` is stricter than the kernel. A 64-bit program can have memory on
/// both sides of 4 GiB, and there the kernel reads an array across. No 32-bit program can, and for
/// one that isn't `demux` answers EFAULT rather than read at another address than the kernel.
#[test]
fn an_array_across_four_gib() {
    let Some(_guard) = entry("an_array_across_four_gib") else { return };
    let start = (1usize << 32) - PAGE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let args = u32::MAX - 7;
    // SAFETY: a new mapping at a place that is free, or none; unmapped below.
    let pages = unsafe {
        let at = ptr::without_provenance_mut(start);
        libc::mmap(at, 2 * PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
    };
    assert_eq!(pages.addr(), start, "mmap: {}", std::io::Error::last_os_error());
    let words = [UNIX, DATAGRAM, 0];
    // SAFETY: twelve bytes across the border of the two pages.
    unsafe { pages.byte_add(PAGE - 8).cast::<[u32; 3]>().write_unaligned(words) };
    let kernels = Errno::from_eax(multiplexed(Call::Socket.number(), args));
    let ours = demux(Call::Socket.number(), args, &OwnMemory);
    // SAFETY: our own pages, and the descriptor that the kernel has just made.
    unsafe {
        libc::munmap(pages, 2 * PAGE);
        drop(OwnedFd::from_raw_fd(kernels.expect("the kernel reads across") as i32));
    }
    assert_eq!(ours, Err(Errno::EFAULT));
    assert_eq!(multiplexed(Call::Socket.number(), args), Errno::EFAULT.to_eax());
}
