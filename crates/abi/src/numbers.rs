//! System call numbers. The table of calls refers to these; nothing else repeats them.

/// The number of `socketcall` on i386. On x86-64 the same number is `getuid`: whoever filters
/// by number must look at the architecture first.
pub const SOCKETCALL_I386: u32 = i386::SOCKETCALL;

macro_rules! numbers {
    ($($name:ident = $number:literal, $call:literal;)*) => {
        $(
            #[doc = concat!("`", $call, "`")]
            pub const $name: u32 = $number;
        )*

        /// The name of the system call with this number, of those that stand here.
        pub const fn name(number: u32) -> Option<&'static str> {
            match number {
                $($number => Some($call),)*
                _ => None,
            }
        }
    };
}

/// Numbers of the 32-bit entry of x86 (`arch/x86/entry/syscalls/syscall_32.tbl`).
pub mod i386 {
    numbers! {
        SOCKETCALL = 102, "socketcall";
        RECVMMSG = 337, "recvmmsg";
        SENDMMSG = 345, "sendmmsg";
        SOCKET = 359, "socket";
        SOCKETPAIR = 360, "socketpair";
        BIND = 361, "bind";
        CONNECT = 362, "connect";
        LISTEN = 363, "listen";
        ACCEPT4 = 364, "accept4";
        GETSOCKOPT = 365, "getsockopt";
        SETSOCKOPT = 366, "setsockopt";
        GETSOCKNAME = 367, "getsockname";
        GETPEERNAME = 368, "getpeername";
        SENDTO = 369, "sendto";
        SENDMSG = 370, "sendmsg";
        RECVFROM = 371, "recvfrom";
        RECVMSG = 372, "recvmsg";
        SHUTDOWN = 373, "shutdown";
        RECVMMSG_TIME64 = 417, "recvmmsg_time64";
    }
}

/// Numbers of the 64-bit entry of x86 (`arch/x86/entry/syscalls/syscall_64.tbl`).
pub mod x86_64 {
    numbers! {
        SOCKET = 41, "socket";
        CONNECT = 42, "connect";
        ACCEPT = 43, "accept";
        SENDTO = 44, "sendto";
        RECVFROM = 45, "recvfrom";
        SENDMSG = 46, "sendmsg";
        RECVMSG = 47, "recvmsg";
        SHUTDOWN = 48, "shutdown";
        BIND = 49, "bind";
        LISTEN = 50, "listen";
        GETSOCKNAME = 51, "getsockname";
        GETPEERNAME = 52, "getpeername";
        SOCKETPAIR = 53, "socketpair";
        SETSOCKOPT = 54, "setsockopt";
        GETSOCKOPT = 55, "getsockopt";
        ACCEPT4 = 288, "accept4";
        RECVMMSG = 299, "recvmmsg";
        SENDMMSG = 307, "sendmmsg";
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::format;
    use std::io::Write as _;
    use std::string::{String, ToString as _};

    use super::{i386, x86_64};

    /// The kernel's own header of numbers, where one is installed.
    fn header(file: &str) -> Option<BTreeMap<String, u32>> {
        let directories = ["/usr/include/x86_64-linux-gnu/asm", "/usr/include/asm"];
        let text = directories.iter().find_map(|dir| std::fs::read_to_string(format!("{dir}/{file}")).ok());
        let Some(text) = text else {
            // Not eprintln!, whose output the test harness would swallow.
            let note = format!("skipped: {file}: not here; the package linux-libc-dev has it\n");
            std::io::stderr().write_all(note.as_bytes()).unwrap();
            return None;
        };
        let numbers = text.lines().filter_map(|line| {
            let (name, number) = line.strip_prefix("#define __NR_")?.split_once(' ')?;
            Some((name.to_string(), number.trim().parse().ok()?))
        });
        Some(numbers.collect())
    }

    /// Every number of 0..1024 that we name has that name in the header, and we name as many as
    /// we mean to.
    fn agrees(file: &str, count: usize, name: fn(u32) -> Option<&'static str>) {
        let named = (0..1024).filter_map(|number| Some((number, name(number)?)));
        assert_eq!(named.clone().count(), count);
        let Some(header) = header(file) else { return };
        for (number, name) in named {
            assert_eq!(header.get(name), Some(&number), "{name}");
        }
    }

    #[test]
    fn i386_numbers_are_the_kernels() {
        agrees("unistd_32.h", 19, i386::name);
    }

    #[test]
    fn x86_64_numbers_are_the_kernels() {
        agrees("unistd_64.h", 18, x86_64::name);
    }
}
