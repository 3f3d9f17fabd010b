//! What the parts of a program want of the filter, merged into one.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::bpf::{Action, Arch, BuildError, Filter, Insn};
use crate::tree::Tree;

/// A 32-bit word of the call that a want can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The low half of argument `0..=5`. The kernel takes an `int` argument from there.
    Arg(u8),
    /// The low half of the instruction pointer.
    InstructionPointer,
}

impl Field {
    /// The word's byte offset in `struct seccomp_data`.
    const fn offset(self) -> u32 {
        match self {
            Field::Arg(index) => 16 + 8 * index as u32,
            Field::InstructionPointer => 8,
        }
    }
}

/// One condition: `field & mask == value`, or its opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    field: Field,
    mask: u32,
    value: u32,
    equal: bool,
}

impl Test {
    /// The word equals `value`.
    #[must_use]
    pub const fn eq(field: Field, value: u32) -> Test {
        Test { field, mask: u32::MAX, value, equal: true }
    }

    /// The word's bits under `mask` equal `value`.
    #[must_use]
    pub const fn masked_eq(field: Field, mask: u32, value: u32) -> Test {
        Test { field, mask, value, equal: true }
    }

    /// The word's bits under `mask` differ from `value`.
    #[must_use]
    pub const fn masked_ne(field: Field, mask: u32, value: u32) -> Test {
        Test { field, mask, value, equal: false }
    }
}

/// What one part wants for one call.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// An answer that holds if all tests do.
    If(Vec<Test>, Action),
    /// The tree's answer, if it has one.
    Tree(Arc<Tree>),
}

/// Wants of all parts, by architecture and number.
///
/// Of several wants for one call whose tests hold, the one that was added first decides. A want for a range of
/// numbers decides where none for the number does. What nobody wants is allowed; so is a call of an
/// architecture that this crate does not know, unless [`Wants::unknown_arch`] says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    calls: BTreeMap<(Arch, u32), Vec<Rule>>,
    ranges: Vec<(Arch, RangeInclusive<u32>, Action)>,
    unknown: Option<Action>,
}

impl Wants {
    /// No wants yet.
    #[must_use]
    pub fn new() -> Wants {
        Wants::default()
    }

    /// Wants `action` for every call `nr` of `arch`.
    pub fn add(&mut self, arch: Arch, nr: u32, action: Action) {
        self.add_if(arch, nr, &[], action);
    }

    /// Wants `action` for call `nr` of `arch` where all `tests` hold.
    pub fn add_if(&mut self, arch: Arch, nr: u32, tests: &[Test], action: Action) {
        self.calls.entry((arch, nr)).or_default().push(Rule::If(tests.to_vec(), action));
    }

    /// Wants what `tree` answers for call `nr` of `arch`.
    pub fn add_tree(&mut self, arch: Arch, nr: u32, tree: &Arc<Tree>) {
        self.calls.entry((arch, nr)).or_default().push(Rule::Tree(Arc::clone(tree)));
    }

    /// Wants `action` for each number in `range` of which no other want decides, such as those of x32. Of two
    /// ranges with the same number the one that was added first decides.
    pub fn add_range(&mut self, arch: Arch, range: RangeInclusive<u32>, action: Action) {
        self.ranges.push((arch, range, action));
    }

    /// Wants `action` for every call of an architecture that is not one of [`Arch::ALL`]. The first who says so
    /// is heard.
    pub fn unknown_arch(&mut self, action: Action) {
        self.unknown.get_or_insert(action);
    }

