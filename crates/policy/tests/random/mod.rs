//! Random policies and calls, for tests of more than one kind.

use std::net::IpAddr;

use abi::Call;
use policy::{Action, Compiled, Copied, Policy, Socket, Step, silent};
use proptest::prelude::*;
use seccomp::{Arch, Data};

pub const UNIX: u32 = 1;
pub const INET: u32 = 2;
pub const INET6: u32 = 10;
pub const VSOCK: u32 = 40;
pub const FASTOPEN: u32 = 0x2000_0000;
/// The answer for what memory decides.
pub const MEMORY: u16 = 77;

/// A call with all that it brings along.
#[derive(Clone, Debug)]
pub struct Event {
    pub call: Call,
    pub i386: bool,
    /// Bits above an int, where an argument is one.
    pub upper: bool,
    /// Of socket: the arguments. Of others: what the descriptor is.
    pub family: u32,
    pub ty: u32,
    pub protocol: u32,
    pub address: Option<Vec<u8>>,
    pub flags: u32,
    pub control: Vec<(i32, i32)>,
    pub level: u32,
    pub name: u32,
}

impl Event {
    pub fn socket(&self) -> Socket {
        Socket::new(self.family, self.ty, self.protocol)
    }

    /// What it has in memory.
    pub fn copied(&self) -> Copied<'_> {
        let path = self.address.as_deref().filter(|a| a.len() > 2).map(|address| {
            let path = &address[2..];
            path.split(|byte| *byte == 0).next().unwrap_or_default()
        });
        Copied {
            call: self.call,
            socket: self.socket(),
            address: self.address.as_deref(),
            path,
            flags: self.flags,
            // sendto has none.
            control: if self.call == Call::Sendto { &[] } else { &self.control },
        }
    }

    /// The registers of the direct call.
    pub fn data(&self) -> Data {
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
pub fn layered(compiled: &Compiled, filter: &seccomp::Filter, event: &Event) -> Action {
    let data = event.data();
    let step = compiled.step(&data);
    let answer = silent(step, MEMORY).unwrap_or(seccomp::Action::Allow);
    assert_eq!(filter.interpret(&data), answer, "the filter is the tree");
    match step {
        Step::Allow => Action::Allow,
        Step::Decided(verdict) => verdict.action,
        Step::Held => unreachable!("socket calls are not held"),
        Step::Memory => compiled.judge(&event.copied()).action,
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

pub fn policy() -> impl Strategy<Value = Policy> {
    let default = proptest::sample::select(&["allow", "deny", "kill", "log"][..]);
    (default, proptest::collection::vec(rule(), 0..9)).prop_map(|(default, rules)| {
        let head = format!("default = \"{default}\"\n");
        let good = |rule: &String| Policy::parse("one.toml", &format!("{head}{rule}")).is_ok();
        let text: String = rules.into_iter().filter(good).fold(head.clone(), |text, rule| text + &rule);
        Policy::parse("policy.toml", &text).unwrap()
    })
}

pub fn inet(address: &str, port: u16, family: u8) -> Vec<u8> {
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

pub fn event() -> impl Strategy<Value = Event> {
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
