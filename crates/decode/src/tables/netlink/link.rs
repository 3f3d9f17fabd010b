//! Network interfaces (include/uapi/linux/if_link.h).

use crate::tables::Table;

/// Attributes of an interface.
pub static ATTRIBUTES: Table = Table {
    unknown: "IFLA_???",
    rows: &[
        (0, "IFLA_UNSPEC"),
        (1, "IFLA_ADDRESS"),
        (2, "IFLA_BROADCAST"),
        (3, "IFLA_IFNAME"),
        (4, "IFLA_MTU"),
        (5, "IFLA_LINK"),
        (6, "IFLA_QDISC"),
        (7, "IFLA_STATS"),
        (8, "IFLA_COST"),
        (9, "IFLA_PRIORITY"),
        (10, "IFLA_MASTER"),
        (11, "IFLA_WIRELESS"),
        (12, "IFLA_PROTINFO"),
        (13, "IFLA_TXQLEN"),
        (14, "IFLA_MAP"),
        (15, "IFLA_WEIGHT"),
        (16, "IFLA_OPERSTATE"),
        (17, "IFLA_LINKMODE"),
        (18, "IFLA_LINKINFO"),
        (19, "IFLA_NET_NS_PID"),
        (20, "IFLA_IFALIAS"),
        (21, "IFLA_NUM_VF"),
        (22, "IFLA_VFINFO_LIST"),
        (23, "IFLA_STATS64"),
        (24, "IFLA_VF_PORTS"),
        (25, "IFLA_PORT_SELF"),
        (26, "IFLA_AF_SPEC"),
        (27, "IFLA_GROUP"),
        (28, "IFLA_NET_NS_FD"),
        (29, "IFLA_EXT_MASK"),
        (30, "IFLA_PROMISCUITY"),
        (31, "IFLA_NUM_TX_QUEUES"),
        (32, "IFLA_NUM_RX_QUEUES"),
        (33, "IFLA_CARRIER"),
        (34, "IFLA_PHYS_PORT_ID"),
        (35, "IFLA_CARRIER_CHANGES"),
        (36, "IFLA_PHYS_SWITCH_ID"),
        (37, "IFLA_LINK_NETNSID"),
        (38, "IFLA_PHYS_PORT_NAME"),
        (39, "IFLA_PROTO_DOWN"),
        (40, "IFLA_GSO_MAX_SEGS"),
        (41, "IFLA_GSO_MAX_SIZE"),
        (42, "IFLA_PAD"),
        (43, "IFLA_XDP"),
        (44, "IFLA_EVENT"),
        (45, "IFLA_NEW_NETNSID"),
        (46, "IFLA_IF_NETNSID"),
        (47, "IFLA_CARRIER_UP_COUNT"),
        (48, "IFLA_CARRIER_DOWN_COUNT"),
        (49, "IFLA_NEW_IFINDEX"),
        (50, "IFLA_MIN_MTU"),
        (51, "IFLA_MAX_MTU"),
        (52, "IFLA_PROP_LIST"),
        (53, "IFLA_ALT_IFNAME"),
        (54, "IFLA_PERM_ADDRESS"),
        (55, "IFLA_PROTO_DOWN_REASON"),
        (56, "IFLA_PARENT_DEV_NAME"),
        (57, "IFLA_PARENT_DEV_BUS_NAME"),
        (58, "IFLA_GRO_MAX_SIZE"),
        (59, "IFLA_TSO_MAX_SIZE"),
        (60, "IFLA_TSO_MAX_SEGS"),
        (61, "IFLA_ALLMULTI"),
        (62, "IFLA_DEVLINK_PORT"),
        (63, "IFLA_GSO_IPV4_MAX_SIZE"),
        (64, "IFLA_GRO_IPV4_MAX_SIZE"),
        (65, "IFLA_DPLL_PIN"),
        (66, "IFLA_MAX_PACING_OFFLOAD_HORIZON"),
        (67, "IFLA_NETNS_IMMUTABLE"),
        (68, "IFLA_HEADROOM"),
        (69, "IFLA_TAILROOM"),
    ],
};

