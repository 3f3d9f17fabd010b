//! Both layers together, the interpreted filter and the judgement of memory, come to what the rules say when they
//! are tried one by one. What the rules say is written down here a second time, without any index.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::{Call, Errno};
use policy::{Action, By, Compiled, Copied, Pattern, Policy, Rule, Socket, Step, silent};
use proptest::prelude::*;
use seccomp::{Arch, Data};

const UNIX: u32 = 1;
const INET: u32 = 2;
const INET6: u32 = 10;
const VSOCK: u32 = 40;
const FASTOPEN: u32 = 0x2000_0000;
/// The answer for what memory decides.
const MEMORY: u16 = 77;

/// A call with all that it brings along.
#[derive(Clone, Debug)]
struct Event {
    call: Call,
    i386: bool,
    /// Bits above an int, where an argument is one.
    upper: bool,
    /// Of socket: the arguments. Of others: what the descriptor is.
    family: u32,
    ty: u32,
    protocol: u32,
    address: Option<Vec<u8>>,
    flags: u32,
    control: Vec<(i32, i32)>,
    level: u32,
    name: u32,
}

impl Event {
    fn socket(&self) -> Socket {
        Socket::new(self.family, self.ty, self.protocol)
    }

    /// The registers of the direct call.
    fn data(&self) -> Data {
        let facts = self.call.facts();
        let upper = if self.upper && !self.i386 { 7 << 32 } else { 0 };
        let int = |value: u32| u64::from(value) | upper;
        let pointer = |there: bool| match (there, self.i386) {
            (false, _) => 0,
            (true, true) => 0x0804_a000,
            // Its lower half is null.
            (true, false) => 0x7f00_0000_0000,
        };
        let args = match self.call {
            Call::Socket | Call::Socketpair => [int(self.family), int(self.ty), int(self.protocol), 1, 0, 0],
            Call::Setsockopt | Call::Getsockopt => [3, int(self.level), int(self.name), 1, 0, 0],
            Call::Sendto => [3, 1, 1, int(self.flags), pointer(self.address.is_some()), 16],
            Call::Sendmsg => [3, 1, int(self.flags), 0, 0, 0],
            Call::Sendmmsg => [3, 1, 1, int(self.flags), 0, 0],
            _ => [3, 1, 16, 0, 0, 0],
        };
        let (arch, direct) =
            if self.i386 { (Arch::I386, facts.direct_i386) } else { (Arch::X86_64, facts.direct_x86_64) };
        Data { arch: arch.audit(), nr: direct.number, args, instruction_pointer: 0 }
    }
}

/// What the layers come to.
fn layered(compiled: &Compiled, filter: &seccomp::Filter, event: &Event) -> Action {
    let data = event.data();
    let step = compiled.step(&data);
    let answer = silent(step, MEMORY).unwrap_or(seccomp::Action::Allow);
    assert_eq!(filter.interpret(&data), answer, "the filter is the tree");
    match step {
        Step::Allow => Action::Allow,
        Step::Decided(verdict) => verdict.action,
        Step::Memory => {
            let path = event.address.as_deref().filter(|a| a.len() > 2).map(|address| {
                let path = &address[2..];
                path.split(|byte| *byte == 0).next().unwrap_or_default()
            });
            let copied = Copied {
                call: event.call,
                socket: event.socket(),
                address: event.address.as_deref(),
                path,
                flags: event.flags,
                // sendto has none.
                control: if event.call == Call::Sendto { &[] } else { &event.control },
            };
            compiled.judge(&copied).action
        }
    }
}

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

fn list(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(words), 1..4).prop_map(|words| {
        format!("[{}]", words.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", "))
    })
}

/// A rule's text. Some can never match, and are left out.
fn rule() -> impl Strategy<Value = String> {
    let key = |key: &'static str, weight: f64, words: &'static [&'static str]| {
        proptest::option::weighted(weight, list(words))
            .prop_map(move |list| list.map_or(String::new(), |list| format!("{key} = {list}\n")))
    };
    let action = proptest::sample::select(&["allow", "allow", "deny", "deny", "deny2", "kill", "log"][..]);
    (
        action,
        key(
            "call",
            0.35,
            &[
                "create",
                "bind",
                "connect",
                "listen",
                "send",
                "accept",
                "option",
                "sendmsg",
                "socket",
                "setsockopt",
                "receive",
            ],
        ),
        key("family", 0.4, &["inet", "inet6", "unix", "vsock", "netlink", "packet", "alg"]),
        key("type", 0.2, &["stream", "dgram", "raw", "seqpacket", "packet"]),
        key("protocol", 0.2, &["tcp", "udp", "icmp", "mptcp", "sctp", "route", "icmpv6"]),
        key(
            "address",
            0.35,
            &[
                "10.0.0.0/8",
                "10.1.0.0/16",
                "127.0.0.0/8",
                "0.0.0.0",
                "0.0.0.0/0",
                "::1",
                "::/0",
                "fd00::/8",
                "/run/**",
                "/run/*.sock",
                "/run/a.sock",
                "@**",
                "@a*",
                "vsock:2",
                "vsock:*",
            ],
        ),
        key("port", 0.3, &["80", "443", "0", "1-1023", "0-65535"]),
        key(
            "option",
            0.15,
            &["ip.*", "ipv6.IPV6_RTHDR", "tcp.TCP_NODELAY", "socket.*", "socket.SO_REUSEADDR", "0.7"],
        ),
    )
        .prop_map(|(action, call, family, ty, protocol, address, port, option)| {
            let action = match action {
                "deny2" => "\"deny\"\nerrno = \"EPERM\"".to_owned(),
                other => format!("\"{other}\""),
            };
            format!("[[rule]]\naction = {action}\n{call}{family}{ty}{protocol}{address}{port}{option}")
        })
}

