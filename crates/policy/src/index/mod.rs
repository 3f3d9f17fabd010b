//! The first of many rules that matches an address, found without trying them one by one.
//!
//! Rules are numbers here, and the least of those that match is asked for; [`NONE`] is greater than all.

mod cids;
mod globs;
mod networks;
mod ports;
mod starts;
mod tables;
mod trie;

pub(crate) use cids::{Cids, OnCid};
pub(crate) use globs::Globs;
pub(crate) use networks::{Networks, OnNetwork};
pub(crate) use ports::Ports;
pub(crate) use tables::{Making, Room, Tables};

/// No rule.
pub(crate) const NONE: u32 = u32::MAX;
