//! How much of a call is decoded at most.

use std::cell::Cell;

/// Bytes of a call's arrays that may still be decoded.
///
/// A program can claim a thousand messages of a thousand pieces and a thousand control messages each, and let all of
/// them lie in the same page. What one call costs is bounded nevertheless; what is left out is shown as `...`.
pub(crate) struct Budget(Cell<usize>);

impl Budget {
    /// Four times what the kernel takes of control messages, and much more than a real call has.
    const BYTES: usize = 512 << 10;

    pub(crate) const fn new() -> Budget {
        Budget(Cell::new(Budget::BYTES))
    }

    /// As many bytes as are left.
    pub(crate) const fn left(&self) -> usize {
        self.0.get()
    }

    /// Takes `bytes` of it, or all that is left; answers whether there were as many.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(bytes));
        left >= bytes
    }
}
