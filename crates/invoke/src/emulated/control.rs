//! Control messages, from the 32-bit layout to the 64-bit one and back (`net/compat.c`, `net/core/scm.c`).
//!
//! | | 32-bit | 64-bit |
//! |---|---|---|
//! | `cmsg_len` | 4 bytes | 8 bytes |
//! | `cmsg_level`, `cmsg_type` | 4 bytes each | 4 bytes each |
//! | header | 12 bytes | 16 bytes |
//! | the next header | at a multiple of 4 | at a multiple of 8 |

use abi::Errno;

const HEADER32: usize = 12;
const HEADER64: usize = 16;

// asm-generic/socket.h, linux/socket.h, net/bluetooth/hci_sock.h, linux/rxrpc.h
const SOL_SOCKET: u32 = 1;
const SOL_HCI: u32 = 0;
const SOL_RXRPC: u32 = 272;
const SCM_RIGHTS: u32 = 1;
const SCM_PIDFD: u32 = 4;
const SO_TIMESTAMP_OLD: u32 = 29;
const SO_TIMESTAMPNS_OLD: u32 = 35;
const SO_TIMESTAMPING_OLD: u32 = 37;
const HCI_CMSG_TSTAMP: u32 = 2;
const RXRPC_USER_CALL_ID: u32 = 1;

/// Data that is made of longs: level, type, and how long it is in the 64-bit layout. (The length tells
/// HCI_CMSG_TSTAMP from IP_TTL, which has the same level and type.)
const LONGS: [(u32, u32, usize); 5] = [
    (SOL_SOCKET, SO_TIMESTAMP_OLD, 16),
    (SOL_SOCKET, SO_TIMESTAMPNS_OLD, 16),
    (SOL_SOCKET, SO_TIMESTAMPING_OLD, 48),
    (SOL_HCI, HCI_CMSG_TSTAMP, 16),
    (SOL_RXRPC, RXRPC_USER_CALL_ID, 8),
];

/// How much 64-bit room is enough for whatever fits `room` bytes in the 32-bit layout.
pub(super) fn room64(room: usize) -> usize {
    match room {
        // No header fits: neither must one in the 64-bit layout.
        0..HEADER32 => room,
        // The worst case is a SO_TIMESTAMPING_OLD, 64 bytes for 36. Nothing that the kernel passes comes near 64 KiB.
        _ => (2 * room + 64).min(1 << 16),
    }
}

/// One message of the 32-bit layout.
pub(super) struct Header32 {
    len: u32,
    level: u32,
    ty: u32,
}

impl Header32 {
    fn data(&self) -> usize {
        self.len as usize - HEADER32
    }

    /// RXRPC_USER_CALL_ID is an unsigned long, of which 32 bits are given.
    fn is_long(&self) -> bool {
        (self.level, self.ty, self.data()) == (SOL_RXRPC, RXRPC_USER_CALL_ID, 4)
    }

    fn data64(&self) -> usize {
        if self.is_long() { 8 } else { self.data() }
    }

    fn space64(&self) -> usize {
        HEADER64 + self.data64().next_multiple_of(8)
    }
}

/// Walks through 32-bit control messages as `cmsghdr_from_user_compat_to_kern` does. `read` gives the header's
/// three words at an offset; `see` gets each message, and the offset of its data.
///
/// # Errors
/// EINVAL for a message that is shorter than its header or reaches beyond the end, and for none at all; what
/// `read` and `see` answer.
pub(super) fn walk(
    len: usize,
    mut read: impl FnMut(usize) -> Result<[u32; 3], Errno>,
    mut see: impl FnMut(&Header32, usize) -> Result<(), Errno>,
) -> Result<(), Errno> {
    if len < HEADER32 {
        return Err(Errno::EINVAL);
    }
    let mut at = 0;
    loop {
        let [message, level, ty] = read(at)?;
        if (message as usize) < HEADER32 || message as usize > len - at {
            return Err(Errno::EINVAL);
        }
        let header = Header32 { len: message, level, ty };
        see(&header, at + HEADER32)?;
        at += (message as usize).next_multiple_of(4);
        if at >= len {
            return Ok(());
        }
    }
}

/// How long the messages are in the 64-bit layout.
///
/// # Errors
/// As [`walk`].
pub(super) fn measure(
    len: usize,
    read: impl FnMut(usize) -> Result<[u32; 3], Errno>,
) -> Result<usize, Errno> {
    let mut needed = 0;
    walk(len, read, |header, _| {
        needed += header.space64();
        Ok(())
    })?;
    Ok(needed)
}

