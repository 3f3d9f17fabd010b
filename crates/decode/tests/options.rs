//! Socket options that strace has shown, decoded from what it saw: where the value was, and what memory held.
//!
//! `options/record.sh` makes the recordings.

use std::path::{Path, PathBuf};

use decode::text::{self, Names, Strings, Style};
use decode::{Abi, Asked, Context, Descriptors, Entry, Limits, Memory, Request, Seen};

/// A page at a fixed address, and nothing else.
#[derive(Clone)]
struct Arena([u8; 0x1000]);

const START: u64 = 0x1000_0000;

/// Where `record.c` keeps the length of what is got; zero in the record itself.
const LENGTH: u64 = START + 0x800;

impl Memory for Arena {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        let Some(offset) = address.checked_sub(START) else { return 0 };
        let Some(rest) = self.0.get(offset as usize..) else { return 0 };
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        length
    }
}

impl Arena {
    fn write(&mut self, address: u64, bytes: &[u8]) {
        let offset = (address - START) as usize;
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

struct System;

impl Descriptors for System {
    fn interface(&self, index: u32) -> Option<String> {
        (index == 1).then(|| "lo".to_owned())
    }
}

/// A call that was recorded.
struct Call {
    get: bool,
    words: [u64; 6],
    before: i32,
    after: i32,
    failed: bool,
    arena: Arena,
}

impl Call {
    /// `set LEVEL NAME POINTER LENGTH` or `get LEVEL NAME POINTER ROOM LENGTH [failed]`.
    fn parse(line: &str) -> Call {
        let words: Vec<&str> = line.split(' ').collect();
        let decimal = |at: usize| words[at].parse::<i64>().unwrap();
        let get = words[0] == "get";
        let pointer = u64::from_str_radix(words[3], 16).unwrap();
        let before = decimal(4) as i32;
        let length = if get { LENGTH } else { u64::from(before as u32) };
        Call {
            get,
            words: [u64::MAX, decimal(1) as u64, decimal(2) as u64, pointer, length, 0],
            before,
            after: if get { decimal(5) as i32 } else { 0 },
            failed: words.get(6).is_some(),
            arena: Arena([0; 0x1000]),
        }
    }

    fn says(mut self, abi: Abi, limits: Limits, style: &Style) -> String {
        let number = match (abi, self.get) {
            (Abi::I386, true) => 365,
            (Abi::I386, false) => 366,
            (Abi::X86_64, true) => 55,
            (Abi::X86_64, false) => 54,
            (Abi::X32, true) => Abi::X32_BIT | 542,
            (Abi::X32, false) => Abi::X32_BIT | 541,
        };
        let seen = Seen { abi, number, registers: self.words, entry: Entry::Direct, taken_apart: None };
        if self.get {
            self.arena.write(LENGTH, &self.before.to_le_bytes());
        }
        let asked = Asked::of(seen, &self.arena).unwrap();
        let mut request = {
            let context = Context { memory: &self.arena, abi, limits, descriptors: &System };
            Request::enter(asked, &context)
        };
        if self.get {
            self.arena.write(LENGTH, &self.after.to_le_bytes());
        }
        let context = Context { memory: &self.arena, abi, limits, descriptors: &System };
        request.exit(if self.failed { -22 } else { 0 }, &context);
        let mut says = String::new();
        assert_eq!(text::arguments(&mut says, &request, 2, style), 5);
        says
    }
}

/// Decodes every call of a recording, and compares.
fn check(path: PathBuf) {
    let recording = std::fs::read_to_string(&path).unwrap();
    let (mut abi, mut limits, mut style) = (Abi::I386, Limits::default(), Style::default());
    let mut call: Option<Call> = None;
    let (mut compared, mut different) = (0, Vec::new());
    for line in recording.lines() {
        let (word, rest) = line.split_once(' ').unwrap();
        match word {
            "style" => {
                let words: Vec<&str> = rest.split(' ').collect();
                abi = match words[0] {
                    "i386" => Abi::I386,
                    "x32" => Abi::X32,
                    _ => Abi::X86_64,
                };
                style.names = match words[1] {
                    "raw" => Names::Raw,
                    "verbose" => Names::Verbose,
                    _ => Names::Abbreviated,
                };
                limits.verbose = words[2] == "1";
                style.strings = match words[3] {
                    "x" => Strings::HexIfNeeded,
                    "xx" => Strings::Hex,
                    _ => Strings::Plain,
                };
                limits.bytes = words[4].parse().unwrap();
                limits.elements = limits.bytes;
            }
            "set" | "get" => call = Some(Call::parse(line)),
            "at" => {
                let (address, hex) = rest.split_once(' ').unwrap();
                let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
                let bytes: Vec<u8> = (0..hex.len() / 2).map(byte).collect();
                call.as_mut().unwrap().arena.write(u64::from_str_radix(address, 16).unwrap(), &bytes);
            }
            _ => {
                let call = call.take().unwrap();
                let what = format!("{} {:?}", if call.get { "get" } else { "set" }, &call.words[1..3]);
                let ours = call.says(abi, limits, &style);
                compared += 1;
                if ours != rest {
                    different.push(format!("{what}\nstrace: {rest}\nours:   {ours}"));
                }
            }
        }
    }
    let name = path.display();
    assert!(compared > 20, "{name}: only {compared} calls");
    let shown = different.len().min(20);
    assert!(
        different.is_empty(),
        "{name}: {} of {compared} lines differ\n{}",
        different.len(),
        different[..shown].join("\n")
    );
}

macro_rules! recordings {
    ($($name:ident $file:literal;)*) => {
        $(#[test]
        fn $name() {
            check(Path::new(env!("CARGO_MANIFEST_DIR")).join(concat!("tests/options/", $file, ".txt")));
        })*
    };
}

recordings! {
    forged_i386 "forged-i386";
    forged_x86_64 "forged-x86-64";
    values_x32 "values-x32";
    real_i386 "real-i386";
    real_x86_64 "real-x86-64";
    strings "strings";
    filters_i386 "filters-i386";
    filters_x86_64 "filters-x86-64";
}

/// A recording that is too long to be kept: `OPTIONS="1.2 6.11" OUT=/tmp options/record.sh STRACE` makes one.
#[test]
#[ignore = "needs a recording, SWEPT=FILE"]
fn swept() {
    check(std::env::var_os("SWEPT").unwrap().into());
}
