//! What holds for every profile, also for those that nobody would write.

#[path = "libseccomp/rules.rs"]
mod rules;

use profile::{Abi, Cause, Family, Kernel, Machine, Profile, Report, Runtime, Target, fix};
use proptest::prelude::*;
use seccomp::Data;

use rules::{ARCHES, NAMES, json, rule, runner};

fn target(runtime: Runtime, machine: Machine) -> Target {
    Target { runtime, machine, ..Target::new(Kernel { major: 6, minor: 12 }) }
}

/// Numbers that the rules are about, those beside them, and those where kinds of calls begin.
fn numbers() -> Vec<u32> {
    let of_calls = Abi::ALL.into_iter().flat_map(|abi| NAMES.iter().filter_map(move |name| abi.number(name)));
    let mut numbers: Vec<u32> = of_calls.chain([102, 117, 0x4000_0000, 0x8000_0000, 0xc000_0000]).collect();
    numbers.extend(numbers.clone().into_iter().flat_map(|number| [number.wrapping_sub(1), number + 1]));
    numbers.extend([0, u32::MAX - 1, u32::MAX]);
    numbers
}

#[test]
fn the_compiled_program_answers_as_the_rules_do() {
    let value = prop_oneof![8 => 0u64..6, 1 => Just(0xffff_ffff), 1 => any::<u64>()];
    let call = (any::<bool>(), proptest::sample::select(numbers()), any::<[u8; 6]>());
    let strategy = (
        proptest::collection::vec(rule(value, 6), 0..8),
        proptest::sample::subsequence((0..ARCHES.len()).collect::<Vec<_>>(), 0..=ARCHES.len()),
        any::<bool>(),
        any::<bool>(),
        proptest::collection::vec(call, 300),
    );
    let outcome = runner().run(&strategy, |(rules, arches, crun, small, calls)| {
        let runtime = if crun { Runtime::Crun } else { Runtime::Runc };
        let machine = if small { Machine::I386 } else { Machine::Amd64 };
        let profile = Profile::parse(&json(&rules, &arches)).unwrap();
        let Ok(compiled) = profile.compile(&target(runtime, machine)) else { return Ok(()) };
        let filter = compiled.filter().unwrap();
        for (i386, nr, args) in calls {
            let arch = if i386 { seccomp::Arch::I386 } else { seccomp::Arch::X86_64 };
            let args = args.map(|byte| u64::from(byte & 7) | u64::from(byte >> 6) << 32);
            let data = Data { nr, arch: arch.audit(), args, ..Data::default() };
            let (action, cause) = compiled.judge(&data);
            prop_assert_eq!(filter.interpret(&data), action, "{:?}", data);
            // An answer that a rule gives is that rule's.
            if let Cause::Rule(origin) = cause {
                prop_assert_eq!(rules[origin.rule].action, action);
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Does everything with a text that can be done with a profile.
fn use_up(text: &str) {
    let Ok(profile) = Profile::parse(text) else { return };
    let _ = profile.check_names();
    for machine in [Machine::Amd64, Machine::I386] {
        let target = target(Runtime::Runc, machine);
        if let Ok(compiled) = profile.compile(&target) {
            let report = Report::new(&compiled, [Family::INET, Family::ALG]);
            assert_eq!(report.families.len(), 2);
            let _ = compiled.filter();
        }
    }
}

#[test]
fn broken_profiles_are_no_panic() {
    let podman = include_str!("profiles/podman-form.json");
    let docker = include_str!("profiles/docker-form.json");
    let text = proptest::sample::select(vec![podman, docker]);
    // Pieces of the text are doubled, removed, or replaced by others or by garbage.
    let edit = (
        any::<proptest::sample::Index>(),
        0usize..40,
        any::<proptest::sample::Index>(),
        0usize..40,
        any::<Option<char>>(),
    );
    let outcome = runner().run(&(text, proptest::collection::vec(edit, 1..4)), |(text, edits)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (at, length, from, count, garbage) in edits {
            let at = at.index(characters.len());
            let from = from.index(characters.len());
            let piece: Vec<char> = match garbage {
                Some(garbage) => vec![garbage; count % 3],
                None => characters.iter().skip(from).take(count).copied().collect(),
            };
            characters.splice(at..(at + length).min(characters.len()), piece);
            characters.push(' ');
        }
        use_up(&characters.into_iter().collect::<String>());
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_remedy_for_random_rules_is_one() {
    let value = prop_oneof![4 => 0u64..6, 1 => 38u64..41];
    let rules = proptest::collection::vec(rule(value, 2), 0..6);
    let (mut closed, mut open) = (0, 0);
    let counted = std::cell::RefCell::new((&mut closed, &mut open));
    let outcome = runner().run(&rules, |rules| {
        let target = target(Runtime::Runc, Machine::Amd64);
        let profile = Profile::parse(&json(&rules, &[0, 1, 2])).unwrap();
        let mut counted = counted.borrow_mut();
        match fix(&profile, &target) {
            Ok(fixed) => {
                *counted.0 += usize::from(!fixed.changes.is_empty());
                let profile = Profile::parse(&fixed.text).unwrap();
                prop_assert!(fix(&profile, &target).unwrap().changes.is_empty());
            }
            Err(_) => *counted.1 += 1,
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    // Rules made by chance are worse than people's, and most have a remedy.
    assert!(closed > 2 * open, "{closed} {open}");
}
