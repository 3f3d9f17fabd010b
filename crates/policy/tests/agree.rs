//! Both layers together, the interpreted filter and the judgement of memory, come to what the rules say when they
//! are tried one by one. What the rules say is written down here a second time, without any index.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::{Call, Errno};
use policy::{Action, By, Copied, Pattern, Policy, Rule, Socket, Step};
use proptest::prelude::*;
use random::{Event, FASTOPEN, INET, INET6, MEMORY, UNIX, VSOCK, event, inet, layered, policy};
use seccomp::{Arch, Data};

mod random;

/// The second, unless the first refuses already.
fn and(a: Action, b: Action) -> Action {
    if matches!(a, Action::Allow | Action::Log) { stricter(a, b) } else { a }
}

fn stricter(a: Action, b: Action) -> Action {
    let rank = |action| match action {
        Action::Allow => 0,
        Action::Log => 1,
        Action::Deny(_) => 2,
        Action::Kill => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

const REFUSED: Action = Action::Deny(Errno::EACCES);

/// The rules, one by one.
struct Directly<'a>(&'a Policy);

/// Whom an address speaks of, without any port or path in it that a rule would not look at.
#[derive(Clone, Debug, PartialEq)]
enum To {
    Ip(IpAddr, u32),
    Path(Vec<u8>),
    Name(Vec<u8>),
    Cid(u32, u32),
}

impl Directly<'_> {
    fn rules(&self) -> &[Rule] {
        &self.0.rules
    }

    /// Whether addresses are judged at all.
    fn addresses(&self) -> bool {
        self.rules().iter().any(|rule| rule.matcher.addresses.is_some() || rule.matcher.ports.is_some())
    }

    fn asks(&self, calls: &[Call]) -> bool {
        self.rules().iter().any(|rule| {
            let m = &rule.matcher;
            (m.addresses.is_some() || m.ports.is_some())
                && m.calls.is_none_or(|own| calls.iter().any(|call| own.has(*call)))
        })
    }

    fn destinations(&self) -> bool {
        self.asks(&[Call::Connect])
            || self.asks(&[Call::Sendto, Call::Sendmsg, Call::Sendmmsg])
            || self.addresses() && !matches!(self.0.default, Action::Allow | Action::Log)
    }

    fn is_socket(rule: &Rule, family: u32, socket: Socket) -> bool {
        let m = &rule.matcher;
        m.families.as_ref().is_none_or(|own| own.contains(&family))
            && m.types.as_ref().is_none_or(|own| own.contains(&socket.ty))
            && m.protocols.as_ref().is_none_or(|own| own.iter().any(|p| p.has(family, socket.protocol)))
    }

    /// A rule that permits a socket whose addresses nobody understands has to name its family.
    fn trusted(&self, rule: &Rule, socket: Socket) -> bool {
        !self.addresses()
            || socket.is_modelled()
            || matches!(rule.action, Action::Deny(_) | Action::Kill)
            || rule.matcher.families.is_some()
    }

    fn create(&self, call: Call, socket: Socket) -> Action {
        for rule in self.rules() {
            let m = &rule.matcher;
            let permits = matches!(rule.action, Action::Allow | Action::Log);
            if m.options.is_some() || !Self::is_socket(rule, socket.family, socket) {
                continue;
            }
            if m.addresses.is_some() || m.ports.is_some() {
                let port = m.ports.is_none() || socket.family != UNIX;
                let carries = port
                    && match &m.addresses {
                        None => {
                            [INET, INET6].contains(&socket.family)
                                || socket.family == VSOCK && m.families.is_some()
                        }
                        Some(patterns) => patterns.iter().any(|pattern| match pattern {
                            Pattern::Net(net) if net.addr().is_ipv4() => {
                                [INET, INET6].contains(&socket.family)
                            }
                            Pattern::Net(_) => socket.family == INET6,
                            Pattern::Path(..) | Pattern::Abstract(..) => socket.family == UNIX,
                            Pattern::Vsock(_) => socket.family == VSOCK,
                        }),
                    };
                if permits && carries && socket.is_modelled() {
                    return Action::Allow;
                }
            } else if m.calls.is_none_or(|calls| calls.has(call)) && self.trusted(rule, socket) {
                return rule.action;
            }
        }
        let permits = matches!(self.0.default, Action::Allow | Action::Log);
        if permits && self.addresses() && !socket.is_modelled() { REFUSED } else { self.0.default }
    }

    fn option(&self, call: Call, level: u32, name: u32) -> Action {
        for rule in self.rules() {
            let m = &rule.matcher;
            let called = m.calls.is_some_and(|calls| calls.has(call));
            let bare = m.families.is_none() && m.types.is_none() && m.protocols.is_none();
            let matches = match &m.options {
                Some(options) => (m.calls.is_none() || called) && options.iter().any(|o| o.has(level, name)),
                None => called && bare && m.addresses.is_none() && m.ports.is_none(),
            };
            if matches {
                return rule.action;
            }
        }
        let routes = [(0, 4), (41, 57), (41, 6), (41, 32)].contains(&(level, name));
        if call == Call::Setsockopt && routes && self.destinations() { REFUSED } else { Action::Allow }
    }

    fn message(&self, level: u32, name: u32) -> Action {
        if !self.destinations() || ![(0, 7), (41, 57), (41, 5)].contains(&(level, name)) {
            return Action::Allow;
        }
        let mut rules = self.rules().iter();
        let own = rules.find(|rule| rule.matcher.options.iter().flatten().any(|o| o.has(level, name)));
        own.map_or(REFUSED, |rule| rule.action)
    }

    /// Whether a rule asks for calls alone.
    fn is_bare(rule: &Rule) -> bool {
        let m = &rule.matcher;
        m.families.is_none()
            && m.types.is_none()
            && m.protocols.is_none()
            && m.addresses.is_none()
            && m.ports.is_none()
            && m.options.is_none()
    }

    fn name(&self, call: Call) -> Action {
        let bare =
            |rule: &&Rule| Self::is_bare(rule) && rule.matcher.calls.is_some_and(|calls| calls.has(call));
        self.rules().iter().find(bare).map_or(Action::Allow, |rule| rule.action)
    }

    /// Whether a rule is about the addresses of a call, and this socket's.
    fn about(&self, rule: &Rule, call: Call, socket: Socket, wire: u32) -> bool {
        let m = &rule.matcher;
        let permits = matches!(rule.action, Action::Allow | Action::Log);
        let named = match m.calls {
            Some(calls) => calls.has(call),
            None => m.addresses.is_some() || m.ports.is_some() || self.addresses(),
        };
        named
            && m.options.is_none()
            && (Self::is_bare(rule) || self.trusted(rule, socket))
            && (Self::is_socket(rule, socket.family, socket)
                || !permits && Self::is_socket(rule, wire, socket))
    }

    fn matches(rule: &Rule, call: Call, to: &To) -> bool {
        let m = &rule.matcher;
        let port = |port: u32| m.ports.as_ref().is_none_or(|own| own.iter().any(|own| own.contains(&port)));
        let any =
            |test: &dyn Fn(&Pattern) -> bool| m.addresses.as_ref().is_none_or(|own| own.iter().any(test));
        match to {
            To::Ip(address, number) => {
                let mut all = vec![*address];
                let binds = matches!(call, Call::Bind | Call::Listen);
                let denies = matches!(rule.action, Action::Deny(_) | Action::Kill);
                if address.is_unspecified() && (!binds || denies) {
                    all.push(if address.is_ipv4() {
                        Ipv4Addr::LOCALHOST.into()
                    } else {
                        Ipv6Addr::LOCALHOST.into()
                    });
                }
                let net = |pattern: &Pattern| match pattern {
                    Pattern::Net(net) => all.iter().any(|address| net.contains(address)),
                    _ => false,
                };
                port(*number) && any(&net)
            }
            // What has no port is none that a rule on ports is about.
            To::Path(_) | To::Name(_) if m.ports.is_some() => false,
            To::Path(path) => any(&|pattern| matches!(pattern, Pattern::Path(glob, _) if glob.matches(path))),
            To::Name(name) => {
                any(&|pattern| matches!(pattern, Pattern::Abstract(glob, _) if glob.matches(name)))
            }
            To::Cid(cid, number) => {
                let own = |pattern: &Pattern| matches!(pattern, Pattern::Vsock(own) if own.is_none_or(|own| own == *cid));
                // A port alone is one of IP.
                let asked = m.addresses.is_some() || m.ports.is_none() || m.families.is_some();
                port(*number) && any(&own) && asked
            }
        }
    }

    fn to(&self, call: Call, socket: Socket, to: &To) -> Action {
        let wire = match to {
            To::Ip(address, _) if address.is_ipv4() => INET,
            _ => socket.family,
        };
        let decides = |rule: &&Rule| self.about(rule, call, socket, wire) && Self::matches(rule, call, to);
        match self.rules().iter().find(decides) {
            Some(rule) => rule.action,
            None if self.addresses() => self.0.default,
            None => Action::Allow,
        }
    }

    /// The address of a call.
    fn address(&self, call: Call, socket: Socket, address: Option<&[u8]>) -> Action {
        let sends = matches!(call, Call::Sendto | Call::Sendmsg | Call::Sendmmsg);
        let Some(bytes) = address.filter(|address| !address.is_empty()) else { return self.name(call) };
        if !socket.is_modelled() {
            let unasked = |rule: &&Rule| {
                let m = &rule.matcher;
                m.addresses.is_none() && m.ports.is_none() && self.about(rule, call, socket, socket.family)
            };
            let group: &[Call] = if sends {
                &[Call::Sendto, Call::Sendmsg, Call::Sendmmsg]
            } else {
                std::slice::from_ref(&call)
            };
            return match self.rules().iter().find(unasked) {
                Some(rule) => rule.action,
                None if !self.addresses() => Action::Allow,
                None if matches!(self.0.default, Action::Allow | Action::Log) && self.asks(group) => REFUSED,
                None => self.0.default,
            };
        }
        let malformed = |errno| stricter(self.name(call), Action::Deny(errno));
        let family = u32::from(bytes[0]);
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        let port = || u32::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        let to = match (socket.family, family) {
            (INET | INET6 | UNIX, 0) if call == Call::Connect => return self.name(call),
            (INET6, 0) if sends => return self.name(call),
            (INET, 0) | (INET | INET6, INET) => {
                To::Ip(Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]).into(), port())
            }
            (INET6, INET6) => {
                let own = Ipv6Addr::from(<[u8; 16]>::try_from(&bytes[8..24]).unwrap());
                To::Ip(own.to_ipv4_mapped().map_or(own.into(), IpAddr::V4), port())
            }
            (UNIX, UNIX) if bytes[2] == 0 => To::Name(bytes[3..].to_vec()),
            (UNIX, UNIX) => To::Path(bytes[2..].split(|byte| *byte == 0).next().unwrap().to_vec()),
            (VSOCK, VSOCK) => To::Cid(word(8), word(4)),
            (UNIX | VSOCK, _) => return malformed(Errno::EINVAL),
            _ => return malformed(Errno::EAFNOSUPPORT),
        };
        let mut action = self.to(call, socket, &to);
        if let To::Ip(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port) = to {
            action = stricter(action, self.to(call, socket, &To::Ip(Ipv4Addr::UNSPECIFIED.into(), port)));
        }
        action
    }

    /// listen finds a port if there is none, and so binds. It is the same for sockets that nobody understands.
    fn listen(&self, socket: Socket, address: Option<&[u8]>) -> Action {
        let action = self.address(Call::Listen, socket, address);
        let bytes = address.unwrap_or(&[0; 16]);
        let ip = match socket.family {
            INET => [0, 2].contains(&bytes[0]),
            INET6 => [2, 10].contains(&bytes[0]),
            _ => false,
        };
        if ip && bytes[2..4] == [0, 0] {
            and(action, self.address(Call::Bind, socket, address))
        } else {
            action
        }
    }

    fn action(&self, event: &Event) -> Action {
        let socket = event.socket();
        match event.call {
            Call::Socket | Call::Socketpair => self.create(event.call, socket),
            Call::Setsockopt | Call::Getsockopt => self.option(event.call, event.level, event.name),
            Call::Listen => self.listen(socket, event.address.as_deref()),
            Call::Bind | Call::Connect => self.address(event.call, socket, event.address.as_deref()),
            Call::Sendto | Call::Sendmsg | Call::Sendmmsg => {
                let address = event.address.as_deref();
                let action = self.address(event.call, socket, address);
                // Whatever else is in a call that is permitted so far: the strictest counts, in any order.
                let mut rest = Action::Allow;
                if event.flags & FASTOPEN != 0 && socket.ty == 1 && address.is_some() {
                    rest = self.address(Call::Connect, socket, address);
                }
                if event.call != Call::Sendto {
                    for (level, name) in &event.control {
                        rest = stricter(rest, self.message(*level as u32, *name as u32));
                    }
                }
                and(action, rest)
            }
            call => self.name(call),
        }
    }
}

