//! `socketcall run` against Linux itself: each program runs natively and under `run`, and the two must agree.
#![forbid(unsafe_code)]

#[macro_use]
mod harness;

mod errors;
mod guests;
mod kept;
mod lives;
mod needs;
mod options;
mod outer;
mod rules;
mod untraced;
mod users;
mod ways_in;
