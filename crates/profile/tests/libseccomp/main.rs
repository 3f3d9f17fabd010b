//! The library itself is the oracle: for the same rules our compilation must give the same answers, and refuse
//! what it refuses.
//!
//! It is asked through its Python module (Debian: python3-seccomp), which only development needs. Where it is
//! missing, the tests say that they are skipped.

mod library;
mod rules;

use std::fmt::Write as _;
use std::path::Path;

use profile::{Abi, Compiled, Condition, Family, Kernel, Operator, Profile, Runtime, Target};
use proptest::prelude::*;
use seccomp::{Action, Data, Filter};

use library::Library;
use rules::{ARCHES, DEFAULT, NAMES, RandomRule, json, rule, runner};

fn action(action: Action) -> String {
    match action {
        Action::KillProcess => "KILL_PROCESS".into(),
        Action::KillThread => "KILL".into(),
        Action::Trap(_) => "TRAP".into(),
        Action::Errno(errno) => format!("ERRNO={errno}"),
        Action::UserNotif => "NOTIFY".into(),
        Action::Trace(message) => format!("TRACE={message}"),
        Action::Log => "LOG".into(),
        Action::Allow => "ALLOW".into(),
    }
}

/// A rule as the library gets it.
type Asked<'a> = (Action, &'a str, &'a [Condition]);

fn request<'a>(default: Action, arches: &[&str], rules: impl IntoIterator<Item = Asked<'a>>) -> String {
    let mut text = format!("{} {} ", action(default), arches.join(","));
    for (answer, name, conditions) in rules {
        write!(text, "{} {name}", action(answer)).unwrap();
        for condition in conditions {
            let op = condition.op.profile_name().strip_prefix("SCMP_CMP_").unwrap();
            write!(text, " {}:{op}:{}:{}", condition.index, condition.value, condition.value_two).unwrap();
        }
        text.push(';');
    }
    text
}

/// crun's target: runc puts something in front of what libseccomp makes.
fn target() -> Target {
    Target { runtime: Runtime::Crun, ..Target::new(Kernel { major: 6, minor: 12 }) }
}

/// Numbers that matter, and those around.
fn numbers(abi: Abi) -> Vec<u32> {
    let mut numbers: Vec<u32> = NAMES.iter().filter_map(|name| abi.number(name)).collect();
    if abi == Abi::I386 {
        numbers.push(117);
    }
    numbers.extend([0x3fff_ffff, 0x4000_0000, 0x8000_0000, 0xc000_0000, 0xffff_fffe, 0xffff_ffff, 9, 500]);
    numbers
}

/// Asks all three, our rules, our program and the library's, the same.
fn agree(compiled: &Compiled, library: &Filter, args: &[[u64; 6]]) -> Result<(), TestCaseError> {
    let ours = compiled.filter().unwrap();
    for abi in Abi::ALL {
        for nr in numbers(abi) {
            for args in args {
                let args = if abi == Abi::I386 { args.map(|value| value & 0xffff_ffff) } else { *args };
                let data = Data { nr, arch: abi.arch().audit(), instruction_pointer: 0, args };
                let expected = library.interpret(&data);
                prop_assert_eq!(compiled.judge(&data).0, expected, "judged: {:?} {:?}", abi, data);
                prop_assert_eq!(ours.interpret(&data), expected, "compiled: {:?} {:?}", abi, data);
            }
        }
    }
    let foreign = Data { nr: 41, arch: 0xc000_00b7, ..Data::default() };
    prop_assert_eq!(compiled.judge(&foreign).0, library.interpret(&foreign));
    prop_assert_eq!(ours.interpret(&foreign), library.interpret(&foreign));
    Ok(())
}

#[test]
fn written_profiles() {
    let Some(mut library) = Library::start("libseccomp::written_profiles") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Docker's own profiles too, where they are at hand.
    let directories = [root.join("tests/profiles"), root.join("../../../shared/data/seccomp-profiles")];
    let entries = directories.iter().filter_map(|directory| std::fs::read_dir(directory).ok()).flatten();
    let args: Vec<[u64; 6]> = Family::all()
        .flat_map(|family| [0, 1 << 32, 0xffff_ffff << 32].map(|upper| upper | u64::from(family.number())))
        .chain([0, 46, u64::MAX])
        .flat_map(|family| [1, 2, 3, 0xffff_d0f0].map(|ty| [family, ty, 0, 0, 0, 0]))
        .chain([[16, 2, 9, 0, 0, 0], [16, 2, 8, 0, 0, 0], [1, 0x5655_9008, 9, 7, 7, 7]])
        .collect();
    let mut compared = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        match Profile::parse(&text).unwrap().compile(&target()) {
            Ok(compiled) => {
                let arches = ARCHES.iter().filter(|(abi, _)| compiled.abis().contains(abi));
                let arches: Vec<_> = arches.map(|(_, name)| *name).collect();
                let given = compiled.given().iter();
                let rules = given.map(|given| (given.action, &given.name[..], &given.conditions[..]));
                let filter = library.compile(&request(compiled.default_action(), &arches, rules)).unwrap();
                agree(&compiled, &filter, &args)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
            Err(error) => assert!(path.ends_with("conflict.json"), "{}: {error}", path.display()),
        }
        compared += 1;
    }
    assert!(compared >= 24, "{compared}");
}

/// What runtimes give to the library: nothing that has the default's answer, and of two conditions on the same
/// argument a rule each.
fn asked(rules: &[RandomRule]) -> Vec<Asked<'_>> {
    let mut asked: Vec<Asked<'_>> = Vec::new();
    for RandomRule { name, action, args } in rules.iter().filter(|rule| rule.action != DEFAULT) {
        if args.len() == 2 && args[0].index == args[1].index {
            asked.extend(args.iter().map(|condition| (*action, *name, std::slice::from_ref(condition))));
        } else {
            asked.push((*action, name, args));
        }
    }
    asked
}

