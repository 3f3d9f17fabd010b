//! The ways to a socket, and what a filter answers on each.

use std::fmt;

use seccomp::{Action, Data};

use crate::calls::Abi;
use crate::compile::{Cause, Compiled};
use crate::family::Family;
use crate::target::Machine;

/// A way to create a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// socket(2) of x86-64.
    Direct64,
    /// socket(2) of x32: x86-64's, with bit 30 set in the number.
    X32,
    /// socket(2) of i386, since Linux 4.3.
    Direct32,
    /// `socketcall(SYS_SOCKET, array)` of i386, by whichever instruction. A filter does not see from what code
    /// `int $0x80` is made, so 64-bit programs have this way too.
    Socketcall,
    /// `IORING_OP_SOCKET` of io_uring, since Linux 5.19. A filter sees no operation of a ring. With
    /// `IORING_SETUP_SQPOLL` the kernel takes operations from memory, so io_uring_setup(2) alone decides.
    IoUring,
}

impl Way {
    /// All ways, the direct ones first.
    pub const ALL: [Way; 5] = [Way::Direct64, Way::X32, Way::Direct32, Way::Socketcall, Way::IoUring];

    /// The ways of a machine.
    pub fn of(machine: Machine) -> impl Iterator<Item = Way> {
        let takes = move |way: &Way| match way {
            Way::Direct64 | Way::X32 => machine == Machine::Amd64,
            Way::Direct32 | Way::Socketcall | Way::IoUring => true,
        };
        Way::ALL.into_iter().filter(takes)
    }

    /// A short name: `x86_64`, `x32`, `i386`, `socketcall`, `io_uring`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Way::Direct64 => "x86_64",
            Way::X32 => "x32",
            Way::Direct32 => "i386",
            Way::Socketcall => "socketcall",
            Way::IoUring => "io_uring",
        }
    }

    /// Whether the filter sees the socket's family there.
    #[must_use]
    pub const fn is_direct(self) -> bool {
        matches!(self, Way::Direct64 | Way::X32 | Way::Direct32)
    }
}

/// What it is, in words.
impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Way::Direct64 => "socket(2) of x86-64",
            Way::X32 => "socket(2) of x32",
            Way::Direct32 => "socket(2) of i386",
            Way::Socketcall => "socketcall",
            Way::IoUring => "io_uring",
        })
    }
}

/// What an answer means for who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// The call is made.
    Allowed,
    /// It is refused.
    Refused,
    /// Who makes it dies.
    Killed,
    /// A listener or a tracer decides: the profile doesn't say how.
    Asked,
}

impl From<Action> for Answer {
    fn from(action: Action) -> Answer {
        match action {
            Action::Allow | Action::Log => Answer::Allowed,
            Action::Errno(_) | Action::Trap(_) => Answer::Refused,
            Action::KillProcess | Action::KillThread => Answer::Killed,
            Action::UserNotif | Action::Trace(_) => Answer::Asked,
        }
    }
}

/// One call, and what the filter answers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The answer.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// The call's argument registers.
    pub args: [u64; 6],
}

impl Seen {
    /// What the answer means.
    #[must_use]
    pub fn answer(&self) -> Answer {
        self.action.into()
    }
}

/// What is answered on one way for one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The way.
    pub way: Way,
    /// A call that is allowed, if one is.
    pub allowed: Option<Seen>,
    /// A call that is not, if one is.
    pub denied: Option<Seen>,
    /// Which types and protocols are allowed, in the order of [`Probe::sockets`].
    pub(crate) sockets: Vec<bool>,
    /// Of [`Way::Socketcall`]: what a 32-bit program's ordinary call gets.
    pub(crate) ordinary: Option<Seen>,
}

impl Access {
    /// What to say in one word: what can be had, or what is answered.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let seen = self.allowed.as_ref().or(self.denied.as_ref());
        seen.map_or(Answer::Refused, Seen::answer)
    }

    /// Whether some types or protocols are allowed, and others are not.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.allowed.is_some() && self.denied.is_some()
    }
}

