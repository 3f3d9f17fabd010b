//! The entries of 32-bit code that are faster than `int $0x80`: the vDSO's function, and the instructions in it.

use core::ffi::c_char;

use super::{Entry, auxv};

/// Loads the six registers, does what `$enter` says, and restores. `$scratch` lies at `(%esp)` meanwhile.
///
/// asm! hands out neither ebp nor, on 32-bit x86, esi; both carry arguments. They are saved on the stack.
macro_rules! with_registers {
    ($number:expr, $arguments:expr, $scratch:expr, $($enter:literal),+) => {{
        let mut eax: u32 = $number;
        let arguments: [u32; 6] = $arguments;
        core::arch::asm!(
            "pushl %esi",
            "pushl %ebp",
            "pushl %edx",
            "movl (%edi), %ebx",
            "movl 4(%edi), %ecx",
            "movl 8(%edi), %edx",
            "movl 12(%edi), %esi",
            "movl 20(%edi), %ebp",
            "movl 16(%edi), %edi",
            $($enter,)+
            "addl $4, %esp",
            "popl %ebp",
            "popl %esi",
            inout("eax") eax,
            inout("edi") arguments.as_ptr() => _,
            inout("edx") $scratch => _,
            out("ebx") _, out("ecx") _,
            options(att_syntax),
        );
        eax
    }};
}
pub(super) use with_registers;

/// The entry through the vDSO: a call of `__kernel_vsyscall`, which is what every libc does.
///
/// | | |
/// |---|---|
/// | number | `eax` |
/// | arguments | `ebx`, `ecx`, `edx`, `esi`, `edi`, `ebp`, as for `int $0x80` |
/// | result | `eax` |
/// | clobbered | nothing else: the function saves `ecx`, `edx` and `ebp` on the stack; 16 bytes of it are needed |
/// | processor | any x86: `sysenter` on Intel, `syscall` on AMD, `int $0x80` where there is neither |
/// | kernel | any that gives AT_SYSINFO; not one booted with `vdso32=0` |
/// | from 64-bit code | not possible: the vDSO of a 64-bit process has no such function |
/// | source | `arch/x86/entry/vdso/vdso32/system_call.S` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vdso {
    vsyscall: u32,
}

impl Vdso {
    /// Asks the kernel for the auxiliary vector (`prctl(PR_GET_AUXV)`, Linux 6.4). `None` on an older kernel,
    /// and on one that gives no AT_SYSINFO.
    pub fn find() -> Option<Self> {
        auxv::from_kernel().map(|vsyscall| Self { vsyscall })
    }

    /// Finds AT_SYSINFO behind the environment, where the kernel has put it on the new program's stack.
    ///
    /// # Safety
    /// `environment` is the one that the program was started with, not a later copy (setenv(3) may move it):
    /// pointers up to a null pointer, with the auxiliary vector behind that.
    pub unsafe fn from_environment(environment: *const *const c_char) -> Option<Self> {
        // SAFETY: as this function's.
        unsafe { auxv::behind_environment(environment) }.map(|vsyscall| Self { vsyscall })
    }

    /// The entry at an address that the caller knows, for instance from `getauxval(AT_SYSINFO)`; `None` for 0,
    /// which that answers where there is none.
    ///
    /// # Safety
    /// The address is 0 or that of a function that does what `__kernel_vsyscall` does.
    pub const unsafe fn from_sysinfo(address: usize) -> Option<Self> {
        match address {
            0 => None,
            address => Some(Self { vsyscall: address as u32 }),
        }
    }

    /// The address of `__kernel_vsyscall`.
    pub const fn address(self) -> u32 {
        self.vsyscall
    }

    /// The instruction that the kernel has put into `__kernel_vsyscall` for this processor; `None` where that
    /// is `int $0x80`, or where another's code stands there.
    pub fn instruction(self) -> Option<Instruction> {
        // push %ecx; push %edx; push %ebp; then two bytes that copy esp or ecx to ebp, and the instruction.
        let code = core::ptr::with_exposed_provenance::<[u8; 7]>(self.vsyscall as usize);
        // SAFETY: the code of a function that is longer than that, if only by its last instructions.
        match unsafe { code.read_unaligned() } {
            [0x51, 0x52, 0x55, 0x89, 0xe5, 0x0f, 0x34] | [0x51, 0x52, 0x55, 0x8b, 0xec, 0x0f, 0x34] => {
                Some(Instruction::Sysenter)
            }
            [0x51, 0x52, 0x55, 0x89, 0xcd, 0x0f, 0x05] | [0x51, 0x52, 0x55, 0x8b, 0xe9, 0x0f, 0x05] => {
                Some(Instruction::Syscall)
            }
            _ => None,
        }
    }
}

