//! Where a profile is judged for: the machine, the container's capabilities, the kernel, the runtime.

use std::collections::BTreeSet;

use crate::calls::Abi;

/// What a profile's meaning depends on besides its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The machine.
    pub machine: Machine,
    /// The container's bounding set, by full names (`CAP_NET_RAW`).
    pub caps: BTreeSet<&'static str>,
    /// The kernel's release.
    pub kernel: Kernel,
    /// Who compiles.
    pub runtime: Runtime,
}

impl Target {
    /// An x86-64 machine with this kernel, Docker's default capabilities, and runc.
    #[must_use]
    pub fn new(kernel: Kernel) -> Target {
        let caps = DOCKER.into_iter().collect();
        Target { machine: Machine::Amd64, caps, kernel, runtime: Runtime::Runc }
    }
}

/// The kernel's and the runtime's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    Amd64,
    /// 32-bit x86.
    I386,
}

impl Machine {
    /// The machine of a name as Go, Docker, Debian or uname(1) have it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Machine> {
        match name {
            "amd64" | "x86_64" | "x86-64" => Some(Machine::Amd64),
            "386" | "i386" | "i686" | "x86" => Some(Machine::I386),
            _ => None,
        }
    }

    /// What `includes` and `excludes` call it.
    #[must_use]
    pub const fn profile_name(self) -> &'static str {
        match self {
            Machine::Amd64 => "amd64",
            Machine::I386 => "x86",
        }
    }

    /// The calls that libseccomp filters there without being asked.
    #[must_use]
    pub const fn native(self) -> Abi {
        match self {
            Machine::Amd64 => Abi::X86_64,
            Machine::I386 => Abi::I386,
        }
    }

    /// Whether its kernel takes calls of this kind.
    #[must_use]
    pub const fn takes(self, abi: Abi) -> bool {
        matches!((self, abi), (Machine::Amd64, _) | (Machine::I386, Abi::I386))
    }
}

/// The two runtimes whose ways of compiling were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// runc, as of 1.1: numbers above every one that the profile names get ENOSYS.
    Runc,
    /// crun, as of 1.21: what libseccomp makes.
    Crun,
}

/// A kernel's release, as far as `minKernel` looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kernel {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl Kernel {
    /// Reads the two numbers that a release begins with: `6.12.3-amd64` is 6.12.
    #[must_use]
    pub fn parse(release: &str) -> Option<Kernel> {
        let (major, rest) = release.split_once('.')?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        Some(Kernel { major: major.parse().ok()?, minor: rest[..end].parse().ok()? })
    }
}

/// Every capability (capabilities(7)).
pub const CAPABILITIES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// What Docker leaves in a container's bounding set (moby, `oci/caps/defaults.go`).
pub const DOCKER: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

/// The capability of a full name.
pub(crate) fn capability(name: &str) -> Option<&'static str> {
    CAPABILITIES.into_iter().find(|capability| *capability == name)
}

/// The capability of a name that a person wrote: with or without `CAP_`, in upper or lower case.
///
/// # Errors
/// Names near to it, where there is none.
pub fn parse_capability(name: &str) -> Result<&'static str, Vec<String>> {
    let upper = name.to_uppercase();
    let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
    capability(&full).ok_or_else(|| crate::near::near(&full, CAPABILITIES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        let kernel = |major, minor| Some(Kernel { major, minor });
        assert_eq!(Kernel::parse("4.8"), kernel(4, 8));
        assert_eq!(Kernel::parse("6.12.3-amd64"), kernel(6, 12));
        assert_eq!(Kernel::parse("3.12-1-amd64"), kernel(3, 12));
        assert!(kernel(4, 10) > kernel(4, 8));
        for text in ["", "4", "4.", ".8", "x.y", "4.x", "-1.0"] {
            assert_eq!(Kernel::parse(text), None, "{text}");
        }
    }

    #[test]
    fn capabilities_by_name() {
        assert_eq!(parse_capability("net_raw"), Ok("CAP_NET_RAW"));
        assert_eq!(parse_capability("CAP_BPF"), Ok("CAP_BPF"));
        assert_eq!(parse_capability("SYS_ADMN"), Err(vec!["CAP_SYS_ADMIN".to_owned()]));
        assert!(DOCKER.iter().all(|name| CAPABILITIES.contains(name)));
    }
}
