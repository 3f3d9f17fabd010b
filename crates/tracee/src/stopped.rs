//! What can be done with a stopped tracee.

use std::cell::Cell;
use std::ptr;

use crate::{CallInfo, Error, Registers, Result, Signal, Tid};

/// What a tracer wants to hear of, and what happens to tracees if it ends (ptrace(2), PTRACE_SETOPTIONS).
/// Children and threads of a tracee inherit the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options(libc::c_int);

impl Options {
    /// Every fork, vfork, clone and exec; seccomp's RET_TRACE; calls told from breakpoints; and tracees
    /// die with their tracer, so that no filter is ever left without the one it asks.
    pub const FOLLOW: Options = Options(
        libc::PTRACE_O_TRACEEXEC
            | libc::PTRACE_O_TRACEFORK
            | libc::PTRACE_O_TRACEVFORK
            | libc::PTRACE_O_TRACECLONE
            | libc::PTRACE_O_TRACESECCOMP
            | libc::PTRACE_O_TRACESYSGOOD
            | libc::PTRACE_O_EXITKILL,
    );

    /// Only exec, and calls told from breakpoints. Tracees outlive their tracer.
    pub const EXEC: Options = Options(libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_TRACESYSGOOD);

    /// For threads that ran before they were traced, and go on when they no longer are: their children too, and exec;
    /// no filter asks us.
    pub const ATTACHED: Options = Options(
        libc::PTRACE_O_TRACEEXEC
            | libc::PTRACE_O_TRACEFORK
            | libc::PTRACE_O_TRACEVFORK
            | libc::PTRACE_O_TRACECLONE
            | libc::PTRACE_O_TRACESYSGOOD,
    );

    /// Without the children of tracees. A filter that asks the tracer would be without one there.
    #[must_use]
    pub const fn without_children(self) -> Options {
        Options(self.0 & !(libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK | libc::PTRACE_O_TRACECLONE))
    }

    /// Tracees die with their tracer.
    #[must_use]
    pub const fn kill_on_exit(self) -> Options {
        Options(self.0 | libc::PTRACE_O_EXITKILL)
    }

    /// Also every thread's end, while its memory is still there.
    #[must_use]
    pub const fn with_exit(self) -> Options {
        Options(self.0 | libc::PTRACE_O_TRACEEXIT)
    }
}

/// Becomes the tracer of `tid`, which goes on running.
///
/// # Errors
/// EPERM: not permitted (another user, Yama, a filter), or traced already. [`Error::Gone`].
pub fn seize(tid: Tid, options: Options) -> Result<()> {
    request(libc::PTRACE_SEIZE, "PTRACE_SEIZE", tid, 0, options.0 as usize)
}

/// Stops a running tracee soon ([`crate::Stop::Attached`]).
///
/// # Errors
/// [`Error::Gone`]
pub fn interrupt(tid: Tid) -> Result<()> {
    request(libc::PTRACE_INTERRUPT, "PTRACE_INTERRUPT", tid, 0, 0)
}

/// How a stopped tracee goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Until something is to be reported; the signal is delivered (0: none). A signal can be delivered
    /// from a signal's stop only.
    Continue(Signal),
    /// As `Continue`, and stops at the next entry to or exit from a call.
    ToCall(Signal),
    /// Stays stopped with its group, until SIGCONT.
    Listen,
}

/// The signal that is about to be delivered: the part of `siginfo_t` that all signals have, and SIGSYS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalInfo {
    /// `si_signo`
    pub signal: Signal,
    /// `si_errno`: for a forced SIGSYS the filter's 16 bits of data.
    pub errno: i32,
    /// `si_code`: SYS_SECCOMP is 1.
    pub code: i32,
    /// SIGSYS: the number of the call. Of other signals, what lies there.
    pub sys_number: i32,
    /// SIGSYS: the call's architecture, `AUDIT_ARCH_*`. Of other signals, what lies there.
    pub sys_arch: u32,
}

/// A tracee that is stopped and waits for us. Dropping it leaves it stopped.
#[derive(Debug)]
#[must_use = "a stopped tracee hangs until it is resumed"]
pub struct Stopped {
    tid: Tid,
    system_time: u64,
    /// What was said of the call, if it was asked for.
    call: Cell<Option<CallInfo>>,
    /// The registers that this was taken from, if it was taken from them.
    registers: Cell<Option<Registers>>,
}

