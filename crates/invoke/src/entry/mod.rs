//! Ways for registers into the kernel's 32-bit system call table.

#[cfg(target_arch = "x86")]
mod auxv;
#[cfg(target_arch = "x86")]
mod fast;
mod int80;

#[cfg(target_arch = "x86")]
pub use fast::{Bare, Instruction, Vdso};
pub use int80::Int80;

/// An instruction, or a function of the kernel's, that makes a 32-bit system call.
///
/// Whatever the entry, the kernel sees the same: the number in `eax`, the arguments in `ebx`, `ecx`, `edx`,
/// `esi`, `edi` and `ebp`. `eax` comes back with the result or, from -4095 to -1, a negated errno; every other
/// register is preserved. Where an instruction has other rules, the entry keeps them
/// (`arch/x86/entry/entry_64_compat.S`, `arch/x86/entry/entry_32.S`).
pub trait Entry: Copy {
    /// Makes the system call `number`, and returns what it leaves in `eax`.
    ///
    /// # Safety
    /// The call is one that the caller may make: what the kernel writes through the arguments is memory that
    /// it may write, and what it does to the process breaks nobody's assumptions. Addresses are 32-bit ones, in
    /// a 64-bit process too.
    ///
    /// An entry that does not exist here is no question of safety: the instruction raises SIGSEGV or SIGILL
    /// before anything has happened.
    unsafe fn enter(self, number: u32, arguments: [u32; 6]) -> u32;
}
