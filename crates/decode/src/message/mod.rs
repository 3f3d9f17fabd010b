//! Messages: `struct msghdr`, its buffers and control messages, and arrays of them.

mod array;
mod control;
mod header;
mod time;

use array::{MOST, array, most};
pub(crate) use control::id;
use header::{Header, Received};
pub(crate) use time::{left, timeout};

use crate::budget::Budget;
use crate::{Abi, Context, Value, bytes, field};

/// `msg_namelen` before the call; `None` if there is no message.
pub(crate) fn name_length(context: &Context<'_>, pointer: u64) -> Option<i32> {
    Header::read(context, pointer).map(|header| header.name_length)
}

/// `msg_namelen` of each of an array's messages before the call, as far as they can be read.
pub(crate) fn name_lengths(context: &Context<'_>, pointer: u64, count: u32) -> Vec<i32> {
    if pointer == 0 {
        return Vec::new();
    }
    let size = element(context.abi);
    let data = context.up_to(pointer, size * MOST.min(count as usize));
    data.chunks_exact(size).map(|message| Header::parse(context.abi, message).name_length).collect()
}

/// A message to be sent.
pub(crate) fn sent(context: &Context<'_>, fd: i32, pointer: u64) -> Value {
    match Header::read(context, pointer) {
        Some(header) => header.show(context, fd, None, &Budget::new(context.limits)),
        None => Value::Pointer(pointer),
    }
}

/// A message that was received: `room` is `msg_namelen` before the call, `result` what the call returned if it did not
/// fail.
pub(crate) fn received(
    context: &Context<'_>,
    fd: i32,
    pointer: u64,
    room: i32,
    result: Option<i64>,
) -> Value {
    let Some(result) = result else {
        return Value::Struct(vec![field("msg_namelen", Value::Int(room.into()))]);
    };
    match Header::read(context, pointer) {
        Some(header) => header.show(
            context,
            fd,
            Some(Received { room, bytes: result as u64 }),
            &Budget::new(context.limits),
        ),
        None => Value::Pointer(pointer),
    }
}

/// Messages to be sent, of which `result` were, if the call did not fail.
pub(crate) fn sent_many(
    context: &Context<'_>,
    fd: i32,
    pointer: u64,
    count: u32,
    result: Option<i64>,
) -> Value {
    let mut sent = result.unwrap_or(0).max(0);
    let budget = Budget::new(context.limits);
    array(context, pointer, count.into(), element(context.abi), most(context), &budget, |data| {
        let message = Header::parse(context.abi, data).show(context, fd, None, &budget);
        let length = (sent > 0).then(|| length(context.abi, data));
        sent -= 1;
        one_of_many(message, length)
    })
}

/// Messages that were received, `result` of them, if the call did not fail; `rooms` is each one's `msg_namelen` before it.
pub(crate) fn received_many(
    context: &Context<'_>,
    fd: i32,
    pointer: u64,
    rooms: &[i32],
    result: Option<i64>,
) -> Value {
    let Some(result) = result else { return Value::Pointer(pointer) };
    let most = most(context).min(rooms.len());
    let mut rooms = rooms.iter();
    let budget = Budget::new(context.limits);
    array(context, pointer, result as u32 as u64, element(context.abi), most, &budget, |data| {
        let length = length(context.abi, data);
        let room = rooms.next().copied().unwrap_or(0);
        let received = Received { room, bytes: length.into() };
        one_of_many(Header::parse(context.abi, data).show(context, fd, Some(received), &budget), Some(length))
    })
}

/// Bytes of a `struct mmsghdr`: a message and its length.
const fn element(abi: Abi) -> usize {
    Header::size(abi) + abi.word()
}

/// The length behind a message in an array.
fn length(abi: Abi, data: &[u8]) -> u32 {
    bytes::u32(data, Header::size(abi))
}

fn one_of_many(message: Value, length: Option<u32>) -> Value {
    let mut fields = vec![field("msg_hdr", message)];
    fields.extend(length.map(|length| field("msg_len", Value::Uint(length.into()))));
    Value::Struct(fields)
}
