//! The x86 Linux socket multiplexer, called in every way there is.
//!
//! Three things are kept apart, and combine freely:
//!
//! - An [`Entry`] brings registers into the kernel's 32-bit system call table and back: [`Int80`] anywhere,
//!   and in a 32-bit process `__kernel_vsyscall` (`Vdso`) and the bare instructions (`Bare`).
//! - A [`Way`] makes one of the twenty calls: [`Multiplexed`] (number 102 and an array) or [`Direct`] (the
//!   call's own number and registers) over an entry; `Native` (the 64-bit call) and `Emulated` (the 32-bit
//!   call, served by 64-bit ones) in a 64-bit process.
//! - A [`Socket`] is a typed, safe socket over any way.
//!
//! | item | code it works from | processor and kernel |
//! |---|---|---|
//! | [`Int80`] | 32-bit, 64-bit | any x86; a 64-bit kernel with 32-bit entry enabled, else SIGSEGV |
//! | `Vdso` | 32-bit | any x86 that gives AT_SYSINFO (not `vdso32=0`) |
//! | `Bare`, `sysenter` | 32-bit | Intel, VIA, Zhaoxin; AMD under a 32-bit kernel only; else SIGILL |
//! | `Bare`, `syscall` | 32-bit | AMD and Hygon under a 64-bit kernel only; else SIGILL |
//! | `Native` | 64-bit | any |
//! | `Emulated` | 64-bit | any; needs nothing of the kernel's 32-bit support |
//!
//! The lowest level is [`socketcall`] and [`socketcall_at`]; they are `unsafe`, because the kernel writes
//! wherever the words point. A 64-bit process passes 32-bit addresses here too: [`socketcall`] copies its array
//! below 4 GiB by itself, and since a word has 32 bits, a pointer that lies higher can't be passed by mistake.
//! Whoever needs memory that such a word can point to takes a `low::Region`. The ways do that by themselves:
//! what an [`Argument`] borrows from above 4 GiB is copied below it, and back.
//!
//! ```
//! use core::net::SocketAddr;
//! use invoke::{Address, Family, Flags, Int80, Multiplexed, Socket, Type};
//!
//! # fn main() -> Result<(), abi::Errno> {
//! let way = Multiplexed(Int80);
//! let listener = Socket::new(way, Family::Inet, Type::STREAM, 0)?;
//! listener.bind(&Address::from(SocketAddr::from(([127, 0, 0, 1], 0))))?;
//! listener.listen(1)?;
//!
//! let client = Socket::new(way, Family::Inet, Type::STREAM, 0)?;
//! client.connect(&listener.local_address()?)?;
//! let (server, _) = listener.accept()?;
//! client.send(b"hello", Flags::NONE)?;
//! let mut buffer = [0; 16];
//! assert_eq!(server.receive(&mut buffer, Flags::NONE)?, 5);
//! # Ok(())
//! # }
//! ```
//!
//! The crate is `no_std`, needs no libc and no allocator. What it needs below 4 GiB it maps. It builds for
//! x86_64 and i686 Linux; `cargo test -p socketcall-invoke --target i686-unknown-linux-gnu` tests it as 32-bit code
//! where that target's standard library is. `docs/interface.md` tells what was tested where, and explains the
//! interface itself.
#![no_std]

#[cfg(not(all(target_os = "linux", any(target_arch = "x86", target_arch = "x86_64"))))]
compile_error!("socketcall is a system call of Linux on x86: build for i686 or x86_64 Linux");

#[cfg(target_arch = "x86_64")]
#[cfg(not(target_pointer_width = "64"))]
compile_error!("x32 is not supported: build for i686-unknown-linux-gnu or x86_64-unknown-linux-gnu");

#[cfg(test)]
extern crate std;

mod address;
mod call;
#[cfg(target_arch = "x86_64")]
pub mod emulated;
mod entry;
#[cfg(target_arch = "x86_64")]
pub mod low;
mod lower;
mod option;
mod socket;
#[cfg(target_arch = "x86_64")]
mod syscall;
mod way;

pub use address::{Address, UnixAddress};
pub use call::{socketcall, socketcall_at};
#[cfg(target_arch = "x86")]
pub use entry::{Bare, Instruction, Vdso};
pub use entry::{Entry, Int80};
pub use option::{Linger, OptionValue, SocketOption};
pub use socket::{Family, Flags, Shutdown, Socket, Type};
#[cfg(target_arch = "x86_64")]
pub use syscall::syscall;
pub use way::{Argument, Direct, Multiplexed, Way};
#[cfg(target_arch = "x86_64")]
pub use way::{Emulated, Native};
