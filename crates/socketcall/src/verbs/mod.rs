//! One module for each verb.

pub mod calls;
pub mod demo;
pub mod run;
