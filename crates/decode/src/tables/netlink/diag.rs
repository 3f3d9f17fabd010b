//! What is told of sockets (include/uapi/linux/sock_diag.h, inet_diag.h and unix_diag.h).

use crate::tables::Table;

/// States of a TCP socket, and of every other (include/net/tcp_states.h).
pub static STATES: Table = Table {
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
        (13, "TCP_BOUND_INACTIVE"),
    ],
};

/// Sets of states.
pub static STATE_SETS: Table = Table {
    unknown: "1<<TCP_???",
    rows: &[
        (1 << 1, "1<<TCP_ESTABLISHED"),
        (1 << 2, "1<<TCP_SYN_SENT"),
        (1 << 3, "1<<TCP_SYN_RECV"),
        (1 << 4, "1<<TCP_FIN_WAIT1"),
        (1 << 5, "1<<TCP_FIN_WAIT2"),
        (1 << 6, "1<<TCP_TIME_WAIT"),
        (1 << 7, "1<<TCP_CLOSE"),
        (1 << 8, "1<<TCP_CLOSE_WAIT"),
        (1 << 9, "1<<TCP_LAST_ACK"),
        (1 << 10, "1<<TCP_LISTEN"),
        (1 << 11, "1<<TCP_CLOSING"),
        (1 << 12, "1<<TCP_NEW_SYN_RECV"),
        (1 << 13, "1<<TCP_BOUND_INACTIVE"),
    ],
};

/// What is asked for of an internet socket.
pub static INET_SETS: Table = Table {
    unknown: "1<<INET_DIAG_???",
    rows: &[
        (1 << 0, "1<<(INET_DIAG_MEMINFO-1)"),
        (1 << 1, "1<<(INET_DIAG_INFO-1)"),
        (1 << 2, "1<<(INET_DIAG_VEGASINFO-1)"),
        (1 << 3, "1<<(INET_DIAG_CONG-1)"),
        (1 << 4, "1<<(INET_DIAG_TOS-1)"),
        (1 << 5, "1<<(INET_DIAG_TCLASS-1)"),
        (1 << 6, "1<<(INET_DIAG_SKMEMINFO-1)"),
        (1 << 7, "1<<(INET_DIAG_SHUTDOWN-1)"),
    ],
};

/// What is told of an internet socket.
pub static INET: Table = Table {
    unknown: "INET_DIAG_???",
    rows: &[
        (0, "INET_DIAG_NONE"),
        (1, "INET_DIAG_MEMINFO"),
        (2, "INET_DIAG_INFO"),
        (3, "INET_DIAG_VEGASINFO"),
        (4, "INET_DIAG_CONG"),
        (5, "INET_DIAG_TOS"),
        (6, "INET_DIAG_TCLASS"),
        (7, "INET_DIAG_SKMEMINFO"),
        (8, "INET_DIAG_SHUTDOWN"),
        (9, "INET_DIAG_DCTCPINFO"),
        (10, "INET_DIAG_PROTOCOL"),
        (11, "INET_DIAG_SKV6ONLY"),
        (12, "INET_DIAG_LOCALS"),
        (13, "INET_DIAG_PEERS"),
        (14, "INET_DIAG_PAD"),
        (15, "INET_DIAG_MARK"),
        (16, "INET_DIAG_BBRINFO"),
        (17, "INET_DIAG_CLASS_ID"),
        (18, "INET_DIAG_MD5SIG"),
        (19, "INET_DIAG_ULP_INFO"),
        (20, "INET_DIAG_SK_BPF_STORAGES"),
        (21, "INET_DIAG_CGROUP_ID"),
        (22, "INET_DIAG_SOCKOPT"),
    ],
};

/// What a question about internet sockets can have.
pub static INET_REQUEST: Table = Table {
    unknown: "INET_DIAG_REQ_???",
    rows: &[
        (0, "INET_DIAG_REQ_NONE"),
        (1, "INET_DIAG_REQ_BYTECODE"),
        (2, "INET_DIAG_REQ_SK_BPF_STORAGES"),
        (3, "INET_DIAG_REQ_PROTOCOL"),
    ],
};

/// Which half of a connection is closed (include/net/sock.h).
pub static HALVES: Table =
    Table { unknown: "???_SHUTDOWN", rows: &[(1, "RCV_SHUTDOWN"), (2, "SEND_SHUTDOWN")] };

/// Places in an array of sizes of memory.
pub static MEMORY: Table = Table {
    unknown: "SK_MEMINFO_???",
    rows: &[
        (0, "SK_MEMINFO_RMEM_ALLOC"),
        (1, "SK_MEMINFO_RCVBUF"),
        (2, "SK_MEMINFO_WMEM_ALLOC"),
        (3, "SK_MEMINFO_SNDBUF"),
        (4, "SK_MEMINFO_FWD_ALLOC"),
        (5, "SK_MEMINFO_WMEM_QUEUED"),
        (6, "SK_MEMINFO_OPTMEM"),
        (7, "SK_MEMINFO_BACKLOG"),
        (8, "SK_MEMINFO_DROPS"),
    ],
};

/// What is asked for of a unix socket.
pub static UNIX_SETS: Table = Table {
    unknown: "UDIAG_SHOW_???",
    rows: &[
        (0x1, "UDIAG_SHOW_NAME"),
        (0x2, "UDIAG_SHOW_VFS"),
        (0x4, "UDIAG_SHOW_PEER"),
        (0x8, "UDIAG_SHOW_ICONS"),
        (0x10, "UDIAG_SHOW_RQLEN"),
        (0x20, "UDIAG_SHOW_MEMINFO"),
        (0x40, "UDIAG_SHOW_UID"),
    ],
};

/// What is told of a unix socket.
pub static UNIX: Table = Table {
    unknown: "UNIX_DIAG_???",
    rows: &[
        (0, "UNIX_DIAG_NAME"),
        (1, "UNIX_DIAG_VFS"),
        (2, "UNIX_DIAG_PEER"),
        (3, "UNIX_DIAG_ICONS"),
        (4, "UNIX_DIAG_RQLEN"),
        (5, "UNIX_DIAG_MEMINFO"),
        (6, "UNIX_DIAG_SHUTDOWN"),
        (7, "UNIX_DIAG_UID"),
    ],
};
