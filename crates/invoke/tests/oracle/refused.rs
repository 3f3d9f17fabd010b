//! Under filters: emulation needs nothing of the 32-bit entry, and does without process_vm_readv(2).

use std::os::fd::FromRawFd;

use abi::{Call, Errno};
use invoke::{Emulated, Family, Flags, Int80, Multiplexed, Socket, Type, emulated, low::Region};

const AUDIT_ARCH_I386: u32 = 0x4000_0003;

/// Runs a child under a filter that answers `action` to all i386 calls, and EPERM to process_vm_readv and
/// process_vm_writev. Returns its wait status.
fn under_filter(action: u32, child: fn() -> Result<(), Errno>) -> i32 {
    const EPERM: u32 = libc::SECCOMP_RET_ERRNO | 1;
    let load = |offset| libc::sock_filter { code: 0x20, jt: 0, jf: 0, k: offset };
    let jump_if = |value, yes, no| libc::sock_filter { code: 0x15, jt: yes, jf: no, k: value };
    let answer = |answer| libc::sock_filter { code: 6, jt: 0, jf: 0, k: answer };
    // seccomp_data: the number at 0, the architecture at 4.
    let mut program = [
        load(4),
        jump_if(AUDIT_ARCH_I386, 0, 1),
        answer(action),
        load(0),
        jump_if(310, 1, 0),
        jump_if(311, 0, 1),
        answer(EPERM),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the child makes system calls only, and leaves by _exit.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0);
        if pid == 0 {
            let set = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) == 0;
            libc::_exit(match child() {
                _ if !set => 255,
                Ok(()) => 0,
                Err(errno) => errno.raw(),
            });
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &raw mut status, 0), pid);
        status
    }
}

fn emulate() -> Result<(), Errno> {
    let (one, other) = Socket::pair(Emulated, Family::Unix, Type::DATAGRAM, 0)?;
    one.send(b"hello", Flags::NONE)?;
    // Structures too: a message with a descriptor, there and back.
    let mut region = Region::new(256)?;
    let base = region.address();
    let words = [0, 0, base + 28, 1, base + 40, 16, 0, base + 200, 5, 0, 16, 1, 1, one.descriptor() as u32];
    for (n, word) in words.into_iter().enumerate() {
        region.bytes()[4 * n..][..4].copy_from_slice(&word.to_ne_bytes());
    }
    region.bytes()[200..205].copy_from_slice(b"hello");
    let array = |region: &mut Region, fd: i32| {
        for (n, word) in [fd as u32, base, 0].into_iter().enumerate() {
            region.bytes()[220 + 4 * n..][..4].copy_from_slice(&word.to_ne_bytes());
        }
    };
    array(&mut region, other.descriptor());
    // SAFETY: the message at the start of the region, which holds all that it points to.
    unsafe {
        if emulated::socketcall(Call::Sendmsg.number(), base + 220)? != 5 {
            return Err(Errno::EIO);
        }
        array(&mut region, one.descriptor());
        emulated::socketcall(Call::Recvmsg.number(), base + 220)?;
        let bytes = region.bytes();
        let passed = i32::from_ne_bytes([bytes[52], bytes[53], bytes[54], bytes[55]]);
        drop(std::os::fd::OwnedFd::from_raw_fd(passed));
        if passed <= other.descriptor() {
            return Err(Errno::EBADMSG);
        }
    }
    Ok(())
}

fn multiplex() -> Result<(), Errno> {
    Socket::new(Multiplexed(Int80), Family::Unix, Type::DATAGRAM, 0).map(drop)
}

#[test]
fn emulation_needs_no_32_bit_entry() {
    let kill = libc::SECCOMP_RET_KILL_PROCESS;
    assert_eq!(under_filter(kill, emulate), 0, "wait status");
    // The filter does what it says: the call itself is killed there.
    assert_eq!(under_filter(kill, multiplex) & 0x7f, libc::SIGSYS);
    let refused = under_filter(libc::SECCOMP_RET_ERRNO | 38, multiplex);
    assert_eq!(refused, Errno::ENOSYS.raw() << 8, "wait status");
}
