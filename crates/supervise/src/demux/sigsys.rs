//! The program's own SIGSYS, which our traps disturb.
//!
//! The signal that a filter forces can't be held off: where SIGSYS is blocked or ignored, the kernel unblocks
//! it and sets its disposition to the default, before the tracer sees the stop (kernel/signal.c,
//! `force_sig_info_to_task`). So book is kept of the disposition that the program set, and after a trap it is
//! put back; if a handler was reset, the signal was blocked, and is blocked again. What can't be known is
//! whether a signal was blocked that has the default disposition, or that is ignored.

use std::sync::{Arc, Mutex, PoisonError};

use seccomp::{Action, Arch, Field, Test, Wants};
use tracee::{Injection, Stopped, Tid, Waiter, proc_stat};

use super::in_place::INT80;
use crate::data;

/// SIGSYS's bit in a mask.
const BIT: u64 = 1 << (libc::SIGSYS - 1);

/// The calls that set a disposition, i386 numbers (arch/x86/entry/syscalls/syscall_32.tbl).
mod i386 {
    pub(super) const SIGNAL: u32 = 48;
    pub(super) const SIGACTION: u32 = 67;
    pub(super) const RT_SIGACTION: u32 = 174;
}
/// rt_sigaction on x86-64.
const RT_SIGACTION_64: u32 = 13;

/// Calls that set a disposition.
const fn sigactions() -> [(Arch, u32); 4] {
    [
        (Arch::I386, i386::SIGNAL),
        (Arch::I386, i386::SIGACTION),
        (Arch::I386, i386::RT_SIGACTION),
        (Arch::X86_64, RT_SIGACTION_64),
    ]
}

/// Wants to hear when a disposition is set.
pub(super) fn want(wants: &mut Wants) {
    let for_sigsys = [Test::eq(Field::Arg(0), libc::SIGSYS.cast_unsigned())];
    for (arch, number) in sigactions() {
        wants.add_if(arch, number, &for_sigsys, Action::Trace(data::SIGACTION));
    }
}

/// A disposition as i386's rt_sigaction takes it: handler, flags, restorer, and the mask's two halves.
type Sigaction = [u32; 5];

/// How SIGSYS is disposed of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Disposition {
    #[default]
    Default,
    /// Ignored, or handled by 32-bit code.
    Set(Sigaction),
    /// Handled by 64-bit code, which a 32-bit call can't set.
    Wide,
}

impl Disposition {
    const IGNORED: Disposition = Disposition::Set([libc::SIG_IGN as u32, 0, 0, 0, 0]);

    fn is_handled(self) -> bool {
        self != Disposition::Default && self != Disposition::IGNORED
    }
}

/// A thread's view of SIGSYS. Threads of a process share the disposition.
#[derive(Clone, Debug, Default)]
pub(super) struct Sigsys {
    disposition: Arc<Mutex<Disposition>>,
    /// What the thread is setting it to.
    setting: Option<Disposition>,
}

impl Sigsys {
    fn of(disposition: Disposition) -> Sigsys {
        Sigsys { disposition: Arc::new(Mutex::new(disposition)), setting: None }
    }

    fn get(&self) -> Disposition {
        *self.disposition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, disposition: Disposition) {
        *self.disposition.lock().unwrap_or_else(PoisonError::into_inner) = disposition;
    }

