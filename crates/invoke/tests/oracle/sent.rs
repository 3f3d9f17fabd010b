//! sendmsg and sendmmsg.

use abi::{Call, Errno};

use super::world::World;
use super::{Case, case, fails};

const DGRAM: i32 = libc::SOCK_DGRAM;
const BAD: u32 = u32::MAX;
const NO_SIGNAL: u32 = libc::MSG_NOSIGNAL as u32;
const CMSG_COMPAT: u32 = 1 << 31;

/// A control message of the 32-bit layout.
fn control(level: u32, ty: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = [12 + data.len() as u32, level, ty].map(u32::to_ne_bytes).concat();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn rights(descriptors: &[u32]) -> Vec<u8> {
    let numbers: Vec<u8> = descriptors.iter().flat_map(|fd| fd.to_ne_bytes()).collect();
    control(1, 1, &numbers)
}

/// sendmsg's words, for a message of five bytes that `change` may change.
fn hello(w: &mut World, change: impl Fn(&mut World, &mut [u32; 7])) -> Vec<u32> {
    let fd = w.pair(DGRAM)[0];
    let buffer = w.put(b"hello");
    let mut message = w.message(buffer, 5);
    change(w, &mut message);
    vec![fd, w.put_words(&message), NO_SIGNAL]
}

fn with_control(w: &mut World, bytes: &[u8]) -> Vec<u32> {
    hello(w, |w, m| (m[4], m[5]) = (w.put(bytes), bytes.len() as u32))
}

/// sendmmsg's words: `count` messages of a byte each.
fn many(w: &mut World, count: u32, change: impl Fn(&mut World, u32, &mut [u32; 8])) -> Vec<u32> {
    let fd = w.udp(libc::AF_INET)[0];
    let mut all = vec![];
    for n in 0..count {
        let buffer = w.put(&[b'a' + (n % 26) as u8]);
        let message = w.message(buffer, 1);
        let mut element = [0xaaaa_aaaa; 8];
        element[..7].copy_from_slice(&message);
        change(w, n, &mut element);
        all.extend(element);
    }
    vec![fd, w.put_words(&all), count, 0]
}

pub fn cases() -> Vec<Case> {
    vec![
        case(Call::Sendmsg, "one buffer", |w| hello(w, |_, _| {})),
        case(Call::Sendmsg, "three buffers, one empty", |w| {
            let parts = [w.put(b"one"), 3, 0, 0, w.put(b"three"), 5];
            hello(w, |w, m| (m[2], m[3]) = (w.put_words(&parts), 3))
        }),
        case(Call::Sendmsg, "no buffer", |w| hello(w, |_, m| (m[2], m[3]) = (0, 0))),
        case(Call::Sendmsg, "1024 buffers", |w| {
            let buffer = w.put(b"x");
            let all: Vec<u32> = (0..1024).flat_map(|_| [buffer, 1]).collect();
            hello(w, |w, m| (m[2], m[3]) = (w.put_words(&all), 1024))
        }),
        fails(Call::Sendmsg, Errno::EMSGSIZE, "1025 buffers", |w| hello(w, |_, m| m[3] = 1025)),
        fails(Call::Sendmsg, Errno::EMSGSIZE, "4 billion buffers", |w| hello(w, |_, m| m[3] = BAD)),
        fails(Call::Sendmsg, Errno::EINVAL, "a buffer of 2 GiB", |w| {
            hello(w, |w, m| m[2] = w.put_words(&[0x1000, 1 << 31]))
        }),
        fails(Call::Sendmsg, Errno::EFAULT, "a buffer that can't be read", |w| {
            hello(w, |w, m| {
                let bad = w.unreadable();
                m[2] = w.put_words(&[bad, 1]);
            })
        }),
        fails(Call::Sendmsg, Errno::EFAULT, "a vector that can't be read", |w| {
            hello(w, |w, m| m[2] = w.unreadable())
        }),
        case(Call::Sendmsg, "a vector that ends at the end", |w| {
            let buffer = w.put(b"end");
            let vector = [buffer, 3].map(u32::to_ne_bytes).concat();
            hello(w, |w, m| m[2] = w.put_at_end(&vector))
        }),
        fails(Call::Sendmsg, Errno::EFAULT, "a vector that reaches beyond", |w| {
            let vector = w.put_at_end(&[0; 8]);
            hello(w, |_, m| (m[2], m[3]) = (vector, 2))
        }),
        case(Call::Sendmsg, "a name's length without a name", |w| hello(w, |_, m| m[1] = BAD)),
        fails(Call::Sendmsg, Errno::EINVAL, "a negative length of the name", |w| {
            hello(w, |w, m| (m[0], m[1]) = (w.put(&[0; 16]), BAD))
        }),
        fails(Call::Sendmsg, Errno::EFAULT, "an unreadable name before too many buffers", |w| {
            hello(w, |w, m| (m[0], m[1], m[3]) = (w.unreadable(), 16, 1025))
        }),
        fails(Call::Sendmsg, Errno::EFAULT, "an unreadable name before a bad buffer", |w| {
            let vector = w.put_words(&[0x1000, 1 << 31]);
            hello(w, |w, m| (m[0], m[1], m[2]) = (w.unreadable(), 16, vector))
        }),
        fails(Call::Sendmsg, Errno::EMSGSIZE, "an empty name is not read", |w| {
            hello(w, |w, m| (m[0], m[1], m[3]) = (w.unreadable(), 0, 1025))
        }),
        case(Call::Sendmsg, "to an address", |w| {
            let fd = w.socket(libc::AF_INET, DGRAM);
            let buffer = w.put(b"hello");
            let mut message = w.message(buffer, 5);
            // Discard, where nobody listens; the datagram is taken all the same. Longer names are cut to 128 bytes.
            (message[0], message[1]) = (w.put(&[2, 0, 0, 9, 127, 0, 0, 1]), 1000);
            vec![fd, w.put_words(&message), 0]
        }),
        fails(Call::Sendmsg, Errno::EBADF, "bad descriptor before all else", |w| {
            let mut words = hello(w, |_, m| m[3] = 1025);
            words[0] = BAD;
            words
        }),
        fails(Call::Sendmsg, Errno::EBADF, "bad descriptor before a bad message", |w| {
            vec![BAD, w.unreadable(), 0]
        }),
        fails(Call::Sendmsg, Errno::ENOTSOCK, "a file", |w| {
            let fd = w.hold(std::fs::File::open("/dev/null").unwrap());
            vec![fd, w.unreadable(), 0]
        }),
        fails(Call::Sendmsg, Errno::EFAULT, "a bad message", |w| vec![w.pair(DGRAM)[0], w.unreadable(), 0]),
        case(Call::Sendmsg, "MSG_CMSG_COMPAT is the kernel's own", |w| {
            let mut words = hello(w, |_, _| {});
            words[2] |= CMSG_COMPAT;
            words
        }),
        case(Call::Sendmsg, "descriptors", |w| {
            let fd = w.pair(DGRAM)[0];
            with_control(w, &rights(&[fd, fd, fd]))
        }),
        case(Call::Sendmsg, "two messages of descriptors", |w| {
            let fd = w.pair(DGRAM)[0];
            with_control(w, &[rights(&[fd]), rights(&[fd, fd])].concat())
        }),
        case(Call::Sendmsg, "credentials", |w| {
            // SAFETY: plain calls.
            let who = unsafe { [libc::getpid() as u32, libc::getuid(), libc::getgid()] };
            let data: Vec<u8> = who.iter().flat_map(|id| id.to_ne_bytes()).collect();
            with_control(w, &control(1, 2, &data))
        }),
        fails(Call::Sendmsg, Errno::EBADF, "a descriptor that is none", |w| with_control(w, &rights(&[BAD]))),
        fails(Call::Sendmsg, Errno::EINVAL, "control shorter than a header", |w| with_control(w, &[0; 11])),
        fails(Call::Sendmsg, Errno::EINVAL, "control without memory", |w| hello(w, |_, m| m[5] = 100)),
        fails(Call::Sendmsg, Errno::EFAULT, "unreadable control", |w| {
            hello(w, |w, m| (m[4], m[5]) = (w.unreadable(), 12))
        }),
        fails(Call::Sendmsg, Errno::ENOBUFS, "2 GiB of control", |w| {
            let fd = w.pair(DGRAM)[0];
            let bytes = rights(&[fd]);
            hello(w, |w, m| (m[4], m[5]) = (w.put(&bytes), 1 << 31))
        }),
        fails(Call::Sendmsg, Errno::EINVAL, "a message that says less than a header", |w| {
            with_control(w, &[&11u32.to_ne_bytes()[..], &[0; 12]].concat())
        }),
        fails(Call::Sendmsg, Errno::EINVAL, "a message that says more than there is", |w| {
            let fd = w.pair(DGRAM)[0];
            let mut bytes = rights(&[fd]);
            bytes[0] = 17;
            with_control(w, &bytes)
        }),
        fails(Call::Sendmsg, Errno::EFAULT, "a second message that is cut by the end of memory", |w| {
            let fd = w.pair(DGRAM)[0];
            let bytes = w.put_at_end(&rights(&[fd]));
            hello(w, |_, m| (m[4], m[5]) = (bytes, 40))
        }),
        fails(Call::Sendmsg, Errno::EFAULT, "a bad vector before bad control", |w| {
            hello(w, |w, m| (m[2], m[5]) = (w.unreadable(), 5))
        }),
        case(Call::Sendmsg, "a TTL for one datagram", |w| {
            let fd = w.udp(libc::AF_INET)[0];
            let bytes = [control(0, 2, &7u32.to_ne_bytes()), control(0, 1, &[4])].concat();
            let mut words = with_control(w, &bytes);
            words[0] = fd;
            words
        }),
        case(Call::Sendmmsg, "three messages", |w| many(w, 3, |_, _, _| {})),
        case(Call::Sendmmsg, "no message", |w| {
            let mut words = many(w, 1, |_, _, _| {});
            words[2] = 0;
            words
        }),
        case(Call::Sendmmsg, "a hundred", |w| many(w, 100, |_, _, _| {})),
        case(Call::Sendmmsg, "no more than 1024", |w| {
            let mut words = many(w, 1100, |_, _, _| {});
            words[2] = BAD;
            words
        }),
        case(Call::Sendmmsg, "up to a bad one", |w| {
            many(w, 70, |_, n, m| m[3] = if n == 66 { 1025 } else { 1 })
        }),
        case(Call::Sendmmsg, "up to one that the kernel refuses", |w| {
            many(w, 5, |w, n, m| {
                if n == 2 {
                    let bad = w.unreadable();
                    m[2] = w.put_words(&[bad, 1]);
                }
            })
        }),
        fails(Call::Sendmmsg, Errno::EMSGSIZE, "a bad first one", |w| many(w, 2, |_, _, m| m[3] = 1025)),
        fails(Call::Sendmmsg, Errno::EBADF, "bad descriptor before a bad message", |w| {
            vec![BAD, w.unreadable(), 3, 0]
        }),
        fails(Call::Sendmmsg, Errno::EFAULT, "a bad vector", |w| {
            vec![w.pair(DGRAM)[0], w.unreadable(), 3, 0]
        }),
        case(Call::Sendmmsg, "with descriptors", |w| {
            let [one, other] = w.pair(DGRAM);
            let bytes = rights(&[other]);
            let mut words = many(w, 2, |w, _, m| (m[4], m[5]) = (w.put(&bytes), bytes.len() as u32));
            words[0] = one;
            words
        }),
        case(Call::Sendmmsg, "MSG_CMSG_COMPAT", |w| {
            let mut words = many(w, 2, |_, _, _| {});
            words[3] = CMSG_COMPAT;
            words
        }),
    ]
}
