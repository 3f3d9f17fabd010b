//! Protocols of each family.

mod ethernet;
mod inet;
mod netlink;
mod others;

pub use ethernet::ETHERNET;
pub use inet::INET;
pub use netlink::NETLINK;
pub use others::{AX25, BLUETOOTH, CAIF, CAN, IRDA, ISDN, KCM, NFC, PHONET, SMC};

use super::{FAMILIES, Table};

/// Families whose protocols have names.
static PROTOCOLS: &[(u64, &Table)] = &[
    (2, &INET),
    (3, &AX25),
    (10, &INET),
    (16, &NETLINK),
    (17, &ETHERNET),
    (23, &IRDA),
    (29, &CAN),
    (31, &BLUETOOTH),
    // AF_RXRPC's are the families of its transport.
    (33, &FAMILIES),
    (34, &ISDN),
    (35, &PHONET),
    (37, &CAIF),
    (39, &NFC),
    (41, &KCM),
    (43, &SMC),
];

/// The protocols of a family; `None` if they have no names. Those of AF_PACKET are in the host's order, and socket(2)
/// takes them in the network's.
#[must_use]
pub fn protocols(family: u64) -> Option<&'static Table> {
    PROTOCOLS.iter().find(|(number, _)| *number == family).map(|(_, table)| *table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_families() {
        let name = |family, protocol| protocols(family).and_then(|table| table.name(protocol));
        assert_eq!(name(2, 6), Some("IPPROTO_TCP"));
        assert_eq!(name(10, 262), Some("IPPROTO_MPTCP"));
        assert_eq!(name(16, 0), Some("NETLINK_ROUTE"));
        assert_eq!(name(17, 0x0800), Some("ETH_P_IP"));
        assert_eq!(name(33, 10), Some("AF_INET6"));
        assert_eq!(protocols(1), None);
        assert_eq!(protocols(1 << 32 | 2), None);
    }
}
