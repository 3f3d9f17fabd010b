//! Options of sockets that talk to the kernel, to the machine's guests and to clusters.

use super::{NONE, Options, Table};

/// Netlink (include/uapi/linux/netlink.h).
pub static NETLINK: Options = Options {
    level: 270,
    short: "netlink",
    shown: true,
    names: &Table {
        unknown: "NETLINK_???",
        rows: &[
            (1, "NETLINK_ADD_MEMBERSHIP"),
            (2, "NETLINK_DROP_MEMBERSHIP"),
            (3, "NETLINK_PKTINFO"),
            (4, "NETLINK_BROADCAST_ERROR"),
            (5, "NETLINK_NO_ENOBUFS"),
            (6, "NETLINK_RX_RING"),
            (7, "NETLINK_TX_RING"),
            (8, "NETLINK_LISTEN_ALL_NSID"),
            (9, "NETLINK_LIST_MEMBERSHIPS"),
            (10, "NETLINK_CAP_ACK"),
            (11, "NETLINK_EXT_ACK"),
            (12, "NETLINK_GET_STRICT_CHK"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// Sockets of AF_VSOCK, whose level is their family (include/uapi/linux/vm_sockets.h).
pub static VSOCK: Options = Options {
    level: 40,
    short: "vsock",
    shown: true,
    names: &Table {
        unknown: "SO_VM_SOCKETS_???",
        rows: &[
            (0, "SO_VM_SOCKETS_BUFFER_SIZE"),
            (1, "SO_VM_SOCKETS_BUFFER_MIN_SIZE"),
            (2, "SO_VM_SOCKETS_BUFFER_MAX_SIZE"),
            (3, "SO_VM_SOCKETS_PEER_HOST_VM_ID"),
            (5, "SO_VM_SOCKETS_TRUSTED"),
            (6, "SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD"),
            (7, "SO_VM_SOCKETS_NONBLOCK_TXRX"),
            (8, "SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// Ciphers of the kernel (include/uapi/linux/if_alg.h).
pub static ALG: Options = Options {
    level: 279,
    short: "alg",
    shown: true,
    names: &Table {
        unknown: "ALG_SET_???",
        rows: &[
            (1, "ALG_SET_KEY"),
            (2, "ALG_SET_IV"),
            (3, "ALG_SET_OP"),
            (4, "ALG_SET_AEAD_ASSOCLEN"),
            (5, "ALG_SET_AEAD_AUTHSIZE"),
            (6, "ALG_SET_DRBG_ENTROPY"),
            (7, "ALG_SET_KEY_BY_KEY_SERIAL"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// RDS (include/uapi/linux/rds.h).
pub static RDS: Options = Options {
    level: 276,
    short: "rds",
    shown: true,
    names: &Table {
        unknown: "RDS_???",
        rows: &[
            (1, "RDS_CANCEL_SENT_TO"),
            (2, "RDS_GET_MR"),
            (3, "RDS_FREE_MR"),
            (4, "RDS_BARRIER"),
            (5, "RDS_RECVERR"),
            (6, "RDS_CONG_MONITOR"),
            (7, "RDS_GET_MR_FOR_DEST"),
            (8, "SO_RDS_TRANSPORT"),
            (10, "SO_RDS_MSG_RXPATH_LATENCY"),
            (29, "SO_TIMESTAMP_OLD"),
            (10000, "RDS_INFO_COUNTERS"),
            (10001, "RDS_INFO_CONNECTIONS"),
            (10002, "RDS_INFO_FLOWS"),
            (10003, "RDS_INFO_SEND_MESSAGES"),
            (10004, "RDS_INFO_RETRANS_MESSAGES"),
            (10005, "RDS_INFO_RECV_MESSAGES"),
            (10006, "RDS_INFO_SOCKETS"),
            (10007, "RDS_INFO_TCP_SOCKETS"),
            (10008, "RDS_INFO_IB_CONNECTIONS"),
            (10009, "RDS_INFO_CONNECTION_STATS"),
            (10010, "RDS_INFO_IWARP_CONNECTIONS"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// TIPC (include/uapi/linux/tipc.h).
pub static TIPC: Options = Options {
    level: 271,
    short: "tipc",
    shown: true,
    names: &Table {
        unknown: "TIPC_???",
        rows: &[
            (127, "TIPC_IMPORTANCE"),
            (128, "TIPC_SRC_DROPPABLE"),
            (129, "TIPC_DEST_DROPPABLE"),
            (130, "TIPC_CONN_TIMEOUT"),
            (131, "TIPC_NODE_RECVQ_DEPTH"),
            (132, "TIPC_SOCK_RECVQ_DEPTH"),
            (133, "TIPC_MCAST_BROADCAST"),
            (134, "TIPC_MCAST_REPLICAST"),
            (135, "TIPC_GROUP_JOIN"),
            (136, "TIPC_GROUP_LEAVE"),
            (137, "TIPC_SOCK_RECVQ_USED"),
            (138, "TIPC_NODELAY"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// RxRPC (include/uapi/linux/rxrpc.h).
pub static RXRPC: Options = Options {
    level: 272,
    short: "rxrpc",
    shown: true,
    names: &Table {
        unknown: "RXRPC_???",
        rows: &[
            (1, "RXRPC_SECURITY_KEY"),
            (2, "RXRPC_SECURITY_KEYRING"),
            (3, "RXRPC_EXCLUSIVE_CONNECTION"),
            (4, "RXRPC_MIN_SECURITY_LEVEL"),
            (5, "RXRPC_UPGRADEABLE_SERVICE"),
            (6, "RXRPC_SUPPORTED_CMSG"),
            (7, "RXRPC_MANAGE_RESPONSE"),
        ],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};

/// IUCV (include/net/iucv/af_iucv.h).
pub static IUCV: Options = Options {
    level: 277,
    short: "iucv",
    shown: true,
    names: &Table {
        unknown: "SO_???",
        rows: &[(128, "SO_IPRMDATA_MSG"), (2048, "SO_MSGSIZE"), (4096, "SO_MSGLIMIT")],
    },
    get: &NONE,
    set: &NONE,
    also: &NONE,
};
