//! Socket types.

use super::Table;

/// What of socket(2)'s second argument is the type (`SOCK_TYPE_MASK`, include/linux/net.h).
pub const TYPE_MASK: u64 = 0xf;

/// Socket types (include/linux/net.h).
pub static TYPES: Table = Table {
    unknown: "SOCK_???",
    rows: &[
        (1, "SOCK_STREAM"),
        (2, "SOCK_DGRAM"),
        (3, "SOCK_RAW"),
        (4, "SOCK_RDM"),
        (5, "SOCK_SEQPACKET"),
        (6, "SOCK_DCCP"),
        (10, "SOCK_PACKET"),
    ],
};

/// What can be added to a socket's type (include/linux/net.h).
pub static TYPE_FLAGS: Table =
    Table { unknown: "SOCK_???", rows: &[(0o2000000, "SOCK_CLOEXEC"), (0o4000, "SOCK_NONBLOCK")] };

/// Flags of accept4(2).
pub static ACCEPT_FLAGS: Table = Table { unknown: "SOCK_???", rows: TYPE_FLAGS.rows };
