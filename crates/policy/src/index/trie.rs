//! The first rule for each port, in each of many networks that lie in each other.
//!
//! Somebody inside of a network has its rules and those of all networks around it. Sets of rules that are summed up so
//! differ little from each other, and here they share what is the same: a set is made of another and of what is new,
//! which takes new nodes on the way to the new ports and no others. So all sets together take room for the rules, and
//! not for the rules times the networks; and to find a rule takes as many steps as a port has digits.

use super::{NONE, Ports};

/// A port has four hexadecimal digits, and a node a slot for each value of one.
const LEVELS: u32 = 4;

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The first of the rules for all ports that begin so.
    rule: u32,
    /// The node of the next digit.
    below: u32,
}

type Node = [Slot; 16];

/// A node without rules, below which there is nothing but itself: whoever looks for a port need not ask for the end.
const EMPTY: Node = [Slot { rule: NONE, below: 0 }; 16];

/// A set of ports and their rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Root(u32);

impl Root {
    /// The set without rules.
    pub const EMPTY: Root = Root(0);
}

/// Many sets of ports and their rules.
#[derive(Clone, Debug)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
}

impl Trie {
    /// With the empty set.
    pub fn new() -> Trie {
        Trie { nodes: vec![EMPTY] }
    }

    /// Gives back what was reserved for more sets.
    pub fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
    }

    /// Makes a set of another one and more ports; `None`, if there would be more than `room` nodes. It can't be a
    /// great many more: no set needs more than the ports have beginnings, 4369.
    pub fn add(&mut self, Root(base): Root, ports: &Ports, room: usize) -> Option<Root> {
        let mark = self.nodes.len();
        let root = self.own(base, mark);
        for (range, rule) in ports.ranges() {
            let last = (*range.end()).min(u16::MAX.into());
            if *range.start() <= last {
                self.set(root, LEVELS - 1, (*range.start(), last), rule, mark);
            }
        }
        if self.nodes.len() > room {
            self.nodes.truncate(mark);
            return None;
        }
        Some(Root(root))
    }

    /// A node that may be changed: one of those from `mark` on, which are of the set that is made.
    fn own(&mut self, node: u32, mark: usize) -> u32 {
        if node as usize >= mark {
            return node;
        }
        self.nodes.push(self.nodes[node as usize]);
        self.nodes.len() as u32 - 1
    }

    /// Gives a rule to ports that all begin like the node.
    fn set(&mut self, node: u32, level: u32, (first, last): (u32, u32), rule: u32, mark: usize) {
        let shift = 4 * level;
        for prefix in first >> shift..=last >> shift {
            let (low, high) = (prefix << shift, (prefix << shift) + ((1 << shift) - 1));
            let (at, digit) = (node as usize, (prefix & 15) as usize);
            let Slot { rule: earlier, below } = self.nodes[at][digit];
            if earlier <= rule {
                continue;
            }
            if first <= low && high <= last {
                self.nodes[at][digit].rule = rule;
            } else {
                let below = self.own(below, mark);
                self.nodes[at][digit].below = below;
                self.set(below, level - 1, (first.max(low), last.min(high)), rule, mark);
            }
        }
    }

    /// The first rule for a port.
    pub fn first(&self, Root(root): Root, port: u16) -> u32 {
        let (mut node, mut first) = (root, NONE);
        for level in (0..LEVELS).rev() {
            let slot = self.nodes[node as usize][usize::from(port >> (4 * level) & 15)];
            first = first.min(slot.rule);
            node = slot.below;
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ports() -> impl Strategy<Value = Ports> {
        let port = prop_oneof![
            3 => 0u32..40,
            2 => (0u32..16, 0u32..5).prop_map(|(digit, around)| (digit << 12) + (around << 8) + around),
            1 => 65_500u32..=65_540,
        ];
        let range = (port.clone(), port, 0u32..50).prop_map(|(a, b, rule)| (a.min(b)..=a.max(b), rule));
        proptest::collection::vec(range, 0..8).prop_map(Ports::new)
    }

    proptest! {
        /// Sets of sets: each adds to one of those in front of it.
        #[test]
        fn sets_have_what_they_are_made_of(
            sets in proptest::collection::vec((any::<prop::sample::Index>(), ports()), 1..20),
            asked in proptest::collection::vec(any::<u16>(), 50),
        ) {
            let mut trie = Trie::new();
            let mut made: Vec<(Root, Vec<Ports>)> = vec![(Root::EMPTY, Vec::new())];
            for (base, ports) in sets {
                let (base, mut parts) = base.get(&made).clone();
                let before = trie.nodes.len();
                let ranges = ports.ranges().count();
                prop_assert!(trie.add(base, &ports, before).is_none() && trie.nodes.len() == before);
                let root = trie.add(base, &ports, usize::MAX).unwrap();
                prop_assert!(trie.nodes.len() - before <= 1 + 6 * ranges);
                parts.push(ports);
                made.push((root, parts));
            }
            for (root, parts) in made {
                let edges = parts.iter().flat_map(Ports::ranges);
                let edges = edges.flat_map(|(range, _)| [*range.start(), range.end().saturating_add(1)]);
                let edges = edges.flat_map(|edge| [edge.saturating_sub(1) as u16, edge as u16]);
                for port in edges.chain(asked.iter().copied()) {
                    let expected = parts.iter().map(|ports| ports.first(port.into())).min().unwrap_or(NONE);
                    prop_assert_eq!(trie.first(root, port), expected, "{}", port);
                }
            }
        }
    }
}
