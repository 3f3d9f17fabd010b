//! Decision trees: an answer that is found by looking at one word of the call after the other.
//!
//! A list of tests is tried from its beginning, so its cost grows with its length. A tree splits what a word can
//! hold into ranges and finds the one by a binary search: a hundred rules cost a few instructions more than ten.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::bpf::{Action, Insn};
use crate::ranges::Word;

/// A tree. Subtrees that are shared ([`Arc::ptr_eq`]) stand in the program once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// The end of the search. `None` leaves the call to whoever wants something of it too.
    Answer(Option<Action>),
    /// Looks at a word.
    Switch(Switch),
}

/// A word, and what comes next for each of its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    word: Word,
    mask: u32,
    below: Arc<Tree>,
    from: BTreeMap<u32, Arc<Tree>>,
}

impl Switch {
    /// Of the word's bits under `mask`, taken as a number: from each key of `from` up to the next, its tree
    /// decides; `below`, below all keys.
    #[must_use]
    pub const fn new(word: Word, mask: u32, below: Arc<Tree>, from: BTreeMap<u32, Arc<Tree>>) -> Switch {
        Switch { word, mask, below, from }
    }
}

impl Tree {
    /// The answer for a call with these arguments, without any BPF.
    #[must_use]
    pub fn decide(&self, args: &[u64; 6]) -> Option<Action> {
        let mut tree = self;
        loop {
            match tree {
                Tree::Answer(answer) => return *answer,
                Tree::Switch(Switch { word, mask, below, from }) => {
                    let value = word.of(args) & mask;
                    tree = from.range(..=value).next_back().map_or(below, |(_, tree)| tree);
                }
            }
        }
    }

    /// Appends the tree. Where it has no answer, what follows is executed.
    pub(crate) fn emit(self: &Arc<Tree>, code: &mut Vec<Insn>) {
        let mut backwards = Backwards { code: Vec::new(), placed: HashMap::new() };
        let first = backwards.place(self);
        // The root may be what was emitted last, or no code at all.
        backwards.go_to(first);
        code.extend(backwards.code.into_iter().rev());
    }
}

/// A place in the code: how many instructions stand from there to the end.
type Label = usize;

/// Code is made from its end to its beginning. Jumps go forwards only, so the target of each is known then.
struct Backwards {
    code: Vec<Insn>,
    placed: HashMap<*const Tree, Label>,
}

impl Backwards {
    /// Makes the code of `tree`, if it isn't there yet.
    fn place(&mut self, tree: &Arc<Tree>) -> Label {
        if let Some(label) = self.placed.get(&Arc::as_ptr(tree)) {
            return *label;
        }
        let label = match &**tree {
            Tree::Answer(None) => 0,
            Tree::Answer(Some(action)) => self.push(Insn::ret(*action)),
            Tree::Switch(switch) => {
                let mut arms = vec![(0, self.place(&switch.below))];
                for (first, tree) in &switch.from {
                    let label = self.place(tree);
                    match arms.last_mut() {
                        Some((_, last)) if *last == label => {}
                        Some((same, last)) if same == first => *last = label,
                        _ => arms.push((*first, label)),
                    }
                }
                let found = self.search(&arms);
                if arms.len() == 1 {
                    found
                } else {
                    self.go_to(found);
                    if switch.mask != u32::MAX {
                        self.push(Insn::and(switch.mask));
                    }
                    self.push(Insn::load(switch.word.offset()))
                }
            }
        };
        self.placed.insert(Arc::as_ptr(tree), label);
        label
    }

    /// A binary search among places, each for the values from its number on.
    fn search(&mut self, arms: &[(u32, Label)]) -> Label {
        match arms {
            [(_, label)] => *label,
            // One value among others.
            [(_, other), (value, label), (next, same)] if other == same && value + 1 == *next => {
                self.branch(*label, *other, |jt, jf| Insn::jump_eq(*value, jt, jf))
            }
            _ => {
                let (low, high) = arms.split_at(arms.len() / 2);
                let above = self.search(high);
                let below = self.search(low);
                self.branch(above, below, |jt, jf| Insn::jump_ge(high[0].0, jt, jf))
            }
        }
    }

    /// A conditional jump. It skips 255 instructions at most, and goes by a long one to what is farther.
    fn branch(&mut self, holds: Label, fails: Label, insn: impl Fn(u8, u8) -> Insn) -> Label {
        // At most two long jumps come between.
        let far = |code: &Vec<Insn>, label: Label| code.len() + 2 - label > usize::from(u8::MAX);
        let fails = if far(&self.code, fails) { self.long(fails) } else { fails };
        let holds = if far(&self.code, holds) { self.long(holds) } else { holds };
        let skip = |label: Label| u8::try_from(self.code.len() - label).unwrap_or(u8::MAX);
        self.push(insn(skip(holds), skip(fails)))
    }

