//! Rules on socket calls.
#![forbid(unsafe_code)]

mod address;
mod error;
mod escape;
mod file;
mod glob;
mod model;
mod names;
mod read;
mod socket;
mod values;

pub use address::Pattern;
pub use error::{Error, Errors, Problem, Source};
pub use escape::Escape;
pub use glob::Glob;
pub use model::{Action, Calls, Inherit, Matcher, OptionPattern, Policy, Protocol, Rule};
pub use socket::Socket;
