//! Calls that give a definite answer.

use abi::Call;

use crate::world::World;

/// A call, what is special about it, and the words of its array.
pub type Case = (Call, &'static str, fn(&mut World<'_>) -> Vec<u32>);

pub const BAD_FD: u32 = -1i32 as u32;
const BAD_POINTER: u32 = 0;
pub const UNIX: u32 = libc::AF_UNIX as u32;
pub const DATAGRAM: u32 = libc::SOCK_DGRAM as u32;
const MSG_DONTWAIT: u32 = libc::MSG_DONTWAIT as u32;
const SOL_SOCKET: u32 = libc::SOL_SOCKET as u32;
const NO_SIGNAL: u32 = libc::MSG_NOSIGNAL as u32;

/// Every call, with arguments that give a definite answer; words and layouts that only the 32-bit
/// form has are here too.
#[rustfmt::skip]
pub const CASES: &[Case] = &[
    (Call::Socket, "made", |_| vec![UNIX, DATAGRAM, 0]),
    (Call::Socket, "family", |_| vec![9999, DATAGRAM, 0]),
    (Call::Socket, "type", |_| vec![UNIX, u32::MAX, 0]),
    (Call::Bind, "autobind", |w| vec![w.unbound(), w.put(&[1, 0]), 2]),
    (Call::Bind, "length", |w| vec![w.unbound(), w.room(16), u32::MAX]),
    (Call::Bind, "address", |w| vec![w.unbound(), BAD_POINTER, 16]),
    (Call::Connect, "connected", |w| {
        let (address, length) = w.peer();
        vec![w.unbound(), address, length]
    }),
    (Call::Connect, "nobody there", |w| vec![w.unbound(), w.put(b"\x01\0\0nobody is here"), 17]),
    (Call::Connect, "descriptor", |_| vec![BAD_FD, BAD_POINTER, 16]),
    (Call::Listen, "again", |w| vec![w.listener(false), 1]),
    (Call::Listen, "datagram", |w| vec![w.unbound(), 1]),
    (Call::Accept, "accepted", |w| vec![w.listener(true), w.room(110), w.put_words(&[110])]),
    (Call::Accept, "no address", |w| vec![w.listener(true), 0, 0]),
    (Call::Accept, "nobody", |w| vec![w.listener(false), 0, 0]),
    (Call::Getsockname, "bound", |w| vec![w.listener(false), w.room(110), w.put_words(&[110])]),
    (Call::Getsockname, "cut", |w| vec![w.listener(false), w.room(8), w.put_words(&[8])]),
    (Call::Getsockname, "length", |w| vec![w.unbound(), w.room(8), w.put_words(&[u32::MAX])]),
    (Call::Getpeername, "connected", |w| vec![w.pair(&[]), w.room(110), w.put_words(&[110])]),
    (Call::Getpeername, "unconnected", |w| vec![w.unbound(), w.room(110), w.put_words(&[110])]),
    (Call::Socketpair, "made", |w| vec![UNIX, DATAGRAM, 0, w.room(8)]),
    (Call::Socketpair, "address", |_| vec![UNIX, DATAGRAM, 0, BAD_POINTER]),
    (Call::Send, "sent", |w| vec![w.pair(&[]), w.put(b"hello"), 5, 0]),
    (Call::Send, "unconnected", |w| vec![w.unbound(), w.put(b"hello"), 5, NO_SIGNAL]),
    (Call::Recv, "received", |w| vec![w.pair(&[b"one", b"two"]), w.room(8), 8, MSG_DONTWAIT]),
    (Call::Recv, "nothing", |w| vec![w.pair(&[]), w.room(8), 8, MSG_DONTWAIT]),
    (Call::Sendto, "sent", |w| vec![w.pair(&[]), w.put(b"hello"), 5, 0, 0, 0]),
    (Call::Sendto, "length", |w| vec![w.pair(&[]), w.put(b"hello"), 5, 0, w.room(16), u32::MAX]),
    (Call::Recvfrom, "received", |w| vec![w.pair(&[b"one"]), w.room(8), 8, 0, w.room(16), w.put_words(&[16])]),
    (Call::Recvfrom, "buffer", |w| vec![w.pair(&[b"one"]), BAD_POINTER, 8, 0, 0, 0]),
    (Call::Shutdown, "shut", |w| vec![w.pair(&[]), 1]),
    (Call::Shutdown, "how", |w| vec![w.pair(&[]), 3]),
    // SO_RCVTIMEO_OLD takes a timeval of two 32-bit words here.
    (Call::Setsockopt, "timeval", |w| vec![w.pair(&[]), SOL_SOCKET, 20, w.put_words(&[7, 500_000]), 8]),
    (Call::Setsockopt, "short", |w| vec![w.pair(&[]), SOL_SOCKET, 20, w.put_words(&[7]), 4]),
    (Call::Setsockopt, "length", |w| vec![w.pair(&[]), SOL_SOCKET, 20, w.room(8), u32::MAX]),
    (Call::Getsockopt, "type", |w| vec![w.pair(&[]), SOL_SOCKET, 3, w.room(8), w.put_words(&[8])]),
    (Call::Getsockopt, "timeval", |w| vec![w.pair(&[]), SOL_SOCKET, 20, w.room(16), w.put_words(&[16])]),
    (Call::Getsockopt, "option", |w| vec![w.pair(&[]), SOL_SOCKET, 9999, w.room(8), w.put_words(&[8])]),
    (Call::Sendmsg, "sent", |w| {
        let buffer = w.put(b"hello");
        let message = w.message(buffer, 5);
        vec![w.pair(&[]), w.put_words(&message), 0]
    }),
    (Call::Sendmsg, "MSG_CMSG_COMPAT", |_| vec![BAD_FD, BAD_POINTER, 0x8000_0000]),
    (Call::Recvmsg, "received", |w| {
        let buffer = w.room(8);
        let message = w.message(buffer, 8);
        vec![w.pair(&[b"one"]), w.put_words(&message), 0]
    }),
    (Call::Recvmsg, "message", |w| vec![w.pair(&[]), BAD_POINTER, MSG_DONTWAIT]),
    (Call::Accept4, "accepted", |w| vec![w.listener(true), 0, 0, libc::SOCK_CLOEXEC as u32]),
    (Call::Accept4, "flags", |w| vec![w.listener(true), 0, 0, 1]),
    (Call::Recvmmsg, "received", |w| {
        let buffers = [w.room(8), w.room(8)];
        let messages = buffers.map(|buffer| [&w.message(buffer, 8)[..], &[0]].concat()).concat();
        vec![w.pair(&[b"one", b"two!"]), w.put_words(&messages), 2, 0, 0]
    }),
    // A timeout of 0 is over after the first message, and is written back.
    (Call::Recvmmsg, "timeout", |w| {
        let buffers = [w.room(8), w.room(8)];
        let messages = buffers.map(|buffer| [&w.message(buffer, 8)[..], &[0]].concat()).concat();
        vec![w.pair(&[b"one", b"two!"]), w.put_words(&messages), 2, 0, w.put_words(&[0, 0])]
    }),
    // The timeout is looked at before the descriptor.
    (Call::Recvmmsg, "timespec", |w| vec![BAD_FD, 0, 1, 0, w.put_words(&[0, 2_000_000_000])]),
    (Call::Recvmmsg, "timespec's address", |_| vec![BAD_FD, 0, 1, 0, u32::MAX]),
    (Call::Sendmmsg, "sent", |w| {
        let buffers = [w.put(b"one"), w.put(b"two")];
        let messages = buffers.map(|buffer| [&w.message(buffer, 3)[..], &[9]].concat()).concat();
        vec![w.pair(&[]), w.put_words(&messages), 2, 0]
    }),
    (Call::Sendmmsg, "messages", |w| vec![w.pair(&[]), BAD_POINTER, 2, 0]),
];
