//! Which rule decides where, in words.

use std::collections::{BTreeMap, BTreeSet};

use abi::Call;

use crate::compile::Compiled;
use crate::decide::{By, Verdict};
use crate::escape::{DOORS, Escape};
use crate::index::NONE;
use crate::judge::CARRIERS;
use crate::model::{Calls, Policy};
use crate::node::Step;
use crate::socket::Socket;

/// Where a rule, or the default, decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The rule's index, or the default.
    pub by: By,
    /// Calls that it decides by their registers.
    pub registers: Calls,
    /// Calls that it decides by what they have in memory.
    pub memory: Calls,
}

impl Verdict {
    /// What decided, for people: `rule 2 (policy.toml:7): deny family=alg`.
    #[must_use]
    pub fn why(&self, policy: &Policy) -> String {
        match self.by {
            By::Rule(index) => {
                let rule = &policy.rules[index];
                format!("rule {} ({}): {rule}", index + 1, rule.place())
            }
            By::Default => format!("the default: {}", policy.default),
            By::Nothing => "no rule is about such a call".to_owned(),
            By::Unmodelled => {
                "addresses are judged, and those of this kind of socket are not understood".to_owned()
            }
            By::Routing => "addresses are judged, and this makes datagrams go elsewhere".to_owned(),
            By::Malformed => "this is no address, as the kernel would say".to_owned(),
            By::Unresolved => "paths are judged, and this one leads nowhere".to_owned(),
            By::Escape(escape) => {
                format!("a way around the rules: `[escape] {} = true` leaves it open", escape.key())
            }
        }
    }

    /// The reason that the rule gives which decided.
    pub fn reason<'a>(&self, policy: &'a Policy) -> Option<&'a str> {
        let By::Rule(index) = self.by else { return None };
        policy.rules[index].reason.as_deref()
    }
}

impl Policy {
    /// The rules that can decide about the addresses of sockets that nobody understands, such as those of netlink:
    /// each that is the first for some socket that it names.
    fn unmodelled(&self, call: Call) -> BTreeSet<usize> {
        let calls = Calls::of(call);
        let mut found = BTreeSet::new();
        for rule in self.rules.iter().filter(|rule| !rule.matcher.has_address()) {
            let types = rule.matcher.types.clone().unwrap_or_else(|| (1..=5).collect());
            let protocols = rule.matcher.protocols.iter().flatten().map(|protocol| protocol.number);
            let protocols: Vec<u32> = protocols.chain([0]).collect();
            for family in rule.matcher.families.iter().flatten() {
                for (ty, protocol) in types.iter().flat_map(|ty| protocols.iter().map(|p| (*ty, *p))) {
                    let socket = Socket::new(*family, ty, protocol);
                    if !socket.is_modelled() {
                        found.extend(self.candidates(calls, socket, socket.family).next());
                    }
                }
            }
        }
        found
    }
}

impl Compiled {
    /// Where each rule and the default decide, in order.
    #[must_use]
    pub fn explain(&self) -> Vec<Explained> {
        let mut registers: BTreeMap<By, Calls> = BTreeMap::new();
        let mut memory: BTreeMap<By, Calls> = BTreeMap::new();
        fn note(calls: &mut BTreeMap<By, Calls>, by: By, call: Call) {
            let own = calls.entry(by).or_default();
            *own = own.and(Calls::of(call));
        }
        for (call, deciders) in &self.deciders {
            deciders.iter().for_each(|by| note(&mut registers, *by, *call));
        }
        for call in CARRIERS.into_iter().filter(|call| self.reads_memory(*call)) {
            for rule in self.judge.answers(call) {
                let by = if rule == NONE { By::Default } else { By::Rule(rule as usize) };
                note(&mut memory, by, call);
            }
            for rule in self.policy().unmodelled(call) {
                note(&mut memory, By::Rule(rule), call);
            }
        }
        let policy = self.policy();
        if !policy.judges_addresses() {
            memory.remove(&By::Default);
        }
        let all = (0..policy.rules.len()).map(By::Rule).chain([By::Default]);
        all.map(|by| Explained {
            by,
            registers: registers.remove(&by).unwrap_or_default(),
            memory: memory.remove(&by).unwrap_or_default(),
        })
        .collect()
    }

    /// Whether memory decides of a call.
    #[must_use]
    pub fn reads_memory(&self, call: Call) -> bool {
        self.plan().any(|planned| planned.call == Some(call) && planned.reads_memory())
    }

    /// The rules that never decide, since others in front of them do: their indexes.
    #[must_use]
    pub fn idle(&self) -> Vec<usize> {
        let idle = self
            .explain()
            .into_iter()
            .filter(|one| one.registers == Calls::default() && one.memory == Calls::default());
        idle.filter_map(|one| match one.by {
            By::Rule(index) => Some(index),
            _ => None,
        })
        .collect()
    }

    /// The ways around that are closed, and the names of the calls that are refused for it, or held.
    #[must_use]
    pub fn closed(&self) -> Vec<(Escape, Vec<&'static str>)> {
        let mut closed: BTreeMap<Escape, BTreeSet<&'static str>> = BTreeMap::new();
        for planned in self.plan() {
            for step in planned.steps() {
                let escape = match step {
                    Step::Decided(Verdict { by: By::Escape(escape), .. }) => escape,
                    Step::Held => Escape::Dup2,
                    _ => continue,
                };
                closed.entry(escape).or_default().insert(planned.name);
            }
        }
        for escape in [Escape::X32, Escape::UnknownArch] {
            if self.refusal(escape).is_some() {
                closed.insert(escape, BTreeSet::new());
            }
        }
        // In the order of the kernel's numbers, more or less: that of the table.
        let order = |name: &&str| DOORS.iter().position(|door| door.name == *name);
        let sorted = |names: BTreeSet<&'static str>| {
            let mut names: Vec<_> = names.into_iter().collect();
            names.sort_by_key(order);
            names
        };
        closed.into_iter().map(|(escape, names)| (escape, sorted(names))).collect()
    }
}
