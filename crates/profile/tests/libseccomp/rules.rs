//! Rules made by chance, for profiles that nobody would write.

use profile::{Abi, Condition, Operator};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use seccomp::Action;

pub const ARCHES: [(Abi, &str); 3] = [(Abi::X86_64, "x86_64"), (Abi::X32, "x32"), (Abi::I386, "x86")];

pub const NAMES: [&str; 8] =
    ["socket", "socketcall", "recv", "accept4", "shmctl", "read", "personality", "io_uring_setup"];

/// A rule, its name and conditions chosen by chance.
#[derive(Clone, Debug)]
pub struct RandomRule {
    pub name: &'static str,
    pub action: Action,
    pub args: Vec<Condition>,
}

pub const DEFAULT: Action = Action::Errno(1);

pub fn rule(value: impl Strategy<Value = u64> + Clone, arguments: u8) -> impl Strategy<Value = RandomRule> {
    let mask = prop_oneof![Just(0), Just(1), Just(3), Just(0xffff_ffff), Just(u64::MAX), Just(3 << 32)];
    let op = proptest::sample::select(&[
        Operator::NotEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Equal,
        Operator::GreaterOrEqual,
        Operator::Greater,
        Operator::MaskedEqual,
    ]);
    let condition =
        (0..arguments, op, value.clone(), value, mask).prop_map(|(index, op, value, two, mask)| match op {
            Operator::MaskedEqual => Condition { index, op, value: mask, value_two: two },
            _ => Condition { index, op, value, value_two: 0 },
        });
    let action =
        proptest::sample::select(&[Action::Allow, Action::Allow, DEFAULT, Action::Errno(5), Action::Log]);
    let args = proptest::collection::vec(condition, 0..=usize::from(arguments.min(2)));
    (proptest::sample::select(&NAMES), action, args).prop_map(|(name, action, args)| RandomRule {
        name,
        action,
        args,
    })
}

pub fn json(rules: &[RandomRule], arches: &[usize]) -> String {
    let arches: Vec<_> =
        arches.iter().map(|index| format!("{:?}", ARCHES[*index].0.profile_name())).collect();
    let rules = rules.iter().map(|rule| {
        let args = rule.args.iter().map(|Condition { index, op, value, value_two }| {
            let op = op.profile_name();
            format!(r#"{{"index": {index}, "value": {value}, "valueTwo": {value_two}, "op": "{op}"}}"#)
        });
        let (action, errno) = match rule.action {
            Action::Errno(errno) => ("ERRNO", errno),
            Action::Log => ("LOG", 0),
            _ => ("ALLOW", 0),
        };
        format!(
            r#"{{"names": ["{}"], "action": "SCMP_ACT_{action}", "errnoRet": {errno}, "args": [{}]}}"#,
            rule.name,
            args.collect::<Vec<_>>().join(", ")
        )
    });
    format!(
        r#"{{"defaultAction": "SCMP_ACT_ERRNO", "architectures": [{}], "syscalls": [{}]}}"#,
        arches.join(", "),
        rules.collect::<Vec<_>>().join(", ")
    )
}

/// The same cases in every run: what was found to differ by a longer one belongs into a test of its own.
/// PROPTEST_CASES asks for more.
pub fn runner() -> TestRunner {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}