/// The same rules as a profile, and as a request to the library.
fn both(rules: &[RandomRule], x86: bool, x32: bool) -> (Profile, String) {
    let mut arches = vec![0];
    arches.extend(x32.then_some(1));
    arches.extend(x86.then_some(2));
    let profile = Profile::parse(&json(rules, &arches)).unwrap();
    let names: Vec<_> = arches.iter().map(|index| ARCHES[*index].1).collect();
    (profile, request(DEFAULT, &names, asked(rules)))
}

/// Whether two rules compare the same with opposite results, as `<= 2` and `> 2`. If the second looks at a lower
/// argument before that, libseccomp 2.5 takes it for covered by the first and drops it, though their answers
/// differ: the only case in tens of thousands where its tree was not ours.
fn has_opposites(rules: &[RandomRule]) -> bool {
    let kept = |condition: &Condition| match condition.op {
        Operator::Equal => (0, true),
        Operator::NotEqual => (0, false),
        Operator::Greater => (1, true),
        Operator::LessOrEqual => (1, false),
        Operator::GreaterOrEqual => (2, true),
        Operator::Less => (2, false),
        Operator::MaskedEqual => (3, true),
    };
    let conditions = || rules.iter().flat_map(|rule| &rule.args);
    conditions().any(|a| {
        conditions().any(|b| {
            let ((a_op, a_holds), (b_op, b_holds)) = (kept(a), kept(b));
            let same = a.index == b.index && a.value as u32 == b.value as u32;
            same && a_op == b_op && a_holds != b_holds
        })
    })
}

/// The library's program is compared where rules look at one argument, as profiles' rules do. With more, the
/// programs of libseccomp 2.5 are now and then not what its own tree says: where the way back from an inner
/// comparison leads to an outer one, the accumulator may still hold the inner word.
#[test]
fn random_rules_on_one_argument() {
    let Some(library) = Library::start("libseccomp::random_rules_on_one_argument") else { return };
    let library = std::cell::RefCell::new(library);
    let values = [0, 1, 2, 3, 4, 5, 6, 0xffff_ffff, 1 << 32, 1 << 32 | 1, 3 << 32, u64::MAX];
    let args = values.map(|value| [value, 2, 9, 0, 0, 0]);
    let value = prop_oneof![8 => 0u64..6, 1 => Just(0xffff_ffff)];
    let strategy = (proptest::collection::vec(rule(value, 1), 0..6), any::<bool>(), any::<bool>());
    let outcome = runner().run(&strategy, |(rules, x86, x32)| {
        // Every real profile has a rule without conditions for a call that all three have. Without one, and with
        // x32, libseccomp 2.5 forgets to load the number if the first call in its order has none there.
        let mut rules = rules;
        rules.insert(0, RandomRule { name: "getpid", action: Action::Allow, args: vec![] });
        let (profile, request) = both(&rules, x86, x32);
        match (profile.compile(&target()), library.borrow_mut().compile(&request)) {
            (Ok(compiled), Ok(filter)) => agree(&compiled, &filter, &args)?,
            (Err(_), Err(_)) => {}
            (Ok(_), Err(why)) => prop_assert!(false, "the library refuses: {}", why),
            (Err(error), Ok(_)) => prop_assert!(false, "only we refuse: {}", error),
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// The library's tree is compared for rules of every kind.
#[test]
fn random_rules() {
    let Some(library) = Library::start("libseccomp::random_rules") else { return };
    let library = std::cell::RefCell::new(library);
    let values = [0, 1, 2, 3, 5, 6, 0xffff_ffff, 1 << 32, 1 << 32 | 1, 3 << 32, u64::MAX];
    let args: Vec<[u64; 6]> = values
        .into_iter()
        .flat_map(|a| values.into_iter().flat_map(move |b| [0, 2, 5].map(|c| [a, b, c, 0, 0, 0])))
        .collect();
    let value = prop_oneof![
        8 => 0u64..6,
        1 => Just(0xffff_ffff),
        1 => (0u64..3).prop_map(|low| 1 << 32 | low),
        1 => Just(u64::MAX),
    ];
    let strategy = (proptest::collection::vec(rule(value, 3), 0..6), any::<bool>(), any::<bool>());
    let outcome = runner().run(&strategy, |(rules, x86, x32)| {
        prop_assume!(!has_opposites(&rules));
        let (profile, request) = both(&rules, x86, x32);
        match (profile.compile(&target()), library.borrow_mut().tree(&request)) {
            (Ok(compiled), Ok(tree)) => {
                let filter = compiled.filter().unwrap();
                for (abi, name) in ARCHES.iter().filter(|(abi, _)| compiled.abis().contains(abi)) {
                    for nr in NAMES.iter().filter_map(|name| abi.number(name)).chain([117]) {
                        for args in &args {
                            let args =
                                if *abi == Abi::I386 { args.map(|arg| arg & 0xffff_ffff) } else { *args };
                            let data = Data { nr, arch: abi.arch().audit(), instruction_pointer: 0, args };
                            let judged = compiled.judge(&data).0;
                            prop_assert_eq!(filter.interpret(&data), judged);
                            let judged =
                                action(judged).replace("ERRNO=5", "ERRNO(5)").replace("ERRNO=1", "ERRNO(1)");
                            prop_assert_eq!(judged, tree.judge(name, nr, &args), "{}: {:?}", name, data);
                        }
                    }
                }
            }
            (Err(_), Err(_)) => {}
            (Ok(_), Err(why)) => prop_assert!(false, "the library refuses: {}", why),
            (Err(error), Ok(_)) => prop_assert!(false, "only we refuse: {}", error),
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
