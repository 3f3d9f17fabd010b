//! Registers and memory of a socket call, decoded.
//!
//! A tracer sees a call as a number and six words ([`Seen`]). [`Asked::of`] says which call it is, and takes a
//! multiplexed one apart; [`Request::enter`] decodes what is known at the entry, [`Request::exit`] the rest. What comes
//! out is a tree of [`Value`]s that holds names and numbers, and no text: [`text`] writes it as strace(1) does.
//!
//! Memory belongs to a program that may be hostile: it is read through [`Memory`], in bounded pieces, and whatever
//! lies there decodes to something.
//!
//! One [`tables::Table`] for each kind of name serves the decoder, the policies and the documentation.
#![forbid(unsafe_code)]

pub mod address;
mod budget;
mod bytes;
mod call;
mod event;
mod memory;
mod message;
mod netlink;
mod option;
mod request;
pub mod signal;
pub mod tables;
pub mod text;
mod value;

pub use address::Address;
pub use call::{Asked, Entry, Form, Seen};
pub use event::{Event, Stamp, What};
pub use memory::{Abi, Context, Descriptors, Limits, Memory, Unknown};
pub use request::{Argument, Note, Outcome, Request};
pub use value::{End, Field, Value, field};