    /// Whether nobody wants anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.ranges.is_empty() && self.unknown.is_none()
    }

    /// The answer of the ranges for a number.
    fn of_ranges(&self, arch: Arch, nr: u32) -> Action {
        let ranges = self.ranges.iter().filter(|(of, range, _)| *of == arch && range.contains(&nr));
        ranges.map(|(_, _, action)| *action).next().unwrap_or(Action::Allow)
    }

    /// Where a search for a number of `arch` can end.
    fn leaves(&self, arch: Arch) -> BTreeMap<u32, Leaf<'_>> {
        let calls = self.calls.iter().filter(|((of, _), _)| *of == arch);
        let mut firsts: Vec<u32> = calls.clone().map(|((_, nr), _)| *nr).collect();
        let ranges = self.ranges.iter().filter(|(of, ..)| *of == arch);
        for range in ranges.map(|(_, range, _)| range).filter(|range| !range.is_empty()) {
            firsts.push(*range.start());
            firsts.extend(range.end().checked_add(1));
        }
        // A search ends at the first leaf for all numbers below it as well.
        if firsts.iter().min().is_some_and(|nr| self.of_ranges(arch, *nr) != Action::Allow) {
            firsts.push(0);
        }
        let leaf = |nr| Leaf { rules: self.calls.get(&(arch, nr)), otherwise: self.of_ranges(arch, nr) };
        firsts.into_iter().map(|nr| (nr, leaf(nr))).collect()
    }

    /// One filter for all wants. Numbers are found by a binary search, so that a call that nobody wants
    /// passes in few instructions.
    ///
    /// # Errors
    /// [`BuildError::Length`], if it would be longer than the kernel takes.
    pub fn compile(&self) -> Result<Filter, BuildError> {
        let mut code = vec![Insn::load(4)];
        for arch in Arch::ALL {
            let leaves: Vec<_> = self.leaves(arch).into_iter().collect();
            let mut block = Vec::new();
            if leaves.is_empty() {
                // Nothing is wanted of it; that it is known makes a difference.
                if self.unknown.is_none() {
                    continue;
                }
                block.push(Insn::ret(Action::Allow));
            } else {
                block.push(Insn::load(0));
                search(&leaves, &mut block);
            }
            code.push(Insn::jump_eq(arch.audit(), 1, 0));
            code.push(Insn::jump(block.len() as u32));
            code.append(&mut block);
        }
        code.push(Insn::ret(self.unknown.unwrap_or(Action::Allow)));
        Filter::new(code)
    }
}

/// What is done with a number, and with those that follow it up to the next leaf.
struct Leaf<'a> {
    /// Wants for this number alone.
    rules: Option<&'a Vec<Rule>>,
    /// The answer where none decides, and for the numbers that follow.
    otherwise: Action,
}

