//! How much of a call is decoded at most.

use std::cell::Cell;

use crate::Limits;

/// What may still be decoded of a call.
///
/// A program can claim a thousand messages of a thousand pieces and a thousand control messages each, and let all of
/// them lie in the same page. What one call costs is bounded nevertheless; of arrays what is left out is shown as `...`,
/// of strings as the pointer.
pub(crate) struct Budget {
    /// Bytes of arrays.
    arrays: Cell<usize>,
    /// Bytes of strings.
    strings: Cell<usize>,
}

impl Budget {
    /// Four times what the kernel takes of control messages, and much more than a real call has.
    const ARRAYS: usize = 512 << 10;
    /// More than a real call has of pieces. One string as long as it may be shown is always within.
    const STRINGS: usize = 16 << 20;

    pub(crate) fn new(limits: Limits) -> Budget {
        let longest = limits.bytes.saturating_add(1);
        Budget { arrays: Cell::new(Budget::ARRAYS), strings: Cell::new(Budget::STRINGS.max(longest)) }
    }

    /// As many bytes of arrays as are left.
    pub(crate) const fn left(&self) -> usize {
        self.arrays.get()
    }

    /// Takes `bytes` of arrays, or all that is left; answers whether there were as many.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        take(&self.arrays, bytes)
    }

    /// The same for the bytes of a string: what can't be read in the end has been looked at all the same.
    pub(crate) fn take_string(&self, bytes: usize) -> bool {
        take(&self.strings, bytes)
    }
}

fn take(all: &Cell<usize>, bytes: usize) -> bool {
    let left = all.get();
    all.set(left.saturating_sub(bytes));
    left >= bytes
}
