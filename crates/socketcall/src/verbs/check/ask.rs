//! The questions to the kernel, and what its answers mean.

use std::fs;

use abi::Errno;
use profile::Family;
use supervise::probe::{self, Answer, Missing, Socket, Way};

/// What a program can have of a family by a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A socket was created.
    Created,
    /// Seccomp lets it pass; no socket was created, so that no module is loaded.
    Passes,
    /// Seccomp lets it pass, and the kernel does not have the family.
    Absent,
    /// Refused before the kernel looked at it: by seccomp, or where all of io_uring is off.
    Denied(Errno),
    /// Refused by the kernel: a capability is missing, or a security module forbids it.
    Refused(Errno),
    /// Who asks is killed by this signal.
    Killed(i32),
    /// The kernel does not have this way.
    NoEntry,
    /// It could not be tried.
    Unknown,
}

impl Access {
    /// Whether nothing but the kernel's lack of the family is in the way.
    pub const fn is_allowed(self) -> bool {
        matches!(self, Access::Created | Access::Passes | Access::Absent)
    }

    /// Whether it was tried, and turned down.
    pub const fn is_denied(self) -> bool {
        matches!(self, Access::Denied(_) | Access::Refused(_) | Access::Killed(_))
    }
}

/// A way, and its answers in the order of the families.
pub struct WayAnswers {
    pub way: Way,
    pub answers: Vec<Access>,
    /// Why there are none.
    pub missing: Option<Missing>,
}

/// Which sockets were really created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// Those of every family: `--create`.
    All,
    /// Those of families that are there, and load no module.
    Loaded,
    /// None, because /proc/net/protocols can't be read.
    Nothing,
}

/// All answers, one element for each of [`Way::ALL`].
pub struct Asked {
    pub ways: Vec<WayAnswers>,
    pub creation: Creation,
}

/// How to ask for a family: type and protocol, which it must have for a socket to come of it. Others have
/// datagrams, or say that they have not: then the family is there.
const KINDS: [(u32, u32, u32); 16] = {
    const STREAM: u32 = 1;
    const RAW: u32 = 3;
    const RDM: u32 = 4;
    const SEQPACKET: u32 = 5;
    [
        (1, STREAM, 0),
        (2, STREAM, 0),
        (9, SEQPACKET, 0), // X25
        (10, STREAM, 0),
        (15, RAW, 2), // KEY: PF_KEY_V2
        (16, RAW, 0),
        (17, RAW, 0),
        (21, SEQPACKET, 0), // RDS
        (29, RAW, 1),       // CAN: CAN_RAW
        (30, RDM, 0),       // TIPC
        (31, RAW, 1),       // BLUETOOTH: BTPROTO_HCI
        (33, 2, 2),         // RXRPC: SOCK_DGRAM, over PF_INET
        (38, SEQPACKET, 0),
        (40, STREAM, 0),
        (43, STREAM, 0), // SMC
        (44, RAW, 0),    // XDP
    ]
};

/// Families whose socket(2) loads no module once they are listed in /proc/net/protocols, and the name there.
const LISTED: [(u32, &str); 7] =
    [(1, "UNIX"), (2, "TCP"), (10, "TCPv6"), (16, "NETLINK"), (17, "PACKET"), (38, "ALG"), (40, "AF_VSOCK")];

fn socket(family: Family) -> Socket {
    const DGRAM: u32 = 2;
    let known = KINDS.iter().find(|(number, ..)| *number == family.number());
    let (kind, protocol) = known.map_or((DGRAM, 0), |(_, kind, protocol)| (*kind, *protocol));
    Socket { family: family.number(), kind, protocol }
}

/// The families among `families` that may be created.
fn creatable(families: &[Family], create: bool, protocols: Option<&str>) -> Vec<bool> {
    let listed = |name: &str| {
        protocols.is_some_and(|text| text.lines().any(|line| line.split_whitespace().next() == Some(name)))
    };
    let loaded =
        |family: &Family| LISTED.iter().any(|(number, name)| *number == family.number() && listed(name));
    families.iter().map(|family| create || loaded(family)).collect()
}

impl Asked {
    /// Asks about `families` by every way.
    pub fn here(families: &[Family], create: bool) -> Asked {
        let protocols = fs::read_to_string("/proc/net/protocols").ok();
        let creation = match (create, &protocols) {
            (true, _) => Creation::All,
            (false, Some(_)) => Creation::Loaded,
            (false, None) => Creation::Nothing,
        };
        let creatable = creatable(families, create, protocols.as_deref());
        let ways = Way::ALL.map(|way| ask(way, families, &creatable));
        Asked { ways: ways.into(), creation }
    }

    /// Whether this kernel serves no 32-bit call, whoever makes it.
    pub fn has_no_32_bit(&self) -> bool {
        self.ways
            .iter()
            .filter(|asked| is_32_bit(asked.way))
            .all(|asked| asked.missing.as_ref().is_some_and(Missing::is_no_entry))
    }
}

