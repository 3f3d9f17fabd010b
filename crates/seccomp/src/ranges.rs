//! Filters that are given as a whole: an answer for every number of every architecture.
//!
//! [`Wants`](crate::Wants) is what the parts of a program ask of a filter that otherwise allows. This is the
//! other kind: a profile that says something about every number, mostly the same for long ranges of them, and
//! about unknown architectures. Arguments have 64 bits, so both halves can be looked at, in any order of
//! comparison.

use std::collections::BTreeMap;

use crate::bpf::{Action, Arch, BuildError, Filter, Insn};

/// Half of an argument register `0..=5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Word {
    /// Bits 0 to 31.
    Low(u8),
    /// Bits 32 to 63; 0 in a call of a 32-bit architecture.
    High(u8),
}

impl Word {
    /// The word's byte offset in `struct seccomp_data`.
    pub(crate) const fn offset(self) -> u32 {
        match self {
            Word::Low(index) => 16 + 8 * index as u32,
            Word::High(index) => 20 + 8 * index as u32,
        }
    }

    /// The word's value in a call's arguments.
    #[must_use]
    pub const fn of(self, args: &[u64; 6]) -> u32 {
        match self {
            Word::Low(index) => args[index as usize] as u32,
            Word::High(index) => (args[index as usize] >> 32) as u32,
        }
    }
}

/// How a word is compared (unsigned).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// `word & mask == value`
    Equal,
    /// `word & mask > value`
    Greater,
    /// `word & mask >= value`
    GreaterOrEqual,
}

/// A comparison, and whether it is to be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Compare {
    /// The word.
    pub word: Word,
    /// The bits that count.
    pub mask: u32,
    /// How.
    pub op: Op,
    /// With what.
    pub value: u32,
    /// The result that is asked for.
    pub holds: bool,
}

impl Compare {
    /// Whether the comparison has the wanted result for these arguments.
    #[must_use]
    pub const fn holds(&self, args: &[u64; 6]) -> bool {
        let word = self.word.of(args) & self.mask;
        let result = match self.op {
            Op::Equal => word == self.value,
            Op::Greater => word > self.value,
            Op::GreaterOrEqual => word >= self.value,
        };
        result == self.holds
    }

    /// How many instructions it takes.
    const fn instructions(&self) -> usize {
        if self.mask == u32::MAX { 3 } else { 4 }
    }
}

/// An answer where all tests hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The tests; none always holds.
    pub tests: Vec<Compare>,
    /// The answer.
    pub action: Action,
}

impl Branch {
    /// How many instructions it takes: each test loads, compares and jumps, and then there is the answer.
    #[must_use]
    pub fn instructions(&self) -> usize {
        self.tests.iter().map(Compare::instructions).sum::<usize>() + 1
    }
}

/// What is answered for the numbers from one on, up to where the next range begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Tried in order; the first whose tests hold decides.
    pub branches: Vec<Branch>,
    /// The answer where none does.
    pub otherwise: Action,
}

impl Range {
    /// The same answer whatever the arguments are.
    #[must_use]
    pub const fn always(action: Action) -> Range {
        Range { branches: Vec::new(), otherwise: action }
    }
}

/// A filter by architecture and range of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    arches: BTreeMap<Arch, BTreeMap<u32, Range>>,
    otherwise: Action,
}

impl Ranges {
    /// `otherwise` is the answer for architectures of which nothing is said.
    #[must_use]
    pub const fn new(otherwise: Action) -> Ranges {
        Ranges { arches: BTreeMap::new(), otherwise }
    }

    /// From number `first` on, and up to the next number of which something is said, `range` decides.
    /// Numbers below the architecture's first range get `otherwise`.
    pub fn set(&mut self, arch: Arch, first: u32, range: Range) {
        self.arches.entry(arch).or_default().insert(first, range);
    }

    /// The program. Neighbours that say the same become one, and a range is found by a binary search.
    ///
    /// # Errors
    /// [`BuildError::Length`], if it would be longer than the kernel takes.
    pub fn compile(&self) -> Result<Filter, BuildError> {
        let below = Range::always(self.otherwise);
        let mut code = vec![Insn::load(4)];
        for (arch, ranges) in &self.arches {
            let mut leaves: Vec<(u32, &Range)> = vec![(0, &below)];
            for (first, range) in ranges {
                if *first == 0 {
                    leaves.clear();
                }
                if leaves.last().is_none_or(|(_, last)| *last != range) {
                    leaves.push((*first, range));
                }
            }
            let mut block = vec![Insn::load(0)];
            search(&leaves, &mut block);
            code.push(Insn::jump_eq(arch.audit(), 1, 0));
            code.push(Insn::jump(block.len() as u32));
            code.append(&mut block);
        }
        code.push(Insn::ret(self.otherwise));
        Filter::new(code)
    }
}

/// Appends a binary search for the number in the accumulator; each leaf ends in an answer.
fn search(leaves: &[(u32, &Range)], code: &mut Vec<Insn>) {
    if let [(_, range)] = leaves {
        for branch in &range.branches {
            judge(branch, code);
        }
        code.push(Insn::ret(range.otherwise));
        return;
    }
    let (low, high) = leaves.split_at(leaves.len() / 2);
    let mut below = Vec::new();
    search(low, &mut below);
    match u8::try_from(below.len()) {
        Ok(skip) => code.push(Insn::jump_ge(high[0].0, skip, 0)),
        Err(_) => code.extend([Insn::jump_ge(high[0].0, 0, 1), Insn::jump(below.len() as u32)]),
    }
    code.append(&mut below);
    search(high, code);
}