impl Stopped {
    /// For [`crate::Waiter`], which alone knows that `tid` is stopped.
    pub(crate) const fn new(tid: Tid, system_time: u64) -> Stopped {
        Stopped { tid, system_time, call: Cell::new(None), registers: Cell::new(None) }
    }

    pub(crate) const fn known_call(&self) -> Option<CallInfo> {
        self.call.get()
    }

    pub(crate) fn know_call(&self, call: CallInfo) {
        self.call.set(Some(call));
    }

    pub(crate) fn know_registers(&self, registers: Registers) {
        self.registers.set(Some(registers));
    }

    /// Nothing that was said holds any more.
    pub(crate) fn forget(&self) {
        self.call.set(None);
        self.registers.set(None);
    }

    /// Nanoseconds of processor time that the thread's process had spent in the kernel when it stopped; 0 if the
    /// [`crate::Waiter`] doesn't ask.
    #[must_use]
    pub const fn system_time(&self) -> u64 {
        self.system_time
    }

    /// The stopped thread.
    #[must_use]
    pub const fn tid(&self) -> Tid {
        self.tid
    }

    /// The general registers.
    ///
    /// # Errors
    /// [`Error::Gone`]
    pub fn registers(&self) -> Result<Registers> {
        if let Some(known) = self.registers.get() {
            return Ok(known);
        }
        // SAFETY: user_regs_struct is plain integers, for which zero is a value.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        let data = (&raw mut registers).expose_provenance();
        request(libc::PTRACE_GETREGS, "PTRACE_GETREGS", self.tid, 0, data)?;
        Ok(Registers(registers))
    }

    /// Sets the general registers.
    ///
    /// # Errors
    /// EIO for a segment selector that is none. [`Error::Gone`].
    pub fn set_registers(&mut self, registers: &Registers) -> Result<()> {
        self.forget();
        let data = (&raw const registers.0).expose_provenance();
        request(libc::PTRACE_SETREGS, "PTRACE_SETREGS", self.tid, 0, data)
    }

    /// PTRACE_GET_SYSCALL_INFO, for [`Stopped::call_info`]: `data` is the address of a structure of `size` bytes.
    pub(crate) fn get_call_info(&self, size: usize, data: usize) -> Result<()> {
        request(libc::PTRACE_GET_SYSCALL_INFO, "PTRACE_GET_SYSCALL_INFO", self.tid, size, data)
    }

    /// All of the signal's `siginfo_t`, in the 64-bit layout.
    ///
    /// # Errors
    /// EINVAL outside a signal's stop. [`Error::Gone`].
    pub fn signal_bytes(&self) -> Result<[u8; 128]> {
        let mut info = [0u64; 16];
        let data = (&raw mut info).expose_provenance();
        request(libc::PTRACE_GETSIGINFO, "PTRACE_GETSIGINFO", self.tid, 0, data)?;
        let mut bytes = [0; 128];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(info) {
            *bytes = word.to_ne_bytes();
        }
        Ok(bytes)
    }

    /// The event's message (PTRACE_GETEVENTMSG).
    ///
    /// # Errors
    /// [`Error::Gone`]
    pub(crate) fn event_message(&self) -> Result<u64> {
        let mut message: libc::c_ulong = 0;
        let data = (&raw mut message).expose_provenance();
        request(libc::PTRACE_GETEVENTMSG, "PTRACE_GETEVENTMSG", self.tid, 0, data)?;
        Ok(message)
    }

    /// The signal that is about to be delivered.
    ///
    /// # Errors
    /// EINVAL outside a signal's stop. [`Error::Gone`].
    pub fn signal_info(&self) -> Result<SignalInfo> {
        // SAFETY: siginfo_t is plain integers and unions of them, for which zero is a value.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let data = (&raw mut info).expose_provenance();
        request(libc::PTRACE_GETSIGINFO, "PTRACE_GETSIGINFO", self.tid, 0, data)?;
        // The kernel gives a 64-bit tracer the 64-bit layout: three ints, padding, then for SIGSYS the
        // address, the number and the architecture (include/uapi/asm-generic/siginfo.h).
        let word = |index: usize| {
            // SAFETY: siginfo_t has 128 bytes, all initialised; `index` is below 32.
            unsafe { ptr::read((&raw const info).cast::<i32>().add(index)) }
        };
        Ok(SignalInfo {
            signal: info.si_signo,
            errno: info.si_errno,
            code: info.si_code,
            sys_number: word(6),
            sys_arch: word(7).cast_unsigned(),
        })
    }

