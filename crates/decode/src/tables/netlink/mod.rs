//! Messages of netlink sockets (include/uapi/linux/netlink.h).

pub mod audit;
pub mod bridge;
pub mod diag;
pub mod link;
pub mod others;
pub mod route;
pub mod settings;
pub mod types;

use super::Table;

/// Flags of any message.
pub static FLAGS: Table = Table {
    unknown: "NLM_F_???",
    rows: &[
        (0x1, "NLM_F_REQUEST"),
        (0x2, "NLM_F_MULTI"),
        (0x4, "NLM_F_ACK"),
        (0x8, "NLM_F_ECHO"),
        (0x10, "NLM_F_DUMP_INTR"),
        (0x20, "NLM_F_DUMP_FILTERED"),
    ],
};

/// Flags of a message that makes something.
pub static NEW_FLAGS: Table = Table {
    unknown: "NLM_F_???",
    rows: &[
        (0x1, "NLM_F_REQUEST"),
        (0x2, "NLM_F_MULTI"),
        (0x4, "NLM_F_ACK"),
        (0x8, "NLM_F_ECHO"),
        (0x10, "NLM_F_DUMP_INTR"),
        (0x20, "NLM_F_DUMP_FILTERED"),
        (0x100, "NLM_F_REPLACE"),
        (0x200, "NLM_F_EXCL"),
        (0x400, "NLM_F_CREATE"),
        (0x800, "NLM_F_APPEND"),
    ],
};

/// Flags of a message that removes something.
pub static DELETE_FLAGS: Table = Table {
    unknown: "NLM_F_???",
    rows: &[
        (0x1, "NLM_F_REQUEST"),
        (0x2, "NLM_F_MULTI"),
        (0x4, "NLM_F_ACK"),
        (0x8, "NLM_F_ECHO"),
        (0x10, "NLM_F_DUMP_INTR"),
        (0x20, "NLM_F_DUMP_FILTERED"),
        (0x100, "NLM_F_NONREC"),
        (0x200, "NLM_F_BULK"),
    ],
};

/// Flags of a message that asks for something.
pub static GET_FLAGS: Table = Table {
    unknown: "NLM_F_???",
    rows: &[
        (0x1, "NLM_F_REQUEST"),
        (0x2, "NLM_F_MULTI"),
        (0x4, "NLM_F_ACK"),
        (0x8, "NLM_F_ECHO"),
        (0x10, "NLM_F_DUMP_INTR"),
        (0x20, "NLM_F_DUMP_FILTERED"),
        (0x300, "NLM_F_DUMP"),
        (0x100, "NLM_F_ROOT"),
        (0x200, "NLM_F_MATCH"),
        (0x400, "NLM_F_ATOMIC"),
    ],
};

/// Flags of an answer.
pub static ACK_FLAGS: Table = Table {
    unknown: "NLM_F_???",
    rows: &[
        (0x1, "NLM_F_REQUEST"),
        (0x2, "NLM_F_MULTI"),
        (0x4, "NLM_F_ACK"),
        (0x8, "NLM_F_ECHO"),
        (0x10, "NLM_F_DUMP_INTR"),
        (0x20, "NLM_F_DUMP_FILTERED"),
        (0x100, "NLM_F_CAPPED"),
        (0x200, "NLM_F_ACK_TLVS"),
    ],
};

/// What is told of an error.
pub static ERROR: Table = Table {
    unknown: "NLMSGERR_ATTR_???",
    rows: &[
        (0, "NLMSGERR_ATTR_UNUSED"),
        (1, "NLMSGERR_ATTR_MSG"),
        (2, "NLMSGERR_ATTR_OFFS"),
        (3, "NLMSGERR_ATTR_COOKIE"),
        (4, "NLMSGERR_ATTR_POLICY"),
        (5, "NLMSGERR_ATTR_MISS_TYPE"),
        (6, "NLMSGERR_ATTR_MISS_NEST"),
    ],
};
