//! What a thread stops for at a call: PTRACE_GET_SYSCALL_INFO.

use std::mem;

use crate::{Error, Registers, Result, Stopped};

/// `AUDIT_ARCH_I386` (include/uapi/linux/audit.h).
pub const ARCH_I386: u32 = 0x4000_0003;
/// `AUDIT_ARCH_X86_64`, of which x32 is a part.
pub const ARCH_X86_64: u32 = 0xc000_003e;

/// A stop at a call (`struct ptrace_syscall_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// The architecture that the call was made for, `AUDIT_ARCH_*`: by `int $0x80` a 64-bit program makes i386 calls.
    pub arch: u32,
    /// The instruction behind the one that made the call.
    pub ip: u64,
    /// The stack pointer.
    pub sp: u64,
    /// At which end of the call.
    pub at: At,
}

/// The two ends of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// It is about to be made.
    Entry {
        /// Its number, as the register has it.
        number: u64,
        /// Its arguments; of an i386 call each is 32 bits.
        args: [u64; 6],
    },
    /// It has been made.
    Exit {
        /// The result, or an error's number negated; of an i386 call with its sign extended.
        result: i64,
    },
    /// Neither.
    Neither,
}

/// `PTRACE_SYSCALL_INFO_*`
const ENTRY: u8 = 1;
const EXIT: u8 = 2;
const SECCOMP: u8 = 3;

impl Stopped {
    /// What is known of the call that the thread is stopped at. `entering` says which end it is, where the kernel can't
    /// (before Linux 5.3). It is asked once in a stop, if no registers are set.
    ///
    /// # Errors
    /// [`Error::Gone`]
    pub fn call_info(&self, entering: bool) -> Result<CallInfo> {
        if let Some(known) = self.known_call() {
            return Ok(known);
        }
        match self.ask()? {
            Some((info, _)) => Ok(info),
            None => Ok(from_registers(&self.registers()?, entering)),
        }
    }

    /// As [`Stopped::call_info`] at a call's entry, for who needs the registers too if it is the i386 call `number`: those of
    /// 32-bit code, which can make i386 calls only (arch/x86/entry/entry_64_compat.S), tell all of it, and
    /// [`Stopped::registers`] then asks nothing once more. Of any other call the kernel says what it is; also where the thread
    /// has gone meanwhile, and its number is another's who stopped for another reason, such as exec.
    ///
    /// # Errors
    /// [`Error::Gone`]
    pub fn call_in_registers(&self, number: u32) -> Result<CallInfo> {
        if let Some(known) = self.known_call() {
            return Ok(known);
        }
        let registers = self.registers()?;
        if !registers.is_32() || registers.call_number() != number.cast_signed() {
            return self.call_info(true);
        }
        let info = from_registers(&registers, true);
        self.know_call(info);
        self.know_registers(registers);
        Ok(info)
    }

    /// The data of the filter that stopped the thread ([`crate::Stop::Seccomp`]).
    ///
    /// # Errors
    /// [`Error::Gone`]
    pub fn filter_data(&self) -> Result<u32> {
        match self.ask()? {
            Some((_, data)) => Ok(data),
            None => Ok(self.event_message()? as u32),
        }
    }

    /// Asks the kernel, and remembers what it says: the call, and the data of a filter. None before Linux 5.3.
    fn ask(&self) -> Result<Option<(CallInfo, u32)>> {
        // SAFETY: the structure is integers and a union of them, for which zero is a value.
        let mut info: libc::ptrace_syscall_info = unsafe { mem::zeroed() };
        let data = (&raw mut info).expose_provenance();
        match self.get_call_info(size_of_val(&info), data) {
            Ok(()) => {}
            Err(Error::Os { error, .. }) if error.raw_os_error() == Some(libc::EIO) => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut filter = 0;
        let at = match info.op {
            // SAFETY: `op` says which member the kernel filled in; all are plain integers.
            ENTRY => unsafe { At::Entry { number: info.u.entry.nr, args: info.u.entry.args } },
            // SAFETY: as above.
            SECCOMP => unsafe {
                filter = info.u.seccomp.ret_data;
                At::Entry { number: info.u.seccomp.nr, args: info.u.seccomp.args }
            },
            // SAFETY: as above.
            EXIT => At::Exit { result: unsafe { info.u.exit.sval } },
            _ => At::Neither,
        };
        let (arch, ip, sp) = (info.arch, info.instruction_pointer, info.stack_pointer);
        let info = CallInfo { arch, ip, sp, at };
        self.know_call(info);
        Ok(Some((info, filter)))
    }
}

/// As well as registers tell: an `int $0x80` of 64-bit code looks like a 64-bit call.
fn from_registers(registers: &Registers, entering: bool) -> CallInfo {
    let is_32 = registers.is_32();
    let at = if entering {
        let args = if is_32 { registers.i386_args().map(u64::from) } else { registers.x86_64_args() };
        At::Entry { number: registers.call_number().cast_unsigned().into(), args }
    } else {
        let rax = registers.rax();
        At::Exit { result: if is_32 { i64::from(rax as i32) } else { rax.cast_signed() } }
    };
    CallInfo { arch: if is_32 { ARCH_I386 } else { ARCH_X86_64 }, ip: registers.ip(), sp: registers.sp(), at }
}
