//! `--json` tells what strace tells: each object is read, written and read again, and turned into the line that strace
//! has for the same event with all arguments raw.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::compare::{compare, summary};
use super::guests::Entry;
use super::normal::{Shape, normal};
use super::table::{EACH_SIZE, Output, Row, Traced};
use super::{KINDS, Oracle};
use crate::report::Outcome;

/// What strace is asked for.
const RAW: Row = Row { options: &["-e", "raw=all"], shape: PLAIN, output: Output::File };

const JSON: Row = Row { options: &["--json"], shape: PLAIN, output: Output::File };

const PLAIN: Shape = Shape { stamped: false, timed: false, described: false, counted: false };

/// Events of which strace has no line where it writes to a file.
const SILENT: &[&str] = &["attached", "detached", "mode"];

impl Oracle {
    /// Traces a guest by strace and as JSON, and compares.
    pub(super) fn objects_agree(&self, traced: &Traced) -> Result<Outcome> {
        let mut lines = 0;
        for &entry in EACH_SIZE {
            let expected = self.trace(&self.strace, traced, &RAW, entry)?;
            let ours = self.trace(&self.ours, traced, &JSON, entry)?;
            let expected = normal(&whole(&expected.text).join("\n"), PLAIN);
            let mut told = Vec::new();
            for object in ours.text.lines() {
                told.extend(line_of(object, entry).with_context(|| object.to_owned())?);
            }
            let mismatches = compare(&expected, &normal(&told.join("\n"), PLAIN));
            ensure!(mismatches.is_empty(), "{}\n{}", ours.command, summary(&mismatches, KINDS));
            lines += expected.len();
        }
        Ok(Outcome::Passed(format!("{lines} objects, as strace {}", self.version)))
    }
}

/// strace's lines: a call that was resumed in one line, at its end, without padding and without words.
fn whole(text: &str) -> Vec<String> {
    let mut pending: HashMap<&str, String> = HashMap::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let (task, event) =
            line.split_at(line.find(' ').map_or(line.len(), |at| line.len().min(at.max(5) + 1)));
        if let Some(name) = event.strip_prefix("--- SIG").and_then(|rest| rest.split_once(" {")) {
            lines.push(format!("{task}--- SIG{}", name.0));
            continue;
        }
        if event.starts_with(['-', '+']) {
            lines.push(line.to_owned());
            continue;
        }
        if let Some(begun) = event.strip_suffix(" <unfinished ...>") {
            pending.insert(task, begun.to_owned());
            continue;
        }
        let event = match event.strip_prefix("<... ").and_then(|event| event.split_once(" resumed>")) {
            Some((_, rest)) => {
                let result = &rest[rest.find(')').unwrap_or(rest.len())..];
                format!("{}{result}", pending.remove(task).unwrap_or_default())
            }
            None => event.to_owned(),
        };
        let Some((call, result)) = event.split_once(')') else {
            lines.push(line.to_owned());
            continue;
        };
        let result = result.trim_start().trim_start_matches("= ");
        let result = result.split(" (").next().unwrap_or_default();
        lines.push(format!("{task}{call}) = {result}"));
    }
    lines
}

/// The line of an object, none for what strace is silent about.
fn line_of(object: &str, entry: Entry) -> Result<Option<String>> {
    let value: Value = serde_json::from_str(object)?;
    let again: Value = serde_json::from_str(&value.to_string())?;
    ensure!(same(&value, &again), "it changes when it is written and read again");
    let text = |key: &str| value[key].as_str().with_context(|| format!("`{key}` is no string"));
    let number = |key: &str| value[key].as_i64().with_context(|| format!("`{key}` is no number"));
    for key in ["time", "monotonic"] {
        ensure!(value[key].as_f64().is_some_and(|time| time > 0.0), "`{key}` is no time");
    }
    let event = text("event")?;
    let told = match event {
        "call" => call(&value, entry)?,
        "signal" => format!("--- {}", text("signal")?),
        "stopped" => format!("--- stopped by {} ---", text("signal")?),
        "exited" => format!("+++ exited with {} +++", number("exit_status")?),
        "killed" => {
            let core = if value["core"] == Value::Bool(true) { " (core dumped)" } else { "" };
            format!("+++ killed by {}{core} +++", text("signal")?)
        }
        "superseded" => format!("+++ superseded by execve in pid {} +++", number("by")?),
        event if SILENT.contains(&event) => return Ok(None),
        event => bail!("`{event}` is no event that is known"),
    };
    Ok(Some(format!("{:<5} {told}", number("pid")?)))
}

