//! Addresses, routes, neighbours and rules (include/uapi/linux/rtnetlink.h and its kin).

use crate::tables::Table;

/// Attributes of an address (include/uapi/linux/if_addr.h).
pub static ADDRESS: Table = Table {
    unknown: "IFA_???",
    rows: &[
        (0, "IFA_UNSPEC"),
        (1, "IFA_ADDRESS"),
        (2, "IFA_LOCAL"),
        (3, "IFA_LABEL"),
        (4, "IFA_BROADCAST"),
        (5, "IFA_ANYCAST"),
        (6, "IFA_CACHEINFO"),
        (7, "IFA_MULTICAST"),
        (8, "IFA_FLAGS"),
        (9, "IFA_RT_PRIORITY"),
        (10, "IFA_TARGET_NETNSID"),
        (11, "IFA_PROTO"),
    ],
};

/// Flags of an address.
pub static ADDRESS_FLAGS: Table = Table {
    unknown: "IFA_F_???",
    rows: &[
        (0x1, "IFA_F_SECONDARY"),
        (0x2, "IFA_F_NODAD"),
        (0x4, "IFA_F_OPTIMISTIC"),
        (0x8, "IFA_F_DADFAILED"),
        (0x10, "IFA_F_HOMEADDRESS"),
        (0x20, "IFA_F_DEPRECATED"),
        (0x40, "IFA_F_TENTATIVE"),
        (0x80, "IFA_F_PERMANENT"),
        (0x100, "IFA_F_MANAGETEMPADDR"),
        (0x200, "IFA_F_NOPREFIXROUTE"),
        (0x400, "IFA_F_MCAUTOJOIN"),
        (0x800, "IFA_F_STABLE_PRIVACY"),
    ],
};

/// Attributes of a route.
pub static ROUTE: Table = Table {
    unknown: "RTA_???",
    rows: &[
        (0, "RTA_UNSPEC"),
        (1, "RTA_DST"),
        (2, "RTA_SRC"),
        (3, "RTA_IIF"),
        (4, "RTA_OIF"),
        (5, "RTA_GATEWAY"),
        (6, "RTA_PRIORITY"),
        (7, "RTA_PREFSRC"),
        (8, "RTA_METRICS"),
        (9, "RTA_MULTIPATH"),
        (10, "RTA_PROTOINFO"),
        (11, "RTA_FLOW"),
        (12, "RTA_CACHEINFO"),
        (13, "RTA_SESSION"),
        (14, "RTA_MP_ALGO"),
        (15, "RTA_TABLE"),
        (16, "RTA_MARK"),
        (17, "RTA_MFC_STATS"),
        (18, "RTA_VIA"),
        (19, "RTA_NEWDST"),
        (20, "RTA_PREF"),
        (21, "RTA_ENCAP_TYPE"),
        (22, "RTA_ENCAP"),
        (23, "RTA_EXPIRES"),
        (24, "RTA_PAD"),
        (25, "RTA_UID"),
        (26, "RTA_TTL_PROPAGATE"),
        (27, "RTA_IP_PROTO"),
        (28, "RTA_SPORT"),
        (29, "RTA_DPORT"),
        (30, "RTA_NH_ID"),
        (31, "RTA_FLOWLABEL"),
    ],
};

/// Flags of a route.
pub static ROUTE_FLAGS: Table = Table {
    unknown: "RTM_F_???",
    rows: &[
        (0x100, "RTM_F_NOTIFY"),
        (0x200, "RTM_F_CLONED"),
        (0x400, "RTM_F_EQUALIZE"),
        (0x800, "RTM_F_PREFIX"),
        (0x1000, "RTM_F_LOOKUP_TABLE"),
        (0x2000, "RTM_F_FIB_MATCH"),
        (0x4000, "RTM_F_OFFLOAD"),
        (0x8000, "RTM_F_TRAP"),
        (0x20000000, "RTM_F_OFFLOAD_FAILED"),
    ],
};

