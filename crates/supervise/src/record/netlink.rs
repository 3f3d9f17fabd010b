//! Whether anybody who is watched can have a netlink socket at all. Only then it has to be asked what a descriptor is
//! whenever bytes are shown, which costs a look into /proc for each call.

use std::fs;

use abi::{Call, i386};
use decode::{Abi, Descriptors, Request};
use seccomp::Arch;

use super::shown::Shown;

/// Calls that are no socket calls and bring descriptors of others: pidfd_getfd(2) and io_uring_setup(2), by their numbers in
/// every interface (arch/x86/entry/syscalls).
const BRINGING: [u32; 2] = [438, 425];

/// The calls by which a netlink socket is made or received.
const SHOWN: [Call; 3] = [Call::Socket, Call::Recvmsg, Call::Recvmmsg];

const AF_NETLINK: i32 = 16;

/// What is known of netlink sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Netlink {
    /// Nobody has one.
    Nowhere,
    /// Somebody may have one.
    Perhaps,
}

impl Netlink {
    /// Of a program that is about to be started, and inherits our descriptors. Only who shows all calls that bring such a
    /// socket will see it come.
    pub(super) fn at_start(shown: &Shown) -> Netlink {
        let abis = [Abi::I386, Abi::X86_64, Abi::X32];
        let sees_all = abis.iter().all(|abi| {
            let mut names = SHOWN.iter().map(|call| call.name()).chain(abi.name_of(i386::RECVMMSG_TIME64));
            names.all(|name| shown.has(*abi, name))
        });
        if sees_all && !inherits_one() { Netlink::Nowhere } else { Netlink::Perhaps }
    }

    /// Whatever call is about to be made.
    pub(super) fn about_to_call(&mut self, number: u32) {
        if BRINGING.contains(&(number & !Abi::X32_BIT)) {
            *self = Netlink::Perhaps;
        }
    }

    /// A shown call is about to be made.
    pub(super) fn entered(&mut self, request: &Request) {
        if request.asked.form.call == Some(Call::Socket) && request.asked.words[0] as i32 == AF_NETLINK {
            *self = Netlink::Perhaps;
        }
    }

    /// A shown call has returned.
    pub(super) fn returned(&mut self, request: &Request) {
        if request.may_have_brought_descriptors() {
            *self = Netlink::Perhaps;
        }
    }

    /// What is asked of the system for a thread.
    pub(super) fn knowing<'a>(self, descriptors: &'a dyn Descriptors) -> Knowing<'a> {
        Knowing { netlink: self, descriptors }
    }
}

/// The architectures and numbers of [`BRINGING`].
pub(super) fn bringing() -> impl Iterator<Item = (Arch, u32)> {
    BRINGING.into_iter().flat_map(|number| {
        [(Arch::I386, number), (Arch::X86_64, number), (Arch::X86_64, number | Abi::X32_BIT)]
    })
}

/// Whether one of our own descriptors is a netlink socket; true where that can't be told.
fn inherits_one() -> bool {
    let Ok(own) = fs::read_dir("/proc/self/fd") else { return true };
    own.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).any(is_one)
}

fn is_one(fd: i32) -> bool {
    let (mut domain, mut size) = (0i32, size_of::<i32>() as libc::socklen_t);
    // SAFETY: getsockopt writes at most `size` bytes to `domain`, an int as SO_DOMAIN's value is; any descriptor may be asked.
    let answer = unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_DOMAIN, (&raw mut domain).cast(), &raw mut size)
    };
    answer == 0 && domain == AF_NETLINK
}

/// Descriptors of which it is known whether they can be netlink sockets.
pub(super) struct Knowing<'a> {
    netlink: Netlink,
    descriptors: &'a dyn Descriptors,
}

impl Descriptors for Knowing<'_> {
    fn describe(&self, fd: i32) -> Option<String> {
        self.descriptors.describe(fd)
    }

    fn netlink(&self, fd: i32) -> Option<u32> {
        match self.netlink {
            Netlink::Nowhere => None,
            Netlink::Perhaps => self.descriptors.netlink(fd),
        }
    }

    fn interface(&self, index: u32) -> Option<String> {
        self.descriptors.interface(index)
    }

    fn control_limit(&self) -> usize {
        self.descriptors.control_limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    fn socket(family: i32) -> OwnedFd {
        // SAFETY: no pointers; the descriptor is new.
        unsafe {
            let fd = libc::socket(family, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
            assert_ne!(fd, -1);
            OwnedFd::from_raw_fd(fd)
        }
    }

    #[test]
    fn a_socket_that_is_inherited_is_found() {
        let (netlink, inet) = (socket(AF_NETLINK), socket(libc::AF_INET));
        assert_eq!([&netlink, &inet].map(|fd| is_one(fd.as_raw_fd())), [true, false]);
        assert!(!is_one(-1) && inherits_one());
    }

    #[test]
    fn calls_that_bring_sockets_of_others_end_it() {
        for (number, expected) in [
            (425, Netlink::Perhaps),
            (438 | Abi::X32_BIT, Netlink::Perhaps),
            (42, Netlink::Nowhere),
            (102, Netlink::Nowhere),
        ] {
            let mut netlink = Netlink::Nowhere;
            netlink.about_to_call(number);
            assert_eq!(netlink, expected, "{number}");
        }
    }
}