    /// What a program gets that this process executes.
    pub(super) fn of_this_process() -> Sigsys {
        // SAFETY: sigaction is plain integers, for which zero is a value; the call stores one.
        let action = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGSYS, std::ptr::null(), &raw mut action);
            action.sa_sigaction
        };
        Sigsys::of(if action == libc::SIG_IGN { Disposition::IGNORED } else { Disposition::Default })
    }

    /// What a child gets that is made with these flags.
    pub(super) fn inherit(&self, flags: u64) -> Sigsys {
        if flags & libc::CLONE_SIGHAND as u64 != 0 {
            Sigsys { disposition: Arc::clone(&self.disposition), setting: None }
        } else {
            Sigsys::of(self.get())
        }
    }

    /// A thread of which nothing was known turns out to have inherited this. What it has set itself stays set.
    pub(super) fn has_inherited(&mut self, inherited: Sigsys) {
        let own = self.get();
        self.disposition = inherited.disposition;
        if own != Disposition::Default {
            self.set(own);
        }
    }

    /// A new program handles nothing yet; what was ignored stays so (signal(7)).
    pub(super) fn after_exec(&self) -> Sigsys {
        Sigsys::of(if self.get().is_handled() { Disposition::Default } else { self.get() })
    }

    /// The thread is about to set the disposition.
    pub(super) fn is_being_set(&mut self, stopped: &Stopped) -> tracee::Result<()> {
        let registers = stopped.registers()?;
        let number = registers.call_number().cast_unsigned();
        let [_, at, ..] = registers.i386_args();
        // A 64-bit program's own call has another number; by `int $0x80` it makes the 32-bit one.
        self.setting = match number {
            RT_SIGACTION_64 => match registers.x86_64_args()[1] {
                0 => None,
                at => read::<1>(stopped, at).map(|[handler]| match handler as usize {
                    libc::SIG_DFL => Disposition::Default,
                    libc::SIG_IGN => Disposition::IGNORED,
                    _ => Disposition::Wide,
                }),
            },
            i386::SIGNAL => Some(disposition([at, (libc::SA_RESETHAND | libc::SA_NODEFER) as u32, 0, 0, 0])),
            _ if at == 0 => None,
            i386::SIGACTION => read::<4>(stopped, at.into())
                .map(|[handler, mask, flags, restorer]| disposition([handler, flags, restorer, mask, 0])),
            _ => read::<5>(stopped, at.into()).map(disposition),
        };
        Ok(())
    }

    /// The thread's call returns: if it was setting the disposition, it is set now.
    pub(super) fn at_return(&mut self, stopped: &Stopped) -> tracee::Result<()> {
        if let Some(setting) = self.setting.take() {
            let registers = stopped.registers()?;
            // signal(2) answers the former handler, the others 0.
            let failed = (registers.rax() as i32).cast_unsigned() > u32::MAX - 4095;
            if !failed {
                self.set(setting);
            }
        }
        Ok(())
    }

    /// A SIGSYS of the program's own is being delivered.
    pub(super) fn is_delivered(&self) {
        if let Disposition::Set([_, flags, ..]) = self.get()
            && flags & libc::SA_RESETHAND as u32 != 0
        {
            self.set(Disposition::Default);
        }
    }

    /// A trap of ours was forced on the thread: puts back what that changed. If it was `merged` with a signal
    /// that was pending, that one was blocked, and is to be pending again.
    pub(super) fn after_trap(
        &self,
        waiter: &mut Waiter,
        stopped: &mut Stopped,
        merged: bool,
    ) -> tracee::Result<()> {
        let reset = self.restore(waiter, stopped)?;
        if merged || (reset && self.get().is_handled()) {
            stopped.set_signal_mask(stopped.signal_mask()? | BIT)?;
        }
        if merged {
            // SAFETY: tkill takes no pointers.
            unsafe { libc::syscall(libc::SYS_tkill, stopped.tid(), libc::SIGSYS) };
        }
        Ok(())
    }

    /// Sets the disposition again, if it was reset; answers whether it certainly was.
    fn restore(&self, waiter: &mut Waiter, stopped: &mut Stopped) -> tracee::Result<bool> {
        let Disposition::Set(action) = self.get() else { return Ok(false) };
        let still_set = still_set(stopped.tid(), self.get().is_handled());
        if still_set == Some(true) {
            return Ok(false);
        }
        let registers = stopped.registers()?;
        // The kernel reads the new disposition from below the stack, where a signal would write too.
        let at = registers.sp().wrapping_sub(256) & !15;
        let instruction = registers.ip().wrapping_sub(2);
        let (mut code, mut under) = ([0; 2], [0; size_of::<Sigaction>()]);
        let usable = registers.is_32()
            && stopped.read_exact(instruction, &mut code).is_ok()
            && code == INT80
            && stopped.read_exact(at, &mut under).is_ok();
        if !usable {
            return Ok(false);
        }
        stopped.write(at, action.map(u32::to_le_bytes).as_flattened())?;
        let args = [libc::SIGSYS.cast_unsigned(), at as u32, 0, size_of::<u64>() as u32, 0, 0];
        let call = Injection { instruction: instruction as u32, number: i386::RT_SIGACTION, args };
        tracee::inject(waiter, stopped, call)?;
        stopped.write(at, &under)?;
        Ok(still_set == Some(false))
    }
}

/// What handler, flags, restorer and mask mean.
fn disposition(action: Sigaction) -> Disposition {
    match action[0] as usize {
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::IGNORED,
        _ => Disposition::Set(action),
    }
}

fn read<const N: usize>(stopped: &Stopped, at: u64) -> Option<[u32; N]> {
    let mut words = [[0; 4]; N];
    stopped.read_exact(at, words.as_flattened_mut()).ok()?;
    Some(words.map(u32::from_le_bytes))
}

/// Whether SIGSYS is still handled, or ignored, as the kernel tells it (proc_pid_stat(5), fields 33 and 34).
/// None where nobody tells.
fn still_set(tid: Tid, handled: bool) -> Option<bool> {
    let field = if handled { 34 } else { 33 };
    let mask: u64 = proc_stat(tid)?.get(field - 3)?.parse().ok()?;
    Some(mask & BIT != 0)
}
