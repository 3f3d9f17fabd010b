//! One module for each verb.

pub mod calls;
pub mod check;
pub mod completions;
pub mod demo;
pub mod man;
pub mod policy;
pub mod run;
pub mod trace;
