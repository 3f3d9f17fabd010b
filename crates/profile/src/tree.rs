//! What libseccomp makes of the rules for one number: a tree of comparisons of 32-bit words.
//!
//! libseccomp keeps no list of rules. It breaks a rule's conditions into comparisons of 32-bit halves, each a
//! node with a way on for *true* and for *false*, and hangs them into a tree, where a node that is already
//! there is used again. Nodes beside each other stand in an order of their own: higher arguments first, then
//! equality before `<` before `>`, the narrower before the wider. They are tried in that order, so of two
//! rules with different answers for the same call it is this order that decides, not the order in the profile
//! (libseccomp 2.5, `src/db.c`, `_db_chain_lt` and `_db_tree_add`; `src/gen_bpf.c`, `_gen_bpf_chain`).
//!
//! Rules with conditions that a rule without any stands against are gone, whichever came first. Two rules with
//! different answers of which one's comparisons are the beginning of the other's: the shorter one stays if it
//! was first; if it comes second, libseccomp refuses it with EEXIST, and the runtime starts no container.
//!
//! libseccomp also prunes what another rule with the same answer covers. That saves instructions and changes
//! no answer, so it is not repeated here.

use std::collections::BTreeSet;

use seccomp::{Action, Branch, BuildError, Compare, MAX_INSTRUCTIONS, Op, Word};

use crate::compile::Origin;
use crate::document::{Condition, Operator};

/// An answer, and which rule gives it.
pub(crate) type Answer = (Action, Origin);

/// The rules for one number.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// One answer, whatever the arguments are.
    Always(Answer),
    /// Nodes by index; levels of nodes by index, in the order in which they are tried. Level 0 is the root.
    Levels { nodes: Vec<Node>, levels: Vec<Vec<usize>> },
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    key: Key,
    order: Order,
    /// The whole 64-bit value that the comparison is made for.
    full: u64,
    /// Where to go on if the comparison is false, and if it is true.
    next: [Next; 2],
}

/// Two nodes with the same key are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    word: Word,
    /// `SCMP_CMP_MASKED_EQ` and `SCMP_CMP_EQ` are kept apart even if they mean the same.
    masked: bool,
    op: Op,
    mask: u32,
    value: u32,
}

/// Nodes of a level stand in descending order. It is not that of their keys: a `<` is kept as a `>=` that is
/// to be false, and still stands among the `<`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    /// Higher arguments first, the high half before the low.
    word: u8,
    /// Equality, `<`, `>`: 3, 2, 1.
    class: u8,
    /// By value; of `<` the smaller first.
    value: u32,
}

/// The way on from a node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Next {
    /// To the next node of the level.
    #[default]
    Beside,
    /// To a level below, and if nothing there decides, to the next node of this one.
    Level(usize),
    /// The rule's answer.
    Act(Answer),
}

/// Why a rule is not added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// Another rule stands against this one.
    Conflict(Origin),
    /// The tree is larger than every one that a filter can hold.
    TooLarge,
}

/// Every node of a level is the end of a branch, and the shortest branch has four instructions.
const MAX_LEVEL: usize = MAX_INSTRUCTIONS / 4;
/// Nodes that were united with others are still there: so many are not a profile that anybody wrote.
const MAX_NODES: usize = 16 * MAX_LEVEL;

