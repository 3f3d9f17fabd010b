//! What is told of refusals: who, what, by which rule, and which rule would permit it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use abi::Call;
use anyhow::{Context, Result};
use decode::Request;
use decode::text::{self, Style};
use policy::{Action, By, Copied, OptionPattern, Socket};
use serde_json::json;
use supervise::Refusal;

use super::rules::Rules;

/// Writes a line for each refusal, as long as they aren't too many.
pub struct Refused {
    to: To,
    /// When this second began, how many lines it has had, and how many refusals went untold in it.
    since: Instant,
    lines: u32,
    untold: u64,
}

enum To {
    Stderr,
    Text(File),
    Json(File),
}

/// Lines a second for people, and in files. A program that asks again and again says nothing new, and could fill a disk.
const MOST: u32 = 20;
const MOST_IN_FILES: u32 = 1000;

impl Refused {
    /// Writes where the options say.
    ///
    /// # Errors
    /// A file that can't be made.
    pub fn new(rules: &Rules) -> Result<Refused> {
        let open = |path: &std::path::Path| {
            let file = File::options().create(true).append(true).open(path);
            file.with_context(|| path.display().to_string())
        };
        let to = match (&rules.log, &rules.log_json) {
            (Some(path), _) => To::Text(open(path)?),
            (None, Some(path)) => To::Json(open(path)?),
            (None, None) => To::Stderr,
        };
        Ok(Refused { to, since: Instant::now(), lines: 0, untold: 0 })
    }

    /// Tells of a refusal.
    pub fn tell(&mut self, refusal: &Refusal<'_>) {
        // C libraries try clone3 first, and do without: that is no news.
        if refusal.name == "clone3" {
            return;
        }
        if self.since.elapsed() > Duration::from_secs(1) {
            self.tell_untold();
            (self.since, self.lines) = (Instant::now(), 0);
        }
        self.lines += 1;
        if self.lines > if matches!(self.to, To::Stderr) { MOST } else { MOST_IN_FILES } {
            self.untold += 1;
            return;
        }
        let line = match self.to {
            To::Json(_) => object(refusal),
            To::Stderr | To::Text(_) => line(refusal),
        };
        self.write(&line);
    }

    fn tell_untold(&mut self) {
        if self.untold > 0 {
            let untold = std::mem::take(&mut self.untold);
            self.write(&match self.to {
                To::Json(_) => json!({ "untold": untold }).to_string(),
                To::Stderr | To::Text(_) => format!("and {untold} refused calls more, in a second"),
            });
        }
    }

    /// Nobody is there to be told if a line can't be written, and the program doesn't wait for it.
    fn write(&mut self, line: &str) {
        let _ = match &mut self.to {
            To::Stderr if super::has_room() => writeln!(io::stderr(), "socketcall: {line}"),
            To::Stderr => {
                self.untold += 1;
                Ok(())
            }
            To::Text(file) | To::Json(file) => file.write_all(format!("{line}\n").as_bytes()),
        };
    }
}

impl Refused {
    /// The descriptor that is written to, if it is no standard one.
    pub fn descriptor(&self) -> Option<RawFd> {
        match &self.to {
            To::Stderr => None,
            To::Text(file) | To::Json(file) => Some(file.as_raw_fd()),
        }
    }
}

impl Drop for Refused {
    fn drop(&mut self) {
        self.tell_untold();
    }
}

/// The program's name, as the kernel keeps it.
fn program(tid: i32) -> String {
    let name = fs::read_to_string(format!("/proc/{tid}/comm")).unwrap_or_default();
    name.trim_end().escape_debug().to_string()
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
fn line(refusal: &Refusal<'_>) -> String {
    let mut line = format!(
        "{} ({}): {}: {} by {}",
        program(refusal.tid),
        refusal.tid,
        call(refusal),
        outcome(refusal.verdict.action),
        refusal.verdict.why(refusal.policy)
    );
    if !refusal.verdict.action.permits()
        && let Some(remedy) = remedy(refusal)
    {
        line.push_str("; to permit it: ");
        line.push_str(&remedy);
    }
    line
}

/// One object for machines.
fn object(refusal: &Refusal<'_>) -> String {
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
        "permit": remedy(refusal),
    })
    .to_string()
}

/// The option that would permit the call.
fn remedy(refusal: &Refusal<'_>) -> Option<String> {
    let rule = match (&refusal.judged, &refusal.request) {
        (Some((socket, address)), request) => {
            let call = request.as_ref()?.asked.form.call?;
            let address = address.as_deref();
            Copied { call, socket: *socket, address, path: None, flags: 0, control: &[] }.permitting()
        }
        (None, Some(request)) => by_registers(request)?,
        (None, None) => return None,
    };
    Some(format!("--allow '{rule}'"))
}

/// Of a call whose registers decide: a socket, an option, or a call's name.
fn by_registers(request: &Request) -> Option<String> {
    let word = |at: usize| request.asked.words[at] as u32;
    let call = request.asked.form.call?;
    Some(match call {
        Call::Socket | Call::Socketpair => Copied::permitting_socket(Socket::new(word(0), word(1), word(2))),
        Call::Setsockopt | Call::Getsockopt => {
            let option = OptionPattern { level: word(1), name: Some(word(2)) };
            format!("call={} option={option}", call.name())
        }
        call => format!("call={}", call.name()),
    })
}
