//! Messages of netlink sockets.

use crate::budget::Budget;
use crate::{Context, Value};

/// A buffer that is sent or received: of a netlink socket its messages, of any other its bytes.
pub(crate) fn buffer(context: &Context<'_>, fd: i32, pointer: u64, length: u64) -> Value {
    match context.descriptors.netlink(fd) {
        Some(protocol) => messages(context, Some(protocol), pointer, length, &Budget::new()),
        None => context.buffer(pointer, length),
    }
}

/// Messages of a netlink socket; its protocol, if it is known.
pub(crate) fn messages(
    context: &Context<'_>,
    protocol: Option<u32>,
    pointer: u64,
    length: u64,
    budget: &Budget,
) -> Value {
    let _ = (protocol, budget);
    context.buffer(pointer, length)
}
