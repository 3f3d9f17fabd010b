//! How many bytes a call moved.

use abi::{Call, Type};
use decode::{Request, Value};

/// Bytes that came in and went out by a call that has returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

impl Traffic {
    pub(crate) fn of(request: &Request) -> Traffic {
        let Some(result) = request.outcome.as_ref().and_then(|outcome| u64::try_from(outcome.raw).ok())
        else {
            return Traffic::default();
        };
        match request.asked.form.call {
            Some(Call::Send | Call::Sendto | Call::Sendmsg) => Traffic { received: 0, sent: result },
            Some(Call::Recv | Call::Recvfrom | Call::Recvmsg) => Traffic { received: result, sent: 0 },
            Some(Call::Sendmmsg) => Traffic { received: 0, sent: messages(request) },
            Some(Call::Recvmmsg) => Traffic { received: messages(request), sent: 0 },
            // What sendfile(2) reads is a file's.
            None if is_sendfile(request) => Traffic { received: 0, sent: result },
            _ => Traffic::default(),
        }
    }

    pub(crate) fn add(&mut self, more: Traffic) {
        self.received += more.received;
        self.sent += more.sent;
    }
}

/// sendfile(2) and sendfile64(2), which the multiplexer has not.
pub(crate) fn is_sendfile(request: &Request) -> bool {
    request.asked.form.name.starts_with("sendfile")
}

/// The bytes of an array of messages, as far as they were decoded.
fn messages(request: &Request) -> u64 {
    let lengths = |value: &Value| match value {
        Value::Array { items, .. } => items.iter().map(message).sum(),
        _ => 0,
    };
    let argument = request
        .asked
        .form
        .arguments
        .iter()
        .position(|argument| matches!(argument.ty, Type::MessagesIn | Type::MessagesOut));
    let value =
        argument.and_then(|at| request.arguments.get(at)).and_then(|argument| argument.value.as_ref());
    value.map_or(0, lengths)
}

fn message(value: &Value) -> u64 {
    let Value::Struct(fields) = value else { return 0 };
    match fields.iter().find(|field| field.name == "msg_len").map(|field| &field.value) {
        Some(Value::Uint(length)) => *length,
        Some(Value::Int(length)) => u64::try_from(*length).unwrap_or(0),
        _ => 0,
    }
}
