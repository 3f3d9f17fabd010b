//! For machines; docs/policy.md describes the fields.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use ::policy::{Action, Answer, By, Compiled, Errors, Question, Remedy, Verdict};

use super::{Read, remedy};

/// One object on a line.
fn line(value: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    let text = serde_json::to_string(value)?;
    Ok(writeln!(out, "{text}")?)
}

fn errno(action: Action) -> Option<String> {
    match action {
        Action::Deny(errno) => Some(errno.name().map_or_else(|| errno.raw().to_string(), str::to_owned)),
        _ => None,
    }
}

/// What decided: a word, and of a rule its number and place.
fn by(verdict: Verdict, compiled: &Compiled) -> serde_json::Value {
    let word = match verdict.by {
        By::Rule(index) => {
            let rule = &compiled.policy().rules[index];
            return json!({
                "by": "rule",
                "rule": index + 1,
                "source": &*rule.source.name,
                "line": rule.line,
                "text": rule.to_string(),
                "reason": rule.reason,
            });
        }
        By::Default => "default",
        By::Nothing => "nothing",
        By::Unmodelled => "unmodelled",
        By::Routing => "routing",
        By::Malformed => "malformed",
        By::Unresolved => "unresolved",
        By::Escape(escape) => return json!({ "by": "escape", "escape": escape.key() }),
    };
    json!({ "by": word })
}

/// `policy check`, of a whole policy.
pub fn whole(read: &Read, compiled: &Compiled, out: &mut dyn Write) -> Result<()> {
    let idle = |index: usize| {
        let rule = &compiled.policy().rules[index];
        json!({ "line": rule.line, "rule": index + 1, "message": "never decides: rules in front of it do" })
    };
    let warnings: Vec<_> = compiled.idle().into_iter().map(idle).collect();
    line(
        &json!({
            "file": read.name,
            "whole": true,
            "rules": compiled.policy().rules.len(),
            "default": compiled.policy().default.name(),
            "memory": compiled.needs_memory(),
            "errors": [],
            "warnings": warnings,
        }),
        out,
    )
}

/// `policy check`, of one with mistakes.
pub fn mistakes(read: &Read, errors: &Errors, out: &mut dyn Write) -> Result<()> {
    let error = |error: &::policy::Error| {
        let (row, column) = error.source.position(error.span.start);
        let (end_row, end_column) = error.source.position(error.span.end);
        json!({
            "line": row,
            "column": column,
            "end_line": end_row,
            "end_column": end_column,
            "message": error.problem.to_string(),
            "help": error.problem.label().or_else(|| error.problem.help()),
        })
    };
    let errors: Vec<_> = errors.0.iter().map(error).collect();
    line(&json!({ "file": read.name, "whole": false, "errors": errors, "warnings": [] }), out)
}

/// `policy test`, of one call.
pub fn answer(
    compiled: &Compiled,
    call: &str,
    question: &Question,
    answer: Answer,
    out: &mut dyn Write,
) -> Result<()> {
    let Answer { verdict, layer } = answer;
    let permits = verdict.action.permits();
    let found = if permits { None } else { compiled.permitting(question) };
    line(
        &json!({
            "call": call,
            "permitted": permits,
            "action": verdict.action.name(),
            "errno": errno(verdict.action),
            "layer": layer.name(),
            "decided": by(verdict, compiled),
            "permitting": if let Some(Remedy::Short(rules)) = &found { Some(rules) } else { None },
            "permitting_in_file": found.as_ref().and_then(remedy::tables),
        }),
        out,
    )
}

/// `policy explain`.
pub fn explain(compiled: &Compiled, out: &mut dyn Write) -> Result<()> {
    let policy = compiled.policy();
    let names = |calls: ::policy::Calls| calls.iter().map(abi::Call::name).collect::<Vec<_>>();
    let mut rules = Vec::new();
    let mut default = serde_json::Value::Null;
    for explained in compiled.explain() {
        let (registers, memory) = (names(explained.registers), names(explained.memory));
        let action = match explained.by {
            By::Rule(index) => policy.rules[index].action,
            _ => policy.default,
        };
        let entry = json!({
            "decided": by(Verdict { action, by: explained.by }, compiled),
            "action": action.name(),
            "errno": errno(action),
            "registers": registers,
            "memory": memory,
        });
        if explained.by == By::Default { default = entry } else { rules.push(entry) }
    }
    let closed: serde_json::Map<_, _> = compiled
        .closed()
        .into_iter()
        .map(|(escape, calls)| (escape.key().to_owned(), json!(calls)))
        .collect();
    line(&json!({ "rules": rules, "default": default, "closed": closed }), out)
}
