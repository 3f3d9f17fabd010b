//! Making a stopped tracee carry out a system call of ours.

use crate::stop::{Stop, Waited, Waiter};
use crate::{Error, Registers, Result, Resume, Stopped, Tid};

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

/// A call to be made by a tracee that runs 64-bit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WideInjection {
    /// The address of a `syscall` that the tracee can execute.
    pub instruction: u64,
    /// The call's x86-64 number.
    pub number: u32,
    /// rdi, rsi, rdx, r10, r8, r9
    pub args: [u64; 6],
}

/// A call of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyInjection {
    /// By an i386 tracee.
    I386(Injection),
    /// By one that runs 64-bit code.
    X86_64(WideInjection),
}

impl AnyInjection {
    /// Where the call is made.
    const fn instruction(self) -> u64 {
        match self {
            AnyInjection::I386(call) => call.instruction as u64,
            AnyInjection::X86_64(call) => call.instruction,
        }
    }
}

/// Whether a thread that is at a call's entry is at this one. The code is the program's, and another of its threads can
/// change it in the last moment.
fn is_at(registers: &Registers, call: AnyInjection) -> bool {
    /// `int $0x80` and `syscall` have as many bytes.
    const LENGTH: u64 = 2;
    let is_same = match call {
        AnyInjection::I386(Injection { number, args, .. }) => {
            registers.call_number() == number.cast_signed() && registers.i386_args() == args
        }
        AnyInjection::X86_64(WideInjection { number, args, .. }) => {
            registers.call_number() == number.cast_signed() && registers.x86_64_args() == args
        }
    };
    is_same && registers.ip() == call.instruction().wrapping_add(LENGTH)
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
    Ok(inject_any(waiter, stopped, AnyInjection::I386(call), &mut |_| Ok(()))? as i32)
}

/// As [`inject`], a call of either kind. While the thread is in the call, `meanwhile` is called, which may have to answer
/// somebody for it to return; it is called once more if the thread was stopped there.
///
/// # Errors
/// [`Error::Gone`]; [`Error::Fault`], if another thread has changed the instruction, or taken it away, and the thread did
/// something else; any other failure of a ptrace request; what `meanwhile` fails with.
pub fn inject_any(
    waiter: &mut Waiter,
    stopped: &mut Stopped,
    call: AnyInjection,
    meanwhile: &mut dyn FnMut(Tid) -> Result<()>,
) -> Result<i64> {
    let saved = stopped.registers()?;
    let mask = stopped.signal_mask()?;
    stopped.set_signal_mask(u64::MAX)?;
    let mut registers = saved;
    registers.set_call_number(-1);
    match call {
        AnyInjection::I386(call) => {
            registers.set_ip(call.instruction.into());
            registers.set_rax(call.number.into());
            registers.set_i386_args(call.args);
        }
        AnyInjection::X86_64(call) => {
            registers.set_ip(call.instruction);
            registers.set_rax(call.number.into());
            registers.set_x86_64_args(call.args);
        }
    }
    stopped.set_registers(&registers)?;

    let mut stop_signal = None;
    let made = make(waiter, stopped, call, &mut stop_signal, meanwhile);
    if !matches!(made, Ok(_) | Err(Error::Fault(_))) {
        return made;
    }
    let mut restored: Registers = saved;
    // Whatever call the thread was in has returned: our own must not be taken for it and restarted.
    restored.set_call_number(-1);
    stopped.set_registers(&restored)?;
    stopped.set_signal_mask(mask)?;
    if let Some(signal) = stop_signal {
        // SAFETY: tkill takes no pointers.
        unsafe { libc::syscall(libc::SYS_tkill, stopped.tid(), signal) };
    }
    made
}

/// Runs the thread, which is about to make the call, to the call's exit.
fn make(
    waiter: &mut Waiter,
    stopped: &mut Stopped,
    call: AnyInjection,
    stop_signal: &mut Option<libc::c_int>,
    meanwhile: &mut dyn FnMut(Tid) -> Result<()>,
) -> Result<i64> {
    run_to_call(waiter, stopped, stop_signal, &mut |_| Ok(()))?;
    if !is_at(&stopped.registers()?, call) {
        return Err(Error::Fault(call.instruction()));
    }
    run_to_call(waiter, stopped, stop_signal, meanwhile)?;
    let result = stopped.registers()?.rax();
    Ok(match call {
        AnyInjection::I386(_) => (result as i32).into(),
        AnyInjection::X86_64(_) => result.cast_signed(),
    })
}

/// Runs the thread to its next stop at a call.
fn run_to_call(
    waiter: &mut Waiter,
    stopped: &mut Stopped,
    stop_signal: &mut Option<libc::c_int>,
    meanwhile: &mut dyn FnMut(Tid) -> Result<()>,
) -> Result<()> {
    loop {
        stopped.forget();
        Stopped::new(stopped.tid(), 0).resume(Resume::ToCall(0))?;
        meanwhile(stopped.tid())?;
        match waiter.wait_for(stopped.tid()) {
            Ok(Waited::Stopped(_, Stop::Call)) => return Ok(()),
            // Only SIGSTOP can come, since it cannot be masked; or another thread's has stopped the group.
            Ok(Waited::Stopped(_, Stop::Signal(signal @ libc::SIGSTOP) | Stop::Group(signal))) => {
                *stop_signal = Some(signal);
            }
            // And what can't wait: the instruction faults, again and again.
            Ok(Waited::Stopped(_, Stop::Signal(_))) => {
                return Err(Error::Fault(stopped.registers()?.ip()));
            }
            // A filter that asks its tracer of our own call gets its leave.
            Ok(Waited::Stopped(_, Stop::Attached | Stop::Seccomp)) => {}
            // It was killed: the loop is to hear of its end.
            Ok(end) => {
                waiter.give_back(end);
                return Err(Error::Gone);
            }
            Err(error) => return Err(Error::Os { what: "waitpid", error }),
        }
    }
}
