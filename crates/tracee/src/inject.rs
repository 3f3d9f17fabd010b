//! Making a stopped tracee carry out a system call of ours.

use crate::stop::{Stop, Waited, Waiter};
use crate::{Error, Registers, Result, Resume, Stopped};

/// A call to be made by an i386 tracee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The address of an `int $0x80` that the tracee can execute.
    pub instruction: u32,
    /// The call's i386 number.
    pub number: u32,
    /// ebx, ecx, edx, esi, edi, ebp
    pub args: [u32; 6],
}

/// Makes `stopped` carry out one system call, and puts registers and mask back. Answers the result, or
/// `-errno`.
///
/// Allowed where a thread is about to return to its code: at the exit from a call, in a new child's first
/// stop, at a signal. (Not in exec's own stop, after which the kernel overwrites the accumulator.)
/// Signals wait meanwhile; SIGKILL does not, and ends in [`Error::Gone`]. A SIGSTOP is sent again. What
/// `waiter` hears of the thread's end, it tells at its next [`Waiter::wait`].
///
/// # Errors
/// [`Error::Gone`]; any other failure of a ptrace request.
pub fn inject(waiter: &mut Waiter, stopped: &mut Stopped, call: Injection) -> Result<i32> {
    let saved = stopped.registers()?;
    let mask = stopped.signal_mask()?;
    stopped.set_signal_mask(u64::MAX)?;
    let mut registers = saved;
    registers.set_ip(call.instruction.into());
    registers.set_rax(call.number.into());
    registers.set_call_number(-1);
    registers.set_i386_args(call.args);
    stopped.set_registers(&registers)?;

    let mut stop_signal = None;
    for _entry_then_exit in 0..2 {
        run_to_call(waiter, stopped, &mut stop_signal)?;
    }
    let result = stopped.registers()?.rax() as i32;

    let mut restored: Registers = saved;
    // Whatever call the thread was in has returned: our own must not be taken for it and restarted.
    restored.set_call_number(-1);
    stopped.set_registers(&restored)?;
    stopped.set_signal_mask(mask)?;
    if let Some(signal) = stop_signal {
        // SAFETY: tkill takes no pointers.
        unsafe { libc::syscall(libc::SYS_tkill, stopped.tid(), signal) };
    }
    Ok(result)
}

/// Runs the thread to its next stop at a call.
fn run_to_call(
    waiter: &mut Waiter,
    stopped: &mut Stopped,
    stop_signal: &mut Option<libc::c_int>,
) -> Result<()> {
    loop {
        Stopped::new(stopped.tid(), 0).resume(Resume::ToCall(0))?;
        match waiter.wait_for(stopped.tid()) {
            Ok(Waited::Stopped(_, Stop::Call)) => return Ok(()),
            // Only SIGSTOP can come, since it cannot be masked; or another thread's has stopped the group.
            Ok(Waited::Stopped(_, Stop::Signal(signal) | Stop::Group(signal))) => *stop_signal = Some(signal),
            // A filter that asks its tracer of our own call gets its leave.
            Ok(Waited::Stopped(_, Stop::Attached | Stop::Seccomp { .. })) => {}
            // It was killed: the loop is to hear of its end.
            Ok(end) => {
                waiter.give_back(end);
                return Err(Error::Gone);
            }
            Err(error) => return Err(Error::Os { what: "waitpid", error }),
        }
    }
}
