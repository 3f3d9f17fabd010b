//! Paths and names, by patterns.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

use super::NONE;
use crate::glob::Glob;

/// Patterns of paths or names, in a tree of what their matches begin with. A text takes a step for each byte at which
/// patterns that begin like it part, however many patterns there are.
#[derive(Clone, Debug)]
pub(crate) struct Globs {
    /// The first rule for everything.
    all: u32,
    /// The root, and then the children of each node side by side.
    nodes: Vec<Node>,
    /// What the nodes refer to.
    bytes: Vec<u8>,
    turns: Vec<u16>,
    /// Rules, and their patterns' numbers.
    ends: Vec<(u32, u32)>,
    globs: Vec<Glob>,
}

/// Texts with the same beginning.
#[derive(Clone, Debug)]
struct Node {
    /// How the beginning goes on behind the byte that leads here.
    more: Span,
    /// The first rule for the beginning as the whole text.
    exact: u32,
    /// Patterns for what follows, in the order of their rules.
    ends: Span,
    /// The least byte that leads on.
    low: u8,
    /// For each byte from that on, which child it leads to: from 1, and 0 for none.
    turns: Span,
    /// The node in front of the first child.
    children: u32,
}

/// A part of a list.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    const EMPTY: Span = Span { start: 0, end: 0 };

    /// Adds to a list.
    fn add<T>(list: &mut Vec<T>, more: impl IntoIterator<Item = T>) -> Span {
        let start = list.len() as u32;
        list.extend(more);
        Span { start, end: list.len() as u32 }
    }

    fn of<T>(self, list: &[T]) -> &[T] {
        &list[self.start as usize..self.end as usize]
    }
}

/// A list to which nothing is added twice. Most patterns go on alike, by digits, by `/`, by `*.sock`: what they share is
/// in one place, which stays in the processor's cache.
struct Known<T> {
    list: Vec<T>,
    known: HashMap<Vec<T>, Span>,
}

impl<T: Clone + Eq + Hash> Known<T> {
    fn new() -> Known<T> {
        Known { list: Vec::new(), known: HashMap::new() }
    }

    fn add(&mut self, more: &[T]) -> Span {
        if let Some(known) = self.known.get(more) {
            return *known;
        }
        let added = Span::add(&mut self.list, more.iter().cloned());
        self.known.insert(more.to_vec(), added);
        added
    }
}

/// The first rule for a beginning as the whole text, and patterns for what follows, by number.
type Own = (u32, Vec<(u32, u32)>);

impl Globs {
    /// From patterns and their rules, in the order of the rules, and the first rule for everything.
    pub fn new<'a>(patterns: impl IntoIterator<Item = (&'a Glob, u32)>, all: u32) -> Globs {
        let (mut own, mut globs) = (BTreeMap::<Vec<u8>, Own>::new(), Known::new());
        for (glob, rule) in patterns {
            let (beginning, rest) = glob.split();
            let (exact, ends) = own.entry(beginning).or_insert((NONE, Vec::new()));
            match rest {
                None => *exact = (*exact).min(rule),
                Some(rest) => ends.push((rule, globs.add(&[rest]).start)),
            }
        }
        let (texts, mut own): (Vec<Vec<u8>>, Vec<Own>) = own.into_iter().unzip();
        let empty = Node {
            more: Span::EMPTY,
            exact: NONE,
            ends: Span::EMPTY,
            low: 0,
            turns: Span::EMPTY,
            children: 0,
        };
        let (mut nodes, mut ends) = (vec![empty.clone()], Vec::new());
        let (mut bytes, mut turns) = (Known::new(), Known::new());
        // Nodes to be made, the texts that begin so, and how many bytes of these lead there.
        let mut open = VecDeque::from([(0, 0..texts.len(), 0)]);
        while let Some((number, mut rest, mut at)) = open.pop_front() {
            let (Some(first), Some(last)) = (texts[rest.clone()].first(), texts[rest.clone()].last()) else {
                continue;
            };
            // They are sorted: what the first and the last begin with, all do.
            let more = first[at..].iter().zip(&last[at..]).take_while(|(a, b)| a == b).count();
            let mut node = Node {
                more: bytes.add(&first[at..at + more]),
                children: nodes.len() as u32 - 1,
                ..empty.clone()
            };
            at += more;
            if first.len() == at {
                let (exact, own) = std::mem::take(&mut own[rest.start]);
                (node.exact, node.ends) = (exact, Span::add(&mut ends, own));
                rest.start += 1;
            }
            let mut own_turns: Vec<u16> = Vec::new();
            for turn in 1.. {
                let Some(byte) = texts[rest.clone()].first().map(|text| text[at]) else { break };
                if turn == 1 {
                    node.low = byte;
                }
                own_turns.resize(usize::from(byte - node.low), 0);
                own_turns.push(turn);
                let same = texts[rest.clone()].partition_point(|text| text[at] == byte);
                open.push_back((nodes.len(), rest.start..rest.start + same, at + 1));
                nodes.push(empty.clone());
                rest.start += same;
            }
            node.turns = turns.add(&own_turns);
            nodes[number] = node;
        }
        Globs { all, nodes, bytes: bytes.list, turns: turns.list, ends, globs: globs.list }
    }

    /// Every answer there is.
    pub fn answers(&self, found: &mut BTreeSet<u32>) {
        let exact = self.nodes.iter().map(|node| node.exact);
        let rules = exact.chain(self.ends.iter().map(|(rule, _)| *rule));
        found.extend(rules.filter(|rule| *rule < self.all).chain([self.all]));
    }

    /// The first rule for a path or name.
    pub fn first(&self, text: &[u8]) -> u32 {
        let (mut first, mut number, mut rest) = (self.all, 0, text);
        loop {
            let node = &self.nodes[number];
            let more = node.more.of(&self.bytes);
            // Digits part byte by byte, and to compare nothing is a call too.
            if !more.is_empty() {
                let Some(behind) = rest.strip_prefix(more) else { return first };
                rest = behind;
            }
            let mut earlier = node.ends.of(&self.ends).iter().take_while(|(rule, _)| *rule < first);
            if let Some((rule, _)) = earlier.find(|(_, glob)| self.globs[*glob as usize].matches(rest)) {
                first = *rule;
            }
            let Some((byte, behind)) = rest.split_first() else { return first.min(node.exact) };
            match node.turns.of(&self.turns).get(usize::from(byte.wrapping_sub(node.low))) {
                None | Some(0) => return first,
                Some(turn) => number = node.children as usize + usize::from(*turn),
            }
            rest = behind;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn globs_find_what_trying_in_order_finds(
            globs in proptest::collection::vec("[abz/é]{0,3}[abz/*]{0,3}", 0..20),
            all in proptest::option::of(0u32..20),
            asked in proptest::collection::vec("[abcz/é]{0,6}", 30),
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
