//! The tree of each call: what its registers decide, found at every corner where the rules' answer can change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use abi::Call;
use seccomp::{Arch, Word};

use crate::address::Purpose;
use crate::apart;
use crate::compile::{Planned, X32, refused};
use crate::decide::{By, ROUTING_OPTIONS, Verdict};
use crate::escape::{DOORS, Door, Escape, If, When};
use crate::judge::{FASTOPEN, Judge};
use crate::model::{CREATE, Calls, OPTION, Policy};
use crate::node::{Forge, Node, Step};
use crate::socket::{INET, INET6, NETLINK, PACKET, Socket, TYPE_MASK, UNIX, VSOCK};

/// Calls that have another number on x32.
const X32_CALLS: [(Call, u32); 7] = [
    (Call::Recvfrom, 517),
    (Call::Sendmsg, 518),
    (Call::Recvmsg, 519),
    (Call::Recvmmsg, 537),
    (Call::Sendmmsg, 538),
    (Call::Setsockopt, 541),
    (Call::Getsockopt, 542),
];

/// Calls by architecture and number.
type ByNumber = BTreeMap<(Arch, u32), Planned>;
/// What decides in registers, call by call.
type Deciders = BTreeMap<Call, BTreeSet<By>>;

/// What registers decide.
pub(crate) struct Plan {
    pub planned: ByNumber,
    pub deciders: Deciders,
}

/// Finds what registers decide.
pub(crate) fn plan(policy: &Policy, judge: &Judge) -> Plan {
    let plan = Plan { planned: BTreeMap::new(), deciders: BTreeMap::new() };
    let made = BTreeSet::new();
    let mut planner = Planner { policy, judge, forge: Forge::default(), plan, made };
    planner.plan();
    planner.plan
}

struct Planner<'a> {
    policy: &'a Policy,
    judge: &'a Judge,
    forge: Forge,
    plan: Plan,
    /// The sockets that can be made, where answers can change.
    made: BTreeSet<Socket>,
}

