//! What memory decides: a call's address and control messages, as they were copied and will be used.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use abi::{Call, Errno};
use ipnet::IpNet;

use crate::address::{Pattern, Peer, Purpose};
use crate::decide::{By, Verdict};
use crate::index::{Cids, Globs, Making, NONE, Networks, OnCid, OnNetwork, Ports, Room, Tables};
use crate::model::{CREATE, Calls, OPTION, Policy};
use crate::socket::{INET, INET6, STREAM, Socket, UNIX, VSOCK};

/// A call as it will be made: nothing of it can be changed any more.
#[derive(Clone, Copy, Debug)]
pub struct Copied<'a> {
    /// The call. Of sendmmsg, each message is judged.
    pub call: Call,
    /// What the socket is, as the kernel says.
    pub socket: Socket,
    /// The address that the call carries; of listen, the socket's own, as getsockname(2) tells it.
    pub address: Option<&'a [u8]>,
    /// The path in the address with all links followed; of a socket that is to be bound, with its name at the end.
    /// `None` if it leads nowhere.
    pub path: Option<&'a [u8]>,
    /// The flags of a message (`MSG_*`).
    pub flags: u32,
    /// Level and type of each control message.
    pub control: &'a [(i32, i32)],
}

/// MSG_FASTOPEN (include/linux/socket.h): sending connects.
pub(crate) const FASTOPEN: u32 = 0x2000_0000;

/// The rules for one kind of address.
#[derive(Debug)]
enum Index {
    /// Networks of one version; and for bind, rules that deny loopback, which a wildcard is too.
    Ip {
        networks: Networks,
        loopback: Ports,
    },
    Unix {
        paths: Globs,
        names: Globs,
    },
    Vsock(Cids),
}

/// Which rules there are for an address: by call, socket and the address's own family.
#[derive(Debug)]
pub(crate) struct Judge {
    rows: Vec<u16>,
    indexes: Vec<Index>,
    tables: Tables,
}

/// The calls that carry an address.
pub(crate) const CARRIERS: [Call; 6] =
    [Call::Bind, Call::Connect, Call::Listen, Call::Sendto, Call::Sendmsg, Call::Sendmmsg];

/// How many rows a call has: a socket of IPv6 carries addresses of both versions.
const ROWS: usize = 2 * Socket::MODELLED.len();

/// The place of a row; `None` for a call or a socket that has none, as for IPv4 mapped into anything but IPv6.
fn row(call: Call, socket: Socket, mapped: bool) -> Option<usize> {
    if mapped && socket.family != INET6 {
        return None;
    }
    let call = match call {
        Call::Bind => 0,
        Call::Connect => 1,
        Call::Listen => 2,
        Call::Send | Call::Sendto => 3,
        Call::Sendmsg => 4,
        Call::Sendmmsg => 5,
        _ => return None,
    };
    let socket = Socket::MODELLED.iter().position(|own| *own == socket)?;
    Some(call * ROWS + 2 * socket + usize::from(mapped))
}

/// An address as a number among those of its version.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn span(net: &IpNet) -> (u128, u128) {
    (number(net.network()), number(net.broadcast()))
}

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

impl Judge {
    /// Makes the indexes; calls and sockets that have the same rules share one.
    pub fn new(policy: &Policy) -> Judge {
        Judge::only(policy, &CARRIERS, &Socket::MODELLED)
    }

    /// Makes those that are needed for these calls and sockets.
    pub fn only(policy: &Policy, calls: &[Call], sockets: &[Socket]) -> Judge {
        let mut known: HashMap<(u32, Vec<u32>), u16> = HashMap::new();
        let (mut rows, mut indexes) = (vec![0; CARRIERS.len() * ROWS], Vec::new());
        let mut making = Making::new(Room::OF_POLICY);
        for call in calls.iter().copied() {
            for socket in sockets.iter().copied() {
                for mapped in [false, true] {
                    let Some(row) = row(call, socket, mapped) else { continue };
                    let wire = if mapped { INET } else { socket.family };
                    let rules = policy.candidates(Calls::of(call), socket, wire);
                    let next = indexes.len() as u16;
                    let key = (wire, rules.map(|rule| rule as u32).collect());
                    rows[row] = *known.entry(key).or_insert_with_key(|(_, rules)| {
                        indexes.push(Index::new(policy, wire, rules, &mut making));
                        next
                    });
                }
            }
        }
        Judge { rows, indexes, tables: making.made() }
    }

