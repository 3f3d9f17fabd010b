//! Names of values that strace leaves as numbers.

use super::Table;

/// Flags of SO_TIMESTAMPING (include/uapi/linux/net_tstamp.h).
pub static TIMESTAMPING: Table = Table {
    unknown: "SOF_TIMESTAMPING_???",
    rows: &[
        (1 << 0, "SOF_TIMESTAMPING_TX_HARDWARE"),
        (1 << 1, "SOF_TIMESTAMPING_TX_SOFTWARE"),
        (1 << 2, "SOF_TIMESTAMPING_RX_HARDWARE"),
        (1 << 3, "SOF_TIMESTAMPING_RX_SOFTWARE"),
        (1 << 4, "SOF_TIMESTAMPING_SOFTWARE"),
        (1 << 5, "SOF_TIMESTAMPING_SYS_HARDWARE"),
        (1 << 6, "SOF_TIMESTAMPING_RAW_HARDWARE"),
        (1 << 7, "SOF_TIMESTAMPING_OPT_ID"),
        (1 << 8, "SOF_TIMESTAMPING_TX_SCHED"),
        (1 << 9, "SOF_TIMESTAMPING_TX_ACK"),
        (1 << 10, "SOF_TIMESTAMPING_OPT_CMSG"),
        (1 << 11, "SOF_TIMESTAMPING_OPT_TSONLY"),
        (1 << 12, "SOF_TIMESTAMPING_OPT_STATS"),
        (1 << 13, "SOF_TIMESTAMPING_OPT_PKTINFO"),
        (1 << 14, "SOF_TIMESTAMPING_OPT_TX_SWHW"),
        (1 << 15, "SOF_TIMESTAMPING_BIND_PHC"),
        (1 << 16, "SOF_TIMESTAMPING_OPT_ID_TCP"),
        (1 << 17, "SOF_TIMESTAMPING_OPT_RX_FILTER"),
        (1 << 18, "SOF_TIMESTAMPING_TX_COMPLETION"),
    ],
};

/// Flags of SO_TXTIME (include/uapi/linux/net_tstamp.h).
pub static TXTIME: Table = Table {
    unknown: "SOF_TXTIME_???",
    rows: &[(1, "SOF_TXTIME_DEADLINE_MODE"), (2, "SOF_TXTIME_REPORT_ERRORS")],
};

/// Clocks (include/uapi/linux/time.h).
pub static CLOCKS: Table = Table {
    unknown: "CLOCK_???",
    rows: &[
        (0, "CLOCK_REALTIME"),
        (1, "CLOCK_MONOTONIC"),
        (2, "CLOCK_PROCESS_CPUTIME_ID"),
        (3, "CLOCK_THREAD_CPUTIME_ID"),
        (4, "CLOCK_MONOTONIC_RAW"),
        (5, "CLOCK_REALTIME_COARSE"),
        (6, "CLOCK_MONOTONIC_COARSE"),
        (7, "CLOCK_BOOTTIME"),
        (8, "CLOCK_REALTIME_ALARM"),
        (9, "CLOCK_BOOTTIME_ALARM"),
        (11, "CLOCK_TAI"),
    ],
};

/// Of SO_BUF_LOCK (include/uapi/linux/socket.h).
pub static BUFFER_LOCKS: Table =
    Table { unknown: "SOCK_???", rows: &[(1, "SOCK_SNDBUF_LOCK"), (2, "SOCK_RCVBUF_LOCK")] };

/// Of IP_MTU_DISCOVER (include/uapi/linux/in.h).
pub static PMTU_DISCOVERY: Table = Table {
    unknown: "IP_PMTUDISC_???",
    rows: &[
        (0, "IP_PMTUDISC_DONT"),
        (1, "IP_PMTUDISC_WANT"),
        (2, "IP_PMTUDISC_DO"),
        (3, "IP_PMTUDISC_PROBE"),
        (4, "IP_PMTUDISC_INTERFACE"),
        (5, "IP_PMTUDISC_OMIT"),
    ],
};

/// Of IPV6_MTU_DISCOVER (include/uapi/linux/in6.h).
pub static PMTU_DISCOVERY6: Table = Table {
    unknown: "IPV6_PMTUDISC_???",
    rows: &[
        (0, "IPV6_PMTUDISC_DONT"),
        (1, "IPV6_PMTUDISC_WANT"),
        (2, "IPV6_PMTUDISC_DO"),
        (3, "IPV6_PMTUDISC_PROBE"),
        (4, "IPV6_PMTUDISC_INTERFACE"),
        (5, "IPV6_PMTUDISC_OMIT"),
    ],
};

/// Whether a list of sources is of those that are wanted (include/uapi/linux/in.h).
pub static MULTICAST_MODES: Table =
    Table { unknown: "MCAST_???", rows: &[(0, "MCAST_EXCLUDE"), (1, "MCAST_INCLUDE")] };

