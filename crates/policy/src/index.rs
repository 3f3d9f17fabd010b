//! The first of many rules that matches an address, found without trying them one by one.
//!
//! Rules are numbers here, and the least of those that match is asked for; [`NONE`] is greater than all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use crate::glob::Glob;

/// No rule.
pub(crate) const NONE: u32 = u32::MAX;

/// Ports, and the first rule for each: ranges that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    starts: Vec<u32>,
    rules: Vec<u32>,
}

impl Ports {
    /// From ranges and their rules, in the order of the rules.
    pub fn new(ranges: &[(RangeInclusive<u32>, u32)]) -> Ports {
        let mut edges: BTreeSet<u32> = BTreeSet::from([0]);
        // Which rules begin at an edge, and which end in front of it.
        let (mut begin, mut end): (HashMap<u32, Vec<u32>>, HashMap<u32, Vec<u32>>) = Default::default();
        for (range, rule) in ranges {
            edges.insert(*range.start());
            begin.entry(*range.start()).or_default().push(*rule);
            if let Some(after) = range.end().checked_add(1) {
                edges.insert(after);
                end.entry(after).or_default().push(*rule);
            }
        }
        // A rule can have several ranges that overlap.
        let mut open: BTreeMap<u32, usize> = BTreeMap::new();
        let mut ports = Ports::default();
        for edge in edges {
            for rule in end.remove(&edge).into_iter().flatten() {
                if let Some(count) = open.get_mut(&rule) {
                    *count -= 1;
                    if *count == 0 {
                        open.remove(&rule);
                    }
                }
            }
            for rule in begin.remove(&edge).into_iter().flatten() {
                *open.entry(rule).or_default() += 1;
            }
            let first = open.keys().next().copied().unwrap_or(NONE);
            if ports.rules.last() != Some(&first) {
                ports.starts.push(edge);
                ports.rules.push(first);
            }
        }
        ports
    }

    /// The first rule for a port.
    pub fn first(&self, port: u32) -> u32 {
        let at = self.starts.partition_point(|start| *start <= port);
        at.checked_sub(1).map_or(NONE, |at| self.rules[at])
    }

    fn least(&self) -> u32 {
        self.rules.iter().copied().min().unwrap_or(NONE)
    }

    /// Every answer there is.
    pub fn answers(&self, found: &mut BTreeSet<u32>) {
        found.extend(&self.rules);
    }
}

/// A network with rules of its own. What holds for all networks around it is summed up.
#[derive(Clone, Debug)]
struct Network {
    /// The first rule for all ports, of this network and those around it.
    all: u32,
    /// The rules for some ports.
    ports: Ports,
    /// The network around it that has rules for some ports, if one has.
    around: Option<u32>,
    /// The first of the rules for some ports, of this network and those around it.
    least: u32,
}

/// IP networks, and ports.
#[derive(Clone, Debug)]
pub(crate) struct Networks {
    /// Where the innermost network changes, and which it is from there on.
    starts: Vec<u128>,
    inner: Vec<u32>,
    networks: Vec<Network>,
}

/// A rule on a network, for some ports or for all.
#[derive(Clone, Debug)]
pub(crate) struct OnNetwork<'a> {
    /// The first and the last address.
    pub addresses: (u128, u128),
    pub ports: Option<&'a [RangeInclusive<u32>]>,
    pub rule: u32,
}

