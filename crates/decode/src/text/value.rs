//! Values.

use std::fmt::Write;

use super::{Names, Strings, Style, decimal, quote};
use crate::tables::Table;
use crate::{End, Value};

/// Appends a value.
pub fn value(out: &mut String, value: &Value, style: &Style) {
    let write_value = |out: &mut String, inner: &Value| self::value(out, inner, style);
    let _ = match value {
        Value::Int(number) => {
            decimal(out, *number);
            Ok(())
        }
        Value::Uint(number) => {
            decimal(out, *number);
            Ok(())
        }
        Value::Hex(0) => write!(out, "0"),
        Value::Hex(number) => write!(out, "{number:#x}"),
        Value::HexWide(0, width) => write!(out, "{:0width$}", 0, width = usize::from(*width)),
        Value::HexWide(number, width) => write!(out, "{number:#0width$x}", width = usize::from(*width)),
        Value::Octal(0) => write!(out, "0"),
        Value::Octal(number) => write!(out, "0{number:o}"),
        Value::Pointer(0) => write!(out, "NULL"),
        Value::Pointer(address) => write!(out, "{address:#x}"),
        Value::Fd(fd, None) => {
            decimal(out, *fd);
            Ok(())
        }
        Value::Fd(fd, Some(what)) => match what.strip_suffix(" (deleted)") {
            Some(path) => write!(out, "{fd}<{path}>(deleted)"),
            None => write!(out, "{fd}<{what}>"),
        },
        Value::Symbol(table, number) => {
            symbol(out, table, *number, style);
            Ok(())
        }
        Value::Flags(table, number) => {
            flags(out, table, *number, style);
            Ok(())
        }
        Value::Explained(inner) => {
            let names = if style.names == Names::Abbreviated { Names::Verbose } else { style.names };
            self::value(out, inner, &Style { names, ..*style });
            Ok(())
        }
        Value::Negative(inner) => {
            out.push('-');
            write_value(out, inner);
            Ok(())
        }
        Value::Joined(parts) => {
            separated(out, parts, "|", write_value);
            Ok(())
        }
        Value::Named { raw, name } => {
            match style.names {
                Names::Raw => write_value(out, raw),
                Names::Abbreviated => write_value(out, name),
                Names::Verbose => {
                    write_value(out, raw);
                    out.push_str(" /* ");
                    self::value(out, name, &Style { names: Names::Abbreviated, ..*style });
                    out.push_str(" */");
                }
            }
            Ok(())
        }
        Value::Function(name, arguments) => {
            out.push_str(name);
            out.push('(');
            separated(out, arguments, ", ", write_value);
            out.push(')');
            Ok(())
        }
        Value::Text(text) => {
            quote(out, text.as_bytes(), style.strings);
            Ok(())
        }
        Value::Word(word) => {
            out.push_str(word);
            Ok(())
        }
        Value::Bare(text) => {
            out.push_str(text);
            Ok(())
        }
        Value::Abstract(name) => {
            out.push('@');
            quote(out, name, style.strings);
            Ok(())
        }
        Value::Inet6(bytes) => {
            inet6(out, bytes, None, style);
            Ok(())
        }
        Value::Bytes { data, more, hex } => {
            quote(out, data, if *hex { Strings::Hex } else { style.strings });
            if *more {
                out.push_str("...");
            }
            Ok(())
        }
        Value::Mac(bytes) => {
            for (at, byte) in bytes.iter().enumerate() {
                let colon = if at == 0 { "" } else { ":" };
                let _ = write!(out, "{colon}{byte:02x}");
            }
            Ok(())
        }
        Value::Struct(fields) => {
            out.push('{');
            separated(out, fields, ", ", |out, field| match &field.value {
                Value::Inet6(bytes) => inet6(out, bytes, Some(field.name), style),
                value => {
                    assignment(out, field.name);
                    write_value(out, value);
                }
            });
            out.push('}');
            Ok(())
        }
        Value::Array { items, end } => {
            out.push('[');
            separated(out, items, ", ", write_value);
            let comma = if items.is_empty() { "" } else { ", " };
            let _ = match end {
                End::Complete => Ok(()),
                End::Abbreviated => write!(out, "{comma}..."),
                End::Unreadable(address) => write!(out, "{comma}... /* {address:#x} */"),
            };
            out.push(']');
            Ok(())
        }
        Value::Behind(inner) => {
            out.push('[');
            write_value(out, inner);
            out.push(']');
            Ok(())
        }
        Value::Place { place, value } => {
            out.push('[');
            write_value(out, place);
            out.push_str("]=");
            write_value(out, value);
            Ok(())
        }
        Value::Changed(before, after) => {
            write_value(out, before);
            out.push_str(" => ");
            write_value(out, after);
            Ok(())
        }
        Value::Commented(inner, comment) => {
            write_value(out, inner);
            write!(out, " /* {comment} */")
        }
        Value::Beyond { plain, full } => {
            write_value(out, if style.beyond { full } else { plain });
            Ok(())
        }
        Value::Set { items, inverted } => {
            out.push_str(if *inverted { "~[" } else { "[" });
            separated(out, items, " ", write_value);
            out.push(']');
            Ok(())
        }
        Value::Sum(parts) => {
            separated(out, parts, "+", write_value);
            Ok(())
        }
    };
}