/// Tables of routes.
pub static ROUTE_TABLES: Table = Table {
    unknown: "",
    rows: &[
        (0, "RT_TABLE_UNSPEC"),
        (252, "RT_TABLE_COMPAT"),
        (253, "RT_TABLE_DEFAULT"),
        (254, "RT_TABLE_MAIN"),
        (255, "RT_TABLE_LOCAL"),
    ],
};

/// Who made a route.
pub static ROUTE_ORIGINS: Table = Table {
    unknown: "RTPROT_???",
    rows: &[
        (0, "RTPROT_UNSPEC"),
        (1, "RTPROT_REDIRECT"),
        (2, "RTPROT_KERNEL"),
        (3, "RTPROT_BOOT"),
        (4, "RTPROT_STATIC"),
        (8, "RTPROT_GATED"),
        (9, "RTPROT_RA"),
        (10, "RTPROT_MRT"),
        (11, "RTPROT_ZEBRA"),
        (12, "RTPROT_BIRD"),
        (13, "RTPROT_DNROUTED"),
        (14, "RTPROT_XORP"),
        (15, "RTPROT_NTK"),
        (16, "RTPROT_DHCP"),
        (17, "RTPROT_MROUTED"),
        (18, "RTPROT_KEEPALIVED"),
        (42, "RTPROT_BABEL"),
        (84, "RTPROT_OVN"),
        (99, "RTPROT_OPENR"),
        (186, "RTPROT_BGP"),
        (187, "RTPROT_ISIS"),
        (188, "RTPROT_OSPF"),
        (189, "RTPROT_RIP"),
        (192, "RTPROT_EIGRP"),
    ],
};

/// How far an address or a route reaches.
pub static SCOPES: Table = Table {
    unknown: "",
    rows: &[
        (0, "RT_SCOPE_UNIVERSE"),
        (200, "RT_SCOPE_SITE"),
        (253, "RT_SCOPE_LINK"),
        (254, "RT_SCOPE_HOST"),
        (255, "RT_SCOPE_NOWHERE"),
    ],
};

/// What a route does.
pub static ROUTE_TYPES: Table = Table {
    unknown: "RTN_???",
    rows: &[
        (0, "RTN_UNSPEC"),
        (1, "RTN_UNICAST"),
        (2, "RTN_LOCAL"),
        (3, "RTN_BROADCAST"),
        (4, "RTN_ANYCAST"),
        (5, "RTN_MULTICAST"),
        (6, "RTN_BLACKHOLE"),
        (7, "RTN_UNREACHABLE"),
        (8, "RTN_PROHIBIT"),
        (9, "RTN_THROW"),
        (10, "RTN_NAT"),
        (11, "RTN_XRESOLVE"),
    ],
};

/// Types of service (include/uapi/linux/ip.h).
pub static SERVICES: Table = Table {
    unknown: "IPTOS_???",
    rows: &[
        (0x10, "IPTOS_LOWDELAY"),
        (0x8, "IPTOS_THROUGHPUT"),
        (0x4, "IPTOS_RELIABILITY"),
        (0x2, "IPTOS_MINCOST"),
    ],
};

/// State of a next hop.
pub static HOP_FLAGS: Table = Table {
    unknown: "RTNH_F_???",
    rows: &[
        (0x1, "RTNH_F_DEAD"),
        (0x2, "RTNH_F_PERVASIVE"),
        (0x4, "RTNH_F_ONLINK"),
        (0x8, "RTNH_F_OFFLOAD"),
        (0x10, "RTNH_F_LINKDOWN"),
        (0x20, "RTNH_F_UNRESOLVED"),
        (0x40, "RTNH_F_TRAP"),
    ],
};

