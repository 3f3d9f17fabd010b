//! Networks that nest, and ports.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::NONE;
use super::starts::Starts;
use super::tables::{Inside, Making, Own, Tables};

/// The rules that hold inside of a network, its own and those of the networks around it.
#[derive(Clone, Copy, Debug)]
struct Holds {
    /// The first rule for all ports.
    all: u32,
    /// Those for some ports.
    inside: Inside,
}

/// Where the innermost network changes. Half of the addresses are a quarter as long.
#[derive(Clone, Debug)]
enum Changes {
    V4(Starts<u32>),
    V6(Starts<u128>),
}

/// IP networks of one version, and ports.
#[derive(Clone, Debug)]
pub(crate) struct Networks {
    changes: Changes,
    /// What holds in front of the first change, and behind each.
    holds: Vec<Holds>,
    answers: BTreeSet<u32>,
}

/// A rule on a network, for some ports or for all.
#[derive(Clone, Debug)]
pub(crate) struct OnNetwork<'a> {
    /// The first and the last address.
    pub addresses: (u128, u128),
    pub ports: Option<&'a [RangeInclusive<u32>]>,
    pub rule: u32,
}

/// A network that is not over yet.
struct Open {
    holds: Holds,
    /// The first of the rules for some ports.
    least: u32,
    /// The last address.
    last: u128,
}

/// Where networks begin, or go on behind one that lies in them, and what holds there.
type Spans = Vec<(u128, Holds)>;

/// Ends the networks that don't reach to `next`; the one around each goes on behind it.
fn leave(spans: &mut Spans, open: &mut Vec<Open>, next: Option<u128>) {
    while let Some(Open { last, .. }) = open.pop_if(|open| next.is_none_or(|next| open.last < next)) {
        if let (Some(around), Some(after)) = (open.last(), last.checked_add(1)) {
            begin(spans, after, around.holds);
        }
    }
}

fn begin(spans: &mut Spans, at: u128, holds: Holds) {
    spans.pop_if(|(last, _)| *last == at);
    spans.push((at, holds));
}

impl Networks {
    /// The last address of IPv4, and that of IPv6.
    pub const LAST: [u128; 2] = [u32::MAX as u128, u128::MAX];

