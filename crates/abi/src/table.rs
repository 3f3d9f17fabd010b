//! The one table of calls.

use crate::Type::{
    AcceptFlags, AddressIn, AddressOut, Backlog, BufferIn, BufferOut, Family, Fd, FdPair, How, Length,
    LengthPointer, Level, MessageCount, MessageFlags, MessageIn, MessageOut, MessagesIn, MessagesOut,
    OptionIn, OptionName, OptionOut, Protocol, Size, SocketType, Timespec32,
};
use crate::{Argument, Call, Version, i386, x86_64};

/// A direct call: its number and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectCall {
    /// The system call number.
    pub number: u32,
    /// The system call's name, such as `accept4`.
    pub name: &'static str,
}

/// All that is known about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The call.
    pub call: Call,
    /// Its name, such as `connect`.
    pub name: &'static str,
    /// Its constant in `linux/net.h`, such as `SYS_CONNECT`.
    pub constant: &'static str,
    /// The comment beside the constant in `linux/net.h`, such as `sys_connect(2)`.
    pub comment: &'static str,
    /// The words of its array, in their order. The direct i386 call takes the same words in
    /// `ebx`, `ecx`, `edx`, `esi`, `edi`, `ebp`.
    pub words: &'static [Argument],
    /// The direct call of a 32-bit program.
    pub direct_i386: DirectCall,
    /// The direct call of a 64-bit program.
    pub direct_x86_64: DirectCall,
    /// The release that brought the direct i386 call.
    pub direct_since: Version,
    /// The release that brought the multiplexed i386 call.
    pub multiplexed_since: Version,
}

macro_rules! facts {
    ($(
        $call:ident $name:literal $constant:literal since $multiplexed:expr;
        ($($argument:literal: $ty:expr),*)
        i386 $i386:ident $i386_name:literal since $direct:expr;
        x86_64 $x86_64:ident $x86_64_name:literal;
    )*) => {
        [$(
            Facts {
                call: Call::$call,
                name: $name,
                constant: $constant,
                comment: concat!("sys_", $name, "(2)"),
                words: &[$(Argument { name: $argument, ty: $ty }),*],
                direct_i386: DirectCall { number: i386::$i386, name: $i386_name },
                direct_x86_64: DirectCall { number: x86_64::$x86_64, name: $x86_64_name },
                direct_since: $direct,
                multiplexed_since: $multiplexed,
            },
        )*]
    };
}

const V1_0: Version = Version::new(1, 0, 0);
const V2_6_28: Version = Version::new(2, 6, 28);
const V2_6_33: Version = Version::new(2, 6, 33);
const V3_0: Version = Version::new(3, 0, 0);
const V4_3: Version = Version::new(4, 3, 0);

