//! A call in words, and what becomes of it: `connect inet stream 10.1.2.3:443`.

use std::net::{IpAddr, SocketAddr};

use abi::Call;
use seccomp::{Arch, Data};

use crate::address::Purpose;
use crate::compile::Compiled;
use crate::decide::Verdict;
use crate::error::{Error, Problem, Source, near};
use crate::escape::DOORS;
use crate::judge::Copied;
use crate::model::{CREATE, OPTION};
use crate::node::Step;
use crate::read::{Wrong, place};
use crate::remedy::{Asked, Remedy};
use crate::socket::{INET6, Socket};
use crate::values::{self, Word};

/// Where something is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// By the call's registers: in the kernel, at no cost.
    Registers,
    /// By what the call has in memory.
    Memory,
}

impl Layer {
    /// A word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Layer::Registers => "registers",
            Layer::Memory => "memory",
        }
    }
}

/// A call in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    name: String,
    call: Option<Call>,
    socket: Socket,
    address: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    option: (u32, u32),
}

impl Question {
    /// Reads `CALL FAMILY TYPE [PROTOCOL] [ADDRESS]`, or `setsockopt LEVEL.NAME`, or a call alone. An address is
    /// `10.1.2.3:443`, `[::1]:53`, `/run/x.sock`, `@name` or `vsock:2:1024`.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(text: &str) -> Result<Question, Error> {
        let source = Source::new("the CALL", text);
        read(text).map_err(|wrong| place(&source, wrong))
    }
}

fn read(text: &str) -> Result<Question, Wrong> {
    let mut words = text.split_whitespace().map(|word| {
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        (word, start..start + word.len())
    });
    let missing =
        |what: &'static str| (text.len()..text.len(), Problem::Missing { what: "the question", key: what });
    let (name, at) = words.next().ok_or_else(|| missing("call"))?;
    let call = Call::ALL.into_iter().find(|call| call.name() == name);
    let mut question = Question {
        name: name.to_owned(),
        call,
        socket: Socket::new(0, 0, 0),
        address: None,
        path: None,
        option: (0, 0),
    };
    match call {
        None if DOORS.iter().any(|door| door.name == name) => {}
        None => {
            let all = Call::ALL.map(Call::name).into_iter().chain(DOORS.iter().map(|door| door.name));
            let problem = Problem::Name { what: "call", name: name.to_owned(), near: near(name, all) };
            return Err((at, problem));
        }
        Some(call) if OPTION.has(call) => {
            let (word, at) = words.next().ok_or_else(|| missing("option"))?;
            let option = values::option(&Word::bare(word)).map_err(|problem| (at.clone(), problem))?;
            let name = option.name.ok_or_else(|| (at, Problem::Option(word.to_owned())))?;
            question.option = (option.level, name);
        }
        Some(call) if CREATE.has(call) || Purpose::of(call).is_some() => {
            let mut value = |what, read: fn(&Word) -> Result<u32, Problem>| {
                let (word, at) = words.next().ok_or_else(|| missing(what))?;
                read(&Word::bare(word)).map_err(|problem| (at, problem))
            };
            let (family, ty) = (value("family", values::family)?, value("type", values::socket_type)?);
            let mut protocol = 0;
            let mut rest = words.clone().peekable();
            // What is no protocol is an address.
            if let Some((word, _)) = rest.peek() {
                match values::protocol(&Word::bare(word)) {
                    Ok(found) => {
                        let named = found.named.iter().find(|(own, _)| *own == family);
                        protocol = named.map_or(found.number, |(_, number)| *number);
                        words.next();
                    }
                    Err(problem) if CREATE.has(call) => {
                        return Err((rest.next().unwrap_or_default().1, problem));
                    }
                    Err(_) => {}
                }
            }
            question.socket = Socket::new(family, ty, protocol);
            if let Some((word, at)) = words.next() {
                if CREATE.has(call) {
                    return Err((at, Problem::Never(format!("{name} has no address"))));
                }
                let (address, path) =
                    address(word, family).ok_or_else(|| (at, Problem::Address(format!("`{word}`"))))?;
                (question.address, question.path) = (Some(address), path);
            }
        }
        Some(_) => {}
    }
    match words.next() {
        Some((word, at)) => Err((at, Problem::Never(format!("`{word}` is one word too many")))),
        None => Ok(question),
    }
}

