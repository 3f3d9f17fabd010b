//! Runs unmodified 32-bit x86 Linux programs with their socket calls taken apart.
//!
//! On 32-bit x86 every socket operation goes through one system call, `socketcall(call, args)`. Its arguments
//! hide behind a pointer, so no seccomp filter can judge them; and whoever closes it breaks 32-bit programs.
//! Under a [`Session`] with [`Demux`] each multiplexed call is turned, in user space, into the direct call
//! that it stands for. Then socketcall can be closed.
//!
//! This library is what the program `socketcall run` is made of:
//!
//! ```no_run
//! use socketcall::{Demux, End, Launch, Session};
//!
//! let launch = Launch::new("/opt/game/server-i386").args(["--port", "27015"]);
//! let running = Session::new(launch).with(Demux::new()).spawn()?;
//! println!("the server is process {}", running.pid());
//! // One thread of this process supervises it; others go on.
//! match running.wait()? {
//!     End::Exited(status) => println!("it exited with {status}"),
//!     End::Killed(signal) => println!("it was killed by signal {signal}"),
//! }
//! # Ok::<(), socketcall::Error>(())
//! ```
#![forbid(unsafe_code)]

pub use supervise::{
    Count, Demux, End, Enforce, Error, Evidence, Explanation, Handled, Judged, Kind, Launch, Layer, Machine,
    OuterKill, Plan, Refusal, Running, Session, Stub, Tally, Then, Untraced, Way,
};
// What the methods of a [`Layer`] take.
pub use {seccomp, tracee};
