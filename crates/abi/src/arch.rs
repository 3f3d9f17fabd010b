//! Which architectures multiplex, which did, and which never did.
//!
//! The state is that of Linux 6.12's system call tables (`arch/*/**/syscall*.tbl` and
//! `scripts/syscall.tbl`). The releases in which direct calls came are those of glibc's
//! `sysdeps/unix/sysv/linux/*/kernel-features.h`, and of the source named beside an entry.
//! Where no source gives the release, [`DirectCalls::By`] gives one in which they are there.

use crate::{SOCKETCALL_I386, Version};

/// What an architecture's system call table says about socket calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// The architecture, or one of its ABIs.
    pub name: &'static str,
    /// Its multiplexer.
    pub multiplexer: Multiplexer,
    /// Its direct calls.
    pub direct: DirectCalls,
    /// The release without the architecture, where Linux has dropped it.
    pub dropped: Option<Version>,
    /// What else to know, in a few words; may be empty.
    pub note: &'static str,
}

/// Whether a system call table has socketcall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplexer {
    /// It has, under this number: in Linux 6.12, or in the last release with the architecture.
    Present(u32),
    /// This number was given to it; the call is no longer there.
    Retired(u32),
    /// It never had.
    Never,
}

/// Whether a system call table has the direct calls (socket, connect and so on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectCalls {
    /// From its beginning.
    Always,
    /// From this release on.
    Since(Version),
    /// In this release, and perhaps before.
    By(Version),
    /// Not all of them, to this day or to the architecture's end.
    Never,
}

use DirectCalls::{Always, By, Never as NoneDirect, Since};
use Multiplexer::{Never, Present, Retired};

const V2_6_37: Version = Version::new(2, 6, 37);
const V3_2: Version = Version::new(3, 2, 0);
const V4_3: Version = Version::new(4, 3, 0);
const V4_4: Version = Version::new(4, 4, 0);
const V4_17: Version = Version::new(4, 17, 0);
const V6_7: Version = Version::new(6, 7, 0);
const V6_12: Version = Version::new(6, 12, 0);

const fn entry(
    name: &'static str,
    multiplexer: Multiplexer,
    direct: DirectCalls,
    note: &'static str,
) -> Architecture {
    Architecture { name, multiplexer, direct, dropped: None, note }
}

const fn dropped(architecture: Architecture, release: Version) -> Architecture {
    Architecture { dropped: Some(release), ..architecture }
}

/// Every architecture of Linux 6.12 and those dropped ones whose tables were looked at; first
/// those with a multiplexer.
pub static ARCHITECTURES: [Architecture; 33] = [
    // socketcall(2); commit 9dea5dc921b5.
    entry("i386", Present(SOCKETCALL_I386), Since(V4_3), "on x86-64 too: 32-bit programs, int $0x80"),
    // Commit 977108f89c98. The table's lines are "common" to both.
    entry("s390", Present(102), Since(V4_3), "31-bit programs"),
    entry("s390x", Present(102), Since(V4_3), "the array has 64-bit words"),
    entry("m68k", Present(102), Since(V4_3), ""),
    // The sparc table has one line for both, and bind, listen and setsockopt at the end of it.
    entry("sparc", Present(206), Since(V4_4), ""),
    entry("sparc64", Present(206), Since(V4_4), "bind, listen, setsockopt; the others were there"),
    entry("powerpc", Present(102), Since(V2_6_37), ""),
    entry("powerpc64", Present(102), Since(V2_6_37), ""),
    entry("sh", Present(102), Since(V2_6_37), ""),
    // glibc, which needs 3.2, takes the direct calls of these two for granted.
    entry("microblaze", Present(102), By(V3_2), ""),
    entry("mips-o32", Present(4102), By(V3_2), ""),
    // arch/arm/tools/syscall.tbl: socketcall is "oabi", the direct calls are "common".
    // include/asm-arm/unistd.h of 2.6.12-rc2 only reserves their numbers.
    entry("arm-oabi", Present(102), By(V6_12), "the old ABI, CONFIG_OABI_COMPAT"),
    // arch/*/include/uapi/asm/unistd.h; dropped by the merge that removed eight architectures.
    dropped(entry("cris", Present(102), NoneDirect, "accept4, recvmmsg, sendmmsg only"), V4_17),
    dropped(entry("frv", Present(102), NoneDirect, ""), V4_17),
    dropped(entry("m32r", Present(102), NoneDirect, ""), V4_17),
    dropped(entry("mn10300", Present(102), NoneDirect, "recvmmsg only"), V4_17),
    // arch/parisc/kernel/syscalls/syscall.tbl: "102 was socketcall".
    entry("parisc", Retired(102), Always, ""),
    entry("x86-64", Never, Always, "102 is getuid"),
    entry("alpha", Never, Always, "102 is recv"),
    entry("arc", Never, Always, ""),
    // The EABI's direct calls are as old as the EABI: "#if defined(__ARM_EABI__)" stood around
    // their numbers in include/asm-arm/unistd.h.
    entry("arm-eabi", Never, Always, ""),
    entry("arm64", Never, Always, "32-bit programs have the table of arm-eabi"),
    entry("csky", Never, Always, ""),
    entry("hexagon", Never, Always, ""),
    dropped(entry("ia64", Never, Always, ""), V6_7),
    entry("loongarch", Never, Always, ""),
    entry("mips-n32", Never, Always, ""),
    entry("mips-n64", Never, Always, ""),
    entry("nios2", Never, Always, ""),
    entry("openrisc", Never, Always, ""),
    entry("riscv", Never, Always, ""),
    entry("x32", Never, Always, "x86-64's table"),
    entry("xtensa", Never, Always, "102 is listen"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ARCHITECTURES, Architecture, DirectCalls, Multiplexer};
    use crate::{Call, SOCKETCALL_I386};

    fn find(name: &str) -> &'static Architecture {
        ARCHITECTURES.iter().find(|architecture| architecture.name == name).unwrap()
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = ARCHITECTURES.iter().map(|architecture| architecture.name).collect();
        assert_eq!(names.len(), ARCHITECTURES.len());
    }

    #[test]
    fn agrees_with_the_table_of_calls() {
        let i386 = find("i386");
        assert_eq!(i386.multiplexer, Multiplexer::Present(SOCKETCALL_I386));
        assert_eq!(i386.direct, DirectCalls::Since(Call::Socket.facts().direct_since));
    }

    /// Multiplexing was given up for direct calls: no table lacks both.
    #[test]
    fn every_architecture_has_socket_calls() {
        for architecture in &ARCHITECTURES {
            let direct = architecture.direct != DirectCalls::Never;
            let multiplexed = matches!(architecture.multiplexer, Multiplexer::Present(_));
            assert!(direct || multiplexed, "{}", architecture.name);
            // What never multiplexed had its calls from the beginning.
            if architecture.multiplexer == Multiplexer::Never {
                assert_eq!(architecture.direct, DirectCalls::Always, "{}", architecture.name);
            }
        }
    }
}
