//! A line of a trace, taken apart so far that a difference has a name: the call, and the field of its arguments.

/// What strace's manual pages call the arguments.
const PARAMETERS: &[(&str, &[&str])] = &[
    ("socket", &["domain", "type", "protocol"]),
    ("bind", &["fd", "addr", "addrlen"]),
    ("connect", &["fd", "addr", "addrlen"]),
    ("listen", &["fd", "backlog"]),
    ("accept", &["fd", "addr", "addrlen"]),
    ("getsockname", &["fd", "addr", "addrlen"]),
    ("getpeername", &["fd", "addr", "addrlen"]),
    ("socketpair", &["domain", "type", "protocol", "sv"]),
    ("send", &["fd", "buf", "len", "flags"]),
    ("recv", &["fd", "buf", "len", "flags"]),
    ("sendto", &["fd", "buf", "len", "flags", "addr", "addrlen"]),
    ("recvfrom", &["fd", "buf", "len", "flags", "addr", "addrlen"]),
    ("shutdown", &["fd", "how"]),
    ("setsockopt", &["fd", "level", "optname", "optval", "optlen"]),
    ("getsockopt", &["fd", "level", "optname", "optval", "optlen"]),
    ("sendmsg", &["fd", "msg", "flags"]),
    ("recvmsg", &["fd", "msg", "flags"]),
    ("accept4", &["fd", "addr", "addrlen", "flags"]),
    ("recvmmsg", &["fd", "msgvec", "vlen", "flags", "timeout"]),
    ("recvmmsg_time64", &["fd", "msgvec", "vlen", "flags", "timeout"]),
    ("sendmmsg", &["fd", "msgvec", "vlen", "flags"]),
    ("sendfile", &["out_fd", "in_fd", "offset", "count"]),
    ("sendfile64", &["out_fd", "in_fd", "offset", "count"]),
    ("socketcall", &["call", "args"]),
];

/// Whether it is one of the twenty calls of the multiplexer.
pub fn is_of_twenty(call: &str) -> bool {
    let others = ["recvmmsg_time64", "sendfile", "sendfile64", "socketcall"];
    PARAMETERS.iter().any(|(name, _)| *name == call) && !others.contains(&call)
}

/// A line's call and its fields, each with the path to it: `msg.msg_iov.iov_len`.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The call's name; `signal`, `end` or `text` for what is none.
    pub call: &'a str,
    /// In the order of the line.
    pub fields: Vec<(String, &'a str)>,
}

impl<'a> Line<'a> {
    /// Takes a line apart.
    pub fn parse(line: &'a str) -> Line<'a> {
        let line = line.trim_end();
        let mut fields = Vec::new();
        if let Some(at) = line.find("--- ") {
            fields.push(("leader".into(), &line[..at]));
            leaves("signal", line[at..].trim_matches(['-', ' ']), &mut fields);
            return Line { call: "signal", fields };
        }
        if let Some(at) = line.find("+++ ") {
            return Line {
                call: "end",
                fields: vec![("leader".into(), &line[..at]), ("end".into(), &line[at..])],
            };
        }
        let (before, call, rest) = if let Some(at) = line.find("<... ") {
            let rest = &line[at + 5..];
            let Some((call, rest)) = rest.split_once(" resumed>") else { return Line::text(line) };
            (&line[..at], call, rest)
        } else {
            let Some(at) = line.find('(') else { return Line::text(line) };
            let start = line[..at].rfind([' ', ']']).map_or(0, |space| space + 1);
            (&line[..start], &line[start..at], &line[at + 1..])
        };
        let names = PARAMETERS.iter().find(|(name, _)| *name == call).map_or(&[][..], |(_, names)| names);
        let close = closing(rest);
        fields.push(("leader".into(), before));
        for (number, argument) in split(&rest[..close]).into_iter().enumerate() {
            leaves(names.get(number).unwrap_or(&"more"), argument, &mut fields);
        }
        let result = &rest[close..];
        let equals = result.find('=').unwrap_or(0);
        fields.push(("padding".into(), &result[..equals]));
        fields.push(("result".into(), &result[equals..]));
        Line { call, fields }
    }

    fn text(line: &'a str) -> Line<'a> {
        Line { call: "text", fields: vec![("text".into(), line)] }
    }

    /// The paths at which two lines differ: those between what they begin and what they end with in common.
    pub fn differing(&self, other: &Line<'_>) -> Vec<String> {
        let same = |(a, b): &(&(String, &str), &(String, &str))| a == b;
        let begin = self.fields.iter().zip(&other.fields).take_while(same).count();
        let (left, right) = (&self.fields[begin..], &other.fields[begin..]);
        let end = left.iter().rev().zip(right.iter().rev()).take_while(same).count();
        let (left, right) = (&left[..left.len() - end], &right[..right.len() - end]);
        let mut paths: Vec<String> = Vec::new();
        let both = left.iter().zip(right).filter(|(a, b)| left.len() != right.len() || a != b);
        let rest = left.iter().skip(right.len()).chain(right.iter().skip(left.len()));
        for (path, _) in both.flat_map(|(a, b)| [a, b]).chain(rest) {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
        paths
    }
}

/// The bytes of a text at which something stands on its own: outside of strings, comments and brackets.
fn outside(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_i32);
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let here = at;
            at += 1;
            match bytes[here] {
                b'"' => {
                    while at < bytes.len() && bytes[at] != b'"' {
                        at += if bytes[at] == b'\\' { 2 } else { 1 };
                    }
                    at += 1;
                }
                b'/' if bytes.get(at) == Some(&b'*') => {
                    at = text[here..].find("*/").map_or(bytes.len(), |end| here + end + 2);
                }
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' if depth > 0 => depth -= 1,
                byte if depth == 0 => return Some((here, byte)),
                _ => {}
            }
        }
        None
    })
}

