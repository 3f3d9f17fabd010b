//! Which SIGSYS is a trap of ours.

use abi::SOCKETCALL_I386;
use seccomp::Arch;
use tracee::{SignalInfo, Stopped};

use super::in_place::INT80;
use crate::data;

/// `si_code` of a SIGSYS that a filter forced (include/uapi/asm-generic/siginfo.h).
const SYS_SECCOMP: i32 = 1;

/// Whether a signal is our filter's own trap.
pub(crate) fn is_ours(info: &SignalInfo) -> bool {
    info.signal == libc::SIGSYS
        && info.code == SYS_SECCOMP
        && info.errno == i32::from(data::SOCKETCALL)
        && info.sys_number == SOCKETCALL_I386.cast_signed()
        && info.sys_arch == Arch::I386.audit()
}

/// Whether a SIGSYS of the program's own is all that is to be seen of a trap: the kernel drops a forced signal
/// if the thread has one pending (kernel/signal.c, `legacy_queue`). The trapped call is still in the registers,
/// as no other way leaves it: one that was made has its result there.
pub(super) fn is_merged(stopped: &Stopped, info: &SignalInfo) -> tracee::Result<bool> {
    if info.signal != libc::SIGSYS {
        return Ok(false);
    }
    let registers = stopped.registers()?;
    let number = SOCKETCALL_I386.cast_signed();
    let mut code = [0; 2];
    Ok(registers.call_number() == number
        && registers.rax() == u64::from(SOCKETCALL_I386)
        && stopped.read_exact(registers.ip().wrapping_sub(2), &mut code).is_ok()
        && code == INT80)
}