impl Tree {
    /// The tree of one rule. `wide` is for calls whose arguments libseccomp takes for 64-bit ones: those of
    /// x86-64, not of x32.
    fn of(conditions: &[Condition], wide: bool, answer: Answer) -> Tree {
        let mut tree = (Vec::new(), Vec::new());
        let mut conditions = conditions.to_vec();
        conditions.sort_by_key(|condition| condition.index);
        // A mask without a bit asks nothing.
        conditions.retain(|condition| {
            let mask = if wide { condition.value } else { condition.value & u64::from(u32::MAX) };
            condition.op != Operator::MaskedEqual || mask != 0
        });
        if conditions.is_empty() {
            return Tree::Always(answer);
        }
        // From the last condition to the first, each goes on to the one behind it.
        let mut next = Next::Act(answer);
        for condition in conditions.iter().rev() {
            let level =
                if wide { wide_level(&mut tree, condition, next) } else { level(&mut tree, condition, next) };
            next = Next::Level(level);
        }
        let (nodes, mut levels) = tree;
        // The root comes first: it was made last, and nobody refers to it.
        let root = levels.pop().unwrap_or_default();
        levels.insert(0, root);
        let mut nodes = nodes;
        for node in &mut nodes {
            for next in &mut node.next {
                if let Next::Level(level) = next {
                    *level += 1;
                }
            }
        }
        Tree::Levels { nodes, levels }
    }

    /// Adds a rule to those of the number.
    pub fn add(
        existing: &mut Option<Tree>,
        conditions: &[Condition],
        wide: bool,
        answer: Answer,
    ) -> Result<(), Refusal> {
        let new = Tree::of(conditions, wide, answer);
        match (existing.as_mut(), new) {
            (None, new) => *existing = Some(new),
            (Some(Tree::Always(_)), _) => {}
            (Some(_), Tree::Always(answer)) => *existing = Some(Tree::Always(answer)),
            (Some(Tree::Levels { nodes, levels }), Tree::Levels { nodes: new_nodes, levels: new_levels }) => {
                // The new nodes and levels are put beside the old; then the root is merged.
                let (node, level) = (nodes.len(), levels.len());
                nodes.extend(new_nodes.into_iter().map(|mut new| {
                    for next in &mut new.next {
                        if let Next::Level(below) = next {
                            *below += level;
                        }
                    }
                    new
                }));
                levels.extend(
                    new_levels.into_iter().map(|nodes| nodes.into_iter().map(|index| index + node).collect()),
                );
                let root = levels[level].clone();
                for index in root {
                    merge(nodes, levels, 0, index)?;
                }
                // To add to a tree takes the longer the larger it is.
                if nodes.len() > MAX_NODES || levels.iter().any(|level| level.len() > MAX_LEVEL) {
                    return Err(Refusal::TooLarge);
                }
            }
        }
        Ok(())
    }

    /// The answer for a call's arguments; none where no rule holds.
    pub fn judge(&self, args: &[u64; 6]) -> Option<Answer> {
        match self {
            Tree::Always(answer) => Some(*answer),
            Tree::Levels { nodes, levels } => judge(nodes, levels, 0, args),
        }
    }

    /// The same as branches, to be tried in order.
    ///
    /// # Errors
    /// [`BuildError::TooLong`] as soon as they are more than a filter can hold: levels are shared, so a tree of
    /// a few hundred rules can have more branches than fit into memory.
    pub fn branches(&self) -> Result<Vec<Branch>, BuildError> {
        match self {
            Tree::Always((action, _)) => Ok(vec![Branch { tests: Vec::new(), action: *action }]),
            Tree::Levels { nodes, levels } => {
                let mut flat = Flat { nodes, levels, branches: Vec::new(), room: MAX_INSTRUCTIONS };
                flat.level(0, &mut Vec::new())?;
                Ok(flat.branches)
            }
        }
    }
}

type Parts = (Vec<Node>, Vec<Vec<usize>>);

fn push(tree: &mut Parts, node: Node) -> usize {
    tree.0.push(node);
    tree.0.len() - 1
}

fn push_level(tree: &mut Parts, nodes: Vec<usize>) -> usize {
    tree.1.push(nodes);
    tree.1.len() - 1
}

