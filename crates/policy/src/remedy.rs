//! Which rules would permit a call that is refused. They are tried in front of the policy's own before they are offered.

use std::net::{Ipv4Addr, Ipv6Addr};

use abi::Call;

use crate::address::{Peer, Purpose};
use crate::decide::ROUTING_MESSAGES;
use crate::glob::Glob;
use crate::judge::{Bench, Copied, Judge, connects, is_unbound};
use crate::model::{Calls, Policy, Rule};
use crate::names;
use crate::socket::{INET, INET6, Socket};

/// A call, as far as rules look at it.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// socket or socketpair, and what it makes.
    Socket(Call, Socket),
    /// setsockopt or getsockopt, level and name.
    Option(Call, u32, u32),
    /// A call of which registers decide by its name.
    Name(Call),
    /// A call of which memory decides.
    Memory(Copied<'a>),
}

/// Rules that permit a call, if they stand in front of all others. They are text that a terminal can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Short rules, each an `--allow`.
    Short(Vec<String>),
    /// Rules of a file, each an inline table: a value has what separates the words of short rules, or what no terminal
    /// should be given.
    File(Vec<String>),
    /// No rule names this address and no other: it is no text, or no absolute path.
    Unsayable,
}

/// Rules in the making.
#[derive(Clone, Debug, Default)]
struct Draft {
    calls: Vec<Call>,
    /// What else the rule on the calls asks for.
    keys: Vec<(&'static str, Vec<String>)>,
    /// Options, each of which gets a rule of its own.
    options: Vec<String>,
}

/// What a draft may need besides.
#[derive(Clone, Debug)]
enum More {
    Call(Call),
    Address(&'static str),
    Option(String),
}

impl Policy {
    /// The fewest rules that would permit a call which is refused. `None`, if no rule would: what is no address stays
    /// none, and what the policy permits is refused by others.
    #[must_use]
    pub fn remedy(&self, asked: &Asked<'_>) -> Option<Remedy> {
        if permits(self, Vec::new(), asked) {
            return None;
        }
        let (draft, more) = match drafted(asked) {
            Drafted::Rules(draft, more) => (draft, more),
            Drafted::Nothing => return None,
            Drafted::Unsayable => return Some(Remedy::Unsayable),
        };
        let try_with = |parts: &[More]| {
            let proposals = draft.with(parts).proposals();
            let rules: Option<Vec<Rule>> = proposals.iter().map(Proposal::rule).collect();
            permits(self, rules?, asked).then_some(proposals)
        };
        let mut parts = Vec::new();
        let mut more = more.into_iter();
        let mut found = try_with(&parts);
        while found.is_none() {
            parts.push(more.next()?);
            found = try_with(&parts);
        }
        // What came first may be permitted without it.
        for at in (0..parts.len()).rev() {
            let mut fewer = parts.clone();
            fewer.remove(at);
            if let Some(proposals) = try_with(&fewer) {
                (parts, found) = (fewer, Some(proposals));
            }
        }
        let proposals = found?;
        Some(if proposals.iter().all(Proposal::is_short) {
            Remedy::Short(proposals.iter().map(Proposal::short).collect())
        } else {
            Remedy::File(proposals.iter().map(Proposal::table).collect())
        })
    }
}

/// Whether the call is made under a policy with these rules in front.
fn permits(policy: &Policy, mut rules: Vec<Rule>, asked: &Asked<'_>) -> bool {
    rules.extend(policy.rules.iter().cloned());
    let policy = Policy { rules, escapes: Vec::new(), ..*policy };
    let verdict = match asked {
        Asked::Socket(call, socket) => policy.on_create(*call, *socket),
        Asked::Option(call, level, name) => policy.on_option(*call, *level, *name),
        Asked::Name(call) => policy.on_name(*call),
        Asked::Memory(copied) => {
            // That of listen may bind, that of sending connect.
            let judge = Judge::only(&policy, &[copied.call, Call::Bind, Call::Connect], &[copied.socket]);
            let bench = Bench {
                policy: &policy,
                judge: &judge,
                judges: policy.judges_addresses(),
                destinations: policy.judges_destinations(),
                paths: policy.asks_for_paths(),
            };
            bench.judge(copied)
        }
    };
    verdict.action.permits()
}

enum Drafted {
    Rules(Draft, Vec<More>),
    Nothing,
    Unsayable,
}

fn drafted(asked: &Asked<'_>) -> Drafted {
    let rules = |calls: &[Call], keys, more| {
        Drafted::Rules(Draft { calls: calls.to_vec(), keys, options: Vec::new() }, more)
    };
    match asked {
        Asked::Socket(_, socket) => {
            let mut keys = vec![
                ("family", vec![names::family_name(socket.family)]),
                ("type", vec![names::type_name(socket.ty)]),
            ];
            if socket.protocol != Socket::new(socket.family, socket.ty, 0).protocol {
                keys.push(("protocol", vec![names::protocol_name(socket.family, socket.protocol)]));
            }
            rules(&[], keys, Vec::new())
        }
        Asked::Option(call, level, name) => {
            rules(&[*call], vec![("option", vec![names::option_name(*level, Some(*name))])], Vec::new())
        }
        Asked::Name(call) => rules(&[*call], Vec::new(), Vec::new()),
        Asked::Memory(copied) => by_memory(copied),
    }
}

fn by_memory(copied: &Copied<'_>) -> Drafted {
    let Copied { call, socket, address, .. } = *copied;
    let Some(purpose) = Purpose::of(call) else { return Drafted::Nothing };
    let mut more = vec![More::Call(call)];
    let peer = match address {
        Some([]) => Peer::None,
        None if purpose == Purpose::Send => Peer::None,
        _ if !socket.is_modelled() => {
            return finish(copied, purpose, vec![("family", vec![names::family_name(socket.family)])], more);
        }
        // A listening socket of which nothing is known is taken for one that is bound to nothing.
        None if socket.family == INET6 => Peer::Ip(Ipv6Addr::UNSPECIFIED.into(), 0),
        None if socket.family == INET => Peer::Ip(Ipv4Addr::UNSPECIFIED.into(), 0),
        None => return Drafted::Nothing,
        Some(bytes) => Peer::read(socket, purpose, bytes),
    };
    let text = |prefix: &str, bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        Some(vec![("address", vec![format!("{prefix}{}", Glob::literal(text))])])
    };
    let keys = match peer {
        Peer::None | Peer::Disconnect => Some(Vec::new()),
        Peer::Malformed(_) => return Drafted::Nothing,
        Peer::Ip(address, port) => {
            if socket.family == INET6 && address.is_ipv6() && address.is_unspecified() {
                more.push(More::Address("0.0.0.0"));
            }
            Some(vec![("address", vec![address.to_string()]), ("port", vec![port.to_string()])])
        }
        Peer::Path(own) => {
            let path = copied.path.unwrap_or(own);
            if path.starts_with(b"/") { text("", path) } else { None }
        }
        Peer::Abstract(name) => text("@", name),
        Peer::Vsock(cid, port) => {
            Some(vec![("address", vec![format!("vsock:{cid}")]), ("port", vec![port.to_string()])])
        }
    };
    match keys {
        Some(keys) => finish(copied, purpose, keys, more),
        None => Drafted::Unsayable,
    }
}

/// What a call does besides is the business of rules on other calls, and on options.
fn finish(
    copied: &Copied<'_>,
    purpose: Purpose,
    keys: Vec<(&'static str, Vec<String>)>,
    mut more: Vec<More>,
) -> Drafted {
    if purpose == Purpose::Listen && is_unbound(copied) {
        more.push(More::Call(Call::Bind));
    }
    if purpose == Purpose::Send && connects(copied) {
        more.push(More::Call(Call::Connect));
    }
    for (level, name) in ROUTING_MESSAGES {
        if copied.control.contains(&(level.cast_signed(), name.cast_signed())) {
            more.push(More::Option(names::option_name(level, Some(name))));
        }
    }
    Drafted::Rules(Draft { keys, ..Draft::default() }, more)
}

impl Draft {
    fn with(&self, more: &[More]) -> Draft {
        let mut draft = self.clone();
        for one in more {
            match one {
                More::Call(call) => draft.calls.push(*call),
                More::Option(option) => draft.options.push(option.clone()),
                More::Address(address) => {
                    let addresses = draft.keys.iter_mut().find(|(key, _)| *key == "address");
                    if let Some((_, values)) = addresses {
                        values.push((*address).to_owned());
                    }
                }
            }
        }
        draft
    }

    fn proposals(&self) -> Vec<Proposal> {
        // The kernel's names: it has no send.
        let calls = self.calls.iter().fold(Calls::default(), |calls, call| calls.and(Calls::of(*call)));
        let mut proposals = Vec::new();
        let makes_a_socket = self.keys.iter().any(|(key, _)| *key == "type");
        if makes_a_socket {
            proposals.push(Proposal(self.keys.clone()));
        } else if calls != Calls::default() {
            let calls = ("call", calls.iter().map(|call| call.name().to_owned()).collect());
            proposals.push(Proposal([vec![calls], self.keys.clone()].concat()));
        }
        proposals.extend(self.options.iter().map(|option| Proposal(vec![("option", vec![option.clone()])])));
        proposals
    }
}

/// Whether a terminal shows a letter as it is, and nothing else comes of it.
fn is_shown(letter: char) -> bool {
    matches!(letter, '\'' | '"' | '\\') || letter.escape_debug().len() == 1
}

/// A value in TOML, with escapes for what is not shown.
fn toml_value(value: &str) -> String {
    if value.parse::<i64>().is_ok() {
        return value.to_owned();
    }
    let mut text = String::from('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            letter if is_shown(letter) => text.push(letter),
            letter => text += &format!("\\U{:08x}", u32::from(letter)),
        }
    }
    text.push('"');
    text
}

/// A rule that permits: keys and values.
struct Proposal(Vec<(&'static str, Vec<String>)>);

impl Proposal {
    /// Whether a short rule can say it, and a terminal show that.
    fn is_short(&self) -> bool {
        let plain = |letter: char| letter != ',' && !letter.is_whitespace() && is_shown(letter);
        self.0.iter().flat_map(|(_, values)| values).all(|value| value.chars().all(plain))
    }

    /// `call=connect address=10.1.2.3 port=443`
    fn short(&self) -> String {
        let words = self.0.iter().map(|(key, values)| format!("{key}={}", values.join(",")));
        words.collect::<Vec<_>>().join(" ")
    }

    /// `{ action = "allow", call = "connect", address = "/tmp/a b" }`
    fn table(&self) -> String {
        let keys = self.0.iter().map(|(key, values)| {
            let values: Vec<_> = values.iter().map(|value| toml_value(value)).collect();
            match values.as_slice() {
                [value] => format!(", {key} = {value}"),
                values => format!(", {key} = [{}]", values.join(", ")),
            }
        });
        format!("{{ action = \"allow\"{} }}", keys.collect::<String>())
    }

    /// As it is read from the text that is offered; `None`, if it can't be.
    fn rule(&self) -> Option<Rule> {
        if self.is_short() {
            return Rule::short("--allow", false, &self.short()).ok();
        }
        let text = format!("default = \"deny\"\nrule = [{}]\n", self.table());
        Policy::parse("remedy", &text).ok()?.rules.pop()
    }
}
