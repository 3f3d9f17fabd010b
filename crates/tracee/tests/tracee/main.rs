//! Real tracees: their memory, their stops, and calls that they are made to make.

#[macro_use]
mod harness;

mod inject;
mod memory;
mod stops;
mod waiting;