/// How an operator is kept: the comparison, whether it is to be true, and its class in the order of a level.
fn kept(op: Operator) -> (Op, bool, u8) {
    match op {
        Operator::Equal | Operator::MaskedEqual => (Op::Equal, true, 3),
        Operator::NotEqual => (Op::Equal, false, 3),
        Operator::Less => (Op::GreaterOrEqual, false, 2),
        Operator::LessOrEqual => (Op::Greater, false, 2),
        Operator::GreaterOrEqual => (Op::GreaterOrEqual, true, 1),
        Operator::Greater => (Op::Greater, true, 1),
    }
}

fn node(condition: &Condition, high: bool, op: Op, class: u8, next: [Next; 2]) -> Node {
    let masked = condition.op == Operator::MaskedEqual;
    let (mask, full) =
        if masked { (condition.value, condition.value_two) } else { (u64::MAX, condition.value) };
    let half = |value: u64| if high { (value >> 32) as u32 } else { value as u32 };
    let (mask, value) = (half(mask), half(full) & half(mask));
    let word = if high { Word::High(condition.index) } else { Word::Low(condition.index) };
    let order = Order {
        word: condition.index * 2 + u8::from(high),
        class,
        value: if class == 2 { !value } else { value },
    };
    Node { key: Key { word, masked, op, mask, value }, order, full, next }
}

fn ways(holds: bool, next: Next) -> [Next; 2] {
    if holds { [Next::Beside, next] } else { [next, Next::Beside] }
}

/// A condition on a 32-bit argument: the upper half of the condition's value is not looked at.
fn level(tree: &mut Parts, condition: &Condition, next: Next) -> usize {
    let (op, holds, class) = kept(condition.op);
    let only = push(tree, node(condition, false, op, class, ways(holds, next)));
    push_level(tree, vec![only])
}

/// A condition on a 64-bit argument, by its halves.
fn wide_level(tree: &mut Parts, condition: &Condition, next: Next) -> usize {
    let (op, holds, class) = kept(condition.op);
    let low = push(tree, node(condition, false, op, class, ways(holds, next)));
    let below = Next::Level(push_level(tree, vec![low]));
    let first = if op == Op::Equal {
        // The low half matters where the high one is equal. For `!=` a difference there is enough.
        let otherwise = if holds { Next::Beside } else { next };
        push(tree, node(condition, true, Op::Equal, class, [otherwise, below]))
    } else {
        // A greater high half decides; an equal one leaves it to the low half; a smaller one decides too.
        let (greater, smaller) = if holds { (next, Next::Beside) } else { (Next::Beside, next) };
        let equal = push(tree, node(condition, true, Op::Equal, class, [smaller, below]));
        let equal = Next::Level(push_level(tree, vec![equal]));
        push(tree, node(condition, true, Op::Greater, class, [equal, greater]))
    };
    push_level(tree, vec![first])
}

/// Puts node `new`, with what hangs on it, into a level.
fn merge(nodes: &mut [Node], levels: &mut Vec<Vec<usize>>, level: usize, new: usize) -> Result<(), Refusal> {
    for position in 0..levels[level].len() {
        let old = levels[level][position];
        if old == new {
            return Ok(());
        }
        if nodes[old].key == nodes[new].key {
            return unite(nodes, levels, old, new);
        }
        if nodes[old].order < nodes[new].order {
            levels[level].insert(position, new);
            return Ok(());
        }
    }
    levels[level].push(new);
    Ok(())
}