/// How packets are wrapped (include/uapi/linux/lwtunnel.h).
pub static ENCAPSULATIONS: Table = Table {
    unknown: "LWTUNNEL_ENCAP_???",
    rows: &[
        (0, "LWTUNNEL_ENCAP_NONE"),
        (1, "LWTUNNEL_ENCAP_MPLS"),
        (2, "LWTUNNEL_ENCAP_IP"),
        (3, "LWTUNNEL_ENCAP_ILA"),
        (4, "LWTUNNEL_ENCAP_IP6"),
        (5, "LWTUNNEL_ENCAP_SEG6"),
        (6, "LWTUNNEL_ENCAP_BPF"),
        (7, "LWTUNNEL_ENCAP_SEG6_LOCAL"),
        (8, "LWTUNNEL_ENCAP_RPL"),
    ],
};

/// Metrics of a route.
pub static METRICS: Table = Table {
    unknown: "RTAX_???",
    rows: &[
        (0, "RTAX_UNSPEC"),
        (1, "RTAX_LOCK"),
        (2, "RTAX_MTU"),
        (3, "RTAX_WINDOW"),
        (4, "RTAX_RTT"),
        (5, "RTAX_RTTVAR"),
        (6, "RTAX_SSTHRESH"),
        (7, "RTAX_CWND"),
        (8, "RTAX_ADVMSS"),
        (9, "RTAX_REORDERING"),
        (10, "RTAX_HOPLIMIT"),
        (11, "RTAX_INITCWND"),
        (12, "RTAX_FEATURES"),
        (13, "RTAX_RTO_MIN"),
        (14, "RTAX_INITRWND"),
        (15, "RTAX_QUICKACK"),
        (16, "RTAX_CC_ALGO"),
        (17, "RTAX_FASTOPEN_NO_COOKIE"),
    ],
};

/// Attributes of a neighbour (include/uapi/linux/neighbour.h).
pub static NEIGHBOUR: Table = Table {
    unknown: "NDA_???",
    rows: &[
        (0, "NDA_UNSPEC"),
        (1, "NDA_DST"),
        (2, "NDA_LLADDR"),
        (3, "NDA_CACHEINFO"),
        (4, "NDA_PROBES"),
        (5, "NDA_VLAN"),
        (6, "NDA_PORT"),
        (7, "NDA_VNI"),
        (8, "NDA_IFINDEX"),
        (9, "NDA_MASTER"),
        (10, "NDA_LINK_NETNSID"),
        (11, "NDA_SRC_VNI"),
        (12, "NDA_PROTOCOL"),
        (13, "NDA_NH_ID"),
        (14, "NDA_FDB_EXT_ATTRS"),
        (15, "NDA_FLAGS_EXT"),
        (16, "NDA_NDM_STATE_MASK"),
        (17, "NDA_NDM_FLAGS_MASK"),
    ],
};

/// What is known of a neighbour.
pub static NEIGHBOUR_STATES: Table = Table {
    unknown: "NUD_???",
    rows: &[
        (0x0, "NUD_NONE"),
        (0x1, "NUD_INCOMPLETE"),
        (0x2, "NUD_REACHABLE"),
        (0x4, "NUD_STALE"),
        (0x8, "NUD_DELAY"),
        (0x10, "NUD_PROBE"),
        (0x20, "NUD_FAILED"),
        (0x40, "NUD_NOARP"),
        (0x80, "NUD_PERMANENT"),
    ],
};

/// Flags of a neighbour.
pub static NEIGHBOUR_FLAGS: Table = Table {
    unknown: "NTF_???",
    rows: &[
        (0x1, "NTF_USE"),
        (0x2, "NTF_SELF"),
        (0x4, "NTF_MASTER"),
        (0x8, "NTF_PROXY"),
        (0x10, "NTF_EXT_LEARNED"),
        (0x20, "NTF_OFFLOADED"),
        (0x40, "NTF_STICKY"),
        (0x80, "NTF_ROUTER"),
    ],
};

/// More of them.
pub static NEIGHBOUR_MORE_FLAGS: Table = Table {
    unknown: "NTF_EXT_???",
    rows: &[(0x1, "NTF_EXT_MANAGED"), (0x2, "NTF_EXT_LOCKED"), (0x4, "NTF_EXT_EXT_VALIDATED")],
};

