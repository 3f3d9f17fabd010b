//! Context ids of vsock, and ports.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::NONE;
use super::tables::{Making, Own, Rules};

/// Context ids of vsock, and ports.
#[derive(Debug)]
pub(crate) struct Cids {
    any: Arc<Rules>,
    by_cid: HashMap<u32, Arc<Rules>>,
}

/// A rule on a context id, or on all of them, for some ports or for all.
#[derive(Clone, Debug)]
pub(crate) struct OnCid<'a> {
    pub cid: Option<u32>,
    pub ports: Option<&'a [RangeInclusive<u32>]>,
    pub rule: u32,
}

impl Cids {
    /// The rules come in order.
    pub fn new(rules: &[OnCid<'_>], making: &mut Making) -> Cids {
        let (mut any, mut by_cid) = (Own::new(), BTreeMap::<u32, Own<'_>>::new());
        for OnCid { cid, ports, rule } in rules {
            let own = cid.map_or(&mut any, |cid| by_cid.entry(cid).or_default());
            // A rule can name one twice.
            if own.last().is_none_or(|(last, _)| last != rule) {
                own.push((*rule, ports.unwrap_or(&[0..=u32::MAX])));
            }
        }
        let by_cid = by_cid.into_iter().map(|(cid, own)| (cid, making.rules(&own))).collect();
        Cids { any: making.rules(&any), by_cid }
    }

    /// Every answer there is.
    pub fn answers(&self, found: &mut BTreeSet<u32>) {
        self.by_cid.values().chain([&self.any]).for_each(|rules| found.extend(rules.answers()));
    }

    /// The first rule for a context id and port.
    pub fn first(&self, cid: u32, port: u32) -> u32 {
        let first = self.any.first(port, NONE);
        self.by_cid.get(&cid).map_or(first, |rules| rules.first(port, first))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ports::tests::ranges;
    use super::super::tables::Room;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cids_find_what_trying_in_order_finds(
            rules in proptest::collection::vec(
                (proptest::collection::vec(proptest::option::of(0u32..4), 1..4), proptest::option::of(ranges())), 0..20),
            asked in proptest::collection::vec((0u32..5, 0u32..13), 30),
            room in prop_oneof![Just(0), 0usize..40, Just(usize::MAX)],
        ) {
            let own: Vec<_> = rules.iter().zip(0..).flat_map(|((cids, ports), rule)| {
                cids.iter().map(move |cid| OnCid { cid: *cid, ports: ports.as_deref(), rule })
            }).collect();
            let index = Cids::new(&own, &mut Making::new(Room { nodes: 0, ranges: room }));
            for (cid, port) in asked {
                let matches = |rule: &&OnCid<'_>| {
                    rule.cid.is_none_or(|own| own == cid)
                        && rule.ports.is_none_or(|ports| ports.iter().any(|range| range.contains(&port)))
                };
                let expected = own.iter().find(matches).map_or(NONE, |rule| rule.rule);
                prop_assert_eq!(index.first(cid, port), expected);
            }
        }
    }
}