/// Of IPV6_ADDR_PREFERENCES (include/uapi/linux/in6.h).
pub static ADDRESS_PREFERENCES: Table = Table {
    unknown: "IPV6_PREFER_SRC_???",
    rows: &[
        (0x1, "IPV6_PREFER_SRC_TMP"),
        (0x2, "IPV6_PREFER_SRC_PUBLIC"),
        (0x100, "IPV6_PREFER_SRC_PUBTMP_DEFAULT"),
        (0x4, "IPV6_PREFER_SRC_COA"),
        (0x400, "IPV6_PREFER_SRC_HOME"),
        (0x8, "IPV6_PREFER_SRC_CGA"),
        (0x800, "IPV6_PREFER_SRC_NONCGA"),
    ],
};

/// Types of ICMPv6 (include/uapi/linux/icmpv6.h).
pub static ICMPV6_TYPES: Table = Table {
    unknown: "ICMPV6_???",
    rows: &[
        (1, "ICMPV6_DEST_UNREACH"),
        (2, "ICMPV6_PKT_TOOBIG"),
        (3, "ICMPV6_TIME_EXCEED"),
        (4, "ICMPV6_PARAMPROB"),
        (128, "ICMPV6_ECHO_REQUEST"),
        (129, "ICMPV6_ECHO_REPLY"),
        (130, "ICMPV6_MGM_QUERY"),
        (131, "ICMPV6_MGM_REPORT"),
        (132, "ICMPV6_MGM_REDUCTION"),
        (133, "NDISC_ROUTER_SOLICITATION"),
        (134, "NDISC_ROUTER_ADVERTISEMENT"),
        (135, "NDISC_NEIGHBOUR_SOLICITATION"),
        (136, "NDISC_NEIGHBOUR_ADVERTISEMENT"),
        (137, "NDISC_REDIRECT"),
        (139, "ICMPV6_NI_QUERY"),
        (140, "ICMPV6_NI_REPLY"),
        (143, "ICMPV6_MLD2_REPORT"),
        (144, "ICMPV6_DHAAD_REQUEST"),
        (145, "ICMPV6_DHAAD_REPLY"),
        (146, "ICMPV6_MOBILE_PREFIX_SOL"),
        (147, "ICMPV6_MOBILE_PREFIX_ADV"),
        (151, "ICMPV6_MRDISC_ADV"),
    ],
};

/// States of a TCP connection (include/net/tcp_states.h).
pub static TCP_STATES: Table = Table {
    unknown: "TCP_???",
    rows: &[
        (1, "TCP_ESTABLISHED"),
        (2, "TCP_SYN_SENT"),
        (3, "TCP_SYN_RECV"),
        (4, "TCP_FIN_WAIT1"),
        (5, "TCP_FIN_WAIT2"),
        (6, "TCP_TIME_WAIT"),
        (7, "TCP_CLOSE"),
        (8, "TCP_CLOSE_WAIT"),
        (9, "TCP_LAST_ACK"),
        (10, "TCP_LISTEN"),
        (11, "TCP_CLOSING"),
        (12, "TCP_NEW_SYN_RECV"),
    ],
};

/// States of congestion control (include/uapi/linux/tcp.h).
pub static TCP_CONGESTION_STATES: Table = Table {
    unknown: "TCP_CA_???",
    rows: &[
        (0, "TCP_CA_Open"),
        (1, "TCP_CA_Disorder"),
        (2, "TCP_CA_CWR"),
        (3, "TCP_CA_Recovery"),
        (4, "TCP_CA_Loss"),
    ],
};

/// What a TCP connection has agreed on (include/uapi/linux/tcp.h).
pub static TCP_INFO_OPTIONS: Table = Table {
    unknown: "TCPI_OPT_???",
    rows: &[
        (0x1, "TCPI_OPT_TIMESTAMPS"),
        (0x2, "TCPI_OPT_SACK"),
        (0x4, "TCPI_OPT_WSCALE"),
        (0x8, "TCPI_OPT_ECN"),
        (0x10, "TCPI_OPT_ECN_SEEN"),
        (0x20, "TCPI_OPT_SYN_DATA"),
        (0x40, "TCPI_OPT_USEC_TS"),
        (0x80, "TCPI_OPT_TFO_CHILD"),
    ],
};

/// Of TCP_REPAIR (include/uapi/linux/tcp.h).
pub static TCP_REPAIR: Table = Table {
    unknown: "TCP_REPAIR_???",
    rows: &[(0, "TCP_REPAIR_OFF"), (1, "TCP_REPAIR_ON"), (0xffff_ffff, "TCP_REPAIR_OFF_NO_WP")],
};

/// Of TCP_REPAIR_QUEUE (include/uapi/linux/tcp.h).
pub static TCP_QUEUES: Table =
    Table { unknown: "TCP_???", rows: &[(0, "TCP_NO_QUEUE"), (1, "TCP_RECV_QUEUE"), (2, "TCP_SEND_QUEUE")] };