/// The calls that are tried: every type, protocol and register value at which the rules can change their answer.
#[derive(Clone, Debug)]
pub(crate) struct Probe<'a> {
    compiled: &'a Compiled,
    /// Types and protocols.
    pub sockets: Vec<(u64, u64)>,
}

/// The types of `linux/net.h`, and a value that no rule has in mind.
const TYPES: [u64; 7] = [1, 2, 3, 4, 5, 6, 10];
/// As many constants of one argument are tried at most; a profile with more is no profile by people.
const CONSTANTS: usize = 24;
/// So many combinations of registers without meaning are tried at most.
const COMBINATIONS: usize = 2000;
/// Where a 32-bit program's array can be: on its stack, in its data, on its heap; and what stands in registers
/// that have no meaning for the call.
const POINTERS: [u64; 4] = [0xffff_d0f0, 0xbfff_e6ac, 0x0804_a014, 0x5655_9008];
const GARBAGE: [u64; 3] = [0, 0xf7fb_e000, 0xffff_ffff];

/// Each constant, and its neighbours.
fn around(constants: &[u64]) -> Vec<u64> {
    let mut values: Vec<u64> = constants
        .iter()
        .take(CONSTANTS)
        .flat_map(|value| [value.wrapping_sub(1), *value, value.wrapping_add(1)])
        .collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// `base` and the places around `constants`, each once, as 32-bit values: more a call's `int` cannot hold.
fn values(base: &[u64], constants: &[u64]) -> Vec<u64> {
    let mut values = base.to_vec();
    for value in around(constants).into_iter().map(|value| value & u64::from(u32::MAX)) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// Every combination of one value for each register; the first value of each comes first.
fn combinations(registers: &[Vec<u64>]) -> Vec<Vec<u64>> {
    registers.iter().fold(vec![Vec::new()], |all, values| {
        let longer = |front: &Vec<u64>| {
            let front = front.clone();
            values.iter().map(move |value| front.iter().copied().chain([*value]).collect())
        };
        all.iter().flat_map(longer).collect()
    })
}

impl<'a> Probe<'a> {
    pub fn new(compiled: &'a Compiled) -> Probe<'a> {
        let types = values(&TYPES, &compiled.constants("socket", 1));
        let protocols = values(&[0], &compiled.constants("socket", 2));
        let pairs = combinations(&[types, protocols]);
        Probe { compiled, sockets: pairs.into_iter().map(|pair| (pair[0], pair[1])).collect() }
    }

    /// What the call `name` gets.
    fn ask(&self, abi: Abi, name: &str, args: [u64; 6]) -> Seen {
        // The table has the calls that are asked about, for every kind.
        let nr = abi.number(name).unwrap_or(u32::MAX);
        let data = Data { nr, arch: abi.arch().audit(), instruction_pointer: 0, args };
        let (action, cause) = self.compiled.judge(&data);
        Seen { action, cause, args }
    }

    /// Registers from `first` on that have no meaning for the calls `names`: who makes the call can put there
    /// what a rule asks for.
    fn free(&self, names: &[&str], first: u8) -> Vec<Vec<u64>> {
        let constants =
            |index| names.iter().flat_map(|name| self.compiled.constants(name, index)).collect::<Vec<_>>();
        let mut free: Vec<Vec<u64>> = (first..6).map(|index| values(&[0], &constants(index))).collect();
        while free.iter().map(Vec::len).product::<usize>() > COMBINATIONS {
            free.iter_mut().max_by_key(|values| values.len()).map(Vec::pop);
        }
        free
    }

    pub fn access(&self, way: Way, family: Family) -> Access {
        match way {
            Way::Direct64 => self.direct(way, Abi::X86_64, family),
            Way::X32 => self.direct(way, Abi::X32, family),
            Way::Direct32 => self.direct(way, Abi::I386, family),
            Way::Socketcall => self.socketcall(),
            Way::IoUring => self.io_uring(),
        }
    }

    fn direct(&self, way: Way, abi: Abi, family: Family) -> Access {
        let free = combinations(&self.free(&["socket"], 3));
        let mut access = Access { way, allowed: None, denied: None, sockets: Vec::new(), ordinary: None };
        for (ty, protocol) in &self.sockets {
            let seen = first_allowed(free.iter().map(|rest| {
                self.ask(abi, "socket", [family.number().into(), *ty, *protocol, rest[0], rest[1], rest[2]])
            }));
            let allowed = seen.is_some_and(|seen| seen.answer() == Answer::Allowed);
            access.sockets.push(allowed);
            if allowed {
                access.allowed = access.allowed.or(seen);
            } else {
                access.denied = access.denied.or(seen);
            }
        }
        access
    }

    /// A call on a way where the filter does not see the socket: possible is what any registers get.
    fn blind(&self, way: Way, seen: Option<Seen>, ordinary: Option<Seen>) -> Access {
        let allowed = seen.filter(|seen| seen.answer() == Answer::Allowed);
        let denied = if allowed.is_some() { None } else { seen };
        Access { way, allowed, denied, sockets: vec![allowed.is_some(); self.sockets.len()], ordinary }
    }

    fn socketcall(&self) -> Access {
        let call = |rest: &Vec<u64>| {
            let number = abi::Call::Socket.number().unsigned_abs();
            let args = [number.into(), rest[0], rest[1], rest[2], rest[3], rest[4]];
            self.ask(Abi::I386, "socketcall", args)
        };
        let mut registers = self.free(&["socket", "socketcall"], 1);
        let ordinary = combinations(&[POINTERS.to_vec(), GARBAGE.to_vec()]);
        let ordinary = ordinary.iter().map(|pair| call(&vec![pair[0], pair[1], pair[1], pair[1], pair[1]]));
        // A program works if its call does whatever its registers happen to hold.
        let worst = ordinary.max_by_key(|seen| seen.answer());
        registers[0].splice(0..0, POINTERS);
        self.blind(Way::Socketcall, first_allowed(combinations(&registers).iter().map(call)), worst)
    }

    fn io_uring(&self) -> Access {
        let registers = combinations(&self.free(&["io_uring_setup"], 0));
        let abis = Abi::ALL.into_iter().filter(|abi| self.compiled.abis().contains(abi));
        let calls = abis.flat_map(|abi| {
            registers.iter().map(move |args| {
                let args = std::array::from_fn(|index| args[index]);
                self.ask(abi, "io_uring_setup", args)
            })
        });
        self.blind(Way::IoUring, first_allowed(calls), None)
    }

    /// A call of x86-64 for a type and protocol that is denied, and that is allowed once bits are set that an
    /// `int` does not hold: libseccomp compares 64 bits, and the kernel takes the lower 32.
    pub fn upper_bits(&self, family: Family, access: &Access) -> Option<Seen> {
        const UPPER: [u64; 3] = [0, 1 << 32, 0xffff_ffff << 32];
        let upper = combinations(&[UPPER.to_vec(), UPPER.to_vec(), UPPER.to_vec()]);
        let denied = self.sockets.iter().zip(&access.sockets).filter(|(_, allowed)| !**allowed);
        denied.map(|(socket, _)| *socket).find_map(|(ty, protocol)| {
            upper.iter().find_map(|bits| {
                let args = [bits[0] | u64::from(family.number()), bits[1] | ty, bits[2] | protocol, 0, 0, 0];
                let seen = self.ask(Abi::X86_64, "socket", args);
                (seen.answer() == Answer::Allowed).then_some(seen)
            })
        })
    }
}

/// The first call that is allowed; without one, the first that is left to somebody; without one, the first.
fn first_allowed(calls: impl Iterator<Item = Seen>) -> Option<Seen> {
    let mut best: Option<Seen> = None;
    for seen in calls {
        match seen.answer() {
            Answer::Allowed => return Some(seen),
            Answer::Asked if best.is_none_or(|best| best.answer() != Answer::Asked) => best = Some(seen),
            _ => best = best.or(Some(seen)),
        }
    }
    best
}