/// Appends one branch: falls through to what follows where a test fails.
fn judge(branch: &Branch, code: &mut Vec<Insn>) {
    let mut body = vec![Insn::ret(branch.action)];
    for test in branch.tests.iter().rev() {
        let mut head = vec![Insn::load(test.word.offset())];
        if test.mask != u32::MAX {
            head.push(Insn::and(test.mask));
        }
        let jump = match test.op {
            Op::Equal => Insn::jump_eq,
            Op::Greater => Insn::jump_gt,
            Op::GreaterOrEqual => Insn::jump_ge,
        };
        // A long jump, so that the length of a branch has no limit of 255.
        let (jt, jf) = if test.holds { (1, 0) } else { (0, 1) };
        head.extend([jump(test.value, jt, jf), Insn::jump(body.len() as u32)]);
        head.append(&mut body);
        body = head;
    }
    code.append(&mut body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::Data;
    use proptest::prelude::*;

    fn data(arch: Arch, nr: u32, args: [u64; 6]) -> Data {
        Data { arch: arch.audit(), nr, args, ..Data::default() }
    }

    #[test]
    fn both_halves_of_an_argument_are_compared() {
        let test = |word, op, value, holds| Compare { word, mask: u32::MAX, op, value, holds };
        let mut ranges = Ranges::new(Action::KillThread);
        let tests = vec![
            test(Word::High(0), Op::Equal, 0, true),
            test(Word::Low(0), Op::Greater, 40, true),
            test(Word::Low(0), Op::GreaterOrEqual, 45, false),
        ];
        let branches = vec![Branch { tests, action: Action::Allow }];
        ranges.set(Arch::X86_64, 41, Range { branches, otherwise: Action::Errno(1) });
        ranges.set(Arch::X86_64, 42, Range::always(Action::Errno(38)));
        let filter = ranges.compile().unwrap();
        let ask = |nr, value| filter.interpret(&data(Arch::X86_64, nr, [value, 0, 0, 0, 0, 0]));
        let expected = [(40, false), (41, true), (44, true), (45, false), (41 | 1 << 32, false)];
        for (value, allowed) in expected {
            let answer = if allowed { Action::Allow } else { Action::Errno(1) };
            assert_eq!(ask(41, value), answer, "{value:#x}");
        }
        assert_eq!(ask(40, 41), Action::KillThread, "below the first range");
        assert_eq!(ask(u32::MAX, 41), Action::Errno(38), "the last range has no end");
        assert_eq!(filter.interpret(&data(Arch::I386, 41, [41; 6])), Action::KillThread);
    }

    #[test]
    fn a_branch_takes_as_many_instructions_as_it_says() {
        for mask in [u32::MAX, 7] {
            let test = Compare { word: Word::Low(0), mask, op: Op::Equal, value: 1, holds: true };
            let branch = Branch { tests: vec![test; 3], action: Action::Allow };
            let mut code = Vec::new();
            judge(&branch, &mut code);
            assert_eq!(branch.instructions(), code.len());
        }
    }

    #[test]
    fn neighbours_that_say_the_same_are_one() {
        let mut ranges = Ranges::new(Action::Allow);
        for nr in 0..500 {
            ranges.set(Arch::I386, nr, Range::always(Action::Errno(1)));
        }
        // Load and compare the architecture, skip the block or load the number, two answers.
        assert_eq!(ranges.compile().unwrap().instructions().len(), 6);
    }

    fn compare() -> impl Strategy<Value = Compare> {
        let word =
            (0u8..6, any::<bool>()).prop_map(|(i, high)| if high { Word::High(i) } else { Word::Low(i) });
        let mask = prop_oneof![Just(u32::MAX), Just(1), Just(3), Just(0)];
        let op = prop_oneof![Just(Op::Equal), Just(Op::Greater), Just(Op::GreaterOrEqual)];
        (word, mask, op, 0u32..4, any::<bool>()).prop_map(|(word, mask, op, value, holds)| Compare {
            word,
            mask,
            op,
            value,
            holds,
        })
    }

    fn branch() -> impl Strategy<Value = Branch> {
        (proptest::collection::vec(compare(), 0..4), 1u16..9)
            .prop_map(|(tests, errno)| Branch { tests, action: Action::Errno(errno) })
    }

    proptest! {
        #[test]
        fn the_filter_means_what_the_ranges_say(
            given in proptest::collection::vec(
                (any::<bool>(), 0u32..50, proptest::collection::vec(branch(), 0..4), 10u16..12), 0..60),
            calls in proptest::collection::vec((any::<bool>(), 0u32..60, any::<[u8; 6]>()), 20),
        ) {
            let arch = |i386| if i386 { Arch::I386 } else { Arch::X86_64 };
            let mut ranges = Ranges::new(Action::KillThread);
            for (i386, first, branches, errno) in given {
                ranges.set(arch(i386), first, Range { branches, otherwise: Action::Errno(errno) });
            }
            let filter = ranges.compile().unwrap();
            for (i386, nr, args) in calls {
                let args = args.map(|byte| u64::from(byte & 3) | u64::from(byte >> 6) << 32);
                let range = ranges.arches.get(&arch(i386)).and_then(|all| all.range(..=nr).next_back());
                let meant = range.map_or(Action::KillThread, |(_, range)| {
                    let holds = |branch: &&Branch| branch.tests.iter().all(|test| test.holds(&args));
                    range.branches.iter().find(holds).map_or(range.otherwise, |branch| branch.action)
                });
                prop_assert_eq!(filter.interpret(&data(arch(i386), nr, args)), meant);
            }
        }
    }
}
