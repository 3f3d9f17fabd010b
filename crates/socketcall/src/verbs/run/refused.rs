//! What is told of a refusal: who, what, by which rule, for which reason, and which rules would permit it.

use std::fs;

use abi::Call;
use decode::Request;
use decode::text::{self, Style};
use policy::{Action, Asked, By, Copied, Remedy, Socket};
use serde_json::json;
use supervise::Refusal;

use crate::verbs::policy::remedy;

/// The program's name, as the kernel keeps it.
fn program(tid: i32) -> String {
    let name = fs::read(format!("/proc/{tid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().escape_debug().to_string()
}

/// The call, as strace would write it.
fn call(refusal: &Refusal<'_>) -> String {
    let mut out = format!("{}(", refusal.name);
    match &refusal.request {
        Some(request) => {
            let written = text::arguments(&mut out, request, 0, &Style::default());
            if written < request.arguments.len() {
                out.push_str("...");
            }
        }
        None => out.push_str("..."),
    }
    out.push(')');
    out
}

fn outcome(action: Action) -> String {
    match action {
        Action::Allow => "permitted".into(),
        Action::Log => "permitted, to be told".into(),
        Action::Deny(errno) => format!("refused with {errno}"),
        Action::Kill => "killed for it".into(),
    }
}

/// One line for people.
pub fn line(refusal: &Refusal<'_>) -> String {
    let mut line = format!(
        "{} ({}): {}: {} by {}",
        program(refusal.tid),
        refusal.tid,
        call(refusal),
        outcome(refusal.verdict.action),
        refusal.verdict.why(refusal.policy)
    );
    if let Some(reason) = refusal.verdict.reason(refusal.policy) {
        line.push_str("; because: ");
        line.push_str(reason);
    }
    if let Some(found) = found(refusal) {
        line.push_str("; ");
        line.push_str(&remedy::words("to permit it", &found, refusal.policy));
    }
    remedy::printable(&line)
}

/// One object for machines.
pub fn object(refusal: &Refusal<'_>) -> String {
    let found = found(refusal);
    let (place, rule) = match refusal.verdict.by {
        By::Rule(index) => match refusal.policy.rules.get(index) {
            Some(rule) => (Some(rule.place()), Some(rule.to_string())),
            None => (None, None),
        },
        _ => (None, None),
    };
    json!({
        "pid": refusal.tid,
        "program": program(refusal.tid),
        "call": refusal.name,
        "text": call(refusal),
        "action": refusal.verdict.action.name(),
        "errno": if let Action::Deny(errno) = refusal.verdict.action { Some(errno.to_string()) } else { None },
        "by": refusal.verdict.why(refusal.policy),
        "rule": rule,
        "place": place,
        "reason": refusal.verdict.reason(refusal.policy),
        "permit": found.as_ref().and_then(remedy::options),
        "permit_in_file": found.as_ref().and_then(remedy::tables),
    })
    .to_string()
}

/// The rules that would permit the call.
fn found(refusal: &Refusal<'_>) -> Option<Remedy> {
    let request = refusal.request.as_ref()?;
    let call = request.asked.form.call?;
    if refusal.verdict.action.permits() || matches!(refusal.verdict.by, By::Escape(_)) {
        return None;
    }
    let asked = match &refusal.judged {
        Some(evidence) => Asked::Memory(Copied {
            call,
            socket: evidence.socket,
            address: evidence.address.as_deref(),
            path: evidence.path.as_deref(),
            flags: evidence.flags,
            control: &evidence.control,
        }),
        None => by_registers(call, request),
    };
    refusal.policy.remedy(&asked)
}

/// Of a call whose registers decide: a socket, an option, or a call's name.
fn by_registers(call: Call, request: &Request) -> Asked<'static> {
    let word = |at: usize| request.asked.words[at] as u32;
    match call {
        Call::Socket | Call::Socketpair => Asked::Socket(call, Socket::new(word(0), word(1), word(2))),
        Call::Setsockopt | Call::Getsockopt => Asked::Option(call, word(1), word(2)),
        call => Asked::Name(call),
    }
}
