//! Classic BPF for seccomp: assemble, interpret, install; many wants merged into one filter.
//!
//! # Terms
//! - A **filter** is a program of the kernel's classic BPF machine. It sees one [`Data`] (the architecture,
//!   the call's number, its six argument registers, the instruction pointer) and returns one 32-bit
//!   **answer**: an [`Action`] with 16 bits of data.
//! - A **want** is what one part of a program asks of the filter: *this answer for that call, if these
//!   registers hold those values*. [`Wants`] merges all of them into **one** filter, because several
//!   filters get into each other's way: of several answers the kernel takes the strictest
//!   (`kernel/seccomp.c`, `seccomp_run_filters`), and only one filter of a process may have a listener.
//! - **Installing** is for ever: a filter is inherited by every child and survives `execve`.
//!
//! ```
//! use seccomp::{Action, Arch, Data, Wants};
//!
//! let mut wants = Wants::new();
//! wants.add(Arch::I386, 102, Action::Errno(38));
//! let filter = wants.compile().unwrap();
//! let socketcall = Data { arch: Arch::I386.audit(), nr: 102, ..Data::default() };
//! assert_eq!(filter.interpret(&socketcall), Action::Errno(38));
//! // On x86-64 the same number is getuid.
//! let getuid = Data { arch: Arch::X86_64.audit(), nr: 102, ..Data::default() };
//! assert_eq!(filter.interpret(&getuid), Action::Allow);
//! ```

mod bpf;
mod install;
mod notify;
mod ranges;
mod tree;
mod wants;

pub use bpf::{Action, Arch, BuildError, Data, Filter, Insn, MAX_INSTRUCTIONS};
pub use install::{InstallError, Mode, mode, set_no_new_privs, with_filter};
pub use notify::{Listener, Notification};
pub use ranges::{Branch, Compare, Op, Range, Ranges, Word};
pub use tree::{Switch, Tree};
pub use wants::{Field, Test, Wants};
