//! Paths between `<` and `>`.

use std::fmt::Write;

use decode::text::{Strings, quote};

/// A path without quotation marks, with everything escaped that could be taken for its end.
pub(super) fn shown(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len());
    let mut quoted = String::new();
    for part in path.split_inclusive(|byte| matches!(byte, b'<' | b'>')) {
        let (text, bracket) = match part.split_last() {
            Some((bracket @ (b'<' | b'>'), text)) => (text, Some(bracket)),
            _ => (part, None),
        };
        quoted.clear();
        quote(&mut quoted, text, Strings::Plain);
        out.push_str(&quoted[1..quoted.len() - 1]);
        if let Some(bracket) = bracket {
            let _ = write!(out, "\\{bracket:o}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_newlines_are_escaped() {
        assert_eq!(shown(b"/tmp/t1 <a>\n.txt"), r"/tmp/t1 \74a\76\n.txt");
        assert_eq!(shown(b"socket:[12]"), "socket:[12]");
        assert_eq!(shown(b""), "");
    }
}
