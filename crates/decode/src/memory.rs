//! Reading a program's memory.

use abi::{i386, x86_64};

use crate::budget::Budget;

/// The memory of a program that may change it, unmap it, or lie about it.
pub trait Memory {
    /// Reads from `address` on until `buffer` is full or memory ends; answers how many bytes.
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize;
}

/// The programming interface that a call was made through: the size of words, and which numbers mean what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abi {
    /// 32-bit, by `int $0x80` or the vDSO.
    I386,
    /// 64-bit.
    X86_64,
    /// 32-bit pointers on 64-bit registers.
    X32,
}

impl Abi {
    /// The bit that x32's numbers have (arch/x86/include/uapi/asm/unistd.h, `__X32_SYSCALL_BIT`).
    pub const X32_BIT: u32 = 0x4000_0000;

    /// Bytes of a pointer, a `size_t` and a `long`.
    #[must_use]
    pub const fn word(self) -> usize {
        match self {
            Abi::I386 | Abi::X32 => 4,
            Abi::X86_64 => 8,
        }
    }

    /// The highest address that a pointer can hold.
    #[must_use]
    pub const fn highest(self) -> u64 {
        match self {
            Abi::I386 | Abi::X32 => u32::MAX as u64,
            Abi::X86_64 => u64::MAX,
        }
    }

    /// Bytes of each half of a `struct timespec` or `timeval` of a call that has no form of its own for 64-bit
    /// time.
    #[must_use]
    pub const fn time(self) -> usize {
        match self {
            Abi::I386 => 4,
            Abi::X32 | Abi::X86_64 => 8,
        }
    }

    /// Alignment of control messages, `CMSG_ALIGN`.
    #[must_use]
    pub const fn alignment(self) -> usize {
        self.word()
    }

    /// The name of the socket call with this number, of any form; or of sendfile.
    #[must_use]
    pub const fn name_of(self, number: u32) -> Option<&'static str> {
        let plain = number & !if matches!(self, Abi::X32) { Self::X32_BIT } else { 0 };
        match (crate::call::sendfile(self, plain), self) {
            (Some(name), _) => Some(name),
            (None, Abi::I386) => i386::name(number),
            (None, Abi::X86_64) => x86_64::name(number),
            (None, Abi::X32) => crate::call::x32_name(plain),
        }
    }
}

/// What is decoded of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a buffer or string: `-s`, 32.
    pub bytes: usize,
    /// Elements of an array: `-s` too, if not verbose.
    pub elements: usize,
    /// Whether structures are shown in full: `-v`.
    pub verbose: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 32, elements: 32, verbose: false }
    }
}

/// What is asked of the system, not of the program's memory. The answers are of the moment.
pub trait Descriptors {
    /// What descriptor `fd` of the program is, as `-y` and `-yy` show it between `<` and `>`.
    fn describe(&self, fd: i32) -> Option<String> {
        let _ = fd;
        None
    }

    /// The protocol of a netlink socket, such as 0 for NETLINK_ROUTE; `None` if it is no netlink socket.
    fn netlink(&self, fd: i32) -> Option<u32> {
        let _ = fd;
        None
    }

    /// The name of the network interface with this index, in the program's network namespace.
    fn interface(&self, index: u32) -> Option<String> {
        let _ = index;
        None
    }

    /// Bytes of control messages that the kernel takes at most: net.core.optmem_max.
    fn control_limit(&self) -> usize {
        128 << 10
    }
}

/// Nothing is known of descriptors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unknown;

impl Descriptors for Unknown {}

/// Where a call's arguments are looked up.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The program's memory.
    pub memory: &'a dyn Memory,
    /// By which interface the call was made.
    pub abi: Abi,
    /// How much is decoded.
    pub limits: Limits,
    /// What the system knows.
    pub descriptors: &'a dyn Descriptors,
}

impl Context<'_> {
    /// Exactly `N` bytes.
    #[must_use]
    pub fn exactly<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.memory.read(address, &mut bytes) == N).then_some(bytes)
    }

    /// As many bytes as can be read, up to `length`, which the caller bounds.
    #[must_use]
    pub fn up_to(&self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let read = self.memory.read(address, &mut bytes);
        bytes.truncate(read);
        bytes
    }

    /// `length` bytes, all or nothing; the caller bounds the length.
    #[must_use]
    pub fn all(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let bytes = self.up_to(address, length);
        (bytes.len() == length).then_some(bytes)
    }

    /// A 32-bit integer.
    #[must_use]
    pub fn int(&self, address: u64) -> Option<i32> {
        self.exactly(address).map(i32::from_le_bytes)
    }

    /// A word of the interface's size: a pointer, a `size_t`.
    #[must_use]
    pub fn word(&self, address: u64) -> Option<u64> {
        match self.abi.word() {
            4 => self.exactly(address).map(|bytes| u32::from_le_bytes(bytes).into()),
            _ => self.exactly(address).map(u64::from_le_bytes),
        }
    }

    /// Descriptor `fd`.
    #[must_use]
    pub fn fd(&self, fd: i32) -> crate::Value {
        crate::Value::Fd(fd, self.descriptors.describe(fd))
    }

    /// A buffer of `length` bytes as strace's `printstrn` shows it: quoted up to the limit, or the pointer
    /// if it can't be read whole up to there, and the byte behind that.
    #[must_use]
    pub fn buffer(&self, address: u64, length: u64) -> crate::Value {
        use crate::Value;
        if address == 0 {
            return Value::Pointer(0);
        }
        let looked_at = self.looked_at(length);
        match self.all(address, looked_at) {
            Some(mut data) => {
                data.truncate(self.limits.bytes);
                Value::Bytes { data, more: looked_at > self.limits.bytes, hex: false }
            }
            None => Value::Pointer(address),
        }
    }

    /// The same for one of many in a call, as long as there is the budget for it.
    pub(crate) fn buffer_within(&self, address: u64, length: u64, budget: &Budget) -> crate::Value {
        if address != 0 && !budget.take_string(self.looked_at(length)) {
            return crate::Value::Pointer(address);
        }
        self.buffer(address, length)
    }

    /// How much is read of a buffer: one byte more than is shown tells whether there is more.
    pub(crate) fn looked_at(&self, length: u64) -> usize {
        length.min((self.limits.bytes as u64).saturating_add(1)) as usize
    }
}
