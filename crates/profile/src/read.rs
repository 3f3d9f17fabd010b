//! Reading a [`Node`] as what it is to be; each refusal names the place.

use std::collections::BTreeSet;

use crate::document::Warning;
use crate::error::{Error, Position, Problem};
use crate::json::{Member, Node, Value};
use crate::near::near;

/// The text, and what was strange on the way.
pub(crate) struct Reader<'a> {
    text: &'a str,
    /// The byte where, and what.
    warnings: Vec<(usize, String)>,
}

/// An object's fields. `null` is like no field, as it is for Go.
pub(crate) struct Fields<'a> {
    members: &'a [Member],
}

impl<'a> Fields<'a> {
    /// The value of `field`.
    pub fn get(&self, field: &str) -> Option<&'a Node> {
        let member = self.members.iter().find(|member| member.key == field)?;
        (member.node.value != Value::Null).then_some(&member.node)
    }

    /// Where the name of `field` stands, if it has a value.
    pub fn at(&self, field: &str) -> Option<usize> {
        self.get(field)?;
        self.members.iter().find(|member| member.key == field).map(|member| member.at)
    }
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Reader<'a> {
        Reader { text, warnings: Vec::new() }
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The warnings, in the text's order. It is walked once for all of them: nobody says how many there are.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.sort_by_key(|(at, _)| *at);
        let (mut place, mut from) = (Position::START, 0);
        let placed = warnings.into_iter().map(|(at, text)| {
            place = place.after(&self.text[from..at]);
            from = at;
            Warning { position: place, text }
        });
        placed.collect()
    }

    pub fn error(&self, at: usize, problem: Problem) -> Error {
        Error::at(self.text, at, problem)
    }

    /// An unknown name, with those of `names` that are near.
    pub fn unknown<'b>(
        &self,
        at: usize,
        what: &'static str,
        name: &str,
        names: impl IntoIterator<Item = &'b str>,
    ) -> Error {
        self.error(at, Problem::Unknown { what, name: name.to_owned(), near: near(name, names) })
    }

    fn wrong(&self, node: &Node, what: &str, expected: &'static str) -> Error {
        let found = match &node.value {
            Value::Number(number) => number.clone(),
            other => other.kind().to_owned(),
        };
        self.error(node.start, Problem::Type { what: what.to_owned(), expected, found })
    }

    /// An object with any fields.
    pub fn object<'n>(&self, node: &'n Node, what: &'static str) -> Result<Fields<'n>, Error> {
        let Value::Object(members) = &node.value else { return Err(self.wrong(node, what, "an object")) };
        let mut keys = BTreeSet::new();
        if let Some(twice) = members.iter().find(|member| !keys.insert(&member.key)) {
            return Err(self.error(twice.at, Problem::Twice(twice.key.clone())));
        }
        Ok(Fields { members })
    }

    /// An object of which the fields `known` mean something. Runtimes ignore others; one whose name is near to
    /// a known one is a mistake all the same, and a rule without its `args` is a dangerous one.
    pub fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &'static str,
        known: &[&str],
    ) -> Result<Fields<'n>, Error> {
        let fields = self.object(node, what)?;
        for member in fields.members.iter().filter(|member| !known.contains(&member.key.as_str())) {
            let near = near(&member.key, known.iter().copied());
            if !near.is_empty() {
                let name = member.key.clone();
                return Err(self.error(member.at, Problem::Unknown { what: "field", name, near }));
            }
            let text = format!("{what} has no field `{}`: runtimes ignore it", member.key.escape_debug());
            self.warnings.push((member.at, text));
        }
        Ok(fields)
    }

    /// An array, empty where there is none.
    pub fn array<'n>(&self, node: Option<&'n Node>, what: &'static str) -> Result<&'n [Node], Error> {
        match node.map(|node| (node, &node.value)) {
            None => Ok(&[]),
            Some((_, Value::Array(items))) => Ok(items),
            Some((node, _)) => Err(self.wrong(node, what, "an array")),
        }
    }

    /// A string.
    pub fn string<'n>(&self, node: &'n Node, what: &str) -> Result<&'n str, Error> {
        match &node.value {
            Value::String(string) => Ok(string),
            _ => Err(self.wrong(node, what, "a string")),
        }
    }

    /// An array of strings.
    pub fn strings(&self, node: &Node, what: &'static str) -> Result<(), Error> {
        self.array(Some(node), what)?.iter().try_for_each(|node| self.string(node, what).map(drop))
    }

    /// A number that fits in 64 bits without a sign. Go takes no other, not even `1.0`.
    pub fn unsigned(&self, node: &Node, what: &str) -> Result<u64, Error> {
        let number = match &node.value {
            Value::Number(number) => number.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong(node, what, "a number of 0 to 2^64-1"))
    }
}
