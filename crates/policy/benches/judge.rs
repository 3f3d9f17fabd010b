//! One judgement of an address, by how many rules there are.

use std::net::{Ipv4Addr, Ipv6Addr};

use abi::Call;
use divan::{Bencher, black_box};
use policy::{Compiled, Copied, Policy, Socket};

fn main() {
    divan::main();
}

/// The rules' kinds: networks of one size, of IPv4 and of IPv6; networks in each other, with ports, in many branches
/// and in one; the latter with more ranges than there is room to sum up; ports alone; paths; patterns; vsock.
const KINDS: [&str; 9] =
    ["networks", "networks6", "nested", "chain", "ranges", "ports", "paths", "patterns", "vsock"];
const SIZES: [u32; 4] = [10, 100, 1000, 10_000];

/// Where the networks of IPv6 begin: all of them are inside of this one, or around it.
const BASE6: u128 = 0xfd00 << 112;

/// Where a rule's range of ports begins, one of 64.
fn low(rule: u32, range: u32) -> u32 {
    1024 * range + (37 * rule + 61 * range) % 1013
}

fn policy(kind: &str, rules: u32) -> Compiled {
    let mut text = "default = \"deny\"\n".to_owned();
    for n in 0..rules {
        let chained = |prefix: u32| format!("address = \"{}/{prefix}\"", Ipv6Addr::from(BASE6));
        let asks = match kind {
            "networks" => format!("address = \"{}/24\"", Ipv4Addr::from(0x0a00_0000 + (n << 8))),
            "networks6" => format!("address = \"{}/64\"", Ipv6Addr::from(BASE6 + (u128::from(n) << 64))),
            "nested" => {
                let prefix = 8 + n % 25;
                let address = (0x0a00_0000 + (n << 10)) & (u32::MAX << (32 - prefix));
                format!("address = \"{}/{prefix}\"\nport = {}", Ipv4Addr::from(address), n % 60_000)
            }
            "chain" => format!("{}\nport = {}", chained(8 + n % 120), n % 60_000),
            "ranges" => {
                let ranges: Vec<_> = (0..64).map(|range| low(n, range)).collect();
                let ranges: Vec<_> = ranges.iter().map(|low| format!("\"{low}-{}\"", low + 3)).collect();
                // The inner ones come first: nothing is behind another rule already.
                format!("{}\nport = [{}]", chained(127 - n % 120), ranges.join(", "))
            }
            "ports" => format!("port = \"{}-{}\"", 6 * n % 60_000, 6 * n % 60_000 + 3),
            "paths" => format!("address = \"/run/service-{n}/socket\""),
            "patterns" => format!("address = \"/run/service-{n}/*.sock\""),
            _ => format!("address = \"vsock:{}\"\nport = {n}", n % 100),
        };
        let action = if n % 2 == 0 { "allow" } else { "deny" };
        text += &format!("[[rule]]\naction = \"{action}\"\n{asks}\n");
    }
    Policy::parse("bench.toml", &text).expect("a whole policy").compile()
}

/// Addresses that some rule, the last or none matches.
fn addresses(kind: &str, rules: u32) -> Vec<(Socket, Vec<u8>, Vec<u8>)> {
    let mut numbers: Vec<u32> = (0..61).map(|n| n * rules.max(61) / 61 % rules).collect();
    numbers.extend([rules - 1, rules + 7]);
    let inet = |address: u32, port: u32| {
        let port = (port as u16).to_be_bytes();
        (Socket::new(2, 1, 0), [&[2, 0][..], &port, &address.to_be_bytes(), &[0; 8]].concat(), Vec::new())
    };
    let inet6 = |address: u128, port: u32| {
        let port = (port as u16).to_be_bytes();
        let bytes = [&[10, 0][..], &port, &[0; 4], &address.to_be_bytes(), &[0; 4]].concat();
        (Socket::new(10, 1, 0), bytes, Vec::new())
    };
    let unix = |path: String| {
        let path = path.into_bytes();
        (Socket::new(1, 1, 0), [b"\x01\0", &path[..]].concat(), path)
    };
    let of = |n: u32| match kind {
        "networks" => inet(0x0a00_0000 + (n << 8) + 5, n % 60_000),
        "networks6" => inet6(BASE6 + (u128::from(n) << 64) + 5, n % 60_000),
        "nested" => inet(0x0a00_0000 + (n << 10) + 5, n % 60_000),
        // The innermost network is the one with the same number.
        "chain" => inet6(BASE6 + (1 << (119 - n % 120)), n % 60_000),
        "ranges" => inet6(BASE6 + (1 << (n % 120)), low(n, n % 64)),
        "ports" => inet(0x0a00_0000 + (n << 8) + 5, 6 * n % 60_000),
        "paths" => unix(format!("/run/service-{n}/socket")),
        "patterns" => unix(format!("/run/service-{n}/a.sock")),
        _ => {
            let bytes = [&[40, 0, 0, 0][..], &n.to_ne_bytes(), &(n % 100).to_ne_bytes(), &[0; 4]].concat();
            (Socket::new(40, 1, 0), bytes, Vec::new())
        }
    };
    numbers.into_iter().map(of).collect()
}

/// 63 judgements.
#[divan::bench(args = KINDS, consts = SIZES, sample_count = 50)]
fn judge_63<const RULES: u32>(bencher: Bencher<'_, '_>, kind: &str) {
    let compiled = policy(kind, RULES);
    let addresses = addresses(kind, RULES);
    bencher.counter(divan::counter::ItemsCount::new(addresses.len())).bench_local(|| {
        for (socket, address, path) in &addresses {
            let copied = Copied {
                call: Call::Connect,
                socket: *socket,
                address: Some(address),
                path: (!path.is_empty()).then_some(path),
                flags: 0,
                control: &[],
            };
            black_box(compiled.judge(black_box(&copied)));
        }
    });
}

/// Reading and compiling, which the start of a program waits for.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn read_and_compile(bencher: Bencher<'_, '_>, rules: u32) {
    bencher.bench_local(|| policy("networks", black_box(rules)));
}