    /// Networks nest: of two, one holds the other or they have nothing in common. The rules come in order; `last` is the
    /// last address of their version.
    pub fn new(rules: &[OnNetwork<'_>], last: u128, making: &mut Making) -> Networks {
        // The wider one comes first; the widest holds everything.
        let mut own: BTreeMap<(u128, Reverse<u128>), (u32, Own<'_>)> = BTreeMap::new();
        let empty = || (NONE, Own::new());
        own.insert((0, Reverse(last)), empty());
        for OnNetwork { addresses: (first, last), ports, rule } in rules {
            let (all, some) = own.entry((*first, Reverse(*last))).or_insert_with(empty);
            match ports {
                None => *all = (*all).min(*rule),
                // A rule can name a network twice.
                Some(_) if some.last().is_some_and(|(last, _)| last == rule) => {}
                Some(ranges) => some.push((*rule, *ranges)),
            }
        }
        let mut answers = BTreeSet::new();
        let (mut spans, mut open) = (Spans::new(), Vec::<Open>::new());
        for ((first, Reverse(last)), (all, mut some)) in own {
            leave(&mut spans, &mut open, Some(first));
            let outer = open.last();
            let all = outer.map_or(NONE, |outer| outer.holds.all).min(all);
            answers.insert(all);
            // What is behind a rule for all ports is never the first.
            some.retain(|(rule, _)| *rule < all);
            let around = outer.map_or((Inside::Nothing, NONE), |outer| (outer.holds.inside, outer.least));
            let around = if around.1 < all { around } else { (Inside::Nothing, NONE) };
            let (inside, least) = if some.is_empty() {
                around
            } else {
                let some = making.rules(&some);
                answers.extend(some.answers().iter().take_while(|rule| **rule < all));
                making.inside(around, &some)
            };
            let holds = Holds { all, inside };
            begin(&mut spans, first, holds);
            open.push(Open { holds, least, last });
        }
        leave(&mut spans, &mut open, None);
        let holds = spans.iter().map(|(_, holds)| *holds).collect();
        // The first is that of the widest network.
        let changes = spans.into_iter().skip(1).map(|(start, _)| start);
        let changes = if last == Networks::LAST[0] {
            // Behind the last address nothing changes.
            Changes::V4(Starts::new(changes.filter_map(|start| u32::try_from(start).ok()).collect()))
        } else {
            Changes::V6(Starts::new(changes.collect()))
        };
        Networks { changes, holds, answers }
    }

    /// Every answer there is.
    pub fn answers(&self, found: &mut BTreeSet<u32>) {
        found.extend(&self.answers);
    }

    /// The first rule for an address and port.
    pub fn first(&self, tables: &Tables, address: u128, port: u16) -> u32 {
        let at = match &self.changes {
            // No address of IPv4 is greater.
            Changes::V4(starts) => starts.part(u32::try_from(address).unwrap_or(u32::MAX)),
            Changes::V6(starts) => starts.part(address),
        };
        let Holds { all, inside } = self.holds[at];
        tables.first(inside, port, all)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ports::tests::ranges;
    use super::super::tables::Room;
    use super::*;
    use proptest::prelude::*;

    /// A network of the first or the last addresses of a version, by prefix.
    fn network() -> impl Strategy<Value = (bool, u128, u128)> {
        (0u32..=6, 0u128..64, any::<bool>()).prop_map(|(bits, value, high)| {
            let size = 1u128 << bits;
            let first = value & !(size - 1);
            (high, first, first + (size - 1))
        })
    }

    proptest! {
        #[test]
        fn networks_find_what_trying_in_order_finds(
            rules in proptest::collection::vec(
                (proptest::collection::vec(network(), 0..4), proptest::option::of(ranges())), 0..30),
            asked in proptest::collection::vec((0u128..64, any::<bool>(), 0u32..13), 30),
            version in 0usize..2,
            // For no network, for some, for all.
            nodes in prop_oneof![Just(0), 0usize..80, Just(usize::MAX)],
            room in prop_oneof![Just(0), 0usize..40, Just(usize::MAX)],
        ) {
            let end = Networks::LAST[version];
            let own: Vec<_> = rules.iter().zip(0..).flat_map(|((networks, ports), rule)| {
                let addresses = networks.iter().map(|(high, first, last)| {
                    if *high { (end - 63 + first, end - 63 + last) } else { (*first, *last) }
                });
                let everything = networks.is_empty().then_some((0, end));
                let addresses: Vec<_> = addresses.chain(everything).collect();
                addresses.into_iter().map(move |addresses| OnNetwork { addresses, ports: ports.as_deref(), rule })
            }).collect();
            let mut making = Making::new(Room { nodes, ranges: room });
            // Of two indexes, one has other networks around the same ones.
            let some: Vec<_> = own.iter().filter(|rule| rule.rule % 5 != 0).cloned().collect();
            let indexes = [own, some].map(|own| (Networks::new(&own, end, &mut making), own));
            let tables = making.made();
            for ((address, high, port), (index, own)) in asked.iter().zip(indexes.iter().cycle()) {
                let address = if *high { end - address } else { *address };
                let port = if *port == 12 { u16::MAX } else { *port as u16 };
                let matches = |rule: &&OnNetwork<'_>| {
                    (rule.addresses.0..=rule.addresses.1).contains(&address)
                        && rule.ports.is_none_or(|ports| ports.iter().any(|range| range.contains(&port.into())))
                };
                let expected = own.iter().find(matches).map_or(NONE, |rule| rule.rule);
                prop_assert_eq!(index.first(&tables, address, port), expected, "{} {}", address, port);
                let mut answers = BTreeSet::new();
                index.answers(&mut answers);
                prop_assert!(answers.contains(&expected), "{} {}", address, port);
            }
        }
    }
}
