//! Names of socket options, by their level.
//!
//! A number means one option where it is got and, of a few, another where it is set: 64 of level SOL_IP is
//! IPT_SO_GET_INFO to getsockopt(2) and IPT_SO_SET_REPLACE to setsockopt(2).

mod bpf;
mod details;
mod internet;
mod link;
mod local;
mod radio;
mod sctp;
mod socket;
mod transport;
mod values;

use super::Table;

pub use bpf::*;
pub use details::*;
pub use internet::{ICMPV6, IP, IPV6, RAW};
pub use link::{CAN_RAW, LLC, PACKET, XDP};
pub use local::{ALG, IUCV, NETLINK, RDS, RXRPC, TIPC, VSOCK};
pub use radio::{AX25, BLUETOOTH, CAIF, IPX, IRDA, MCTP, NFC, PNPIPE, PPPOL2TP, X25};
pub use sctp::{DCCP, SCTP};
pub use socket::SOCKET;
pub use transport::{KCM, MPTCP, SMC, TCP, TLS, UDP, UDPLITE};
pub use values::*;

/// The options of a level.
#[derive(Debug)]
pub struct Options {
    /// The level's number, `SOL_*`.
    pub level: u64,
    /// The level's name in a policy: `socket.SO_ATTACH_FILTER`.
    pub short: &'static str,
    /// Whether strace knows names of this level.
    pub shown: bool,
    /// Names of numbers that mean the same whether they are got or set.
    pub names: &'static Table,
    /// Names for getsockopt(2) alone.
    pub get: &'static Table,
    /// Names for setsockopt(2) alone.
    pub set: &'static Table,
    /// Further names: what programs call an option whose name in the kernel is another, and options that strace has
    /// no name for.
    pub also: &'static Table,
}

/// No names.
static NONE: Table = Table { unknown: "", rows: &[] };

/// The levels whose options have names, in the order of their numbers.
pub static OPTION_LEVELS: [&Options; 35] = [
    &IP, &SOCKET, &TCP, &UDP, &VSOCK, &IPV6, &ICMPV6, &CAN_RAW, &SCTP, &UDPLITE, &RAW, &IPX, &AX25, &X25,
    &PACKET, &IRDA, &LLC, &DCCP, &NETLINK, &TIPC, &RXRPC, &PPPOL2TP, &BLUETOOTH, &PNPIPE, &RDS, &IUCV, &CAIF,
    &ALG, &NFC, &KCM, &TLS, &XDP, &MPTCP, &MCTP, &SMC,
];

/// The options of a level; `None` if none of them has a name.
#[must_use]
pub fn options(level: u64) -> Option<&'static Options> {
    OPTION_LEVELS.into_iter().find(|options| options.level == level)
}

/// The level with this short name.
#[must_use]
pub fn option_level(short: &str) -> Option<&'static Options> {
    OPTION_LEVELS.into_iter().find(|options| options.short.eq_ignore_ascii_case(short))
}

impl Options {
    /// The table that has the name of an option that is got or set, if one has it: first those that strace shows.
    #[must_use]
    pub fn table(&self, number: u64, get: bool) -> Option<&'static Table> {
        let own = if get { self.get } else { self.set };
        [self.names, own, self.also].into_iter().find(|table| table.name(number).is_some())
    }

    /// An option's name where it is got or set.
    #[must_use]
    pub fn name(&self, number: u64, get: bool) -> Option<&'static str> {
        self.table(number, get)?.name(number)
    }

    /// The number of an option with this name, whatever the case of its letters.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.tables().into_iter().find_map(|table| table.value(name))
    }

    /// The number of an option that is known to have this name, as it is written.
    ///
    /// # Panics
    /// If none has: for constants, whose making ends then.
    #[must_use]
    pub const fn known(&self, name: &str) -> u32 {
        let tables = [self.names, self.get, self.set, self.also];
        let mut at = 0;
        while at < tables.len() {
            let rows = tables[at].rows;
            let mut row = 0;
            while row < rows.len() {
                if same(rows[row].1, name) {
                    return rows[row].0 as u32;
                }
                row += 1;
            }
            at += 1;
        }
        panic!("no option has this name")
    }

    /// All names, and their numbers.
    pub fn all(&self) -> impl Iterator<Item = (u64, &'static str)> {
        self.tables().into_iter().flat_map(|table| table.rows.iter().copied())
    }

    fn tables(&self) -> [&'static Table; 4] {
        [self.names, self.get, self.set, self.also]
    }
}

/// Equality, of constants.
const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() && left[at] == right[at] {
        at += 1;
    }
    at == left.len() && at == right.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_go_there_and_back() {
        for options in OPTION_LEVELS {
            assert!(std::ptr::eq(option_level(options.short).unwrap(), options));
            assert!(std::ptr::eq(super::options(options.level).unwrap(), options));
            for (number, name) in options.all() {
                assert_eq!(options.number(name), Some(number), "{}.{name}", options.short);
                assert!(options.name(number, true).or(options.name(number, false)).is_some());
            }
        }
        assert!(OPTION_LEVELS.is_sorted_by_key(|options| options.level));
    }

    #[test]
    fn a_number_can_mean_two_things() {
        assert_eq!(IP.name(64, true), Some("IPT_SO_GET_INFO"));
        assert_eq!(IP.name(64, false), Some("IPT_SO_SET_REPLACE"));
        assert_eq!(SOCKET.name(26, true), Some("SO_GET_FILTER"));
        assert_eq!(SOCKET.number("so_attach_filter"), Some(26));
        // What strace calls by its kernel's name, programs know by another.
        assert_eq!(SOCKET.name(20, false), Some("SO_RCVTIMEO_OLD"));
        assert_eq!(SOCKET.number("SO_RCVTIMEO"), Some(20));
    }
}
