//! Socket calls as lines of text, as strace(1) writes them, or as JSON.
//!
//! A [`Recorder`] is told what happens ([`decode::Event`]), in order, and writes it. It is a [`supervise::Observer`], so
//! that this traces a program:
//!
//! ```no_run
//! use supervise::{Launch, Record, Session};
//! use trace::{Options, Output, Recorder};
//!
//! let options = Options { output: Output::File("calls".into()), ..Options::default() };
//! let record = Record::new(Recorder::new(options)?);
//! Session::new(Launch::new("/opt/game/server-i386")).with(record).run()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing that goes wrong with the output reaches the program that is traced: what can't be written is counted, and
//! said ([`Lost`]).
#![forbid(unsafe_code)]

mod clock;
mod counts;
mod error;
mod fds;
mod json;
mod options;
mod outputs;
mod recorder;
mod set;
mod signals;
mod sink;
mod sockets;
mod text;
mod traffic;

pub use error::{Error, Lost};
pub use options::{Describe, Options, Output, Quiet, Sort, Statuses, Summary, Time};
pub use recorder::Recorder;
pub use set::{CallSet, SignalSet};