fn separated<T>(out: &mut String, items: &[T], separator: &str, write_item: impl Fn(&mut String, &T)) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        write_item(out, item);
    }
}

/// What stands in front of a field's value; nothing, if it has no name.
fn assignment(out: &mut String, name: &str) {
    if !name.is_empty() {
        out.push_str(name);
        out.push('=');
    }
}

/// An IPv6 address, as the call of inet_pton(3) that would give it to the variable `name`.
fn inet6(out: &mut String, bytes: &[u8; 16], name: Option<&str>, style: &Style) {
    let function = |out: &mut String| {
        out.push_str("inet_pton(AF_INET6, ");
        quote(out, inet6_text(bytes).as_bytes(), style.strings);
    };
    if style.names == Names::Abbreviated {
        function(out);
        if let Some(name) = name {
            out.push_str(", &");
            out.push_str(name);
        }
        out.push(')');
        return;
    }
    assignment(out, name.unwrap_or(""));
    quote(out, bytes, Strings::Hex);
    if style.names == Names::Verbose {
        out.push_str(" /* ");
        function(out);
        out.push_str(") */");
    }
}

/// What inet_ntop(3) says: it writes the deprecated IPv4-compatible addresses with dots, which the standard library does
/// not.
fn inet6_text(bytes: &[u8; 16]) -> String {
    if let ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [a, b, c, d]) = bytes.split_at(12)
        && (*a, *b) != (0, 0)
    {
        return format!("::{a}.{b}.{c}.{d}");
    }
    std::net::Ipv6Addr::from(*bytes).to_string()
}

fn hex(out: &mut String, number: u64) {
    let _ = if number == 0 { write!(out, "0") } else { write!(out, "{number:#x}") };
}

/// A comment, unless it says nothing.
fn comment(out: &mut String, text: &str) {
    if !text.is_empty() {
        let _ = write!(out, " /* {text} */");
    }
}

fn symbol(out: &mut String, table: &Table, number: u64, style: &Style) {
    let name = table.name(number);
    match (style.names, name) {
        (Names::Abbreviated, Some(name)) => out.push_str(name),
        (Names::Raw, _) => hex(out, number),
        (Names::Verbose | Names::Abbreviated, name) => {
            hex(out, number);
            comment(out, name.unwrap_or(table.unknown));
        }
    }
}

fn flags(out: &mut String, table: &Table, number: u64, style: &Style) {
    if style.names == Names::Raw {
        hex(out, number);
        return;
    }
    if number == 0 {
        if table.name(0).is_some() {
            symbol(out, table, 0, style)
        } else {
            hex(out, 0)
        }
        return;
    }
    let (names, rest) = table.bits(number);
    if names.is_empty() {
        hex(out, number);
        comment(out, table.unknown);
        return;
    }
    let verbose = style.names == Names::Verbose;
    if verbose {
        hex(out, number);
        out.push_str(" /* ");
    }
    out.push_str(&names.join("|"));
    if rest != 0 {
        let _ = write!(out, "|{rest:#x}");
    }
    if verbose {
        out.push_str(" */");
    }
}
