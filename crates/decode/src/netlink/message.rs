//! Messages that begin with a structure whose first byte is an address family, and have attributes behind it.

use super::Reader;
use super::attribute::{Attributes, Kind, structure};
use super::span::Span;
use crate::tables::FAMILIES;
use crate::{Value, field};

/// What a kind of message begins with, and what stands behind that.
pub(super) struct Message {
    /// The name of its first field, a family of one byte.
    pub(super) family: &'static str,
    /// The other fields.
    pub(super) fields: &'static [(&'static str, Kind)],
    /// Bytes of them all.
    pub(super) size: usize,
    /// What can stand behind them, if anything.
    pub(super) attributes: Option<&'static Attributes>,
}

impl Reader<'_> {
    /// A message of a family; if it is of no kind that is known, its bytes.
    pub(super) fn structured(&self, data: Span<'_>, family: u8, message: Option<&Message>) -> Vec<Value> {
        let named = Value::Symbol(&FAMILIES, family.into());
        let Some(message) = message else {
            let mut fields = vec![field("family", named)];
            if data.length > 1 {
                fields.push(field("data", data.after(1).hex()));
            }
            return vec![Value::Struct(fields)];
        };
        self.family.set(family.into());
        let mut fields = vec![field(message.family, named)];
        if data.length < message.size as u64 {
            fields.push(field("", Value::Word("...")));
            return vec![Value::Struct(fields)];
        }
        let Some(rest) = data.bytes(1, message.size - 1) else {
            fields.push(field("", Value::Pointer(data.address.wrapping_add(1))));
            return vec![Value::Struct(fields)];
        };
        fields.extend(structure(self, message.fields, &rest));
        let mut parts = vec![Value::Struct(fields)];
        let behind = data.after(message.size.next_multiple_of(4) as u64);
        if let Some(attributes) = message.attributes
            && behind.length > 0
        {
            parts.push(self.attributes(behind, attributes));
        }
        parts
    }
}
