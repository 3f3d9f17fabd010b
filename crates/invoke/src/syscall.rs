//! The 64-bit system call.

use core::arch::asm;

use abi::Errno;

/// Makes an x86-64 system call.
///
/// | | |
/// |---|---|
/// | number | `rax` |
/// | arguments | `rdi`, `rsi`, `rdx`, `r10`, `r8`, `r9` |
/// | result | `rax` |
/// | clobbered | `rcx` (the return address) and `r11` (the flags), by the instruction |
/// | processor | any x86-64 |
/// | source | `arch/x86/entry/entry_64.S` (`entry_SYSCALL_64`) |
///
/// # Errors
/// The call's.
///
/// # Safety
/// The caller may make this call with these arguments.
pub unsafe fn syscall(number: u32, arguments: [usize; 6]) -> Result<usize, Errno> {
    let [a, b, c, d, e, f] = arguments;
    let mut rax = number as usize;
    // SAFETY: the caller answers for the system call; what the instruction changes is named.
    unsafe {
        asm!(
            "syscall",
            inout("rax") rax,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            out("rcx") _, out("r11") _,
            options(nostack, att_syntax),
        );
    }
    match Errno::from_raw((rax as isize).wrapping_neg().try_into().unwrap_or(0)) {
        Some(errno) => Err(errno),
        None => Ok(rax),
    }
}

/// Numbers of `arch/x86/entry/syscalls/syscall_64.tbl` that are no socket calls.
pub(crate) mod number {
    pub const CLOSE: u32 = 3;
    pub const MMAP: u32 = 9;
    pub const MUNMAP: u32 = 11;
    pub const GETPID: u32 = 39;
    pub const PROCESS_VM_READV: u32 = 310;
    pub const PROCESS_VM_WRITEV: u32 = 311;
}