/// Where the arguments end, behind their opening parenthesis.
fn closing(text: &str) -> usize {
    outside(text).find(|(_, byte)| *byte == b')').map_or(text.len(), |(at, _)| at)
}

/// The parts between commas.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for (at, byte) in outside(text) {
        if byte == b',' {
            parts.push(text[begin..at].trim());
            begin = at + 1;
        }
    }
    let last = text[begin..].trim();
    if !last.is_empty() || !parts.is_empty() {
        parts.push(last);
    }
    parts
}

/// A structure's members each by its name, an array's elements by the array's.
fn leaves<'a>(path: &str, text: &'a str, into: &mut Vec<(String, &'a str)>) {
    let inside = |open, close| text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
    if let Some(members) = inside('{', '}').or_else(|| inside('[', ']')) {
        let parts = split(members);
        if parts.is_empty() {
            into.push((path.to_owned(), text));
        }
        for part in parts {
            leaves(path, part, into);
        }
        return;
    }
    let name = text.split_once('=').filter(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    match name {
        Some((name, value)) => leaves(&format!("{path}.{name}"), value, into),
        None => into.push((path.to_owned(), text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differing(a: &str, b: &str) -> Vec<String> {
        Line::parse(a).differing(&Line::parse(b))
    }

    #[test]
    fn fields_have_names() {
        let line = "7 sendmsg(3, {msg_name=NULL, msg_iov=[{iov_base=\"a, b)\\\"\", iov_len=7}], msg_flags=0}, 0) = 7";
        let line = Line::parse(line);
        let paths: Vec<&str> = line.fields.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(line.call, "sendmsg");
        assert_eq!(
            paths,
            [
                "leader",
                "fd",
                "msg.msg_name",
                "msg.msg_iov.iov_base",
                "msg.msg_iov.iov_len",
                "msg.msg_flags",
                "flags",
                "padding",
                "result"
            ]
        );
    }

    #[test]
    fn a_difference_is_where_lines_differ() {
        let line = "T1 connect(3, {sa_family=AF_INET, sin_port=htons(1)}, 16) = 0";
        assert_eq!(differing(line, line), [] as [&str; 0]);
        assert_eq!(differing(line, &line.replace("(1)", "(2)")), ["addr.sin_port"]);
        assert_eq!(differing(line, &line.replace("= 0", "= -1 EBADF")), ["result"]);
        assert_eq!(differing(line, &line.replace(") =", ")  =")), ["padding"]);
        assert_eq!(differing(line, &line.replace("AF_INET, ", "AF_INET, sin_pad=0, ")), ["addr.sin_pad"]);
        assert_eq!(differing("T1 +++ exited with 0 +++", "T1 +++ exited with 1 +++"), ["end"]);
        assert_eq!(
            differing("T1 [ 252] +++ exited with 0 +++", "T1 [   0] +++ exited with 0 +++"),
            ["leader"]
        );
        assert_eq!(
            differing(
                "T1 --- SIGALRM {si_signo=SIGALRM, si_pid=1} ---",
                "T1 --- SIGALRM {si_signo=SIGALRM, si_pid=2} ---"
            ),
            ["signal"]
        );
    }

    #[test]
    fn resumed_calls_and_comments_are_read() {
        let line = Line::parse("T2 <... recv resumed>, \"x\", 8, 0) = 1");
        assert_eq!(line.call, "recv");
        let line = Line::parse("socket(0x2f /* AF_???, (x */, SOCK_STREAM, 0) = -1");
        assert_eq!(line.fields[1], ("domain".to_owned(), "0x2f /* AF_???, (x */"));
    }
}
