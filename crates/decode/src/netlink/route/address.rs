//! Addresses and neighbours (include/uapi/linux/if_addr.h and neighbour.h).

use crate::netlink::attribute::{Attributes, Kind};
use crate::tables::netlink::route as tables;
use crate::tables::protocols::INET as PROTOCOLS;

/// `struct ifaddrmsg` behind its family.
pub(super) static ADDRESS_HEADER: [(&str, Kind); 4] = [
    ("ifa_prefixlen", Kind::Unsigned(1)),
    ("ifa_flags", Kind::Flags(&tables::ADDRESS_FLAGS, 1)),
    ("ifa_scope", Kind::Symbol(&tables::SCOPES, 1)),
    ("ifa_index", Kind::Interface),
];

/// What is told of an address.
pub(super) static ADDRESS: Attributes = Attributes {
    names: &tables::ADDRESS,
    kinds: &[
        (1, Kind::Address),
        (2, Kind::Address),
        (3, Kind::Text),
        (4, Kind::Address),
        (5, Kind::Address),
        (6, Kind::Structure(LIFETIME)),
        (7, Kind::Address),
        (8, Kind::Flags(&tables::ADDRESS_FLAGS, 4)),
        (9, Kind::Unsigned(4)),
        (10, Kind::Signed(4)),
    ],
};

/// `struct ifa_cacheinfo`: seconds that are left, and times in hundredths of a second.
const LIFETIME: &[(&str, Kind)] = &[
    ("ifa_prefered", Kind::Unsigned(4)),
    ("ifa_valid", Kind::Unsigned(4)),
    ("cstamp", Kind::Unsigned(4)),
    ("tstamp", Kind::Unsigned(4)),
];

/// `struct ndmsg` behind its family.
pub(super) static NEIGHBOUR_HEADER: [(&str, Kind); 5] = [
    ("", Kind::Skip(3)),
    ("ndm_ifindex", Kind::Interface),
    ("ndm_state", Kind::Flags(&tables::NEIGHBOUR_STATES, 2)),
    ("ndm_flags", Kind::Flags(&tables::NEIGHBOUR_FLAGS, 1)),
    ("ndm_type", Kind::Symbol(&tables::ROUTE_TYPES, 1)),
];

/// What is told of a neighbour.
pub(super) static NEIGHBOUR: Attributes = Attributes {
    names: &tables::NEIGHBOUR,
    kinds: &[
        (1, Kind::Address),
        (2, Kind::Hardware(|_| 32)),
        (3, Kind::Structure(USES)),
        (4, Kind::Unsigned(4)),
        (5, Kind::Unsigned(2)),
        (6, Kind::Big(2, "htons")),
        (7, Kind::Unsigned(4)),
        (8, Kind::Interface),
        (9, Kind::Interface),
        (10, Kind::Unsigned(4)),
        (11, Kind::Unsigned(4)),
        (12, Kind::Symbol(&PROTOCOLS, 0)),
        (13, Kind::Unsigned(4)),
        (14, Kind::Nested(&FORWARDING)),
        (15, Kind::Short(&Kind::Flags(&tables::NEIGHBOUR_MORE_FLAGS, 4))),
        (16, Kind::Short(&Kind::Flags(&tables::NEIGHBOUR_STATES, 2))),
        (17, Kind::Short(&Kind::Flags(&tables::NEIGHBOUR_FLAGS, 1))),
    ],
};

/// `struct nda_cacheinfo`.
const USES: &[(&str, Kind)] = &[
    ("ndm_confirmed", Kind::Unsigned(4)),
    ("ndm_used", Kind::Unsigned(4)),
    ("ndm_updated", Kind::Unsigned(4)),
    ("ndm_refcnt", Kind::Unsigned(4)),
];

/// What is told of an entry of a bridge.
static FORWARDING: Attributes = Attributes {
    names: &tables::FORWARDING,
    kinds: &[(1, Kind::Short(&Kind::Flags(&tables::FORWARDING_NOTIFY, 1)))],
};
