//! Socket calls as lines of text, as strace(1) writes them, or as JSON.
#![forbid(unsafe_code)]
