//! recvmsg and recvmmsg.

use abi::{Call, Errno};

use super::world::World;
use super::{Case, case, fails};

const DGRAM: i32 = libc::SOCK_DGRAM;
const BAD: u32 = u32::MAX;
const PEEK: u32 = libc::MSG_PEEK as u32;
const CLOEXEC: u32 = libc::MSG_CMSG_CLOEXEC as u32;
const WAITFORONE: u32 = libc::MSG_WAITFORONE as u32;

/// recvmsg's words at a socket, for a message that `change` may change; the room is 32 bytes.
fn at(w: &mut World, fd: u32, flags: u32, change: impl Fn(&mut World, &mut [u32; 7])) -> Vec<u32> {
    let room = w.room(32);
    let mut message = w.message(room, 32);
    message[6] = 0x5555;
    change(w, &mut message);
    vec![fd, w.put_words(&message), flags]
}

/// A socket at which a message waits.
fn waiting(w: &mut World) -> u32 {
    let [one, other] = w.pair(DGRAM);
    w.send(other, b"hello");
    one
}

/// A socket at which three descriptors wait; the options are set before.
fn with_rights(w: &mut World, options: &[i32]) -> u32 {
    let [one, other] = w.pair(DGRAM);
    for option in options {
        w.set(one, libc::SOL_SOCKET, *option, 1);
    }
    w.send_descriptors(other, &[one, other, one]);
    one
}

fn room_for_control(w: &mut World, fd: u32, room: u32, flags: u32) -> Vec<u32> {
    at(w, fd, flags, |w, m| (m[4], m[5]) = (w.room(room as usize), room))
}

/// A UDP socket at which a datagram waits, with options of `SOL_SOCKET`.
fn timed(w: &mut World, options: &[(i32, i32)]) -> u32 {
    let [one, other] = w.udp(libc::AF_INET);
    for (option, value) in options {
        w.set(one, libc::SOL_SOCKET, *option, *value);
    }
    w.send(other, b"hello");
    one
}

/// Room for control messages of which `data` is a time of so many bytes, which differs each time.
fn times(w: &mut World, fd: u32, room: u32, data: usize) -> Vec<u32> {
    at(w, fd, 0, |w, m| {
        (m[4], m[5]) = (w.room(room as usize), room);
        w.volatile(m[4] + 12, data.min(room as usize - 12));
    })
}

/// A UDP socket that is told who was addressed, with what TTL and TOS, at which a datagram waits.
fn told(w: &mut World, family: i32) -> u32 {
    let [one, other] = w.udp(family);
    match family {
        libc::AF_INET => {
            for option in [libc::IP_PKTINFO, libc::IP_RECVTTL, libc::IP_RECVTOS] {
                w.set(one, libc::IPPROTO_IP, option, 1);
            }
        }
        _ => {
            for option in [libc::IPV6_RECVPKTINFO, libc::IPV6_RECVHOPLIMIT, libc::IPV6_RECVTCLASS] {
                w.set(one, libc::IPPROTO_IPV6, option, 1);
            }
        }
    }
    w.send(other, b"hello");
    one
}

/// recvmmsg's words: `count` messages with room for 4 bytes each, at a socket where `waiting` wait.
fn many(
    w: &mut World,
    waiting: u32,
    count: u32,
    flags: u32,
    timeout: u32,
    change: impl Fn(&mut World, u32, &mut [u32; 8]),
) -> Vec<u32> {
    let [one, other] = w.udp(libc::AF_INET);
    for n in 0..waiting {
        w.send(other, &[b'a' + (n % 26) as u8; 6][..1 + n as usize % 6]);
    }
    let mut all = vec![];
    for n in 0..count {
        let room = w.room(4);
        let mut element = [0xaaaa_aaaa; 8];
        element[..7].copy_from_slice(&w.message(room, 4));
        change(w, n, &mut element);
        all.extend(element);
    }
    vec![one, w.put_words(&all), count, flags, timeout]
}

/// Rooms around every border: no header, a header, one, two and three descriptors or words.
const ROOMS: [u32; 18] = [0, 1, 11, 12, 13, 15, 16, 17, 19, 20, 24, 27, 28, 36, 40, 44, 56, 200];

