//! Types of control messages, by level.

use super::{Table, protocols};

/// Levels.
pub static LEVELS: Table = Table { unknown: "SOL_???", rows: super::LEVELS.rows };

/// Of SOL_SOCKET (include/linux/socket.h and include/uapi/asm-generic/socket.h). Those of time stamps have the names of
/// the options that ask for them.
pub static SOCKET: Table = Table {
    unknown: "SCM_???",
    rows: &[
        (1, "SCM_RIGHTS"),
        (2, "SCM_CREDENTIALS"),
        (3, "SCM_SECURITY"),
        (4, "SCM_PIDFD"),
        (29, "SO_TIMESTAMP_OLD"),
        (35, "SO_TIMESTAMPNS_OLD"),
        (37, "SO_TIMESTAMPING_OLD"),
        (41, "SO_WIFI_STATUS"),
        (54, "SCM_TIMESTAMPING_OPT_STATS"),
        (58, "SCM_TIMESTAMPING_PKTINFO"),
        (61, "SO_TXTIME"),
        (63, "SO_TIMESTAMP_NEW"),
        (64, "SO_TIMESTAMPNS_NEW"),
        (65, "SO_TIMESTAMPING_NEW"),
        (78, "SCM_DEVMEM_LINEAR"),
        (79, "SCM_DEVMEM_DMABUF"),
        (81, "SCM_TS_OPT_ID"),
        (84, "SCM_INQ"),
    ],
};

/// Of SOL_IP (include/uapi/linux/in.h).
pub static IP: Table = Table {
    unknown: "IP_???",
    rows: &[
        (1, "IP_TOS"),
        (2, "IP_TTL"),
        (3, "SCM_SECURITY"),
        (6, "IP_RECVOPTS"),
        (7, "IP_RETOPTS"),
        (8, "IP_PKTINFO"),
        (11, "IP_RECVERR"),
        (20, "IP_ORIGDSTADDR"),
        (23, "IP_CHECKSUM"),
        (52, "IP_PROTOCOL"),
    ],
};

/// What IP_PROTOCOL says.
pub static PROTOCOLS: Table = Table { unknown: "IP_???", rows: protocols::INET.rows };

/// Of SOL_IPV6 (include/uapi/linux/in6.h).
pub static IPV6: Table = Table {
    unknown: "IPV6_???",
    rows: &[
        (2, "IPV6_2292PKTINFO"),
        (3, "IPV6_2292HOPOPTS"),
        (4, "IPV6_2292DSTOPTS"),
        (5, "IPV6_2292RTHDR"),
        (8, "IPV6_2292HOPLIMIT"),
        (11, "IPV6_FLOWINFO"),
        (25, "IPV6_RECVERR"),
        (50, "IPV6_PKTINFO"),
        (52, "IPV6_HOPLIMIT"),
        (54, "IPV6_HOPOPTS"),
        (55, "IPV6_RTHDRDSTOPTS"),
        (57, "IPV6_RTHDR"),
        (59, "IPV6_DSTOPTS"),
        (61, "IPV6_PATHMTU"),
        (62, "IPV6_DONTFRAG"),
        (67, "IPV6_TCLASS"),
        (74, "IPV6_ORIGDSTADDR"),
        (77, "IPV6_RECVFRAGSIZE"),
    ],
};

/// Of SOL_TCP (include/uapi/linux/tcp.h).
pub static TCP: Table = Table { unknown: "TCP_???", rows: &[(36, "TCP_CM_INQ")] };

/// Of SOL_UDP (include/uapi/linux/udp.h).
pub static UDP: Table = Table { unknown: "UDP_???", rows: &[(103, "UDP_SEGMENT"), (104, "UDP_GRO")] };

/// Of SOL_PACKET (include/uapi/linux/if_packet.h).
pub static PACKET: Table = Table { unknown: "PACKET_???", rows: &[(8, "PACKET_AUXDATA")] };

/// Of SOL_TLS (include/uapi/linux/tls.h).
pub static TLS: Table =
    Table { unknown: "TLS_???", rows: &[(1, "TLS_SET_RECORD_TYPE"), (2, "TLS_GET_RECORD_TYPE")] };

/// What a record of TLS holds (RFC 8446, 5.1).
pub static RECORDS: Table = Table {
    unknown: "TLS_RECORD_TYPE_???",
    rows: &[
        (20, "TLS_RECORD_TYPE_CHANGE_CIPHER_SPEC"),
        (21, "TLS_RECORD_TYPE_ALERT"),
        (22, "TLS_RECORD_TYPE_HANDSHAKE"),
        (23, "TLS_RECORD_TYPE_DATA"),
        (24, "TLS_RECORD_TYPE_HEARTBEAT"),
    ],
};