/// Whether the kernel takes a call on this way from its 32-bit table.
pub const fn is_32_bit(way: Way) -> bool {
    match way {
        Way::X86_64 | Way::UpperBits | Way::X32 | Way::IoUring => false,
        Way::I386 | Way::Socketcall | Way::Process32Direct | Way::Process32Int80 | Way::Process32Vdso => true,
    }
}

/// First seccomp alone; then what it lets pass is created, where that may be.
fn ask(way: Way, families: &[Family], creatable: &[bool]) -> WayAnswers {
    let sockets: Vec<_> = families.iter().copied().map(socket).collect();
    let late: Vec<_> = sockets.iter().map(|socket| socket.refused_late()).collect();
    let missing = |missing: Missing| {
        let access = if missing.is_no_entry() { Access::NoEntry } else { Access::Unknown };
        WayAnswers { way, answers: vec![access; families.len()], missing: Some(missing) }
    };
    let mut answers: Vec<_> = match probe::ask(way, &late) {
        Ok(answers) => answers.into_iter().map(before_the_kernel).collect(),
        Err(error) => return missing(error),
    };
    let next: Vec<_> =
        (0..families.len()).filter(|&index| creatable[index] && answers[index] == Access::Passes).collect();
    let wanted: Vec<_> = next.iter().map(|&index| sockets[index]).collect();
    match probe::ask(way, &wanted) {
        Ok(created) => {
            for (index, answer) in next.into_iter().zip(created) {
                answers[index] = by_the_kernel(answer);
            }
            WayAnswers { way, answers, missing: None }
        }
        // What seccomp said stays true.
        Err(error) => WayAnswers { way, answers, missing: Some(error) },
    }
}

/// What an answer to [`Socket::refused_late`] means.
fn before_the_kernel(answer: Answer) -> Access {
    match answer {
        Answer::Created => Access::Created,
        Answer::Failed(Errno::EINVAL) => Access::Passes,
        Answer::Failed(errno) => Access::Denied(errno),
        Answer::Died(signal) => Access::Killed(signal),
    }
}

/// What an answer means where seccomp has let the question pass.
fn by_the_kernel(answer: Answer) -> Access {
    match answer {
        Answer::Created => Access::Created,
        Answer::Failed(Errno::EAFNOSUPPORT) => Access::Absent,
        // The family is there, and has no such type or protocol.
        Answer::Failed(Errno::ESOCKTNOSUPPORT | Errno::EPROTONOSUPPORT | Errno::EPROTOTYPE) => Access::Passes,
        Answer::Failed(errno) => Access::Refused(errno),
        Answer::Died(signal) => Access::Killed(signal),
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Family, KINDS, LISTED, before_the_kernel, by_the_kernel, creatable, socket};
    use abi::Errno;
    use supervise::probe::Answer;

    #[test]
    fn without_create_only_what_is_listed_and_loads_nothing_is_created() {
        let families: Vec<_> = Family::all().collect();
        let protocols = "protocol  size\nTCP 1\nNETLINK 2\nSCTP 3\nUNIX-STREAM 3\nL2CAP 4\n";
        let chosen = creatable(&families, false, Some(protocols));
        let chosen: Vec<_> = families.iter().zip(&chosen).filter(|(_, chosen)| **chosen).collect();
        let numbers: Vec<_> = chosen.iter().map(|(family, _)| family.number()).collect();
        assert_eq!(numbers, [2, 16]);
        assert!(!creatable(&families, false, None).contains(&true));
        assert!(!creatable(&families, true, None).contains(&false));
    }

    #[test]
    fn the_tables_are_sorted_and_asked_with() {
        assert!(KINDS.is_sorted_by(|a, b| a.0 < b.0) && LISTED.is_sorted_by(|a, b| a.0 < b.0));
        let alg = socket(Family::ALG);
        assert_eq!((alg.family, alg.kind, alg.protocol), (38, 5, 0));
        assert_eq!(alg.refused_late().kind, 5 | 0x10_0000);
    }

    #[test]
    fn who_has_refused() {
        let [eperm, eafnosupport] = [Errno::EPERM, Errno::EAFNOSUPPORT];
        assert_eq!(before_the_kernel(Answer::Failed(Errno::EINVAL)), Access::Passes);
        assert_eq!(before_the_kernel(Answer::Failed(eafnosupport)), Access::Denied(eafnosupport));
        assert_eq!(by_the_kernel(Answer::Failed(eafnosupport)), Access::Absent);
        assert_eq!(by_the_kernel(Answer::Failed(eperm)), Access::Refused(eperm));
        assert_eq!(by_the_kernel(Answer::Died(31)), Access::Killed(31));
    }
}
