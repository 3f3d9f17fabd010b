//! The list of what is meant to differ from strace: tests/oracle/differences.toml.

use std::cell::Cell;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use toml_edit::{DocumentMut, Table};

use super::compare::Mismatch;
use super::line::is_of_twenty;

/// A difference that is meant.
#[derive(Debug)]
struct Entry {
    call: String,
    /// The field, with all inside of it.
    field: String,
    /// What strace's line, or ours where it has none, must hold besides.
    when: Option<String>,
    /// The options under which it is: one of the rows that have one of these. None: all rows.
    options: Vec<String>,
    /// The version of strace that it is for.
    strace: Option<String>,
    used: Cell<bool>,
}

/// The list, as far as it is for one version of strace.
#[derive(Debug)]
pub struct Differences(Vec<Entry>);

const KEYS: &[&str] = &["call", "field", "when", "reason", "options", "strace"];

impl Differences {
    /// Reads the list.
    pub fn read(path: &Path, version: &str) -> Result<Differences> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Differences::parse(&text, version).with_context(|| path.display().to_string())
    }

    fn parse(text: &str, version: &str) -> Result<Differences> {
        let document: DocumentMut = text.parse()?;
        if let Some((key, _)) = document.iter().find(|(key, _)| *key != "difference") {
            bail!("`{key}` is not known: only [[difference]] is");
        }
        let Some(tables) = document.get("difference") else { return Ok(Differences(vec![])) };
        let tables = tables.as_array_of_tables().context("`difference` is not written [[difference]]")?;
        let entries = tables.iter().map(entry).collect::<Result<Vec<_>>>()?;
        let is_for_it = |entry: &Entry| entry.strace.as_deref().is_none_or(|strace| strace == version);
        Ok(Differences(entries.into_iter().filter(is_for_it).collect()))
    }

    /// Whether a difference is listed, in each of its fields. Remembers which entries were needed.
    pub fn excuse(&self, mismatch: &Mismatch, options: &[&str]) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let call = mismatch.call();
        let line = mismatch.expected.as_deref().or(mismatch.ours.as_deref()).unwrap_or_default();
        let mut needed = Vec::new();
        let fields = mismatch.fields();
        if fields.is_empty() {
            return false;
        }
        for field in fields {
            let listed = self.0.iter().find(|entry| {
                entry.call == call
                    && is_inside(&field, &entry.field)
                    && entry.when.as_deref().is_none_or(|when| line.contains(when))
                    && (entry.options.is_empty()
                        || entry.options.iter().any(|option| options.contains(&option.as_str())))
            });
            match listed {
                Some(entry) => needed.push(entry),
                None => return false,
            }
        }
        needed.iter().for_each(|entry| entry.used.set(true));
        true
    }

    /// Entries that excused nothing.
    pub fn stale(&self) -> Vec<String> {
        let stale = self.0.iter().filter(|entry| !entry.used.get());
        stale.map(|entry| format!("{} {}", entry.call, entry.field)).collect()
    }
}

fn is_inside(field: &str, of: &str) -> bool {
    field.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn entry(table: &Table) -> Result<Entry> {
    let string = |key: &str| -> Result<Option<String>> {
        let Some(value) = table.get(key) else { return Ok(None) };
        Ok(Some(value.as_str().with_context(|| format!("`{key}` is not a string"))?.to_owned()))
    };
    let needed = |key: &str| string(key)?.with_context(|| format!("an entry has no `{key}`:\n{table}"));
    if let Some((key, _)) = table.iter().find(|(key, _)| !KEYS.contains(key)) {
        bail!("`{key}` is not known; an entry may have {}", KEYS.join(", "));
    }
    let options = match table.get("options") {
        None => vec![],
        Some(value) => {
            let array = value.as_array().context("`options` is not an array")?;
            let words = array.iter().map(|option| option.as_str().map(str::to_owned));
            words.collect::<Option<Vec<_>>>().context("`options` holds what is not a string")?
        }
    };
    let entry = Entry {
        call: needed("call")?,
        field: needed("field")?,
        when: string("when")?,
        options,
        strace: string("strace")?,
        used: Cell::new(false),
    };
    ensure!(!needed("reason")?.trim().is_empty(), "{} {}: the reason is empty", entry.call, entry.field);
    // An entry for one of strace's versions says what that version does otherwise than the one we follow.
    ensure!(
        !is_of_twenty(&entry.call) || !entry.options.is_empty() || entry.strace.is_some(),
        "{} {}: no difference is allowed in the twenty calls without options",
        entry.call,
        entry.field
    );
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        [[difference]]
        call = "sendmsg"
        field = "msg.msg_control"
        when = "SOL_IPV6"
        options = ["-v"]
        reason = "why"
        [[difference]]
        call = "sendfile"
        field = "result"
        reason = "why"
        strace = "6.13"
    "#;

    fn mismatch(control: &str) -> Mismatch {
        let line = |data| {
            format!("T1 sendmsg(-1, {{msg_control=[{{cmsg_level={control}, cmsg_data={data}}}]}}, 0) = 0")
        };
        Mismatch { expected: Some(line("\"x\"")), ours: Some(line("[1]")) }
    }

    #[test]
    fn what_is_listed_is_excused_and_the_rest_is_stale() {
        let list = Differences::parse(LIST, "7.2").unwrap();
        assert_eq!(list.stale(), ["sendmsg msg.msg_control"]);
        assert!(!list.excuse(&mismatch("SOL_IP"), &["-v"]));
        assert!(!list.excuse(&mismatch("SOL_IPV6"), &[]));
        assert_eq!(list.stale().len(), 1);
        assert!(list.excuse(&mismatch("SOL_IPV6"), &["-s", "8", "-v"]));
        assert!(list.stale().is_empty());
        assert_eq!(Differences::parse(LIST, "6.13").unwrap().stale().len(), 2);
    }

    #[test]
    fn a_list_with_mistakes_is_refused() {
        let refused = |text: &str| format!("{:#}", Differences::parse(text, "7.2").unwrap_err());
        assert!(refused("[[difference]]\ncall = 'x'\nfield = 'y'").contains("no `reason`"));
        assert!(refused("[[difference]]\ncal = 'x'").contains("`cal` is not known"));
        assert!(refused("[[differences]]").contains("`differences` is not known"));
        let twenty = "[[difference]]\ncall = 'bind'\nfield = 'addr'\nreason = 'none'";
        assert!(refused(twenty).contains("no difference is allowed"));
    }
}
