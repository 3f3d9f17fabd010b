//! Sockets over any way.

use core::fmt;
use core::ops::BitOr;

use abi::{Call, Errno};

use crate::Argument::{Fill, Read, Update, Word};
use crate::address::{Address, Encoded};
use crate::option::{OptionValue, SocketOption};
use crate::{Argument, Way};

/// An address family that has typed addresses here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Family {
    /// `AF_UNIX`
    Unix = 1,
    /// `AF_INET`
    Inet = 2,
    /// `AF_INET6`
    Inet6 = 10,
}

/// Defines a set of bits that `|` combines.
macro_rules! bits {
    ($(#[$doc:meta])+ $name:ident { $($(#[$bit_doc:meta])+ $bit:ident = $value:literal;)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$bit_doc])+ pub const $bit: Self = Self($value);)+
        }

        impl BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
    };
}

bits! {
    /// A socket's type, with flags of its descriptor. socket(2).
    Type {
        /// `SOCK_STREAM`
        STREAM = 1;
        /// `SOCK_DGRAM`
        DATAGRAM = 2;
        /// `SOCK_RAW`
        RAW = 3;
        /// `SOCK_SEQPACKET`
        SEQUENCED = 5;
        /// `SOCK_NONBLOCK`: calls don't wait.
        NON_BLOCKING = 0x800;
        /// `SOCK_CLOEXEC`: closed by execve(2).
        CLOSE_ON_EXEC = 0x80000;
    }
}

bits! {
    /// Flags of sending and receiving. send(2), recv(2).
    Flags {
        /// None.
        NONE = 0;
        /// `MSG_OOB`
        OUT_OF_BAND = 0x1;
        /// `MSG_PEEK`: leave what is received where it is.
        PEEK = 0x2;
        /// `MSG_DONTROUTE`
        DONT_ROUTE = 0x4;
        /// `MSG_TRUNC`: receive a datagram's whole length, though not its bytes.
        TRUNCATED = 0x20;
        /// `MSG_DONTWAIT`: this once.
        DONT_WAIT = 0x40;
        /// `MSG_WAITALL`: wait until the buffer is full.
        WAIT_ALL = 0x100;
        /// `MSG_NOSIGNAL`: EPIPE without SIGPIPE.
        NO_SIGNAL = 0x4000;
        /// `MSG_MORE`: more follows soon.
        MORE = 0x8000;
    }
}

/// Which half of a connection shutdown(2) closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Shutdown {
    /// `SHUT_RD`
    Receiving = 0,
    /// `SHUT_WR`
    Sending = 1,
    /// `SHUT_RDWR`
    Both = 2,
}

/// A socket, whose calls are made by the way `W`. Closed when dropped.
///
/// Every function is the call of its manual page, named above it, and its errors are that page's. A call that a
/// signal interrupts answers EINTR, unless the handler restarts calls.
pub struct Socket<W: Way> {
    way: W,
    descriptor: i32,
}

impl<W: Way> Socket<W> {
    /// `socket(...)`: creates a socket. Protocol 0 is the family's own for the type.
    ///
    /// # Errors
    /// socket(2)'s.
    pub fn new(way: W, family: Family, ty: Type, protocol: u32) -> Result<Self, Errno> {
        let arguments = &mut [Word(family as u32), Word(ty.0), Word(protocol)];
        // SAFETY: no memory is passed.
        let descriptor = unsafe { way.call(Call::Socket, arguments) }?;
        Ok(Self { way, descriptor: descriptor as i32 })
    }

    /// `socketpair(...)`: creates two sockets that are connected.
    ///
    /// # Errors
    /// socketpair(2)'s; EOPNOTSUPP for a family other than [`Family::Unix`].
    pub fn pair(way: W, family: Family, ty: Type, protocol: u32) -> Result<(Self, Self), Errno> {
        let mut pair = [0; 8];
        let arguments = &mut [Word(family as u32), Word(ty.0), Word(protocol), Update(&mut pair)];
        // SAFETY: two descriptors are written, to as much memory.
        unsafe { way.call(Call::Socketpair, arguments) }?;
        let [a, b, c, d, e, f, g, h] = pair;
        let [one, other] = [[a, b, c, d], [e, f, g, h]].map(i32::from_ne_bytes);
        Ok((Self { way, descriptor: one }, Self { way, descriptor: other }))
    }

    /// A socket from a descriptor that was come by otherwise.
    ///
    /// # Safety
    /// The descriptor is open and belongs to nobody else: the socket closes it.
    pub const unsafe fn from_descriptor(way: W, descriptor: i32) -> Self {
        Self { way, descriptor }
    }

