//! `struct msghdr`: a message's address, pieces and control messages.

use super::array::{array, most};
use super::control;
use crate::budget::Budget;
use crate::tables::MESSAGE_FLAGS;
use crate::{Abi, Context, Value, address, bytes, field, netlink};

/// A message as it lies in memory (include/linux/socket.h, `struct user_msghdr`; include/net/compat.h,
/// `struct compat_msghdr`).
pub(super) struct Header {
    name: u64,
    pub(super) name_length: i32,
    pieces: u64,
    piece_count: u64,
    control: u64,
    control_length: u64,
    flags: u32,
}

/// What is shown of a message's bytes and address.
#[derive(Clone, Copy, Default)]
pub(super) struct Received {
    /// `msg_namelen` before the call.
    pub(super) room: i32,
    /// Bytes that came.
    pub(super) bytes: u64,
}

impl Header {
    /// Bytes of a `struct msghdr`.
    pub(super) const fn size(abi: Abi) -> usize {
        7 * abi.word()
    }

    /// The first [`size`](Self::size) bytes of `data`.
    pub(super) fn parse(abi: Abi, data: &[u8]) -> Header {
        let size = abi.word();
        let word = |index| bytes::word(data, index * size, size);
        // The two that are ints stand on places of words.
        Header {
            name: word(0),
            name_length: bytes::i32(data, size),
            pieces: word(2),
            piece_count: word(3),
            control: word(4),
            control_length: word(5),
            flags: bytes::u32(data, 6 * size),
        }
    }

    /// The message at `pointer`, if all of it can be read.
    pub(super) fn read(context: &Context<'_>, pointer: u64) -> Option<Header> {
        let data = context.all(pointer, Header::size(context.abi))?;
        (pointer != 0).then(|| Header::parse(context.abi, &data))
    }

    /// The whole message; `received` if it is one that came.
    pub(super) fn show(
        &self,
        context: &Context<'_>,
        fd: i32,
        received: Option<Received>,
        budget: &Budget,
    ) -> Value {
        let length = match received {
            Some(Received { room, .. }) => self.name_length.min(room),
            None => self.name_length,
        };
        let name_length = Value::Int(self.name_length.into());
        let name_length = match received {
            Some(Received { room, .. }) if room != self.name_length => {
                Value::Changed(Box::new(Value::Int(room.into())), Box::new(name_length))
            }
            _ => name_length,
        };
        let mut fields = vec![
            field("msg_name", address::decode(context, self.name, length)),
            field("msg_namelen", name_length),
            field(
                "msg_iov",
                self.pieces(context, fd, length, received.map(|received| received.bytes), budget),
            ),
            field("msg_iovlen", Value::Uint(self.piece_count)),
        ];
        if self.control_length != 0 {
            fields
                .push(field("msg_control", control::all(context, self.control, self.control_length, budget)));
        }
        fields.push(field("msg_controllen", Value::Uint(self.control_length)));
        fields.push(field("msg_flags", Value::Flags(&MESSAGE_FLAGS, self.flags.into())));
        Value::Struct(fields)
    }

    /// The pieces of which a message consists; of one that came only what came.
    fn pieces(
        &self,
        context: &Context<'_>,
        fd: i32,
        name_length: i32,
        mut left: Option<u64>,
        budget: &Budget,
    ) -> Value {
        let netlink = self.netlink(context, fd, name_length);
        let word = context.abi.word();
        array(context, self.pieces, self.piece_count, 2 * word, most(context), budget, |piece| {
            let (base, length) = (bytes::word(piece, 0, word), bytes::word(piece, word, word));
            let shown = length.min(left.unwrap_or(u64::MAX));
            left = left.map(|left| left - shown);
            let data = match netlink {
                Some(protocol) => netlink::messages(context, protocol, base, shown, budget),
                None => context.buffer_within(base, shown, budget),
            };
            Value::Struct(vec![field("iov_base", data), field("iov_len", Value::Uint(length))])
        })
    }

    /// Whether the pieces are netlink messages, because of the address, or if there is none, because of the socket; and of
    /// which protocol.
    fn netlink(&self, context: &Context<'_>, fd: i32, name_length: i32) -> Option<Option<u32>> {
        const AF_NETLINK: u16 = 16;
        let length = usize::try_from(name_length).unwrap_or(0).min(address::LONGEST);
        let mut named = None;
        if self.name != 0 && length >= 2 {
            // An address that can't be read whole says nothing, and what it comes with is no message of netlink's.
            let address = context.all(self.name, length)?;
            named = address.first_chunk().map(|family| u16::from_le_bytes(*family));
        }
        match named {
            Some(AF_NETLINK) => Some(context.descriptors.netlink(fd)),
            Some(_) => None,
            None => context.descriptors.netlink(fd).map(Some),
        }
    }
}
