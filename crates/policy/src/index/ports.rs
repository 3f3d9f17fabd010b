//! Ports, and rules on ranges of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use super::NONE;

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

    /// The first rule of all.
    pub fn least(&self) -> u32 {
        self.rules.iter().copied().min().unwrap_or(NONE)
    }

    /// Every answer there is.
    pub fn answers(&self, found: &mut BTreeSet<u32>) {
        found.extend(&self.rules);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ranges of a few ports, and of the last.
    pub(crate) fn ranges() -> impl Strategy<Value = Vec<RangeInclusive<u32>>> {
        let port = prop_oneof![4 => 0u32..12, 1 => Just(u32::MAX)];
        let range = (port.clone(), port).prop_map(|(a, b)| a.min(b)..=a.max(b));
        proptest::collection::vec(range, 1..4)
    }
}
