//! Rules for some ports, of all indexes of a policy.
//!
//! What holds inside of a network, its own rules and those of the networks around it, is summed up while there is
//! [`Room`]. Beyond that, rules are looked for network by network, and at last one by one.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::trie::{Root, Trie};
use super::{NONE, Ports};

/// How much the tables of a policy may take. A short file can ask for a lot: addresses multiply with the ports of their
/// rule, and all of it with the calls and kinds of sockets that have rules of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Nodes of the trie, of 128 bytes. A port of a network takes four at most, a range seven.
    pub nodes: usize,
    /// Ranges that are put in order, or into the trie. One takes a tenth of a microsecond, and 32 bytes.
    pub ranges: usize,
}

impl Room {
    /// 96 MiB in all. It is enough to sum up 10,000 rules, each on a network and a port, six times.
    pub const OF_POLICY: Room = Room { nodes: 1 << 18, ranges: 1 << 21 };

    /// Takes room for ranges, if there is enough.
    fn take(&mut self, ranges: usize) -> bool {
        let left = self.ranges.checked_sub(ranges);
        self.ranges = left.unwrap_or(self.ranges);
        left.is_some()
    }
}

/// Rules and the ranges that each is for, in order. A rule has the same ranges wherever it is named.
pub(crate) type Own<'a> = Vec<(u32, &'a [RangeInclusive<u32>])>;

/// Rules for some ports.
#[derive(Debug)]
pub(crate) struct Rules {
    table: Table,
    /// Every answer there is, in order; where there was no room, perhaps some more.
    answers: Vec<u32>,
}

#[derive(Debug)]
enum Table {
    Summed(Ports),
    /// In order; there was no room.
    Each(Vec<(u32, Arc<Ports>)>),
}

impl Rules {
    fn summed(ports: Ports) -> Rules {
        let mut answers = BTreeSet::new();
        ports.answers(&mut answers);
        Rules { table: Table::Summed(ports), answers: answers.into_iter().collect() }
    }

    fn each(rules: Vec<(u32, Arc<Ports>)>) -> Rules {
        let answers = rules.iter().map(|(rule, _)| *rule).chain([NONE]).collect();
        Rules { table: Table::Each(rules), answers }
    }

    /// Every answer there is, in order; where there was no room, perhaps some more.
    pub fn answers(&self) -> &[u32] {
        &self.answers
    }

    /// The first rule for a port, if it is earlier than `first`.
    pub fn first(&self, port: u32, first: u32) -> u32 {
        match &self.table {
            Table::Summed(ports) => first.min(ports.first(port)),
            Table::Each(rules) => {
                let mut earlier = rules.iter().take_while(|(rule, _)| *rule < first);
                earlier.find(|(_, ports)| ports.first(port) != NONE).map_or(first, |(rule, _)| *rule)
            }
        }
    }
}

/// The rules for some ports that hold inside of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Inside {
    Nothing,
    Together(Root),
    /// The network's own by this number, and those around it.
    Apart(u32),
}

/// Rules that are not summed up with those around them.
#[derive(Debug)]
struct Apart {
    own: Arc<Rules>,
    around: Inside,
    /// The first of all these.
    least: u32,
}

/// The rules for some ports inside of networks.
#[derive(Debug)]
pub(crate) struct Tables {
    trie: Trie,
    apart: Vec<Apart>,
}

impl Tables {
    /// The first rule for a port, if it is earlier than `first`.
    pub fn first(&self, mut inside: Inside, port: u16, mut first: u32) -> u32 {
        loop {
            match inside {
                Inside::Nothing => return first,
                Inside::Together(root) => return first.min(self.trie.first(root, port)),
                Inside::Apart(number) => {
                    let Apart { own, around, least } = &self.apart[number as usize];
                    if *least >= first {
                        return first;
                    }
                    first = own.first(port.into(), first);
                    inside = *around;
                }
            }
        }
    }
}

/// Tables in the making. What is the same is made once, though many networks have it: those of one rule, and those of
/// several indexes.
#[derive(Debug)]
pub(crate) struct Making {
    tables: Tables,
    room: Room,
    by_rule: HashMap<u32, Arc<Ports>>,
    by_rules: HashMap<Vec<u32>, Arc<Rules>>,
    /// By what is around and the place of a network's own rules, which are kept above.
    inside: HashMap<(Inside, *const Rules), (Inside, u32)>,
}

impl Making {
    pub fn new(room: Room) -> Making {
        Making {
            tables: Tables { trie: Trie::new(), apart: Vec::new() },
            room,
            by_rule: HashMap::new(),
            by_rules: HashMap::new(),
            inside: HashMap::new(),
        }
    }

    pub fn made(mut self) -> Tables {
        self.tables.trie.shrink();
        self.tables
    }

    /// Rules for some ports, by themselves.
    pub fn rules(&mut self, own: &Own<'_>) -> Arc<Rules> {
        let numbers = own.iter().map(|(rule, _)| *rule).collect();
        let Making { room, by_rule, by_rules, .. } = self;
        let made = by_rules.entry(numbers).or_insert_with(|| {
            let ranges = |(rule, ranges): &(u32, &[RangeInclusive<u32>])| -> Vec<_> {
                ranges.iter().map(|range| (range.clone(), *rule)).collect()
            };
            let count = own.iter().map(|(_, ranges)| ranges.len()).sum();
            if room.take(count) {
                return Arc::new(Rules::summed(Ports::new(own.iter().flat_map(ranges).collect())));
            }
            let each = own.iter().map(|own| {
                let ports = by_rule.entry(own.0).or_insert_with(|| Arc::new(Ports::new(ranges(own))));
                (own.0, Arc::clone(ports))
            });
            Arc::new(Rules::each(each.collect()))
        });
        Arc::clone(made)
    }

    /// What holds inside of a network, from what holds around it and its own rules; and the first of all these.
    pub fn inside(&mut self, (around, least): (Inside, u32), own: &Arc<Rules>) -> (Inside, u32) {
        let Making { tables: Tables { trie, apart }, room, inside, .. } = self;
        *inside.entry((around, Arc::as_ptr(own))).or_insert_with(|| {
            let least = own.answers.first().map_or(least, |first| least.min(*first));
            let base = match around {
                Inside::Nothing => Some(Root::EMPTY),
                Inside::Together(root) => Some(root),
                Inside::Apart(_) => None,
            };
            let together = match (base, &own.table) {
                (Some(base), Table::Summed(ports)) if room.take(ports.len()) => {
                    trie.add(base, ports, room.nodes)
                }
                _ => None,
            };
            let inside = together.map_or(Inside::Apart(apart.len() as u32), Inside::Together);
            if together.is_none() {
                apart.push(Apart { own: Arc::clone(own), around, least });
            }
            (inside, least)
        })
    }
}
