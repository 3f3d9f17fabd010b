//! What is told of refusals: who, what, by which rule, and which rule would permit it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use decode::text::{self, Style};
use decode::{Address, Request};
use policy::{Action, By, Calls, Matcher, OptionPattern, Pattern, Rule, Socket, Source};
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

/// Lines a second. A program that asks again and again says nothing new.
const MOST: u32 = 20;

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
        if self.since.elapsed() > Duration::from_secs(1) {
            self.tell_untold();
            (self.since, self.lines) = (Instant::now(), 0);
        }
        // Files are for machines: nothing is left out there.
        if matches!(self.to, To::Stderr) {
            self.lines += 1;
            if self.lines > MOST {
                self.untold += 1;
                return;
            }
        }
        let line = match self.to {
            To::Json(_) => self::json(refusal),
            To::Stderr | To::Text(_) => line(refusal),
        };
        self.write(&line);
    }

    fn tell_untold(&mut self) {
        if self.untold > 0 {
            let untold = std::mem::take(&mut self.untold);
            self.write(&format!("and {untold} refused calls more, in a second"));
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

fn by(refusal: &Refusal<'_>) -> String {
    match refusal.verdict.by {
        By::Rule(index) => match refusal.policy.rules.get(index) {
            // A short rule's place says it all.
            Some(rule) if rule.source.name.starts_with("--") => rule.place(),
            Some(rule) => format!("{}: {rule}", rule.place()),
            None => "a rule".into(),
        },
        By::Default => "the default".into(),
        By::Nothing => "nothing".into(),
        By::Unmodelled => "the rules on addresses, which don't know this kind of socket".into(),
        By::Routing => "the rules on addresses, since it sends elsewhere".into(),
        By::Malformed => "the rules on addresses, since it has none".into(),
        By::Unresolved => "the rules on paths, since the path leads nowhere".into(),
        By::Escape(escape) => format!("the rules' guard against ways around them ({})", escape.key()),
    }
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
        by(refusal)
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
fn json(refusal: &Refusal<'_>) -> String {
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
        "by": by(refusal),
        "rule": rule,
        "place": place,
        "permit": remedy(refusal),
    })
    .to_string()
}

/// The option that would permit the call.
fn remedy(refusal: &Refusal<'_>) -> Option<String> {
    if let By::Escape(escape) = refusal.verdict.by {
        return Some(format!("escape.{} = true in the policy", escape.key()));
    }
    let matcher = match (&refusal.judged, &refusal.request) {
        (Some((socket, address)), request) => addressed(request.as_ref(), *socket, address.as_deref())?,
        (None, Some(request)) => registers(request)?,
        (None, None) => return None,
    };
    let source = Source::new("--allow", "");
    let rule = Rule { action: Action::Allow, matcher, reason: None, source, line: 1 };
    let text = rule.to_string();
    Some(format!("--allow '{}'", text.strip_prefix("allow ")?))
}

/// Of a call whose registers decide: a family, an option, or a call's name.
fn registers(request: &Request) -> Option<Matcher> {
    use abi::Call;
    let word = |at: usize| request.asked.words[at] as u32;
    let call = request.asked.form.call?;
    Some(match call {
        Call::Socket | Call::Socketpair => {
            let socket = Socket::new(word(0), word(1), word(2));
            Matcher { families: Some(vec![socket.family]), ..Matcher::default() }
        }
        Call::Setsockopt | Call::Getsockopt => {
            let option = OptionPattern { level: word(1), name: Some(word(2)) };
            Matcher { options: Some(vec![option]), ..Matcher::default() }
        }
        call => Matcher { calls: Some(Calls::of(call)), ..Matcher::default() },
    })
}

/// Of a call with an address.
fn addressed(request: Option<&Request>, socket: Socket, address: Option<&[u8]>) -> Option<Matcher> {
    let calls = request.and_then(|request| request.asked.form.call).map(Calls::of);
    let mut matcher = Matcher { calls, ..Matcher::default() };
    let Some(address) = address else {
        matcher.families = Some(vec![socket.family]);
        return Some(matcher);
    };
    let pattern = |text: &str| {
        let rule = Rule::short("--allow", false, &format!("address={text}")).ok()?;
        rule.matcher.addresses?.pop()
    };
    let inet = |ip: std::net::IpAddr, port: u16| -> Option<(Pattern, Option<u16>)> {
        Some((pattern(&ip.to_canonical().to_string())?, Some(port)))
    };
    let (pattern, port) = match Address::parse(address) {
        Address::Inet(to) => inet((*to.ip()).into(), to.port())?,
        Address::Inet6(to) => inet((*to.address.ip()).into(), to.address.port())?,
        Address::Unix(_) => (pattern(&unix(&address[2..])?)?, None),
        Address::Vsock(to) => (Pattern::Vsock(Some(to.cid)), None),
        _ => {
            matcher.families = Some(vec![socket.family]);
            return Some(matcher);
        }
    };
    matcher.addresses = Some(vec![pattern]);
    matcher.ports = port.map(|port| vec![port.into()..=port.into()]);
    Some(matcher)
}

/// A path or an abstract name as a rule has it; nothing for what a short rule can't say.
fn unix(name: &[u8]) -> Option<String> {
    let (sign, name) = match name {
        [0, name @ ..] => ("@", name),
        name => ("", name.split(|byte| *byte == 0).next()?),
    };
    let name = std::str::from_utf8(name).ok()?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !",*?[]'\\".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then(|| format!("{sign}{name}"))
}
