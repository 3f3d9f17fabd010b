//! A call decoded: at its entry, and what it brought at its exit.

use abi::{Argument as Meaning, Type};

use crate::tables::{
    ACCEPT_FLAGS, FAMILIES, LEVELS, MESSAGE_FLAGS, SHUTDOWN, SOCKETCALLS, TYPE_FLAGS, TYPE_MASK, TYPES,
    protocols,
};
use crate::{Asked, Context, End, Value, address, message, netlink, option};

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its name in the manual page.
    pub name: &'static str,
    /// The word as it was given.
    pub raw: u64,
    /// What it says; `None` until the call has returned, for what the call fills in.
    pub value: Option<Value>,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What the register holds: a result, or an error's number negated. Numbers from -512 to -516 are those of calls
    /// that a signal interrupted (include/linux/errno.h).
    pub raw: i64,
    /// A descriptor that the call made.
    pub fd: Option<Value>,
    /// What is said behind the result, such as what is left of a timeout.
    pub note: Option<Note>,
}

/// What is said behind a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The time was up.
    Timeout,
    /// What is left of the timeout.
    Left(Value),
}

impl Outcome {
    /// The error's number, if the call failed.
    #[must_use]
    pub fn error(&self) -> Option<i32> {
        (-4095..0).contains(&self.raw).then(|| -self.raw as i32)
    }
}

/// A call that was read from memory that the program can change meanwhile: for showing, never for judging.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What was asked for.
    pub asked: Asked,
    /// The arguments.
    pub arguments: Vec<Argument>,
    /// What came of it; `None` before the exit, and for ever if there is none.
    pub outcome: Option<Outcome>,
    /// The length that stood behind a pointer at the entry, or a timeout.
    saved: Saved,
}

#[derive(Clone, Debug, PartialEq, Default)]
enum Saved {
    #[default]
    Nothing,
    /// The room for an address or an option.
    Length(i32),
    /// Where a file was to be read.
    Offset(u64),
    /// The room for the address of each message, and the timeout.
    Messages(Vec<i32>, Value),
}

/// A call's words by their meaning.
struct Words<'a> {
    meanings: &'a [Meaning],
    words: [u64; 6],
}

impl Words<'_> {
    fn get(&self, ty: Type) -> Option<u64> {
        let at = self.meanings.iter().position(|meaning| meaning.ty == ty)?;
        self.words.get(at).copied()
    }

    fn of(&self, ty: Type) -> u64 {
        self.get(ty).unwrap_or(0)
    }

    fn fd(&self) -> i32 {
        self.of(Type::Fd) as i32
    }
}

/// Whether an argument is the kernel's to fill in.
const fn is_out(ty: Type) -> bool {
    matches!(
        ty,
        Type::AddressOut
            | Type::LengthPointer
            | Type::BufferOut
            | Type::OptionOut
            | Type::FdPair
            | Type::MessageOut
            | Type::MessagesIn
            | Type::MessagesOut
            | Type::Offset
    )
}

impl Request {
    /// Decodes what is known at the entry.
    #[must_use]
    pub fn enter(asked: Asked, context: &Context<'_>) -> Request {
        let words = Words { meanings: asked.form.arguments, words: asked.words };
        let mut saved = Saved::Nothing;
        let mut pending = false;
        if let Some(pointer) = words.get(Type::LengthPointer) {
            // accept and its kin need both pointers; getsockopt the length alone.
            let looked_at = words.get(Type::AddressOut) != Some(0) && pointer != 0;
            let length = if looked_at { context.int(pointer) } else { None };
            if let Some(length) = length {
                saved = Saved::Length(length);
            }
        }
        if asked.form.call == Some(abi::Call::Recvmsg)
            && let Some(room) = message::name_length(context, words.of(Type::MessageOut))
        {
            saved = Saved::Length(room);
        }
        if let Some(offset) = words.get(Type::Offset).and_then(|at| offset(context, at, asked.form.time)) {
            saved = Saved::Offset(offset);
        }
        let mut arguments = Vec::with_capacity(asked.form.arguments.len());
        for (meaning, raw) in asked.form.arguments.iter().zip(asked.words) {
            let decided = match (meaning.ty, &saved) {
                // Nothing will be told of these.
                (
                    Type::AddressOut
                    | Type::OptionOut
                    | Type::LengthPointer
                    | Type::MessageOut
                    | Type::Offset,
                    Saved::Nothing,
                ) if !matches!(asked.form.call, Some(abi::Call::Recvfrom)) => Some(Value::Pointer(raw)),
                (ty, _) if is_out(ty) => None,
                (ty, _) => Some(at_entry(ty, raw, &words, &asked, context)),
            };
            pending |= decided.is_none();
            let known = if pending { None } else { decided };
            arguments.push(Argument { name: meaning.name, raw, value: known });
        }
        if asked.form.call == Some(abi::Call::Recvmmsg) {
            let count = words.of(Type::MessageCount) as u32;
            saved = Saved::Messages(
                message::name_lengths(context, words.of(Type::MessagesOut), count),
                message::timeout(context, words.of(Type::Timespec32), asked.form.time),
            );
        }
        Request { asked, arguments, outcome: None, saved }
    }

