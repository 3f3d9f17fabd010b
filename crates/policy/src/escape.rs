//! Ways around the rules, which are closed unless a policy leaves them open.

use abi::Errno;

/// A way around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Escape {
    /// ptrace(2) on another process, that then makes calls for the program.
    Ptrace,
    /// process_vm_writev(2) into another process.
    ProcessVmWritev,
    /// pidfd_getfd(2): another process's sockets.
    PidfdGetfd,
    /// ioctl(TIOCSTI), TIOCLINUX: commands typed into the terminal.
    Tiocsti,
    /// io_uring: calls that no filter sees.
    IoUring,
    /// x32: the calls of x86-64 under other numbers.
    X32,
    /// Calls of an architecture that is not known.
    UnknownArch,
    /// seccomp(2) with a listener, whose answer comes before the tracer's.
    SeccompListener,
    /// New user and mount namespaces, and entering others: another place under an allowed path.
    Namespaces,
    /// mount(2) and its kin, pivot_root(2): likewise.
    Mount,
    /// chroot(2): likewise.
    Chroot,
    /// dup2(2), or close(2) and another socket under the same number, while a call is judged.
    Dup2,
}

/// When a way is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Under rules that memory decides.
    Memory,
    /// Under rules on paths.
    Paths,
    /// Under rules on addresses that tell sockets apart which take the same ones. The calls are not refused: they wait.
    Apart,
}

/// What has to be true of a call's arguments to be the way around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum If {
    Always,
    /// The low half of the argument is one of these.
    Is(u8, &'static [u32]),
    /// The low half of the argument has one of these bits.
    Has(u8, u32),
}

/// A call that is a way around: its name, its numbers on i386, x86-64 and x32, and when.
pub(crate) struct Door {
    pub escape: Escape,
    pub name: &'static str,
    pub i386: u32,
    pub x86_64: u32,
    /// Where x32 has a number of its own.
    pub x32: Option<u32>,
    pub condition: If,
    pub errno: Errno,
}

const fn door(escape: Escape, name: &'static str, i386: u32, x86_64: u32) -> Door {
    Door { escape, name, i386, x86_64, x32: None, condition: If::Always, errno: Errno::EPERM }
}

impl Door {
    const fn x32(self, number: u32) -> Door {
        Door { x32: Some(number), ..self }
    }

    const fn when(self, condition: If) -> Door {
        Door { condition, ..self }
    }

    const fn errno(self, errno: Errno) -> Door {
        Door { errno, ..self }
    }
}

/// CLONE_NEWUSER and CLONE_NEWNS (linux/sched.h).
const NEW: u32 = 0x1000_0000 | 0x2_0000;
/// TIOCSTI and TIOCLINUX (asm-generic/ioctls.h).
const TYPING: [u32; 2] = [0x5412, 0x541c];
/// SECCOMP_FILTER_FLAG_NEW_LISTENER (linux/seccomp.h).
const NEW_LISTENER: u32 = 1 << 3;

/// BPF_PROG_TEST_RUN (linux/bpf.h), by which a program is run that closes descriptors (kernel/bpf/syscall.c, `bpf_sys_close`).
const PROG_TEST_RUN: u32 = 10;

/// Every call (arch/x86/entry/syscalls/syscall_32.tbl and syscall_64.tbl).
///
/// clone3 has its flags in memory, so it is refused as on a kernel without it: the C libraries then call clone.
pub(crate) const DOORS: [Door; 29] = [
    door(Escape::Ptrace, "ptrace", 26, 101).x32(521),
    door(Escape::ProcessVmWritev, "process_vm_writev", 348, 311).x32(540),
    door(Escape::PidfdGetfd, "pidfd_getfd", 438, 438),
    door(Escape::Tiocsti, "ioctl", 54, 16).x32(514).when(If::Is(1, &TYPING)),
    door(Escape::IoUring, "io_uring_setup", 425, 425).errno(Errno::ENOSYS),
    door(Escape::IoUring, "io_uring_enter", 426, 426).errno(Errno::ENOSYS),
    door(Escape::IoUring, "io_uring_register", 427, 427).errno(Errno::ENOSYS),
    door(Escape::SeccompListener, "seccomp", 354, 317).when(If::Has(1, NEW_LISTENER)),
    door(Escape::Namespaces, "unshare", 310, 272).when(If::Has(0, NEW)),
    door(Escape::Namespaces, "clone", 120, 56).when(If::Has(0, NEW)),
    door(Escape::Namespaces, "clone3", 435, 435).errno(Errno::ENOSYS),
    door(Escape::Namespaces, "setns", 346, 308),
    door(Escape::Mount, "mount", 21, 165),
    door(Escape::Mount, "umount2", 52, 166),
    door(Escape::Mount, "umount", 22, 166),
    door(Escape::Mount, "pivot_root", 217, 155),
    door(Escape::Mount, "open_tree", 428, 428),
    door(Escape::Mount, "move_mount", 429, 429),
    door(Escape::Mount, "fsopen", 430, 430),
    door(Escape::Mount, "fsmount", 432, 432),
    door(Escape::Mount, "fspick", 433, 433),
    door(Escape::Mount, "mount_setattr", 442, 442),
    // Linux 6.15
    door(Escape::Mount, "open_tree_attr", 467, 467),
    door(Escape::Chroot, "chroot", 61, 161),
    // What takes a descriptor from its socket. So does exec, which has a table of descriptors of its own by then; and what only
    // some devices and rights permit: autofs, binder, programs of bpf(2).
    door(Escape::Dup2, "close", 6, 3),
    door(Escape::Dup2, "dup2", 63, 33),
    door(Escape::Dup2, "dup3", 330, 292),
    door(Escape::Dup2, "close_range", 436, 436),
    door(Escape::Dup2, "bpf", 357, 321).when(If::Is(0, &[PROG_TEST_RUN])),
];

