//! Messages of netlink sockets.

use crate::{Context, Value};

/// A buffer that is sent or received: of a netlink socket its messages, of any other its bytes.
pub(crate) fn buffer(context: &Context<'_>, fd: i32, pointer: u64, length: u64) -> Value {
    let _ = fd;
    context.buffer(pointer, length)
}
