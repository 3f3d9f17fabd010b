//! What a word of the array means.

/// One argument of a call: one 32-bit word of the array, or one register of the direct call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The name that the call's manual page uses, such as `sockfd`.
    pub name: &'static str,
    /// What the word means, for whoever decodes it.
    pub ty: Type,
}

impl Argument {
    /// The argument's type as the manual page writes it, such as `struct sockaddr *`.
    pub const fn c_type(&self) -> &'static str {
        self.ty.c_type()
    }
}

/// What a word means. Pointers are 32-bit addresses; "in" is read by the kernel, "out" written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Type {
    /// A file descriptor.
    Fd,
    /// An address family, `AF_*`.
    Family,
    /// A socket type, `SOCK_*`, with `SOCK_CLOEXEC` and `SOCK_NONBLOCK`.
    SocketType,
    /// A protocol; its meaning depends on the family.
    Protocol,
    /// The length of listen's queue.
    Backlog,
    /// What shutdown closes, `SHUT_*`.
    How,
    /// An option's level, `SOL_*`.
    Level,
    /// An option's name; its meaning depends on the level.
    OptionName,
    /// Flags of accept4: `SOCK_CLOEXEC` and `SOCK_NONBLOCK`.
    AcceptFlags,
    /// Flags of a message, `MSG_*`.
    MessageFlags,
    /// A buffer's length in bytes (`size_t`).
    Size,
    /// An address's or option's length in bytes (an `int` for the kernel).
    Length,
    /// In and out: the room for an address or option, then its length.
    LengthPointer,
    /// How many messages an array holds.
    MessageCount,
    /// In: a socket address.
    AddressIn,
    /// Out: a socket address; may be null.
    AddressOut,
    /// In: bytes to send.
    BufferIn,
    /// Out: room for received bytes.
    BufferOut,
    /// In: an option's value.
    OptionIn,
    /// Out: room for an option's value.
    OptionOut,
    /// Out: two descriptors.
    FdPair,
    /// In: a message (`struct msghdr`, 28 bytes).
    MessageIn,
    /// In and out: a message and room for what arrives.
    MessageOut,
    /// In and out: an array of messages to send (`struct mmsghdr`, 32 bytes each).
    MessagesIn,
    /// In and out: an array of messages and room for what arrives.
    MessagesOut,
    /// In and out: a timeout of two 32-bit words; may be null.
    Timespec32,
    /// In and out: where sendfile(2), which is no call of the multiplexer, reads in a file; may be null.
    Offset,
}

impl Type {
    /// The type as the manual pages write it.
    pub const fn c_type(self) -> &'static str {
        match self {
            Self::Fd
            | Self::Family
            | Self::SocketType
            | Self::Protocol
            | Self::Backlog
            | Self::How
            | Self::Level
            | Self::OptionName
            | Self::AcceptFlags
            | Self::MessageFlags => "int",
            Self::Size => "size_t",
            Self::Length => "socklen_t",
            Self::LengthPointer => "socklen_t *",
            Self::MessageCount => "unsigned int",
            Self::AddressIn => "const struct sockaddr *",
            Self::AddressOut => "struct sockaddr *",
            Self::BufferIn | Self::OptionIn => "const void *",
            Self::BufferOut | Self::OptionOut => "void *",
            Self::FdPair => "int[2]",
            Self::MessageIn => "const struct msghdr *",
            Self::MessageOut => "struct msghdr *",
            Self::MessagesIn | Self::MessagesOut => "struct mmsghdr *",
            Self::Timespec32 => "struct timespec *",
            Self::Offset => "off_t *",
        }
    }
}
