//! Reading a policy's file. TOML, read by hand: every mistake knows its place.

use std::ops::Range;

use abi::Errno;
use toml_edit::{Document, Item, Key, TableLike, Value};

use crate::error::{Error, Errors, Problem, Source, near};
use crate::escape::{Escape, KEYS};
use crate::model::{Action, Inherit, Policy, Rule};
use crate::read::{self, Entry, MATCHERS, RULE, Wrong, unknown_key};
use crate::values::Word;

/// The keys of a policy.
const POLICY: [&str; 5] = ["default", "errno", "inherit", "escape", "rule"];

impl Policy {
    /// Reads a policy; `name` is its file's.
    ///
    /// # Errors
    /// Every mistake. Whether a rule's keys go together is asked once each of them is right.
    pub fn parse(name: &str, text: &str) -> Result<Policy, Errors> {
        let source = Source::new(name, text);
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let problem = Problem::Syntax(error.message().trim().replace('\n', ", "));
                return Err(Errors(vec![read::place(&source, (span, problem))]));
            }
        };
        let lines = text.match_indices('\n').map(|(at, _)| at).collect();
        let mut reader = Reader { source, lines, wrong: Vec::new() };
        let policy = reader.policy(document.as_table());
        reader.wrong.sort_by_key(|error| error.span.start);
        if reader.wrong.is_empty() { Ok(policy) } else { Err(Errors(reader.wrong)) }
    }
}

struct Reader {
    source: Source,
    /// Where lines end.
    lines: Vec<usize>,
    wrong: Vec<Error>,
}

/// The name of what an item is.
fn kind(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Table(_) | Item::Value(Value::InlineTable(_)) => "a table",
        Item::ArrayOfTables(_) => "an array of tables",
        Item::Value(Value::String(_)) => "a string",
        Item::Value(Value::Integer(_)) => "a number",
        Item::Value(Value::Float(_)) => "a number with a point",
        Item::Value(Value::Boolean(_)) => "true or false",
        Item::Value(Value::Datetime(_)) => "a date",
        Item::Value(Value::Array(_)) => "an array",
    }
}

/// The place of a key.
fn key_span(key: &Key, item: &Item) -> Range<usize> {
    key.span().or_else(|| item.span()).unwrap_or(0..0)
}

fn wrong_type(key: &str, item: &Item, at: Range<usize>, expected: &'static str) -> Wrong {
    let problem = Problem::Type { key: key.to_owned(), expected, found: kind(item) };
    (item.span().unwrap_or(at), problem)
}

/// A name among several.
fn choice<T>(
    key: &'static str,
    (own, item): (&Key, &Item),
    names: &[&'static str],
    expected: &'static str,
    find: impl Fn(&str) -> Option<T>,
) -> Result<T, Wrong> {
    let Some(name) = item.as_str() else { return Err(wrong_type(key, item, key_span(own, item), expected)) };
    find(name).ok_or_else(|| {
        let near = near(name, names.iter().copied());
        let problem = Problem::Name { what: key, name: name.to_owned(), near };
        (item.span().unwrap_or_default(), problem)
    })
}

/// The keys of a table and their items; unknown ones are mistakes.
fn entries<'a>(
    what: &'static str,
    table: &'a dyn TableLike,
    known: &'static [&'static str],
    wrong: &mut Vec<Wrong>,
) -> Vec<(&'a Key, &'a Item)> {
    let mut all = Vec::new();
    for (name, _) in table.iter() {
        let Some((key, item)) = table.get_key_value(name) else { continue };
        if known.contains(&name) {
            all.push((key, item));
        } else {
            wrong.push((key_span(key, item), unknown_key(what, name, known)));
        }
    }
    all
}

const ACTIONS: [&str; 4] = ["allow", "deny", "kill", "log"];
const ACTIONS_EXPECTED: &str = "one of \"allow\", \"deny\", \"kill\" and \"log\"";

