//! `socketcall trace` and `run --trace`, from the command line to the last line of what they write.
#![forbid(unsafe_code)]

mod attach;
mod ends;
mod harness;
mod lines;
mod options;
mod output;