/// That listen is told of permits no port: one without gets one, and so binds.
#[test]
fn a_rule_that_tells_of_listen_is_no_rule_on_bind() {
    const RULES: &str = "default = \"deny\"\n[[rule]]\naction = \"log\"\ncall = \"listen\"\n\
        [[rule]]\naction = \"allow\"\naddress = \"10.0.0.0/8\"\n";
    let policy = Policy::parse("policy.toml", RULES).unwrap();
    let compiled = policy.clone().compile();
    let filter = compiled.register_wants(MEMORY).compile().unwrap();
    for (address, port, expected) in
        [("0.0.0.0", 0, REFUSED), ("10.1.2.3", 0, Action::Log), ("8.8.8.8", 80, Action::Log)]
    {
        let event = Event {
            call: Call::Listen,
            i386: true,
            upper: false,
            family: INET,
            ty: 1,
            protocol: 0,
            address: Some(inet(address, port, 2)),
            flags: 0,
            control: vec![],
            level: 0,
            name: 0,
        };
        let both = (layered(&compiled, &filter, &event), Directly(&policy).action(&event));
        assert_eq!(both, (expected, expected), "{address} {port}");
    }
}

/// Sockets that take addresses of others': those that are understood, and some that aren't.
const OTHERS: [(u32, u32, u32); 20] = [
    (INET, 1, 6),
    (INET, 1, 262),
    (INET, 2, 17),
    (INET, 2, 1),
    (INET, 3, 255),
    (INET, 5, 132),
    (INET, 2, 136),
    (INET6, 1, 6),
    (INET6, 2, 17),
    (INET6, 2, 58),
    (INET6, 3, 58),
    (INET6, 1, 132),
    (UNIX, 1, 0),
    (UNIX, 2, 0),
    (UNIX, 5, 0),
    (VSOCK, 1, 0),
    (VSOCK, 2, 0),
    (VSOCK, 5, 0),
    (16, 3, 0),
    (17, 3, 768),
];

