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

/// All that is known about a call. The types and names of its arguments are those of its manual
/// page; which words the kernel copies is `nargs` in `net/socket.c`.
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
    /// The release that brought the multiplexed call; a stable one, where it came in a series of
    /// development releases.
    pub multiplexed_since: Version,
}

macro_rules! facts {
    ($(
        $call:ident $name:literal $constant:literal since $multiplexed:expr;
        ($($argument:literal: $ty:expr),*)
        i386 $i386:ident since $direct:expr;
        x86_64 $x86_64:ident;
    )*) => {
        [$(
            Facts {
                call: Call::$call,
                name: $name,
                constant: $constant,
                comment: concat!("sys_", $name, "(2)"),
                words: &[$(Argument { name: $argument, ty: $ty }),*],
                direct_i386: DirectCall {
                    number: i386::$i386,
                    name: i386::name(i386::$i386).unwrap(),
                },
                direct_x86_64: DirectCall {
                    number: x86_64::$x86_64,
                    name: x86_64::name(x86_64::$x86_64).unwrap(),
                },
                direct_since: $direct,
                multiplexed_since: $multiplexed,
            },
        )*]
    };
}

// Where the releases come from: `linux/net.h` of 1.0 and of 1.2.13 ends at SYS_GETSOCKOPT, and
// syscalls(2) dates sendmsg and recvmsg to 2.0. accept4, recvmmsg and sendmmsg: their manual pages
// and glibc's `sysdeps/unix/sysv/linux/i386/kernel-features.h`, which has the direct recvmmsg and
// sendmmsg too. The other direct calls: socketcall(2), commit 9dea5dc921b5.
const V1_0: Version = Version::new(1, 0, 0);
const V2_0: Version = Version::new(2, 0, 0);
const V2_6_28: Version = Version::new(2, 6, 28);
const V2_6_33: Version = Version::new(2, 6, 33);
const V3_0: Version = Version::new(3, 0, 0);
const V4_3: Version = Version::new(4, 3, 0);

pub(crate) static FACTS: [Facts; 20] = facts! {
    Socket "socket" "SYS_SOCKET" since V1_0;
        ("domain": Family, "type": SocketType, "protocol": Protocol)
        i386 SOCKET since V4_3;
        x86_64 SOCKET;
    Bind "bind" "SYS_BIND" since V1_0;
        ("sockfd": Fd, "addr": AddressIn, "addrlen": Length)
        i386 BIND since V4_3;
        x86_64 BIND;
    Connect "connect" "SYS_CONNECT" since V1_0;
        ("sockfd": Fd, "addr": AddressIn, "addrlen": Length)
        i386 CONNECT since V4_3;
        x86_64 CONNECT;
    Listen "listen" "SYS_LISTEN" since V1_0;
        ("sockfd": Fd, "backlog": Backlog)
        i386 LISTEN since V4_3;
        x86_64 LISTEN;
    Accept "accept" "SYS_ACCEPT" since V1_0;
        ("sockfd": Fd, "addr": AddressOut, "addrlen": LengthPointer)
        i386 ACCEPT4 since V4_3;
        x86_64 ACCEPT;
    Getsockname "getsockname" "SYS_GETSOCKNAME" since V1_0;
        ("sockfd": Fd, "addr": AddressOut, "addrlen": LengthPointer)
        i386 GETSOCKNAME since V4_3;
        x86_64 GETSOCKNAME;
    Getpeername "getpeername" "SYS_GETPEERNAME" since V1_0;
        ("sockfd": Fd, "addr": AddressOut, "addrlen": LengthPointer)
        i386 GETPEERNAME since V4_3;
        x86_64 GETPEERNAME;
    Socketpair "socketpair" "SYS_SOCKETPAIR" since V1_0;
        ("domain": Family, "type": SocketType, "protocol": Protocol, "sv": FdPair)
        i386 SOCKETPAIR since V4_3;
        x86_64 SOCKETPAIR;
    Send "send" "SYS_SEND" since V1_0;
        ("sockfd": Fd, "buf": BufferIn, "size": Size, "flags": MessageFlags)
        i386 SENDTO since V4_3;
        x86_64 SENDTO;
    Recv "recv" "SYS_RECV" since V1_0;
        ("sockfd": Fd, "buf": BufferOut, "size": Size, "flags": MessageFlags)
        i386 RECVFROM since V4_3;
        x86_64 RECVFROM;
    Sendto "sendto" "SYS_SENDTO" since V1_0;
        ("sockfd": Fd, "buf": BufferIn, "size": Size, "flags": MessageFlags,
         "dest_addr": AddressIn, "addrlen": Length)
        i386 SENDTO since V4_3;
        x86_64 SENDTO;
    Recvfrom "recvfrom" "SYS_RECVFROM" since V1_0;
        ("sockfd": Fd, "buf": BufferOut, "size": Size, "flags": MessageFlags,
         "src_addr": AddressOut, "addrlen": LengthPointer)
        i386 RECVFROM since V4_3;
        x86_64 RECVFROM;
    Shutdown "shutdown" "SYS_SHUTDOWN" since V1_0;
        ("sockfd": Fd, "how": How)
        i386 SHUTDOWN since V4_3;
        x86_64 SHUTDOWN;
    Setsockopt "setsockopt" "SYS_SETSOCKOPT" since V1_0;
        ("sockfd": Fd, "level": Level, "optname": OptionName, "optval": OptionIn, "optlen": Length)
        i386 SETSOCKOPT since V4_3;
        x86_64 SETSOCKOPT;
    Getsockopt "getsockopt" "SYS_GETSOCKOPT" since V1_0;
        ("sockfd": Fd, "level": Level, "optname": OptionName, "optval": OptionOut, "optlen": LengthPointer)
        i386 GETSOCKOPT since V4_3;
        x86_64 GETSOCKOPT;
    Sendmsg "sendmsg" "SYS_SENDMSG" since V2_0;
        ("sockfd": Fd, "msg": MessageIn, "flags": MessageFlags)
        i386 SENDMSG since V4_3;
        x86_64 SENDMSG;
    Recvmsg "recvmsg" "SYS_RECVMSG" since V2_0;
        ("sockfd": Fd, "msg": MessageOut, "flags": MessageFlags)
        i386 RECVMSG since V4_3;
        x86_64 RECVMSG;
    Accept4 "accept4" "SYS_ACCEPT4" since V2_6_28;
        ("sockfd": Fd, "addr": AddressOut, "addrlen": LengthPointer, "flags": AcceptFlags)
        i386 ACCEPT4 since V4_3;
        x86_64 ACCEPT4;
    Recvmmsg "recvmmsg" "SYS_RECVMMSG" since V2_6_33;
        ("sockfd": Fd, "msgvec": MessagesOut, "vlen": MessageCount, "flags": MessageFlags,
         "timeout": Timespec32)
        i386 RECVMMSG since V2_6_33;
        x86_64 RECVMMSG;
    Sendmmsg "sendmmsg" "SYS_SENDMMSG" since V3_0;
        ("sockfd": Fd, "msgvec": MessagesIn, "vlen": MessageCount, "flags": MessageFlags)
        i386 SENDMMSG since V3_0;
        x86_64 SENDMMSG;
};

