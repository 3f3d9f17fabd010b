//! Networks that nest, and ports.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::{NONE, Ports};

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
            let ports = Ports::new(some);
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

#[cfg(test)]
mod tests {
    use super::super::ports::tests::ranges;
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
    }
}
