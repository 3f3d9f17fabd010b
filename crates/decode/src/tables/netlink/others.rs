//! Other messages of NETLINK_ROUTE.

use crate::tables::Table;

/// Attributes of settings (include/uapi/linux/netconf.h).
pub static SETTINGS: Table = Table {
    unknown: "NETCONFA_???",
    rows: &[
        (0, "NETCONFA_UNSPEC"),
        (1, "NETCONFA_IFINDEX"),
        (2, "NETCONFA_FORWARDING"),
        (3, "NETCONFA_RP_FILTER"),
        (4, "NETCONFA_MC_FORWARDING"),
        (5, "NETCONFA_PROXY_NEIGH"),
        (6, "NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN"),
        (7, "NETCONFA_INPUT"),
        (8, "NETCONFA_BC_FORWARDING"),
        (9, "NETCONFA_FORCE_FORWARDING"),
    ],
};

/// Attributes of a network namespace (include/uapi/linux/net_namespace.h).
pub static NAMESPACE: Table = Table {
    unknown: "NETNSA_???",
    rows: &[
        (0, "NETNSA_NONE"),
        (1, "NETNSA_NSID"),
        (2, "NETNSA_PID"),
        (3, "NETNSA_FD"),
        (4, "NETNSA_TARGET_NSID"),
        (5, "NETNSA_CURRENT_NSID"),
    ],
};

/// Attributes of a label of addresses (include/uapi/linux/if_addrlabel.h).
pub static LABEL: Table = Table { unknown: "IFAL_???", rows: &[(1, "IFAL_ADDRESS"), (2, "IFAL_LABEL")] };

/// Attributes of a next hop (include/uapi/linux/nexthop.h).
pub static HOP: Table = Table {
    unknown: "NHA_???",
    rows: &[
        (0, "NHA_UNSPEC"),
        (1, "NHA_ID"),
        (2, "NHA_GROUP"),
        (3, "NHA_GROUP_TYPE"),
        (4, "NHA_BLACKHOLE"),
        (5, "NHA_OIF"),
        (6, "NHA_GATEWAY"),
        (7, "NHA_ENCAP_TYPE"),
        (8, "NHA_ENCAP"),
        (9, "NHA_GROUPS"),
        (10, "NHA_MASTER"),
        (11, "NHA_FDB"),
        (12, "NHA_RES_GROUP"),
        (13, "NHA_RES_BUCKET"),
    ],
};

/// Kinds of groups of next hops.
pub static HOP_GROUPS: Table = Table {
    unknown: "NEXTHOP_GRP_TYPE_???",
    rows: &[(0, "NEXTHOP_GRP_TYPE_MPATH"), (1, "NEXTHOP_GRP_TYPE_RES")],
};
