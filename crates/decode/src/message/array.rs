//! Arrays in a program's memory.

use crate::budget::Budget;
use crate::{Context, End, Value};

/// Elements that are looked at, whatever was asked for; as many pieces or messages as the kernel takes
/// (include/uapi/linux/uio.h, `UIO_MAXIOV`).
pub(super) const MOST: usize = 1024;

/// How many elements of an array are shown.
pub(super) fn most(context: &Context<'_>) -> usize {
    if context.limits.verbose { MOST } else { context.limits.elements.min(MOST) }
}

/// `count` elements of `size` bytes at `start`, of which the first `most` are shown, if there is the budget. They are
/// read at once. The pointer alone, if there is no first element, or the last would lie behind the end of all memory.
pub(super) fn array(
    context: &Context<'_>,
    start: u64,
    count: u64,
    size: usize,
    most: usize,
    budget: &Budget,
    mut item: impl FnMut(&[u8]) -> Value,
) -> Value {
    if start == 0 {
        return Value::Pointer(0);
    }
    if count == 0 {
        return Value::array(Vec::new());
    }
    if count.checked_mul(size as u64).and_then(|bytes| start.checked_add(bytes)).is_none() {
        return Value::Pointer(start);
    }
    // One more than is shown, as strace would look whether it is there.
    let most = most.min(budget.left() / size);
    let wanted = count.min(most as u64 + 1) as usize;
    budget.take(size * wanted.min(most));
    let bytes = context.up_to(start, wanted * size);
    let whole = bytes.len() / size;
    if whole == 0 {
        return Value::Pointer(start);
    }
    let items: Vec<Value> = bytes.chunks_exact(size).take(most).map(&mut item).collect();
    let end = if whole < wanted {
        End::Unreadable(start + (whole * size) as u64)
    } else if count > most as u64 {
        End::Abbreviated
    } else {
        End::Complete
    };
    Value::Array { items, end }
}
