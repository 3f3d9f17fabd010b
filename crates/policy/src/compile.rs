//! A policy made ready: a tree over the registers of each call, and indexes for what memory decides.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use abi::{Call, Errno};
use seccomp::{Arch, Data, Wants, Word};

use crate::address::Purpose;
use crate::decide::{By, ROUTING_OPTIONS, Verdict};
use crate::escape::{DOORS, Door, Escape, If, When};
use crate::judge::{Bench, Copied, FASTOPEN, Judge};
use crate::model::{CREATE, Calls, OPTION, Policy};
use crate::node::{Forge, Node, Step};
use crate::socket::{INET, INET6, NETLINK, PACKET, Socket, TYPE_MASK, UNIX, VSOCK};

/// The bit that makes a number of x86-64 one of x32 (`__X32_SYSCALL_BIT`).
const X32: u32 = 0x4000_0000;
/// The numbers that are x32's own, with the bit and, on some kernels, without (arch/x86/entry/syscalls/syscall_64.tbl).
const X32_OWN: std::ops::RangeInclusive<u32> = 512..=547;
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

/// A call of which registers decide something.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The architecture that a filter sees.
    pub arch: Arch,
    /// The number that it sees; of x32, with its bit.
    pub number: u32,
    /// The call's name.
    pub name: &'static str,
    /// The call, if it is one of the twenty.
    pub call: Option<Call>,
    pub(crate) node: Arc<Node>,
}

impl Planned {
    /// What a call with these arguments comes to.
    #[must_use]
    pub fn step(&self, args: &[u64; 6]) -> Step {
        self.node.step(args)
    }

    /// All that it can come to.
    #[must_use]
    pub fn steps(&self) -> BTreeSet<Step> {
        let mut steps = Vec::new();
        self.node.leaves(&mut steps);
        steps.into_iter().collect()
    }
}

/// A policy, compiled.
#[derive(Debug)]
pub struct Compiled {
    policy: Policy,
    planned: BTreeMap<(Arch, u32), Planned>,
    /// What decides in registers, call by call.
    pub(crate) deciders: BTreeMap<Call, BTreeSet<By>>,
    pub(crate) judge: Judge,
    judges: bool,
    destinations: bool,
    paths: bool,
}

/// What is done with numbers of x32, and of architectures that are not known.
const REFUSED: fn(Escape) -> Verdict = |escape| Verdict::deny(Errno::ENOSYS, By::Escape(escape));

impl Policy {
    /// Makes the policy ready.
    #[must_use]
    pub fn compile(self) -> Compiled {
        let mut planner = Planner {
            policy: &self,
            forge: Forge::default(),
            planned: BTreeMap::new(),
            deciders: BTreeMap::new(),
        };
        planner.plan();
        let (planned, deciders) = (planner.planned, planner.deciders);
        let (judges, destinations, paths) =
            (self.judges_addresses(), self.judges_destinations(), self.asks_for_paths());
        Compiled { judge: Judge::new(&self), policy: self, planned, deciders, judges, destinations, paths }
    }
}

impl Compiled {
    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Every call of which registers decide something, by architecture and number.
    pub fn plan(&self) -> impl Iterator<Item = &Planned> {
        self.planned.values()
    }

    /// Whether memory decides of some call: then the filter alone is not enough.
    #[must_use]
    pub fn needs_memory(&self) -> bool {
        self.planned.values().any(|planned| planned.steps().contains(&Step::Memory))
    }

    /// Whether paths of unix sockets have to be resolved before [`Compiled::judge`] is asked.
    #[must_use]
    pub const fn needs_paths(&self) -> bool {
        self.paths
    }

    /// What a call comes to by its registers, whatever a filter's answer says: at a stop, this is to be believed.
    #[must_use]
    pub fn step(&self, data: &Data) -> Step {
        let Some(arch) = Arch::ALL.into_iter().find(|arch| arch.audit() == data.arch) else {
            return if self.is_open(Escape::UnknownArch) {
                Step::Allow
            } else {
                REFUSED(Escape::UnknownArch).into()
            };
        };
        match self.planned.get(&(arch, data.nr)) {
            Some(planned) => planned.step(&data.args),
            None if arch == Arch::X86_64 && !self.is_open(Escape::X32) && is_x32(data.nr) => {
                REFUSED(Escape::X32).into()
            }
            None => Step::Allow,
        }
    }