/// Whether rules understand a socket's addresses.
fn understood(socket: Socket) -> bool {
    matches!(
        (socket.family, socket.ty, socket.protocol),
        (INET | INET6, 1, 6 | 262)
            | (INET | INET6, 2, 17)
            | (INET, 2, 1)
            | (INET6, 2, 58)
            | (UNIX | VSOCK, 1 | 2 | 5, _)
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn both_layers_come_to_what_the_rules_say(
        policy in policy(),
        events in proptest::collection::vec(event(), 50),
    ) {
        let compiled = policy.clone().compile();
        let filter = compiled.register_wants(MEMORY).compile().unwrap();
        for event in events {
            let (layered, directly) = (layered(&compiled, &filter, &event), Directly(&policy).action(&event));
            // What the kernel refuses by itself may be left to it. No rule here has these errnos.
            let kernels = [Errno::EINVAL, Errno::EAFNOSUPPORT].map(Action::Deny);
            if kernels.contains(&directly) && matches!(layered, Action::Allow | Action::Log) {
                continue;
            }
            prop_assert_eq!(layered, directly, "{:?}\n{:?}", event,
                policy.rules.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }

    /// Where descriptors need not be held, what is permitted to a socket is permitted to each that can be put in its place; or
    /// the kernel refuses the address.
    #[test]
    fn sockets_that_are_not_held_are_alike(
        policy in policy(),
        events in proptest::collection::vec(event(), 20),
        put in proptest::collection::vec(proptest::sample::select(&OTHERS[..]), 20),
    ) {
        let compiled = policy.compile();
        if compiled.holds_descriptors() {
            return Ok(());
        }
        let can_be_made = |family: u32, ty: u32, protocol: u32| {
            let args = [family, ty, protocol, 0, 0, 0].map(u64::from);
            let nr = Call::Socket.facts().direct_x86_64.number;
            let data = Data { arch: Arch::X86_64.audit(), nr, args, instruction_pointer: 0 };
            // The kernel has no sockets of other types.
            [1, 2, 3, 5].contains(&ty)
                && !matches!(compiled.step(&data), Step::Decided(verdict) if !verdict.action.permits())
        };
        for (event, (family, ty, protocol)) in events.iter().zip(put) {
            let moves = matches!(
                event.call,
                Call::Bind | Call::Connect | Call::Send | Call::Sendto | Call::Sendmsg | Call::Sendmmsg
            );
            // What is understood may be there all the same.
            let there = |socket: Socket, made: bool| made || understood(socket);
            let there = there(event.socket(), can_be_made(event.family, event.ty, event.protocol))
                && there(Socket::new(family, ty, protocol), can_be_made(family, ty, protocol));
            if !moves || !there || compiled.step(&event.data()) != Step::Memory {
                continue;
            }
            // What means nothing to the one is not said to the other.
            let flags = if event.socket().ty == 1 { event.flags } else { event.flags & !FASTOPEN };
            let own = event.copied();
            let other = Copied { socket: Socket::new(family, ty, protocol), flags, ..own };
            let is_odd = [16, 17].contains(&family);
            let alike = own.socket.family == family || own.socket.is_inet() && other.socket.is_inet() || is_odd;
            // What is no address of the other's is none there: it sends on its connection, which nobody judges.
            let family = own.address.and_then(|address| address.first_chunk()).map(|own| u32::from(u16::from_ne_bytes(*own)));
            let addressed =
                is_odd || family == Some(other.socket.family) || family == Some(INET) && other.socket.is_inet();
            if alike && addressed && compiled.judge(&own).action.permits() {
                let verdict = compiled.judge(&other);
                prop_assert!(
                    verdict.action.permits() || verdict.by == By::Malformed,
                    "{:?}\n{:?}: {:?}\n{:?}", event, other.socket, verdict,
                    compiled.policy().rules.iter().map(ToString::to_string).collect::<Vec<_>>()
                );
            }
        }
    }

    /// Total, whatever a program sends.
    #[test]
    fn any_bytes_get_a_verdict(
        policy in policy(),
        socket in (0u32..50, 0u32..16, 0u32..300),
        address in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..130)),
        path in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..130)),
        control in proptest::collection::vec(any::<(i32, i32)>(), 0..4),
        flags in any::<u32>(),
    ) {
        let compiled = policy.compile();
        for call in Call::ALL {
            let socket = Socket::new(socket.0, socket.1, socket.2);
            let (address, path) = (address.as_deref(), path.as_deref());
            let verdict = compiled.judge(&Copied { call, socket, address, path, flags, control: &control });
            prop_assert!(verdict.by != By::Nothing || verdict.action == Action::Allow);
        }
    }
}
