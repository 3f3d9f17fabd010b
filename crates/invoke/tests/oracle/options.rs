//! setsockopt and getsockopt.

use abi::{Call, Errno};

use super::world::World;
use super::{Case, any, case, fails};

const BAD: u32 = u32::MAX;
const SOL_SOCKET: u32 = 1;
const SOL_IP: u32 = 0;
const SOL_IPV6: u32 = 41;
const RCVTIMEO_OLD: u32 = 20;
const SNDTIMEO_OLD: u32 = 21;
const ATTACH_FILTER: u32 = 26;
const ATTACH_REUSEPORT_CBPF: u32 = 51;

fn udp(w: &mut World) -> u32 {
    w.udp(libc::AF_INET)[0]
}

/// setsockopt's words at a UDP socket.
fn set(w: &mut World, level: u32, name: u32, value: &[u8]) -> Vec<u32> {
    let fd = udp(w);
    vec![fd, level, name, w.put(value), value.len() as u32]
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// A program that takes 7 bytes of each datagram, and its `sock_fprog`.
fn filter(w: &mut World, len: u32) -> Vec<u8> {
    // BPF_RET | BPF_K
    let program = w.put_words(&[6, 7, 6, 7]);
    bytes(&[len, program])
}

/// A `sockaddr_storage`.
fn address(ip: &[u8]) -> [u8; 128] {
    let mut address = [0; 128];
    match ip.len() {
        4 => {
            address[0] = libc::AF_INET as u8;
            address[4..8].copy_from_slice(ip);
        }
        _ => {
            address[0] = libc::AF_INET6 as u8;
            address[8..24].copy_from_slice(ip);
        }
    }
    address
}

const GROUP: [u8; 4] = [239, 1, 2, 3];
const GROUP6: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9];

/// A `group_req`, or with a source a `group_source_req`, of the 32-bit layout. Loopback is interface 1.
fn group(ip: &[u8], source: Option<&[u8]>) -> Vec<u8> {
    let mut value = 1u32.to_ne_bytes().to_vec();
    value.extend(address(ip));
    value.extend(source.map(address).into_iter().flatten());
    value
}

/// A `group_filter` of the 32-bit layout.
fn group_filter(ip: &[u8], mode: u32, count: u32, sources: &[&[u8]]) -> Vec<u8> {
    let mut value = group(ip, None);
    value.extend(bytes(&[mode, count]));
    value.extend(sources.iter().flat_map(|source| address(source)));
    value
}

fn set_by_kernel(fd: u32, level: u32, name: u32, value: &[u8]) {
    let args = [fd, level, name, value.len() as u32];
    let mut region = invoke::low::Region::new(value.len()).unwrap();
    region.bytes()[..value.len()].copy_from_slice(value);
    // SAFETY: the value and its length.
    let set = unsafe {
        invoke::socketcall(
            invoke::Int80,
            Call::Setsockopt,
            &[args[0], args[1], args[2], region.address(), args[3]],
        )
    };
    assert_eq!(set, Ok(0), "{level}, {name}");
}

/// A UDP socket that has joined the group.
fn joined(w: &mut World) -> u32 {
    let fd = udp(w);
    set_by_kernel(fd, SOL_IP, 42, &group(&GROUP, None));
    fd
}

/// One that hears some sources only.
fn filtering(w: &mut World) -> u32 {
    let fd = udp(w);
    for last in [1, 2, 3] {
        set_by_kernel(fd, SOL_IP, 46, &group(&GROUP, Some(&[10, 0, 0, last])));
    }
    fd
}

fn joined6(w: &mut World) -> u32 {
    let fd = w.udp(libc::AF_INET6)[0];
    set_by_kernel(fd, SOL_IPV6, 46, &group(&GROUP6, Some(&[7; 16])));
    fd
}

/// A server's end of a TCP connection that was told the facts of its first packet.
fn told(w: &mut World) -> u32 {
    w.tcp(libc::AF_INET, |listener| {
        for option in [libc::IP_PKTINFO, libc::IP_RECVTTL, libc::IP_RECVTOS] {
            let value = 1;
            // SAFETY: an int.
            let set = unsafe {
                libc::setsockopt(listener as i32, libc::IPPROTO_IP, option, (&raw const value).cast(), 4)
            };
            assert_eq!(set, 0);
        }
    })[1]
}

