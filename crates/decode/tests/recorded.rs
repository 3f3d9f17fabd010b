//! Calls that strace (7.2) has shown, decoded from what it saw: registers, and the memory before and after.
//!
//! `recorded/record.sh` makes the recordings.

use std::path::Path;

use decode::text::{self, Names, Strings, Style};
use decode::{Abi, Asked, Context, Descriptors, Entry, Limits, Memory, Request, Seen};

/// One piece of memory, and nothing else.
#[derive(Clone, Default)]
struct Arena {
    start: u64,
    bytes: Vec<u8>,
}

impl Memory for Arena {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        let Some(offset) = address.checked_sub(self.start) else { return 0 };
        let Some(rest) = self.bytes.get(offset as usize..) else { return 0 };
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        length
    }
}

impl Arena {
    fn write(&mut self, address: &str, hex: &str) {
        let offset = (number(address) - self.start) as usize;
        for (at, pair) in hex.as_bytes().chunks(2).enumerate() {
            let pair = std::str::from_utf8(pair).unwrap();
            self.bytes[offset + at] = u8::from_str_radix(pair, 16).unwrap();
        }
    }
}

/// The system's part of what was recorded.
#[derive(Default)]
struct System {
    netlink: Vec<(i32, u32)>,
    interfaces: Vec<(u32, String)>,
}

impl Descriptors for System {
    fn netlink(&self, fd: i32) -> Option<u32> {
        self.netlink.iter().find(|(own, _)| *own == fd).map(|(_, protocol)| *protocol)
    }

    fn interface(&self, index: u32) -> Option<String> {
        match self.interfaces.iter().find(|(own, _)| *own == index) {
            Some((_, name)) => Some(name.clone()),
            None => (index == 1).then(|| "lo".to_owned()),
        }
    }
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap()
}

/// Decodes every call of a recording, and compares.
fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(name);
    let recording = std::fs::read_to_string(path).unwrap();
    let mut arena = Arena::default();
    let mut limits = Limits::default();
    let mut style = Style::default();
    let mut system = System::default();
    let mut seen = None;
    let mut after = Vec::new();
    let mut result = 0;
    let mut compared = 0;
    let mut different = Vec::new();
    for line in recording.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = rest.split(' ').collect();
        match word {
            "limits" => {
                let [bytes, elements, verbose] = words[..] else { panic!("{line}") };
                limits = Limits {
                    bytes: bytes.parse().unwrap(),
                    elements: elements.parse().unwrap(),
                    verbose: verbose == "1",
                };
            }
            "style" => {
                let (names, strings) = match rest {
                    "raw" => (Names::Raw, Strings::Plain),
                    "verbose" => (Names::Verbose, Strings::Plain),
                    "hex" => (Names::Abbreviated, Strings::Hex),
                    _ => (Names::Abbreviated, Strings::Plain),
                };
                style = Style { names, strings, ..Style::default() };
            }
            "map" => {
                arena = Arena { start: number(words[0]), bytes: vec![0; number(words[1]) as usize] };
            }
            "interface" => system.interfaces.push((words[0].parse().unwrap(), words[1].to_owned())),
            "netlink" => system.netlink.push((words[0].parse().unwrap(), words[1].parse().unwrap())),
            "call" => {
                let (abi, entry) = match words[0] {
                    "i386" => (Abi::I386, Entry::Direct),
                    "x86-64" => (Abi::X86_64, Entry::X86_64),
                    "x32" => (Abi::X32, Entry::X32),
                    other => panic!("{other}"),
                };
                let registers = std::array::from_fn(|at| number(words[2 + at]));
                seen = Some(Seen {
                    abi,
                    number: words[1].parse().unwrap(),
                    registers,
                    entry,
                    taken_apart: None,
                });
            }
            "before" => arena.write(words[0], words[1]),
            "after" => after.push((words[0], words[1])),
            "result" => result = rest.parse().unwrap(),
            "line" => {
                let seen = seen.take().unwrap();
                let asked = Asked::of(seen, &arena).unwrap();
                let abi = seen.abi;
                let context = |memory| Context { memory, abi, limits, descriptors: &system };
                let before = arena.clone();
                let mut request = Request::enter(asked, &context(&before));
                for (address, hex) in after.drain(..) {
                    arena.write(address, hex);
                }
                request.exit(result, &context(&arena));
                let mut ours = format!("{}(", request.asked.form.name);
                let written = text::arguments(&mut ours, &request, 0, &style);
                assert_eq!(written, request.arguments.len());
                ours.push_str(") = ");
                text::outcome(&mut ours, request.outcome.as_ref(), &style);
                compared += 1;
                if ours != rest {
                    different.push(format!("strace: {rest}\nours:   {ours}"));
                }
            }
            "" => {}
            other => panic!("{other}"),
        }
    }
    assert!(compared > 3, "{name}: only {compared} calls");
    assert!(
        different.is_empty(),
        "{name}: {} of {compared} lines differ\n{}",
        different.len(),
        different.join("\n")
    );
}

macro_rules! recordings {
    ($($name:ident $file:literal;)*) => {
        $(#[test]
        fn $name() {
            check(concat!($file, ".txt"));
        })*
    };
}

recordings! {
    messages_i386 "messages-i386";
    messages_x86_64 "messages-x86-64";
    messages_x32 "messages-x32";
    controls_i386 "controls-i386";
    controls_x86_64 "controls-x86-64";
    vectors_i386 "vectors-i386";
    vectors_x86_64 "vectors-x86-64";
    vectors_x32 "vectors-x32";
    netlink_dumps "dumps-x86-64";
    netlink_messages "netlink";
    netlink_attributes "attributes";
    short_strings "short";
    verbose "verbose";
    calls_i386 "calls-i386";
    calls_x86_64 "calls-x86-64";
    calls_multiplexed "calls-socketcall";
    calls_raw "calls-raw";
    calls_verbose "calls-verbose";
    addresses "addresses";
    addresses_i386 "addresses-i386";
    addresses_raw "addresses-raw";
    addresses_verbose "addresses-verbose";
    addresses_hex "addresses-hex";
    addresses_dynamic "dynamic";
}