    /// Whether more than a buffer is to be looked up at the exit.
    #[must_use]
    pub fn looks_around(&self) -> bool {
        let pending = self.arguments.iter().zip(self.asked.form.arguments);
        pending
            .filter(|(argument, _)| argument.value.is_none())
            .any(|(_, meaning)| is_out(meaning.ty) && meaning.ty != Type::BufferOut)
    }

    /// Whether the call has returned with control messages, among which there may be descriptors; also if that can't be told.
    #[must_use]
    pub fn may_have_brought_descriptors(&self) -> bool {
        let receives = matches!(self.asked.form.call, Some(abi::Call::Recvmsg | abi::Call::Recvmmsg));
        let succeeded = self.outcome.as_ref().is_some_and(|outcome| outcome.raw >= 0);
        receives && succeeded && self.arguments.iter().any(|argument| has_control(argument.value.as_ref()))
    }

    /// Whether all arguments are known at the entry.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.arguments.iter().all(|argument| argument.value.is_some())
    }

    /// Decodes the rest, when the call has returned `raw` (sign-extended).
    pub fn exit(&mut self, raw: i64, context: &Context<'_>) {
        let mut outcome = Outcome { raw, fd: None, note: None };
        let failed = outcome.error().is_some();
        let words = Words { meanings: self.asked.form.arguments, words: self.asked.words };
        for (argument, meaning) in self.arguments.iter_mut().zip(self.asked.form.arguments) {
            if argument.value.is_some() {
                continue;
            }
            let raw_result = if failed { None } else { Some(raw) };
            argument.value = Some(at_exit(
                meaning.ty,
                argument.raw,
                &words,
                &self.asked,
                &self.saved,
                raw_result,
                context,
            ));
        }
        match self.asked.form.call {
            Some(abi::Call::Socket | abi::Call::Accept | abi::Call::Accept4) if !failed => {
                outcome.fd = Some(context.fd(raw as i32));
            }
            Some(abi::Call::Recvmmsg) => {
                outcome.note = message::left(context, words.of(Type::Timespec32), self.asked.form.time, raw);
            }
            _ => {}
        }
        self.outcome = Some(outcome);
    }
}

/// Whether a message, or one of an array, has control messages, or may have.
fn has_control(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Struct(fields)) => fields.iter().any(|field| match (field.name, &field.value) {
            ("msg_hdr", message) => has_control(Some(message)),
            ("msg_controllen", length) => *length != Value::Uint(0),
            _ => false,
        }),
        Some(Value::Array { items, end }) => {
            *end != End::Complete || items.iter().any(|item| has_control(Some(item)))
        }
        // A message, or its array, that could not be read.
        Some(Value::Pointer(address)) => *address != 0,
        _ => false,
    }
}

/// An int of a register: 32 bits, with sign.
const fn int(raw: u64) -> i32 {
    raw as i32
}

