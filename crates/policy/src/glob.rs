//! Globs for paths and abstract names.

/// A pattern: `*` and `?` stand for what holds no slash, `**` for anything, `[a-z]` and `[!a-z]` for one byte;
/// `\` takes the meaning away from what follows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Byte(u8),
    One,
    Class { negated: bool, ranges: Vec<(u8, u8)> },
    Some,
    All,
}

/// What is wrong with a pattern, and the byte where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GlobError {
    pub at: usize,
    pub what: &'static str,
}

impl Glob {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Glob, GlobError> {
        let bytes = text.as_bytes();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let (part, length) = match byte {
                b'*' if bytes.get(at + 1) == Some(&b'*') => (Part::All, 2),
                b'*' => (Part::Some, 1),
                b'?' => (Part::One, 1),
                b'[' => class(bytes, at)?,
                b'\\' => match bytes.get(at + 1) {
                    Some(byte) => (Part::Byte(*byte), 2),
                    None => return Err(GlobError { at, what: "`\\` stands at the end" }),
                },
                byte => (Part::Byte(*byte), 1),
            };
            parts.push(part);
            at += length;
        }
        Ok(Glob { parts })
    }

    /// A pattern that matches this text alone.
    pub(crate) fn literal(text: &str) -> String {
        let mut pattern = String::with_capacity(text.len());
        for letter in text.chars() {
            if matches!(letter, '*' | '?' | '[' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern
    }

    /// The bytes that everything it matches begins with, and the pattern of what follows; `None`, if nothing does.
    pub(crate) fn split(&self) -> (Vec<u8>, Option<Glob>) {
        let literal = self.parts.iter().map_while(|part| match part {
            Part::Byte(byte) => Some(*byte),
            _ => None,
        });
        let literal: Vec<u8> = literal.collect();
        let rest = &self.parts[literal.len()..];
        (literal, (!rest.is_empty()).then(|| Glob { parts: rest.to_vec() }))
    }

    /// Whether it matches all of `text`.
    ///
    /// Of each kind of star only the last one met can be worth another try: a later `**` can match whatever an
    /// earlier star could have, and a `*` ends at the first slash, however it began.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        let (mut part, mut at) = (0, 0);
        // Where to go on if it fails: the part behind the star, and the text behind what the star has taken.
        let mut some: Option<(usize, usize)> = None;
        let mut all: Option<(usize, usize)> = None;
        loop {
            match self.parts.get(part) {
                Some(Part::All) => {
                    part += 1;
                    (some, all) = (None, Some((part, at)));
                    continue;
                }
                Some(Part::Some) => {
                    part += 1;
                    some = Some((part, at));
                    continue;
                }
                None if at == text.len() => return true,
                Some(one) if text.get(at).is_some_and(|byte| one.takes(*byte)) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                _ => {}
            }
            // The star takes one byte more.
            match (&mut some, &mut all) {
                (Some((behind, taken)), _) if text.get(*taken).is_some_and(|byte| *byte != b'/') => {
                    *taken += 1;
                    (part, at) = (*behind, *taken);
                }
                (_, Some((behind, taken))) if *taken < text.len() => {
                    *taken += 1;
                    (part, at) = (*behind, *taken);
                    some = None;
                }
                _ => return false,
            }
        }
    }
}

impl Part {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Part::Byte(own) => *own == byte,
            Part::One => byte != b'/',
            Part::Class { negated, ranges } => {
                byte != b'/' && *negated != ranges.iter().any(|(low, high)| (*low..=*high).contains(&byte))
            }
            Part::Some | Part::All => false,
        }
    }
}

/// `[...]` at `start`, and its length.
fn class(bytes: &[u8], start: usize) -> Result<(Part, usize), GlobError> {
    let negated = matches!(bytes.get(start + 1), Some(b'!' | b'^'));
    let first = start + 1 + usize::from(negated);
    let mut at = first;
    let mut ranges = Vec::new();
    loop {
        match bytes.get(at) {
            None => return Err(GlobError { at: start, what: "`[` has no `]`" }),
            // In front it is one of the bytes.
            Some(b']') if at > first => return Ok((Part::Class { negated, ranges }, at + 1 - start)),
            Some(low) => {
                let (high, length) = match bytes.get(at + 1..at + 3) {
                    Some([b'-', high]) if *high != b']' => (*high, 3),
                    _ => (*low, 1),
                };
                if high < *low {
                    return Err(GlobError { at, what: "the range runs backwards" });
                }
                at += length;
                ranges.push((*low, high));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(glob: &str, text: &str) -> bool {
        Glob::parse(glob).unwrap().matches(text.as_bytes())
    }

    #[test]
    fn stars_and_slashes() {
        for (glob, yes, no) in [
            ("/run/*.sock", "/run/a.sock", "/run/a/b.sock"),
            ("/run/**", "/run/a/b.sock", "/ran/a"),
            ("/run/**/x", "/run/a/b/x", "/run/x"),
            ("/a/*/c/*", "/a/b/c/d", "/a/b/b/c/d"),
            ("/x[0-9a]?", "/x7z", "/xbz"),
            ("/x[!0-9]", "/xa", "/x1"),
            ("/x[]-]", "/x]", "/x["),
            (r"/x\*", "/x*", "/xy"),
            ("**b*c", "/a/b/bc", "/a/bc/d"),
            ("*", "", "/"),
        ] {
            assert!(matches(glob, yes), "{glob} {yes}");
            assert!(!matches(glob, no), "{glob} {no}");
        }
    }

    #[test]
    fn broken_ones() {
        for (glob, at) in [("/a[", 2), ("/a[b", 2), ("/a\\", 2), ("/[z-a]", 2), ("/[]", 1)] {
            assert_eq!(Glob::parse(glob).unwrap_err().at, at, "{glob}");
        }
    }

    /// The meaning, by trying everything.
    fn slowly(parts: &[Part], text: &[u8]) -> bool {
        match parts {
            [] => text.is_empty(),
            [Part::All, rest @ ..] => (0..=text.len()).any(|n| slowly(rest, &text[n..])),
            [Part::Some, rest @ ..] => {
                let most = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
                (0..=most).any(|n| slowly(rest, &text[n..]))
            }
            [one, rest @ ..] => text.first().is_some_and(|b| one.takes(*b)) && slowly(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn a_literal_matches_itself_alone(text in "[ab/*?!^\\[\\]\\\\-]{0,10}", other in "[ab/*]{0,10}") {
            let glob = Glob::parse(&Glob::literal(&text)).unwrap();
            prop_assert!(glob.matches(text.as_bytes()));
            prop_assert_eq!(glob.matches(other.as_bytes()), text == other);
        }

        #[test]
        fn trying_again_finds_what_trying_everything_finds(glob in "[ab/*?]{0,10}", text in "[ab/]{0,12}") {
            let glob = Glob::parse(&glob).unwrap();
            prop_assert_eq!(glob.matches(text.as_bytes()), slowly(&glob.parts, text.as_bytes()));
        }
    }
}