impl Escape {
    /// All of them.
    pub const ALL: [Escape; 12] = [
        Escape::Ptrace,
        Escape::ProcessVmWritev,
        Escape::PidfdGetfd,
        Escape::Tiocsti,
        Escape::IoUring,
        Escape::X32,
        Escape::UnknownArch,
        Escape::SeccompListener,
        Escape::Namespaces,
        Escape::Mount,
        Escape::Chroot,
        Escape::Dup2,
    ];

    /// The key in `[escape]` that leaves it open.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Escape::Ptrace => "ptrace",
            Escape::ProcessVmWritev => "process_vm_writev",
            Escape::PidfdGetfd => "pidfd_getfd",
            Escape::Tiocsti => "tiocsti",
            Escape::IoUring => "io_uring",
            Escape::X32 => "x32",
            Escape::UnknownArch => "unknown_arch",
            Escape::SeccompListener => "seccomp_listener",
            Escape::Namespaces => "namespaces",
            Escape::Mount => "mount",
            Escape::Chroot => "chroot",
            Escape::Dup2 => "dup2",
        }
    }

    pub(crate) const fn when(self) -> When {
        match self {
            Escape::SeccompListener => When::Memory,
            Escape::Namespaces | Escape::Mount | Escape::Chroot => When::Paths,
            Escape::Dup2 => When::Apart,
            _ => When::Always,
        }
    }
}

/// The keys of `[escape]`.
pub(crate) const KEYS: [&str; 12] = {
    let mut keys = [""; 12];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = Escape::ALL[at].key();
        at += 1;
    }
    keys
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn the_numbers_are_the_kernels() {
        for (file, bit) in [("32", 0), ("64", 0), ("x32", 1 << 30)] {
            let path = format!("/usr/include/x86_64-linux-gnu/asm/unistd_{file}.h");
            let Ok(header) = std::fs::read_to_string(&path) else {
                let note = format!("skipped: {path}: not here; the package linux-libc-dev has it\n");
                std::io::stderr().write_all(note.as_bytes()).unwrap();
                continue;
            };
            let numbers =
                header.lines().filter_map(|line| line.rsplit([' ', ')']).find(|word| !word.is_empty()));
            // From 512 on they are x32's own.
            let newest = numbers
                .filter_map(|number| number.parse().ok())
                .filter(|number| *number < 512)
                .max()
                .unwrap();
            for door in DOORS.iter().filter(|door| door.name != "umount" || file == "32") {
                if door.x86_64 > newest {
                    let note = format!("skipped: {path} is older than {}\n", door.name);
                    std::io::stderr().write_all(note.as_bytes()).unwrap();
                    continue;
                }
                let define = format!("#define __NR_{} ", door.name);
                let line = header.lines().find_map(|line| line.strip_prefix(&define)).unwrap();
                let number = line.trim_matches(['(', ')']).replace("__X32_SYSCALL_BIT + ", "");
                let number = number.trim().parse::<u32>().unwrap() | bit;
                let own = match file {
                    "32" => door.i386,
                    "64" => door.x86_64,
                    _ => bit | door.x32.unwrap_or(door.x86_64),
                };
                assert_eq!(own, number, "{} in {file}", door.name);
            }
        }
        let last = DOORS.iter().map(|door| door.i386.max(door.x86_64)).max();
        assert_eq!(last, Some(467));
    }
}
