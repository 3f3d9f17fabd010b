//! Names of the values that options have.

use super::Table;

/// Of SO_TXREHASH (include/uapi/linux/socket.h).
pub static TXREHASH: Table = Table {
    unknown: "SOCK_TXREHASH_???",
    rows: &[(0, "SOCK_TXREHASH_DISABLED"), (1, "SOCK_TXREHASH_ENABLED"), (255, "SOCK_TXREHASH_DEFAULT")],
};

/// Types of ICMP (include/uapi/linux/icmp.h).
pub static ICMP_TYPES: Table = Table {
    unknown: "ICMP_???",
    rows: &[
        (0, "ICMP_ECHOREPLY"),
        (3, "ICMP_DEST_UNREACH"),
        (4, "ICMP_SOURCE_QUENCH"),
        (5, "ICMP_REDIRECT"),
        (8, "ICMP_ECHO"),
        (11, "ICMP_TIME_EXCEEDED"),
        (12, "ICMP_PARAMETERPROB"),
        (13, "ICMP_TIMESTAMP"),
        (14, "ICMP_TIMESTAMPREPLY"),
        (15, "ICMP_INFO_REQUEST"),
        (16, "ICMP_INFO_REPLY"),
        (17, "ICMP_ADDRESS"),
        (18, "ICMP_ADDRESSREPLY"),
    ],
};

/// Of TIPC_IMPORTANCE (include/uapi/linux/tipc.h).
pub static TIPC_IMPORTANCE: Table = Table {
    unknown: "TIPC_???_IMPORTANCE",
    rows: &[
        (0, "TIPC_LOW_IMPORTANCE"),
        (1, "TIPC_MEDIUM_IMPORTANCE"),
        (2, "TIPC_HIGH_IMPORTANCE"),
        (3, "TIPC_CRITICAL_IMPORTANCE"),
    ],
};

/// How far a TIPC group reaches (include/uapi/linux/tipc.h).
pub static TIPC_SCOPES: Table =
    Table { unknown: "TIPC_???_SCOPE", rows: &[(2, "TIPC_CLUSTER_SCOPE"), (3, "TIPC_NODE_SCOPE")] };

/// What a member of a TIPC group wants (include/uapi/linux/tipc.h).
pub static TIPC_GROUP_FLAGS: Table =
    Table { unknown: "TIPC_GROUP_???", rows: &[(1, "TIPC_GROUP_LOOPBACK"), (2, "TIPC_GROUP_MEMBER_EVTS")] };

/// Of a key of TCP-AO (include/uapi/linux/tcp.h).
pub static AO_KEY_FLAGS: Table =
    Table { unknown: "TCP_AO_KEYF_???", rows: &[(1, "TCP_AO_KEYF_IFINDEX"), (2, "TCP_AO_KEYF_EXCLUDE_OPT")] };

/// What a packet socket joins (include/uapi/linux/if_packet.h).
pub static PACKET_MEMBERSHIPS: Table = Table {
    unknown: "PACKET_MR_???",
    rows: &[
        (0, "PACKET_MR_MULTICAST"),
        (1, "PACKET_MR_PROMISC"),
        (2, "PACKET_MR_ALLMULTI"),
        (3, "PACKET_MR_UNICAST"),
    ],
};

/// Errors that only the kernel knows (include/linux/errno.h).
pub static INTERNAL_ERRORS: Table = Table {
    unknown: "",
    rows: &[
        (512, "ERESTARTSYS"),
        (513, "ERESTARTNOINTR"),
        (514, "ERESTARTNOHAND"),
        (515, "ENOIOCTLCMD"),
        (516, "ERESTART_RESTARTBLOCK"),
        (517, "EPROBE_DEFER"),
        (518, "EOPENSTALE"),
        (521, "EBADHANDLE"),
        (522, "ENOTSYNC"),
        (523, "EBADCOOKIE"),
        (524, "ENOTSUPP"),
        (525, "ETOOSMALL"),
        (526, "ESERVERFAULT"),
        (527, "EBADTYPE"),
        (528, "EJUKEBOX"),
        (529, "EIOCBQUEUED"),
        (530, "ERECALLCONFLICT"),
    ],
};
