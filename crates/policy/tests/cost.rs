//! What rules cost in the kernel: instructions of the filter, counted by the interpreter that agrees with it.

use abi::Call;
use policy::Policy;
use seccomp::{Arch, Data};

/// A policy with so many rules, none of which can be left out: on families, types, protocols and options.
fn policy(rules: u32) -> Policy {
    let mut text = "default = \"allow\"\n".to_owned();
    for n in 0..rules {
        let (key, errno) = (n / 5, 1 + n % 30);
        let asks = match n % 5 {
            0 => format!("family = {}", 3 + 2 * key),
            1 => format!("family = {}\ntype = \"raw\"\nprotocol = {}", 4 + 2 * key, key + 3),
            2 => format!("family = \"inet\"\nprotocol = {}", 40 + 3 * key),
            3 => format!("option = \"{key}.*\""),
            _ => format!("option = \"1.{}\"", 100 + 2 * key),
        };
        text += &format!("[[rule]]\naction = \"deny\"\nerrno = {errno}\n{asks}\n");
    }
    Policy::parse("many.toml", &text).unwrap()
}

/// The most instructions that a call takes, whatever its arguments.
fn worst(rules: u32) -> (usize, usize) {
    let filter = policy(rules).compile().register_wants(1).compile().unwrap();
    let mut most = 0;
    for call in Call::ALL {
        let facts = call.facts();
        for (arch, number) in [
            (Arch::I386, facts.direct_i386.number),
            (Arch::X86_64, facts.direct_x86_64.number),
            (Arch::X86_64, 0),
        ] {
            for first in 0..120 {
                for second in [0, 1, 2, 3, 5, 10, 26, 101, 140] {
                    for third in [0, 6, 17, 40, 41, 100, 255, 10_000] {
                        let args = [first, second, third, 0, 0, 0];
                        // Of options, level and name are the second and the third.
                        let shifted = [3, first, third, 0, 0, 0];
                        for args in [args, shifted] {
                            let data = Data { arch: arch.audit(), nr: number, args, ..Data::default() };
                            most = most.max(filter.execute(&data).1);
                        }
                    }
                }
            }
        }
    }
    (most, filter.instructions().len())
}

#[test]
fn a_hundred_rules_take_less_than_twice_the_instructions_of_ten() {
    let ((ten, _), (hundred, length)) = (worst(10), worst(100));
    println!("{ten} instructions with 10 rules, {hundred} with 100 rules");
    assert!(hundred <= 2 * ten, "{ten} with 10 rules, {hundred} with 100 rules");
    assert!(length <= 4096 / 2, "{length} instructions leave room for others");
}

/// What no rule is about costs the search for its number.
#[test]
fn other_calls_pass_quickly() {
    let filter = policy(100).compile().register_wants(1).compile().unwrap();
    for number in [0, 1, 202, 231, 281] {
        let data = Data { arch: Arch::X86_64.audit(), nr: number, ..Data::default() };
        let (action, steps) = filter.execute(&data);
        assert_eq!(action, seccomp::Action::Allow);
        assert!(steps <= 16, "{steps} for call {number}");
    }
}
