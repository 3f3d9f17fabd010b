//! Ports, and rules on ranges of them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::RangeInclusive;

use super::NONE;
use super::starts::Starts;

/// Ports, and the first rule for each: ranges that follow each other.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    /// Where they start, but for the first: at 0.
    starts: Starts<u32>,
    rules: Vec<u32>,
}

impl Ports {
    /// From ranges and their rules.
    pub fn new(mut ranges: Vec<(RangeInclusive<u32>, u32)>) -> Ports {
        let begins = ranges.iter().map(|(range, _)| *range.start());
        let ends = ranges.iter().filter_map(|(range, _)| range.end().checked_add(1));
        let mut edges: Vec<u32> = begins.chain(ends).chain([0]).collect();
        edges.sort_unstable();
        edges.dedup();
        // The last one begins first.
        ranges.sort_unstable_by_key(|(range, _)| Reverse(*range.start()));
        // Rules, the first on top, and the ends of their ranges.
        let mut open: BinaryHeap<Reverse<(u32, u32)>> = BinaryHeap::new();
        let (mut starts, mut rules) = (Vec::with_capacity(edges.len()), Vec::with_capacity(edges.len()));
        for edge in edges {
            while let Some((range, rule)) = ranges.pop_if(|(range, _)| *range.start() == edge) {
                open.push(Reverse((rule, *range.end())));
            }
            while open.peek().is_some_and(|Reverse((_, end))| *end < edge) {
                open.pop();
            }
            let first = open.peek().map_or(NONE, |Reverse((rule, _))| *rule);
            if rules.last() != Some(&first) {
                starts.extend((edge != 0).then_some(edge));
                rules.push(first);
            }
        }
        Ports { starts: Starts::new(starts), rules }
    }

    /// How many ranges there are, with those that have no rule.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// The first rule for a port.
    pub fn first(&self, port: u32) -> u32 {
        self.rules[self.starts.part(port)]
    }

    /// The ranges that have a rule, and the first for each.
    pub fn ranges(&self) -> impl Iterator<Item = (RangeInclusive<u32>, u32)> + '_ {
        let later = self.starts.all().iter().copied();
        let ends = later.clone().map(|next| next - 1).chain([u32::MAX]);
        let ranges = [0].into_iter().chain(later).zip(ends).map(|(start, end)| start..=end);
        ranges.zip(self.rules.iter().copied()).filter(|(_, rule)| *rule != NONE)
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

    proptest! {
        #[test]
        fn ports_have_the_first_rule_of_those_with_a_range_around_them(
            rules in proptest::collection::vec(ranges(), 0..12),
            asked in proptest::collection::vec(0u32..14, 20),
        ) {
            let own: Vec<_> = rules.iter().zip(0..).flat_map(|(ranges, rule)| {
                ranges.iter().map(move |range| (range.clone(), rule))
            }).collect();
            let ports = Ports::new(own.iter().rev().cloned().collect());
            for port in asked.into_iter().chain([u32::MAX - 1, u32::MAX]) {
                let expected = own.iter().find(|(range, _)| range.contains(&port)).map_or(NONE, |(_, rule)| *rule);
                prop_assert_eq!(ports.first(port), expected);
                let ranges = ports.ranges().filter(|(range, _)| range.contains(&port)).map(|(_, rule)| rule);
                prop_assert_eq!(ranges.collect::<Vec<_>>(), Vec::from_iter((expected != NONE).then_some(expected)));
            }
        }
    }
}