pub fn cases() -> Vec<Case> {
    let mut cases = plain();
    for room in ROOMS {
        let with = move |name: &str, socket: fn(&mut World) -> u32, flags| {
            case(Call::Recvmsg, format!("{name}, room for {room}"), move |w| {
                let fd = socket(w);
                room_for_control(w, fd, room, flags)
            })
        };
        cases.extend([
            with("no control", waiting, 0),
            with("descriptors", |w| with_rights(w, &[]), 0),
            with("descriptors, close-on-exec", |w| with_rights(w, &[]), CLOEXEC),
            with("descriptors, left there", |w| with_rights(w, &[]), PEEK),
            with("descriptors and credentials", |w| with_rights(w, &[libc::SO_PASSCRED]), 0),
            with("IPv4 facts", |w| told(w, libc::AF_INET), 0),
            with("IPv6 facts", |w| told(w, libc::AF_INET6), 0),
            with("an error", error_waits, libc::MSG_ERRQUEUE as u32),
        ]);
        if room < 12 {
            continue;
        }
        // Old and new times; SO_TIMESTAMPING with software times, received.
        let times_of = move |name: &str, options: &'static [(i32, i32)], data| {
            case(Call::Recvmsg, format!("{name}, room for {room}"), move |w| {
                let fd = timed(w, options);
                times(w, fd, room, data)
            })
        };
        cases.extend([
            times_of("SO_TIMESTAMP_OLD", &[(29, 1)], 8),
            times_of("SO_TIMESTAMPNS_OLD", &[(35, 1)], 8),
            times_of("SO_TIMESTAMPING_OLD", &[(37, 1 << 3 | 1 << 4)], 24),
            times_of("SO_TIMESTAMP_NEW", &[(63, 1)], 16),
            times_of("SO_TIMESTAMPNS_NEW", &[(64, 1)], 16),
            times_of("SO_TIMESTAMPING_NEW", &[(65, 1 << 3 | 1 << 4)], 48),
        ]);
    }
    cases.extend(vectors());
    cases
}

/// A socket at whose error queue an error waits.
fn error_waits(w: &mut World) -> u32 {
    let fd = w.socket(libc::AF_INET, DGRAM);
    w.set(fd, libc::IPPROTO_IP, libc::IP_RECVERR, 1);
    let nobody = w.udp(libc::AF_INET)[0];
    let mut address = [0u8; 16];
    let mut len = 16;
    // SAFETY: plain calls with an address of 16 bytes; the socket that it names is another's peer, so that what
    // is sent there from here is refused.
    unsafe {
        assert_eq!(libc::getsockname(nobody as i32, address.as_mut_ptr().cast(), &raw mut len), 0);
        libc::sendto(fd as i32, c"x".as_ptr().cast(), 1, 0, address.as_ptr().cast(), len);
        let mut ready = libc::pollfd { fd: fd as i32, events: 0, revents: 0 };
        assert_eq!(libc::poll(&raw mut ready, 1, 5000), 1, "no error came");
    }
    fd
}

