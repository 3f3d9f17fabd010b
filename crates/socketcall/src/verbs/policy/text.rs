//! For people.

use std::io::Write;

use anyhow::Result;

use ::policy::{Action, Answer, By, Calls, Compiled, Escape, Question};

use super::{Read, remedy};

/// The calls of which memory decides.
fn by_memory(compiled: &Compiled) -> Vec<&'static str> {
    let mut names = Vec::new();
    for call in abi::Call::ALL.into_iter().filter(|call| compiled.reads_memory(*call)) {
        // A name that the kernel has a call for.
        if call.facts().direct_x86_64.name == call.name() {
            names.push(call.name());
        }
    }
    names
}

/// How many rules there are, and which layer decides: `1 rule, default allow; registers decide everything`.
pub fn summary(compiled: &Compiled) -> String {
    let policy = compiled.policy();
    let count = match policy.rules.len() {
        1 => "1 rule".to_owned(),
        count => format!("{count} rules"),
    };
    let layers = match by_memory(compiled).as_slice() {
        [] => "registers decide everything".to_owned(),
        calls => format!("memory decides of {}", calls.join(", ")),
    };
    format!("{count}, default {}; {layers}", policy.default.name())
}

/// `policy check`, of a whole policy.
pub fn whole(read: &Read, compiled: &Compiled, out: &mut dyn Write) -> Result<()> {
    let policy = compiled.policy();
    writeln!(out, "{}: whole: {}", read.name, summary(compiled))?;
    for index in compiled.idle() {
        let rule = &policy.rules[index];
        writeln!(out, "{}: rule {} never decides, rules in front of it do: {rule}", rule.place(), index + 1)?;
    }
    Ok(())
}

/// A verdict in a word or two.
fn fate(action: Action) -> String {
    match action {
        Action::Allow => "permitted".to_owned(),
        Action::Log => "permitted and told".to_owned(),
        Action::Deny(errno) => match errno.name() {
            Some(name) => format!("refused with {name}"),
            None => format!("refused with errno {}", errno.raw()),
        },
        Action::Kill => "killed".to_owned(),
    }
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
    writeln!(out, "{call}: {}, by {}", fate(verdict.action), layer.name())?;
    writeln!(out, "  {}", verdict.why(compiled.policy()))?;
    if let Some(reason) = verdict.reason(compiled.policy()) {
        writeln!(out, "  because: {reason}")?;
    }
    if !verdict.action.permits()
        && let Some(found) = compiled.permitting(question)
    {
        writeln!(out, "  {}", remedy::words("this would permit it", &found, compiled.policy()))?;
    }
    Ok(())
}

/// `policy explain`.
pub fn explain(compiled: &Compiled, out: &mut dyn Write) -> Result<()> {
    let policy = compiled.policy();
    let none = Calls::default();
    for explained in compiled.explain() {
        match explained.by {
            By::Rule(index) => {
                let rule = &policy.rules[index];
                writeln!(out, "rule {} ({}): {rule}", index + 1, rule.place())?;
                if explained.registers == none && explained.memory == none {
                    writeln!(out, "  never decides: rules in front of it do")?;
                }
                let for_address = rule.matcher.has_address();
                if explained.registers != none {
                    let why = if for_address { ": sockets for these addresses can be made" } else { "" };
                    writeln!(out, "  registers: {}{why}", explained.registers)?;
                }
                if explained.memory != none {
                    let why = match (for_address, rule.matcher.families.is_some()) {
                        (true, _) => "the address is in memory",
                        (false, true) => "which family a descriptor has is not in a register",
                        (false, false) => "rules on addresses come in front of it",
                    };
                    writeln!(out, "  memory: {}: {why}", explained.memory)?;
                }
            }
            _ => {
                writeln!(out, "default: {}", policy.default)?;
                if explained.registers != none {
                    writeln!(out, "  registers: {}", explained.registers)?;
                }
                if explained.memory != none {
                    writeln!(out, "  memory: {}", explained.memory)?;
                }
            }
        }
    }
    writeln!(out, "closed, as ways around the rules:")?;
    for (escape, calls) in compiled.closed() {
        let calls = if calls.is_empty() { String::new() } else { format!(": {}", calls.join(", ")) };
        let how = if escape == Escape::Dup2 {
            " (bpf is refused; the others wait for calls that are judged)"
        } else {
            ""
        };
        writeln!(out, "  {}{calls}{how}", escape.key())?;
    }
    Ok(())
}
