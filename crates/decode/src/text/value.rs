//! Values.

use std::fmt::Write;

use super::{Names, Strings, Style, quote};
use crate::tables::Table;
use crate::{End, Value};

/// Appends a value.
pub fn value(out: &mut String, value: &Value, style: &Style) {
    let write_value = |out: &mut String, inner: &Value| self::value(out, inner, style);
    let _ = match value {
        Value::Int(number) => write!(out, "{number}"),
        Value::Uint(number) => write!(out, "{number}"),
        Value::Hex(0) => write!(out, "0"),
        Value::Hex(number) => write!(out, "{number:#x}"),
        Value::HexWide(number, digits) => write!(out, "0x{number:0width$x}", width = usize::from(*digits)),
        Value::Octal(0) => write!(out, "0"),
        Value::Octal(number) => write!(out, "0{number:o}"),
        Value::Pointer(0) => write!(out, "NULL"),
        Value::Pointer(address) => write!(out, "{address:#x}"),
        Value::Fd(fd, None) => write!(out, "{fd}"),
        Value::Fd(fd, Some(what)) => write!(out, "{fd}<{what}>"),
        Value::Symbol(table, number) => {
            symbol(out, table, *number, style);
            Ok(())
        }
        Value::Flags(table, number) => {
            flags(out, table, *number, style);
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
            quote(out, text.as_bytes(), Strings::Plain);
            Ok(())
        }
        Value::Word(word) => {
            out.push_str(word);
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
            separated(out, fields, ", ", |out, field| {
                if !field.name.is_empty() {
                    out.push_str(field.name);
                    out.push('=');
                }
                write_value(out, &field.value);
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
        Value::Not(inner) => {
            out.push_str("~(");
            write_value(out, inner);
            out.push(')');
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

fn hex(out: &mut String, number: u64) {
    let _ = if number == 0 { write!(out, "0") } else { write!(out, "{number:#x}") };
}

fn symbol(out: &mut String, table: &Table, number: u64, style: &Style) {
    let name = table.name(number);
    match (style.names, name) {
        (Names::Abbreviated, Some(name)) => out.push_str(name),
        (Names::Raw, _) => hex(out, number),
        (Names::Verbose | Names::Abbreviated, name) => {
            hex(out, number);
            let _ = write!(out, " /* {} */", name.unwrap_or(table.unknown));
        }
    }
}

fn flags(out: &mut String, table: &Table, number: u64, style: &Style) {
    let (names, rest) = table.bits(number);
    if number == 0 && table.name(0).is_none() || style.names == Names::Raw {
        hex(out, number);
        return;
    }
    if number == 0 {
        symbol(out, table, 0, style);
        return;
    }
    if names.is_empty() {
        hex(out, number);
        let _ = write!(out, " /* {} */", table.unknown);
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
