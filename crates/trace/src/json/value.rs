//! Values as JSON.

use std::fmt::Write;

use decode::tables::Table;
use decode::{End, Field, Value};

/// Appends a value.
pub(crate) fn value(out: &mut String, shown: &Value) {
    match shown {
        Value::Int(number) => number_of(out, *number),
        Value::Uint(number) | Value::Hex(number) | Value::HexWide(number, _) | Value::Octal(number) => {
            number_of(out, *number);
        }
        Value::Pointer(0) => out.push_str("null"),
        Value::Pointer(address) => {
            let _ = write!(out, "{{\"pointer\":{address}}}");
        }
        Value::Fd(fd, what) => {
            let _ = write!(out, "{{\"fd\":{fd}");
            if let Some(what) = what {
                out.push_str(",\"is\":");
                string(out, what);
            }
            out.push('}');
        }
        Value::Symbol(table, number) => symbol(out, table, *number),
        Value::Flags(table, number) => flags(out, table, *number),
        Value::Explained(inner) => value(out, inner),
        Value::Negative(inner) => wrapped(out, "negative", |out| value(out, inner)),
        Value::Joined(parts) => wrapped(out, "joined", |out| array(out, parts)),
        Value::Named { raw, name } => {
            out.push_str("{\"raw\":");
            value(out, raw);
            out.push_str(",\"is\":");
            value(out, name);
            out.push('}');
        }
        Value::Function(name, arguments) => {
            let _ = write!(out, "{{\"function\":\"{name}\",\"arguments\":");
            array(out, arguments);
            out.push('}');
        }
        Value::Text(text) => string(out, text),
        Value::Word(word) => wrapped(out, "word", |out| string(out, word)),
        Value::Bare(text) => wrapped(out, "word", |out| string(out, text)),
        Value::Bytes { data, more, hex } => bytes(out, data, *more, *hex),
        Value::Abstract(name) => wrapped(out, "abstract", |out| bytes(out, name, false, false)),
        Value::Inet6(address) => {
            let _ = write!(out, "{{\"inet6\":\"{}\"}}", std::net::Ipv6Addr::from(*address));
        }
        Value::Mac(address) => {
            out.push_str("{\"mac\":\"");
            for (at, byte) in address.iter().enumerate() {
                let colon = if at == 0 { "" } else { ":" };
                let _ = write!(out, "{colon}{byte:02x}");
            }
            out.push_str("\"}");
        }
        Value::Struct(fields) => wrapped(out, "struct", |out| structure(out, fields)),
        Value::Array { items, end: End::Complete } => array(out, items),
        Value::Array { items, end } => {
            out.push_str("{\"array\":");
            array(out, items);
            let _ = match end {
                End::Unreadable(address) => write!(out, ",\"unreadable\":{address}}}"),
                _ => write!(out, ",\"more\":true}}"),
            };
        }
        Value::Behind(inner) => wrapped(out, "behind", |out| value(out, inner)),
        Value::Place { place, value: inner } => {
            out.push_str("{\"place\":");
            value(out, place);
            out.push_str(",\"is\":");
            value(out, inner);
            out.push('}');
        }
        Value::Changed(before, after) => {
            out.push_str("{\"before\":");
            value(out, before);
            out.push_str(",\"after\":");
            value(out, after);
            out.push('}');
        }
        Value::Commented(inner, comment) => {
            out.push_str("{\"commented\":");
            value(out, inner);
            out.push_str(",\"comment\":");
            string(out, comment);
            out.push('}');
        }
        // Whoever reads JSON can leave out what is too much.
        Value::Beyond { full, .. } => value(out, full),
        Value::Set { items, inverted } => {
            out.push_str("{\"set\":");
            array(out, items);
            let _ = write!(out, ",\"inverted\":{inverted}}}");
        }
        Value::Sum(parts) => wrapped(out, "sum", |out| array(out, parts)),
    }
}

fn number_of(out: &mut String, number: impl std::fmt::Display) {
    let _ = write!(out, "{number}");
}

/// An object with one member.
fn wrapped(out: &mut String, name: &str, inner: impl FnOnce(&mut String)) {
    let _ = write!(out, "{{\"{name}\":");
    inner(out);
    out.push('}');
}

fn array(out: &mut String, items: &[Value]) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        value(out, item);
    }
    out.push(']');
}

/// Fields by their names. Those without one are together in an array whose name is empty; of two with the same name the
/// second has its number behind it.
fn structure(out: &mut String, fields: &[Field]) {
    out.push('{');
    let mut first = true;
    let mut name_of = |out: &mut String, name: &str, number: usize| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        let _ = if number > 1 { write!(out, "\"{name}#{number}\":") } else { write!(out, "\"{name}\":") };
    };
    for (at, field) in fields.iter().enumerate().filter(|(_, field)| !field.name.is_empty()) {
        let number = 1 + fields[..at].iter().filter(|other| other.name == field.name).count();
        name_of(out, field.name, number);
        value(out, &field.value);
    }
    if fields.iter().any(|field| field.name.is_empty()) {
        name_of(out, "", 1);
        out.push('[');
        for (at, field) in fields.iter().filter(|field| field.name.is_empty()).enumerate() {
            if at > 0 {
                out.push(',');
            }
            value(out, &field.value);
        }
        out.push(']');
    }
    out.push('}');
}

fn symbol(out: &mut String, table: &Table, number: u64) {
    let _ = write!(out, "{{\"value\":{number},\"name\":");
    match table.name(number) {
        Some(name) => string(out, name),
        None => out.push_str("null"),
    }
    out.push('}');
}

fn flags(out: &mut String, table: &Table, number: u64) {
    let _ = write!(out, "{{\"value\":{number},\"flags\":[");
    let (names, rest) = table.bits(number);
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        string(out, name);
    }
    let _ = write!(out, "],\"rest\":{rest}}}");
}

/// Bytes of the program's: as text where they are and may be, in hexadecimal where not.
fn bytes(out: &mut String, data: &[u8], more: bool, hex: bool) {
    match std::str::from_utf8(data) {
        Ok(text) if !hex => {
            out.push_str("{\"text\":");
            string(out, text);
        }
        _ => {
            out.push_str("{\"hex\":\"");
            for byte in data {
                let _ = write!(out, "{byte:02x}");
            }
            out.push('"');
        }
    }
    out.push_str(if more { ",\"more\":true}" } else { "}" });
}

/// A string of RFC 8259.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    for part in text.split_inclusive(|c: char| matches!(c, '"' | '\\' | '\0'..='\x1f' | '\x7f')) {
        let mut characters = part.chars();
        match characters.next_back() {
            Some(last @ ('"' | '\\')) => {
                out.push_str(characters.as_str());
                out.push('\\');
                out.push(last);
            }
            Some(last @ ('\0'..='\x1f' | '\x7f')) => {
                out.push_str(characters.as_str());
                let _ = match last {
                    '\n' => write!(out, "\\n"),
                    '\r' => write!(out, "\\r"),
                    '\t' => write!(out, "\\t"),
                    control => write!(out, "\\u{:04x}", control as u32),
                };
            }
            _ => out.push_str(part),
        }
    }
    out.push('"');
}