    /// What becomes of a call whose registers leave it to memory.
    #[must_use]
    pub fn judge(&self, copied: &Copied<'_>) -> Verdict {
        let Compiled { policy, judge, judges, destinations, paths, .. } = self;
        let bench = Bench { policy, judge, judges: *judges, destinations: *destinations, paths: *paths };
        bench.judge(copied)
    }

    /// Adds what the policy wants of the filter. `answer` says how a step is answered: `None` leaves the call to
    /// other wants. It is asked for [`Step::Allow`] too.
    pub fn add_to(&self, wants: &mut Wants, answer: &dyn Fn(Step) -> Option<seccomp::Action>) {
        let mut made = HashMap::new();
        for planned in self.planned.values() {
            wants.add_tree(planned.arch, planned.number, &planned.node.tree(answer, &mut made));
        }
        if let Some(action) = self.refusal(Escape::X32).and_then(|verdict| answer(verdict.into())) {
            // -1 is what a tracer sets to skip a call.
            wants.add_range(Arch::X86_64, X32..=u32::MAX - 1, action);
            wants.add_range(Arch::X86_64, X32_OWN, action);
        }
        if let Some(action) = self.refusal(Escape::UnknownArch).and_then(|verdict| answer(verdict.into())) {
            wants.unknown_arch(action);
        }
    }

    /// What the policy wants of a filter that decides alone: refusals are silent, and what memory decides is
    /// answered by RET_TRACE with `memory`.
    #[must_use]
    pub fn register_wants(&self, memory: u16) -> Wants {
        let mut wants = Wants::new();
        self.add_to(&mut wants, &|step| silent(step, memory));
        wants
    }

    pub(crate) fn refusal(&self, escape: Escape) -> Option<Verdict> {
        (!self.is_open(escape)).then(|| REFUSED(escape))
    }

    fn is_open(&self, escape: Escape) -> bool {
        self.policy.escapes.contains(&escape)
    }
}

/// The answer of a filter that tells nobody.
#[must_use]
pub fn silent(step: Step, memory: u16) -> Option<seccomp::Action> {
    use crate::model::Action;
    match step {
        Step::Allow => None,
        Step::Memory => Some(seccomp::Action::Trace(memory)),
        Step::Decided(verdict) => match verdict.action {
            Action::Allow => None,
            Action::Log => Some(seccomp::Action::Log),
            Action::Deny(errno) => Some(seccomp::Action::Errno(errno.raw() as u16)),
            Action::Kill => Some(seccomp::Action::KillProcess),
        },
    }
}

/// Whether a number of x86-64 is one of x32.
fn is_x32(number: u32) -> bool {
    (X32..u32::MAX).contains(&number) || X32_OWN.contains(&number)
}

struct Planner<'a> {
    policy: &'a Policy,
    forge: Forge,
    planned: BTreeMap<(Arch, u32), Planned>,
    deciders: BTreeMap<Call, BTreeSet<By>>,
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
            When::Memory => self.planned.values().any(|planned| {
                let mut steps = Vec::new();
                planned.node.leaves(&mut steps);
                steps.contains(&Step::Memory)
            }),
            When::Paths => self.policy.asks_for_paths(),
        };
        needed && !self.policy.escapes.contains(&escape)
    }

    fn add(&mut self, arch: Arch, number: u32, name: &'static str, call: Option<Call>, node: &Arc<Node>) {
        if **node != Node::Leaf(Step::Allow) {
            let planned = Planned { arch, number, name, call, node: Arc::clone(node) };
            self.planned.insert((arch, number), planned);
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
                    self.forge.leaf(REFUSED(Escape::X32))
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
        let refused = self.forge.leaf(Verdict::deny(door.errno, By::Escape(door.escape)));
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
                let step = match own {
                    Step::Allow if bind != Step::Allow => Step::Memory,
                    own => own,
                };
                self.forge.leaf(step)
            }
            Some(purpose) => {
                let step = self.carried(purpose, call);
                self.forge.leaf(step)
            }
        }
    }

    /// The leaf of a verdict, of which book is kept.
    fn decided(&mut self, call: Call, verdict: Verdict) -> Arc<Node> {
        self.deciders.entry(call).or_default().insert(verdict.by);
        self.forge.leaf(verdict)
    }

    /// What is known of a call with an address before the address is looked at.
    fn carried(&mut self, purpose: Purpose, call: Call) -> Step {
        let verdict = self.policy.without_address(purpose, call);
        self.deciders.entry(call).or_default().extend(verdict.map(|verdict| verdict.by));
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
                            (*protocol, self.decided(call, verdict(Socket::new(family, ty, *protocol))))
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
