//! The 32-bit call, served by 64-bit system calls: for a kernel without 32-bit entry.
//!
//! [`socketcall`] does in a 64-bit process what `int $0x80` with 102 in `eax` does where the kernel has 32-bit
//! support (`net/compat.c`): the same array, the same 32-bit structures below 4 GiB, the same results, the same
//! order of checks. [`abi::demux`] takes the call apart. Fourteen calls then need no more than a number of their
//! own, because their memory has one layout for both; for the others there is something to convert:
//!
//! | call | what is converted |
//! |---|---|
//! | sendmsg, recvmsg | `msghdr` (28 bytes, 56), `iovec` (8, 16), control messages (headers of 12 and 16 bytes, aligned to 4 and 8) |
//! | sendmmsg, recvmmsg | the same for each `mmsghdr` (32, 64); recvmmsg's timeout (8, 16) |
//! | setsockopt, getsockopt | see below |
//!
//! | option | 32-bit form |
//! |---|---|
//! | `SO_RCVTIMEO_OLD`, `SO_SNDTIMEO_OLD`; vsock's `SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD` | a timeval of 8 bytes |
//! | `SO_ATTACH_FILTER`, `SO_ATTACH_REUSEPORT_CBPF`; packet's `PACKET_FANOUT_DATA` | a `sock_fprog` of 8 bytes with a pointer |
//! | `MCAST_JOIN_GROUP`, `MCAST_LEAVE_GROUP`, the four for sources, `MCAST_MSFILTER` | no padding behind the interface |
//! | `IP_PKTOPTIONS`, read | control messages |
//!
//! | control message, received | 32-bit form |
//! |---|---|
//! | `SO_TIMESTAMP_OLD`, `SO_TIMESTAMPNS_OLD`, `SO_TIMESTAMPING_OLD` | times of 8 bytes |
//! | Bluetooth's `HCI_CMSG_TSTAMP` | a time of 8 bytes |
//! | rxrpc's `RXRPC_USER_CALL_ID`, sent too | 4 bytes |
//! | `SCM_RIGHTS`, `SCM_PIDFD` | descriptors for which the 32-bit buffer has no room are closed again |
//!
//! # What is not done
//!
//! | what | answer |
//! |---|---|
//! | iptables, ip6tables, arptables and ebtables: the options that pass tables | ENOPROTOOPT, as without these modules |
//! | `IP_XFRM_POLICY`, `IPV6_XFRM_POLICY` | EOPNOTSUPP, as without the kernel's translator |
//! | SCTP's `SCTP_SOCKOPT_CONNECTX3`, whose value holds a pointer | EOPNOTSUPP |
//! | layouts inside what is sent and received, where the kernel asks whether the process is a 32-bit one: netlink's `NETLINK_XFRM` | passed as it is |
//!
//! # Where it differs
//!
//! - A descriptor for which there is no room is there for a moment, and another thread could see it.
//! - Of a recvmmsg whose vector can't be read or written from the second message on, the kernel reports the
//!   fault again by the next call; this doesn't. Of a vector that can't be written, all messages are received before that shows.
//! - More control messages than `net.core.optmem_max` has room for are ENOBUFS, where the 32-bit call answers ENOMEM.
//! - A recvmmsg of more than 64 messages is several system calls, and an error after the first of them is lost.
//! - The `type=SOCKETCALL` record of the audit subsystem is not written: the kernel sees direct 64-bit calls. So
//!   do filters and tracers.
//!
//! # What it needs
//!
//! It reads and writes the structures by process_vm_readv(2) and process_vm_writev(2) on its own process, so
//! that a bad address is EFAULT and not SIGSEGV. Where a filter refuses these, it uses the memory directly,
//! and a bad address is SIGSEGV. Where things have to be converted, it maps memory for the time of the call.
//!
//! No 32-bit code calls this by itself; whoever catches such a call (by ptrace, SIGSYS or a fault) can.

use abi::{Call, Errno, demux};

use crate::syscall;
use memory::OwnMemory;

mod control;
mod memory;
mod message;
mod messages;
mod option;

/// `socketcall(call, args)` with the array at the 32-bit address `args`, as [`socketcall_at`](crate::socketcall_at)
/// makes it by `int $0x80`.
///
/// # Errors
/// Those of the kernel; EINVAL for a call outside 1 to 20, EFAULT for an array that can't be read. ENOMEM where
/// no memory is left to convert to. What the [module](self) lists as not done.
///
/// # Safety
/// What the call reads and writes through the array and what that points to is memory that it may, and the
/// descriptors are ones that the caller may use.
pub unsafe fn socketcall(call: i32, args: u32) -> Result<u32, Errno> {
    let memory = OwnMemory;
    let direct = demux(call, args, &memory)?;
    let words = direct.args;
    // SAFETY: all of them: the caller answers for the call, and what is converted is memory of our own.
    unsafe {
        match direct.call {
            Call::Setsockopt => option::set(words),
            Call::Getsockopt => option::get(words),
            Call::Sendmsg => message::send(words),
            Call::Recvmsg => message::receive(words),
            Call::Sendmmsg => messages::send(words),
            Call::Recvmmsg => messages::receive(words),
            call => native(call, words.map(|word| word as usize)),
        }
    }
}

/// The 64-bit call. The kernel takes the lower half of what is an int.
///
/// # Safety
/// As [`syscall`].
unsafe fn native(call: Call, arguments: [usize; 6]) -> Result<u32, Errno> {
    // SAFETY: the caller's.
    unsafe { syscall(call.facts().direct_x86_64.number, arguments) }.map(|result| result as u32)
}

/// The kernel looks at the descriptor before it looks at a message, and this has to look at the message first.
/// So when that fails, the descriptor's own error comes before it.
fn unless_bad_descriptor(descriptor: u32, error: Errno) -> Errno {
    // SAFETY: sendmmsg of no messages does nothing but look the descriptor up.
    match unsafe { native(Call::Sendmmsg, [descriptor as usize, 0, 0, 0, 0, 0]) } {
        Err(errno @ (Errno::EBADF | Errno::ENOTSOCK)) => errno,
        _ => error,
    }
}
