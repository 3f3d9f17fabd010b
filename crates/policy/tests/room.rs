//! Policies that want more tables than there is room for are judged by the same rules.

use std::fmt::Write as _;

use abi::Call;
use policy::{By, Compiled, Copied, Policy, Socket};

/// Addresses, and so ports: a rule with all of both, which is more than is put into tables if each address has a rule
/// in front of it.
const MANY: u32 = 2000;

fn judge(compiled: &Compiled, address: u32, port: u32) -> By {
    let port = (port as u16).to_be_bytes();
    let bytes = [&[2, 0][..], &port, &address.to_be_bytes(), &[0; 8]].concat();
    let socket = Socket::new(2, 1, 0);
    let copied =
        Copied { call: Call::Connect, socket, address: Some(&bytes), path: None, flags: 0, control: &[] };
    compiled.judge(&copied).by
}

#[test]
fn addresses_and_ports_that_multiply_are_judged_one_by_one() {
    let network = |n: u32| format!("\"10.{}.{}.0/24\"", n >> 8, n & 255);
    let mut text = "default = \"deny\"\n".to_owned();
    for n in 0..MANY {
        let rule = format!("[[rule]]\naction = \"allow\"\naddress = {}\nport = {}\n", network(n), 7 * n);
        text += &rule;
    }
    let (mut networks, mut ports) = (String::new(), String::new());
    for n in 0..MANY {
        write!(networks, "{}, ", network(n)).unwrap();
        write!(ports, "{}, ", 7 * n + 1).unwrap();
    }
    write!(text, "[[rule]]\naction = \"deny\"\naddress = [{networks}]\nport = [{ports}]\n").unwrap();
    let compiled = Policy::parse("many.toml", &text).unwrap().compile();
    for n in (0..MANY).step_by(7) {
        let address = 0x0a00_0000 + (n << 8) + 5;
        assert_eq!(judge(&compiled, address, 7 * n), By::Rule(n as usize));
        assert_eq!(judge(&compiled, address, 7 * (n / 2) + 1), By::Rule(MANY as usize));
        assert_eq!(judge(&compiled, address, 7 * n + 2), By::Default);
        assert_eq!(judge(&compiled, address + (MANY << 8), 7 * n + 1), By::Default);
    }
}