/// Of an entry of a bridge.
pub static FORWARDING: Table = Table {
    unknown: "NFEA_???",
    rows: &[(0, "NFEA_UNSPEC"), (1, "NFEA_ACTIVITY_NOTIFY"), (2, "NFEA_DONT_REFRESH")],
};

/// When the kernel tells of such an entry.
pub static FORWARDING_NOTIFY: Table =
    Table { unknown: "FDB_NOTIFY_???", rows: &[(0x1, "FDB_NOTIFY_BIT"), (0x2, "FDB_NOTIFY_INACTIVE_BIT")] };

/// Attributes of a rule (include/uapi/linux/fib_rules.h).
pub static RULE: Table = Table {
    unknown: "FRA_???",
    rows: &[
        (0, "FRA_UNSPEC"),
        (1, "FRA_DST"),
        (2, "FRA_SRC"),
        (3, "FRA_IIFNAME"),
        (4, "FRA_GOTO"),
        (5, "FRA_UNUSED2"),
        (6, "FRA_PRIORITY"),
        (7, "FRA_UNUSED3"),
        (8, "FRA_UNUSED4"),
        (9, "FRA_UNUSED5"),
        (10, "FRA_FWMARK"),
        (11, "FRA_FLOW"),
        (12, "FRA_TUN_ID"),
        (13, "FRA_SUPPRESS_IFGROUP"),
        (14, "FRA_SUPPRESS_PREFIXLEN"),
        (15, "FRA_TABLE"),
        (16, "FRA_FWMASK"),
        (17, "FRA_OIFNAME"),
        (18, "FRA_PAD"),
        (19, "FRA_L3MDEV"),
        (20, "FRA_UID_RANGE"),
        (21, "FRA_PROTOCOL"),
        (22, "FRA_IP_PROTO"),
        (23, "FRA_SPORT_RANGE"),
        (24, "FRA_DPORT_RANGE"),
        (25, "FRA_DSCP"),
        (26, "FRA_FLOWLABEL"),
        (27, "FRA_FLOWLABEL_MASK"),
        (28, "FRA_SPORT_MASK"),
        (29, "FRA_DPORT_MASK"),
        (30, "FRA_DSCP_MASK"),
    ],
};

/// Tables of routes.
pub static RULE_TABLES: Table = Table {
    unknown: "RT_TABLE_???",
    rows: &[
        (0, "RT_TABLE_UNSPEC"),
        (252, "RT_TABLE_COMPAT"),
        (253, "RT_TABLE_DEFAULT"),
        (254, "RT_TABLE_MAIN"),
        (255, "RT_TABLE_LOCAL"),
    ],
};

/// What a rule does.
pub static RULE_ACTIONS: Table = Table {
    unknown: "FR_ACT_???",
    rows: &[
        (0, "FR_ACT_UNSPEC"),
        (1, "FR_ACT_TO_TBL"),
        (2, "FR_ACT_GOTO"),
        (3, "FR_ACT_NOP"),
        (4, "FR_ACT_RES3"),
        (5, "FR_ACT_RES4"),
        (6, "FR_ACT_BLACKHOLE"),
        (7, "FR_ACT_UNREACHABLE"),
        (8, "FR_ACT_PROHIBIT"),
    ],
};

/// Flags of a rule.
pub static RULE_FLAGS: Table = Table {
    unknown: "FIB_RULE_???",
    rows: &[
        (0x1, "FIB_RULE_PERMANENT"),
        (0x2, "FIB_RULE_INVERT"),
        (0x4, "FIB_RULE_UNRESOLVED"),
        (0x8, "FIB_RULE_IIF_DETACHED"),
        (0x10, "FIB_RULE_OIF_DETACHED"),
        (0x10000, "FIB_RULE_FIND_SADDR"),
    ],
};
