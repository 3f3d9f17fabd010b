use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use proptest::prelude::*;

use super::*;
use crate::text::{self, Names, Style};
use crate::{Abi, Descriptors, Limits, Memory, Unknown};

/// Memory from one address on.
struct From(u64, Vec<u8>);

impl Memory for From {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        let offset = address.checked_sub(self.0).and_then(|offset| usize::try_from(offset).ok());
        let there = offset.and_then(|offset| self.1.get(offset..)).unwrap_or(&[]);
        let length = there.len().min(buffer.len());
        buffer[..length].copy_from_slice(&there[..length]);
        length
    }
}

fn shown(memory: &From, pointer: u64, length: i32, style: &Style, abi: Abi) -> String {
    let context = Context { memory, abi, limits: Limits::default(), descriptors: &Unknown };
    let mut out = String::new();
    text::value(&mut out, &decode(&context, pointer, length), style);
    out
}

/// An address of `family`, with `rest` behind it.
fn of(family: u16, rest: &[u8]) -> Vec<u8> {
    [&family.to_le_bytes(), rest].concat()
}

#[test]
fn unix_as_the_kernel_reads_it() {
    let unix = |rest: &[u8]| Address::parse(&of(1, rest));
    assert_eq!(unix(b""), Address::Unix(Unix::Unnamed));
    assert_eq!(unix(b"/run/x\0junk"), Address::Unix(Unix::Path(b"/run/x".into())));
    // A path may fill the structure, and then needs no zero byte; a longer address is none.
    assert_eq!(unix(&[b'x'; 108]), Address::Unix(Unix::Path(vec![b'x'; 108])));
    assert!(matches!(unix(&[b'x'; 109]), Address::Other(_)));
    // Of an abstract name every byte counts.
    assert_eq!(unix(b"\0"), Address::Unix(Unix::Abstract(vec![])));
    assert_eq!(unix(b"\0a\0b\0"), Address::Unix(Unix::Abstract(b"a\0b\0".into())));
}

#[test]
fn inet_as_the_kernel_reads_it() {
    let rest = [0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let localhost = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80);
    assert_eq!(Address::parse(&of(2, &rest)), Address::Inet(localhost));
    assert_eq!(Address::parse(&of(2, &rest[..13])), Address::Other(of(2, &rest[..13])));
    // What sendto takes AF_UNSPEC for.
    assert_eq!(Address::parse(&of(0, &rest)).as_inet(), Some(localhost));
    assert_eq!(Address::parse(&of(0, &rest[..13])).as_inet(), None);
}

#[test]
fn inet6_as_the_kernel_reads_it() {
    let mut rest = vec![0x1f, 0x90, 0, 0, 0, 5];
    rest.extend(Ipv6Addr::LOCALHOST.octets());
    rest.extend(7u32.to_le_bytes());
    let read = |length: usize| match Address::parse(&of(10, &rest[..length - 2])) {
        Address::Inet6(address) => Some(address.address),
        _ => None,
    };
    let address =
        |scope| Some(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 8080, u32::from_le_bytes([0, 0, 0, 5]), scope));
    assert_eq!([28, 27, 24, 23].map(read), [address(7), address(0), address(0), None]);

    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped().octets();
    let mapped = Address::parse(&of(10, &[&rest[..6], &mapped, &[0; 4]].concat()));
    assert_eq!(mapped.as_inet(), Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080)));
}

