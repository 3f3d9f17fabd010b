//! A policy: a default and rules.

use std::fmt;
use std::ops::RangeInclusive;

use abi::{Call, Errno};

use crate::address::Pattern;
use crate::error::Source;
use crate::escape::Escape;
use crate::names;
use crate::socket::{INET, INET6, Socket, UNIX, VSOCK};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is made.
    Allow,
    /// It is made, and told.
    Log,
    /// It is not made, and answers this errno.
    Deny(Errno),
    /// The process dies.
    Kill,
}

impl Action {
    /// Whether the call is made.
    #[must_use]
    pub const fn permits(self) -> bool {
        matches!(self, Action::Allow | Action::Log)
    }

    /// As a policy writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Log => "log",
            Action::Deny(_) => "deny",
            Action::Kill => "kill",
        }
    }
}

/// `deny (EACCES)`
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Deny(errno) => write!(f, "deny ({})", errno_name(*errno)),
            other => f.write_str(other.name()),
        }
    }
}

/// An errno's name, or its number.
pub(crate) fn errno_name(errno: Errno) -> String {
    errno.name().map_or_else(|| errno.raw().to_string(), str::to_owned)
}

/// What is done with sockets that the program inherits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inherit {
    /// They stay, and are listed.
    #[default]
    Allow,
    /// They are closed.
    Deny,
}

/// A set of calls. The kernel knows neither send, recv nor accept where they are sendto, recvfrom and accept4 with
/// arguments that are 0, so they are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls(u32);

impl Calls {
    /// The set of one call.
    #[must_use]
    pub const fn of(call: Call) -> Calls {
        Calls(1 << Calls::direct(call).number())
    }

    /// The call that the kernel makes of it.
    const fn direct(call: Call) -> Call {
        match call {
            Call::Send => Call::Sendto,
            Call::Recv => Call::Recvfrom,
            Call::Accept => Call::Accept4,
            other => other,
        }
    }

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Calls) -> Calls {
        Calls(self.0 | other.0)
    }

    /// Whether the call is in it.
    #[must_use]
    pub const fn has(self, call: Call) -> bool {
        self.0 & Calls::of(call).0 != 0
    }

    /// Whether they have a call in common.
    pub(crate) const fn meets(self, other: Calls) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all calls of `other` are in it.
    pub(crate) const fn contains(self, other: Calls) -> bool {
        self.0 & other.0 == other.0
    }

    /// The calls, each once.
    pub fn iter(self) -> impl Iterator<Item = Call> {
        Call::ALL.into_iter().filter(move |call| Calls::direct(*call) == *call && self.has(*call))
    }
}

const fn set<const N: usize>(calls: [Call; N]) -> Calls {
    let (mut all, mut at) = (Calls(0), 0);
    while at < N {
        all = all.and(Calls::of(calls[at]));
        at += 1;
    }
    all
}

/// Calls that make a socket.
pub(crate) const CREATE: Calls = set([Call::Socket, Call::Socketpair]);
/// Calls that send.
pub(crate) const SEND: Calls = set([Call::Sendto, Call::Sendmsg, Call::Sendmmsg]);
/// Calls that carry an address that can be judged before they are made. For listen it is the socket's own.
pub(crate) const ADDRESSED: Calls = SEND.and(set([Call::Bind, Call::Connect, Call::Listen]));
/// Calls about an option.
pub(crate) const OPTION: Calls = set([Call::Setsockopt, Call::Getsockopt]);

/// The groups by name.
pub(crate) const GROUPS: [(&str, Calls); 8] = [
    ("create", CREATE),
    ("bind", set([Call::Bind])),
    ("connect", set([Call::Connect])),
    ("listen", set([Call::Listen])),
    ("accept", set([Call::Accept4])),
    ("send", SEND),
    ("receive", set([Call::Recvfrom, Call::Recvmsg, Call::Recvmmsg])),
    ("option", OPTION),
];

/// Groups and calls.
impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = *self;
        let mut names = Vec::new();
        for (name, group) in GROUPS {
            if left.contains(group) {
                names.push(name);
                left.0 &= !group.0;
            }
        }
        names.extend(left.iter().map(Call::name));
        f.write_str(&names.join(", "))
    }
}

/// A protocol: of some families where it was given by name, of any where by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The pairs of family and number that its name has; empty for a number.
    pub(crate) named: Vec<(u32, u32)>,
    /// The number of one that was given by number.
    pub(crate) number: u32,
}

impl Protocol {
    /// Whether it is this protocol of this family.
    #[must_use]
    pub fn has(&self, family: u32, protocol: u32) -> bool {
        if self.named.is_empty() { self.number == protocol } else { self.named.contains(&(family, protocol)) }
    }
}

/// Options of a level: one, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionPattern {
    /// The level, `SOL_*`.
    pub level: u32,
    /// The option; `None` is every one.
    pub name: Option<u32>,
}

impl OptionPattern {
    /// Whether it is this option.
    #[must_use]
    pub fn has(self, level: u32, name: u32) -> bool {
        self.level == level && self.name.is_none_or(|own| own == name)
    }
}

/// As a rule has it: `socket.SO_ATTACH_FILTER`, `tcp.*`.
impl fmt::Display for OptionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names::option_name(self.level, self.name))
    }
}

/// What a rule asks of a call. What is `None` is not asked; of a list, one must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // Each field is the key of the same name.
pub struct Matcher {
    pub calls: Option<Calls>,
    pub families: Option<Vec<u32>>,
    pub types: Option<Vec<u32>>,
    pub protocols: Option<Vec<Protocol>>,
    pub addresses: Option<Vec<Pattern>>,
    pub ports: Option<Vec<RangeInclusive<u32>>>,
    pub options: Option<Vec<OptionPattern>>,
}

