//! What an outer filter does about socketcall.

use core::arch::asm;

use abi::SOCKETCALL_I386;
use seccomp::{Action, Arch, Wants};

use crate::Error;
use crate::child::Child;

/// Whether an outer filter kills whoever makes a multiplexed call.
///
/// A child makes one under a filter that traps it, which comes in front of every other answer: so the call is
/// not made, and no listener hears of it. In a child that survives, the trap's signal arrives.
pub(super) fn kills() -> Result<bool, Error> {
    let mut wants = Wants::new();
    wants.add(Arch::I386, SOCKETCALL_I386, Action::Trap(0));
    let filter = wants.compile()?;
    let child = Child::held(|| {
        // SAFETY: the handler only ends this child. An empty set, which is all zeros, becomes the mask: where
        // the signal is blocked, it kills.
        unsafe {
            libc::signal(libc::SIGSYS, survived as *const () as libc::sighandler_t);
            let empty: libc::sigset_t = std::mem::zeroed();
            libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut());
        }
        if filter.install_unprivileged().is_ok() {
            socketcall();
        }
        0
    })?;
    child.release()?;
    let status = child.reap()?;
    // SIGSEGV: this kernel has no `int $0x80`, and so nobody can make the call.
    Ok(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSYS)
}

extern "C" fn survived(_: libc::c_int) {
    // SAFETY: ends this child.
    unsafe { libc::_exit(0) }
}

/// A multiplexed call that names no call: were it made, it would answer EINVAL.
fn socketcall() {
    // SAFETY: `int $0x80` preserves all registers but the accumulator, and r8 to r11 on old kernels. The array
    // is not looked at. rbx is not allowed as an operand, so it is kept by hand; 0 stands there for the call.
    unsafe {
        asm!(
            "xchg {call:r}, rbx",
            "int 0x80",
            "xchg {call:r}, rbx",
            call = inout(reg) 0u64 => _,
            inout("rax") u64::from(SOCKETCALL_I386) => _,
            in("rcx") 0u64,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
}
