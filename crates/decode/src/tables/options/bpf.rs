//! Classic BPF (include/uapi/linux/bpf_common.h and filter.h).
//!
//! Some codes have names that only eBPF gives a meaning to (include/uapi/linux/bpf.h): strace shows those too.

use super::Table;

/// Classes of instructions.
pub static BPF_CLASSES: Table = Table {
    unknown: "BPF_???",
    rows: &[
        (0, "BPF_LD"),
        (1, "BPF_LDX"),
        (2, "BPF_ST"),
        (3, "BPF_STX"),
        (4, "BPF_ALU"),
        (5, "BPF_JMP"),
        (6, "BPF_RET"),
        (7, "BPF_MISC"),
    ],
};

/// How much is loaded.
pub static BPF_SIZES: Table =
    Table { unknown: "BPF_???", rows: &[(0, "BPF_W"), (0x8, "BPF_H"), (0x10, "BPF_B"), (0x18, "BPF_DW")] };

/// Where it is loaded from.
pub static BPF_MODES: Table = Table {
    unknown: "BPF_???",
    rows: &[
        (0, "BPF_IMM"),
        (0x20, "BPF_ABS"),
        (0x40, "BPF_IND"),
        (0x60, "BPF_MEM"),
        (0x80, "BPF_LEN"),
        (0xa0, "BPF_MSH"),
        (0xc0, "BPF_XADD"),
    ],
};

/// Second operands.
pub static BPF_SOURCES: Table = Table { unknown: "BPF_???", rows: &[(0, "BPF_K"), (0x8, "BPF_X")] };

/// Arithmetic.
pub static BPF_ARITHMETIC: Table = Table {
    unknown: "BPF_???",
    rows: &[
        (0, "BPF_ADD"),
        (0x10, "BPF_SUB"),
        (0x20, "BPF_MUL"),
        (0x30, "BPF_DIV"),
        (0x40, "BPF_OR"),
        (0x50, "BPF_AND"),
        (0x60, "BPF_LSH"),
        (0x70, "BPF_RSH"),
        (0x80, "BPF_NEG"),
        (0x90, "BPF_MOD"),
        (0xa0, "BPF_XOR"),
        (0xb0, "BPF_MOV"),
        (0xc0, "BPF_ARSH"),
        (0xd0, "BPF_END"),
    ],
};

/// Jumps.
pub static BPF_JUMPS: Table = Table {
    unknown: "BPF_???",
    rows: &[
        (0, "BPF_JA"),
        (0x10, "BPF_JEQ"),
        (0x20, "BPF_JGT"),
        (0x30, "BPF_JGE"),
        (0x40, "BPF_JSET"),
        (0x50, "BPF_JNE"),
        (0x60, "BPF_JSGT"),
        (0x70, "BPF_JSGE"),
        (0x80, "BPF_CALL"),
        (0x90, "BPF_EXIT"),
        (0xa0, "BPF_JLT"),
        (0xb0, "BPF_JLE"),
        (0xc0, "BPF_JSLT"),
        (0xd0, "BPF_JSLE"),
        (0xe0, "BPF_JCOND"),
    ],
};

/// What is returned.
pub static BPF_RESULTS: Table =
    Table { unknown: "BPF_???", rows: &[(0, "BPF_K"), (0x8, "BPF_X"), (0x10, "BPF_A")] };

/// Moves between the registers.
pub static BPF_MOVES: Table = Table { unknown: "BPF_???", rows: &[(0, "BPF_TAX"), (0x80, "BPF_TXA")] };

/// What a socket's filter can ask besides the frame's bytes, from SKF_AD_OFF on.
pub static BPF_ANCILLARY: Table = Table {
    unknown: "SKF_AD_???",
    rows: &[
        (0, "SKF_AD_PROTOCOL"),
        (4, "SKF_AD_PKTTYPE"),
        (8, "SKF_AD_IFINDEX"),
        (12, "SKF_AD_NLATTR"),
        (16, "SKF_AD_NLATTR_NEST"),
        (20, "SKF_AD_MARK"),
        (24, "SKF_AD_QUEUE"),
        (28, "SKF_AD_HATYPE"),
        (32, "SKF_AD_RXHASH"),
        (36, "SKF_AD_CPU"),
        (40, "SKF_AD_ALU_XOR_X"),
        (44, "SKF_AD_VLAN_TAG"),
        (48, "SKF_AD_VLAN_TAG_PRESENT"),
        (52, "SKF_AD_PAY_OFFSET"),
        (56, "SKF_AD_RANDOM"),
        (60, "SKF_AD_VLAN_TPID"),
    ],
};

/// Where a socket's filter finds more than the frame: from the first number on, what is asked of the kernel, the network
/// header, the link's header.
pub static BPF_OFFSETS: Table = Table {
    unknown: "",
    rows: &[(0xffff_f000, "SKF_AD_OFF"), (0xfff0_0000, "SKF_NET_OFF"), (0xffe0_0000, "SKF_LL_OFF")],
};