/// Hangs the ways on of node `new` on node `old`, which makes the same comparison.
fn unite(nodes: &mut [Node], levels: &mut Vec<Vec<usize>>, old: usize, new: usize) -> Result<(), Refusal> {
    let leaf = |node: &Node| !node.next.iter().any(|next| matches!(next, Next::Level(_)));
    // First the answers, true before false, then the levels below.
    for side in [1, 0] {
        let Next::Act(answer) = nodes[new].next[side] else { continue };
        match nodes[old].next[side] {
            Next::Beside => nodes[old].next[side] = Next::Act(answer),
            Next::Level(below) => {
                if let Some(other) = differs(nodes, levels, below, answer.0, &mut BTreeSet::new()) {
                    return Err(Refusal::Conflict(other));
                }
                nodes[old].next[side] = Next::Act(answer);
            }
            Next::Act(other) if other.0 != answer.0 => {
                let high = matches!(nodes[new].key.word, Word::High(_));
                // Of two values of which both halves matter, the greater decides.
                if side == 1 && high && nodes[new].full > nodes[old].full {
                    nodes[old].next[side] = Next::Act(answer);
                }
                if leaf(&nodes[old]) || leaf(&nodes[new]) {
                    return Err(Refusal::Conflict(other.1));
                }
            }
            Next::Act(_) => {}
        }
    }
    for side in [1, 0] {
        let Next::Level(below) = nodes[new].next[side] else { continue };
        match nodes[old].next[side] {
            Next::Beside => nodes[old].next[side] = Next::Level(below),
            Next::Level(into) => {
                for index in levels[below].clone() {
                    merge(nodes, levels, into, index)?;
                    // A node stands in one level only. Whoever came to it by the level that it was made for
                    // now comes to this one, and to all that stands there.
                    if levels[into].contains(&index) {
                        redirect(nodes, below, into);
                    }
                }
            }
            // What is there is shorter, and stays; the rest of the new rule is not looked at.
            Next::Act(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Lets everything that leads to level `from` lead to level `to`.
fn redirect(nodes: &mut [Node], from: usize, to: usize) {
    for next in nodes.iter_mut().flat_map(|node| &mut node.next) {
        if *next == Next::Level(from) {
            *next = Next::Level(to);
        }
    }
}

/// A rule at or below a level whose answer is another than `action`. Levels are shared: those that were `seen`
/// are not walked again.
fn differs(
    nodes: &[Node],
    levels: &[Vec<usize>],
    level: usize,
    action: Action,
    seen: &mut BTreeSet<usize>,
) -> Option<Origin> {
    if !seen.insert(level) {
        return None;
    }
    levels[level].iter().flat_map(|index| nodes[*index].next).find_map(|next| match next {
        Next::Act((other, origin)) if other != action => Some(origin),
        Next::Level(below) => differs(nodes, levels, below, action, seen),
        _ => None,
    })
}

fn judge(nodes: &[Node], levels: &[Vec<usize>], level: usize, args: &[u64; 6]) -> Option<Answer> {
    levels[level].iter().find_map(|index| {
        let node = &nodes[*index];
        let holds = node.compare(true).holds(args);
        match node.next[usize::from(holds)] {
            Next::Beside => None,
            Next::Level(below) => judge(nodes, levels, below, args),
            Next::Act(answer) => Some(answer),
        }
    })
}

/// A tree on its way to branches.
struct Flat<'a> {
    nodes: &'a [Node],
    levels: &'a [Vec<usize>],
    branches: Vec<Branch>,
    /// How many instructions a filter can still hold. Every level ends in an answer somewhere, so what is
    /// walked is bounded by what is written.
    room: usize,
}

impl Flat<'_> {
    fn level(&mut self, level: usize, tests: &mut Vec<Compare>) -> Result<(), BuildError> {
        for index in &self.levels[level] {
            let node = &self.nodes[*index];
            for holds in [true, false] {
                tests.push(node.compare(holds));
                match node.next[usize::from(holds)] {
                    Next::Beside => {}
                    Next::Level(below) => self.level(below, tests)?,
                    Next::Act((action, _)) => {
                        let branch = Branch { tests: tests.clone(), action };
                        let room = self.room.checked_sub(branch.instructions());
                        self.room = room.ok_or(BuildError::TooLong)?;
                        self.branches.push(branch);
                    }
                }
                tests.pop();
            }
        }
        Ok(())
    }
}

impl Node {
    fn compare(&self, holds: bool) -> Compare {
        let Key { word, op, mask, value, .. } = self.key;
        Compare { word, mask, op, value, holds }
    }
}

#[cfg(test)]
mod tests;