    /// The descriptor, which stays the socket's.
    pub const fn descriptor(&self) -> i32 {
        self.descriptor
    }

    /// The descriptor, which is the caller's now.
    pub fn into_descriptor(self) -> i32 {
        let descriptor = self.descriptor;
        core::mem::forget(self);
        descriptor
    }

    /// `bind(...)`: gives the socket an address.
    ///
    /// # Errors
    /// bind(2)'s.
    pub fn bind(&self, address: &Address) -> Result<(), Errno> {
        self.with_address(Call::Bind, address)
    }

    /// `connect(...)`: connects it, or names the peer of its datagrams.
    ///
    /// # Errors
    /// connect(2)'s.
    pub fn connect(&self, address: &Address) -> Result<(), Errno> {
        self.with_address(Call::Connect, address)
    }

    /// `listen(...)`: awaits connections, with a queue for `backlog` of them.
    ///
    /// # Errors
    /// listen(2)'s.
    pub fn listen(&self, backlog: u32) -> Result<(), Errno> {
        self.call(Call::Listen, &mut [self.word(), Word(backlog)]).map(drop)
    }

    /// `accept(...)`: takes a connection from the queue, and tells its peer's address.
    ///
    /// # Errors
    /// accept(2)'s.
    pub fn accept(&self) -> Result<(Self, Address), Errno> {
        let mut room = Encoded::room();
        let arguments = &mut [self.word(), Update(&mut room.bytes), Update(&mut room.len)];
        let descriptor = self.call(Call::Accept, arguments)?;
        let socket = Self { way: self.way, descriptor: descriptor as i32 };
        Ok((socket, Address::decode(room.as_bytes())?.ok_or(Errno::EAFNOSUPPORT)?))
    }

    /// `accept4(...)`: [`accept`](Self::accept) with [`Type::NON_BLOCKING`] and [`Type::CLOSE_ON_EXEC`] for
    /// the new descriptor.
    ///
    /// # Errors
    /// accept4(2)'s.
    pub fn accept_with(&self, flags: Type) -> Result<(Self, Address), Errno> {
        let mut room = Encoded::room();
        let arguments = &mut [self.word(), Update(&mut room.bytes), Update(&mut room.len), Word(flags.0)];
        let descriptor = self.call(Call::Accept4, arguments)?;
        let socket = Self { way: self.way, descriptor: descriptor as i32 };
        Ok((socket, Address::decode(room.as_bytes())?.ok_or(Errno::EAFNOSUPPORT)?))
    }

    /// `getsockname(...)`: its own address.
    ///
    /// # Errors
    /// getsockname(2)'s.
    pub fn local_address(&self) -> Result<Address, Errno> {
        self.address(Call::Getsockname)
    }

    /// `getpeername(...)`: its peer's address.
    ///
    /// # Errors
    /// getpeername(2)'s; ENOTCONN without a peer.
    pub fn peer_address(&self) -> Result<Address, Errno> {
        self.address(Call::Getpeername)
    }

    /// `send(...)`: sends to the peer. Returns how many bytes were taken.
    ///
    /// # Errors
    /// send(2)'s.
    pub fn send(&self, bytes: &[u8], flags: Flags) -> Result<usize, Errno> {
        let arguments = &mut [self.word(), Read(bytes), Word(len(bytes)), Word(flags.0)];
        self.call(Call::Send, arguments).map(|len| len as usize)
    }

    /// `sendto(...)`: sends a datagram to an address.
    ///
    /// # Errors
    /// sendto(2)'s.
    pub fn send_to(&self, bytes: &[u8], flags: Flags, address: &Address) -> Result<usize, Errno> {
        let address = address.encode();
        let address = address.as_bytes();
        let arguments = &mut [
            self.word(),
            Read(bytes),
            Word(len(bytes)),
            Word(flags.0),
            Read(address),
            Word(len(address)),
        ];
        self.call(Call::Sendto, arguments).map(|len| len as usize)
    }

    /// `recv(...)`: receives. Returns how many bytes there were; 0 when the peer will send no more. With
    /// [`Flags::TRUNCATED`] that can be more than the buffer holds.
    ///
    /// # Errors
    /// recv(2)'s.
    pub fn receive(&self, buffer: &mut [u8], flags: Flags) -> Result<usize, Errno> {
        let len = len(buffer);
        let arguments = &mut [self.word(), Fill(buffer), Word(len), Word(flags.0)];
        self.call(Call::Recv, arguments).map(|len| len as usize)
    }

