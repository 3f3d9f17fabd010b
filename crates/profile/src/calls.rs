//! System calls by name, for the three kinds of call that an x86-64 kernel takes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::near::near;

/// A kind of call, as libseccomp tells them apart (`SCMP_ARCH_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Abi {
    /// 64-bit calls.
    X86_64,
    /// 64-bit calls with 32-bit pointers: bit 30 is set in their numbers.
    X32,
    /// 32-bit calls.
    I386,
}

/// The bit that makes a number an x32 call (`__X32_SYSCALL_BIT`).
pub(crate) const X32_BIT: u32 = 0x4000_0000;

impl Abi {
    /// All three.
    pub const ALL: [Abi; 3] = [Abi::X86_64, Abi::X32, Abi::I386];

    /// The architecture that a filter sees.
    #[must_use]
    pub const fn arch(self) -> seccomp::Arch {
        match self {
            Abi::X86_64 | Abi::X32 => seccomp::Arch::X86_64,
            Abi::I386 => seccomp::Arch::I386,
        }
    }

    /// How profiles write it.
    #[must_use]
    pub const fn profile_name(self) -> &'static str {
        match self {
            Abi::X86_64 => "SCMP_ARCH_X86_64",
            Abi::X32 => "SCMP_ARCH_X32",
            Abi::I386 => "SCMP_ARCH_X86",
        }
    }

    /// The number of the system call `name`, as a filter sees it.
    #[must_use]
    pub fn number(self, name: &str) -> Option<u32> {
        let numbers = CALLS.get(name)?;
        match self {
            Abi::X86_64 => numbers[0],
            Abi::X32 => numbers[1].map(|number| number | X32_BIT),
            Abi::I386 => numbers[2],
        }
    }
}

/// Numbers on x86-64, x32 and i386 by name.
static CALLS: LazyLock<BTreeMap<&'static str, [Option<u32>; 3]>> = LazyLock::new(|| {
    let lines = include_str!("calls.tbl").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut words = line.split(' ');
            let name = words.next()?;
            let mut number = || words.next()?.parse().ok();
            Some((name, [number(), number(), number()]))
        })
        .collect()
});

/// Whether any architecture has a system call of this name.
pub(crate) fn is_known(name: &str) -> bool {
    CALLS.contains_key(name) || multiplexed(name).is_some()
}

/// Known names near to `name`.
pub(crate) fn near_calls(name: &str) -> Vec<String> {
    near(name, CALLS.keys().copied())
}

/// The System V IPC calls of ipc(2), the other multiplexer of i386 (`include/uapi/linux/ipc.h`).
const IPC: [(&str, u32); 12] = [
    ("semop", 1),
    ("semget", 2),
    ("semctl", 3),
    ("semtimedop", 4),
    ("msgsnd", 11),
    ("msgrcv", 12),
    ("msgget", 13),
    ("msgctl", 14),
    ("shmat", 21),
    ("shmdt", 22),
    ("shmget", 23),
    ("shmctl", 24),
];

/// The number of ipc(2) on i386.
const IPC_I386: u32 = 117;

/// A call that i386 makes through a multiplexer: the multiplexer's number and the call's number in it.
pub(crate) fn multiplexed(name: &str) -> Option<(u32, u32)> {
    let socket = abi::Call::ALL.iter().find(|call| call.name() == name);
    let socket = socket.map(|call| (abi::SOCKETCALL_I386, call.number().unsigned_abs()));
    socket.or_else(|| IPC.iter().find(|(call, _)| *call == name).map(|(_, number)| (IPC_I386, *number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn the_table_is_whole() {
        let lines = include_str!("calls.tbl").lines().filter(|line| !line.starts_with('#'));
        let names: Vec<_> = lines.map(|line| line.split(' ').next().unwrap()).collect();
        assert!(names.is_sorted());
        assert_eq!(names.len(), CALLS.len());
        assert_eq!(Abi::X32.number("recvfrom"), Some(X32_BIT + 517));
        assert_eq!(multiplexed("accept4"), Some((102, 18)));
        assert_eq!(multiplexed("shmctl"), Some((117, 24)));
        assert_eq!(Abi::I386.number("recv"), None);
        assert!(is_known("recv") && is_known("riscv_hwprobe") && !is_known("scoket"));
    }

    #[test]
    fn agrees_with_the_table_of_socket_calls() {
        for call in abi::Call::ALL {
            let facts = call.facts();
            assert_eq!(Abi::I386.number(facts.direct_i386.name), Some(facts.direct_i386.number));
            assert_eq!(Abi::X86_64.number(facts.direct_x86_64.name), Some(facts.direct_x86_64.number));
        }
    }

    /// What the headers of the installed kernel have stands in the table, with that number.
    #[test]
    fn the_kernels_headers_agree() {
        let files = [("64", Abi::X86_64, 0), ("x32", Abi::X32, X32_BIT), ("32", Abi::I386, 0)];
        for (suffix, abi, bit) in files {
            let file = format!("/usr/include/x86_64-linux-gnu/asm/unistd_{suffix}.h");
            let Ok(header) = std::fs::read_to_string(&file) else {
                let note = format!("skipped: {file}: not here; the package linux-libc-dev has it\n");
                std::io::stderr().write_all(note.as_bytes()).unwrap();
                continue;
            };
            let mut compared = 0;
            for line in header.lines() {
                let Some((name, value)) =
                    line.strip_prefix("#define __NR_").and_then(|rest| rest.split_once(' '))
                else {
                    continue;
                };
                let number = value.trim_matches(['(', ')']).replace("__X32_SYSCALL_BIT + ", "");
                let number = number.parse::<u32>().unwrap() | bit;
                assert_eq!(abi.number(name), Some(number), "{name} of {file}");
                compared += 1;
            }
            assert!(compared > 300, "{file}");
        }
    }
}