/// Appends a binary search for the number in the accumulator; each leaf ends in an answer.
fn search(leaves: &[(u32, Leaf<'_>)], code: &mut Vec<Insn>) {
    if let [(nr, Leaf { rules, otherwise })] = leaves {
        if let Some(rules) = rules {
            // What follows an unconditional rule is never reached; without one, the call is allowed.
            code.push(Insn::jump_eq(*nr, 1, 0));
            code.push(Insn::ret(*otherwise));
            for rule in *rules {
                match rule {
                    Rule::If(tests, action) => judge(tests, *action, code),
                    Rule::Tree(tree) => tree.emit(code),
                }
            }
        }
        code.push(Insn::ret(*otherwise));
        return;
    }
    let (low, high) = leaves.split_at(leaves.len() / 2);
    let mut below = Vec::new();
    search(low, &mut below);
    code.push(Insn::jump_ge(high[0].0, 0, 1));
    code.push(Insn::jump(below.len() as u32));
    code.append(&mut below);
    search(high, code);
}

/// Appends one rule: falls through to what follows where a test fails.
fn judge(tests: &[Test], action: Action, code: &mut Vec<Insn>) {
    let mut body = vec![Insn::ret(action)];
    for test in tests.iter().rev() {
        let mut head = vec![Insn::load(test.field.offset())];
        if test.mask != u32::MAX {
            head.push(Insn::and(test.mask));
        }
        // A long jump, so that the length of a rule has no limit of 255.
        let (jt, jf) = if test.equal { (1, 0) } else { (0, 1) };
        head.push(Insn::jump_eq(test.value, jt, jf));
        head.push(Insn::jump(body.len() as u32));
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
    fn an_unknown_architecture_is_allowed() {
        let mut wants = Wants::new();
        wants.add(Arch::I386, 102, Action::KillProcess);
        let filter = wants.compile().unwrap();
        assert_eq!(filter.interpret(&Data { arch: 0x1234, nr: 102, ..Data::default() }), Action::Allow);
    }

    #[test]
    fn only_the_low_half_of_an_argument_counts() {
        let mut wants = Wants::new();
        wants.add_if(Arch::X86_64, 41, &[Test::eq(Field::Arg(0), 38)], Action::Errno(1));
        let filter = wants.compile().unwrap();
        assert_eq!(
            filter.interpret(&data(Arch::X86_64, 41, [1 << 32 | 38, 0, 0, 0, 0, 0])),
            Action::Errno(1)
        );
    }

    /// The meaning of wants without any BPF.
    fn directly(wants: &Wants, data: &Data) -> Action {
        let word = |field| match field {
            Field::Arg(index) => data.args[usize::from(index)] as u32,
            Field::InstructionPointer => data.instruction_pointer as u32,
        };
        let holds = |test: &Test| (word(test.field) & test.mask == test.value) == test.equal;
        let Some(arch) = Arch::ALL.into_iter().find(|arch| arch.audit() == data.arch) else {
            return wants.unknown.unwrap_or(Action::Allow);
        };
        let rules = wants.calls.get(&(arch, data.nr)).into_iter().flatten();
        let mut answers = rules.filter_map(|rule| match rule {
            Rule::If(tests, action) => tests.iter().all(holds).then_some(*action),
            Rule::Tree(tree) => tree.decide(&data.args),
        });
        let of_range = || {
            let in_range = |(of, range, _): &&(Arch, RangeInclusive<u32>, Action)| {
                *of == arch && range.contains(&data.nr)
            };
            wants.ranges.iter().find(in_range).map_or(Action::Allow, |(_, _, action)| *action)
        };
        answers.next().unwrap_or_else(of_range)
    }

    fn tests() -> impl Strategy<Value = Vec<Test>> {
        let field = prop_oneof![(0u8..6).prop_map(Field::Arg), Just(Field::InstructionPointer)];
        let mask = prop_oneof![Just(u32::MAX), Just(1), Just(3), Just(0)];
        let test = (field, mask, 0u32..4, any::<bool>()).prop_map(|(field, mask, value, equal)| Test {
            field,
            mask,
            value,
            equal,
        });
        proptest::collection::vec(test, 0..4)
    }

    /// Numbers, those of calls and those at the ends of what a number can be.
    fn edge() -> impl Strategy<Value = u32> {
        prop_oneof![4 => 0u32..11, 1 => Just(u32::MAX), 1 => Just(u32::MAX - 1), 1 => Just(1 << 30)]
    }

    /// x32's numbers are x86-64's with bit 30 set; a tracer sets -1 to skip a call.
    #[test]
    fn a_range_is_for_what_no_other_want_decides() {
        let mut wants = Wants::new();
        wants.add(Arch::X86_64, 41, Action::Errno(1));
        wants.add(Arch::X86_64, 1 << 30 | 41, Action::Errno(2));
        wants.add_range(Arch::X86_64, 1 << 30..=u32::MAX - 1, Action::Errno(38));
        let filter = wants.compile().unwrap();
        let ask = |nr| filter.interpret(&data(Arch::X86_64, nr, [0; 6]));
        assert_eq!(ask(41), Action::Errno(1));
        assert_eq!(ask(1 << 30 | 41), Action::Errno(2));
        assert_eq!(ask(1 << 30 | 42), Action::Errno(38));
        assert_eq!([ask(42), ask(u32::MAX)], [Action::Allow; 2]);
    }

    proptest! {
        #[test]
        fn the_filter_means_what_the_wants_say(
            wanted in proptest::collection::vec((any::<bool>(), 0u32..9, tests(), 1u16..9), 0..40),
            ranges in proptest::collection::vec((any::<bool>(), edge(), edge(), 10u16..14), 0..4),
            unknown in proptest::option::of(Just(Action::Errno(20))),
            calls in proptest::collection::vec((any::<bool>(), edge(), any::<[u8; 6]>(), any::<u8>()), 20),
        ) {
            let arch = |i386| if i386 { Arch::I386 } else { Arch::X86_64 };
            let mut wants = Wants::new();
            for (i386, nr, tests, errno) in &wanted {
                wants.add_if(arch(*i386), *nr, tests, Action::Errno(*errno));
            }
            for (i386, first, last, errno) in ranges {
                wants.add_range(arch(i386), first..=last, Action::Errno(errno));
            }
            if let Some(action) = unknown {
                wants.unknown_arch(action);
            }
            let filter = wants.compile().unwrap();
            let strange = Data { arch: 7, nr: 1, ..Data::default() };
            prop_assert_eq!(filter.interpret(&strange), unknown.unwrap_or(Action::Allow));
            for (i386, nr, args, ip) in calls {
                let args = args.map(|byte| u64::from(byte & 3) | u64::from(byte) << 32);
                let mut data = data(arch(i386), nr, args);
                data.instruction_pointer = (ip & 3).into();
                prop_assert_eq!(filter.interpret(&data), directly(&wants, &data));
            }
        }
    }
}
