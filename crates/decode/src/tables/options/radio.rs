//! Options of radio, telephony and networks that are seldom met.

use super::{NONE, Options, Table};

/// Bluetooth (include/net/bluetooth/bluetooth.h).
pub static BLUETOOTH: Options = Options {
    level: 274,
    short: "bluetooth",
    shown: true,
    names: &Table {
        unknown: "BT_???",
        rows: &[
            (4, "BT_SECURITY"),
            (7, "BT_DEFER_SETUP"),
            (8, "BT_FLUSHABLE"),
            (9, "BT_POWER"),
            (10, "BT_CHANNEL_POLICY"),
            (11, "BT_VOICE"),
            (12, "BT_SNDMTU"),
            (13, "BT_RCVMTU"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &Table {
        unknown: "BT_???",
        rows: &[
            (14, "BT_PHY"),
            (15, "BT_MODE"),
            (16, "BT_PKT_STATUS"),
            (17, "BT_ISO_QOS"),
            (19, "BT_CODEC"),
            (20, "BT_ISO_BASE"),
        ],
    },
};

/// Phonet pipes (include/uapi/linux/phonet.h).
pub static PNPIPE: Options = Options {
    level: 275,
    short: "pnpipe",
    shown: true,
    names: &Table {
        unknown: "PNPIPE_???",
        rows: &[(1, "PNPIPE_ENCAP"), (2, "PNPIPE_IFINDEX"), (3, "PNPIPE_HANDLE"), (4, "PNPIPE_INITSTATE")],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// CAIF (include/uapi/linux/caif/caif_socket.h).
pub static CAIF: Options = Options {
    level: 278,
    short: "caif",
    shown: true,
    names: &Table {
        unknown: "CAIFSO_???",
        rows: &[(127, "CAIFSO_LINK_SELECT"), (128, "CAIFSO_REQ_PARAM"), (129, "CAIFSO_RSP_PARAM")],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// NFC LLCP (include/uapi/linux/nfc.h).
pub static NFC: Options = Options {
    level: 280,
    short: "nfc",
    shown: true,
    names: &Table {
        unknown: "NFC_LLCP_???",
        rows: &[
            (0, "NFC_LLCP_RW"),
            (1, "NFC_LLCP_MIUX"),
            (2, "NFC_LLCP_REMOTE_MIU"),
            (3, "NFC_LLCP_REMOTE_LTO"),
            (4, "NFC_LLCP_REMOTE_RW"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// IrDA (gone since 4.17).
pub static IRDA: Options = Options {
    level: 266,
    short: "irda",
    shown: true,
    names: &Table {
        unknown: "IRLMP_???",
        rows: &[
            (1, "IRLMP_ENUMDEVICES"),
            (2, "IRLMP_IAS_SET"),
            (3, "IRLMP_IAS_QUERY"),
            (4, "IRLMP_HINTS_SET"),
            (5, "IRLMP_QOS_SET"),
            (6, "IRLMP_QOS_GET"),
            (7, "IRLMP_MAX_SDU_SIZE"),
            (8, "IRLMP_IAS_GET"),
            (9, "IRLMP_IAS_DEL"),
            (10, "IRLMP_HINT_MASK_SET"),
            (11, "IRLMP_WAITDEVICE"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// PPP over L2TP (include/uapi/linux/if_pppol2tp.h).
pub static PPPOL2TP: Options = Options {
    level: 273,
    short: "pppol2tp",
    shown: true,
    names: &Table {
        unknown: "PPPOL2TP_SO_???",
        rows: &[
            (1, "PPPOL2TP_SO_DEBUG"),
            (2, "PPPOL2TP_SO_RECVSEQ"),
            (3, "PPPOL2TP_SO_SENDSEQ"),
            (4, "PPPOL2TP_SO_LNSMODE"),
            (5, "PPPOL2TP_SO_REORDERTO"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// IPX (include/uapi/linux/ipx.h, gone since 5.15).
pub static IPX: Options = Options {
    level: 256,
    short: "ipx",
    shown: true,
    names: &Table { unknown: "IPX_???", rows: &[(1, "IPX_TYPE")] },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// AX.25 (include/uapi/linux/ax25.h).
pub static AX25: Options = Options {
    level: 257,
    short: "ax25",
    shown: true,
    names: &Table {
        unknown: "AX25_???",
        rows: &[
            (1, "AX25_WINDOW"),
            (2, "AX25_T1"),
            (3, "AX25_N2"),
            (4, "AX25_T3"),
            (5, "AX25_T2"),
            (6, "AX25_BACKOFF"),
            (7, "AX25_EXTSEQ"),
            (8, "AX25_PIDINCL"),
            (9, "AX25_IDLE"),
            (10, "AX25_PACLEN"),
            (12, "AX25_IAMDIGI"),
            (25, "SO_BINDTODEVICE"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// X.25 (include/uapi/linux/x25.h).
pub static X25: Options = Options {
    level: 262,
    short: "x25",
    shown: false,
    names: &Table { unknown: "", rows: &[(1, "X25_QBITINCL")] },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// MCTP (include/uapi/linux/mctp.h).
pub static MCTP: Options = Options {
    level: 285,
    short: "mctp",
    shown: false,
    names: &Table { unknown: "", rows: &[(1, "MCTP_OPT_ADDR_EXT")] },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};