impl Entry for Vdso {
    unsafe fn enter(self, number: u32, arguments: [u32; 6]) -> u32 {
        // SAFETY: the caller answers for the system call, the constructor for the function.
        unsafe { with_registers!(number, arguments, self.vsyscall, "call *(%esp)") }
    }
}

/// An instruction that enters the kernel faster than an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// `sysenter`: Intel's, and those that follow Intel. AMD's processors have it under a 32-bit kernel only.
    Sysenter,
    /// `syscall`: AMD's. Intel's processors have it in 64-bit code only, and 32-bit kernels don't enable it.
    Syscall,
}

/// The entry by an instruction of one's own instead of the vDSO's: for showing how it works.
///
/// The kernel says of this: do not (`system_call.S`). Neither instruction keeps what is needed to return:
/// `sysenter` saves neither `eip` nor `esp`, `syscall` overwrites `ecx`. So the kernel returns to one place (from
/// `syscall` since Linux 4.4), the *landing pad* inside the vDSO, which pops `ebp`, `edx` and `ecx` and returns.
/// Whoever uses the instruction has to have put exactly that on the stack:
///
/// | at | `sysenter` | `syscall` |
/// |---|---|---|
/// | `12(%esp)` | where to return | where to return |
/// | `8(%esp)` | `ecx`, argument 2 | `ecx`, argument 2 |
/// | `4(%esp)` | `edx`, argument 3 | `edx`, argument 3 |
/// | `(%esp)` | `ebp`, argument 6 | `ebp`, argument 6 |
/// | in `ebp` | `esp`: the sixth argument is at `(%ebp)` | `ecx`: the second argument |
///
/// | | |
/// |---|---|
/// | number | `eax` |
/// | arguments | `ebx`, `ecx` (`ebp` for `syscall`), `edx`, `esi`, `edi`, and on the stack |
/// | result | `eax`; EFAULT where the stack can't be read |
/// | clobbered | by the instruction `ecx`, `edx`, `ebp`, which the landing pad restores |
/// | processor | see [`Instruction`]; `#UD`, seen as SIGILL, on others |
/// | kernel | one with a vDSO in this process, since it returns there; so a [`Vdso`] is asked for |
/// | after a signal | the call restarts at the vDSO's `int $0x80`, in front of the landing pad |
/// | source | `arch/x86/entry/entry_64_compat.S`, `arch/x86/entry/common.c` (`do_fast_syscall_32`), `entry_32.S` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bare(Instruction);

impl Bare {
    /// The entry by an instruction, be it defined on this processor or not.
    pub const fn new(_: Vdso, instruction: Instruction) -> Self {
        Self(instruction)
    }

    /// The entry by the instruction that is defined here, as the vDSO's own code tells; `None` where there is none.
    pub fn of(vdso: Vdso) -> Option<Self> {
        vdso.instruction().map(Self)
    }
}

impl Entry for Bare {
    unsafe fn enter(self, number: u32, arguments: [u32; 6]) -> u32 {
        // SAFETY: the caller answers for the system call, and the process has a vDSO to return to. The call of
        // 2f leaves the address to return to, and the landing pad takes away what is pushed behind it.
        unsafe {
            match self.0 {
                Instruction::Sysenter => with_registers!(
                    number,
                    arguments,
                    0,
                    "call 2f",
                    "jmp 3f",
                    "2:",
                    "pushl %ecx",
                    "pushl %edx",
                    "pushl %ebp",
                    "movl %esp, %ebp",
                    "sysenter",
                    "3:"
                ),
                Instruction::Syscall => with_registers!(
                    number,
                    arguments,
                    0,
                    "call 2f",
                    "jmp 3f",
                    "2:",
                    "pushl %ecx",
                    "pushl %edx",
                    "pushl %ebp",
                    "movl %ecx, %ebp",
                    "syscall",
                    "3:"
                ),
            }
        }
    }
}
