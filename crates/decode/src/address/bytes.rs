//! Fields of a structure in memory.

/// An address's bytes. What lies beyond them reads as zero, as it does for the kernel where it accepts a
/// shortened structure.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All from `at` on.
    pub(super) fn from(&self, at: usize) -> &'a [u8] {
        self.0.get(at..).unwrap_or(&[])
    }

    /// All from `at` up to `end`, or as many as there are.
    pub(super) fn range(&self, at: usize, end: usize) -> &'a [u8] {
        let rest = self.from(at);
        &rest[..rest.len().min(end.saturating_sub(at))]
    }

    /// `N` bytes as they lie there.
    pub(super) fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut array = [0; N];
        let there = self.range(at, at + N);
        array[..there.len()].copy_from_slice(there);
        array
    }

    pub(super) fn u8(&self, at: usize) -> u8 {
        u8::from_le_bytes(self.array(at))
    }

    pub(super) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    /// A 16-bit number in the network's order.
    pub(super) fn net16(&self, at: usize) -> u16 {
        u16::from_be_bytes(self.array(at))
    }

    pub(super) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    pub(super) fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.array(at))
    }
}
