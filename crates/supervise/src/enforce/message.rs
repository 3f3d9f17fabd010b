//! A message's copy: `struct msghdr` with its address and control messages. Its buffers stay the program's.

use decode::Abi;
use tracee::Stopped;

use super::area::{ADDRESS, Slot};
use super::call::fault;

/// The longest control messages that are copied.
const CONTROL: usize = 3072;

/// The kernel takes no more parts (include/uapi/linux/uio.h, UIO_MAXIOV).
const MOST_PARTS: u64 = 1024;

/// A message, copied.
#[derive(Debug)]
pub(super) struct Message {
    /// Its address, if it has one.
    pub(super) name: Option<Vec<u8>>,
    control: Vec<u8>,
    /// `msg_iov` and `msg_iovlen`: what is sent is not judged.
    parts: [u64; 2],
    flags: u32,
}

/// Bytes of a header.
pub(super) const fn header(abi: Abi) -> usize {
    match abi {
        Abi::X86_64 => 56,
        Abi::I386 | Abi::X32 => 28,
    }
}

impl Message {
    /// Reads it as the kernel does (net/socket.c, `__copy_msghdr`; net/compat.c, `__get_compat_msghdr`). The inner error
    /// is what the kernel would answer.
    pub(super) fn read(stopped: &Stopped, abi: Abi, at: u64) -> tracee::Result<Result<Message, i32>> {
        let mut bytes = [0; 56];
        if fault(stopped.read_exact(at, &mut bytes[..header(abi)]))? {
            return Ok(Err(libc::EFAULT));
        }
        let word = |offset: usize| {
            let bytes = &bytes[offset..];
            match abi {
                Abi::X86_64 => bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)),
                _ => bytes.first_chunk().map_or(0, |word| u32::from_le_bytes(*word).into()),
            }
        };
        let size = abi.word();
        let int = |offset: usize| bytes[offset..].first_chunk().map_or(0, |word| i32::from_le_bytes(*word));
        let (name, length) = (word(0), int(size));
        let parts = [word(2 * size), word(3 * size)];
        let (control, room) = (word(4 * size), word(5 * size));
        let flags = int(6 * size).cast_unsigned();
        if length < 0 {
            return Ok(Err(libc::EINVAL));
        }
        let mut copied = None;
        if name != 0 && length > 0 {
            let mut address = vec![0; ADDRESS.min(length as usize)];
            if fault(stopped.read_exact(name, &mut address))? {
                return Ok(Err(libc::EFAULT));
            }
            copied = Some(address);
        }
        // net/socket.c, `____sys_sendmsg`: more than INT_MAX is too much; more than we copy is too much here.
        if control != 0 && room > CONTROL as u64 {
            return Ok(Err(libc::ENOBUFS));
        }
        let mut messages = vec![0; if control == 0 { 0 } else { room as usize }];
        if !messages.is_empty() && fault(stopped.read_exact(control, &mut messages))? {
            return Ok(Err(libc::EFAULT));
        }
        Ok(Ok(Message { name: copied, control: messages, parts, flags }))
    }

    /// Level and type of each control message (include/linux/socket.h, `CMSG_NXTHDR`). The kernel refuses what is broken
    /// from there on.
    pub(super) fn kinds(&self, abi: Abi) -> Vec<(i32, i32)> {
        let word = abi.word();
        let head = word + 8;
        let mut kinds = Vec::new();
        let mut rest = &self.control[..];
        while rest.len() >= head {
            let int = |at: usize| rest[at..].first_chunk().map_or(0, |word| i32::from_le_bytes(*word));
            let length = match abi {
                Abi::X86_64 => rest.first_chunk().map_or(0, |word| u64::from_le_bytes(*word) as usize),
                _ => int(0).cast_unsigned() as usize,
            };
            kinds.push((int(word), int(word + 4)));
            if length < head || length > rest.len() {
                break;
            }
            rest = rest.get(length.next_multiple_of(word)..).unwrap_or_default();
        }
        kinds
    }

    /// How much it sends.
    pub(super) fn length(&self, stopped: &Stopped, abi: Abi) -> tracee::Result<u64> {
        let [at, count] = self.parts;
        let word = abi.word();
        let mut bytes = vec![0; 2 * word * count.min(MOST_PARTS) as usize];
        if fault(stopped.read_exact(at, &mut bytes))? {
            return Ok(0);
        }
        let lengths = bytes.chunks_exact(2 * word).map(|part| match abi {
            Abi::X86_64 => part[word..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word)),
            _ => part[word..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word).into()),
        });
        Ok(lengths.fold(0, u64::wrapping_add))
    }

    /// Where in a slot its address and its control messages lie.
    fn places(&self, abi: Abi) -> [usize; 2] {
        let name = header(abi).next_multiple_of(8);
        [name, (name + self.name.as_ref().map_or(0, Vec::len)).next_multiple_of(8)]
    }

    /// Bytes of a slot that it takes.
    pub(super) fn size(&self, abi: Abi) -> usize {
        self.places(abi)[1] + self.control.len()
    }

    /// Writes it, with pointers to where the program sees its parts.
    pub(super) fn write(&self, slot: &Slot, abi: Abi) {
        slot.write(0, &self.image(slot.address(), abi));
    }

    /// Its bytes, if it lies at `base`.
    pub(super) fn image(&self, base: u64, abi: Abi) -> Vec<u8> {
        let [name_at, control_at] = self.places(abi);
        let mut image = Vec::with_capacity(self.size(abi));
        let mut word = |value: u64| match abi {
            Abi::X86_64 => image.extend(value.to_le_bytes()),
            _ => image.extend((value as u32).to_le_bytes()),
        };
        let name = self.name.as_deref().unwrap_or_default();
        word(if self.name.is_some() { base + name_at as u64 } else { 0 });
        // The length is an int, and what pads it on x86-64 is zero.
        word(name.len() as u64);
        word(self.parts[0]);
        word(self.parts[1]);
        word(if self.control.is_empty() { 0 } else { base + control_at as u64 });
        word(self.control.len() as u64);
        word(self.flags.into());
        for (at, bytes) in [(name_at, name), (control_at, &self.control)] {
            image.resize(at, 0);
            image.extend(bytes);
        }
        image
    }
}
