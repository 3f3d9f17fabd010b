//! `int $0x80`.

use super::Entry;

/// The entry `int $0x80`: interrupt 128, the oldest way and the one that works from any code.
///
/// | | |
/// |---|---|
/// | number | `eax` |
/// | arguments | `ebx`, `ecx`, `edx`, `esi`, `edi`, `ebp`; from 64-bit code their low halves |
/// | result | `eax`; from 64-bit code sign-extended to `rax` |
/// | clobbered | nothing else; before Linux 4.17 from 64-bit code also `r8` to `r11` (left 0) |
/// | processor | any x86 |
/// | kernel | any 32-bit one; a 64-bit one with `CONFIG_IA32_EMULATION` that was not booted with `ia32_emulation=0` |
/// | where it is not | `#GP`, seen as SIGSEGV at the instruction |
/// | source | `arch/x86/entry/entry_64_compat.S` (`entry_INT80_compat`), since 6.7 `arch/x86/entry/common.c` (`int80_emulation`); `entry_32.S` (`entry_INT80_32`) |
///
/// From 64-bit code it reaches the 32-bit table all the same: number 102 is socketcall, not getuid, and
/// every pointer is a 32-bit one. A seccomp filter sees the architecture i386.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Int80;

#[cfg(target_arch = "x86_64")]
impl Entry for Int80 {
    unsafe fn enter(self, number: u32, arguments: [u32; 6]) -> u32 {
        let mut eax = number;
        // SAFETY: the caller answers for the system call. rbx and rbp, which asm! does not hand out, are
        // saved on the stack; all that the interrupt may change is named.
        unsafe {
            core::arch::asm!(
                "pushq %rbx",
                "pushq %rbp",
                "movl (%r12), %ebx",
                "movl 4(%r12), %ecx",
                "movl 8(%r12), %edx",
                "movl 12(%r12), %esi",
                "movl 16(%r12), %edi",
                "movl 20(%r12), %ebp",
                "int $0x80",
                "popq %rbp",
                "popq %rbx",
                inout("eax") eax,
                in("r12") arguments.as_ptr(),
                out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
                out("r8") _, out("r9") _, out("r10") _, out("r11") _,
                options(att_syntax),
            );
        }
        eax
    }
}

#[cfg(target_arch = "x86")]
impl Entry for Int80 {
    unsafe fn enter(self, number: u32, arguments: [u32; 6]) -> u32 {
        // SAFETY: the caller answers for the system call.
        unsafe { super::fast::with_registers!(number, arguments, 0, "int $0x80") }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry as _, Int80};

    /// getpid takes nothing and writes nothing: number 20 of the 32-bit table, writev of the 64-bit one.
    #[test]
    fn the_table_is_the_32_bit_one() {
        // SAFETY: getpid.
        let pid = unsafe { Int80.enter(20, [!0; 6]) };
        assert_eq!(pid, std::process::id());
    }
}
