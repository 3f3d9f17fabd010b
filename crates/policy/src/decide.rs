//! What the rules say of one call: the first that matches decides. Everything that is compiled comes from here.

use abi::{Call, Errno};

use crate::address::Purpose;
use crate::escape::Escape;
use crate::model::{Action, Calls, Matcher, Policy, SEND};
use crate::socket::Socket;

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// The rule with this index in [`Policy::rules`].
    Rule(usize),
    /// The policy's default.
    Default,
    /// Nothing speaks of such a call, so it is made.
    Nothing,
    /// The rules are about addresses, and don't understand those of this socket.
    Unmodelled,
    /// An option or a control message that sends to another address than the one that is judged.
    Routing,
    /// The address is none: the kernel would answer the same.
    Malformed,
    /// A path that leads nowhere.
    Unresolved,
    /// A way around the rules.
    Escape(Escape),
}

/// What becomes of a call, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verdict {
    /// What.
    pub action: Action,
    /// Why.
    pub by: By,
}

impl Verdict {
    pub(crate) const NOTHING: Verdict = Verdict { action: Action::Allow, by: By::Nothing };

    pub(crate) const fn deny(errno: Errno, by: By) -> Verdict {
        Verdict { action: Action::Deny(errno), by }
    }

    /// The stricter of two; this one, if they are equally strict.
    pub(crate) const fn stricter(self, other: Verdict) -> Verdict {
        const fn strictness(action: Action) -> u8 {
            match action {
                Action::Allow => 0,
                Action::Log => 1,
                Action::Deny(_) => 2,
                Action::Kill => 3,
            }
        }
        if strictness(other.action) > strictness(self.action) { other } else { self }
    }
}

/// Options, by level and name, that make datagrams go elsewhere.
///
/// A source route is set by IP_OPTIONS and IPV6_RTHDR (net/ipv4/ip_sockglue.c, net/ipv6/ipv6_sockglue.c).
/// IPV6_2292PKTOPTIONS takes control messages, and so does IPV6_FLOWLABEL_MGR for a flow label that datagrams are
/// given later (net/ipv6/ip6_flowlabel.c, `fl_create`). Where the kernel has CONFIG_IPV6_MIP6, these can hold one.
pub(crate) const ROUTING_OPTIONS: [(u32, u32); 4] = [(0, 4), (41, 57), (41, 6), (41, 32)];
/// Control messages, by level and type, that do: IP_RETOPTS, IPV6_RTHDR, IPV6_2292RTHDR (net/ipv4/ip_sockglue.c,
/// `ip_cmsg_send`; net/ipv6/datagram.c, `ip6_datagram_send_ctl`).
pub(crate) const ROUTING_MESSAGES: [(u32, u32); 3] = [(0, 7), (41, 57), (41, 5)];

impl Purpose {
    pub(crate) const ALL: [Purpose; 4] = [Purpose::Bind, Purpose::Connect, Purpose::Listen, Purpose::Send];

    /// The calls with this purpose.
    pub(crate) const fn calls(self) -> Calls {
        match self {
            Purpose::Bind => Calls::of(Call::Bind),
            Purpose::Connect => Calls::of(Call::Connect),
            Purpose::Listen => Calls::of(Call::Listen),
            Purpose::Send => SEND,
        }
    }

    /// What a call does with the address that it carries.
    pub(crate) fn of(call: Call) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.calls().has(call))
    }
}

impl Matcher {
    /// Whether the rule is about the addresses of these calls, whatever else it asks.
    pub(crate) fn is_about(&self, calls: Calls, judges: bool) -> bool {
        let named = match self.calls {
            Some(own) => own.meets(calls),
            None => self.has_address() || judges,
        };
        named && self.options.is_none()
    }
}

