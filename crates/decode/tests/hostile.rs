//! Whatever a program gives a call, decoding it ends, and soon: any registers, any memory.

use std::cell::Cell;

use decode::text::{self, Names, Strings, Style};
use decode::{Abi, Asked, Context, Descriptors, Entry, Limits, Memory, Request, Seen, signal};
use proptest::prelude::*;

/// Where memory begins.
const START: u64 = 0x1000;

/// Memory that holds the same bytes over and over, so that every length can be read, however long.
struct Endless {
    bytes: Vec<u8>,
    /// The last address.
    end: u64,
    read: Cell<u64>,
}

impl Memory for Endless {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        let Some(offset) = address.checked_sub(START) else { return 0 };
        let left = self.end.saturating_sub(address);
        let length = left.min(buffer.len() as u64) as usize;
        let start = offset as usize % self.bytes.len();
        let mut filled = 0;
        for part in [&self.bytes[start..]].into_iter().chain(std::iter::repeat(&self.bytes[..])) {
            if filled == length {
                break;
            }
            let piece = part.len().min(length - filled);
            buffer[filled..filled + piece].copy_from_slice(&part[..piece]);
            filled += piece;
        }
        self.read.set(self.read.get() + length as u64);
        length
    }
}

/// Every descriptor is a netlink socket of this protocol.
struct Netlink(Option<u32>);

impl Descriptors for Netlink {
    fn netlink(&self, _: i32) -> Option<u32> {
        self.0
    }

    fn interface(&self, index: u32) -> Option<String> {
        (index == 1).then(|| "lo".to_owned())
    }
}

/// Words that mean something: addresses in memory, small numbers, limits.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => (START..START + 600).prop_map(|address| address & !3),
        4 => 0_u64..48,
        1 => prop_oneof![Just(u64::MAX), Just(u64::from(u32::MAX)), Just(1 << 31), Just(i64::MAX as u64)],
        1 => any::<u64>(),
    ]
}

/// Memory that is full of words of either size.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        word().prop_map(|word| word.to_le_bytes().to_vec()),
        word().prop_map(|word| (word as u32).to_le_bytes().to_vec()),
        word().prop_map(|word| (word as u16).to_le_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 8..120).prop_map(|pieces| {
        let mut bytes = pieces.concat();
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    })
}