/// An address as a call has it, and its path.
fn address(word: &str, family: u32) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let unix = |path: &[u8]| [b"\x01\0", path].concat();
    if word.starts_with('/') {
        return Some((unix(word.as_bytes()), Some(word.into())));
    }
    if let Some(name) = word.strip_prefix('@') {
        return Some((unix(&[b"\0", name.as_bytes()].concat()), None));
    }
    if let Some((cid, port)) = word.strip_prefix("vsock:").and_then(|rest| rest.split_once(':')) {
        let (cid, port): (u32, u32) = (cid.parse().ok()?, port.parse().ok()?);
        let head = [40u16.to_ne_bytes(), [0, 0]].concat();
        return Some(([&head[..], &port.to_ne_bytes(), &cid.to_ne_bytes(), &[0; 4]].concat(), None));
    }
    let bare = || word.parse().ok().map(|address: IpAddr| SocketAddr::new(address, 0));
    let address: SocketAddr = word.parse().ok().or_else(bare)?;
    let port = address.port().to_be_bytes();
    Some((
        match address.ip() {
            IpAddr::V4(own) if family == INET6 => sockaddr_in6(port, own.to_ipv6_mapped().octets()),
            IpAddr::V4(own) => [&2u16.to_ne_bytes()[..], &port, &own.octets(), &[0; 8]].concat(),
            IpAddr::V6(own) => sockaddr_in6(port, own.octets()),
        },
        None,
    ))
}

fn sockaddr_in6(port: [u8; 2], address: [u8; 16]) -> Vec<u8> {
    [&10u16.to_ne_bytes()[..], &port, &[0; 4], &address, &[0; 4]].concat()
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What, and why.
    pub verdict: Verdict,
    /// Where it is decided.
    pub layer: Layer,
}

impl Compiled {
    /// What becomes of the call: as x86-64 makes it, and i386 alike.
    #[must_use]
    pub fn ask(&self, question: &Question) -> Answer {
        let registers = |verdict| Answer { verdict, layer: Layer::Registers };
        let Some(call) = question.call else {
            let mut planned = self.plan().filter(|planned| planned.name == question.name);
            let refused = planned.find_map(|planned| {
                planned.steps().into_iter().find_map(|step| match step {
                    Step::Decided(verdict) => Some(verdict),
                    _ => None,
                })
            });
            return registers(refused.unwrap_or(Verdict::NOTHING));
        };
        let policy = self.policy();
        if CREATE.has(call) {
            return registers(policy.on_create(call, question.socket));
        }
        if OPTION.has(call) {
            return registers(policy.on_option(call, question.option.0, question.option.1));
        }
        let step = self.step(&question.data(call));
        match (step, Purpose::of(call)) {
            (Step::Memory, Some(_)) => {
                Answer { verdict: self.judge(&question.copied(call)), layer: Layer::Memory }
            }
            (Step::Decided(verdict), _) => registers(verdict),
            (_, Some(purpose)) if question.address.is_some() => {
                registers(policy.without_address(purpose, call).unwrap_or(Verdict::NOTHING))
            }
            _ => registers(policy.on_name(call)),
        }
    }

    /// The rules that would permit the call. `None` for what no rule can change.
    #[must_use]
    pub fn permitting(&self, question: &Question) -> Option<Remedy> {
        let call = question.call?;
        let named = self.ask(question).layer == Layer::Registers;
        let (level, name) = question.option;
        self.policy().remedy(&match call {
            call if CREATE.has(call) => Asked::Socket(call, question.socket),
            call if OPTION.has(call) => Asked::Option(call, level, name),
            call if named => Asked::Name(call),
            call => Asked::Memory(question.copied(call)),
        })
    }
}

impl Question {
    /// What the call has in memory.
    fn copied(&self, call: Call) -> Copied<'_> {
        let (address, path) = (self.address.as_deref(), self.path.as_deref());
        Copied { call, socket: self.socket, address, path, flags: 0, control: &[] }
    }

    /// The registers.
    fn data(&self, call: Call) -> Data {
        let mut args = [3, 1, 16, 0, 0, 0];
        if call == Call::Sendto {
            args[4] = u64::from(self.address.is_some());
        } else if matches!(call, Call::Sendmsg | Call::Sendmmsg) {
            (args[2], args[3]) = (0, 0);
        }
        Data { arch: Arch::X86_64.audit(), nr: call.facts().direct_x86_64.number, args, ..Data::default() }
    }
}
