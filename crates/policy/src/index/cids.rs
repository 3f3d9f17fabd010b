//! Context ids of vsock, and ports.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use super::{NONE, Ports};

/// Context ids of vsock, and ports.
#[derive(Clone, Debug)]
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
        let by_cid = cids.into_iter().map(|cid| (cid, Ports::new(of(Some(cid))))).collect();
        Cids { any: Ports::new(of(None)), by_cid }
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
    use super::super::ports::tests::ranges;
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
