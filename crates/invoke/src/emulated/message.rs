//! sendmsg and recvmsg: `struct msghdr`, its vector and its control messages.

use abi::{Call, Errno};

use super::control::{self, Narrowed, Sink};
use super::memory::OwnMemory;
use super::{native, unless_bad_descriptor};
use crate::low::Mapping;
use crate::syscall;
use crate::syscall::number::CLOSE;

/// `struct compat_msghdr`, 28 bytes, and where its parts are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message32 {
    name: u32,
    name_len: u32,
    vector: u32,
    vector_len: u32,
    control: u32,
    control_len: u32,
    flags: u32,
}

const NAME_LEN: u32 = 4;
const CONTROL_LEN: u32 = 20;

/// `struct user_msghdr`, 56 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Message64 {
    name: u64,
    name_len: u32,
    vector: u64,
    vector_len: u64,
    control: u64,
    control_len: u64,
    flags: u32,
}

const _: () = assert!(size_of::<Message64>() == 56);

const IOVEC32: usize = 8;
const IOVEC64: usize = 16;
/// `UIO_MAXIOV`
const MAX_VECTOR: u32 = 1024;
/// Longer control messages the kernel would refuse anyway: `net.core.optmem_max` is 128 KiB, an int at most.
const MAX_CONTROL: usize = 1 << 24;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Sent,
    Received,
}

/// The 64-bit entries refuse it from outside, the 32-bit entry of a 64-bit kernel sets it itself.
const MSG_CMSG_COMPAT: u32 = 0x8000_0000;
const MSG_CTRUNC: u32 = 8;

pub(super) fn flags(flags: u32) -> usize {
    (flags & !MSG_CMSG_COMPAT) as usize
}

impl Message32 {
    pub(super) fn from_words(
        [name, name_len, vector, vector_len, control, control_len, flags]: [u32; 7],
    ) -> Self {
        Self { name, name_len, vector, vector_len, control, control_len, flags }
    }

    /// How many bytes the message's vector and control messages need in the 64-bit layout.
    ///
    /// # Errors
    /// In the order of `get_compat_msghdr`: EINVAL for a negative length of the name; EFAULT for a name that can't
    /// be read, if it is sent; EMSGSIZE for too long a vector. Then those of the control messages that are sent.
    pub(super) fn measure(&self, direction: Direction) -> Result<usize, Errno> {
        if self.name != 0 && (self.name_len as i32) < 0 {
            return Err(Errno::EINVAL);
        }
        if self.vector_len > MAX_VECTOR {
            return Err(self.unless_bad_name(direction, Errno::EMSGSIZE));
        }
        let control = match direction {
            Direction::Received => control::room64(self.control_len as usize),
            Direction::Sent if self.control_len == 0 => 0,
            // The vector comes first, and its fault too. An int's worth of control is as many as there can be.
            Direction::Sent => match self.measure_control() {
                Ok(control) => control,
                Err(error) => {
                    self.read_vector(&mut [0; IOVEC64 * 8], direction)?;
                    return Err(self.unless_bad_name(direction, error));
                }
            },
        };
        Ok(self.vector_len as usize * IOVEC64 + control.next_multiple_of(8))
    }

    fn measure_control(&self) -> Result<usize, Errno> {
        if self.control_len > i32::MAX as u32 {
            return Err(Errno::ENOBUFS);
        }
        // The kernel finds no first header there.
        if self.control == 0 {
            return Err(Errno::EINVAL);
        }
        let needed = control::measure(self.control_len as usize, |at| self.control_header(at))?;
        if needed > MAX_CONTROL { Err(Errno::ENOMEM) } else { Ok(needed) }
    }

    fn control_header(&self, at: usize) -> Result<[u32; 3], Errno> {
        OwnMemory.read_array(self.control.wrapping_add(at as u32))
    }

    /// Converts the message into `scratch`, as much as [`measure`](Self::measure) said, zeroed and aligned to 8.
    ///
    /// # Errors
    /// EFAULT; EINVAL for an element of the vector of 2 GiB or more, and for control messages that changed.
    pub(super) fn convert(&self, direction: Direction, scratch: &mut [u8]) -> Result<Message64, Errno> {
        let (vector, control) = scratch.split_at_mut(self.vector_len as usize * IOVEC64);
        self.read_vector(vector, direction)?;
        let control_len = match direction {
            Direction::Received => control::room64(self.control_len as usize),
            Direction::Sent => {
                if self.control_len != 0 {
                    let copy =
                        |at: usize, to: &mut [u8]| OwnMemory.read(self.control.wrapping_add(at as u32), to);
                    control::widen(self.control_len as usize, |at| self.control_header(at), copy, control)?;
                }
                control.len()
            }
        };
        Ok(Message64 {
            name: self.name.into(),
            name_len: self.name_len,
            vector: vector.as_mut_ptr().expose_provenance() as u64,
            vector_len: self.vector_len.into(),
            // A null pointer stays one: then nothing is passed, and MSG_CTRUNC says so.
            control: if self.control == 0 { 0 } else { control.as_mut_ptr().expose_provenance() as u64 },
            control_len: control_len as u64,
            flags: self.flags,
        })
    }

