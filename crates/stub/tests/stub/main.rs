//! The stub in the vDSO: what a loader, an unwinder and a processor make of it.
#![forbid(unsafe_code)]

mod case;
mod hostile;
mod image;
mod kernel_like;
mod machine;
mod real;
mod serves;
mod takes_apart;
mod unwind;
mod walk;