fn plain() -> Vec<Case> {
    vec![
        case(Call::Recvmsg, "one buffer", |w| {
            let fd = waiting(w);
            at(w, fd, 0, |_, _| {})
        }),
        case(Call::Recvmsg, "two buffers, cut", |w| {
            let fd = waiting(w);
            let parts = [w.room(2), 2, w.room(2), 2];
            at(w, fd, 0, |w, m| (m[2], m[3]) = (w.put_words(&parts), 2))
        }),
        case(Call::Recvmsg, "no buffer", |w| {
            let fd = waiting(w);
            at(w, fd, 0, |_, m| (m[2], m[3]) = (0, 0))
        }),
        case(Call::Recvmsg, "with its sender", |w| {
            let [one, other] = w.udp(libc::AF_INET);
            w.send(other, b"hello");
            at(w, one, 0, |w, m| {
                (m[0], m[1]) = (w.room(32), 32);
                w.volatile(m[0] + 2, 2);
            })
        }),
        case(Call::Recvmsg, "with little room for its sender", |w| {
            let [one, other] = w.udp(libc::AF_INET);
            w.send(other, b"hello");
            at(w, one, 0, |w, m| {
                (m[0], m[1]) = (w.room(32), 5);
                w.volatile(m[0] + 2, 2);
            })
        }),
        case(Call::Recvmsg, "a sender without a name", |w| {
            let fd = waiting(w);
            at(w, fd, 0, |w, m| (m[0], m[1]) = (w.room(32), 32))
        }),
        case(Call::Recvmsg, "a length without a name", |w| {
            let fd = waiting(w);
            at(w, fd, 0, |_, m| m[1] = BAD)
        }),
        fails(Call::Recvmsg, Errno::EINVAL, "a negative length of the name", |w| {
            let fd = waiting(w);
            at(w, fd, 0, |w, m| (m[0], m[1]) = (w.room(32), BAD))
        }),
        fails(Call::Recvmsg, Errno::EFAULT, "nowhere for the name", |w| {
            let [one, other] = w.udp(libc::AF_INET);
            w.send(other, b"hello");
            at(w, one, 0, |w, m| (m[0], m[1]) = (w.unreadable(), 32))
        }),
        fails(Call::Recvmsg, Errno::EFAULT, "nowhere for the bytes", |w| {
            let fd = waiting(w);
            at(w, fd, 0, |w, m| {
                let bad = w.unreadable();
                m[2] = w.put_words(&[bad, 8]);
            })
        }),
        fails(Call::Recvmsg, Errno::EFAULT, "a bad vector", |w| {
            let fd = waiting(w);
            at(w, fd, 0, |w, m| m[2] = w.unreadable())
        }),
        fails(Call::Recvmsg, Errno::EINVAL, "a buffer of 2 GiB", |w| {
            let fd = waiting(w);
            at(w, fd, 0, |w, m| m[2] = w.put_words(&[0x1000, 1 << 31]))
        }),
        fails(Call::Recvmsg, Errno::EMSGSIZE, "1025 buffers", |w| {
            let fd = waiting(w);
            at(w, fd, 0, |_, m| m[3] = 1025)
        }),
        fails(Call::Recvmsg, Errno::EFAULT, "a bad message", |w| vec![waiting(w), w.unreadable(), 0]),
        fails(Call::Recvmsg, Errno::EBADF, "bad descriptor first", |w| vec![BAD, w.unreadable(), 0]),
        fails(Call::Recvmsg, Errno::EAGAIN, "nothing there", |w| {
            let fd = w.pair(DGRAM)[0];
            at(w, fd, 0, |_, _| {})
        }),
        case(Call::Recvmsg, "MSG_CMSG_COMPAT is the kernel's own", |w| {
            let fd = waiting(w);
            at(w, fd, 1 << 31, |_, _| {})
        }),
        case(Call::Recvmsg, "descriptors, no memory for control", |w| {
            let fd = with_rights(w, &[]);
            at(w, fd, 0, |_, m| m[5] = 100)
        }),
        case(Call::Recvmsg, "facts, no memory for control", |w| {
            let fd = told(w, libc::AF_INET);
            at(w, fd, 0, |_, m| m[5] = 100)
        }),
        case(Call::Recvmsg, "facts, control that can't be written", |w| {
            let fd = told(w, libc::AF_INET);
            at(w, fd, 0, |w, m| (m[4], m[5]) = (w.unreadable(), 100))
        }),
        case(Call::Recvmsg, "descriptors, control that can't be written", |w| {
            let fd = with_rights(w, &[]);
            at(w, fd, 0, |w, m| (m[4], m[5]) = (w.unreadable(), 100))
        }),
        case(Call::Recvmsg, "4 GiB of room for control", |w| {
            let fd = told(w, libc::AF_INET);
            at(w, fd, 0, |w, m| (m[4], m[5]) = (w.room(400), BAD))
        }),
        case(Call::Recvmsg, "a process as descriptor", |w| {
            // SO_PASSPIDFD, Linux 6.5
            let fd = with_rights(w, &[76]);
            room_for_control(w, fd, 200, 0)
        }),
    ]
}