    /// The rules that can decide about the address of a call; [`NONE`] stands for the default.
    pub fn answers(&self, call: Call) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        for socket in Socket::MODELLED {
            for mapped in [false, socket.family == INET6] {
                match self.index(call, socket, mapped) {
                    Some(Index::Ip { networks, loopback }) => {
                        networks.answers(&mut found);
                        if call == Call::Bind {
                            loopback.answers(&mut found);
                        }
                    }
                    Some(Index::Unix { paths, names }) => {
                        paths.answers(&mut found);
                        names.answers(&mut found);
                    }
                    Some(Index::Vsock(cids)) => cids.answers(&mut found),
                    None => {}
                }
            }
        }
        found
    }

    /// Which index it is that has the rules for an address; equal, where the rules are.
    pub fn row(&self, call: Call, socket: Socket, mapped: bool) -> Option<u16> {
        Some(self.rows[row(call, socket, mapped)?])
    }

    fn index(&self, call: Call, socket: Socket, mapped: bool) -> Option<&Index> {
        self.indexes.get(usize::from(self.row(call, socket, mapped)?))
    }

    /// The first rule for an IP address.
    fn ip(&self, call: Call, socket: Socket, address: IpAddr, port: u16) -> u32 {
        let mapped = socket.family == INET6 && address.is_ipv4();
        let Some(Index::Ip { networks, loopback }) = self.index(call, socket, mapped) else { return NONE };
        let first = networks.first(&self.tables, number(address), port);
        if !address.is_unspecified() {
            return first;
        }
        // Who connects or sends to any address reaches loopback. Who binds to it has loopback among others: that
        // loopback is permitted doesn't permit it.
        first.min(match call {
            Call::Bind | Call::Listen => loopback.first(port.into()),
            _ => networks.first(&self.tables, number(LOOPBACK[usize::from(address.is_ipv6())]), port),
        })
    }
}

impl Index {
    fn new(policy: &Policy, wire: u32, rules: &[u32], making: &mut Making) -> Index {
        match wire {
            UNIX => {
                let mut all = NONE;
                let (mut paths, mut names) = (Vec::new(), Vec::new());
                for rule in rules {
                    match &policy.rules[*rule as usize].matcher.addresses {
                        None => all = all.min(*rule),
                        Some(patterns) => {
                            for pattern in patterns {
                                match pattern {
                                    Pattern::Path(glob, _) => paths.push((glob, *rule)),
                                    Pattern::Abstract(glob, _) => names.push((glob, *rule)),
                                    Pattern::Net(_) | Pattern::Vsock(_) => {}
                                }
                            }
                        }
                    }
                }
                Index::Unix { paths: Globs::new(paths, all), names: Globs::new(names, all) }
            }
            VSOCK => {
                let mut own = Vec::new();
                for rule in rules {
                    let matcher = &policy.rules[*rule as usize].matcher;
                    let on = |cid: Option<u32>| OnCid { cid, ports: matcher.ports.as_deref(), rule: *rule };
                    match &matcher.addresses {
                        None => own.push(on(None)),
                        Some(patterns) => own.extend(patterns.iter().filter_map(|pattern| match pattern {
                            Pattern::Vsock(cid) => Some(on(*cid)),
                            _ => None,
                        })),
                    }
                }
                Index::Vsock(Cids::new(&own, making))
            }
            _ => Index::ip(policy, wire, rules, making),
        }
    }

    fn ip(policy: &Policy, wire: u32, rules: &[u32], making: &mut Making) -> Index {
        let v4 = wire == INET;
        let end = Networks::LAST[usize::from(!v4)];
        let mut own = Vec::new();
        let mut loopback: Vec<(RangeInclusive<u32>, u32)> = Vec::new();
        for rule in rules {
            let (action, matcher) =
                (policy.rules[*rule as usize].action, &policy.rules[*rule as usize].matcher);
            let ports = matcher.ports.as_deref();
            let nets: Vec<(u128, u128)> = match &matcher.addresses {
                None => vec![(0, end)],
                Some(patterns) => {
                    let net = |pattern: &Pattern| match pattern {
                        Pattern::Net(net) if net.addr().is_ipv4() == v4 => Some(span(net)),
                        _ => None,
                    };
                    patterns.iter().filter_map(net).collect()
                }
            };
            let lo = number(LOOPBACK[usize::from(!v4)]);
            if !action.permits() && nets.iter().any(|(first, last)| (*first..=*last).contains(&lo)) {
                let every = [0..=u32::MAX];
                loopback.extend(ports.unwrap_or(&every).iter().map(|range| (range.clone(), *rule)));
            }
            own.extend(nets.into_iter().map(|addresses| OnNetwork { addresses, ports, rule: *rule }));
        }
        Index::Ip { networks: Networks::new(&own, end, making), loopback: Ports::new(loopback) }
    }
}

