//! The stub against [`abi::demux`], on random registers and memory.

use std::collections::BTreeMap;

use abi::{Call, Direct, Errno, SOCKETCALL_I386, i386};
use proptest::prelude::*;
use stub::Variant;

use crate::case::{Asked, BASE, Case, ENOSYS, HEAP, PLACED, Program, STACK, STACK_SIZE, case};
use crate::kernel_like::COUNTERS;
use crate::machine::*;

/// How many cases are tried.
const CASES: u32 = 3000;

/// What has to come of a call: the calls that are made, the result, the words of memory that changed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    calls: Vec<(u32, [u32; 6])>,
    result: u32,
    written: Vec<(u32, u32)>,
    timeouts: Vec<[u32; 4]>,
}

impl Case {
    fn expected(&self) -> Expected {
        let before = self.machine();
        let args = ARGUMENTS.map(|register| before.registers[register]);
        if self.number != SOCKETCALL_I386 {
            return Expected {
                calls: vec![(self.number, args)],
                result: self.results[0],
                ..Expected::default()
            };
        }
        match abi::demux(self.call.cast_signed(), self.array, &Program(&before)) {
            Err(errno) => Expected { result: errno.to_eax(), ..Expected::default() },
            Ok(direct) if direct.call == Call::Recvmmsg && self.results[0] == ENOSYS => {
                self.with_newer_timeout(&before, direct)
            }
            Ok(Direct { number, args, .. }) => {
                Expected { calls: vec![(number, args)], result: self.results[0], ..Expected::default() }
            }
        }
    }

    /// The kernel has no 32-bit time: the newer call takes the place of recvmmsg's.
    fn with_newer_timeout(&self, before: &Machine, direct: Direct) -> Expected {
        let first = (direct.number, direct.args);
        let mut second = (i386::RECVMMSG_TIME64, direct.args);
        let at = direct.args[4];
        if at == 0 {
            return Expected { calls: vec![first, second], result: self.results[1], ..Expected::default() };
        }
        let fault = Errno::EFAULT.to_eax();
        let (Some(seconds), Some(nanoseconds)) = (before.word(at), before.word(at.wrapping_add(4))) else {
            return Expected { calls: vec![first], result: fault, ..Expected::default() };
        };
        let sign = (seconds.cast_signed() >> 31).cast_unsigned();
        let timeouts = vec![[seconds, sign, nanoseconds, 0]];
        second.1[4] = 0; // its place on the stack, which is looked at by itself
        let (mut result, mut written) = (self.results[1], vec![]);
        if result.cast_signed() > 0 {
            match before.clone().write(at, &[0; 8]) {
                Ok(()) => written = vec![(at, self.rest[0]), (at + 4, self.rest[2])],
                Err(Missing) => result = fault,
            }
        }
        Expected { calls: vec![first, second], result, written, timeouts }
    }
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let before = case.machine();
    let expected = case.expected();
    let (after, mut asked) = case.make();

    // recvmmsg's converted timeout is somewhere on the stack.
    if let Some((_, args)) = asked.calls.get_mut(1)
        && !asked.timeouts.is_empty()
    {
        prop_assert!(args[4] < before.registers[ESP] && args[4] > before.registers[ESP] - stub::STACK);
        args[4] = 0;
    }
    prop_assert_eq!(&asked.calls, &expected.calls);
    prop_assert_eq!(&asked.timeouts, &expected.timeouts);
    prop_assert_eq!(after.registers[EAX], expected.result);
    for register in 1..8 {
        prop_assert_eq!(after.registers[register], before.registers[register], "register {}", register);
    }
    if case.trapped {
        prop_assert_eq!(after.flags, before.flags, "a trap keeps the flags");
    }
    memory_is_touched_as_linux_does(case, &before, &after, &asked, &expected)
}