impl Planner<'_> {
    fn plan(&mut self) {
        for call in Call::ALL.into_iter().filter(|call| Calls::of(*call).iter().next() == Some(*call)) {
            let node = self.call(call);
            self.place(call, &node);
        }
        for door in &DOORS {
            if self.is_closed(door.escape) {
                self.door(door);
            }
        }
    }

    fn is_closed(&self, escape: Escape) -> bool {
        let needed = match escape.when() {
            When::Always => true,
            When::Memory => self.plan.planned.values().any(Planned::reads_memory),
            When::Paths => self.policy.asks_for_paths(),
            When::Apart => apart::are_told_apart(self.policy, self.judge, &self.made, |call| {
                self.plan.planned.values().any(|planned| planned.call == Some(call) && planned.reads_memory())
            }),
        };
        needed && !self.policy.escapes.contains(&escape)
    }

    fn add(&mut self, arch: Arch, number: u32, name: &'static str, call: Option<Call>, node: &Arc<Node>) {
        if **node != Node::Leaf(Step::Allow) {
            let planned = Planned { arch, number, name, call, node: Arc::clone(node) };
            self.plan.planned.insert((arch, number), planned);
        }
    }

    /// Puts a call's tree to each of its numbers. Names that the kernel has no call for are the call they become.
    fn place(&mut self, call: Call, node: &Arc<Node>) {
        let x32_open = self.policy.escapes.contains(&Escape::X32);
        for name in Call::ALL.into_iter().filter(|name| Calls::of(*name) == Calls::of(call)) {
            let facts = name.facts();
            self.add(Arch::I386, facts.direct_i386.number, facts.direct_i386.name, Some(call), node);
            self.add(Arch::X86_64, facts.direct_x86_64.number, facts.direct_x86_64.name, Some(call), node);
            if x32_open {
                // Its structures have a layout of their own, which nobody here reads.
                let mut steps = Vec::new();
                node.leaves(&mut steps);
                let node = if steps.contains(&Step::Memory) {
                    self.forge.leaf(refused(Escape::X32))
                } else {
                    Arc::clone(node)
                };
                let own = X32_CALLS.iter().find(|(own, _)| *own == call).map(|(_, number)| *number);
                // Some kernels take x86-64's number too.
                for number in own.into_iter().chain([facts.direct_x86_64.number]) {
                    self.add(Arch::X86_64, X32 | number, facts.direct_x86_64.name, Some(call), &node);
                }
            }
        }
        if call == Call::Recvmmsg {
            let number = abi::i386::RECVMMSG_TIME64;
            self.add(Arch::I386, number, "recvmmsg_time64", Some(call), node);
        }
    }

    fn door(&mut self, door: &Door) {
        let refused = match (door.escape, door.condition) {
            (Escape::Dup2, If::Always) => self.forge.leaf(Step::Held),
            (escape, _) => self.forge.leaf(Verdict::deny(door.errno, By::Escape(escape))),
        };
        let allow = self.forge.leaf(Step::Allow);
        let node = match door.condition {
            If::Always => refused,
            If::Is(argument, values) => {
                let arms = values
                    .iter()
                    .flat_map(|value| [(*value, Arc::clone(&refused)), (value + 1, Arc::clone(&allow))]);
                let arms: Vec<_> = [(0, Arc::clone(&allow))].into_iter().chain(arms).collect();
                self.forge.switch(Word::Low(argument), u32::MAX, arms)
            }
            If::Has(argument, bits) => {
                self.forge.switch(Word::Low(argument), bits, [(0, allow), (1, refused)])
            }
        };
        self.add(Arch::I386, door.i386, door.name, None, &node);
        self.add(Arch::X86_64, door.x86_64, door.name, None, &node);
        if self.policy.escapes.contains(&Escape::X32) {
            for number in door.x32.into_iter().chain([door.x86_64]) {
                self.add(Arch::X86_64, X32 | number, door.name, None, &node);
            }
        }
    }

    fn call(&mut self, call: Call) -> Arc<Node> {
        if CREATE.has(call) {
            return self.create(call);
        }
        if OPTION.has(call) {
            return self.option(call);
        }
        match Purpose::of(call) {
            None => self.decided(call, self.policy.on_name(call)),
            Some(Purpose::Send) => self.send(call),
            Some(Purpose::Listen) => {
                let own = self.carried(Purpose::Listen, Call::Listen);
                let bind = self.carried(Purpose::Bind, Call::Bind);
                // Where it is permitted, it may be refused yet for the port that it gets.
                let permitted = match own {
                    Step::Allow => true,
                    Step::Decided(verdict) => verdict.action.permits(),
                    Step::Memory | Step::Held => false,
                };
                self.forge.leaf(if permitted && bind != Step::Allow { Step::Memory } else { own })
            }
            Some(purpose) => {
                let step = self.carried(purpose, call);
                self.forge.leaf(step)
            }
        }
    }

    /// The leaf of a verdict, of which book is kept.
    fn decided(&mut self, call: Call, verdict: Verdict) -> Arc<Node> {
        self.plan.deciders.entry(call).or_default().insert(verdict.by);
        self.forge.leaf(verdict)
    }

    /// What is known of a call with an address before the address is looked at.
    fn carried(&mut self, purpose: Purpose, call: Call) -> Step {
        let verdict = self.policy.without_address(purpose, call);
        self.plan.deciders.entry(call).or_default().extend(verdict.map(|verdict| verdict.by));
        verdict.map_or(Step::Memory, Step::from)
    }

    /// sendto has its address in a register; sendmsg and sendmmsg in memory, with control messages.
    fn send(&mut self, call: Call) -> Arc<Node> {
        let plain = self.decided(call, self.policy.on_name(call));
        let memory = self.forge.leaf(Step::Memory);
        let sent = self.carried(Purpose::Send, call);
        let sent = self.forge.leaf(sent);
        // Who sends with MSG_FASTOPEN connects.
        let connects = if self.carried(Purpose::Connect, Call::Connect) == Step::Allow {
            Arc::clone(&sent)
        } else {
            Arc::clone(&memory)
        };
        let refused = matches!(&*sent, Node::Leaf(Step::Decided(verdict)) if !verdict.action.permits());
        if refused && sent == plain {
            return sent;
        }
        match call {
            Call::Sendto => {
                let addressed = self.forge.bit(Word::Low(3), FASTOPEN, connects, sent);
                self.forge.null(4, plain, addressed)
            }
            _ if *sent == Node::Leaf(Step::Memory) || self.policy.judges_destinations() => memory,
            call => {
                let flags = if call == Call::Sendmsg { Word::Low(2) } else { Word::Low(3) };
                self.forge.bit(flags, FASTOPEN, connects, sent)
            }
        }
    }

    /// Level and name.
    fn option(&mut self, call: Call) -> Arc<Node> {
        let patterns = self.policy.rules.iter().flat_map(|rule| rule.matcher.options.iter().flatten());
        let mut levels: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for pattern in patterns {
            levels.entry(pattern.level).or_default().extend(pattern.name);
        }
        for (level, name) in ROUTING_OPTIONS {
            levels.entry(level).or_default().insert(name);
        }
        // A level that no rule has in mind.
        let other = (0..).find(|level| !levels.contains_key(level)).unwrap_or_default();
        let elsewhere = self.decided(call, self.policy.on_option(call, other, u32::MAX));
        let mut arms = vec![(0, Arc::clone(&elsewhere))];
        for (level, names) in levels {
            let starts: BTreeSet<u32> = names
                .iter()
                .flat_map(|name| [Some(*name), name.checked_add(1)])
                .flatten()
                .chain([0])
                .collect();
            let names: Vec<_> = starts
                .into_iter()
                .map(|name| (name, self.decided(call, self.policy.on_option(call, level, name))))
                .collect();
            arms.push((level, self.forge.switch(Word::Low(2), u32::MAX, names)));
            // The next level may have an arm of its own, which then replaces this one.
            arms.extend(level.checked_add(1).map(|next| (next, Arc::clone(&elsewhere))));
        }
        self.forge.switch(Word::Low(1), u32::MAX, arms)
    }

    /// Family, type and protocol.
    fn create(&mut self, call: Call) -> Arc<Node> {
        let judges = self.policy.judges_addresses();
        let rules = self.creators(call);
        let (families, protocols) = self.corners();
        let policy = self.policy;
        let verdict = |socket: Socket| {
            let rule = rules.iter().copied().find(|rule| policy.creates(*rule, call, socket, judges));
            policy.created(rule, socket, judges)
        };
        let mut arms = Vec::new();
        for family in families {
            let types: Vec<_> = (0..=TYPE_MASK)
                .map(|ty| {
                    let protocols: Vec<_> = protocols
                        .iter()
                        .map(|protocol| {
                            let socket = Socket::new(family, ty, *protocol);
                            let verdict = verdict(socket);
                            if verdict.action.permits() {
                                self.made.insert(socket);
                            }
                            (*protocol, self.decided(call, verdict))
                        })
                        .collect();
                    (ty, self.forge.switch(Word::Low(2), u32::MAX, protocols))
                })
                .collect();
            arms.push((family, self.forge.switch(Word::Low(1), TYPE_MASK, types)));
        }
        self.forge.switch(Word::Low(0), u32::MAX, arms)
    }

    /// The rules that can decide about the making of a socket: of several that permit or refuse the same, the first.
    fn creators(&self, call: Call) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let mut creators = Vec::new();
        for (index, rule) in self.policy.rules.iter().enumerate() {
            let matcher = &rule.matcher;
            let addressed = matcher.has_address();
            if matcher.options.is_some()
                || addressed && !rule.action.permits()
                || !addressed && matcher.calls.is_some_and(|calls| !calls.has(call))
            {
                continue;
            }
            let families = if addressed { matcher.address_families() } else { Vec::new() };
            let asks = format!(
                "{:?} {:?} {:?} {families:?} {addressed} {}",
                matcher.families,
                matcher.types,
                matcher.protocols,
                rule.action.permits()
            );
            if seen.insert(asks) {
                creators.push(index);
            }
        }
        creators
    }

    /// Where answers can change along the axes of family and protocol.
    fn corners(&self) -> (BTreeSet<u32>, BTreeSet<u32>) {
        let mut families = BTreeSet::from([UNIX, INET, INET6, NETLINK, PACKET, VSOCK]);
        let mut protocols: BTreeSet<u32> = Socket::MODELLED.iter().map(|socket| socket.protocol).collect();
        // 0 stands for others, and 1 is the unix family's own.
        protocols.extend([0, UNIX]);
        for rule in &self.policy.rules {
            families.extend(rule.matcher.families.iter().flatten());
            for protocol in rule.matcher.protocols.iter().flatten() {
                protocols.insert(protocol.number);
                for (family, number) in &protocol.named {
                    families.insert(*family);
                    protocols.insert(*number);
                }
            }
        }
        let around = |values: BTreeSet<u32>| {
            values.into_iter().flat_map(|value| [value, value + 1]).chain([0]).collect()
        };
        (around(families), around(protocols))
    }
}
