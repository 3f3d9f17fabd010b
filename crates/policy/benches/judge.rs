//! One judgement of an address, by how many rules there are.

use std::net::Ipv4Addr;

use abi::Call;
use divan::{Bencher, black_box};
use policy::{Compiled, Copied, Policy, Socket};

fn main() {
    divan::main();
}

/// The rules' kinds: networks of one size; networks in each other, with ports; ports alone; paths; patterns.
const KINDS: [&str; 5] = ["networks", "nested", "ports", "paths", "patterns"];
const SIZES: [u32; 4] = [10, 100, 1000, 10_000];

fn policy(kind: &str, rules: u32) -> Compiled {
    let mut text = "default = \"deny\"\n".to_owned();
    for n in 0..rules {
        let asks = match kind {
            "networks" => format!("address = \"{}/24\"", Ipv4Addr::from(0x0a00_0000 + (n << 8))),
            "nested" => {
                let prefix = 8 + n % 25;
                let address = (0x0a00_0000 + (n << 10)) & (u32::MAX << (32 - prefix));
                format!("address = \"{}/{prefix}\"\nport = {}", Ipv4Addr::from(address), n % 60_000)
            }
            "ports" => format!("port = \"{}-{}\"", 6 * n % 60_000, 6 * n % 60_000 + 3),
            "paths" => format!("address = \"/run/service-{n}/socket\""),
            _ => format!("address = \"/run/service-{n}/*.sock\""),
        };
        let action = if n % 2 == 0 { "allow" } else { "deny" };
        text += &format!("[[rule]]\naction = \"{action}\"\n{asks}\n");
    }
    Policy::parse("bench.toml", &text).expect("a whole policy").compile()
}

/// Addresses that some rule, the last or none matches.
fn addresses(kind: &str, rules: u32) -> Vec<(Socket, Vec<u8>, Vec<u8>)> {
    let unix = Socket::new(1, 1, 0);
    let mut numbers: Vec<u32> = (0..61).map(|n| n * rules.max(61) / 61 % rules).collect();
    numbers.extend([rules - 1, rules + 7]);
    let of = |n: u32| match kind {
        "paths" | "patterns" => {
            let name = if kind == "paths" { "socket" } else { "a.sock" };
            let path = format!("/run/service-{n}/{name}").into_bytes();
            (unix, [b"\x01\0", &path[..]].concat(), path)
        }
        _ => {
            let address =
                if kind == "nested" { 0x0a00_0000 + (n << 10) + 5 } else { 0x0a00_0000 + (n << 8) + 5 };
            let port = (if kind == "ports" { 6 * n % 60_000 } else { n % 60_000 }) as u16;
            let mut bytes = vec![2, 0];
            bytes.extend(port.to_be_bytes().into_iter().chain(address.to_be_bytes()).chain([0; 8]));
            (Socket::new(2, 1, 0), bytes, Vec::new())
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