fn vectors() -> Vec<Case> {
    vec![
        case(Call::Recvmmsg, "three of five", |w| many(w, 5, 3, 0, 0, |_, _, _| {})),
        case(Call::Recvmmsg, "three of three asked for five", |w| many(w, 3, 5, 0, 0, |_, _, _| {})),
        case(Call::Recvmmsg, "a hundred of a hundred", |w| many(w, 100, 100, 0, 0, |_, _, _| {})),
        case(Call::Recvmmsg, "sixty-four of seventy", |w| many(w, 64, 70, 0, 0, |_, _, _| {})),
        case(Call::Recvmmsg, "at least one", |w| many(w, 70, 100, WAITFORONE, 0, |_, _, _| {})),
        case(Call::Recvmmsg, "no message", |w| many(w, 3, 0, 0, 0, |_, _, _| {})),
        fails(Call::Recvmmsg, Errno::EAGAIN, "nothing there", |w| many(w, 0, 3, 0, 0, |_, _, _| {})),
        case(Call::Recvmmsg, "more than there are in memory", |w| {
            let mut words = many(w, 3, 3, 0, 0, |_, _, _| {});
            words[2] = BAD;
            words
        }),
        case(Call::Recvmmsg, "a time that is up", |w| {
            let time = w.put_words(&[0, 0]);
            many(w, 5, 3, 0, time, |_, _, _| {})
        }),
        case(Call::Recvmmsg, "a time that is left", |w| {
            let time = w.put_words(&[5, 7]);
            // All but the seconds differs.
            w.volatile(time, 8);
            many(w, 3, 3, 0, time, |_, _, _| {})
        }),
        fails(Call::Recvmmsg, Errno::EAGAIN, "a time that is not touched", |w| {
            let time = w.put_words(&[5, 7]);
            many(w, 0, 3, 0, time, |_, _, _| {})
        }),
        fails(Call::Recvmmsg, Errno::EINVAL, "no time", |w| {
            let time = w.put_words(&[0, 1_000_000_000]);
            many(w, 3, 3, 0, time, |_, _, _| {})
        }),
        fails(Call::Recvmmsg, Errno::EINVAL, "no time before a bad descriptor", |w| {
            let time = w.put_words(&[BAD, 0]);
            let mut words = many(w, 3, 3, 0, time, |_, _, _| {});
            words[0] = BAD;
            words
        }),
        fails(Call::Recvmmsg, Errno::EINVAL, "no time before a bad vector", |w| {
            let time = w.put_words(&[BAD, 0]);
            let fd = waiting(w);
            vec![fd, w.unreadable(), 3, 0, time]
        }),
        fails(Call::Recvmmsg, Errno::EFAULT, "an unreadable time", |w| {
            let bad = w.unreadable();
            many(w, 3, 3, 0, bad, |_, _, _| {})
        }),
        fails(Call::Recvmmsg, Errno::EBADF, "bad descriptor before a bad vector", |w| {
            vec![BAD, w.unreadable(), 3, 0, 0]
        }),
        fails(Call::Recvmmsg, Errno::EFAULT, "a bad vector", |w| {
            let fd = waiting(w);
            vec![fd, w.unreadable(), 3, 0, 0]
        }),
        fails(Call::Recvmmsg, Errno::EMSGSIZE, "a bad first one", |w| {
            many(w, 3, 3, 0, 0, |_, _, m| m[3] = 1025)
        }),
        fails(Call::Recvmmsg, Errno::ECONNREFUSED, "an error at the socket before a bad first one", |w| {
            let fd = error_waits_at_the_socket(w);
            let mut words = many(w, 0, 3, 0, 0, |_, _, m| m[3] = 1025);
            words[0] = fd;
            words
        }),
        case(Call::Recvmmsg, "with senders and control", |w| {
            let told = told(w, libc::AF_INET);
            let mut words = many(w, 0, 2, 0, 0, |w, _, m| {
                (m[0], m[1]) = (w.room(16), 16);
                w.volatile(m[0] + 2, 2);
                (m[4], m[5]) = (w.room(60), 60);
            });
            words[0] = told;
            words
        }),
        case(Call::Recvmmsg, "with descriptors for which there is no room", |w| {
            let fd = with_rights(w, &[]);
            let mut words = many(w, 0, 2, 0, 0, |w, _, m| (m[4], m[5]) = (w.room(16), 16));
            words[0] = fd;
            words
        }),
    ]
}

/// A connected socket that was refused.
fn error_waits_at_the_socket(w: &mut World) -> u32 {
    let fd = w.socket(libc::AF_INET, DGRAM);
    let other = w.udp(libc::AF_INET)[0];
    let mut address = [0u8; 16];
    let mut len = 16;
    // SAFETY: plain calls with an address of 16 bytes.
    unsafe {
        assert_eq!(libc::getsockname(other as i32, address.as_mut_ptr().cast(), &raw mut len), 0);
        assert_eq!(libc::connect(fd as i32, address.as_ptr().cast(), len), 0);
        libc::send(fd as i32, c"x".as_ptr().cast(), 1, 0);
        let mut ready = libc::pollfd { fd: fd as i32, events: 0, revents: 0 };
        assert_eq!(libc::poll(&raw mut ready, 1, 5000), 1, "no error came");
    }
    fd
}