/// Flags of an interface (include/uapi/linux/if.h).
pub static FLAGS: Table = Table {
    unknown: "IFF_???",
    rows: &[
        (0x1, "IFF_UP"),
        (0x2, "IFF_BROADCAST"),
        (0x4, "IFF_DEBUG"),
        (0x8, "IFF_LOOPBACK"),
        (0x10, "IFF_POINTOPOINT"),
        (0x20, "IFF_NOTRAILERS"),
        (0x40, "IFF_RUNNING"),
        (0x80, "IFF_NOARP"),
        (0x100, "IFF_PROMISC"),
        (0x200, "IFF_ALLMULTI"),
        (0x400, "IFF_MASTER"),
        (0x800, "IFF_SLAVE"),
        (0x1000, "IFF_MULTICAST"),
        (0x2000, "IFF_PORTSEL"),
        (0x4000, "IFF_AUTOMEDIA"),
        (0x8000, "IFF_DYNAMIC"),
        (0x10000, "IFF_LOWER_UP"),
        (0x20000, "IFF_DORMANT"),
        (0x40000, "IFF_ECHO"),
    ],
};

/// Of what kind an interface is.
pub static INFO: Table = Table {
    unknown: "IFLA_INFO_???",
    rows: &[
        (0, "IFLA_INFO_UNSPEC"),
        (1, "IFLA_INFO_KIND"),
        (2, "IFLA_INFO_DATA"),
        (3, "IFLA_INFO_XSTATS"),
        (4, "IFLA_INFO_SLAVE_KIND"),
        (5, "IFLA_INFO_SLAVE_DATA"),
    ],
};

/// Of a tunnel to a program.
pub static TUN: Table = Table {
    unknown: "IFLA_TUN_???",
    rows: &[
        (0, "IFLA_TUN_UNSPEC"),
        (1, "IFLA_TUN_OWNER"),
        (2, "IFLA_TUN_GROUP"),
        (3, "IFLA_TUN_TYPE"),
        (4, "IFLA_TUN_PI"),
        (5, "IFLA_TUN_VNET_HDR"),
        (6, "IFLA_TUN_PERSIST"),
        (7, "IFLA_TUN_MULTI_QUEUE"),
        (8, "IFLA_TUN_NUM_QUEUES"),
        (9, "IFLA_TUN_NUM_DISABLED_QUEUES"),
    ],
};

/// What goes through such a tunnel.
pub static TUN_TYPES: Table = Table { unknown: "IFF_???", rows: &[(1, "IFF_TUN"), (2, "IFF_TAP")] };

/// Of a program for packets.
pub static XDP: Table = Table {
    unknown: "IFLA_XDP_???",
    rows: &[
        (0, "IFLA_XDP_UNSPEC"),
        (1, "IFLA_XDP_FD"),
        (2, "IFLA_XDP_ATTACHED"),
        (3, "IFLA_XDP_FLAGS"),
        (4, "IFLA_XDP_PROG_ID"),
        (5, "IFLA_XDP_DRV_PROG_ID"),
        (6, "IFLA_XDP_SKB_PROG_ID"),
        (7, "IFLA_XDP_HW_PROG_ID"),
        (8, "IFLA_XDP_EXPECTED_FD"),
    ],
};

/// Where such a program runs.
pub static XDP_ATTACHED: Table = Table {
    unknown: "XDP_ATTACHED_???",
    rows: &[
        (0, "XDP_ATTACHED_NONE"),
        (1, "XDP_ATTACHED_DRV"),
        (2, "XDP_ATTACHED_SKB"),
        (3, "XDP_ATTACHED_HW"),
        (4, "XDP_ATTACHED_MULTI"),
    ],
};