fn told6(w: &mut World) -> u32 {
    w.tcp(libc::AF_INET6, |listener| {
        // IPV6_2292PKTINFO, IPV6_2292HOPLIMIT, IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT
        for option in [2, 8, 49, 51] {
            let value = 1;
            // SAFETY: an int.
            let set = unsafe {
                libc::setsockopt(listener as i32, libc::IPPROTO_IPV6, option, (&raw const value).cast(), 4)
            };
            assert_eq!(set, 0);
        }
    })[1]
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![];
    cases.extend(setting());
    cases.extend(getting());
    for room in [0, 4, 8, 11, 12, 16, 20, 24, 30, 40, 64, 200] {
        cases.push(case(Call::Getsockopt, format!("IP_PKTOPTIONS, room for {room}"), move |w| {
            vec![told(w), SOL_IP, 9, w.room(200), w.put_words(&[room])]
        }));
        cases.push(case(Call::Getsockopt, format!("IPV6_2292PKTOPTIONS, room for {room}"), move |w| {
            vec![told6(w), SOL_IPV6, 6, w.room(200), w.put_words(&[room])]
        }));
    }
    for len in 0..20 {
        cases.push(any(Call::Getsockopt, format!("SO_RCVTIMEO_OLD, room for {len}"), move |w| {
            let fd = udp(w);
            w.set_timeout(fd);
            vec![fd, SOL_SOCKET, RCVTIMEO_OLD, w.room(32), w.put_words(&[len])]
        }));
        cases.push(any(Call::Setsockopt, format!("SO_SNDTIMEO_OLD of {len} bytes"), move |w| {
            let mut words = set(w, SOL_SOCKET, SNDTIMEO_OLD, &bytes(&[3, 500_000, 0, 0, 0]));
            words[4] = len;
            words
        }));
        cases.push(any(Call::Setsockopt, format!("SO_ATTACH_FILTER of {len} bytes"), move |w| {
            let mut value = filter(w, 1);
            value.resize(20, 0);
            let mut words = set(w, SOL_SOCKET, ATTACH_FILTER, &value);
            words[4] = len;
            words
        }));
    }
    for count in 0..5 {
        cases.push(case(Call::Getsockopt, format!("MCAST_MSFILTER, {count} sources wanted"), move |w| {
            let fd = filtering(w);
            let mut value = group_filter(&GROUP, 7, count, &[]);
            value.resize(140 + 128 * count as usize, 0xaa);
            vec![fd, SOL_IP, 48, w.put(&value), w.put_words(&[value.len() as u32])]
        }));
    }
    for len in [0, 1, 4, 5, 8, 131, 132, 133, 136, 139, 140, 259, 260, 264, 1000] {
        for name in 42..=48 {
            cases.push(any(Call::Setsockopt, format!("MCAST option {name} of {len} bytes"), move |w| {
                let value = match name {
                    42 | 45 => group(&GROUP, None),
                    48 => group_filter(&GROUP, 1, 1, &[&[10, 0, 0, 1]]),
                    _ => group(&GROUP, Some(&[10, 0, 0, 1])),
                };
                let mut value = value;
                value.resize(1000, 0);
                let mut words = set(w, SOL_IP, name, &value);
                words[0] = joined(w);
                words[4] = len;
                words
            }));
        }
    }
    cases
}

