//! Options' values that strace leaves as a number or bytes.

use super::Given;
use crate::Value;

/// What there is to say, if there is more than strace says.
pub(super) fn value(given: &Given<'_>) -> Option<Value> {
    let _ = given.bytes(0);
    None
}
