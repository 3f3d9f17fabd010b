//! Filters of sockets: programs of classic BPF.

use super::Given;
use crate::tables::options::{
    BPF_ANCILLARY, BPF_ARITHMETIC, BPF_CLASSES, BPF_JUMPS, BPF_MODES, BPF_MOVES, BPF_OFFSETS, BPF_RESULTS,
    BPF_SIZES, BPF_SOURCES,
};
use crate::{Context, End, Value, bytes, field};

/// Instructions of a program that the kernel takes (include/uapi/linux/bpf_common.h, `BPF_MAXINSNS`).
const MOST: usize = 4096;

/// Bytes of a `struct sock_filter`.
const INSTRUCTION: usize = 8;

/// `struct sock_fprog`.
pub(super) fn program(given: &Given<'_>) -> Value {
    let context = given.context;
    let word = context.abi.word();
    let length = usize::try_from(given.length).unwrap_or(0);
    let data = if length == 2 * word { context.all(given.pointer, length) } else { None };
    let Some(data) = data else { return given.address() };
    let count = bytes::u16(&data, 0);
    let pointer = bytes::word(&data, word, word);
    Value::Struct(vec![
        field("len", Value::Uint(count.into())),
        field("filter", instructions(context, pointer, count.into())),
    ])
}

/// The filter that getsockopt(2) has brought: its length is the number of instructions.
pub(super) fn got(given: &Given<'_>) -> Value {
    match u16::try_from(given.length) {
        Ok(count) => instructions(given.context, given.pointer, count.into()),
        Err(_) => given.address(),
    }
}

fn instructions(context: &Context<'_>, pointer: u64, count: usize) -> Value {
    if pointer == 0 {
        return Value::Pointer(0);
    }
    let data = context.up_to(pointer, INSTRUCTION * count.min(MOST));
    let items: Vec<_> = data.chunks_exact(INSTRUCTION).map(instruction).collect();
    if items.is_empty() && count > 0 {
        return Value::Pointer(pointer);
    }
    let end = if items.len() == count {
        End::Complete
    } else if items.len() == MOST {
        End::Abbreviated
    } else {
        End::Unreadable(pointer.wrapping_add((INSTRUCTION * items.len()) as u64))
    };
    let program = Value::Array { items, end };
    if context.limits.verbose { program } else { Value::beyond(Value::Pointer(pointer), program) }
}

/// `struct sock_filter`, as its macros would make it.
fn instruction(data: &[u8]) -> Value {
    let code = Value::Joined(operation(bytes::u16(data, 0)));
    let (yes, no) = (data[2], data[3]);
    let k = bytes::u32(data, 4);
    if yes == 0 && no == 0 {
        return Value::Function("BPF_STMT", vec![code, operand(bytes::u16(data, 0), k)]);
    }
    let jump = |to: u8| Value::Hex(to.into());
    Value::Function("BPF_JUMP", vec![code, Value::Hex(k.into()), jump(yes), jump(no)])
}

/// An instruction's code, in its parts; bits that mean nothing in its class come last.
fn operation(code: u16) -> Vec<Value> {
    let code = u64::from(code);
    let part = |table, mask: u64| Value::Symbol(table, code & mask);
    let left = |mask: u64| match code & !mask {
        0 => None,
        bits => Some(Value::Commented(Box::new(Value::Hex(bits)), BPF_CLASSES.unknown.to_owned())),
    };
    let mut parts = vec![part(&BPF_CLASSES, 0x7)];
    match code & 0x7 {
        0 | 1 => parts.extend([part(&BPF_SIZES, 0x18), part(&BPF_MODES, 0xe0)]),
        2 | 3 => parts.extend(left(0x7)),
        4 => parts.extend([part(&BPF_SOURCES, 0x8), part(&BPF_ARITHMETIC, 0xf0)]),
        5 => parts.extend([part(&BPF_SOURCES, 0x8), part(&BPF_JUMPS, 0xf0)]),
        6 => {
            parts.push(part(&BPF_RESULTS, 0x18));
            parts.extend(left(0x1f));
        }
        _ => {
            parts.push(part(&BPF_MOVES, 0xf8));
            parts.extend(left(0xff));
        }
    }
    parts
}

/// The number of an instruction that doesn't jump: of one that loads from a fixed place, that place.
fn operand(code: u16, k: u32) -> Value {
    const LD_ABS: u16 = 0x20;
    let base = BPF_OFFSETS.rows.iter().find(|(base, _)| u64::from(k) >= *base);
    let Some((base, _)) = base.filter(|_| code & 0xe7 == LD_ABS) else { return Value::Hex(k.into()) };
    let offset = u64::from(k) - base;
    let offset = if *base == BPF_OFFSETS.rows[0].0 {
        Value::Symbol(&BPF_ANCILLARY, offset)
    } else {
        Value::Uint(offset)
    };
    Value::Sum(vec![Value::Symbol(&BPF_OFFSETS, *base), offset])
}
