//! Sessions as a library starts them, and 64-bit programs that make multiplexed calls.
//!
//! Some tests need a process that is like a program's own: with one thread, nothing set up. For those this
//! file's executable is run again with [`hidden`] arguments.

#[macro_use]
mod harness;

mod attach;
mod caller;
mod escape;
mod hidden;
mod in_place;
mod library;
mod listener;
mod record;
mod unseen;
