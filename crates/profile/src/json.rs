//! JSON that remembers where everything stands, so that an error and a finding can name the line, and a
//! remedy can be written into the text and leave the rest of it as it was.
//!
//! The grammar is RFC 8259's, as strict as Go's `encoding/json`, by which runtimes read profiles.

/// A value and the bytes of the text that it takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub value: Value,
    pub start: usize,
    pub end: usize,
}

/// What stands there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool,
    /// As written: a profile's numbers are 64-bit integers, which a float would not hold.
    Number(String),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

impl Value {
    /// The kind of the value, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub key: String,
    /// Where the key's quote stands.
    pub at: usize,
    pub node: Node,
}

/// What is wrong, and the byte where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub at: usize,
    pub expected: &'static str,
}

/// How deep arrays and objects may lie in each other. A profile needs five, a bundle's configuration a few
/// more; recursion needs some limit.
const DEPTH: usize = 100;

/// Parses the whole text.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut parser = Parser { text: text.as_bytes(), at: 0 };
    parser.space();
    let node = parser.value(0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.expected("the end of the file"));
    }
    Ok(node)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

type Parsed<T> = Result<T, SyntaxError>;

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expected(&self, expected: &'static str) -> SyntaxError {
        SyntaxError { at: self.at, expected }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes `byte` if it comes next.
    fn takes(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn value(&mut self, depth: usize) -> Parsed<Node> {
        let start = self.at;
        let value = match self.peek() {
            Some(b'{' | b'[') if depth == DEPTH => {
                return Err(self.expected("less nesting: 100 is the limit"));
            }
            Some(b'{') => self.object(depth + 1)?,
            Some(b'[') => self.array(depth + 1)?,
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'n') => self.word("null", Value::Null)?,
            Some(b't') => self.word("true", Value::Bool)?,
            Some(b'f') => self.word("false", Value::Bool)?,
            _ => return Err(self.expected("a value")),
        };
        Ok(Node { value, start, end: self.at })
    }

    fn word(&mut self, word: &'static str, value: Value) -> Parsed<Value> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Parsed<Value> {
        self.at += 1;
        self.space();
        let mut items = Vec::new();
        if self.takes(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return Err(self.expected("`,` or `]`")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Parsed<Value> {
        self.at += 1;
        self.space();
        let mut members = Vec::new();
        if self.takes(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.expected("a field's name in quotes"));
            }
            let key = self.string()?;
            self.space();
            if !self.takes(b':') {
                return Err(self.expected("`:`"));
            }
            self.space();
            members.push(Member { key, at, node: self.value(depth)? });
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(members));
                }
                _ => return Err(self.expected("`,` or `}`")),
            }
        }
    }

    fn digits(&mut self) -> Parsed<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.expected("a digit"));
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let digits = &self.text[start..self.at];
        Ok(Value::Number(String::from_utf8_lossy(digits).into_owned()))
    }

    fn string(&mut self) -> Parsed<String> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.expected("`\"`, the string's end")),
                Some(b'"') => {
                    self.at += 1;
                    // The text is a str, it was cut at ASCII only, and escapes put whole characters in.
                    return Ok(String::from_utf8_lossy(&bytes).into_owned());
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(0..=0x1f) => return Err(self.expected("an escape, not a bare control character")),
                Some(byte) => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        const ESCAPES: [(u8, char); 8] = [
            (b'"', '"'),
            (b'\\', '\\'),
            (b'/', '/'),
            (b'b', '\u{8}'),
            (b'f', '\u{c}'),
            (b'n', '\n'),
            (b'r', '\r'),
            (b't', '\t'),
        ];
        self.at += 1;
        let Some(byte) = self.peek() else { return Err(self.expected("an escape")) };
        if byte != b'u' {
            let found = ESCAPES.iter().find(|(escape, _)| *escape == byte);
            let Some((_, character)) = found else { return Err(self.expected("an escape")) };
            self.at += 1;
            return Ok(*character);
        }
        let high = self.hex()?;
        // A surrogate pair is one character; half of one is none, and Go replaces it as is done here.
        if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 1;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// `u` and four hexadecimal digits.
    fn hex(&mut self) -> Parsed<u32> {
        self.at += 1;
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.expected("a hexadecimal digit")) };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn string(text: &str) -> String {
        match parse(text).unwrap().value {
            Value::String(string) => string,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_know_where_they_stand() {
        let text = r#" {"a": [1, -2.5e+3, null], "b": {"c": true}} "#;
        let node = parse(text).unwrap();
        let Value::Object(members) = node.value else { panic!() };
        assert_eq!(&text[node.start..node.end], text.trim());
        assert_eq!((members[0].key.as_str(), members[0].at), ("a", 2));
        let Value::Array(items) = &members[0].node.value else { panic!() };
        let texts: Vec<_> = items.iter().map(|item| &text[item.start..item.end]).collect();
        assert_eq!(texts, ["1", "-2.5e+3", "null"]);
    }

    #[test]
    fn escapes() {
        assert_eq!(string(r#""\u0041\n\"\\\/é\ud83d\ude00""#), "A\n\"\\/é😀");
        assert_eq!(string(r#""\ud83dx""#), "\u{fffd}x");
        assert_eq!(string(r#""\ud83d\u0041""#), "\u{fffd}A");
    }

    #[test]
    fn broken_text_is_refused_where_it_breaks() {
        let cases = [
            ("", 0, "a value"),
            ("{", 1, "a field's name in quotes"),
            ("{\"a\" 1}", 5, "`:`"),
            ("{\"a\": 1,}", 8, "a field's name in quotes"),
            ("[1 2]", 3, "`,` or `]`"),
            ("[1,]", 3, "a value"),
            ("\"abc", 4, "`\"`, the string's end"),
            ("\"a\nb\"", 2, "an escape, not a bare control character"),
            ("\"\\x\"", 2, "an escape"),
            ("\"\\u12g4\"", 5, "a hexadecimal digit"),
            ("01", 1, "the end of the file"),
            ("1.", 2, "a digit"),
            ("nul", 0, "a value"),
            ("{} {}", 3, "the end of the file"),
            ("// no comments\n{}", 0, "a value"),
        ];
        for (text, at, expected) in cases {
            assert_eq!(parse(text), Err(SyntaxError { at, expected }), "{text}");
        }
    }

    #[test]
    fn depth_has_a_limit() {
        assert!(parse(&("[".repeat(100) + &"]".repeat(100))).is_ok());
        assert_eq!(parse(&"[".repeat(100_000)).unwrap_err().at, 100);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn nothing_that_looks_like_json_makes_it_panic(text in r#"[\[\]{}:,"\\u0-9a-f.eE+ n-]{0,60}"#) {
            if let Err(error) = parse(&text) {
                prop_assert!(error.at <= text.len());
            }
        }
    }
}
