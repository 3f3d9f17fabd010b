//! Settings, namespaces, labels of addresses and next hops (include/uapi/linux/netconf.h, net_namespace.h,
//! if_addrlabel.h and nexthop.h).

use crate::netlink::attribute::{Attributes, Kind};
use crate::tables::netlink::{others as tables, route};

/// What is told of an interface's settings.
pub(super) static SETTINGS: Attributes = Attributes {
    names: &tables::SETTINGS,
    kinds: &[
        (1, Kind::Interface),
        (2, Kind::Signed(4)),
        (3, Kind::Signed(4)),
        (4, Kind::Signed(4)),
        (5, Kind::Signed(4)),
        (6, Kind::Signed(4)),
        (7, Kind::Signed(4)),
        (8, Kind::Signed(4)),
        (9, Kind::Signed(4)),
    ],
};

/// What is told of a network namespace.
pub(super) static NAMESPACE: Attributes = Attributes {
    names: &tables::NAMESPACE,
    kinds: &[
        (1, Kind::Signed(4)),
        (2, Kind::Unsigned(4)),
        (3, Kind::Descriptor),
        (4, Kind::Signed(4)),
        (5, Kind::Signed(4)),
    ],
};

/// `struct ifaddrlblmsg` behind its family.
pub(super) static LABEL_HEADER: [(&str, Kind); 5] = [
    ("", Kind::Skip(1)),
    ("ifal_prefixlen", Kind::Unsigned(1)),
    ("ifal_flags", Kind::Unsigned(1)),
    ("ifal_index", Kind::Interface),
    ("ifal_seq", Kind::Unsigned(4)),
];

/// What is told of a label.
pub(super) static LABEL: Attributes =
    Attributes { names: &tables::LABEL, kinds: &[(1, Kind::Address), (2, Kind::Unsigned(4))] };

/// `struct nhmsg` behind its family.
pub(super) static HOP_HEADER: [(&str, Kind); 4] = [
    ("nh_scope", Kind::Symbol(&route::SCOPES, 1)),
    ("nh_protocol", Kind::Symbol(&route::ROUTE_ORIGINS, 1)),
    ("resvd", Kind::Reserved(1)),
    ("nh_flags", Kind::Flags(&route::HOP_FLAGS, 4)),
];

/// What is told of a next hop; groups are bytes.
pub(super) static HOP: Attributes = Attributes {
    names: &tables::HOP,
    kinds: &[
        (1, Kind::Unsigned(4)),
        (3, Kind::Short(&Kind::Symbol(&tables::HOP_GROUPS, 2))),
        (4, Kind::Unsigned(4)),
        (5, Kind::Interface),
        (6, Kind::Address),
        (7, Kind::Symbol(&route::ENCAPSULATIONS, 2)),
        (9, Kind::Unsigned(4)),
        (10, Kind::Interface),
        (11, Kind::Unsigned(4)),
    ],
};