impl Matcher {
    /// Whether it asks for an address or a port.
    #[must_use]
    pub const fn has_address(&self) -> bool {
        self.addresses.is_some() || self.ports.is_some()
    }

    /// Whether it asks what the socket is.
    pub(crate) const fn has_socket(&self) -> bool {
        self.families.is_some() || self.types.is_some() || self.protocols.is_some()
    }

    /// Whether it asks for nothing but calls.
    pub(crate) const fn is_bare(&self) -> bool {
        !self.has_address() && !self.has_socket() && self.options.is_none()
    }

    /// Whether its family is `socket`'s, or `also`, where that is another.
    pub(crate) fn takes(&self, socket: Socket, also: u32) -> bool {
        let family = |family: u32| {
            self.families.as_ref().is_none_or(|own| own.contains(&family))
                && self
                    .protocols
                    .as_ref()
                    .is_none_or(|own| own.iter().any(|own| own.has(family, socket.protocol)))
        };
        self.types.as_ref().is_none_or(|own| own.contains(&socket.ty))
            && (family(socket.family) || also != socket.family && family(also))
    }

    /// Whether it can match addresses of sockets of a family, by what it says of addresses.
    pub(crate) fn has_addresses_of(&self, family: u32) -> bool {
        // A unix socket has no port.
        (self.ports.is_none() || family != UNIX)
            && match (&self.addresses, &self.families) {
                (Some(patterns), _) => patterns.iter().any(|pattern| pattern.families().contains(&family)),
                // A port alone is one of IP, unless vsock is asked for.
                (None, Some(own)) => [INET, INET6, VSOCK].contains(&family) && own.contains(&family),
                (None, None) => [INET, INET6].contains(&family),
            }
    }

    /// The families of sockets whose addresses it can match, in order.
    pub(crate) fn address_families(&self) -> Vec<u32> {
        [UNIX, INET, INET6, VSOCK].into_iter().filter(|family| self.has_addresses_of(*family)).collect()
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What becomes of calls that match.
    pub action: Action,
    /// What has to match.
    pub matcher: Matcher,
    /// What the policy's author says about it.
    pub reason: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// Its line there, from 1.
    pub line: usize,
}

impl Rule {
    /// Whether it comes from the command line.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.source.name.starts_with("--")
    }

    /// Where it stands: a file's name and line, or the whole of a short rule (`--deny 'family=alg'`).
    #[must_use]
    pub fn place(&self) -> String {
        if self.is_short() {
            format!("{} '{}'", self.source.name, self.source.text)
        } else {
            format!("{}:{}", self.source.name, self.line)
        }
    }
}

/// As a short rule: `deny family=alg,vsock`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.action.name())?;
        let Matcher { calls, families, types, protocols, addresses, ports, options } = &self.matcher;
        let mut key = |key: &str, values: Vec<String>| write!(f, " {key}={}", values.join(","));
        if let Some(calls) = calls {
            key("call", vec![calls.to_string().replace(", ", ",")])?;
        }
        if let Some(all) = families {
            key("family", all.iter().map(|one| names::family_name(*one)).collect())?;
        }
        if let Some(all) = types {
            key("type", all.iter().map(|one| names::type_name(*one)).collect())?;
        }
        if let Some(all) = protocols {
            let name = |one: &Protocol| match one.named.first() {
                Some((family, number)) => names::protocol_name(*family, *number),
                None => one.number.to_string(),
            };
            key("protocol", all.iter().map(name).collect())?;
        }
        if let Some(all) = addresses {
            key("address", all.iter().map(ToString::to_string).collect())?;
        }
        if let Some(all) = ports {
            let range = |range: &RangeInclusive<u32>| match (range.start(), range.end()) {
                (low, high) if low == high => low.to_string(),
                (low, high) => format!("{low}-{high}"),
            };
            key("port", all.iter().map(range).collect())?;
        }
        if let Some(all) = options {
            key("option", all.iter().map(|one| names::option_name(one.level, one.name)).collect())?;
        }
        match self.action {
            Action::Deny(errno) if errno != Errno::EACCES => write!(f, " errno={}", errno_name(errno)),
            _ => Ok(()),
        }
    }
}

/// A default, and rules that are tried from top to bottom: the first that matches decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What becomes of what no rule matches.
    pub default: Action,
    /// The rules.
    pub rules: Vec<Rule>,
    /// What is done with inherited sockets.
    pub inherit: Inherit,
    /// Which ways around the rules are left open.
    pub escapes: Vec<Escape>,
}

impl Policy {
    /// A policy without rules.
    #[must_use]
    pub const fn new(default: Action) -> Policy {
        Policy { default, rules: Vec::new(), inherit: Inherit::Allow, escapes: Vec::new() }
    }

    /// Short rules in front of a file's. Without a file, what is only permitted is all that is permitted; who denies
    /// anything permits the rest.
    #[must_use]
    pub fn with_short(file: Option<Policy>, short: Vec<Rule>) -> Policy {
        let only_permits = !short.is_empty() && short.iter().all(|rule| rule.action.permits());
        let otherwise = if only_permits { Action::Deny(Errno::EACCES) } else { Action::Allow };
        let mut policy = file.unwrap_or(Policy::new(otherwise));
        policy.rules.splice(0..0, short);
        policy
    }

    /// Whether a rule asks for addresses or ports. Then bind, connect, listen and sending to an address are judged
    /// by all rules and by the default; otherwise only the making of sockets is.
    #[must_use]
    pub fn judges_addresses(&self) -> bool {
        self.rules.iter().any(|rule| rule.matcher.has_address())
    }
}
