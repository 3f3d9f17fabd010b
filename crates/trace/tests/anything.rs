//! Whatever happens, in whatever order: nothing panics, every line is whole, and every object can be read.

#![forbid(unsafe_code)]

mod common;

use common::{Recording, entered, exit};
use decode::text::{Names, Strings, Style};
use decode::{Abi, Asked, Entry, Memory, Seen, What};
use proptest::prelude::*;
use trace::{Options, Statuses, Time};

/// The same bytes again and again, but for some pages that are not there.
#[derive(Clone, Debug)]
struct Anywhere(Vec<u8>);

impl Memory for Anywhere {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        if self.0.is_empty() || address & 0x7000 == 0x7000 {
            return 0;
        }
        for (at, byte) in buffer.iter_mut().enumerate() {
            *byte = self.0[(address as usize).wrapping_add(at) % self.0.len()];
        }
        buffer.len()
    }
}

fn word() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..64, any::<u64>(), 0x1000_u64..0x9000]
}

fn seen() -> impl Strategy<Value = Seen> {
    let call = prop_oneof![
        (Just(Abi::I386), prop_oneof![Just(102_u32), 337_u32..=417, Just(359), Just(371)]),
        (Just(Abi::X86_64), prop_oneof![41_u32..=55, Just(288), Just(299), Just(307)]),
        (Just(Abi::X32), (41_u32..=55).prop_map(|number| number | Abi::X32_BIT)),
        (Just(Abi::X32), (517_u32..=542).prop_map(|number| number | Abi::X32_BIT)),
    ];
    (call, prop::array::uniform6(word())).prop_map(|((abi, number), registers)| Seen {
        abi,
        number,
        registers,
        entry: if abi == Abi::I386 { Entry::Vdso } else { Entry::X86_64 },
        taken_apart: None,
    })
}

#[derive(Clone, Debug)]
enum Happening {
    Enter(Seen, Vec<u8>),
    Exit(i64),
    Refused(String),
    Signal(Vec<u8>),
    Attached(bool),
    Detached,
    Mode(Abi),
    Stopped(i32),
    Ending,
    Exited(i32),
    Killed(i32, bool),
    Superseded(i32),
}

fn happening() -> impl Strategy<Value = Happening> {
    let result = prop_oneof![0_i64..100, -600_i64..0, any::<i64>()];
    prop_oneof![
        6 => (seen(), prop::collection::vec(any::<u8>(), 0..80)).prop_map(|(seen, bytes)| Happening::Enter(seen, bytes)),
        5 => result.prop_map(Happening::Exit),
        1 => any::<String>().prop_map(Happening::Refused),
        1 => prop::collection::vec(any::<u8>(), 128).prop_map(Happening::Signal),
        1 => any::<bool>().prop_map(Happening::Attached),
        1 => Just(Happening::Detached),
        1 => prop::sample::select(vec![Abi::I386, Abi::X86_64, Abi::X32]).prop_map(Happening::Mode),
        1 => any::<i32>().prop_map(Happening::Stopped),
        1 => Just(Happening::Ending),
        1 => any::<i32>().prop_map(Happening::Exited),
        1 => (any::<i32>(), any::<bool>()).prop_map(|(signal, core)| Happening::Killed(signal, core)),
        1 => (1..4_i32).prop_map(Happening::Superseded),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let names = prop::sample::select(vec![Names::Raw, Names::Abbreviated, Names::Verbose]);
    let strings = prop::sample::select(vec![Strings::Plain, Strings::HexIfNeeded, Strings::Hex]);
    let time = prop::sample::select(vec![Time::None, Time::Clock { digits: 6 }, Time::Unix { digits: 0 }]);
    let statuses = prop::sample::select(vec![Statuses::ALL, Statuses { failed: true, ..Statuses::NONE }]);
    let flags = prop::array::uniform6(any::<bool>());
    (names, strings, time, statuses, flags, 0..90_usize).prop_map(
        |(names, strings, time, statuses, [beyond, follow, relative, duration, numbers, entry], column)| {
            Options {
                style: Style { names, strings, beyond },
                time,
                statuses,
                follow,
                relative: relative.then_some(6),
                duration: duration.then_some(3),
                numbers,
                entry,
                column,
                ..Options::default()
            }
        },
    )
}

/// Tells a recorder of all of it. Calls return only if they were made, as from an engine.
fn record(options: Options, happenings: &[(i32, Happening)]) -> String {
    let mut recording = Recording::new(options);
    let mut under_way = std::collections::HashMap::new();
    for (tid, happening) in happenings {
        let tid = *tid;
        match happening {
            Happening::Enter(seen, bytes) => {
                let memory = Anywhere(bytes.clone());
                if Asked::of(*seen, &memory).is_some() {
                    let request = entered(*seen, &memory);
                    recording.event(tid, What::Enter(&request));
                    under_way.insert(tid, (request, memory));
                }
            }
            Happening::Exit(result) => {
                if let Some((request, memory)) = under_way.remove(&tid) {
                    let request = exit(request, *result, &memory);
                    recording.event(tid, What::Exit { request: &request, took: 5, system: 1 });
                }
            }
            Happening::Refused(rule) => {
                if let Some((request, _)) = under_way.remove(&tid) {
                    recording.event(tid, What::Refused { request: &request, rule });
                }
            }
            Happening::Signal(info) => {
                recording.event(tid, What::Signal(info.as_slice().try_into().unwrap()));
            }
            Happening::Attached(by_us) => {
                recording.event(tid, What::Attached { by_us: *by_us });
            }
            Happening::Detached => {
                recording.event(tid, What::Detached);
            }
            Happening::Mode(abi) => {
                recording.event(tid, What::Mode(*abi));
            }
            Happening::Stopped(signal) => {
                recording.event(tid, What::Stopped(*signal));
            }
            Happening::Ending => {
                recording.event(tid, What::Ending);
            }
            Happening::Exited(status) => {
                recording.event(tid, What::Exited(*status));
            }
            Happening::Killed(signal, core) => {
                recording.event(tid, What::Killed { signal: *signal, core: *core });
            }
            Happening::Superseded(by) => {
                recording.event(tid, What::Superseded { by: *by });
            }
        }
    }
    recording.end()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_lines(options in options(), happenings in prop::collection::vec((1..4_i32, happening()), 0..40)) {
        let text = record(Options { quiet: trace::Quiet { attach: true, ..options.quiet }, ..options }, &happenings);
        // Nothing of the program's reaches the output unescaped.
        prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }

    #[test]
    fn objects_can_be_read(options in options(), happenings in prop::collection::vec((1..4_i32, happening()), 0..40)) {
        let text = record(Options { json: true, ..options }, &happenings);
        for line in text.lines() {
            let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            prop_assert!(object["event"].is_string() && object["pid"].is_i64());
            let again: serde_json::Value = serde_json::from_str(&object.to_string()).unwrap();
            prop_assert_eq!(object, again);
        }
    }
}
