//! Seccomp profiles of container runtimes, judged without being run: which socket families can a program
//! there create, and by which way?
//!
//! A profile is JSON that Docker, Podman, containerd, runc and crun read. What its rules come to is not what
//! they seem to say:
//! - A rule for `socket` becomes two on 32-bit x86: one for the direct call, and one for `socketcall` with the
//!   call number 1, whose other arguments are behind a pointer. "Allow socket if the family is below 38" so
//!   becomes "allow every socket", by the **back door**.
//! - A rule whose answer is the default one is dropped. "Deny socketcall", in a profile that denies in general,
//!   so disappears, and the back door stays open.
//! - A profile that closes socketcall is **broken** for the 32-bit programs of every C library but musl.
//! - Arguments are compared as 64-bit numbers, and the kernel takes the low half: `socket(0x100000026, ...)` is
//!   of family 38, and passes a rule that allows what is greater than 40.
//!
//! [`Profile::parse`] reads a profile, [`Profile::compile`] makes of it what a runtime would for a
//! [`Target`], and [`Report`] asks the result about every [`Family`] and every [`Way`].
//!
//! ```
//! use profile::{Family, Kernel, Profile, Report, Target, Verdict};
//!
//! let text = r#"{
//!     "defaultAction": "SCMP_ACT_ERRNO",
//!     "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
//!     "syscalls": [{
//!         "names": ["socket"],
//!         "action": "SCMP_ACT_ALLOW",
//!         "args": [{"index": 0, "value": 38, "op": "SCMP_CMP_LT"}]
//!     }]
//! }"#;
//! let profile = Profile::parse(text).unwrap();
//! let compiled = profile.compile(&Target::new(Kernel { major: 6, minor: 12 })).unwrap();
//! let report = Report::new(&compiled, Family::all());
//! assert_eq!(report.of(Family::ALG).unwrap().verdict, Verdict::BackDoor);
//! ```
#![forbid(unsafe_code)]

mod arches;
mod calls;
mod compile;
mod document;
mod error;
mod family;
mod fix;
mod json;
mod near;
mod read;
mod report;
mod target;
mod tree;
mod way;

pub use calls::Abi;
pub use compile::{Cause, Compiled, Given, Origin};
pub use document::{Condition, Operator, Profile, Warning};
pub use error::{Error, Position, Problem};
pub use family::Family;
pub use fix::{FixError, Fixed, fix};
pub use report::{FamilyReport, Finding, FindingKind, Report, Verdict};
pub use target::{CAPABILITIES, DOCKER, Kernel, Machine, Runtime, Target, parse_capability};
pub use way::{Access, Answer, Seen, Way};