impl Networks {
    /// Networks nest: of two, one holds the other or they have nothing in common.
    pub fn new(rules: &[OnNetwork<'_>]) -> Networks {
        type Own = (u32, Vec<(RangeInclusive<u32>, u32)>);
        // The wider one comes first; the widest holds everything.
        let mut own: BTreeMap<(u128, std::cmp::Reverse<u128>), Own> = BTreeMap::new();
        let empty = || (NONE, Vec::new());
        own.insert((0, std::cmp::Reverse(u128::MAX)), empty());
        for OnNetwork { addresses: (first, last), ports, rule } in rules {
            let (all, some) = own.entry((*first, std::cmp::Reverse(*last))).or_insert_with(empty);
            match ports {
                None => *all = (*all).min(*rule),
                Some(ranges) => some.extend(ranges.iter().map(|range| (range.clone(), *rule))),
            }
        }
        let mut index = Networks { starts: Vec::new(), inner: Vec::new(), networks: Vec::new() };
        // The networks around the one that is looked at: number and last address.
        let mut stack: Vec<(u32, u128)> = Vec::new();
        for ((first, std::cmp::Reverse(last)), (all, some)) in own {
            index.leave(&mut stack, Some(first));
            let around = stack.last().map(|(number, _)| *number);
            let outer = around.map(|number| &index.networks[number as usize]);
            let ports = Ports::new(&some);
            let network = Network {
                all: outer.map_or(NONE, |outer| outer.all).min(all),
                least: outer.map_or(NONE, |outer| outer.least).min(ports.least()),
                around: outer
                    .and_then(|outer| if outer.ports.least() == NONE { outer.around } else { around }),
                ports,
            };
            let number = index.networks.len() as u32;
            index.networks.push(network);
            index.begin(first, number);
            stack.push((number, last));
        }
        index.leave(&mut stack, None);
        index
    }

    /// Ends the networks that don't reach to `next`; the one around each goes on behind it.
    fn leave(&mut self, stack: &mut Vec<(u32, u128)>, next: Option<u128>) {
        while let Some((_, last)) = stack.last().copied() {
            if next.is_some_and(|next| last >= next) {
                break;
            }
            stack.pop();
            if let (Some((around, _)), Some(after)) = (stack.last(), last.checked_add(1)) {
                self.begin(after, *around);
            }
        }
    }

    fn begin(&mut self, at: u128, network: u32) {
        if self.starts.last() == Some(&at) {
            self.starts.pop();
            self.inner.pop();
        }
        self.starts.push(at);
        self.inner.push(network);
    }

    /// Every answer there is.
    pub fn answers(&self, found: &mut BTreeSet<u32>) {
        for network in &self.networks {
            found.insert(network.all);
            let mut some = BTreeSet::new();
            network.ports.answers(&mut some);
            found.extend(some.range(..network.all));
        }
    }

    /// The first rule for an address and port.
    pub fn first(&self, address: u128, port: u32) -> u32 {
        let at = self.starts.partition_point(|start| *start <= address);
        let Some(inner) = at.checked_sub(1).map(|at| self.inner[at]) else { return NONE };
        let mut network = &self.networks[inner as usize];
        let mut first = network.all;
        while network.least < first {
            first = first.min(network.ports.first(port));
            match network.around {
                Some(around) => network = &self.networks[around as usize],
                None => break,
            }
        }
        first
    }
}

/// Patterns of paths or names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Globs {
    /// The first rule for everything.
    all: u32,
    exact: HashMap<Box<[u8]>, u32>,
    /// Patterns by what their matches begin with, in the order of their rules.
    by_prefix: HashMap<Box<[u8]>, Vec<(u32, Glob)>>,
    /// The lengths of these beginnings.
    lengths: Vec<usize>,
}

impl Globs {
    /// From patterns and their rules, in the order of the rules, and the first rule for everything.
    pub fn new<'a>(patterns: impl IntoIterator<Item = (&'a Glob, u32)>, all: u32) -> Globs {
        let mut globs = Globs { all, ..Globs::default() };
        for (glob, rule) in patterns {
            match glob.prefix() {
                (whole, true) => {
                    globs.exact.entry(whole.into()).or_insert(rule);
                }
                (prefix, false) => {
                    globs.lengths.push(prefix.len());
                    globs.by_prefix.entry(prefix.into()).or_default().push((rule, glob.clone()));
                }
            }
        }
        globs.lengths.sort_unstable();
        globs.lengths.dedup();
        globs
    }

    /// Every answer there is.
    pub fn answers(&self, found: &mut BTreeSet<u32>) {
        let globs = self.by_prefix.values().flatten().map(|(rule, _)| *rule);
        let before = self.exact.values().copied().chain(globs).filter(|rule| *rule < self.all);
        found.extend(before.chain([self.all]));
    }

    /// The first rule for a path or name.
    pub fn first(&self, text: &[u8]) -> u32 {
        let mut first = self.all.min(self.exact.get(text).copied().unwrap_or(NONE));
        for length in self.lengths.iter().take_while(|length| **length <= text.len()) {
            let globs = self.by_prefix.get(&text[..*length]).into_iter().flatten();
            let mut earlier = globs.take_while(|(rule, _)| *rule < first);
            if let Some((rule, _)) = earlier.find(|(_, glob)| glob.matches(text)) {
                first = *rule;
            }
        }
        first
    }
}

/// Context ids of vsock, and ports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cids {
    any: Ports,
    by_cid: HashMap<u32, Ports>,
}

