//! What strace shows as bytes, in full.

use decode::text::{self, Style};
use decode::{Abi, Asked, Context, Descriptors, Entry, Limits, Memory, Request, Seen};

struct Bytes(Vec<u8>);

const START: u64 = 0x1000;

impl Memory for Bytes {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        let start = address.checked_sub(START).and_then(|offset| usize::try_from(offset).ok());
        let Some(rest) = start.and_then(|start| self.0.get(start..)) else { return 0 };
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        length
    }
}

struct Loopback;

impl Descriptors for Loopback {
    fn interface(&self, index: u32) -> Option<String> {
        (index == 1).then(|| "lo".to_owned())
    }
}

/// The control message of a sendmsg of x86-64, as strace shows it and in full.
fn shown(level: u32, number: u32, data: &[u8]) -> [String; 2] {
    let mut memory = vec![0; 56];
    let control = START + memory.len() as u64;
    memory[32..40].copy_from_slice(&control.to_le_bytes());
    memory[40..48].copy_from_slice(&(16 + data.len() as u64).to_le_bytes());
    memory.extend((16 + data.len() as u64).to_le_bytes());
    memory.extend(level.to_le_bytes());
    memory.extend(number.to_le_bytes());
    memory.extend(data);
    let memory = Bytes(memory);
    let seen = Seen {
        abi: Abi::X86_64,
        number: 46,
        registers: [3, START, 0, 0, 0, 0],
        entry: Entry::X86_64,
        taken_apart: None,
    };
    let asked = Asked::of(seen, &memory).unwrap();
    let context =
        Context { memory: &memory, abi: seen.abi, limits: Limits::default(), descriptors: &Loopback };
    let request = Request::enter(asked, &context);
    [false, true].map(|beyond| {
        let mut out = String::new();
        text::arguments(&mut out, &request, 0, &Style { beyond, ..Style::default() });
        let start = out.find("cmsg_level=").unwrap();
        let end = out.find("], msg_controllen").unwrap();
        out[start..end].to_owned()
    })
}

#[test]
fn ipv6() {
    let mut pktinfo = [0; 20];
    pktinfo[15] = 1;
    pktinfo[16] = 1;
    assert_eq!(
        shown(41, 50, &pktinfo),
        [
            r#"cmsg_level=SOL_IPV6, cmsg_type=0x32, cmsg_data="\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00"}"#,
            r#"cmsg_level=SOL_IPV6, cmsg_type=IPV6_PKTINFO, cmsg_data={inet_pton(AF_INET6, "::1", &ipi6_addr), ipi6_ifindex=if_nametoindex("lo")}}"#,
        ]
    );
    assert_eq!(
        shown(41, 52, &[64, 0, 0, 0])[1],
        "cmsg_level=SOL_IPV6, cmsg_type=IPV6_HOPLIMIT, cmsg_data=[64]}"
    );
    // Too short for what it says it is, and of a kind that nobody knows.
    assert_eq!(shown(41, 52, &[64])[1], r#"cmsg_level=SOL_IPV6, cmsg_type=IPV6_HOPLIMIT, cmsg_data="\x40"}"#);
    let [plain, full] = shown(41, 200, &[1]);
    assert_eq!(plain, full);
}

#[test]
fn other_levels() {
    let full = |level, number, data: &[u8]| shown(level, number, data)[1].clone();
    assert_eq!(full(17, 103, &[0xb0, 4]), "cmsg_level=SOL_UDP, cmsg_type=UDP_SEGMENT, cmsg_data=[1200]}");
    assert_eq!(
        full(282, 2, &[23]),
        "cmsg_level=SOL_TLS, cmsg_type=TLS_GET_RECORD_TYPE, cmsg_data=[TLS_RECORD_TYPE_DATA]}"
    );
    assert_eq!(
        full(1, 61, &[1, 0, 0, 0, 0, 0, 0, 0]),
        "cmsg_level=SOL_SOCKET, cmsg_type=SO_TXTIME, cmsg_data=1}"
    );
}