impl Reader {
    /// Notes a mistake.
    fn note<T>(&mut self, read: Result<T, Wrong>) -> Option<T> {
        read.map_err(|wrong| self.wrong.push(read::place(&self.source, wrong))).ok()
    }

    /// Notes several.
    fn note_all(&mut self, wrong: Vec<Wrong>) {
        self.wrong.extend(wrong.into_iter().map(|wrong| read::place(&self.source, wrong)));
    }

    fn policy(&mut self, table: &toml_edit::Table) -> Policy {
        let mut wrong = Vec::new();
        let entries = entries("a policy", table, &POLICY, &mut wrong);
        let get = |name: &str| entries.iter().find(|(key, _)| key.get() == name).copied();
        let errno = get("errno").and_then(|entry| {
            let entry = entry_of(entry, &mut wrong)?;
            read::errno(&[entry], &mut wrong)
        });
        self.note_all(wrong);
        let errno = errno.map_or(Errno::EACCES, |(errno, _)| errno);
        let mut policy = Policy::new(Action::Deny(errno));
        match get("default") {
            None => {
                let problem = Problem::Missing { what: "a policy", key: "default" };
                self.note::<()>(Err((0..0, problem)));
            }
            Some(entry) => {
                let find = |name: &str| read::action(name, errno);
                let default = choice("default", entry, &ACTIONS, ACTIONS_EXPECTED, find);
                policy.default = self.note(default).unwrap_or(policy.default);
            }
        }
        if let Some(entry) = get("inherit") {
            let find = |name: &str| match name {
                "allow" => Some(Inherit::Allow),
                "deny" => Some(Inherit::Deny),
                _ => None,
            };
            let inherit = choice("inherit", entry, &["allow", "deny"], "\"allow\" or \"deny\"", find);
            policy.inherit = self.note(inherit).unwrap_or_default();
        }
        if let Some((key, item)) = get("escape") {
            policy.escapes = self.escapes(key, item);
        }
        if let Some((key, item)) = get("rule") {
            policy.rules = self.rules(key, item, errno);
        }
        policy
    }

    fn escapes(&mut self, key: &Key, item: &Item) -> Vec<Escape> {
        let Some(table) = item.as_table_like() else {
            self.note::<()>(Err(wrong_type("escape", item, key_span(key, item), "a table")));
            return Vec::new();
        };
        let (mut open, mut wrong) = (Vec::new(), Vec::new());
        let entries = entries("`escape`", table, &KEYS, &mut wrong);
        self.note_all(wrong);
        for (key, item) in entries {
            match item.as_bool() {
                None => {
                    let wrong = wrong_type(key.get(), item, key_span(key, item), "true or false");
                    self.note::<()>(Err(wrong));
                }
                Some(false) => {}
                Some(true) => open.extend(Escape::ALL.iter().find(|escape| escape.key() == key.get())),
            }
        }
        open
    }

    fn rules(&mut self, key: &Key, item: &Item, errno: Errno) -> Vec<Rule> {
        let mut rules = Vec::new();
        match item {
            Item::ArrayOfTables(tables) => {
                for table in tables {
                    let span = table.span().unwrap_or_default();
                    let rule = self.rule(table, span, errno);
                    rules.extend(rule);
                }
            }
            Item::Value(Value::Array(array)) => {
                for value in array {
                    let span = value.span().unwrap_or_default();
                    match value.as_inline_table() {
                        Some(table) => {
                            let rule = self.rule(table, span, errno);
                            rules.extend(rule);
                        }
                        None => {
                            let item = Item::Value(value.clone());
                            self.note::<()>(Err(wrong_type("rule", &item, span, "an array of tables")));
                        }
                    }
                }
            }
            _ => {
                self.note::<()>(Err(wrong_type(
                    "rule",
                    item,
                    key_span(key, item),
                    "an array of tables, [[rule]]",
                )));
            }
        }
        rules
    }

