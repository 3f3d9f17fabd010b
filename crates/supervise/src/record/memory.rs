//! How a stopped thread's memory is read: by as few calls as can be.

use std::cell::RefCell;

use tracee::Stopped;

/// A stopped thread's memory. What lies near the stack pointer, as most arguments do, is read once, when something there is
/// asked for.
pub(super) struct Memory<'a> {
    stopped: &'a Stopped,
    /// The stack pointer, if there may be more than one look.
    sp: Option<u64>,
    near: RefCell<Box<Near>>,
}

/// Bytes from the stack pointer on. It is used again and again.
#[derive(Debug)]
pub(super) struct Near {
    bytes: [u8; Near::MOST],
    /// As many as could be read, if that was tried.
    read: Option<usize>,
}

impl Near {
    /// What is read at once.
    const MOST: usize = 1024;
}

impl Default for Near {
    fn default() -> Near {
        Near { bytes: [0; Near::MOST], read: None }
    }
}

impl<'a> Memory<'a> {
    pub(super) fn near(stopped: &'a Stopped, sp: u64, near: Option<Box<Near>>) -> Memory<'a> {
        let mut near = near.unwrap_or_default();
        near.read = None;
        Memory { stopped, sp: Some(sp), near: RefCell::new(near) }
    }

    /// Of which one thing is read, or what lies anywhere.
    pub(super) fn plain(stopped: &'a Stopped, near: Option<Box<Near>>) -> Memory<'a> {
        Memory { stopped, sp: None, near: RefCell::new(near.unwrap_or_default()) }
    }

    /// What can be used for the next.
    pub(super) fn into_near(self) -> Box<Near> {
        self.near.into_inner()
    }

    /// Fills `buffer` with what lies so far behind the stack pointer, if all of that is known.
    fn copy_near(&self, sp: u64, offset: usize, buffer: &mut [u8]) -> bool {
        let near = &mut **self.near.borrow_mut();
        let read = *near.read.get_or_insert_with(|| self.stopped.read(sp, &mut near.bytes).unwrap_or(0));
        match near.bytes[..read].get(offset..).and_then(|bytes| bytes.get(..buffer.len())) {
            Some(bytes) => {
                buffer.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }

    /// Whether a call that comes back to `ip` came through the vDSO: there stand `pop %ebp; pop %edx; pop %ecx; ret`.
    pub(super) fn is_landing(&self, ip: u64) -> bool {
        const LANDING: [u8; 4] = [0x5d, 0x5a, 0x59, 0xc3];
        let mut code = [0; 4];
        self.stopped.read_exact(ip, &mut code).is_ok() && code == LANDING
    }
}

impl decode::Memory for Memory<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        if let Some(sp) = self.sp
            && let Some(offset) = address.checked_sub(sp).filter(|offset| *offset < Near::MOST as u64)
            && self.copy_near(sp, offset as usize, buffer)
        {
            return buffer.len();
        }
        self.stopped.read(address, buffer).unwrap_or(0)
    }
}