/// Writes the messages in the 64-bit layout. `out` is zeroed and as long as [`measure`] said; `copy` fills a slice
/// with the data at an offset.
///
/// # Errors
/// As [`walk`]; and EINVAL where the messages are not as they were when measured.
pub(super) fn widen(
    len: usize,
    read: impl FnMut(usize) -> Result<[u32; 3], Errno>,
    mut copy: impl FnMut(usize, &mut [u8]) -> Result<(), Errno>,
    out: &mut [u8],
) -> Result<(), Errno> {
    let mut at = 0;
    walk(len, read, |header, data| {
        let message = out.get_mut(at..at + header.space64()).ok_or(Errno::EINVAL)?;
        let (head, room) = message.split_at_mut(HEADER64);
        head[..8].copy_from_slice(&((HEADER64 + header.data64()) as u64).to_ne_bytes());
        head[8..12].copy_from_slice(&header.level.to_ne_bytes());
        head[12..].copy_from_slice(&header.ty.to_ne_bytes());
        // A long's upper half stays zero.
        copy(data, &mut room[..header.data()])?;
        at += header.space64();
        Ok(())
    })?;
    if at == out.len() { Ok(()) } else { Err(Errno::EINVAL) }
}

/// Where 32-bit control messages go.
pub(super) trait Sink {
    /// Writes at an offset of the buffer.
    ///
    /// # Errors
    /// EFAULT.
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), Errno>;

    /// Closes a descriptor for which there was no room.
    fn close(&mut self, descriptor: u32);
}

/// What became of received control messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Narrowed {
    /// How much of the buffer is used (`msg_controllen`).
    pub used: usize,
    /// Whether something did not fit (`MSG_CTRUNC`).
    pub truncated: bool,
}

/// Writes received messages in the 32-bit layout to a buffer of `room` bytes, as `put_cmsg_compat` and
/// `scm_detach_fds_compat` do.
pub(super) fn narrow(messages: &[u8], room: usize, sink: &mut impl Sink) -> Narrowed {
    let mut narrowed = Narrowed { used: 0, truncated: false };
    let mut rest = messages;
    while let Some((header, behind)) = rest.split_first_chunk::<HEADER64>() {
        let word =
            |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        // cmsg_len's upper half is zero: no message of 4 GiB.
        let data = (word(0) as usize).saturating_sub(HEADER64).min(behind.len());
        let message = Message { level: word(8), ty: word(12), data: &behind[..data] };
        message.put(room, sink, &mut narrowed);
        rest = behind.get(data.next_multiple_of(8)..).unwrap_or(&[]);
    }
    narrowed
}

struct Message<'a> {
    level: u32,
    ty: u32,
    data: &'a [u8],
}

impl Message<'_> {
    fn put(&self, room: usize, sink: &mut impl Sink, narrowed: &mut Narrowed) {
        let left = room - narrowed.used;
        let room_for_data = left.saturating_sub(HEADER32);
        let mut short = [0; 24];
        let (data, whole) = match (self.level, self.ty) {
            // Only whole descriptors, and those that don't fit are not passed.
            (SOL_SOCKET, SCM_RIGHTS | SCM_PIDFD) => {
                let fit = room_for_data.min(self.data.len()) & !3;
                let (passed, refused) = self.data.split_at(fit);
                self.close(refused, sink);
                narrowed.truncated |= !refused.is_empty();
                if passed.is_empty() {
                    return;
                }
                (passed, passed.len())
            }
            _ => {
                if left < HEADER32 {
                    narrowed.truncated = true;
                    return;
                }
                let data = self.shortened(&mut short).unwrap_or(self.data);
                let fit = room_for_data.min(data.len());
                narrowed.truncated |= fit < data.len();
                (&data[..fit], data.len())
            }
        };
        let header = [(HEADER32 + data.len()) as u32, self.level, self.ty].map(u32::to_ne_bytes);
        let at = narrowed.used;
        let written = sink.write(at, header.as_flattened()).and_then(|()| sink.write(at + HEADER32, data));
        match written {
            Ok(()) => narrowed.used += (HEADER32 + whole).next_multiple_of(4).min(left),
            // The kernel leaves such a message out, and the next one goes to the same place.
            Err(_) => {
                narrowed.truncated |= (self.level, self.ty) == (SOL_SOCKET, SCM_RIGHTS);
                self.close(data, sink);
            }
        }
    }

    /// Data that is made of longs, with words in their place.
    fn shortened<'b>(&self, short: &'b mut [u8; 24]) -> Option<&'b [u8]> {
        let longs = (self.level, self.ty, self.data.len());
        if !LONGS.contains(&longs) {
            return None;
        }
        for (word, long) in short.chunks_exact_mut(4).zip(self.data.chunks_exact(8)) {
            // The lower half comes first.
            word.copy_from_slice(&long[..4]);
        }
        Some(&short[..self.data.len() / 2])
    }

    fn close(&self, descriptors: &[u8], sink: &mut impl Sink) {
        if self.level != SOL_SOCKET || !matches!(self.ty, SCM_RIGHTS | SCM_PIDFD) {
            return;
        }
        for descriptor in descriptors.chunks_exact(4) {
            if let Ok(descriptor) = descriptor.try_into() {
                sink.close(u32::from_ne_bytes(descriptor));
            }
        }
    }
}

#[cfg(test)]
mod tests;