    /// Reads the vector and converts it, by pieces of `out`, which keeps the last one.
    fn read_vector(&self, out: &mut [u8], direction: Direction) -> Result<(), Errno> {
        let mut address = self.vector;
        let mut left = self.vector_len as usize;
        while left > 0 {
            let count = left.min(out.len() / IOVEC64);
            let piece = &mut out[..count * IOVEC64];
            // The 32-bit elements go to the upper half, and each has been read when it is overwritten.
            let narrow = count * (IOVEC64 - IOVEC32);
            if let Err(error) = OwnMemory.read(address, &mut piece[narrow..]) {
                return Err(self.unless_bad_name(direction, self.unless_bad_element(address, count, error)));
            }
            for element in 0..count {
                let from = narrow + element * IOVEC32;
                let mut wide = [0; IOVEC64];
                wide[..4].copy_from_slice(&piece[from..from + 4]);
                wide[8..12].copy_from_slice(&piece[from + 4..from + 8]);
                // compat_ssize_t
                if wide[11] & 0x80 != 0 {
                    return Err(self.unless_bad_name(direction, Errno::EINVAL));
                }
                piece[element * IOVEC64..][..IOVEC64].copy_from_slice(&wide);
            }
            address = address.wrapping_add((count * IOVEC32) as u32);
            left -= count;
        }
        Ok(())
    }

    /// The kernel reads element by element (`copy_compat_iovec_from_user`), so that one that is too long comes before
    /// one that can't be read.
    fn unless_bad_element(&self, mut address: u32, count: usize, error: Errno) -> Errno {
        for _ in 0..count {
            match OwnMemory.read_array(address) {
                Ok([_, len]) if (len as i32) < 0 => return Errno::EINVAL,
                Ok([_, _]) => address = address.wrapping_add(IOVEC32 as u32),
                Err(_) => break,
            }
        }
        error
    }

    /// The kernel copies the name that is sent before it looks at the rest.
    fn unless_bad_name(&self, direction: Direction, error: Errno) -> Errno {
        let len = (self.name_len as usize).min(128);
        if direction == Direction::Received
            || self.name == 0
            || OwnMemory.read(self.name, &mut [0; 128][..len]).is_ok()
        {
            error
        } else {
            Errno::EFAULT
        }
    }

    /// Since Linux 6.15 the length of a name is written before the name, and stays where that can't be.
    fn write_back_name(&self, address: u32, received: &Message64) {
        if self.name != 0 && received.name_len != self.name_len {
            // It is a fault already.
            let _ = OwnMemory.write_word(address.wrapping_add(NAME_LEN), received.name_len);
        }
    }

    /// Writes back what a received message has left at `address`, in the kernel's order (`____sys_recvmsg`).
    ///
    /// # Errors
    /// EFAULT.
    ///
    /// # Safety
    /// `received` is [`convert`](Self::convert)'s, after the kernel has received into it.
    pub(super) unsafe fn write_back(&self, address: u32, received: &Message64) -> Result<(), Errno> {
        let Narrowed { used, truncated } = match received.control {
            0 => Narrowed { used: 0, truncated: false },
            control => {
                let start = core::ptr::with_exposed_provenance(control as usize);
                // SAFETY: our own buffer, of which the kernel says how much it has written.
                let messages = unsafe { core::slice::from_raw_parts(start, received.control_len as usize) };
                control::narrow(messages, self.control_len as usize, &mut Buffer(self.control))
            }
        };
        if self.name != 0 {
            OwnMemory.write_word(address.wrapping_add(NAME_LEN), received.name_len)?;
        }
        let truncated = if truncated { MSG_CTRUNC } else { 0 };
        let tail = [used as u32, received.flags | truncated].map(u32::to_ne_bytes);
        OwnMemory.write(address.wrapping_add(CONTROL_LEN), tail.as_flattened())
    }
}

/// The program's control buffer.
pub(super) struct Buffer(pub(super) u32);

impl Sink for Buffer {
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), Errno> {
        OwnMemory.write(self.0.wrapping_add(at as u32), bytes)
    }

    fn close(&mut self, descriptor: u32) {
        // SAFETY: the kernel has just made it for a message that nobody has seen.
        let _ = unsafe { syscall(CLOSE, [descriptor as usize, 0, 0, 0, 0, 0]) };
    }
}

/// Zeroed memory to convert to.
pub(super) fn scratch(len: usize) -> Result<Mapping, Errno> {
    Mapping::new(len, 0)
}

/// # Safety
/// As [`super::socketcall`].
pub(super) unsafe fn send([descriptor, message, flag_bits, ..]: [u32; 6]) -> Result<u32, Errno> {
    // SAFETY: the caller's.
    let result = unsafe { one(Call::Sendmsg, Direction::Sent, descriptor, message, flag_bits) };
    result.map_err(|error| unless_bad_descriptor(descriptor, error))
}

/// # Safety
/// As [`super::socketcall`].
pub(super) unsafe fn receive([descriptor, message, flag_bits, ..]: [u32; 6]) -> Result<u32, Errno> {
    // SAFETY: the caller's.
    let result = unsafe { one(Call::Recvmsg, Direction::Received, descriptor, message, flag_bits) };
    result.map_err(|error| unless_bad_descriptor(descriptor, error))
}

unsafe fn one(
    call: Call,
    direction: Direction,
    descriptor: u32,
    address: u32,
    flag_bits: u32,
) -> Result<u32, Errno> {
    let message = Message32::from_words(OwnMemory.read_array(address)?);
    let len = message.measure(direction)?;
    let mut scratch = scratch(len)?;
    let mut wide = message.convert(direction, &mut scratch.bytes()[..len])?;
    let arguments = [descriptor as usize, (&raw mut wide).expose_provenance(), flags(flag_bits), 0, 0, 0];
    // SAFETY: the caller's for what the message points to; the rest is ours.
    let result = unsafe { native(call, arguments) };
    if direction == Direction::Received {
        match result {
            // SAFETY: the kernel has received into it.
            Ok(_) => unsafe { message.write_back(address, &wide) }?,
            Err(_) => message.write_back_name(address, &wide),
        }
    }
    result
}