impl Policy {
    /// The verdict of a rule, or of the default.
    pub(crate) fn verdict(&self, rule: Option<usize>) -> Verdict {
        match rule {
            Some(index) => Verdict { action: self.rules[index].action, by: By::Rule(index) },
            None => Verdict { action: self.default, by: By::Default },
        }
    }

    /// Of the address of a call; the default decides where addresses are judged.
    pub(crate) fn address_verdict(&self, rule: Option<usize>, judges: bool) -> Verdict {
        if rule.is_none() && !judges { Verdict::NOTHING } else { self.verdict(rule) }
    }

    fn first(&self, matches: impl Fn(&Matcher) -> bool) -> Option<usize> {
        self.rules.iter().position(|rule| matches(&rule.matcher))
    }

    /// Whether a rule asks for the address of calls with this purpose.
    pub(crate) fn asks_for_address(&self, purpose: Purpose) -> bool {
        let named = |matcher: &Matcher| matcher.calls.is_none_or(|calls| calls.meets(purpose.calls()));
        self.rules.iter().any(|rule| rule.matcher.has_address() && named(&rule.matcher))
    }

    /// Whether it matters where datagrams and connections go.
    pub(crate) fn judges_destinations(&self) -> bool {
        self.asks_for_address(Purpose::Connect)
            || self.asks_for_address(Purpose::Send)
            || self.judges_addresses() && !self.default.permits()
    }

    /// Whether a rule asks for a path.
    pub(crate) fn asks_for_paths(&self) -> bool {
        let mut patterns = self.rules.iter().flat_map(|rule| rule.matcher.addresses.iter().flatten());
        patterns.any(|pattern| matches!(pattern, crate::Pattern::Path(..)))
    }

    /// Whether a rule decides about the making of a socket, if none in front of it does.
    ///
    /// A rule that permits an address permits the making of sockets for it.
    pub(crate) fn creates(&self, rule: usize, call: Call, socket: Socket, judges: bool) -> bool {
        let (matcher, action) = (&self.rules[rule].matcher, self.rules[rule].action);
        if matcher.options.is_some() || !matcher.takes(socket, socket.family) {
            return false;
        }
        let modelled = socket.is_modelled();
        if matcher.has_address() {
            return action.permits() && modelled && matcher.has_addresses_of(socket.family);
        }
        matcher.calls.is_none_or(|calls| calls.has(call)) && trusts(matcher, action, judges, modelled)
    }

    /// What the making of a socket comes to, if it is `rule` that decides.
    ///
    /// Where addresses are judged, sockets whose addresses are not understood need a rule that names their family.
    pub(crate) fn created(&self, rule: Option<usize>, socket: Socket, judges: bool) -> Verdict {
        let verdict = self.verdict(rule);
        match rule {
            None if judges && !socket.is_modelled() && verdict.action.permits() => {
                Verdict::deny(Errno::EACCES, By::Unmodelled)
            }
            // What is told is the use of the address.
            Some(index) if self.rules[index].matcher.has_address() => {
                Verdict { action: Action::Allow, ..verdict }
            }
            _ => verdict,
        }
    }

    /// socket and socketpair.
    pub(crate) fn on_create(&self, call: Call, socket: Socket) -> Verdict {
        let judges = self.judges_addresses();
        let rule = (0..self.rules.len()).find(|rule| self.creates(*rule, call, socket, judges));
        self.created(rule, socket, judges)
    }

    /// setsockopt and getsockopt.
    pub(crate) fn on_option(&self, call: Call, level: u32, name: u32) -> Verdict {
        let rule = self.first(|matcher| match (&matcher.options, matcher.calls) {
            (Some(options), calls) => {
                calls.is_none_or(|calls| calls.has(call)) && options.iter().any(|o| o.has(level, name))
            }
            (None, Some(calls)) => calls.has(call) && matcher.is_bare(),
            (None, None) => false,
        });
        let routing = call == Call::Setsockopt && ROUTING_OPTIONS.contains(&(level, name));
        match rule {
            Some(_) => self.verdict(rule),
            None if routing && self.judges_destinations() => Verdict::deny(Errno::EACCES, By::Routing),
            None => Verdict::NOTHING,
        }
    }

