//! Paths and names, by patterns.

use std::collections::{BTreeSet, HashMap};

use super::NONE;
use crate::glob::Glob;

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
    }
}
