//! One module for each verb.

pub mod calls;
pub mod run;