    /// A control message of a call that sends. A rule on the option of the same number decides about it.
    pub(crate) fn on_message(&self, level: u32, name: u32) -> Verdict {
        if !ROUTING_MESSAGES.contains(&(level, name)) {
            return Verdict::NOTHING;
        }
        let rule =
            self.first(|matcher| matcher.options.iter().flatten().any(|option| option.has(level, name)));
        match rule {
            Some(_) => self.verdict(rule),
            None => Verdict::deny(Errno::EACCES, By::Routing),
        }
    }

    /// A call by its name alone: one that has no address, no family and no option in it.
    pub(crate) fn on_name(&self, call: Call) -> Verdict {
        match self.first(|matcher| matcher.is_bare() && matcher.calls.is_some_and(|calls| calls.has(call))) {
            None => Verdict::NOTHING,
            rule => self.verdict(rule),
        }
    }

    /// The rules that are about the addresses of calls and take the socket, in order.
    ///
    /// `wire` is the address's own family: who denies a family denies it where it is mapped into the addresses of
    /// another, too.
    pub(crate) fn candidates(&self, calls: Calls, socket: Socket, wire: u32) -> impl Iterator<Item = usize> {
        let judges = self.judges_addresses();
        let modelled = socket.is_modelled();
        self.rules.iter().enumerate().filter_map(move |(index, rule)| {
            let matcher = &rule.matcher;
            let also = if rule.action.permits() { socket.family } else { wire };
            let carries =
                || modelled && (matcher.has_addresses_of(socket.family) || matcher.has_addresses_of(also));
            let takes = matcher.is_about(calls, judges)
                && matcher.takes(socket, also)
                && (!matcher.has_address() || carries())
                && (matcher.is_bare() || trusts(matcher, rule.action, judges, modelled));
            takes.then_some(index)
        })
    }

    /// An address of a socket whose addresses are not understood.
    pub(crate) fn on_unmodelled(&self, purpose: Purpose, call: Call, socket: Socket) -> Verdict {
        let rule = self.candidates(Calls::of(call), socket, socket.family).next();
        let verdict = self.address_verdict(rule, self.judges_addresses());
        if rule.is_none() && self.asks_for_address(purpose) && verdict.action.permits() {
            return Verdict::deny(Errno::EACCES, By::Unmodelled);
        }
        verdict
    }

    /// What can be said of a call that carries an address without a look at it: `None`, if that takes one.
    pub(crate) fn without_address(&self, purpose: Purpose, call: Call) -> Option<Verdict> {
        let judges = self.judges_addresses();
        let about = |matcher: &Matcher| matcher.is_about(Calls::of(call), judges);
        let mut rules = self.rules.iter().enumerate().filter(|(_, rule)| about(&rule.matcher));
        let asks = self.asks_for_address(purpose);
        let bare = rules.clone().position(|(_, rule)| rule.matcher.is_bare());
        if bare == Some(0) {
            return rules.next().map(|(index, _)| self.verdict(Some(index)));
        }
        let permitted =
            rules.clone().take(bare.unwrap_or(usize::MAX)).all(|(_, r)| r.action == Action::Allow);
        let last = match bare.and_then(|at| rules.nth(at)) {
            Some((_, rule)) => rule.action,
            None if judges => self.default,
            None => Action::Allow,
        };
        (permitted && last == Action::Allow && !asks).then_some(Verdict::NOTHING)
    }
}

/// Whether a rule may decide about a socket, where addresses are judged and this one's are not understood: if it
/// permits, it must name the family.
fn trusts(matcher: &Matcher, action: Action, judges: bool, modelled: bool) -> bool {
    !judges || modelled || !action.permits() || matcher.families.is_some()
}