fn setting() -> Vec<Case> {
    vec![
        case(Call::Setsockopt, "one layout", |w| set(w, SOL_SOCKET, 2, &bytes(&[1]))),
        fails(Call::Setsockopt, Errno::EBADF, "bad descriptor", |w| {
            vec![BAD, SOL_SOCKET, 2, w.unreadable(), 4]
        }),
        case(Call::Setsockopt, "SO_RCVTIMEO_OLD", |w| {
            set(w, SOL_SOCKET, RCVTIMEO_OLD, &bytes(&[3, 500_000]))
        }),
        case(Call::Setsockopt, "SO_RCVTIMEO_OLD, negative", |w| {
            set(w, SOL_SOCKET, RCVTIMEO_OLD, &bytes(&[BAD, 0]))
        }),
        fails(Call::Setsockopt, Errno::EDOM, "SO_RCVTIMEO_OLD, too many microseconds", |w| {
            set(w, SOL_SOCKET, RCVTIMEO_OLD, &bytes(&[3, 1_000_000]))
        }),
        fails(Call::Setsockopt, Errno::EFAULT, "SO_RCVTIMEO_OLD, unreadable", |w| {
            vec![udp(w), SOL_SOCKET, RCVTIMEO_OLD, w.unreadable(), 8]
        }),
        fails(Call::Setsockopt, Errno::EBADF, "SO_RCVTIMEO_OLD, bad descriptor first", |w| {
            vec![BAD, SOL_SOCKET, RCVTIMEO_OLD, w.unreadable(), 8]
        }),
        any(Call::Setsockopt, "SO_RCVTIMEO_OLD, negative length", |w| {
            let mut words = set(w, SOL_SOCKET, RCVTIMEO_OLD, &bytes(&[3, 0]));
            words[4] = BAD;
            words
        }),
        case(Call::Setsockopt, "SO_RCVTIMEO_NEW", |w| set(w, SOL_SOCKET, 66, &bytes(&[3, 0, 500_000, 0]))),
        case(Call::Setsockopt, "SO_ATTACH_FILTER", |w| {
            let value = filter(w, 2);
            set(w, SOL_SOCKET, ATTACH_FILTER, &value)
        }),
        case(Call::Setsockopt, "SO_ATTACH_FILTER, rubbish in the padding", |w| {
            let value = filter(w, 0xdead_0002);
            set(w, SOL_SOCKET, ATTACH_FILTER, &value)
        }),
        fails(Call::Setsockopt, Errno::EINVAL, "SO_ATTACH_FILTER, no instruction", |w| {
            let value = filter(w, 0);
            set(w, SOL_SOCKET, ATTACH_FILTER, &value)
        }),
        fails(Call::Setsockopt, Errno::EFAULT, "SO_ATTACH_FILTER, a program that can't be read", |w| {
            let value = bytes(&[1, w.unreadable()]);
            set(w, SOL_SOCKET, ATTACH_FILTER, &value)
        }),
        any(Call::Setsockopt, "SO_ATTACH_REUSEPORT_CBPF", |w| {
            let value = filter(w, 1);
            set(w, SOL_SOCKET, ATTACH_REUSEPORT_CBPF, &value)
        }),
        case(Call::Setsockopt, "MCAST_JOIN_GROUP", |w| set(w, SOL_IP, 42, &group(&GROUP, None))),
        case(Call::Setsockopt, "MCAST_LEAVE_GROUP", |w| {
            let mut words = set(w, SOL_IP, 45, &group(&GROUP, None));
            words[0] = joined(w);
            words
        }),
        fails(Call::Setsockopt, Errno::EADDRINUSE, "MCAST_JOIN_GROUP twice", |w| {
            let mut words = set(w, SOL_IP, 42, &group(&GROUP, None));
            words[0] = joined(w);
            words
        }),
        fails(Call::Setsockopt, Errno::EINVAL, "MCAST_JOIN_GROUP, no group's address", |w| {
            set(w, SOL_IP, 42, &group(&[10, 0, 0, 1], None))
        }),
        case(Call::Setsockopt, "MCAST_JOIN_SOURCE_GROUP", |w| {
            set(w, SOL_IP, 46, &group(&GROUP, Some(&[10, 0, 0, 1])))
        }),
        case(Call::Setsockopt, "MCAST_BLOCK_SOURCE", |w| {
            let mut words = set(w, SOL_IP, 43, &group(&GROUP, Some(&[10, 0, 0, 1])));
            words[0] = joined(w);
            words
        }),
        case(Call::Setsockopt, "MCAST_MSFILTER", |w| {
            let value = group_filter(&GROUP, 1, 2, &[&[10, 0, 0, 1], &[10, 0, 0, 2]]);
            let mut words = set(w, SOL_IP, 48, &value);
            words[0] = filtering(w);
            words
        }),
        case(Call::Setsockopt, "MCAST_JOIN_SOURCE_GROUP, IPv6", |w| {
            let fd = w.udp(libc::AF_INET6)[0];
            let value = group(&GROUP6, Some(&[7; 16]));
            vec![fd, SOL_IPV6, 46, w.put(&value), value.len() as u32]
        }),
        case(Call::Setsockopt, "MCAST_MSFILTER, IPv6", |w| {
            let fd = joined6(w);
            let value = group_filter(&GROUP6, 1, 2, &[&[8; 16], &[9; 16]]);
            vec![fd, SOL_IPV6, 48, w.put(&value), value.len() as u32]
        }),
        fails(Call::Setsockopt, Errno::EBADF, "MCAST_JOIN_GROUP, bad descriptor first", |w| {
            vec![BAD, SOL_IP, 42, w.unreadable(), 132]
        }),
        fails(Call::Setsockopt, Errno::EFAULT, "MCAST_JOIN_GROUP, unreadable", |w| {
            vec![udp(w), SOL_IP, 42, w.unreadable(), 132]
        }),
        any(Call::Setsockopt, "MCAST_MSFILTER, far too long", |w| {
            let mut words = set(w, SOL_IP, 48, &group_filter(&GROUP, 1, 0, &[]));
            words[4] = 0x100_0000;
            words
        }),
        any(Call::Setsockopt, "an option of a family that the socket has not", |w| {
            let fd = w.pair(libc::SOCK_DGRAM)[0];
            vec![fd, SOL_IP, 42, w.put(&group(&GROUP, None)), 132]
        }),
    ]
}