    fn rule(&mut self, table: &dyn TableLike, span: Range<usize>, errno: Errno) -> Option<Rule> {
        let mut wrong = Vec::new();
        let entries = entries("a rule", table, &RULE, &mut wrong);
        let rule = self.read_rule(&entries, span, errno, &mut wrong).filter(|_| wrong.is_empty());
        self.note_all(wrong);
        rule
    }

    /// A rule of these keys, if all that it needs is there. What is wrong is noted, whichever of them it is.
    fn read_rule(
        &self,
        entries: &[(&Key, &Item)],
        span: Range<usize>,
        errno: Errno,
        wrong: &mut Vec<Wrong>,
    ) -> Option<Rule> {
        let get = |name: &str| entries.iter().find(|(key, _)| key.get() == name).copied();
        // A table's span reaches over its header and its keys: the header says enough.
        let text = &self.source.text[span.clone()];
        let head = span.start..span.start + text.find('\n').unwrap_or(text.len());
        let values: Vec<Entry> = entries
            .iter()
            .filter(|(key, _)| key.get() != "action" && key.get() != "reason")
            .filter_map(|entry| entry_of(*entry, wrong))
            .collect();
        let own = read::errno(&values, wrong);
        let find = |name: &str| read::action(name, own.as_ref().map_or(errno, |(errno, _)| *errno));
        let action = match get("action") {
            Some(action) => choice("action", action, &ACTIONS, ACTIONS_EXPECTED, find),
            None => Err((head.clone(), Problem::Missing { what: "a rule", key: "action" })),
        };
        let action = action.map_err(|problem| wrong.push(problem)).ok();
        if let (Some((_, at)), Some(Action::Allow | Action::Log | Action::Kill)) = (own, action) {
            wrong.push((at, Problem::Errno));
        }
        let mut reason = None;
        if let Some((key, item)) = get("reason") {
            reason = item.as_str().map(str::to_owned);
            if reason.is_none() {
                wrong.push(wrong_type("reason", item, key_span(key, item), "a string"));
            }
        }
        let matchers: Vec<Entry> =
            values.into_iter().filter(|entry| MATCHERS.contains(&entry.key.as_str())).collect();
        let matcher = read::matcher(&matchers, &head, wrong);
        let line = 1 + self.lines.partition_point(|end| *end < head.start);
        Some(Rule { action: action?, matcher, reason, source: self.source.clone(), line })
    }
}

/// What the values of a key are.
fn expected(key: &str) -> &'static str {
    match key {
        "call" | "option" => "a name or an array of them",
        "address" => "an address in quotes or an array of them",
        "port" => "a number, a range in quotes or an array of them",
        "errno" => "a name or a number",
        _ => "a name, a number or an array of them",
    }
}

/// A key and its values; each that is of another type is a mistake. `None` without any value that can be read.
fn entry_of((key, item): (&Key, &Item), wrong: &mut Vec<Wrong>) -> Option<Entry> {
    let at = key_span(key, item);
    let word = |value: &Value| match value {
        Value::String(text) => Some(Word::Text(text.value().clone())),
        Value::Integer(number) => Some(Word::Number(*number.value())),
        _ => None,
    };
    let name = key.get();
    let span = |value: &Value| value.span().unwrap_or_else(|| at.clone());
    let before = wrong.len();
    let mut values = Vec::new();
    match item {
        Item::Value(Value::Array(array)) => {
            for value in array {
                match word(value) {
                    Some(word) => values.push((word, span(value))),
                    None => {
                        let item = Item::Value(value.clone());
                        wrong.push(wrong_type(name, &item, span(value), expected(name)));
                    }
                }
            }
        }
        Item::Value(value) if word(value).is_some() => {
            values.extend(word(value).map(|word| (word, span(value))))
        }
        _ => wrong.push(wrong_type(name, item, at.clone(), expected(name))),
    }
    let readable = !values.is_empty() || wrong.len() == before;
    readable.then(|| Entry { key: name.to_owned(), at, values })
}