/// A policy's judgement of addresses.
pub(crate) struct Bench<'a> {
    pub policy: &'a Policy,
    pub judge: &'a Judge,
    /// [`Policy::judges_addresses`]
    pub judges: bool,
    /// [`Policy::judges_destinations`]
    pub destinations: bool,
    /// [`Policy::asks_for_paths`]
    pub paths: bool,
}

impl Bench<'_> {
    /// What becomes of the call.
    pub fn judge(&self, copied: &Copied<'_>) -> Verdict {
        let Some(purpose) = Purpose::of(copied.call) else {
            // Registers decide about these, by what is not copied: who asks here all the same gets no permission.
            return if OPTION.and(CREATE).has(copied.call) {
                Verdict::deny(Errno::EACCES, By::Malformed)
            } else {
                self.policy.on_name(copied.call)
            };
        };
        let mut verdict = self.address(purpose, copied.call, copied);
        if !verdict.action.permits() {
            return verdict;
        }
        match purpose {
            // The kernel binds it, to a port of its choice (net/ipv4/inet_connection_sock.c).
            Purpose::Listen if is_unbound(copied) => {
                verdict = verdict.stricter(self.address(Purpose::Bind, Call::Bind, copied));
            }
            Purpose::Send => {
                if connects(copied) {
                    verdict = verdict.stricter(self.address(Purpose::Connect, Call::Connect, copied));
                }
                if self.destinations {
                    for (level, name) in copied.control {
                        let message = self.policy.on_message(level.cast_unsigned(), name.cast_unsigned());
                        verdict = verdict.stricter(message);
                    }
                }
            }
            _ => {}
        }
        verdict
    }

    /// What becomes of the address, if it is `call`'s.
    fn address(&self, purpose: Purpose, call: Call, copied: &Copied<'_>) -> Verdict {
        let Copied { socket, path, .. } = *copied;
        let named = || self.policy.on_name(call);
        let peer = match copied.address {
            // What binds or connects needs an address, and the kernel says so; what sends does without.
            Some([]) => return named(),
            None if purpose == Purpose::Send => return named(),
            _ if !socket.is_modelled() => return self.policy.on_unmodelled(purpose, call, socket),
            Some(bytes) => Peer::read(socket, purpose, bytes),
            // A listening socket of which nothing is known is taken for one that is bound to nothing.
            None if socket.family == INET6 => Peer::Ip(Ipv6Addr::UNSPECIFIED.into(), 0),
            None if socket.family == INET => Peer::Ip(Ipv4Addr::UNSPECIFIED.into(), 0),
            None => Peer::Malformed(Errno::EFAULT),
        };
        let index = || self.judge.index(call, socket, false);
        let rule = match peer {
            Peer::None | Peer::Disconnect => return named(),
            Peer::Malformed(errno) => return named().stricter(Verdict::deny(errno, By::Malformed)),
            Peer::Ip(address, port) => {
                let first = self.judge.ip(call, socket, address, port);
                // A socket of IPv6 serves both versions, so that any address is that of both.
                if socket.family == INET6 && address == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
                    let other = self.judge.ip(call, socket, Ipv4Addr::UNSPECIFIED.into(), port);
                    return self.rule(first).stricter(self.rule(other));
                }
                first
            }
            Peer::Path(_) => match (index(), path) {
                (Some(Index::Unix { paths, .. }), Some(path)) => paths.first(path),
                (Some(Index::Unix { paths, .. }), None) if !self.paths => paths.first(b""),
                _ => return Verdict::deny(Errno::ENOENT, By::Unresolved),
            },
            Peer::Abstract(name) => match index() {
                Some(Index::Unix { names, .. }) => names.first(name),
                _ => NONE,
            },
            Peer::Vsock(cid, port) => match index() {
                Some(Index::Vsock(cids)) => cids.first(cid, port),
                _ => NONE,
            },
        };
        self.rule(rule)
    }

    fn rule(&self, rule: u32) -> Verdict {
        self.policy.address_verdict((rule != NONE).then_some(rule as usize), self.judges)
    }
}

/// Whether sending connects.
pub(crate) fn connects(copied: &Copied<'_>) -> bool {
    let has_address = copied.address.is_some_and(|address| !address.is_empty());
    copied.flags & FASTOPEN != 0 && copied.socket.ty == STREAM && has_address
}

/// Whether listen finds no port: of an IP socket.
pub(crate) fn is_unbound(copied: &Copied<'_>) -> bool {
    let peer = Peer::read(copied.socket, Purpose::Listen, copied.address.unwrap_or_default());
    copied.socket.is_inet() && matches!(peer, Peer::None | Peer::Ip(_, 0))
}
