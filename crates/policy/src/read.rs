//! Reading a rule: which keys there are, which values, and which of them go together.

use std::ops::Range;

use abi::Errno;

use crate::address::Pattern;
use crate::error::{Error, Problem, Source, near};
use crate::model::{ADDRESSED, Action, CREATE, Matcher, OPTION, Rule};
use crate::names;
use crate::socket::{Socket, VSOCK};
use crate::values::{self, Word};

/// The keys of a rule that say what has to match.
pub(crate) const MATCHERS: [&str; 7] = ["call", "family", "type", "protocol", "address", "port", "option"];

/// The keys of a rule in a file.
pub(crate) const RULE: [&str; 10] =
    ["action", "errno", "call", "family", "type", "protocol", "address", "port", "option", "reason"];

/// The keys of a short rule.
pub(crate) const SHORT: [&str; 8] =
    ["call", "family", "type", "protocol", "address", "port", "option", "errno"];

/// A key and its values, with their places in the text.
pub(crate) struct Entry {
    pub key: String,
    pub at: Range<usize>,
    pub values: Vec<(Word, Range<usize>)>,
}

/// A mistake and its place, of a text that the caller knows.
pub(crate) type Wrong = (Range<usize>, Problem);

/// An unknown key.
pub(crate) fn unknown_key(what: &'static str, key: &str, known: &'static [&'static str]) -> Problem {
    Problem::Key { what, key: key.to_owned(), near: near(key, known.iter().copied()), known }
}

/// Puts `problem` at its place.
pub(crate) fn place(source: &Source, (span, problem): Wrong) -> Error {
    Error { source: source.clone(), span, problem: Box::new(problem) }
}

/// Each value of an entry, read by `one`; each that can't be is noted, and then there are none.
fn each<T>(
    entry: &Entry,
    one: impl Fn(&Word) -> Result<T, Problem>,
    wrong: &mut Vec<Wrong>,
) -> Option<Vec<T>> {
    if entry.values.is_empty() {
        wrong.push((entry.at.clone(), Problem::Empty(entry.key.clone())));
        return None;
    }
    let mut read = Vec::with_capacity(entry.values.len());
    for (word, at) in &entry.values {
        match one(word) {
            Ok(value) => read.push(value),
            Err(problem) => wrong.push((at.clone(), problem)),
        }
    }
    (read.len() == entry.values.len()).then_some(read)
}

/// What has to match, of the entries that say so. `wrong` are the mistakes of the same rule; while there are any, it is not
/// asked whether its keys go together.
pub(crate) fn matcher(entries: &[Entry], whole: &Range<usize>, wrong: &mut Vec<Wrong>) -> Matcher {
    let mut matcher = Matcher::default();
    for entry in entries {
        match entry.key.as_str() {
            "call" => {
                let calls = each(entry, values::calls, wrong).unwrap_or_default();
                matcher.calls = calls.into_iter().reduce(|a, b| a.and(b));
            }
            "family" => matcher.families = each(entry, values::family, wrong),
            "type" => matcher.types = each(entry, values::socket_type, wrong),
            "protocol" => matcher.protocols = each(entry, values::protocol, wrong),
            "address" => matcher.addresses = each(entry, values::address, wrong),
            "port" => matcher.ports = each(entry, values::port, wrong),
            "option" => matcher.options = each(entry, values::option, wrong),
            _ => {}
        }
    }
    if wrong.is_empty() {
        if matcher == Matcher::default() {
            wrong.push((whole.clone(), Problem::NoMatcher));
        } else if let Err(never) = fits(&matcher, entries, whole) {
            wrong.push(never);
        } else {
            ports_fit(&matcher, entries, wrong);
        }
    }
    matcher
}

/// Refuses what can never match: whoever writes it means something else.
fn fits(matcher: &Matcher, entries: &[Entry], whole: &Range<usize>) -> Result<(), Wrong> {
    let at = |key: &str| {
        entries.iter().find(|entry| entry.key == key).map_or_else(|| whole.clone(), |e| e.at.clone())
    };
    let never = |key: &str, why: String| Err((at(key), Problem::Never(why)));
    if matcher.options.is_some() {
        for key in ["family", "type", "protocol", "address", "port"] {
            if entries.iter().any(|entry| entry.key == key) {
                return never(key, format!("a call that has an option has no {key} to judge it by"));
            }
        }
        if let Some(calls) = matcher.calls.filter(|calls| !calls.meets(OPTION)) {
            return never("option", format!("{calls} has no option"));
        }
    }
    if let Some(calls) = matcher.calls {
        let key = if matcher.addresses.is_some() { "address" } else { "port" };
        if matcher.has_address() && !calls.meets(ADDRESSED) {
            return never(key, format!("{calls} has no address; bind, connect, listen and send have"));
        }
        if matcher.has_socket() && !calls.meets(ADDRESSED.and(CREATE)) {
            let key =
                ["family", "type", "protocol"].into_iter().find(|key| entries.iter().any(|e| e.key == *key));
            let why = "is judged by its name alone; make a rule about create, by which sockets come to be";
            return never(key.unwrap_or("family"), format!("{calls} {why}"));
        }
    }
    if matcher.has_address() {
        let mut patterns = matcher.addresses.iter().flatten();
        let unix = |pattern: &Pattern| matches!(pattern, Pattern::Path(..) | Pattern::Abstract(..));
        if matcher.ports.is_some() && patterns.any(unix) {
            return never("port", "a unix socket has no port".to_owned());
        }
        let families = matcher.address_families();
        let own = matcher.families.as_deref();
        // A rule on 10.0.0.0/8 can match an inet socket and an inet6 one; it must be one of those it asks for.
        let possible: Vec<u32> =
            families.iter().copied().filter(|f| own.is_none_or(|own| own.contains(f))).collect();
        if possible.is_empty() {
            let key = if matcher.addresses.is_some() { "address" } else { "port" };
            return never(key, "no socket of its family has such an address that can be judged".to_owned());
        }
        let modelled =
            Socket::MODELLED.iter().any(|s| possible.contains(&s.family) && matcher.takes(*s, s.family));
        if !modelled {
            let why = "addresses are judged of TCP, MPTCP, UDP, ping, unix and vsock sockets alone";
            return never(if matcher.protocols.is_some() { "protocol" } else { "type" }, why.to_owned());
        }
    }
    if let (Some(protocols), Some(families)) = (&matcher.protocols, &matcher.families) {
        let has = |family: &u32| {
            protocols.iter().any(|p| p.named.is_empty() || p.named.iter().any(|(f, _)| f == family))
        };
        if !families.iter().any(has) {
            let all: Vec<_> = families.iter().map(|family| names::family_name(*family)).collect();
            return never("protocol", format!("{} has no such protocol", all.join(", ")));
        }
    }
    Ok(())
}

/// Notes each port that none of the rule's families has.
fn ports_fit(matcher: &Matcher, entries: &[Entry], wrong: &mut Vec<Wrong>) {
    let own = matcher.families.as_deref();
    let vsock = matcher.has_addresses_of(VSOCK) && own.is_none_or(|own| own.contains(&VSOCK));
    let most = if vsock { u32::MAX } else { 65_535 };
    let values = entries.iter().filter(|entry| entry.key == "port").flat_map(|entry| &entry.values);
    for (range, (_, span)) in matcher.ports.iter().flatten().zip(values) {
        if *range.end() > most {
            wrong.push((span.clone(), Problem::Number { what: "a port", least: 0, most }));
        }
    }
}

/// The action of a name; a denial's errno is the one that was asked for, or `errno`.
pub(crate) fn action(name: &str, errno: Errno) -> Option<Action> {
    match name {
        "allow" => Some(Action::Allow),
        "log" => Some(Action::Log),
        "deny" => Some(Action::Deny(errno)),
        "kill" => Some(Action::Kill),
        _ => None,
    }
}

/// The errno of an entry, if there is one; which goes with a denial only.
pub(crate) fn errno(entries: &[Entry], wrong: &mut Vec<Wrong>) -> Option<(Errno, Range<usize>)> {
    let entry = entries.iter().find(|entry| entry.key == "errno")?;
    let errno = each(entry, values::errno, wrong);
    if let Some((_, span)) = entry.values.get(1) {
        let problem =
            Problem::Type { key: "errno".to_owned(), expected: "one name or number", found: "a second one" };
        wrong.push((span.clone(), problem));
    }
    errno?.first().map(|errno| (*errno, entry.at.clone()))
}

impl Rule {
    /// Reads a short rule, as `--deny` and `--allow` have them: `family=alg,vsock type=stream`. `option` is the
    /// option's name.
    ///
    /// # Errors
    /// The first mistake, with its place in `text`.
    pub fn short(option: &str, denies: bool, text: &str) -> Result<Rule, Error> {
        let source = Source::new(option, text);
        let read = || -> Result<Rule, Wrong> {
            let entries = words(text)?;
            let mut wrong = Vec::new();
            let own = errno(&entries, &mut wrong);
            if let (Some((_, span)), false) = (&own, denies) {
                wrong.push((span.clone(), Problem::Errno));
            }
            let errno = own.map_or(Errno::EACCES, |(errno, _)| errno);
            let action = if denies { Action::Deny(errno) } else { Action::Allow };
            let matcher = matcher(&entries, &(0..text.len()), &mut wrong);
            match wrong.into_iter().next() {
                Some(first) => Err(first),
                None => Ok(Rule { action, matcher, reason: None, source: source.clone(), line: 1 }),
            }
        };
        read().map_err(|wrong| place(&source, wrong))
    }
}

/// `KEY=VALUE,VALUE KEY=VALUE`
fn words(text: &str) -> Result<Vec<Entry>, Wrong> {
    let mut entries: Vec<Entry> = Vec::new();
    for word in text.split_whitespace() {
        // Each word is a part of the text.
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        let at = start..start + word.len();
        let Some((key, list)) = word.split_once('=') else {
            return Err((at, Problem::NoValue(word.to_owned())));
        };
        let at = start..start + key.len();
        if !SHORT.contains(&key) {
            return Err((at, unknown_key("a short rule", key, &SHORT)));
        }
        if entries.iter().any(|entry| entry.key == key) {
            return Err((at, Problem::Twice(key.to_owned())));
        }
        let values = list.split(',').filter(|value| !value.is_empty()).map(|value| {
            let start = value.as_ptr().addr() - text.as_ptr().addr();
            (Word::bare(value), start..start + value.len())
        });
        entries.push(Entry { key: key.to_owned(), at, values: values.collect() });
    }
    Ok(entries)
}