#[test]
fn others_as_the_kernel_reads_them() {
    let mut vsock = vec![0; 14];
    vsock[2..10].copy_from_slice(&[1, 4, 0, 0, 2, 0, 0, 0]);
    match Address::parse(&of(40, &vsock)) {
        Address::Vsock(Vsock { cid: 2, port: 1025, flags: 0, .. }) => {}
        other => panic!("{other:?}"),
    }
    let mut alg = b"hash\0\0\0\0\0\0\0\0\0\0".to_vec();
    alg.extend([0; 8]);
    alg.extend(b"sha256\0\0");
    match Address::parse(&of(38, &alg)) {
        Address::Alg(alg) => assert_eq!((alg.type_name(), alg.name()), (&b"hash"[..], &b"sha256"[..])),
        other => panic!("{other:?}"),
    }
    match Address::parse(&of(16, &[0, 0, 9, 0, 0, 0, 1, 0, 0, 0])) {
        Address::Netlink(Netlink { port: 9, groups: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(Address::parse(&[]).family(), 0);
    assert_eq!(Address::parse(&[2]).family(), 0);
    assert_eq!(Address::parse(&of(0x1234, b"x")).family(), 0x1234);
    // No family has an address as long as this.
    assert!(matches!(Address::parse(&of(2, &[0; 127])), Address::Other(_)));
}

#[test]
fn lengths_and_pointers() {
    let memory = From(0x1000, of(2, &[0; 14]));
    let plain = |pointer, length| shown(&memory, pointer, length, &Style::default(), Abi::I386);
    assert_eq!(plain(0, 16), "NULL");
    assert_eq!([-1, 0, 1].map(|length| plain(0x1000, length)), ["0x1000"; 3]);
    assert_eq!(plain(0x1000, 17), "0x1000");
    assert_eq!(plain(0x2000, 16), "0x2000");
    assert_eq!(plain(0x1000, 2), "{sa_family=AF_INET}");
    assert_eq!(plain(0x1000, 16), r#"{sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("0.0.0.0")}"#);
}

#[test]
fn what_strace_leaves_is_shown_in_full() {
    struct Interfaces;
    impl Descriptors for Interfaces {
        fn interface(&self, index: u32) -> Option<String> {
            (index == 3).then(|| "can0".into())
        }
    }
    let memory = From(0x1000, of(29, &[0, 0, 3, 0, 0, 0, 1, 2, 0, 0, 4, 5, 0, 0]));
    let context =
        Context { memory: &memory, abi: Abi::I386, limits: Limits::default(), descriptors: &Interfaces };
    let mut out = String::new();
    text::value(&mut out, &decode(&context, 0x1000, 16), &Style { beyond: true, ..Style::default() });
    assert_eq!(
        out,
        "{sa_family=AF_CAN, can_ifindex=if_nametoindex(\"can0\"), can_addr={tp={rx_id=0x201, tx_id=0x504}}}"
    );
}

#[test]
fn many_are_abbreviated() {
    let stations = [[b'A' << 1; 7], [b'B' << 1; 7], [b'C' << 1; 7]].concat();
    let memory = From(0x1000, of(3, &[&[b'X' << 1; 7][..], &[0; 3], &[3, 0, 0, 0], &stations].concat()));
    let shown = |elements, verbose| {
        let limits = Limits { elements, verbose, ..Limits::default() };
        let context = Context { memory: &memory, abi: Abi::I386, limits, descriptors: &Unknown };
        let style = Style { names: Names::Raw, ..Style::default() };
        let mut out = String::new();
        text::value(&mut out, &decode(&context, 0x1000, 37), &style);
        (out.matches("ax25_call").count() - 2, out.ends_with(", ...]}"))
    };
    assert_eq!(shown(32, false), (3, false));
    assert_eq!(shown(2, false), (2, true));
    assert_eq!(shown(2, true), (3, false));
}

proptest! {
    #[test]
    fn any_bytes_are_an_address(
        family in prop_oneof![0u16..64, any::<u16>()],
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = of(family, &rest);
        prop_assert_eq!(Address::parse(&bytes).family(), family);
    }

    #[test]
    fn whatever_lies_there_is_shown_in_bounds(
        family in prop_oneof![0u16..64, any::<u16>()],
        rest in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..300),
        offset in -4i64..310,
        length in prop_oneof![0i32..140, any::<i32>()],
        names in prop_oneof![Just(Names::Raw), Just(Names::Abbreviated), Just(Names::Verbose)],
        abi in prop_oneof![Just(Abi::I386), Just(Abi::X86_64)],
        beyond in any::<bool>(),
    ) {
        let memory = From(0x1000, of(family, &rest));
        let style = Style { names, beyond, ..Style::default() };
        let out = shown(&memory, 0x1000u64.wrapping_add_signed(offset), length, &style, abi);
        // A byte is at most `0xff, ` in an array, and names and comments of the fields come to less than the rest.
        prop_assert!(out.len() < 6 * LONGEST + 600, "{} bytes: {out}", out.len());
    }
}