/// Each word of the array is read once, nothing else is, and nothing is written but below the stack pointer.
fn memory_is_touched_as_linux_does(
    case: &Case,
    before: &Machine,
    after: &Machine,
    asked: &Asked,
    expected: &Expected,
) -> Result<(), TestCaseError> {
    let sp = before.registers[ESP];
    let own_stack = sp - stub::STACK..sp;
    prop_assert!(!case.trapped || asked.deepest >= own_stack.start, "{} bytes of stack", sp - asked.deepest);
    let image = BASE..BASE + case.placed().bytes.len() as u32;
    let call = Call::from_number(case.call.cast_signed()).filter(|_| case.number == SOCKETCALL_I386);
    let words = call.map_or(0, |call| call.words() as u32);
    let mut reads = BTreeMap::new();
    let mut written = vec![];
    let mut counted = vec![];
    for &(at, size, write) in &after.accesses {
        if own_stack.contains(&at) || (!write && image.contains(&at)) {
            prop_assert!(!write || at + 4 <= sp, "a word across the stack pointer");
        } else if (COUNTERS..COUNTERS + 8).contains(&at) {
            counted.push((at - COUNTERS) / 4);
        } else if write {
            written.push((at, after.word(at).expect("what was written")));
        } else {
            prop_assert_eq!(size, 4);
            *reads.entry(at).or_insert(0) += 1;
        }
    }
    prop_assert_eq!(&written, &expected.written);

    let array: Vec<u32> = (0..words).map(|n| case.array.wrapping_add(4 * n)).collect();
    if expected.calls.is_empty() {
        prop_assert!(reads.iter().all(|(at, times)| array.contains(at) && *times == 1), "{:x?}", reads);
        prop_assert!(call.is_some() || reads.is_empty(), "a call that is none is refused first");
    } else {
        let timeout = expected.calls[0].1[4];
        let converted = call == Some(Call::Recvmmsg) && case.results[0] == ENOSYS && timeout != 0;
        let readable = converted && before.look(timeout, 8).is_some();
        let of_timeout = if readable { vec![timeout, timeout + 4] } else { vec![] };
        let mut once = BTreeMap::new();
        for at in array.into_iter().chain(of_timeout) {
            *once.entry(at).or_insert(0) += 1;
        }
        prop_assert_eq!(reads, once);
    }
    // A probe asks for bytes of the array only, and only where it is not just above the stack pointer.
    prop_assert!(call.is_some() || asked.probes.is_empty());
    for probe in &asked.probes {
        // The page at 0 is probed from 1: a null set would not be looked at.
        let inside = probe.wrapping_sub(case.array) <= 4 * words - 8 || case.array == 0;
        prop_assert!(inside, "{:#x} of {:#x}", probe, case.array);
    }
    prop_assert!(asked.probes.len() <= 2);
    // Without a tracer only what is in the stack pointer's own page is known to be readable.
    let page_end = (sp - 16) | 4095;
    let near = match case.placed().variant {
        Variant::Handling => (sp..page_end.saturating_sub(24)).contains(&case.array),
        _ => case.array.wrapping_sub(sp) < 4096,
    };
    prop_assert!(!near || asked.probes.is_empty(), "glibc's calls cost no probe");

    let direct =
        |number| number == i386::RECVMMSG_TIME64 || Call::ALL.iter().any(|call| call.direct_i386() == number);
    let counter = match case.placed().variant {
        Variant::Counting if case.number == SOCKETCALL_I386 && !case.trapped => vec![0],
        Variant::Counting if !case.trapped && direct(case.number) => vec![1],
        _ => vec![],
    };
    // `lock inc` reads and writes.
    prop_assert_eq!(counted, counter.iter().flat_map(|of| [*of, *of]).collect::<Vec<_>>());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_stub_is_the_multiplexer(case in case()) {
        check(&case)?;
    }
}

/// The proof that the test above looks at what it says: each of these comes up among its cases.
#[test]
fn the_cases_cover_what_they_are_for() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..CASES {
        let case = case().new_tree(&mut runner).expect("a case").current();
        let expected = case.expected();
        let multiplexed = case.number == SOCKETCALL_I386;
        let error = expected.result.cast_signed();
        let (_, asked) = case.make();
        for (what, holds) in [
            ("passed on", !multiplexed),
            ("EINVAL", multiplexed && expected.calls.is_empty() && error == -22),
            ("EFAULT", multiplexed && expected.calls.is_empty() && error == -14),
            ("taken apart, near", multiplexed && expected.calls.len() == 1 && asked.probes.is_empty()),
            ("taken apart, probed", multiplexed && expected.calls.len() == 1 && asked.probes.len() == 2),
            ("EFAULT without a probe", multiplexed && error == -14 && asked.probes.is_empty()),
            ("EFAULT of the second probe", multiplexed && error == -14 && asked.probes.len() == 2),
            ("trapped", case.trapped && expected.calls.len() == 1),
            ("recvmmsg without 32-bit time", expected.timeouts.len() == 1 && expected.written.len() == 2),
            (
                "a timeout that can't be read",
                expected.calls.len() == 1
                    && multiplexed
                    && case.results[0].cast_signed() == -38
                    && error == -14,
            ),
            (
                "a timeout that can't be written",
                expected.timeouts.len() == 1 && error == -14 && case.results[1].cast_signed() > 0,
            ),
            ("six words", multiplexed && [11, 12].contains(&case.call) && expected.calls.len() == 1),
        ] {
            *seen.entry(what).or_default() += u32::from(holds);
        }
    }
    assert!(seen.values().all(|times| *times >= 5), "{seen:?}");
}

/// Every call by every variant once, with words that tell their places.
#[test]
fn every_call_gets_its_words_in_their_places() {
    for (placed, call) in (0..PLACED.len()).flat_map(|placed| Call::ALL.map(|call| (placed, call))) {
        for (trapped, array) in [(false, STACK + STACK_SIZE - 100), (true, HEAP + 100)] {
            let case = Case {
                placed,
                trapped,
                number: SOCKETCALL_I386,
                call: call.number().cast_unsigned(),
                array,
                words: [11, 22, 33, 44, 0, 66],
                above: 400,
                others: [0xaaaa_aaaa; 8],
                flags: 0,
                results: [7, 8],
                timeout: [0; 2],
                rest: [0; 4],
            };
            let (_, asked) = case.make();
            let mut args = [11, 22, 33, 44, 0, 66];
            args[call.words()..].fill(0);
            assert_eq!(asked.calls, [(call.direct_i386(), args)], "{} {trapped}", call.name());
        }
    }
}