fn policy() -> impl Strategy<Value = Policy> {
    let default = proptest::sample::select(&["allow", "deny", "kill", "log"][..]);
    (default, proptest::collection::vec(rule(), 0..9)).prop_map(|(default, rules)| {
        let head = format!("default = \"{default}\"\n");
        let good = |rule: &String| Policy::parse("one.toml", &format!("{head}{rule}")).is_ok();
        let text: String = rules.into_iter().filter(good).fold(head.clone(), |text, rule| text + &rule);
        Policy::parse("policy.toml", &text).unwrap()
    })
}

fn inet(address: &str, port: u16, family: u8) -> Vec<u8> {
    let [a, b] = port.to_be_bytes();
    let mut bytes = vec![family, 0, a, b];
    match address.parse().unwrap() {
        IpAddr::V4(address) => bytes.extend(address.octets().into_iter().chain([0; 8])),
        IpAddr::V6(address) => bytes.extend([0; 4].into_iter().chain(address.octets()).chain([0; 4])),
    }
    bytes
}

fn address() -> impl Strategy<Value = Option<Vec<u8>>> {
    let port = proptest::sample::select(&[0u16, 80, 443, 1024, 65_535][..]);
    let v4 = (
        proptest::sample::select(&["10.1.2.3", "10.2.3.4", "127.0.0.1", "0.0.0.0", "8.8.8.8"][..]),
        port.clone(),
        proptest::sample::select(&[2u8, 2, 2, 0][..]),
    )
        .prop_map(|(address, port, family)| inet(address, port, family));
    let v6 = (
        proptest::sample::select(
            &["::1", "::", "fd00::1", "2001:db8::1", "::ffff:10.1.2.3", "::ffff:127.0.0.1", "::ffff:0.0.0.0"]
                [..],
        ),
        port,
    )
        .prop_map(|(address, port)| inet(address, port, 10));
    let unix = proptest::sample::select(
        &["/run/a.sock", "/run/b/a.sock", "/run/b.sock\0junk", "/tmp/x", "\0a1", "\0b\0c", "run"][..],
    )
    .prop_map(|path| [b"\x01\0", path.as_bytes()].concat());
    let vsock = (0u32..4, proptest::sample::select(&[80u32, 1 << 20][..])).prop_map(|(cid, port)| {
        let mut bytes = vec![40, 0, 0, 0];
        bytes.extend(port.to_ne_bytes().into_iter().chain(cid.to_ne_bytes()).chain([0; 4]));
        bytes
    });
    let strange = Just(vec![99, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    prop_oneof![1 => Just(None), 6 => v4.prop_map(Some), 6 => v6.prop_map(Some), 4 => unix.prop_map(Some),
        2 => vsock.prop_map(Some), 1 => strange.prop_map(Some)]
}

fn event() -> impl Strategy<Value = Event> {
    // Those of which the kernel has a call of their own name.
    let calls: Vec<Call> =
        Call::ALL.into_iter().filter(|call| ![Call::Send, Call::Recv, Call::Accept].contains(call)).collect();
    let socket = prop_oneof![
        (proptest::sample::select(&[INET, INET6, UNIX, VSOCK][..]), 1u32..=2).prop_map(|(f, t)| (f, t, 0)),
        (
            proptest::sample::select(&[0u32, 1, 2, 10, 16, 17, 38, 40, 45, 1 << 30][..]),
            0u32..=15,
            proptest::sample::select(&[0u32, 1, 6, 17, 58, 132, 255, 262, 999][..])
        ),
    ];
    let socket = (socket, any::<bool>())
        .prop_map(|((f, t, p), flags)| (f, if flags { t | 0o2_004_000 } else { t }, p));
    let level = proptest::sample::select(
        &[
            (0u32, 4u32),
            (0, 7),
            (0, 1),
            (1, 2),
            (1, 26),
            (6, 1),
            (6, 2),
            (41, 57),
            (41, 6),
            (41, 32),
            (99, 1),
        ][..],
    );
    let control = proptest::collection::vec(
        proptest::sample::select(&[(0, 7), (0, 8), (41, 57), (41, 5), (41, 50), (1, 1)][..]),
        0..3,
    );
    (
        proptest::sample::select(calls),
        any::<[bool; 2]>(),
        socket,
        address(),
        proptest::sample::select(&[0, FASTOPEN, 0x4000][..]),
        control,
        level,
    )
        .prop_map(
            |(call, [i386, upper], (family, ty, protocol), address, flags, control, (level, name))| {
                let needs = matches!(call, Call::Bind | Call::Connect | Call::Listen);
                // A call that needs an address and has none fails whatever a policy says.
                let address = address.or_else(|| needs.then(|| inet("10.1.2.3", 80, 2)));
                Event { call, i386, upper, family, ty, protocol, address, flags, control, level, name }
            },
        )
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
