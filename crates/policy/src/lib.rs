//! Rules on socket calls.
#![forbid(unsafe_code)]

mod address;
mod compile;
mod decide;
mod error;
mod escape;
mod explain;
mod file;
mod glob;
mod index;
mod judge;
mod listing;
mod model;
mod names;
mod node;
mod oci;
mod question;
mod read;
mod socket;
mod values;

pub use address::Pattern;
pub use compile::{Compiled, Planned, silent};
pub use decide::{By, Verdict};
pub use error::{Error, Errors, Problem, Source};
pub use escape::Escape;
pub use explain::Explained;
pub use glob::Glob;
pub use judge::Copied;
pub use model::{Action, Calls, Inherit, Matcher, OptionPattern, Policy, Protocol, Rule};
pub use node::Step;
pub use oci::Oci;
pub use question::{Answer, Layer, Question};
pub use socket::Socket;