    /// `recvfrom(...)`: receives, and tells who sent it, where the socket knows.
    ///
    /// # Errors
    /// recvfrom(2)'s.
    pub fn receive_from(&self, buffer: &mut [u8], flags: Flags) -> Result<(usize, Option<Address>), Errno> {
        let mut from = Encoded::room();
        let len = len(buffer);
        let arguments = &mut [
            self.word(),
            Fill(buffer),
            Word(len),
            Word(flags.0),
            Update(&mut from.bytes),
            Update(&mut from.len),
        ];
        let received = self.call(Call::Recvfrom, arguments)?;
        Ok((received as usize, Address::decode(from.as_bytes())?))
    }

    /// `shutdown(...)`: closes a half of the connection, or both.
    ///
    /// # Errors
    /// shutdown(2)'s.
    pub fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        self.call(Call::Shutdown, &mut [self.word(), Word(how as u32)]).map(drop)
    }

    /// `setsockopt(...)`: sets an option.
    ///
    /// # Errors
    /// setsockopt(2)'s.
    pub fn set_option<T: OptionValue>(&self, option: SocketOption<T>, value: T) -> Result<(), Errno> {
        let (bytes, len) = value.encode();
        let arguments =
            &mut [self.word(), Word(option.level), Word(option.name), Read(&bytes[..len]), Word(len as u32)];
        self.call(Call::Setsockopt, arguments).map(drop)
    }

    /// `getsockopt(...)`: reads an option.
    ///
    /// # Errors
    /// getsockopt(2)'s; EINVAL if the kernel's value is not of the option's type.
    pub fn option<T: OptionValue>(&self, option: SocketOption<T>) -> Result<T, Errno> {
        let mut value = [0; 16];
        let mut len = 16u32.to_ne_bytes();
        let arguments =
            &mut [self.word(), Word(option.level), Word(option.name), Update(&mut value), Update(&mut len)];
        self.call(Call::Getsockopt, arguments)?;
        let len = u32::from_ne_bytes(len) as usize;
        value.get(..len).and_then(T::decode).ok_or(Errno::EINVAL)
    }

    /// `close(...)`: closes it, and tells what a drop would not. A socket is a descriptor like any other: this
    /// is no call of the multiplexer. Whatever the error, the descriptor is closed.
    ///
    /// # Errors
    /// close(2)'s.
    pub fn close(self) -> Result<(), Errno> {
        close(self.into_descriptor())
    }

    fn word(&self) -> Argument<'static> {
        Word(self.descriptor as u32)
    }

    fn with_address(&self, call: Call, address: &Address) -> Result<(), Errno> {
        let address = address.encode();
        let address = address.as_bytes();
        self.call(call, &mut [self.word(), Read(address), Word(len(address))]).map(drop)
    }

    fn address(&self, call: Call) -> Result<Address, Errno> {
        let mut room = Encoded::room();
        self.call(call, &mut [self.word(), Update(&mut room.bytes), Update(&mut room.len)])?;
        Address::decode(room.as_bytes())?.ok_or(Errno::EAFNOSUPPORT)
    }

    /// Every call on this socket.
    fn call(&self, call: Call, arguments: &mut [Argument<'_>]) -> Result<u32, Errno> {
        // SAFETY: each function above passes memory of the length that it passes beside it; none of the
        // addresses and options hold pointers; the descriptor is the socket's own.
        unsafe { self.way.call(call, arguments) }
    }
}

impl<W: Way> Drop for Socket<W> {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = close(self.descriptor);
    }
}

impl<W: Way> fmt::Debug for Socket<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({})", self.descriptor)
    }
}

#[cfg(target_arch = "x86_64")]
fn close(descriptor: i32) -> Result<(), Errno> {
    let arguments = [descriptor as usize, 0, 0, 0, 0, 0];
    // SAFETY: the descriptor is the caller's to close.
    unsafe { crate::syscall(crate::syscall::number::CLOSE, arguments) }.map(drop)
}

#[cfg(target_arch = "x86")]
fn close(descriptor: i32) -> Result<(), Errno> {
    use crate::Entry as _;
    /// `arch/x86/entry/syscalls/syscall_32.tbl`
    const CLOSE: u32 = 6;
    // SAFETY: the descriptor is the caller's to close.
    Errno::from_eax(unsafe { crate::Int80.enter(CLOSE, [descriptor as u32, 0, 0, 0, 0, 0]) }).map(drop)
}

/// A length as the kernel takes it. It moves at most 2 GiB less a page at once anyway (`MAX_RW_COUNT`).
fn len(bytes: &[u8]) -> u32 {
    bytes.len().min(i32::MAX as usize) as u32
}
