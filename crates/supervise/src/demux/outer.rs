//! What an outer filter does about socketcall.

use core::arch::asm;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use abi::{Call, SOCKETCALL_I386};
use seccomp::{Action, Arch, InstallError, Wants};

use crate::Error;
use crate::child::told;
use crate::say;

/// Of what an outer filter kills 32-bit programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OuterKill {
    /// Of no multiplexed call.
    Nothing,
    /// Of all multiplexed calls, or of some.
    Socketcall,
    /// Of a call that any program makes: none can live.
    Everything,
}

/// `arch/x86/entry/syscalls/syscall_32.tbl`
const GETPID: u32 = 20;

/// How far the child came: it writes these in their order.
const INSTALLED: u8 = 1;
const LIVES: u8 = 2;
const DONE: u8 = 3;

/// Whether an outer filter kills whoever makes a multiplexed call.
///
/// A child makes them all under a filter that traps them, which comes in front of every answer but KILL: so none is
/// made, and no listener hears of them. A filter can judge the call's number, which stands in a register.
///
/// # Errors
/// The filter can't be installed, for `run` no more than for the child.
pub(crate) fn kills() -> Result<OuterKill, Error> {
    let mut wants = Wants::new();
    wants.add(Arch::I386, SOCKETCALL_I386, Action::Trap(0));
    let filter = wants.compile()?;
    let told = told(|mut out| {
        // SAFETY: the handler only raises a flag. An empty set, which is all zeros, becomes the mask: where the signal is
        // blocked, it kills.
        unsafe {
            libc::signal(libc::SIGSYS, trapped as *const () as libc::sighandler_t);
            let empty: libc::sigset_t = std::mem::zeroed();
            libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut());
        }
        if filter.install_unprivileged().is_err() {
            return crate::program::last_errno();
        }
        let mut tell = |how_far: u8| {
            let _ = out.write_all(&[how_far]);
        };
        tell(INSTALLED);
        int80(GETPID, 0);
        // That trap is not ours, and programs have no handler.
        if TRAPPED.load(Relaxed) {
            return 0;
        }
        tell(LIVES);
        for call in std::iter::once(0).chain(Call::ALL.map(|call| call.number().cast_unsigned())) {
            int80(SOCKETCALL_I386, call);
        }
        tell(DONE);
        0
    })?;
    // A listener that holds getpid holds every program.
    let Some(told) = told else { return Ok(OuterKill::Nothing) };
    match (told.bytes.last(), told.signal()) {
        (None, Some(libc::SIGSYS)) => Err(Error::Killed(vec!["seccomp"])),
        (None, None) => {
            let errno = libc::WEXITSTATUS(told.status);
            Err(InstallError::from(std::io::Error::from_raw_os_error(errno)).into())
        }
        (Some(&INSTALLED), Some(libc::SIGSYS) | None) => Ok(OuterKill::Everything),
        (Some(&LIVES), Some(libc::SIGSYS)) => Ok(OuterKill::Socketcall),
        // SIGSEGV: this kernel has no `int $0x80`, and so nobody can make the call.
        _ => Ok(OuterKill::Nothing),
    }
}

static TRAPPED: AtomicBool = AtomicBool::new(false);

extern "C" fn trapped(_: libc::c_int) {
    TRAPPED.store(true, Relaxed);
}

/// A call of i386 with one argument. The multiplexed call's array is null: no call is made of it.
fn int80(number: u32, argument: u32) {
    // SAFETY: `int $0x80` preserves all registers but the accumulator, and r8 to r11 on old kernels. rbx is not allowed as
    // an operand, so it is kept by hand. Neither getpid nor a multiplexed call with a null array touches memory.
    unsafe {
        asm!(
            "xchg {argument:r}, rbx",
            "int 0x80",
            "xchg {argument:r}, rbx",
            argument = inout(reg) u64::from(argument) => _,
            inout("rax") u64::from(number) => _,
            in("rcx") 0u64,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
}

/// Says so where only the stub's way is open, or none.
pub(crate) fn warn() -> Result<(), Error> {
    if seccomp::mode() == seccomp::Mode::None {
        return Ok(());
    }
    match kills()? {
        OuterKill::Nothing => {}
        OuterKill::Socketcall => say(format_args!(
            "an outer seccomp filter kills on socketcall, and nothing comes in front of that: programs that call \
             through the vDSO (glibc, musl) are served, a raw int $0x80 (Go) will be killed"
        )),
        OuterKill::Everything => say(format_args!(
            "an outer seccomp filter kills 32-bit programs at any call, and nothing comes in front of that: let it \
             allow them (systemd: SystemCallArchitectures=native x86)"
        )),
    }
    Ok(())
}