fn getting() -> Vec<Case> {
    vec![
        case(Call::Getsockopt, "one layout", |w| vec![udp(w), SOL_SOCKET, 3, w.room(8), w.put_words(&[8])]),
        fails(Call::Getsockopt, Errno::EFAULT, "SO_RCVTIMEO_OLD, no length", |w| {
            vec![udp(w), SOL_SOCKET, RCVTIMEO_OLD, w.room(8), w.unreadable()]
        }),
        fails(Call::Getsockopt, Errno::EFAULT, "SO_RCVTIMEO_OLD, no room", |w| {
            vec![udp(w), SOL_SOCKET, RCVTIMEO_OLD, w.unreadable(), w.put_words(&[8])]
        }),
        fails(Call::Getsockopt, Errno::EINVAL, "SO_RCVTIMEO_OLD, negative room", |w| {
            vec![udp(w), SOL_SOCKET, RCVTIMEO_OLD, w.room(8), w.put_words(&[BAD])]
        }),
        fails(Call::Getsockopt, Errno::EBADF, "SO_RCVTIMEO_OLD, bad descriptor first", |w| {
            vec![BAD, SOL_SOCKET, RCVTIMEO_OLD, w.room(8), w.unreadable()]
        }),
        fails(Call::Getsockopt, Errno::EADDRNOTAVAIL, "MCAST_MSFILTER of no group", |w| {
            let value = group_filter(&GROUP, 1, 0, &[]);
            vec![udp(w), SOL_IP, 48, w.put(&value), w.put_words(&[140])]
        }),
        fails(Call::Getsockopt, Errno::EINVAL, "MCAST_MSFILTER, too little room", |w| {
            let value = group_filter(&GROUP, 1, 0, &[]);
            vec![filtering(w), SOL_IP, 48, w.put(&value), w.put_words(&[139])]
        }),
        case(Call::Getsockopt, "MCAST_MSFILTER, IPv6", |w| {
            let fd = joined6(w);
            let mut value = group_filter(&GROUP6, 7, 2, &[]);
            value.resize(140 + 256, 0xaa);
            vec![fd, SOL_IPV6, 48, w.put(&value), w.put_words(&[value.len() as u32])]
        }),
        any(Call::Getsockopt, "IP_PKTOPTIONS of datagrams", |w| {
            vec![udp(w), SOL_IP, 9, w.room(100), w.put_words(&[100])]
        }),
        fails(Call::Getsockopt, Errno::EINVAL, "IP_PKTOPTIONS, negative room", |w| {
            vec![told(w), SOL_IP, 9, w.room(100), w.put_words(&[BAD])]
        }),
    ]
}
