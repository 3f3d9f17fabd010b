//! The facts of the x86 Linux socket multiplexer, and the multiplexer itself.
//!
//! A 32-bit x86 program makes its socket calls through one system call, number
//! [`i386::SOCKETCALL`]: `ebx` holds a call number from `linux/net.h` (a [`Call`]), `ecx` the
//! address of an array of 32-bit words that hold the arguments. Since Linux 4.3 each of these
//! calls exists as a *direct call* too, with its arguments in registers. [`demux`] turns the one
//! into the other, with the kernel's own order of checks.
//!
//! What is known about a call stands in one table, [`Call::facts`]; numbers, names, word counts
//! and argument types all come from there. [`arch::ARCHITECTURES`] says which architectures
//! multiplex and which never did.
//!
//! The crate is `no_std`, allocates nothing and reads no memory but through [`Memory`].
//!
//! ```
//! use abi::{Call, Fault, Memory, demux, i386};
//!
//! /// `socket(AF_INET, SOCK_STREAM, 0)`, at address 0x1000.
//! struct Array;
//!
//! impl Memory for Array {
//!     fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault> {
//!         if address != 0x1000 || words.len() != 3 {
//!             return Err(Fault);
//!         }
//!         words.copy_from_slice(&[2, 1, 0]);
//!         Ok(())
//!     }
//! }
//!
//! let direct = demux(Call::Socket.number(), 0x1000, &Array).unwrap();
//! assert_eq!(direct.number, i386::SOCKET);
//! assert_eq!(direct.args, [2, 1, 0, 0, 0, 0]);
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod arch;
mod argument;
mod call;
mod demux;
mod errno;
mod numbers;
mod table;
mod version;

pub use argument::{Argument, Type};
pub use call::Call;
pub use demux::{Direct, Fault, Memory, demux};
pub use errno::Errno;
pub use numbers::{SOCKETCALL_I386, i386, x86_64};
pub use table::{DirectCall, Facts};
pub use version::Version;