impl Cids {
    /// From context ids, or all of them, with their ports and rules.
    pub fn new(rules: &[(Option<u32>, RangeInclusive<u32>, u32)]) -> Cids {
        let of = |cid: Option<u32>| -> Vec<_> {
            rules
                .iter()
                .filter(|(own, ..)| *own == cid)
                .map(|(_, range, rule)| (range.clone(), *rule))
                .collect()
        };
        let cids: BTreeSet<u32> = rules.iter().filter_map(|(cid, ..)| *cid).collect();
        let by_cid = cids.into_iter().map(|cid| (cid, Ports::new(&of(Some(cid))))).collect();
        Cids { any: Ports::new(&of(None)), by_cid }
    }

    /// Every answer there is.
    pub fn answers(&self, found: &mut BTreeSet<u32>) {
        self.by_cid.values().chain([&self.any]).for_each(|ports| ports.answers(found));
    }

    /// The first rule for a context id and port.
    pub fn first(&self, cid: u32, port: u32) -> u32 {
        self.any.first(port).min(self.by_cid.get(&cid).map_or(NONE, |ports| ports.first(port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A network of a small space, by prefix.
    fn network() -> impl Strategy<Value = (u128, u128)> {
        (0u32..=6, 0u128..64, any::<bool>()).prop_map(|(bits, value, high)| {
            let size = 1u128 << bits;
            let first = (value & !(size - 1)) | if high { u128::MAX - 63 } else { 0 };
            (first, first + (size - 1))
        })
    }

    fn ranges() -> impl Strategy<Value = Vec<RangeInclusive<u32>>> {
        let port = prop_oneof![4 => 0u32..12, 1 => Just(u32::MAX)];
        let range = (port.clone(), port).prop_map(|(a, b)| a.min(b)..=a.max(b));
        proptest::collection::vec(range, 1..4)
    }

    proptest! {
        #[test]
        fn networks_find_what_trying_in_order_finds(
            rules in proptest::collection::vec(
                (proptest::option::weighted(0.9, network()), proptest::option::of(ranges())), 0..30),
            asked in proptest::collection::vec((0u128..64, any::<bool>(), 0u32..13), 30),
        ) {
            let all = (0, u128::MAX);
            let own: Vec<_> = rules.iter().enumerate().map(|(rule, (network, ports))| OnNetwork {
                addresses: network.unwrap_or(all), ports: ports.as_deref(), rule: rule as u32 }).collect();
            let index = Networks::new(&own);
            for (address, high, port) in asked {
                let address = if high { u128::MAX - address } else { address };
                let port = if port == 12 { u32::MAX } else { port };
                let matches = |rule: &&OnNetwork<'_>| {
                    (rule.addresses.0..=rule.addresses.1).contains(&address)
                        && rule.ports.is_none_or(|ports| ports.iter().any(|range| range.contains(&port)))
                };
                let expected = own.iter().find(matches).map_or(NONE, |rule| rule.rule);
                prop_assert_eq!(index.first(address, port), expected, "{} {}", address, port);
            }
        }

        #[test]
        fn globs_find_what_trying_in_order_finds(
            globs in proptest::collection::vec("[ab/]{0,3}[ab/*]{0,3}", 0..20),
            all in proptest::option::of(0u32..20),
            asked in proptest::collection::vec("[ab/]{0,6}", 30),
        ) {
            let globs: Vec<_> = globs.iter().map(|glob| Glob::parse(glob).unwrap()).collect();
            let numbered = globs.iter().zip(0u32..).filter(|(_, rule)| Some(*rule) != all);
            let index = Globs::new(numbered.clone(), all.unwrap_or(NONE));
            for text in asked {
                let glob = numbered.clone().find(|(glob, _)| glob.matches(text.as_bytes()));
                let expected = glob.map_or(NONE, |(_, rule)| rule).min(all.unwrap_or(NONE));
                prop_assert_eq!(index.first(text.as_bytes()), expected);
            }
        }

        #[test]
        fn cids_find_what_trying_in_order_finds(
            rules in proptest::collection::vec((proptest::option::of(0u32..4), ranges()), 0..20),
            asked in proptest::collection::vec((0u32..5, 0u32..13), 30),
        ) {
            let own: Vec<_> = rules.iter().zip(0u32..).flat_map(|((cid, ranges), rule)| {
                ranges.iter().map(move |range| (*cid, range.clone(), rule))
            }).collect();
            let index = Cids::new(&own);
            for (cid, port) in asked {
                let matches = |(own, range, _): &&(Option<u32>, RangeInclusive<u32>, u32)| {
                    own.is_none_or(|own| own == cid) && range.contains(&port)
                };
                let expected = own.iter().find(matches).map_or(NONE, |(.., rule)| *rule);
                prop_assert_eq!(index.first(cid, port), expected);
            }
        }
    }
}
