//! sendmmsg and recvmmsg: vectors of messages.

use abi::{Call, Errno};

use super::memory::OwnMemory;
use super::message::{Direction, Message32, Message64, flags, scratch};
use super::native;
use crate::low::Mapping;

/// `struct compat_mmsghdr`: a message and the number of its bytes.
const ELEMENT32: u32 = 32;
const LEN32: u32 = 28;

/// `struct mmsghdr`
#[derive(Clone, Copy)]
#[repr(C)]
struct Element64 {
    message: Message64,
    len: u32,
}

const _: () = assert!(size_of::<Element64>() == 64);

/// How many messages are converted at once.
const CHUNK: usize = 64;
/// `UIO_MAXIOV`: sendmmsg takes no more of them.
const MAX_SENT: u32 = 1024;

const MSG_DONTWAIT: usize = 0x40;
const MSG_WAITFORONE: usize = 0x10000;

/// Consecutive messages, converted.
struct Chunk {
    messages: [Option<Message32>; CHUNK],
    count: usize,
    /// Why there are not more.
    error: Option<Errno>,
    // First the elements, then what they point to.
    memory: Mapping,
}

impl Chunk {
    fn new(direction: Direction, address: u32, wanted: usize) -> Result<Self, Errno> {
        let mut messages = [None; CHUNK];
        let mut lens = [0; CHUNK];
        let mut measured = 0;
        let mut error = None;
        while measured < wanted.min(CHUNK) && error.is_none() {
            let words = OwnMemory.read_array(address.wrapping_add(measured as u32 * ELEMENT32));
            let message = words.map(Message32::from_words);
            match message.and_then(|message| Ok((message, message.measure(direction)?))) {
                Ok((message, len)) => {
                    (messages[measured], lens[measured]) = (Some(message), len);
                    measured += 1;
                }
                Err(errno) => error = Some(errno),
            }
        }
        let elements = measured * size_of::<Element64>();
        let all = elements + lens.iter().sum::<usize>();
        let mut memory = scratch(all)?;
        let mut at = elements;
        let mut count = 0;
        for (message, len) in messages.iter().flatten().zip(lens) {
            match message.convert(direction, &mut memory.bytes()[at..at + len]) {
                Ok(message) => {
                    let element = memory.start().cast::<Element64>().wrapping_add(count);
                    // SAFETY: one of as many elements as were measured.
                    unsafe { element.write(Element64 { message, len: 0 }) };
                    count += 1;
                    at += len;
                }
                Err(errno) => {
                    error = Some(errno);
                    break;
                }
            }
        }
        Ok(Self { messages, count, error, memory })
    }

    fn element(&self, index: usize) -> *mut Element64 {
        self.memory.start().cast::<Element64>().wrapping_add(index)
    }

    /// Writes back what the kernel has left in the first `count` elements; how many of them could be.
    ///
    /// # Safety
    /// The kernel has sent or received as many.
    unsafe fn write_back(&self, direction: Direction, address: u32, count: usize) -> usize {
        for (index, message) in self.messages[..count].iter().flatten().enumerate() {
            let address = address.wrapping_add(index as u32 * ELEMENT32);
            // SAFETY: one of our elements.
            let element = unsafe { self.element(index).read() };
            let message = match direction {
                Direction::Sent => Ok(()),
                // SAFETY: the kernel has received into it.
                Direction::Received => unsafe { message.write_back(address, &element.message) },
            };
            let written =
                message.and_then(|()| OwnMemory.write_word(address.wrapping_add(LEN32), element.len));
            if written.is_err() {
                return index;
            }
        }
        count
    }
}

/// # Safety
/// As [`super::socketcall`].
pub(super) unsafe fn send([descriptor, vector, count, flag_bits, ..]: [u32; 6]) -> Result<u32, Errno> {
    let messages = Messages { call: Call::Sendmmsg, direction: Direction::Sent, descriptor, vector };
    // SAFETY: the caller's.
    unsafe { messages.all(count.min(MAX_SENT), flags(flag_bits), None) }
}

/// # Safety
/// As [`super::socketcall`].
pub(super) unsafe fn receive(
    [descriptor, vector, count, flag_bits, timeout, ..]: [u32; 6],
) -> Result<u32, Errno> {
    let messages = Messages { call: Call::Recvmmsg, direction: Direction::Received, descriptor, vector };
    if timeout == 0 {
        // SAFETY: the caller's.
        return unsafe { messages.all(count, flags(flag_bits), None) };
    }
    let mut time = OwnMemory.read_array::<2>(timeout)?.map(|word| i64::from(word as i32));
    // SAFETY: the caller's.
    let received = unsafe { messages.all(count, flags(flag_bits), Some(&mut time)) }?;
    // The time that is left is told when something was received (__sys_recvmmsg).
    if received > 0 {
        let left = time.map(|part| (part as i32).to_ne_bytes());
        OwnMemory.write(timeout, left.as_flattened())?;
    }
    Ok(received)
}

struct Messages {
    call: Call,
    direction: Direction,
    descriptor: u32,
    vector: u32,
}

impl Messages {
    /// Sends or receives chunk after chunk, until one is not filled.
    ///
    /// # Safety
    /// As [`super::socketcall`].
    unsafe fn all(
        &self,
        count: u32,
        mut flags: usize,
        mut time: Option<&mut [i64; 2]>,
    ) -> Result<u32, Errno> {
        let mut done = 0;
        loop {
            let address = self.vector.wrapping_add(done * ELEMENT32);
            let chunk = Chunk::new(self.direction, address, (count - done) as usize)?;
            let time = time.as_deref_mut().map_or(0, |time| time.as_mut_ptr().expose_provenance());
            let elements = chunk.element(0).expose_provenance();
            // With no message this looks at the timeout, the descriptor and the error that waits there, which
            // all come before a message's own.
            // SAFETY: the caller's for what the messages point to; the rest is ours.
            let result = unsafe {
                native(self.call, [self.descriptor as usize, elements, chunk.count, flags, time, 0])
            };
            let made = match result {
                Ok(made) => made,
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            };
            // SAFETY: the kernel says so.
            let written = unsafe { chunk.write_back(self.direction, address, made as usize) } as u32;
            done += written;
            match chunk.error {
                _ if written < made => return if done > 0 { Ok(done) } else { Err(Errno::EFAULT) },
                Some(error) if done == 0 => return Err(error),
                Some(_) => return Ok(done),
                None if (made as usize) < chunk.count || done == count => return Ok(done),
                None => {}
            }
            // What the kernel does between one message and the next (do_recvmmsg).
            if flags & MSG_WAITFORONE != 0 {
                flags |= MSG_DONTWAIT;
            }
            if time != 0 {
                let time = core::ptr::with_exposed_provenance::<[i64; 2]>(time);
                // SAFETY: the caller's, which is borrowed for this whole function.
                if unsafe { time.read() } == [0, 0] {
                    return Ok(done);
                }
            }
        }
    }
}