#[cfg(test)]
mod tests {
    use super::FACTS;
    use crate::{Call, Version};

    /// `nargs` of Linux 6.12's `net/socket.c` and `nas` of its `net/compat.c`, from call 1 on.
    const NARGS: [usize; 20] = [3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4];

    #[test]
    fn rows_stand_in_the_order_of_their_numbers() {
        for (index, facts) in FACTS.iter().enumerate() {
            assert_eq!(facts.call.number() as usize, index + 1);
            assert_eq!(facts.call.facts(), facts);
        }
    }

    #[test]
    fn words_are_the_kernels() {
        assert_eq!(Call::ALL.map(Call::words), NARGS);
    }

    #[test]
    fn constants_are_the_names_in_capitals() {
        for facts in &FACTS {
            assert_eq!(facts.constant.strip_prefix("SYS_").unwrap(), facts.name.to_uppercase());
            assert_eq!(facts.comment, std::format!("sys_{}(2)", facts.name));
        }
    }

    /// Only accept, send and recv become a direct call of another name, and those take the same
    /// words and further ones that are 0.
    #[test]
    fn the_direct_call_takes_the_same_words() {
        for facts in &FACTS {
            let direct = Call::from_direct_i386(facts.direct_i386.number).unwrap().facts();
            assert_eq!(direct.name, facts.direct_i386.name);
            assert!(direct.words.starts_with(facts.words), "{}", facts.name);
            let renamed = matches!(facts.call, Call::Accept | Call::Send | Call::Recv);
            assert_eq!(renamed, direct.name != facts.name);
        }
    }

    #[test]
    fn releases() {
        for facts in &FACTS {
            assert!(facts.multiplexed_since <= facts.direct_since, "{}", facts.name);
            let same_release = facts.multiplexed_since == facts.direct_since;
            assert_eq!(same_release, matches!(facts.call, Call::Recvmmsg | Call::Sendmmsg));
            assert!(same_release || facts.direct_since == Version::new(4, 3, 0));
        }
    }
}
