//! What the parts of a program want of the filter, merged into one.

use std::collections::BTreeMap;

use crate::bpf::{Action, Arch, BuildError, Filter, Insn};

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

/// An answer that holds if all tests do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    tests: Vec<Test>,
    action: Action,
}

/// Wants of all parts, by architecture and number.
///
/// Of several wants for one call whose tests hold, the one that was added first decides. What nobody
/// wants is allowed; so is a call of an architecture that nobody named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    calls: BTreeMap<(Arch, u32), Vec<Rule>>,
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
        let rule = Rule { tests: tests.to_vec(), action };
        self.calls.entry((arch, nr)).or_default().push(rule);
    }

    /// Whether nobody wants anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// One filter for all wants. Numbers are found by a binary search, so that a call that nobody wants
    /// passes in few instructions.
    ///
    /// # Errors
    /// [`BuildError::Length`], if it would be longer than the kernel takes.
    pub fn compile(&self) -> Result<Filter, BuildError> {
        let mut code = vec![Insn::load(4)];
        for arch in Arch::ALL {
            let calls: Vec<_> = self
                .calls
                .iter()
                .filter(|((a, _), _)| *a == arch)
                .map(|((_, nr), rules)| (*nr, rules))
                .collect();
            if calls.is_empty() {
                continue;
            }
            let mut block = vec![Insn::load(0)];
            search(&calls, &mut block);
            code.push(Insn::jump_eq(arch.audit(), 1, 0));
            code.push(Insn::jump(block.len() as u32));
            code.append(&mut block);
        }
        code.push(Insn::ret(Action::Allow));
        Filter::new(code)
    }
}

/// Appends a binary search for the number in the accumulator; each leaf ends in an answer.
fn search(calls: &[(u32, &Vec<Rule>)], code: &mut Vec<Insn>) {
    if let [(nr, rules)] = calls {
        let mut leaf = Vec::new();
        for rule in *rules {
            judge(rule, &mut leaf);
        }
        // What follows an unconditional rule is never reached; without one, the call is allowed.
        code.push(Insn::jump_eq(*nr, 1, 0));
        code.push(Insn::ret(Action::Allow));
        code.append(&mut leaf);
        code.push(Insn::ret(Action::Allow));
        return;
    }
    let (low, high) = calls.split_at(calls.len() / 2);
    let mut below = Vec::new();
    search(low, &mut below);
    code.push(Insn::jump_ge(high[0].0, 0, 1));
    code.push(Insn::jump(below.len() as u32));
    code.append(&mut below);
    search(high, code);
}

/// Appends one rule: falls through to what follows where a test fails.
fn judge(rule: &Rule, code: &mut Vec<Insn>) {
    let mut body = vec![Insn::ret(rule.action)];
    for test in rule.tests.iter().rev() {
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
        wants
            .calls
            .iter()
            .filter(|((arch, nr), _)| arch.audit() == data.arch && *nr == data.nr)
            .flat_map(|(_, rules)| rules)
            .find(|rule| rule.tests.iter().all(holds))
            .map_or(Action::Allow, |rule| rule.action)
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

    proptest! {
        #[test]
        fn the_filter_means_what_the_wants_say(
            wanted in proptest::collection::vec((any::<bool>(), 0u32..9, tests(), 1u16..9), 0..40),
            calls in proptest::collection::vec((any::<bool>(), 0u32..10, any::<[u8; 6]>(), any::<u8>()), 20),
        ) {
            let arch = |i386| if i386 { Arch::I386 } else { Arch::X86_64 };
            let mut wants = Wants::new();
            for (i386, nr, tests, errno) in &wanted {
                wants.add_if(arch(*i386), *nr, tests, Action::Errno(*errno));
            }
            let filter = wants.compile().unwrap();
            for (i386, nr, args, ip) in calls {
                let args = args.map(|byte| u64::from(byte & 3) | u64::from(byte) << 32);
                let mut data = data(arch(i386), nr, args);
                data.instruction_pointer = (ip & 3).into();
                prop_assert_eq!(filter.interpret(&data), directly(&wants, &data));
            }
        }
    }
}