fn seen() -> impl Strategy<Value = Seen> {
    let i386 = prop_oneof![Just(102_u32), Just(417), Just(337), Just(345), 359_u32..=373];
    let x86_64 = prop_oneof![41_u32..=55, Just(288), Just(299), Just(307)];
    let abi = prop_oneof![
        i386.prop_map(|number| (Abi::I386, number, Entry::Direct)),
        x86_64.clone().prop_map(|number| (Abi::X86_64, number, Entry::X86_64)),
        prop_oneof![x86_64, 512_u32..=547].prop_map(|number| (Abi::X32, number | Abi::X32_BIT, Entry::X32)),
    ];
    (abi, prop::array::uniform6(word())).prop_map(|((abi, number, entry), mut registers)| {
        if number == 102 {
            registers[0] %= 21;
        }
        Seen { abi, number, registers, entry, taken_apart: None }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_call(
        seen in seen(),
        before in bytes(),
        after in bytes(),
        ends in prop_oneof![Just(u64::MAX), START..START + 2000],
        result in prop_oneof![-600_i64..600, any::<i64>()],
        netlink in prop_oneof![Just(None), (0_u32..24).prop_map(Some)],
        verbose: bool,
    ) {
        let [before, after] = [before, after].map(|bytes| Endless { bytes, end: ends, read: Cell::new(0) });
        let Some(asked) = Asked::of(seen, &before) else { return Ok(()) };
        let limits = Limits { verbose, ..Limits::default() };
        let system = Netlink(netlink);
        let context =
            |memory| Context { memory, abi: seen.abi, limits, descriptors: &system };
        let mut request = Request::enter(asked, &context(&before));
        request.exit(result, &context(&after));
        prop_assert!(request.is_complete());
        let read = before.read.get() + after.read.get();
        prop_assert!(read < 4 << 20, "{} bytes were read", read);
        if read < 64 << 10 {
            for names in [Names::Raw, Names::Abbreviated, Names::Verbose] {
                let mut out = String::new();
                let style = Style { names, strings: Strings::Plain, beyond: names == Names::Verbose };
                let written = text::arguments(&mut out, &request, 0, &style);
                prop_assert_eq!(written, request.arguments.len());
                text::outcome(&mut out, request.outcome.as_ref(), &style);
                prop_assert!(!out.chars().any(char::is_control), "{}", out);
            }
        }
    }

    #[test]
    fn any_signal(
        number in 0_u8..70,
        code in prop_oneof![-70_i32..140, any::<i32>()],
        rest in prop::collection::vec(any::<u8>(), 116),
    ) {
        let mut info = [0; 128];
        info[0] = number;
        info[8..12].copy_from_slice(&code.to_le_bytes());
        info[12..].copy_from_slice(&rest);
        for abi in [Abi::I386, Abi::X86_64, Abi::X32] {
            let mut out = String::new();
            text::value(&mut out, &signal::info(&info, abi), &Style::default());
            let whole = out.starts_with('{') && out.ends_with('}');
            prop_assert!(whole);
        }
    }
}

/// Where the pieces of [`messages`] are, and what they show.
const PIECES: u64 = START + (32 << 10);

/// Up to 1,024 messages for sendmmsg(2) at [`START`], each of up to 1,024 pieces of `length` bytes. All pieces lie
/// in the same place.
fn messages(pieces: u32, length: u32) -> Endless {
    let message = [0, 0, PIECES as u32, pieces, 0, 0, 0, 0];
    let piece = [START as u32, length];
    let words = message.into_iter().cycle().take(8 << 10).chain(piece.into_iter().cycle().take(8 << 10));
    let bytes = words.flat_map(u32::to_le_bytes).collect();
    Endless { bytes, end: u64::MAX, read: Cell::new(0) }
}

/// How `count` messages are shown, and how many bytes were read for it.
fn sent(memory: &Endless, count: u64, bytes: usize) -> (String, u64) {
    const SENDMMSG: u32 = 345;
    let seen = Seen {
        abi: Abi::I386,
        number: SENDMMSG,
        registers: [3, START, count, 0, 0, 0],
        entry: Entry::Direct,
        taken_apart: None,
    };
    let asked = Asked::of(seen, memory).expect("a call");
    let limits = Limits { bytes, verbose: true, ..Limits::default() };
    let context = Context { memory, abi: Abi::I386, limits, descriptors: &Netlink(None) };
    let mut request = Request::enter(asked, &context);
    request.exit(count as i64, &context);
    let mut out = String::new();
    text::arguments(&mut out, &request, 0, &Style::default());
    (out, memory.read.get())
}

#[test]
fn strings_of_many_messages_are_bounded() {
    const MIB: u64 = 1 << 20;
    let (out, read) = sent(&messages(1024, 65536), 1024, 65536);
    assert!(read < 17 * MIB, "{read} bytes were read");
    assert!(out.len() < 100 << 20, "{} bytes were written", out.len());
    // The first pieces are shown, the others as if they could not be read.
    assert!(out.starts_with("3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"\\0"));
    assert!(out.contains("{iov_base=0x1000, iov_len=65536}"));
}

#[test]
fn what_people_send_is_shown_whole() {
    for (count, pieces, length, bytes) in
        [(32, 2, 65536, 65536), (1, 1, 20 << 20, 100_000_000), (1024, 1, 1500, 65536), (1024, 60, 4096, 32)]
    {
        let (out, _) = sent(&messages(pieces, length), count, bytes);
        assert!(!out.contains("iov_base=0x"), "{count} messages of {pieces} pieces of {length}");
    }
}
