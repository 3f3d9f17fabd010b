//! Rules on socket calls: read, judged, compiled.
//!
//! # Terms
//! - A **policy** is a default and rules, tried from top to bottom: the first that matches decides. It comes from a
//!   file ([`Policy::parse`]), from short rules ([`Rule::short`]), or from both ([`Policy::with_short`]).
//! - What **registers** decide becomes a tree for each call ([`Compiled::plan`]) and with it a part of the one filter
//!   ([`Compiled::add_to`]): which call, which family, type, protocol, option. It costs a few instructions in the
//!   kernel, with a hundred rules hardly more than with ten.
//! - What **memory** decides, addresses, ports and control messages, is judged by [`Compiled::judge`] as it was
//!   [`Copied`]: it must be what the kernel will read, so that the program can't change it in between.
//! - [`Step`] is what registers come to, and says which of both it is; [`Verdict`] is what becomes of the call, and
//!   by which rule.
//! - A [`Remedy`] is rules that would permit a refused call ([`Policy::remedy`]).
//!
//! The crate does no I/O. Every mistake in a policy knows its place ([`Error::render`]).
//!
//! ```
//! use abi::Call;
//! use policy::{Action, By, Copied, Policy, Socket};
//!
//! let policy = Policy::parse("policy.toml", r#"
//!     default = "deny"
//!     [[rule]]
//!     action = "allow"
//!     call = "connect"
//!     address = "127.0.0.0/8"
//!     port = [80, 443]
//! "#).unwrap().compile();
//!
//! // connect(fd, 127.0.0.1:80), of a TCP socket.
//! let address = |port| [2, 0, 0, port, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
//! let judge = |address: &[u8]| {
//!     let tcp = Socket::new(2, 1, 0);
//!     let address = Some(address);
//!     policy.judge(&Copied { call: Call::Connect, socket: tcp, address, path: None, flags: 0, control: &[] })
//! };
//! assert_eq!(judge(&address(80)).by, By::Rule(0));
//! let verdict = judge(&address(81));
//! assert!(matches!(verdict.action, Action::Deny(_)));
//! assert_eq!(verdict.by, By::Default);
//! ```
#![forbid(unsafe_code)]

mod address;
mod apart;
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
mod plan;
mod question;
mod read;
mod remedy;
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
pub use remedy::{Asked, Remedy};
pub use socket::Socket;
