//! What was judged of a call, kept for telling. The program may have changed its memory since.

use abi::Call;
use decode::{Abi, End, Request, Value};
use policy::{Copied, Socket};
use tracee::Stopped;

use super::call::{self, Words};
use super::message::Message;
use super::path;

/// What was judged of a call: all of it was copied.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What the socket is.
    pub socket: Socket,
    /// The address; of listen, the socket's own.
    pub address: Option<Vec<u8>>,
    /// The path in the address with all links followed, whether or not the rules asked for it.
    pub path: Option<Vec<u8>>,
    /// The flags of a message.
    pub flags: u32,
    /// Level and type of each control message.
    pub control: Vec<(i32, i32)>,
    /// Which argument points at a copy, and that.
    copy: Option<(usize, Vec<u8>)>,
}

/// Where a call has what is judged.
#[derive(Clone, Copy)]
pub(super) enum Shown<'a> {
    /// Nowhere in its memory.
    Nothing,
    /// This argument points at an address.
    Address(usize),
    /// The second argument points at a message, or at several of which this is the one.
    Message(&'a Message),
}

impl Evidence {
    pub(super) fn of(
        stopped: &Stopped,
        words: &Words,
        copied: &Copied<'_>,
        shown: Shown<'_>,
    ) -> Box<Evidence> {
        let Copied { call, socket, address, path, flags, control } = *copied;
        let resolved = || path::resolve(stopped.tid(), address?, call == Call::Bind);
        let is_unix = socket.family == libc::AF_UNIX as u32;
        let copy = match shown {
            Shown::Nothing => None,
            Shown::Address(at) => address.map(|address| (at, address.to_vec())),
            Shown::Message(message) => {
                let mut image = message.image(base(words.abi), words.abi);
                // One of several has a length behind it, which is on no account shown.
                image.resize(image.len().max(LONGEST_HEADER), 0);
                Some((1, image))
            }
        };
        Box::new(Evidence {
            socket,
            address: address.map(<[u8]>::to_vec),
            path: path.map(<[u8]>::to_vec).or_else(|| if is_unix { resolved() } else { None }),
            flags,
            control: control.to_vec(),
            copy: copy.filter(|(_, bytes)| !bytes.is_empty()),
        })
    }

    /// The call decoded, with what was judged in the place of what lies in the program's memory now.
    pub(super) fn request(&self, stopped: &Stopped, words: &Words) -> Option<Request> {
        let memory = call::Memory(stopped);
        let Some((at, bytes)) = &self.copy else { return words.request(&memory) };
        let base = base(words.abi);
        let mut words = *words;
        words.args[*at] = base;
        let count = words.args[COUNT];
        let several = words.call() == Some(Call::Sendmmsg);
        if several {
            words.args[COUNT] = 1;
        }
        let mut request = words.request(&Overlaid { memory, base, bytes })?;
        if several {
            let [.., messages, told, _] = request.arguments.as_mut_slice() else { return None };
            // Others follow, which were not judged.
            if let Some(Value::Array { end, .. }) = &mut messages.value
                && count as u32 > 1
            {
                *end = End::Abbreviated;
            }
            (told.raw, told.value) = (count, Some(Value::Uint(u64::from(count as u32))));
        }
        Some(request)
    }
}

/// Which argument of sendmmsg tells how many messages there are.
const COUNT: usize = 2;
/// Bytes of a `struct mmsghdr` of 64-bit programs, the longest of all headers.
const LONGEST_HEADER: usize = 64;

/// Where a copy is put, for showing: above all memory that a program can have (arch/x86/include/asm/page_types.h,
/// IA32_PAGE_OFFSET, and what is not canonical).
const fn base(abi: Abi) -> u64 {
    match abi {
        Abi::I386 | Abi::X32 => 0xffff_e000,
        Abi::X86_64 => 1 << 63,
    }
}

/// A program's memory, with a copy above it.
struct Overlaid<'a> {
    memory: call::Memory<'a>,
    base: u64,
    bytes: &'a [u8],
}

impl decode::Memory for Overlaid<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        let Some(at) = address.checked_sub(self.base) else { return self.memory.read(address, buffer) };
        let bytes = usize::try_from(at).ok().and_then(|at| self.bytes.get(at..)).unwrap_or_default();
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        length
    }
}
