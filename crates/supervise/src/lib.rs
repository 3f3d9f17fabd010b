//! Runs a program with layers in the path of its system calls.
//!
//! A [`Session`] starts a program with one seccomp filter, made of all its layers' wants, follows it and
//! everything that it starts, and hands what happens to the layers. [`Demux`] is the layer that takes
//! socketcall apart.
//!
//! Two ways of starting:
//! - [`Session::become_program`]: this process *becomes* the program, and a child of it supervises. The
//!   program keeps its process id, its parent, its terminal; nobody can tell the difference.
//! - [`Session::spawn`]: the program becomes a child, supervised by one thread. For programs that use this as
//!   a library.

mod attach;
mod by_tid;
mod child;
mod clone;
mod data;
mod demux;
mod domain;
mod enforce;
mod error;
mod explain;
mod follow;
mod inherited;
mod launch;
mod layer;
mod no_new_privs;
pub mod place;
mod placement;
pub mod probe;
mod program;
mod record;
mod session;
mod signals;
mod spawned;
mod supervisor;
mod trial;
mod untraced;
mod withdraw;

pub use attach::{Attach, Ended};
pub use by_tid::ByTid;
pub use demux::{Count, Demux, OuterKill, Tally, Way};
pub use domain::version as landlock_version;
pub use enforce::{Enforce, Evidence, Refusal};
pub use error::Error;
pub use explain::{Explanation, Machine, Stub};
pub use launch::{Launch, Session};
pub use layer::{End, Handled, Judged, Layer, Plan, Then};
pub use program::Kind;
pub use record::{Clocks, Observer, Record};
pub use spawned::Running;
pub use untraced::Untraced;

/// One line to the user, on standard error. Nobody is there to be told if it can't be written; and where it
/// can't be at once, programs stand still meanwhile, so it is not.
fn say(line: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let mut ready = libc::pollfd { fd: libc::STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one structure.
    if unsafe { libc::poll(&raw mut ready, 1, 0) } == 1 {
        let _ = writeln!(std::io::stderr(), "socketcall: {line}");
    }
}
