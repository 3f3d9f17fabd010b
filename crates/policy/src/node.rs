//! Decision trees over a call's registers, whose leaves say what is to be done.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use seccomp::{Switch, Tree, Word};

use crate::decide::Verdict;
use crate::model::Action;

/// What registers come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The call is made.
    Allow,
    /// It is decided otherwise: refused, or made and told.
    Decided(Verdict),
    /// Memory decides: [`Compiled::judge`](crate::Compiled::judge) is to be asked.
    Memory,
    /// The call is made, but not while it would take a descriptor from another call that is judged
    /// ([`Escape::Dup2`](crate::Escape::Dup2)).
    Held,
}

impl From<Verdict> for Step {
    fn from(verdict: Verdict) -> Step {
        if verdict.action == Action::Allow { Step::Allow } else { Step::Decided(verdict) }
    }
}

/// A tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Leaf(Step),
    /// The values of a word under a mask: from each key on, up to the next. The first key is 0.
    Switch {
        word: Word,
        mask: u32,
        from: BTreeMap<u32, Arc<Node>>,
    },
}

/// What a switch is known by: its word and mask, and what it leads to.
type Key = (Word, u32, Vec<(u32, usize)>);

/// Makes nodes, each once.
#[derive(Default)]
pub(crate) struct Forge {
    leaves: HashMap<Step, Arc<Node>>,
    switches: HashMap<Key, Arc<Node>>,
}

impl Forge {
    pub fn leaf(&mut self, step: impl Into<Step>) -> Arc<Node> {
        let step = step.into();
        let leaf = self.leaves.entry(step).or_insert_with(|| Arc::new(Node::Leaf(step)));
        Arc::clone(leaf)
    }

    /// A switch; or what all its values lead to, if that is the same. The first value must be 0.
    pub fn switch(
        &mut self,
        word: Word,
        mask: u32,
        arms: impl IntoIterator<Item = (u32, Arc<Node>)>,
    ) -> Arc<Node> {
        let mut from: BTreeMap<u32, Arc<Node>> = arms.into_iter().collect();
        let mut last: Option<Arc<Node>> = None;
        from.retain(|_, node| {
            let differs = last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, node));
            last = Some(Arc::clone(node));
            differs
        });
        match last {
            Some(only) if from.len() == 1 => only,
            _ => {
                let key = from.iter().map(|(first, node)| (*first, Arc::as_ptr(node).addr())).collect();
                let switch = self.switches.entry((word, mask, key));
                Arc::clone(switch.or_insert_with(|| Arc::new(Node::Switch { word, mask, from })))
            }
        }
    }

    /// Whether a word has a bit.
    pub fn bit(&mut self, word: Word, bit: u32, set: Arc<Node>, clear: Arc<Node>) -> Arc<Node> {
        self.switch(word, bit, [(0, clear), (1, set)])
    }

    /// Whether a pointer is null, both halves of it.
    pub fn null(&mut self, argument: u8, null: Arc<Node>, other: Arc<Node>) -> Arc<Node> {
        let low = self.switch(Word::Low(argument), u32::MAX, [(0, null), (1, Arc::clone(&other))]);
        self.switch(Word::High(argument), u32::MAX, [(0, low), (1, other)])
    }
}

impl Node {
    /// What a call with these arguments comes to.
    pub fn step(&self, args: &[u64; 6]) -> Step {
        let mut node = self;
        loop {
            match node {
                Node::Leaf(step) => return *step,
                Node::Switch { word, mask, from } => {
                    let value = word.of(args) & mask;
                    match from.range(..=value).next_back() {
                        Some((_, next)) => node = next,
                        None => return Step::Memory,
                    }
                }
            }
        }
    }

    /// Adds every leaf.
    pub fn leaves(&self, found: &mut Vec<Step>) {
        match self {
            Node::Leaf(step) => found.push(*step),
            Node::Switch { from, .. } => from.values().for_each(|node| node.leaves(found)),
        }
    }

    /// The tree for a filter, whose answers are `answer`'s. What is shared stays shared, by way of `made`.
    pub fn tree(
        self: &Arc<Node>,
        answer: &dyn Fn(Step) -> Option<seccomp::Action>,
        made: &mut HashMap<usize, Arc<Tree>>,
    ) -> Arc<Tree> {
        let key = Arc::as_ptr(self).addr();
        if let Some(tree) = made.get(&key) {
            return Arc::clone(tree);
        }
        let tree = Arc::new(match &**self {
            Node::Leaf(step) => Tree::Answer(answer(*step)),
            Node::Switch { word, mask, from } => {
                let mut arms: BTreeMap<_, _> =
                    from.iter().map(|(first, node)| (*first, node.tree(answer, made))).collect();
                let below = arms.remove(&0).unwrap_or_else(|| Arc::new(Tree::Answer(None)));
                Tree::Switch(Switch::new(*word, *mask, below, arms))
            }
        });
        made.insert(key, Arc::clone(&tree));
        tree
    }
}