/// A word that is shown as it is.
fn at_entry(ty: Type, raw: u64, words: &Words<'_>, asked: &Asked, context: &Context<'_>) -> Value {
    if asked.form.name == "socketcall" {
        return match ty {
            Type::Backlog if SOCKETCALLS.name(raw).is_some() => {
                Value::named(Value::Uint(raw), Value::Symbol(&SOCKETCALLS, raw))
            }
            Type::Backlog => Value::Int(int(raw).into()),
            _ => Value::Pointer(raw),
        };
    }
    // An int of the kernel's, of which the register's upper half says nothing.
    let low = u64::from(raw as u32);
    match ty {
        Type::Fd => context.fd(int(raw)),
        Type::Family => Value::Symbol(&FAMILIES, low),
        Type::SocketType => socket_type(low),
        Type::Protocol => protocol(words, asked.form.call, raw),
        Type::Backlog | Type::Length => Value::Int(int(raw).into()),
        Type::How => Value::Symbol(&SHUTDOWN, low),
        Type::Level => Value::Symbol(&LEVELS, low),
        Type::OptionName => {
            let get = asked.form.call == Some(abi::Call::Getsockopt);
            option::name(words.of(Type::Level) as u32, raw as u32, get)
        }
        Type::AcceptFlags => Value::Flags(&ACCEPT_FLAGS, low),
        Type::MessageFlags => Value::Flags(&MESSAGE_FLAGS, low),
        Type::Size => Value::Uint(raw),
        Type::MessageCount => Value::Uint((raw as u32).into()),
        Type::AddressIn => address::decode(context, raw, int(words.of(Type::Length))),
        Type::BufferIn => netlink::buffer(context, words.fd(), raw, words.of(Type::Size)),
        Type::OptionIn => option::set(
            context,
            words.of(Type::Level) as u32,
            words.of(Type::OptionName) as u32,
            raw,
            int(words.of(Type::Length)),
        ),
        Type::MessageIn => message::sent(context, words.fd(), raw),
        _ => Value::Pointer(raw),
    }
}

/// A word that the call has filled in; `result` is `None` where it failed.
fn at_exit(
    ty: Type,
    raw: u64,
    words: &Words<'_>,
    asked: &Asked,
    saved: &Saved,
    result: Option<i64>,
    context: &Context<'_>,
) -> Value {
    let room = if let Saved::Length(room) = saved { Some(*room) } else { None };
    let length = words.get(Type::LengthPointer).filter(|pointer| *pointer != 0);
    let length = length.and_then(|pointer| context.int(pointer));
    match ty {
        Type::BufferOut => match result {
            Some(count) => {
                netlink::buffer(context, words.fd(), raw, (count as u64).min(words.of(Type::Size)))
            }
            None => Value::Pointer(raw),
        },
        Type::AddressOut => match (room, length, result) {
            (Some(room), Some(length), Some(_)) => address::decode(context, raw, room.min(length)),
            _ => Value::Pointer(raw),
        },
        Type::LengthPointer => match (room, length, result) {
            // getsockopt tells a length that would have been enough beside its error.
            (Some(room), Some(length), _)
                if room != length && (result.is_some() || asked.form.call == Some(abi::Call::Getsockopt)) =>
            {
                Value::behind(Value::Changed(
                    Box::new(Value::Int(room.into())),
                    Box::new(Value::Int(length.into())),
                ))
            }
            (Some(room), Some(_), _) => Value::behind(Value::Int(room.into())),
            (Some(room), None, _) if asked.form.call != Some(abi::Call::Recvfrom) => {
                Value::behind(Value::Int(room.into()))
            }
            _ => Value::Pointer(raw),
        },
        Type::OptionOut => match (room, length, result) {
            (Some(room), Some(length), Some(_)) => option::get(
                context,
                words.of(Type::Level) as u32,
                words.of(Type::OptionName) as u32,
                raw,
                room,
                length,
            ),
            _ => Value::Pointer(raw),
        },
        Type::Offset => match (saved, result, offset(context, raw, asked.form.time)) {
            (Saved::Offset(before), Some(1..), Some(after)) => {
                Value::behind(Value::Changed(Box::new(Value::Uint(*before)), Box::new(Value::Uint(after))))
            }
            (Saved::Offset(before), ..) => Value::behind(Value::Uint(*before)),
            _ => Value::Pointer(raw),
        },
        Type::FdPair => match result {
            Some(_) => fd_pair(context, raw),
            None => Value::Pointer(raw),
        },
        Type::MessageOut => message::received(context, words.fd(), raw, room.unwrap_or(0), result),
        // Though they are the program's, strace tells of them when it is known how many were sent.
        Type::MessagesIn => {
            let count = words.of(Type::MessageCount) as u32;
            message::sent_many(context, words.fd(), raw, count, result)
        }
        Type::MessagesOut => match saved {
            Saved::Messages(rooms, _) => message::received_many(context, words.fd(), raw, rooms, result),
            _ => Value::Pointer(raw),
        },
        Type::Timespec32 => match saved {
            Saved::Messages(_, timeout) => timeout.clone(),
            _ => Value::Pointer(raw),
        },
        _ => at_entry(ty, raw, words, asked, context),
    }
}

