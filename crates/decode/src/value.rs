//! What an argument says: a tree that every writer reads.

use crate::Context;
use crate::tables::Table;

/// The value of an argument, of a structure's field, or of what lies behind a pointer.
///
/// It holds names and numbers, and no text of a format: [`crate::text`] writes it as strace does, another
/// writer as JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A signed number, in decimal.
    Int(i64),
    /// An unsigned number, in decimal.
    Uint(u64),
    /// An unsigned number, in hexadecimal.
    Hex(u64),
    /// An unsigned number, in hexadecimal with at least so many characters, its `0x` counted; zero has none: C's
    /// `%#04x`.
    HexWide(u64, u8),
    /// An unsigned number, in octal.
    Octal(u64),
    /// A pointer that is not followed, or can't be: an address, or NULL.
    Pointer(u64),
    /// A file descriptor, and what it is, where that was asked for.
    Fd(i32, Option<String>),
    /// One of a table's values.
    Symbol(&'static Table, u64),
    /// A set of a table's bits. Bits that it doesn't have are shown as a number.
    Flags(&'static Table, u64),
    /// A number with a name, or a set of bits, whose name alone would say too little: the number is shown too, unless
    /// names are not wanted at all.
    Explained(Box<Value>),
    /// A value behind a minus sign.
    Negative(Box<Value>),
    /// Values joined by `|`.
    Joined(Vec<Value>),
    /// Two shapes of one thing: as it lies in memory, and as a person says it: 0x5000 and htons(80). Which of them
    /// is shown, or both, is the writer's choice.
    Named {
        /// As it lies in memory.
        raw: Box<Value>,
        /// As a person says it.
        name: Box<Value>,
    },
    /// A function's call, such as `htons(80)` or `inet_addr("127.0.0.1")`.
    Function(&'static str, Vec<Value>),
    /// Text of ours in quotation marks, such as an address.
    Text(String),
    /// A word that is no quoted text, such as a comment's `???`.
    Word(&'static str),
    /// Text of ours without quotation marks, such as a radio station's call sign.
    Bare(String),
    /// Bytes of the program's, to be quoted.
    Bytes {
        /// As many as were read.
        data: Vec<u8>,
        /// Whether there are more.
        more: bool,
        /// Whether they are hexadecimal whatever they hold, such as a hardware address in quotes.
        hex: bool,
    },
    /// The name of an abstract unix socket, without the zero byte in front of it.
    Abstract(Vec<u8>),
    /// An IPv6 address. In a structure its field's name moves into `inet_pton`'s arguments.
    Inet6([u8; 16]),
    /// A hardware address, such as `aa:bb:cc:dd:ee:ff`.
    Mac(Vec<u8>),
    /// A structure.
    Struct(Vec<Field>),
    /// Elements one after the other.
    Array {
        /// As many as were decoded.
        items: Vec<Value>,
        /// Why there are no more.
        end: End,
    },
    /// What a pointer points at, where it is one number: `[1]`.
    Behind(Box<Value>),
    /// An element of an array whose places have names: `[DEVCONF_FORWARDING]=1`.
    Place {
        /// The place's name or number.
        place: Box<Value>,
        /// What stands there.
        value: Box<Value>,
    },
    /// A value that the call changed: `1 => 2`.
    Changed(Box<Value>, Box<Value>),
    /// A value with a comment of the decoder's.
    Commented(Box<Value>, String),
    /// What strace leaves undecoded and we don't: as strace shows it, and in full.
    Beyond {
        /// As strace shows it.
        plain: Box<Value>,
        /// In full.
        full: Box<Value>,
    },
    /// A set of numbers: `[ICMP_ECHO ICMP_REDIRECT]`, or all but those: `~[ICMP_ECHO]`.
    Set {
        /// The numbers.
        items: Vec<Value>,
        /// Whether these are the ones that aren't in the set.
        inverted: bool,
    },
    /// Values joined by `+`, such as a place in a frame.
    Sum(Vec<Value>),
}

/// A field of a structure.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in C; empty for what has none, and is a value alone.
    pub name: &'static str,
    /// What it says.
    pub value: Value,
}

/// Where an array ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is complete.
    Complete,
    /// It was long enough: `...`.
    Abbreviated,
    /// The next element, at this address, can't be read: `... /* 0x1000 */`.
    Unreadable(u64),
}

impl Value {
    /// A pointer's target that is one value: `[x]`.
    #[must_use]
    pub fn behind(value: Value) -> Value {
        Value::Behind(Box::new(value))
    }

    /// A complete array.
    #[must_use]
    pub fn array(items: Vec<Value>) -> Value {
        Value::Array { items, end: End::Complete }
    }

    /// Bytes, all of them.
    #[must_use]
    pub fn bytes(data: impl Into<Vec<u8>>) -> Value {
        Value::Bytes { data: data.into(), more: false, hex: false }
    }

    /// A thing with a raw and a spoken shape.
    #[must_use]
    pub fn named(raw: Value, name: Value) -> Value {
        Value::Named { raw: Box::new(raw), name: Box::new(name) }
    }

    /// What strace leaves as `plain`.
    #[must_use]
    pub fn beyond(plain: Value, full: Value) -> Value {
        Value::Beyond { plain: Box::new(plain), full: Box::new(full) }
    }

    /// Bytes that are shown in hexadecimal whatever they are.
    #[must_use]
    pub fn hex_bytes(data: impl Into<Vec<u8>>) -> Value {
        Value::Bytes { data: data.into(), more: false, hex: true }
    }

    /// A number that is shown with its name.
    #[must_use]
    pub fn explained(value: Value) -> Value {
        Value::Explained(Box::new(value))
    }

    /// A string in a field of so many bytes: what stands in front of its zero byte. Where there is none, the last byte
    /// is where it should be.
    #[must_use]
    pub fn string(bytes: &[u8]) -> Value {
        match bytes.iter().position(|byte| *byte == 0) {
            Some(end) => Value::bytes(&bytes[..end]),
            None => {
                let data = bytes[..bytes.len().saturating_sub(1)].into();
                Value::Bytes { data, more: true, hex: false }
            }
        }
    }

    /// A hardware address, in the order of its bytes.
    #[must_use]
    pub fn hardware(bytes: &[u8]) -> Value {
        Value::named(Value::hex_bytes(bytes), Value::Mac(bytes.into()))
    }

    /// An IPv4 address, in the network's order.
    #[must_use]
    pub fn inet(bytes: [u8; 4]) -> Value {
        let text = std::net::Ipv4Addr::from(bytes).to_string();
        Value::named(Value::hex_bytes(bytes), Value::Function("inet_addr", vec![Value::Text(text)]))
    }

    /// A network interface by its index, and by its name where it has one.
    #[must_use]
    pub fn interface(context: &Context<'_>, index: u32) -> Value {
        let number = Value::Uint(index.into());
        match context.descriptors.interface(index) {
            Some(name) => Value::named(number, Value::Function("if_nametoindex", vec![Value::Text(name)])),
            None => number,
        }
    }

    /// A port, 16 bits in the network's order, as they lie in memory.
    #[must_use]
    pub fn port(bytes: [u8; 2]) -> Value {
        let port = u16::from_be_bytes(bytes);
        Value::named(Value::hex_bytes(bytes), Value::Function("htons", vec![Value::Uint(port.into())]))
    }
}

/// A field.
#[must_use]
pub const fn field(name: &'static str, value: Value) -> Field {
    Field { name, value }
}
