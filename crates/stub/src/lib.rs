//! The i386 code that takes socketcall apart inside a 32-bit process, and its place in the vDSO.
//!
//! # How it works
//! glibc and musl make their calls through the address that the kernel gives them in the auxiliary vector's
//! AT_SYSINFO: `__kernel_vsyscall` in the vDSO. The stub takes its place. For number 102 it loads the words
//! of the array into registers, calls the kernel's own `__kernel_vsyscall` with the direct call's number, and
//! restores; anything else it passes on. So a call costs no stop, no trap and no copy. It is
//! [`abi::demux`] in assembly, with the same order of checks.
//!
//! # Where it lives
//! In the vDSO itself, from the end of its code: what follows there (`.altinstructions`, `.comment`, section
//! headers) is dead in memory. There go the stub, the unwind tables of the kernel's code and the stub's
//! together, and a small section table for debuggers; the dynamic symbol `__kernel_vsyscall` is pointed at
//! the stub. Written by a tracer, the page becomes the process's own copy.
//!
//! Where the kernel's vDSO has no room, the same goes into a page in front of it, an ELF image that spans both.
//!
//! A [`Vdso`] is the kernel's image, the same in every process of one kernel. [`Vdso::place`] makes an
//! [`Image`] of it once; [`Image::writes`] says for one process what to write where.

mod asm;
mod code;
mod image;
mod unwind;
mod vdso;

pub use code::{Labels, PERMIT, STACK, TRAP_DATA, Variant};
pub use image::{FRONT_SIZE, Image, NoRoom, Place, Write};
pub use vdso::{BadVdso, SIZE, Vdso};