/// How such a program is attached.
pub static XDP_FLAGS: Table = Table {
    unknown: "XDP_FLAGS_???",
    rows: &[
        (0xe, "XDP_FLAGS_MODES"),
        (0x1, "XDP_FLAGS_UPDATE_IF_NOEXIST"),
        (0x2, "XDP_FLAGS_SKB_MODE"),
        (0x4, "XDP_FLAGS_DRV_MODE"),
        (0x8, "XDP_FLAGS_HW_MODE"),
        (0x10, "XDP_FLAGS_REPLACE"),
    ],
};

/// Why a message was sent.
pub static EVENTS: Table = Table {
    unknown: "IFLA_EVENT_???",
    rows: &[
        (0, "IFLA_EVENT_NONE"),
        (1, "IFLA_EVENT_REBOOT"),
        (2, "IFLA_EVENT_FEATURES"),
        (3, "IFLA_EVENT_BONDING_FAILOVER"),
        (4, "IFLA_EVENT_NOTIFY_PEERS"),
        (5, "IFLA_EVENT_IGMP_RESEND"),
        (6, "IFLA_EVENT_BONDING_OPTIONS"),
    ],
};

/// Why an interface is held down.
pub static DOWN: Table = Table {
    unknown: "IFLA_PROTO_DOWN_REASON_???",
    rows: &[
        (0, "IFLA_PROTO_DOWN_REASON_UNSPEC"),
        (1, "IFLA_PROTO_DOWN_REASON_MASK"),
        (2, "IFLA_PROTO_DOWN_REASON_VALUE"),
    ],
};

/// Of IPv4.
pub static INET: Table =
    Table { unknown: "IFLA_INET_???", rows: &[(0, "IFLA_INET_UNSPEC"), (1, "IFLA_INET_CONF")] };

/// Of IPv6.
pub static INET6: Table = Table {
    unknown: "IFLA_INET6_???",
    rows: &[
        (0, "IFLA_INET6_UNSPEC"),
        (1, "IFLA_INET6_FLAGS"),
        (2, "IFLA_INET6_CONF"),
        (3, "IFLA_INET6_STATS"),
        (4, "IFLA_INET6_MCAST"),
        (5, "IFLA_INET6_CACHEINFO"),
        (6, "IFLA_INET6_ICMP6STATS"),
        (7, "IFLA_INET6_TOKEN"),
        (8, "IFLA_INET6_ADDR_GEN_MODE"),
        (9, "IFLA_INET6_RA_MTU"),
    ],
};

/// State of IPv6 (include/net/if_inet6.h).
pub static INET6_FLAGS: Table = Table {
    unknown: "IF_???",
    rows: &[
        (0x10, "IF_RS_SENT"),
        (0x20, "IF_RA_RCVD"),
        (0x40, "IF_RA_MANAGED"),
        (0x80, "IF_RA_OTHERCONF"),
        (0x80000000, "IF_READY"),
    ],
};

/// How addresses are made.
pub static INET6_MODES: Table = Table {
    unknown: "IN6_ADDR_GEN_MODE_???",
    rows: &[
        (0, "IN6_ADDR_GEN_MODE_EUI64"),
        (1, "IN6_ADDR_GEN_MODE_NONE"),
        (2, "IN6_ADDR_GEN_MODE_STABLE_PRIVACY"),
        (3, "IN6_ADDR_GEN_MODE_RANDOM"),
    ],
};

/// What is asked for besides (include/uapi/linux/rtnetlink.h).
pub static FILTERS: Table = Table {
    unknown: "RTEXT_FILTER_???",
    rows: &[
        (0x1, "RTEXT_FILTER_VF"),
        (0x2, "RTEXT_FILTER_BRVLAN"),
        (0x4, "RTEXT_FILTER_BRVLAN_COMPRESSED"),
        (0x8, "RTEXT_FILTER_SKIP_STATS"),
        (0x10, "RTEXT_FILTER_MRP"),
        (0x20, "RTEXT_FILTER_CFM_CONFIG"),
        (0x40, "RTEXT_FILTER_CFM_STATUS"),
        (0x80, "RTEXT_FILTER_MST"),
        (0x100, "RTEXT_FILTER_NAME_ONLY"),
    ],
};