pub(crate) static FACTS: [Facts; 20] = facts! {
    Socket "socket" "SYS_SOCKET" since V1_0;
        ("domain": Family, "type": SocketType, "protocol": Protocol)
        i386 SOCKET "socket" since V4_3;
        x86_64 SOCKET "socket";
    Bind "bind" "SYS_BIND" since V1_0;
        ("sockfd": Fd, "addr": AddressIn, "addrlen": Length)
        i386 BIND "bind" since V4_3;
        x86_64 BIND "bind";
    Connect "connect" "SYS_CONNECT" since V1_0;
        ("sockfd": Fd, "addr": AddressIn, "addrlen": Length)
        i386 CONNECT "connect" since V4_3;
        x86_64 CONNECT "connect";
    Listen "listen" "SYS_LISTEN" since V1_0;
        ("sockfd": Fd, "backlog": Backlog)
        i386 LISTEN "listen" since V4_3;
        x86_64 LISTEN "listen";
    Accept "accept" "SYS_ACCEPT" since V1_0;
        ("sockfd": Fd, "addr": AddressOut, "addrlen": LengthPointer)
        i386 ACCEPT4 "accept4" since V4_3;
        x86_64 ACCEPT "accept";
    Getsockname "getsockname" "SYS_GETSOCKNAME" since V1_0;
        ("sockfd": Fd, "addr": AddressOut, "addrlen": LengthPointer)
        i386 GETSOCKNAME "getsockname" since V4_3;
        x86_64 GETSOCKNAME "getsockname";
    Getpeername "getpeername" "SYS_GETPEERNAME" since V1_0;
        ("sockfd": Fd, "addr": AddressOut, "addrlen": LengthPointer)
        i386 GETPEERNAME "getpeername" since V4_3;
        x86_64 GETPEERNAME "getpeername";
    Socketpair "socketpair" "SYS_SOCKETPAIR" since V1_0;
        ("domain": Family, "type": SocketType, "protocol": Protocol, "sv": FdPair)
        i386 SOCKETPAIR "socketpair" since V4_3;
        x86_64 SOCKETPAIR "socketpair";
    Send "send" "SYS_SEND" since V1_0;
        ("sockfd": Fd, "buf": BufferIn, "size": Size, "flags": MessageFlags)
        i386 SENDTO "sendto" since V4_3;
        x86_64 SENDTO "sendto";
    Recv "recv" "SYS_RECV" since V1_0;
        ("sockfd": Fd, "buf": BufferOut, "size": Size, "flags": MessageFlags)
        i386 RECVFROM "recvfrom" since V4_3;
        x86_64 RECVFROM "recvfrom";
    Sendto "sendto" "SYS_SENDTO" since V1_0;
        ("sockfd": Fd, "buf": BufferIn, "size": Size, "flags": MessageFlags,
         "dest_addr": AddressIn, "addrlen": Length)
        i386 SENDTO "sendto" since V4_3;
        x86_64 SENDTO "sendto";
    Recvfrom "recvfrom" "SYS_RECVFROM" since V1_0;
        ("sockfd": Fd, "buf": BufferOut, "size": Size, "flags": MessageFlags,
         "src_addr": AddressOut, "addrlen": LengthPointer)
        i386 RECVFROM "recvfrom" since V4_3;
        x86_64 RECVFROM "recvfrom";
    Shutdown "shutdown" "SYS_SHUTDOWN" since V1_0;
        ("sockfd": Fd, "how": How)
        i386 SHUTDOWN "shutdown" since V4_3;
        x86_64 SHUTDOWN "shutdown";
    Setsockopt "setsockopt" "SYS_SETSOCKOPT" since V1_0;
        ("sockfd": Fd, "level": Level, "optname": OptionName, "optval": OptionIn, "optlen": Length)
        i386 SETSOCKOPT "setsockopt" since V4_3;
        x86_64 SETSOCKOPT "setsockopt";
    Getsockopt "getsockopt" "SYS_GETSOCKOPT" since V1_0;
        ("sockfd": Fd, "level": Level, "optname": OptionName, "optval": OptionOut, "optlen": LengthPointer)
        i386 GETSOCKOPT "getsockopt" since V4_3;
        x86_64 GETSOCKOPT "getsockopt";
    Sendmsg "sendmsg" "SYS_SENDMSG" since V1_0;
        ("sockfd": Fd, "msg": MessageIn, "flags": MessageFlags)
        i386 SENDMSG "sendmsg" since V4_3;
        x86_64 SENDMSG "sendmsg";
    Recvmsg "recvmsg" "SYS_RECVMSG" since V1_0;
        ("sockfd": Fd, "msg": MessageOut, "flags": MessageFlags)
        i386 RECVMSG "recvmsg" since V4_3;
        x86_64 RECVMSG "recvmsg";
    Accept4 "accept4" "SYS_ACCEPT4" since V2_6_28;
        ("sockfd": Fd, "addr": AddressOut, "addrlen": LengthPointer, "flags": AcceptFlags)
        i386 ACCEPT4 "accept4" since V4_3;
        x86_64 ACCEPT4 "accept4";
    Recvmmsg "recvmmsg" "SYS_RECVMMSG" since V2_6_33;
        ("sockfd": Fd, "msgvec": MessagesOut, "vlen": MessageCount, "flags": MessageFlags,
         "timeout": Timespec32)
        i386 RECVMMSG "recvmmsg" since V2_6_33;
        x86_64 RECVMMSG "recvmmsg";
    Sendmmsg "sendmmsg" "SYS_SENDMMSG" since V3_0;
        ("sockfd": Fd, "msgvec": MessagesIn, "vlen": MessageCount, "flags": MessageFlags)
        i386 SENDMMSG "sendmmsg" since V3_0;
        x86_64 SENDMMSG "sendmmsg";
};