    /// The thread's mask of blocked signals: bit `n - 1` for signal `n`.
    ///
    /// # Errors
    /// EIO before Linux 3.11. [`Error::Gone`].
    pub fn signal_mask(&self) -> Result<u64> {
        let mut mask = 0u64;
        let data = (&raw mut mask).expose_provenance();
        request(libc::PTRACE_GETSIGMASK, "PTRACE_GETSIGMASK", self.tid, size_of::<u64>(), data)?;
        Ok(mask)
    }

    /// Sets the thread's mask of blocked signals.
    ///
    /// # Errors
    /// EIO before Linux 3.11. [`Error::Gone`].
    pub fn set_signal_mask(&mut self, mask: u64) -> Result<()> {
        let data = (&raw const mask).expose_provenance();
        request(libc::PTRACE_SETSIGMASK, "PTRACE_SETSIGMASK", self.tid, size_of::<u64>(), data)
    }

    /// Reads from the front of `buffer`'s length at `address`; answers how many bytes could be read, which
    /// is less than all only where memory ends.
    ///
    /// # Errors
    /// [`Error::Fault`] if none could be read. [`Error::Gone`].
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> Result<usize> {
        crate::memory::read(self.tid, address, buffer)
    }

    /// Reads all of `buffer` at `address`.
    ///
    /// # Errors
    /// [`Error::Fault`] if a byte of it can't be read. [`Error::Gone`].
    pub fn read_exact(&self, address: u64, buffer: &mut [u8]) -> Result<()> {
        match self.read(address, buffer)? {
            read if read == buffer.len() => Ok(()),
            read => Err(Error::Fault(address.wrapping_add(read as u64))),
        }
    }

    /// Whether the aligned word around `address` can be read. Cheaper than a read: one request.
    #[must_use]
    pub fn is_readable(&self, address: u64) -> bool {
        crate::memory::peek(self.tid, address & !7).is_ok()
    }

    /// Writes `bytes` at `address`, also where the mapping is read-only: as a debugger sets a breakpoint.
    /// Of a private mapping the tracee then has its own copy of the page.
    ///
    /// # Errors
    /// [`Error::Fault`] where nothing is mapped. [`Error::Gone`].
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        crate::memory::write(self.tid, address, bytes)
    }

    /// At a call's entry: the call is not made, and answers `errno`.
    ///
    /// # Errors
    /// [`Error::Gone`]
    pub fn answer(&mut self, errno: i32) -> Result<()> {
        let mut registers = self.registers()?;
        registers.set_call_number(-1);
        registers.set_error(errno);
        self.set_registers(&registers)
    }

    /// Lets the tracee go on.
    ///
    /// # Errors
    /// [`Error::Gone`]: it was killed, and its end is reported by [`crate::Waiter::wait`].
    pub fn resume(self, how: Resume) -> Result<()> {
        let (op, what, signal) = match how {
            Resume::Continue(signal) => (libc::PTRACE_CONT, "PTRACE_CONT", signal),
            Resume::ToCall(signal) => (libc::PTRACE_SYSCALL, "PTRACE_SYSCALL", signal),
            Resume::Listen => (libc::PTRACE_LISTEN, "PTRACE_LISTEN", 0),
        };
        request(op, what, self.tid, 0, signal as usize)
    }

    /// Lets the tracee go for good, with `signal` delivered (0: none).
    ///
    /// # Errors
    /// [`Error::Gone`]
    pub fn detach(self, signal: Signal) -> Result<()> {
        request(libc::PTRACE_DETACH, "PTRACE_DETACH", self.tid, 0, signal as usize)
    }
}

/// One ptrace request that answers nothing but success. Where `data` is the address of something of ours,
/// the caller passes one of the size that the request reads or writes.
fn request(op: libc::c_uint, what: &'static str, tid: Tid, address: usize, data: usize) -> Result<()> {
    // SAFETY: no request in this file touches our memory but by `data`, and each of those callers passes
    // the address of a live value of the type that ptrace(2) names for the request.
    let result = unsafe {
        libc::ptrace(
            op,
            tid,
            ptr::without_provenance_mut::<libc::c_void>(address),
            ptr::with_exposed_provenance_mut::<libc::c_void>(data),
        )
    };
    if result == -1 { Err(Error::last(what)) } else { Ok(()) }
}
