//! Bytes in quotation marks.

use std::fmt::Write;

use super::Strings;

/// Appends `bytes` in quotation marks, escaped so that the text is printable.
pub fn quote(out: &mut String, bytes: &[u8], strings: Strings) {
    let hex = match strings {
        Strings::Plain => false,
        Strings::HexIfNeeded => bytes.iter().any(|byte| !is_text(*byte)),
        Strings::Hex => true,
    };
    out.push('"');
    for (at, byte) in bytes.iter().enumerate() {
        if hex {
            let _ = write!(out, "\\x{byte:02x}");
        } else {
            escape(out, *byte, bytes.get(at + 1).copied());
        }
    }
    out.push('"');
}

/// Whether a byte can stand in a quoted string by itself or by an escape of its own.
const fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t'..=b'\r')
}

fn escape(out: &mut String, byte: u8, next: Option<u8>) {
    let escaped = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\t' => "\\t",
        b'\n' => "\\n",
        0x0b => "\\v",
        0x0c => "\\f",
        b'\r' => "\\r",
        b' '..=b'~' => {
            out.push(byte.into());
            return;
        }
        _ => {
            // As few digits as will do, which is all three in front of another octal digit.
            let _ = match next {
                Some(b'0'..=b'7') => write!(out, "\\{byte:03o}"),
                _ => write!(out, "\\{byte:o}"),
            };
            return;
        }
    };
    out.push_str(escaped);
}
