//! Calls whose memory has one layout.

use abi::{Call, Errno};

use super::{Case, case, fails};

const UNIX: u32 = libc::AF_UNIX as u32;
const INET: u32 = libc::AF_INET as u32;
const STREAM: u32 = libc::SOCK_STREAM as u32;
const DATAGRAM: u32 = libc::SOCK_DGRAM as u32;
const DONT_WAIT: u32 = libc::MSG_DONTWAIT as u32;
const BAD: u32 = u32::MAX;

/// 127.0.0.1 and a free port.
const LOOPBACK: [u8; 16] = [2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];

pub fn cases() -> Vec<Case> {
    vec![
        case(Call::Socket, "tcp", |_| vec![INET, STREAM, 0]),
        case(Call::Socket, "close-on-exec", |_| vec![UNIX, STREAM | libc::SOCK_CLOEXEC as u32, 0]),
        fails(Call::Socket, Errno::EAFNOSUPPORT, "no such family", |_| vec![77, STREAM, 0]),
        fails(Call::Socket, Errno::EINVAL, "a type with unknown bits", |_| vec![INET, 1 << 31 | STREAM, 0]),
        case(Call::Bind, "any port", |w| {
            vec![w.socket(libc::AF_INET, libc::SOCK_STREAM), w.put(&LOOPBACK), 16]
        }),
        fails(Call::Bind, Errno::EFAULT, "unreadable", |w| {
            vec![w.socket(libc::AF_INET, libc::SOCK_STREAM), w.unreadable(), 16]
        }),
        fails(Call::Bind, Errno::EINVAL, "negative length", |w| {
            vec![w.socket(libc::AF_INET, libc::SOCK_STREAM), w.put(&LOOPBACK), BAD]
        }),
        case(Call::Connect, "a datagram socket", |w| {
            let mut address = LOOPBACK;
            address[3] = 9;
            vec![w.socket(libc::AF_INET, libc::SOCK_DGRAM), w.put(&address), 16]
        }),
        fails(Call::Connect, Errno::EBADF, "bad descriptor", |w| vec![BAD, w.unreadable(), 16]),
        case(Call::Listen, "bound by it", |w| vec![w.socket(libc::AF_INET, libc::SOCK_STREAM), 5]),
        fails(Call::Listen, Errno::EOPNOTSUPP, "datagrams", |w| vec![w.pair(libc::SOCK_DGRAM)[0], 5]),
        case(Call::Accept, "a connection", |w| {
            let listener = waiting(w);
            let (room, len) = (w.room(16), w.put_words(&[16]));
            w.volatile(room + 2, 2);
            vec![listener, room, len]
        }),
        case(Call::Accept, "no address wanted", |w| vec![waiting(w), 0, 0]),
        fails(Call::Accept, Errno::EAGAIN, "none waits", |w| {
            let listener = w.socket(libc::AF_INET, libc::SOCK_STREAM);
            // SAFETY: a plain call.
            assert_eq!(unsafe { libc::listen(listener as i32, 1) }, 0);
            vec![listener, 0, 0]
        }),
        case(Call::Accept4, "with flags", |w| vec![waiting(w), 0, 0, libc::SOCK_CLOEXEC as u32]),
        fails(Call::Accept4, Errno::EINVAL, "unknown flags", |w| vec![waiting(w), 0, 0, 1]),
        case(Call::Getsockname, "short room", |w| {
            let fd = w.udp(libc::AF_INET)[0];
            let room = w.room(16);
            w.volatile(room + 2, 2);
            vec![fd, room, w.put_words(&[7])]
        }),
        fails(Call::Getsockname, Errno::EINVAL, "negative room", |w| {
            vec![w.udp(libc::AF_INET)[0], w.room(16), w.put_words(&[BAD])]
        }),
        case(Call::Getpeername, "a pair", |w| {
            vec![w.pair(libc::SOCK_STREAM)[0], w.room(16), w.put_words(&[16])]
        }),
        fails(Call::Getpeername, Errno::ENOTCONN, "no peer", |w| {
            vec![w.socket(libc::AF_INET, libc::SOCK_STREAM), w.room(16), w.put_words(&[16])]
        }),
        case(Call::Socketpair, "datagrams", |w| vec![UNIX, DATAGRAM, 0, w.room(8)]),
        fails(Call::Socketpair, Errno::EFAULT, "nowhere to write to", |w| {
            vec![UNIX, DATAGRAM, 0, w.unreadable()]
        }),
        case(Call::Send, "five bytes", |w| vec![w.pair(libc::SOCK_DGRAM)[0], w.put(b"hello"), 5, 0]),
        fails(Call::Send, Errno::EFAULT, "unreadable", |w| {
            vec![w.pair(libc::SOCK_DGRAM)[0], w.unreadable(), 5, 0]
        }),
        fails(Call::Send, Errno::ENOTSOCK, "a file", |w| {
            let fd = w.hold(std::fs::File::open("/dev/null").unwrap());
            vec![fd, w.put(b"hello"), 5, 0]
        }),
        case(Call::Recv, "five bytes", |w| {
            let [one, other] = w.pair(libc::SOCK_DGRAM);
            w.send(other, b"hello");
            vec![one, w.room(16), 16, 0]
        }),
        fails(Call::Recv, Errno::EAGAIN, "nothing", |w| {
            vec![w.pair(libc::SOCK_DGRAM)[0], w.room(16), 16, DONT_WAIT]
        }),
        case(Call::Sendto, "a connected one", |w| {
            vec![w.pair(libc::SOCK_DGRAM)[0], w.put(b"hello"), 5, 0, 0, 0]
        }),
        fails(Call::Sendto, Errno::EINVAL, "negative length", |w| {
            vec![w.udp(libc::AF_INET)[0], w.put(b"hello"), 5, 0, w.put(&LOOPBACK), BAD]
        }),
        case(Call::Recvfrom, "with its sender", |w| {
            let [one, other] = w.udp(libc::AF_INET);
            w.send(other, b"hello");
            let (data, from, len) = (w.room(16), w.room(32), w.put_words(&[32]));
            w.volatile(from + 2, 2);
            vec![one, data, 16, 0, from, len]
        }),
        case(Call::Shutdown, "both halves", |w| vec![w.pair(libc::SOCK_STREAM)[0], 2]),
        fails(Call::Shutdown, Errno::EINVAL, "no such half", |w| vec![w.pair(libc::SOCK_STREAM)[0], 3]),
    ]
}

/// A listener at which a connection waits.
fn waiting(w: &mut super::World) -> u32 {
    let listener = w.socket(libc::AF_INET, libc::SOCK_STREAM);
    let client = w.socket(libc::AF_INET, libc::SOCK_STREAM);
    let mut address = LOOPBACK;
    let mut len = 16;
    // SAFETY: plain calls with an address of 16 bytes.
    unsafe {
        assert_eq!(libc::bind(listener as i32, address.as_ptr().cast(), 16), 0);
        assert_eq!(libc::listen(listener as i32, 4), 0);
        assert_eq!(libc::getsockname(listener as i32, address.as_mut_ptr().cast(), &raw mut len), 0);
        libc::connect(client as i32, address.as_ptr().cast(), 16);
        let mut ready = libc::pollfd { fd: listener as i32, events: libc::POLLIN, revents: 0 };
        assert_eq!(libc::poll(&raw mut ready, 1, 5000), 1);
    }
    listener
}
