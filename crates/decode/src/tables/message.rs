//! Flags of messages, and what else send, receive and shutdown take.

use super::Table;

/// `MSG_*` of send, recv and their kin (include/linux/socket.h), but for two that the kernel has for itself alone.
pub static MESSAGE_FLAGS: Table = Table {
    unknown: "MSG_???",
    rows: &[
        (0x1, "MSG_OOB"),
        (0x2, "MSG_PEEK"),
        (0x4, "MSG_DONTROUTE"),
        (0x8, "MSG_CTRUNC"),
        (0x10, "MSG_PROBE"),
        (0x20, "MSG_TRUNC"),
        (0x40, "MSG_DONTWAIT"),
        (0x80, "MSG_EOR"),
        (0x100, "MSG_WAITALL"),
        (0x200, "MSG_FIN"),
        (0x400, "MSG_SYN"),
        (0x800, "MSG_CONFIRM"),
        (0x1000, "MSG_RST"),
        (0x2000, "MSG_ERRQUEUE"),
        (0x4000, "MSG_NOSIGNAL"),
        (0x8000, "MSG_MORE"),
        (0x10000, "MSG_WAITFORONE"),
        (0x20000, "MSG_SENDPAGE_NOTLAST"),
        (0x40000, "MSG_BATCH"),
        (0x80000, "MSG_NO_SHARED_FRAGS"),
        (0x2000000, "MSG_SOCK_DEVMEM"),
        (0x4000000, "MSG_ZEROCOPY"),
        (0x20000000, "MSG_FASTOPEN"),
        (0x40000000, "MSG_CMSG_CLOEXEC"),
        (0x80000000, "MSG_CMSG_COMPAT"),
    ],
};

/// What shutdown(2) closes.
pub static SHUTDOWN: Table =
    Table { unknown: "SHUT_???", rows: &[(0, "SHUT_RD"), (1, "SHUT_WR"), (2, "SHUT_RDWR")] };