/// Options within a TCP header (include/net/tcp.h).
pub static TCP_HEADER_OPTIONS: Table = Table {
    unknown: "TCPOPT_???",
    rows: &[(2, "TCPOPT_MSS"), (3, "TCPOPT_WINDOW"), (4, "TCPOPT_SACK_PERM"), (8, "TCPOPT_TIMESTAMP")],
};

/// Of TCP_MD5SIG_EXT (include/uapi/linux/tcp.h).
pub static TCP_MD5_FLAGS: Table = Table {
    unknown: "TCP_MD5SIG_FLAG_???",
    rows: &[(1, "TCP_MD5SIG_FLAG_PREFIX"), (2, "TCP_MD5SIG_FLAG_IFINDEX")],
};

/// Of UDP_ENCAP (include/uapi/linux/udp.h).
pub static UDP_ENCAPSULATIONS: Table = Table {
    unknown: "UDP_ENCAP_???",
    rows: &[
        (1, "UDP_ENCAP_ESPINUDP_NON_IKE"),
        (2, "UDP_ENCAP_ESPINUDP"),
        (3, "UDP_ENCAP_L2TPINUDP"),
        (4, "UDP_ENCAP_GTP0"),
        (5, "UDP_ENCAP_GTP1U"),
        (6, "UDP_ENCAP_RXRPC"),
        (7, "TCP_ENCAP_ESPINTCP"),
    ],
};

/// Versions of TLS (include/uapi/linux/tls.h).
pub static TLS_VERSIONS: Table =
    Table { unknown: "TLS_???_VERSION", rows: &[(0x303, "TLS_1_2_VERSION"), (0x304, "TLS_1_3_VERSION")] };

/// Ciphers of TLS (include/uapi/linux/tls.h).
pub static TLS_CIPHERS: Table = Table {
    unknown: "TLS_CIPHER_???",
    rows: &[
        (51, "TLS_CIPHER_AES_GCM_128"),
        (52, "TLS_CIPHER_AES_GCM_256"),
        (53, "TLS_CIPHER_AES_CCM_128"),
        (54, "TLS_CIPHER_CHACHA20_POLY1305"),
        (55, "TLS_CIPHER_SM4_GCM"),
        (56, "TLS_CIPHER_SM4_CCM"),
        (57, "TLS_CIPHER_ARIA_GCM_128"),
        (58, "TLS_CIPHER_ARIA_GCM_256"),
    ],
};

/// Of PACKET_VERSION (include/uapi/linux/if_packet.h).
pub static TPACKET_VERSIONS: Table =
    Table { unknown: "TPACKET_???", rows: &[(0, "TPACKET_V1"), (1, "TPACKET_V2"), (2, "TPACKET_V3")] };

/// How PACKET_FANOUT chooses (include/uapi/linux/if_packet.h).
pub static FANOUT_TYPES: Table = Table {
    unknown: "PACKET_FANOUT_???",
    rows: &[
        (0, "PACKET_FANOUT_HASH"),
        (1, "PACKET_FANOUT_LB"),
        (2, "PACKET_FANOUT_CPU"),
        (3, "PACKET_FANOUT_ROLLOVER"),
        (4, "PACKET_FANOUT_RND"),
        (5, "PACKET_FANOUT_QM"),
        (6, "PACKET_FANOUT_CBPF"),
        (7, "PACKET_FANOUT_EBPF"),
    ],
};

/// What is added to how PACKET_FANOUT chooses (include/uapi/linux/if_packet.h).
pub static FANOUT_FLAGS: Table = Table {
    unknown: "PACKET_FANOUT_FLAG_???",
    rows: &[
        (0x1000, "PACKET_FANOUT_FLAG_ROLLOVER"),
        (0x2000, "PACKET_FANOUT_FLAG_UNIQUEID"),
        (0x4000, "PACKET_FANOUT_FLAG_IGNORE_OUTGOING"),
        (0x8000, "PACKET_FANOUT_FLAG_DEFRAG"),
    ],
};

/// Of XDP_OPTIONS (include/uapi/linux/if_xdp.h).
pub static XDP_OPTION_FLAGS: Table =
    Table { unknown: "XDP_OPTIONS_???", rows: &[(1, "XDP_OPTIONS_ZEROCOPY")] };

/// Of XDP_UMEM_REG (include/uapi/linux/if_xdp.h).
pub static XDP_UMEM_FLAGS: Table = Table {
    unknown: "XDP_UMEM_???",
    rows: &[
        (1, "XDP_UMEM_UNALIGNED_CHUNK_FLAG"),
        (2, "XDP_UMEM_TX_SW_CSUM"),
        (4, "XDP_UMEM_TX_METADATA_LEN"),
    ],
};

/// Of BT_SECURITY (include/net/bluetooth/bluetooth.h).
pub static BT_SECURITY_LEVELS: Table = Table {
    unknown: "BT_SECURITY_???",
    rows: &[
        (0, "BT_SECURITY_SDP"),
        (1, "BT_SECURITY_LOW"),
        (2, "BT_SECURITY_MEDIUM"),
        (3, "BT_SECURITY_HIGH"),
        (4, "BT_SECURITY_FIPS"),
    ],
};
