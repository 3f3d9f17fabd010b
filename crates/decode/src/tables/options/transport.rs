//! Options of TCP and UDP, and of what is built on them.

use super::{NONE, Options, Table};

/// TCP (include/uapi/linux/tcp.h).
pub static TCP: Options = Options {
    level: 6,
    short: "tcp",
    shown: true,
    names: &Table {
        unknown: "TCP_???",
        rows: &[
            (1, "TCP_NODELAY"),
            (2, "TCP_MAXSEG"),
            (3, "TCP_CORK"),
            (4, "TCP_KEEPIDLE"),
            (5, "TCP_KEEPINTVL"),
            (6, "TCP_KEEPCNT"),
            (7, "TCP_SYNCNT"),
            (8, "TCP_LINGER2"),
            (9, "TCP_DEFER_ACCEPT"),
            (10, "TCP_WINDOW_CLAMP"),
            (11, "TCP_INFO"),
            (12, "TCP_QUICKACK"),
            (13, "TCP_CONGESTION"),
            (14, "TCP_MD5SIG"),
            (15, "TCP_COOKIE_TRANSACTIONS"),
            (16, "TCP_THIN_LINEAR_TIMEOUTS"),
            (17, "TCP_THIN_DUPACK"),
            (18, "TCP_USER_TIMEOUT"),
            (19, "TCP_REPAIR"),
            (20, "TCP_REPAIR_QUEUE"),
            (21, "TCP_QUEUE_SEQ"),
            (22, "TCP_REPAIR_OPTIONS"),
            (23, "TCP_FASTOPEN"),
            (24, "TCP_TIMESTAMP"),
            (25, "TCP_NOTSENT_LOWAT"),
            (26, "TCP_CC_INFO"),
            (27, "TCP_SAVE_SYN"),
            (28, "TCP_SAVED_SYN"),
            (29, "TCP_REPAIR_WINDOW"),
            (30, "TCP_FASTOPEN_CONNECT"),
            (31, "TCP_ULP"),
            (32, "TCP_MD5SIG_EXT"),
            (33, "TCP_FASTOPEN_KEY"),
            (34, "TCP_FASTOPEN_NO_COOKIE"),
            (35, "TCP_ZEROCOPY_RECEIVE"),
            (36, "TCP_INQ"),
            (37, "TCP_TX_DELAY"),
            (38, "TCP_AO_ADD_KEY"),
            (39, "TCP_AO_DEL_KEY"),
            (40, "TCP_AO_INFO"),
            (41, "TCP_AO_GET_KEYS"),
            (42, "TCP_AO_REPAIR"),
            (43, "TCP_IS_MPTCP"),
            (44, "TCP_RTO_MAX_MS"),
            (45, "TCP_RTO_MIN_US"),
            (46, "TCP_DELACK_MAX_US"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// UDP (include/uapi/linux/udp.h).
pub static UDP: Options = Options {
    level: 17,
    short: "udp",
    shown: true,
    names: &Table {
        unknown: "UDP_???",
        rows: &[
            (1, "UDP_CORK"),
            (100, "UDP_ENCAP"),
            (101, "UDP_NO_CHECK6_TX"),
            (102, "UDP_NO_CHECK6_RX"),
            (103, "UDP_SEGMENT"),
            (104, "UDP_GRO"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// UDP-Lite (include/net/udplite.h).
pub static UDPLITE: Options = Options {
    level: 136,
    short: "udplite",
    shown: false,
    names: &Table {
        unknown: "",
        rows: &[(1, "UDP_CORK"), (10, "UDPLITE_SEND_CSCOV"), (11, "UDPLITE_RECV_CSCOV")],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// MPTCP (include/uapi/linux/mptcp.h).
pub static MPTCP: Options = Options {
    level: 284,
    short: "mptcp",
    shown: false,
    names: &Table {
        unknown: "",
        rows: &[(1, "MPTCP_INFO"), (2, "MPTCP_TCPINFO"), (3, "MPTCP_SUBFLOW_ADDRS"), (4, "MPTCP_FULL_INFO")],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// SMC (include/uapi/linux/smc.h).
pub static SMC: Options = Options {
    level: 286,
    short: "smc",
    shown: false,
    names: &Table { unknown: "", rows: &[(1, "SMC_LIMIT_HS")] },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// TLS of the kernel (include/uapi/linux/tls.h).
pub static TLS: Options = Options {
    level: 282,
    short: "tls",
    shown: true,
    names: &Table {
        unknown: "TLS_???",
        rows: &[
            (1, "TLS_TX"),
            (2, "TLS_RX"),
            (3, "TLS_TX_ZEROCOPY_RO"),
            (4, "TLS_RX_EXPECT_NO_PAD"),
            (5, "TLS_TX_MAX_PAYLOAD_LEN"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// Kernel connection multiplexer (include/uapi/linux/kcm.h).
pub static KCM: Options = Options {
    level: 281,
    short: "kcm",
    shown: true,
    names: &Table { unknown: "KCM_???", rows: &[(1, "KCM_RECV_DISABLE")] },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};