/// A socket's type, and what is added to it.
fn socket_type(raw: u64) -> Value {
    let (kind, added) = (raw & TYPE_MASK, raw & !TYPE_MASK);
    match TYPES.name(kind) {
        Some(_) if added != 0 => {
            Value::Joined(vec![Value::Symbol(&TYPES, kind), Value::Flags(&TYPE_FLAGS, added)])
        }
        Some(_) => Value::Symbol(&TYPES, kind),
        None => Value::Flags(&TYPE_FLAGS, raw),
    }
}

/// A protocol, by its family's names. A family in whose register's upper half stands anything has none for strace.
fn protocol(words: &Words<'_>, call: Option<abi::Call>, raw: u64) -> Value {
    const AF_AX25: u64 = 3;
    const AF_PACKET: u64 = 17;
    let family = words.of(Type::Family);
    let Some(table) = protocols(family).filter(|_| call != Some(abi::Call::Socketpair)) else {
        return Value::Uint(raw);
    };
    let low = u64::from(raw as u32);
    match family {
        // Its names are in no header for programs, so that they are but comments, and never missing.
        AF_AX25 => {
            let name = table.name(raw).unwrap_or(table.unknown);
            Value::Commented(Box::new(Value::Hex(raw)), name.to_owned())
        }
        AF_PACKET => {
            let swapped = u16::from_be(raw as u16);
            Value::Function("htons", vec![Value::Symbol(table, swapped.into())])
        }
        _ => Value::Symbol(table, low),
    }
}

/// An offset of so many bytes.
fn offset(context: &Context<'_>, pointer: u64, size: usize) -> Option<u64> {
    match (pointer, size) {
        (0, _) => None,
        (at, 4) => context.exactly(at).map(|bytes| u32::from_le_bytes(bytes).into()),
        (at, _) => context.exactly(at).map(u64::from_le_bytes),
    }
}

/// Two descriptors.
fn fd_pair(context: &Context<'_>, pointer: u64) -> Value {
    match context.exactly::<8>(pointer) {
        Some([a, b, c, d, e, f, g, h]) => {
            let mut items = vec![
                context.fd(i32::from_le_bytes([a, b, c, d])),
                context.fd(i32::from_le_bytes([e, f, g, h])),
            ];
            let limits = context.limits;
            let end = if !limits.verbose && limits.elements < items.len() {
                items.truncate(limits.elements);
                End::Abbreviated
            } else {
                End::Complete
            };
            Value::Array { items, end }
        }
        None => Value::Pointer(pointer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field;

    #[test]
    fn control_messages_are_noticed_wherever_they_are() {
        let message = |length| Value::Struct(vec![field("msg_controllen", Value::Uint(length))]);
        let one_of_many = |length| Value::Struct(vec![field("msg_hdr", message(length))]);
        assert_eq!([0, 20].map(|length| has_control(Some(&message(length)))), [false, true]);
        for (second, end, expected) in [
            (0, End::Complete, false),
            (20, End::Complete, true),
            (0, End::Abbreviated, true),
            (0, End::Unreadable(4), true),
        ] {
            let many = Value::Array { items: vec![one_of_many(0), one_of_many(second)], end };
            assert_eq!(has_control(Some(&many)), expected, "{second} {end:?}");
        }
        // What could not be read may have had some.
        assert_eq!([0, 0x1000].map(|at| has_control(Some(&Value::Pointer(at)))), [false, true]);
        assert!(!has_control(Some(&Value::Int(3))) && !has_control(None));
    }
}
