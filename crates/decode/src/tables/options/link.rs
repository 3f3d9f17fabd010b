//! Options of sockets at the link layer.

use super::{NONE, Options, Table};

/// Packets of an interface (include/uapi/linux/if_packet.h).
pub static PACKET: Options = Options {
    level: 263,
    short: "packet",
    shown: true,
    names: &Table {
        unknown: "PACKET_???",
        rows: &[
            (1, "PACKET_ADD_MEMBERSHIP"),
            (2, "PACKET_DROP_MEMBERSHIP"),
            (3, "PACKET_RECV_OUTPUT"),
            (5, "PACKET_RX_RING"),
            (6, "PACKET_STATISTICS"),
            (7, "PACKET_COPY_THRESH"),
            (8, "PACKET_AUXDATA"),
            (9, "PACKET_ORIGDEV"),
            (10, "PACKET_VERSION"),
            (11, "PACKET_HDRLEN"),
            (12, "PACKET_RESERVE"),
            (13, "PACKET_TX_RING"),
            (14, "PACKET_LOSS"),
            (15, "PACKET_VNET_HDR"),
            (16, "PACKET_TX_TIMESTAMP"),
            (17, "PACKET_TIMESTAMP"),
            (18, "PACKET_FANOUT"),
            (19, "PACKET_TX_HAS_OFF"),
            (20, "PACKET_QDISC_BYPASS"),
            (21, "PACKET_ROLLOVER_STATS"),
            (22, "PACKET_FANOUT_DATA"),
            (23, "PACKET_IGNORE_OUTGOING"),
            (24, "PACKET_VNET_HDR_SZ"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// XDP (include/uapi/linux/if_xdp.h).
pub static XDP: Options = Options {
    level: 283,
    short: "xdp",
    shown: true,
    names: &Table {
        unknown: "XDP_???",
        rows: &[
            (1, "XDP_MMAP_OFFSETS"),
            (2, "XDP_RX_RING"),
            (3, "XDP_TX_RING"),
            (4, "XDP_UMEM_REG"),
            (5, "XDP_UMEM_FILL_RING"),
            (6, "XDP_UMEM_COMPLETION_RING"),
            (7, "XDP_STATISTICS"),
            (8, "XDP_OPTIONS"),
            (9, "XDP_MAX_TX_SKB_BUDGET"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// IEEE 802.2 LLC (include/uapi/linux/llc.h).
pub static LLC: Options = Options {
    level: 268,
    short: "llc",
    shown: true,
    names: &Table {
        unknown: "LLC_OPT_???",
        rows: &[
            (0, "LLC_OPT_UNKNOWN"),
            (1, "LLC_OPT_RETRY"),
            (2, "LLC_OPT_SIZE"),
            (3, "LLC_OPT_ACK_TMR_EXP"),
            (4, "LLC_OPT_P_TMR_EXP"),
            (5, "LLC_OPT_REJ_TMR_EXP"),
            (6, "LLC_OPT_BUSY_TMR_EXP"),
            (7, "LLC_OPT_TX_WIN"),
            (8, "LLC_OPT_RX_WIN"),
            (9, "LLC_OPT_PKTINFO"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// Raw CAN (include/uapi/linux/can/raw.h).
pub static CAN_RAW: Options = Options {
    level: 101,
    short: "can_raw",
    shown: true,
    names: &Table {
        unknown: "CAN_RAW_???",
        rows: &[
            (1, "CAN_RAW_FILTER"),
            (2, "CAN_RAW_ERR_FILTER"),
            (3, "CAN_RAW_LOOPBACK"),
            (4, "CAN_RAW_RECV_OWN_MSGS"),
            (5, "CAN_RAW_FD_FRAMES"),
            (6, "CAN_RAW_JOIN_FILTERS"),
            (7, "CAN_RAW_XL_FRAMES"),
            (8, "CAN_RAW_XL_VCID_OPTS"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};
