//! Socket options with their types.

use core::marker::PhantomData;
use core::time::Duration;

use abi::Errno;

/// A socket option: its level, its name, and the type of its value.
///
/// Only options whose layout is the same in 32-bit and 64-bit processes, and that hold no pointer, stand here:
/// they mean the same by every way. socket(7), tcp(7), ipv6(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOption<T> {
    pub(crate) level: u32,
    pub(crate) name: u32,
    value: PhantomData<T>,
}

impl<T> SocketOption<T> {
    const fn new(level: u32, name: u32) -> Self {
        Self { level, name, value: PhantomData }
    }
}

// asm-generic/socket.h, linux/tcp.h, linux/in6.h
const SOL_SOCKET: u32 = 1;
const SOL_TCP: u32 = 6;
const SOL_IPV6: u32 = 41;

impl SocketOption<bool> {
    /// `SO_REUSEADDR`: bind to an address that old connections still use.
    pub const REUSE_ADDRESS: Self = Self::new(SOL_SOCKET, 2);
    /// `SO_BROADCAST`: send to a broadcast address.
    pub const BROADCAST: Self = Self::new(SOL_SOCKET, 6);
    /// `SO_KEEPALIVE`: look after an idle connection.
    pub const KEEP_ALIVE: Self = Self::new(SOL_SOCKET, 9);
    /// `SO_REUSEPORT`: share a port with other sockets that have this.
    pub const REUSE_PORT: Self = Self::new(SOL_SOCKET, 15);
    /// `SO_PASSCRED`: receive who sent.
    pub const PASS_CREDENTIALS: Self = Self::new(SOL_SOCKET, 16);
    /// `SO_ACCEPTCONN`, to read: whether the socket listens.
    pub const LISTENS: Self = Self::new(SOL_SOCKET, 30);
    /// `TCP_NODELAY`: send small pieces at once.
    pub const NO_DELAY: Self = Self::new(SOL_TCP, 1);
    /// `IPV6_V6ONLY`: no IPv4 on this socket.
    pub const V6_ONLY: Self = Self::new(SOL_IPV6, 26);
}

impl SocketOption<u32> {
    /// `SO_TYPE`, to read: the socket's type.
    pub const TYPE: Self = Self::new(SOL_SOCKET, 3);
    /// `SO_SNDBUF`: room for what is not yet sent, in bytes. The kernel doubles what is set.
    pub const SEND_BUFFER: Self = Self::new(SOL_SOCKET, 7);
    /// `SO_RCVBUF`: room for what is not yet received, in bytes. The kernel doubles what is set.
    pub const RECEIVE_BUFFER: Self = Self::new(SOL_SOCKET, 8);
    /// `SO_PRIORITY`.
    pub const PRIORITY: Self = Self::new(SOL_SOCKET, 12);
    /// `SO_RCVLOWAT`: how many bytes wake a receiver.
    pub const RECEIVE_LOW_WATER: Self = Self::new(SOL_SOCKET, 18);
    /// `SO_PROTOCOL`, to read: the socket's protocol.
    pub const PROTOCOL: Self = Self::new(SOL_SOCKET, 38);
    /// `SO_DOMAIN`, to read: the socket's family.
    pub const DOMAIN: Self = Self::new(SOL_SOCKET, 39);
}

impl SocketOption<Option<Errno>> {
    /// `SO_ERROR`, to read: the error that waits at the socket, which is cleared.
    pub const ERROR: Self = Self::new(SOL_SOCKET, 4);
}

impl SocketOption<Linger> {
    /// `SO_LINGER`: whether close waits for what is not yet sent.
    pub const LINGER: Self = Self::new(SOL_SOCKET, 13);
}

impl SocketOption<Duration> {
    /// `SO_RCVTIMEO_NEW` (Linux 5.1), which has 64-bit times in every process: how long to wait for data. Zero
    /// means for ever.
    pub const RECEIVE_TIMEOUT: Self = Self::new(SOL_SOCKET, 66);
    /// `SO_SNDTIMEO_NEW` (Linux 5.1): how long to wait for room. Zero means for ever.
    pub const SEND_TIMEOUT: Self = Self::new(SOL_SOCKET, 67);
}

/// `struct linger`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linger(
    /// How many seconds close waits; `None`: not at all.
    pub Option<u32>,
);

mod sealed {
    pub trait Sealed {}
}
use sealed::Sealed;

/// A type that an option's value can have.
pub trait OptionValue: Sized + Sealed {
    /// The value as the kernel has it, and how many bytes that are.
    #[doc(hidden)]
    fn encode(&self) -> ([u8; 16], usize);
    /// The value from what the kernel has written.
    #[doc(hidden)]
    fn decode(bytes: &[u8]) -> Option<Self>;
}

impl Sealed for bool {}
impl OptionValue for bool {
    fn encode(&self) -> ([u8; 16], usize) {
        u32::from(*self).encode()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        u32::decode(bytes).map(|value| value != 0)
    }
}

impl Sealed for u32 {}
impl OptionValue for u32 {
    fn encode(&self) -> ([u8; 16], usize) {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.to_ne_bytes());
        (bytes, 4)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().map(|bytes| Self::from_ne_bytes(*bytes))
    }
}

impl Sealed for Option<Errno> {}
impl OptionValue for Option<Errno> {
    fn encode(&self) -> ([u8; 16], usize) {
        self.map_or(0, |errno| errno.raw() as u32).encode()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        u32::decode(bytes).map(|value| Errno::from_raw(value as i32))
    }
}

impl Sealed for Linger {}
impl OptionValue for Linger {
    fn encode(&self) -> ([u8; 16], usize) {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&u32::from(self.0.is_some()).to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.0.unwrap_or(0).to_ne_bytes());
        (bytes, 8)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (on, seconds) = (bool::decode(bytes)?, u32::decode(bytes.get(4..)?)?);
        Some(Self(on.then_some(seconds)))
    }
}

impl Sealed for Duration {}
impl OptionValue for Duration {
    /// `struct __kernel_sock_timeval`. Rounded up to microseconds, so that a short time does not become for ever.
    fn encode(&self) -> ([u8; 16], usize) {
        let rounded = self.saturating_add(Self::from_nanos(999));
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&i64::try_from(rounded.as_secs()).unwrap_or(i64::MAX).to_ne_bytes());
        bytes[8..].copy_from_slice(&i64::from(rounded.subsec_micros()).to_ne_bytes());
        (bytes, 16)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (seconds, micros) = bytes.get(..16)?.split_at(8);
        let seconds = i64::from_ne_bytes(seconds.try_into().ok()?);
        let micros = i64::from_ne_bytes(micros.try_into().ok()?);
        Some(Self::new(seconds.try_into().ok()?, u32::try_from(micros).ok()?.checked_mul(1000)?))
    }
}

#[cfg(test)]
mod tests {
    use super::OptionValue;
    use core::time::Duration;

    #[test]
    fn a_short_time_is_not_for_ever() {
        let (bytes, len) = Duration::from_nanos(1).encode();
        assert_eq!(len, 16);
        assert_eq!(Duration::decode(&bytes), Some(Duration::from_micros(1)));
        assert_eq!(Duration::decode(&Duration::ZERO.encode().0), Some(Duration::ZERO));
        let (bytes, _) = Duration::new(3, 999_999_500).encode();
        assert_eq!(Duration::decode(&bytes), Some(Duration::from_secs(4)));
    }
}
