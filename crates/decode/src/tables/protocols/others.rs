//! Protocols of radio, telephone and other families.

use crate::tables::Table;

/// `AX25_P_*` (include/net/ax25.h).
pub static AX25: Table = Table {
    unknown: "AX25_P_???",
    rows: &[
        (0x01, "AX25_P_ROSE"),
        (0x06, "AX25_P_VJCOMP"),
        (0x07, "AX25_P_VJUNCOMP"),
        (0x08, "AX25_P_SEGMENT"),
        (0xc3, "AX25_P_TEXNET"),
        (0xc4, "AX25_P_LQ"),
        (0xca, "AX25_P_ATALK"),
        (0xcb, "AX25_P_ATALK_ARP"),
        (0xcc, "AX25_P_IP"),
        (0xcd, "AX25_P_ARP"),
        (0xce, "AX25_P_FLEXNET"),
        (0xcf, "AX25_P_NETROM"),
        (0xf0, "AX25_P_TEXT"),
    ],
};

/// `BTPROTO_*` (include/net/bluetooth/bluetooth.h).
pub static BLUETOOTH: Table = Table {
    unknown: "BTPROTO_???",
    rows: &[
        (0, "BTPROTO_L2CAP"),
        (1, "BTPROTO_HCI"),
        (2, "BTPROTO_SCO"),
        (3, "BTPROTO_RFCOMM"),
        (4, "BTPROTO_BNEP"),
        (5, "BTPROTO_CMTP"),
        (6, "BTPROTO_HIDP"),
        (7, "BTPROTO_AVDTP"),
    ],
};

/// `CAIFPROTO_*` (include/uapi/linux/caif/caif_socket.h).
pub static CAIF: Table = Table {
    unknown: "CAIFPROTO_???",
    rows: &[
        (0, "CAIFPROTO_AT"),
        (1, "CAIFPROTO_DATAGRAM"),
        (2, "CAIFPROTO_DATAGRAM_LOOP"),
        (3, "CAIFPROTO_UTIL"),
        (4, "CAIFPROTO_RFM"),
        (5, "CAIFPROTO_DEBUG"),
    ],
};

/// `CAN_*` (include/uapi/linux/can.h).
pub static CAN: Table = Table {
    unknown: "CAN_???",
    rows: &[
        (1, "CAN_RAW"),
        (2, "CAN_BCM"),
        (3, "CAN_TP16"),
        (4, "CAN_TP20"),
        (5, "CAN_MCNET"),
        (6, "CAN_ISOTP"),
        (7, "CAN_J1939"),
    ],
};

/// IrDA left Linux with 4.17. strace shows names of [`CAN`] for its protocols.
pub static IRDA: Table = Table { unknown: "IRDAPROTO_???", rows: CAN.rows };

/// `ISDN_P_*` (include/linux/mISDNif.h).
pub static ISDN: Table = Table {
    unknown: "ISDN_P_???",
    rows: &[
        (0x00, "ISDN_P_BASE"),
        (0x01, "ISDN_P_TE_S0"),
        (0x02, "ISDN_P_NT_S0"),
        (0x03, "ISDN_P_TE_E1"),
        (0x04, "ISDN_P_NT_E1"),
        (0x10, "ISDN_P_LAPD_TE"),
        (0x11, "ISDN_P_LAPD_NT"),
        (0x21, "ISDN_P_B_RAW"),
        (0x22, "ISDN_P_B_HDLC"),
        (0x23, "ISDN_P_B_X75SLP"),
        (0x24, "ISDN_P_B_L2DTMF"),
        (0x25, "ISDN_P_B_L2DSP"),
        (0x26, "ISDN_P_B_L2DSPHDLC"),
    ],
};

/// `KCMPROTO_*` (include/uapi/linux/kcm.h).
pub static KCM: Table = Table { unknown: "KCMPROTO_???", rows: &[(0, "KCMPROTO_CONNECTED")] };

/// `NFC_SOCKPROTO_*` (include/uapi/linux/nfc.h).
pub static NFC: Table =
    Table { unknown: "NFC_SOCKPROTO_???", rows: &[(0, "NFC_SOCKPROTO_RAW"), (1, "NFC_SOCKPROTO_LLCP")] };

/// `PN_PROTO_*` (include/uapi/linux/phonet.h).
pub static PHONET: Table = Table {
    unknown: "PN_PROTO_???",
    rows: &[(0, "PN_PROTO_TRANSPORT"), (1, "PN_PROTO_PHONET"), (2, "PN_PROTO_PIPE")],
};

/// `SMCPROTO_*` (include/net/smc.h).
pub static SMC: Table = Table { unknown: "SMCPROTO_???", rows: &[(0, "SMCPROTO_SMC"), (1, "SMCPROTO_SMC6")] };
