//! A stretch of a program's memory that a message says it has.

use std::borrow::Cow;

use crate::budget::Budget;
use crate::{Context, Value};

/// `length` bytes at `address`, of which some have been read beforehand.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) context: &'a Context<'a>,
    /// What its strings may still take.
    budget: &'a Budget,
    /// What has been read, and where it lies.
    window: (&'a [u8], u64),
    pub(super) address: u64,
    pub(super) length: u64,
}

impl<'a> Span<'a> {
    /// A span whose first bytes are `window`.
    pub(super) fn new(
        context: &'a Context<'a>,
        budget: &'a Budget,
        window: &'a [u8],
        address: u64,
        length: u64,
    ) -> Span<'a> {
        Span { context, budget, window: (window, address), address, length }
    }

    /// The bytes behind the first `offset`.
    pub(super) fn after(&self, offset: u64) -> Span<'a> {
        let length = self.length.saturating_sub(offset);
        Span { address: self.address.wrapping_add(offset), length, ..*self }
    }

    /// No more than the first `length` bytes.
    pub(super) fn first(&self, length: u64) -> Span<'a> {
        Span { length: length.min(self.length), ..*self }
    }

    /// `count` bytes, if they can be read, whether or not the span has as many.
    pub(super) fn bytes(&self, offset: u64, count: usize) -> Option<Cow<'a, [u8]>> {
        let address = self.address.wrapping_add(offset);
        let (window, start) = self.window;
        let at = usize::try_from(address.wrapping_sub(start)).ok();
        match at.and_then(|at| window.get(at..at.checked_add(count)?)) {
            Some(bytes) => Some(Cow::Borrowed(bytes)),
            None => self.context.all(address, count).map(Cow::Owned),
        }
    }

    /// The bytes that are looked at of a string; `None` if they can't be read, or there is no budget for them.
    fn looked_at(&self) -> Option<Cow<'a, [u8]>> {
        let looked_at = self.context.looked_at(self.length);
        let readable = self.address != 0 && self.budget.take_string(looked_at);
        readable.then(|| self.bytes(0, looked_at))?
    }

    /// As many bytes as are shown of a string, and whether there are more; `None` if they can't be read, or the one behind
    /// them.
    fn shown(&self) -> Option<(Cow<'a, [u8]>, bool)> {
        let most = self.context.limits.bytes;
        let bytes = self.looked_at()?;
        let more = bytes.len() > most;
        Some((if more { bytes[..most].to_vec().into() } else { bytes }, more))
    }

    /// The bytes in hexadecimal.
    pub(super) fn hex(&self) -> Value {
        match self.shown() {
            Some((data, more)) => Value::Bytes { data: data.into_owned(), more, hex: true },
            None => Value::Pointer(self.address),
        }
    }

    /// A string that its length ends; its zero byte is not shown, and missed if it is not there.
    pub(super) fn text(&self) -> Value {
        match self.shown() {
            Some((data, _)) => match data.split_last() {
                Some((0, text)) => Value::bytes(text),
                _ => Value::Bytes { more: !data.is_empty(), data: data.into_owned(), hex: false },
            },
            None => Value::Pointer(self.address),
        }
    }

    /// A string that its zero byte ends.
    pub(super) fn string(&self) -> Value {
        let most = self.context.limits.bytes;
        match self.looked_at() {
            Some(data) => match data.iter().position(|byte| *byte == 0) {
                Some(end) => Value::bytes(&data[..end]),
                None => {
                    let shown = &data[..data.len().min(most)];
                    Value::Bytes { data: shown.into(), more: !data.is_empty(), hex: false }
                }
            },
            None => Value::Pointer(self.address),
        }
    }
}
