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
    /// Every mistake: of a rule the first.
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

const ACTIONS: [&str; 4] = ["allow", "deny", "kill", "log"];
const ACTIONS_EXPECTED: &str = "one of \"allow\", \"deny\", \"kill\" and \"log\"";

impl Reader {
    /// Notes a mistake.
    fn note<T>(&mut self, read: Result<T, Wrong>) -> Option<T> {
        read.map_err(|wrong| self.wrong.push(read::place(&self.source, wrong))).ok()
    }

    /// The keys of a table and their items; unknown ones are noted.
    fn entries<'a>(
        &mut self,
        what: &'static str,
        table: &'a dyn TableLike,
        known: &'static [&'static str],
    ) -> Vec<(&'a Key, &'a Item)> {
        let mut all = Vec::new();
        for (name, _) in table.iter() {
            let Some((key, item)) = table.get_key_value(name) else { continue };
            if known.contains(&name) {
                all.push((key, item));
            } else {
                self.note::<()>(Err((key_span(key, item), unknown_key(what, name, known))));
            }
        }
        all
    }

    fn policy(&mut self, table: &toml_edit::Table) -> Policy {
        let entries = self.entries("a policy", table, &POLICY);
        let get = |name: &str| entries.iter().find(|(key, _)| key.get() == name).copied();
        let errno = get("errno").and_then(|entry| {
            let read = entry_of(entry).and_then(|entry| read::errno(&[entry]));
            self.note(read).flatten()
        });
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
        let mut open = Vec::new();
        for (key, item) in self.entries("`escape`", table, &KEYS) {
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
        let before = self.wrong.len();
        let entries = self.entries("a rule", table, &RULE);
        if self.wrong.len() > before {
            return None;
        }
        let read = self.read_rule(&entries, span, errno);
        self.note(read)
    }

    fn read_rule(&self, entries: &[(&Key, &Item)], span: Range<usize>, errno: Errno) -> Result<Rule, Wrong> {
        let get = |name: &str| entries.iter().find(|(key, _)| key.get() == name).copied();
        // A table's span reaches over its header and its keys: the header says enough.
        let text = &self.source.text[span.clone()];
        let head = span.start..span.start + text.find('\n').unwrap_or(text.len());
        let Some(action) = get("action") else {
            return Err((head, Problem::Missing { what: "a rule", key: "action" }));
        };
        let values: Vec<Entry> = entries
            .iter()
            .filter(|(key, _)| key.get() != "action" && key.get() != "reason")
            .copied()
            .map(entry_of)
            .collect::<Result<_, _>>()?;
        let own = read::errno(&values)?;
        let find = |name: &str| read::action(name, own.as_ref().map_or(errno, |(errno, _)| *errno));
        let action = choice("action", action, &ACTIONS, ACTIONS_EXPECTED, find)?;
        if let (Some((_, at)), false) = (own, matches!(action, Action::Deny(_))) {
            return Err((at, Problem::Errno));
        }
        let reason = match get("reason") {
            None => None,
            Some((key, item)) => match item.as_str() {
                Some(text) => Some(text.to_owned()),
                None => return Err(wrong_type("reason", item, key_span(key, item), "a string")),
            },
        };
        let matchers: Vec<Entry> =
            values.into_iter().filter(|entry| MATCHERS.contains(&entry.key.as_str())).collect();
        let matcher = read::matcher(&matchers, &head)?;
        let line = 1 + self.lines.partition_point(|end| *end < head.start);
        Ok(Rule { action, matcher, reason, source: self.source.clone(), line })
    }
}

/// A name, a number, or an array of them.
fn entry_of((key, item): (&Key, &Item)) -> Result<Entry, Wrong> {
    let at = key_span(key, item);
    let word = |value: &Value| match value {
        Value::String(text) => Some(Word::Text(text.value().clone())),
        Value::Integer(number) => Some(Word::Number(*number.value())),
        _ => None,
    };
    const EXPECTED: &str = "a name, a number or an array of them";
    let name = key.get();
    let span = |value: &Value| value.span().unwrap_or_else(|| at.clone());
    let values = match item {
        Item::Value(Value::Array(array)) => array
            .iter()
            .map(|value| match word(value) {
                Some(word) => Ok((word, span(value))),
                None => Err(wrong_type(name, &Item::Value(value.clone()), span(value), EXPECTED)),
            })
            .collect::<Result<_, _>>()?,
        Item::Value(value) => match word(value) {
            Some(word) => vec![(word, span(value))],
            None => return Err(wrong_type(name, item, at, EXPECTED)),
        },
        _ => return Err(wrong_type(name, item, at, EXPECTED)),
    };
    Ok(Entry { key: name.to_owned(), at, values })
}