    fn long(&mut self, label: Label) -> Label {
        self.push(Insn::jump((self.code.len() - label) as u32))
    }

    /// Makes `label` come next, whatever was made last.
    fn go_to(&mut self, label: Label) {
        if label != self.code.len() {
            self.long(label);
        }
    }

    fn push(&mut self, insn: Insn) -> Label {
        self.code.push(insn);
        self.code.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::{Arch, Data};
    use crate::wants::Wants;
    use proptest::prelude::*;

    fn filter(tree: &Arc<Tree>) -> crate::Filter {
        let mut wants = Wants::new();
        wants.add_tree(Arch::X86_64, 41, tree);
        wants.add(Arch::X86_64, 41, Action::Log);
        wants.compile().unwrap()
    }

    fn data(args: [u64; 6]) -> Data {
        Data { arch: Arch::X86_64.audit(), nr: 41, args, ..Data::default() }
    }

    fn tree() -> impl Strategy<Value = Arc<Tree>> {
        let answer = proptest::option::of((1u16..9).prop_map(Action::Errno));
        let leaf = answer.prop_map(|answer| Arc::new(Tree::Answer(answer)));
        leaf.prop_recursive(4, 200, 12, |inner| {
            let word = (0u8..3, any::<bool>())
                .prop_map(|(index, high)| if high { Word::High(index) } else { Word::Low(index) });
            let mask = prop_oneof![Just(u32::MAX), Just(0xf), Just(0)];
            let arms = proptest::collection::vec((0u32..20, inner.clone(), any::<bool>()), 0..12);
            (word, mask, inner, arms).prop_map(|(word, mask, below, arms)| {
                // Some arms share what stands below them.
                let from = arms
                    .into_iter()
                    .map(|(first, tree, shared)| (first, if shared { Arc::clone(&below) } else { tree }));
                let from = from.collect();
                Arc::new(Tree::Switch(Switch::new(word, mask, below, from)))
            })
        })
    }

    proptest! {
        #[test]
        fn the_filter_decides_as_the_tree_does(
            tree in tree(),
            calls in proptest::collection::vec(any::<[u8; 6]>(), 50),
        ) {
            let filter = filter(&tree);
            for args in calls {
                let args = args.map(|byte| u64::from(byte & 31) | u64::from(byte >> 3) << 32);
                prop_assert_eq!(filter.interpret(&data(args)), tree.decide(&args).unwrap_or(Action::Log));
            }
        }
    }

    /// Jumps over more than 255 instructions, and a search that stays short.
    #[test]
    fn a_thousand_ranges_take_a_dozen_steps() {
        let leaves: Vec<_> = (0..400).map(|n| Arc::new(Tree::Answer(Some(Action::Errno(n))))).collect();
        let from = (0..1000u32).map(|n| (10 * n, Arc::clone(&leaves[n as usize % 400]))).collect();
        let tree = Arc::new(Tree::Switch(Switch::new(Word::Low(0), u32::MAX, Arc::clone(&leaves[7]), from)));
        let filter = filter(&tree);
        for value in (0..10_010).chain([u64::from(u32::MAX)]) {
            let (answer, steps) = filter.execute(&data([value, 0, 0, 0, 0, 0]));
            let n = u16::try_from((value / 10).min(999) % 400).unwrap();
            assert_eq!(answer, Action::Errno(n), "{value}");
            // Four find the call, one loads; ten comparisons, some by a long jump; the answer.
            assert!(steps <= 30, "{steps}");
        }
    }

    #[test]
    fn what_is_shared_stands_there_once() {
        let deny = Arc::new(Tree::Answer(Some(Action::Errno(1))));
        let allow = Arc::new(Tree::Answer(None));
        let inner = Arc::new(Tree::Switch(Switch::new(
            Word::Low(1),
            0xf,
            Arc::clone(&allow),
            [(3, Arc::clone(&deny)), (4, Arc::clone(&allow))].into(),
        )));
        let from =
            (0..50u32).map(|n| (2 * n + 1, if n % 2 == 0 { &inner } else { &allow }.clone())).collect();
        let tree = Arc::new(Tree::Switch(Switch::new(Word::Low(0), u32::MAX, allow, from)));
        let code = filter(&tree);
        let returns = |insn: &&Insn| format!("{insn:?}") == "ret Errno(1)";
        assert_eq!(code.instructions().iter().filter(returns).count(), 1);
        let masks = |insn: &&Insn| format!("{insn:?}") == "and 0xf";
        assert_eq!(code.instructions().iter().filter(masks).count(), 1);
    }
}