/// Whether two values are equal, times to what a double holds of them.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= a.abs() * 1e-15,
            _ => false,
        },
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// A call with its raw arguments.
fn call(value: &Value, entry: Entry) -> Result<String> {
    let name = value["name"].as_str().context("`name` is no string")?;
    ensure!(value["duration"].as_f64().is_some_and(|time| time >= 0.0), "`duration` is no time");
    // The guests make these by their own numbers, whichever entry they were told.
    let is_direct = ["sendfile", "sendfile64", "recvmmsg_time64"].contains(&name);
    let way = if is_direct && entry != Entry::X86_64 { "direct" } else { entry.name() };
    ensure!(value["entry"] == way, "came in by {way}");
    let is_multiplexed = ["int80", "vdso"].contains(&way);
    ensure!(value["multiplexed"].is_number() == is_multiplexed, "`multiplexed` is wrong");
    let mut arguments = Vec::new();
    for argument in value["args"].as_array().context("`args` is no array")? {
        ensure!(argument["name"].is_string(), "an argument has no name");
        let raw = argument["raw"].as_u64().context("an argument's `raw` is no number")?;
        arguments.push(hexadecimal(raw));
    }
    let error = value["error"].as_str();
    ensure!(error.is_some() == value["errno"].is_number(), "`error` without `errno`, or the other way round");
    let result = match (value["status"].as_str().context("`status` is no string")?, error) {
        ("successful", None) => hexadecimal(value["result"].as_u64().context("`result` is no number")?),
        ("failed", Some(error)) => format!("-1 {error}"),
        (_, Some(error)) => format!("? {error}"),
        _ => "?".to_owned(),
    };
    Ok(format!("{name}({}) = {result}", arguments.join(", ")))
}

/// As strace writes raw values.
fn hexadecimal(value: u64) -> String {
    if value == 0 { "0".to_owned() } else { format!("{value:#x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resumed_calls_are_put_together() {
        let text = "77    recv(0x3, 0x20 <unfinished ...>\n78    bind(0x3)  = -1 EBADF (Bad file descriptor)\n\
                    77    <... recv resumed>)               = 0x7\n\
                    77    send(0x1 <unfinished ...>\n77    <... send resumed>) = -1 EPIPE (Broken pipe)\n\
                    78    recv(0 <unfinished ...>\n78    <... recv resumed> <unfinished ...>) = ?\n77    --- SIGHUP {si_signo=SIGHUP} ---\n\
                    77    +++ exited with 0 +++\n77    recv(0x3) = ? ERESTARTSYS (To be restarted)";
        assert_eq!(
            whole(text),
            [
                "78    bind(0x3) = -1 EBADF",
                "77    recv(0x3, 0x20) = 0x7",
                "77    send(0x1) = -1 EPIPE",
                "78    recv(0) = ?",
                "77    --- SIGHUP",
                "77    +++ exited with 0 +++",
                "77    recv(0x3) = ? ERESTARTSYS"
            ]
        );
    }

    #[test]
    fn an_object_is_a_line() {
        let object = |result: &str| {
            format!(
                r#"{{"event":"call","pid":7,"time":1.5,"monotonic":2.5,"name":"bind","entry":"int80","multiplexed":2,
                "args":[{{"name":"fd","raw":3}},{{"name":"addr","raw":0}}],{result},"duration":0.1}}"#
            )
        };
        let line = |result| line_of(&object(result), Entry::Int80).map(Option::unwrap);
        let good = line(r#""status":"successful","result":16,"errno":null,"error":null"#);
        assert_eq!(good.unwrap(), "7     bind(0x3, 0) = 0x10");
        let failed = line(r#""status":"failed","result":null,"errno":9,"error":"EBADF""#);
        assert_eq!(failed.unwrap(), "7     bind(0x3, 0) = -1 EBADF");
        assert!(line(r#""status":"failed","result":null,"errno":null,"error":"EBADF""#).is_err());
        let object = object(r#""status":"successful","result":0,"errno":null,"error":null"#);
        assert!(line_of(&object, Entry::Direct).is_err());
        assert!(line_of(r#"{"event":"news","pid":7,"time":1.5,"monotonic":2.5}"#, Entry::Int80).is_err());
    }
}
