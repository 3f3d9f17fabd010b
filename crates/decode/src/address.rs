//! Socket addresses.

use crate::{Context, Value};

/// A socket address, by its family.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// Any other family, or too short.
    Other(Vec<u8>),
}

impl Address {
    /// Reads an address as the kernel would; any bytes are something.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Address {
        Address::Other(bytes.to_vec())
    }
}

/// The address at `pointer`, of which the program says that it has `length` bytes.
pub(crate) fn decode(context: &Context<'_>, pointer: u64, length: i32) -> Value {
    let _ = (context, length);
    Value::Pointer(pointer)
}
