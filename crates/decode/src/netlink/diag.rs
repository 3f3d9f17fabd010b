//! Messages of NETLINK_SOCK_DIAG (sock_diag(7)): of internet and unix sockets.

use super::Reader;
use super::attribute::{Attributes, Kind};
use super::message::Message;
use super::span::Span;
use crate::tables::TYPES;
use crate::tables::netlink::diag as tables;
use crate::tables::protocols::INET as PROTOCOLS;
use crate::{End, Field, Value, bytes, field};

/// What names a connection; its addresses are of the message's family.
const CONNECTION: &[(&str, Kind)] = &[
    ("idiag_sport", Kind::Port),
    ("idiag_dport", Kind::Port),
    ("idiag_src", Kind::AddressField),
    ("idiag_dst", Kind::AddressField),
    ("idiag_if", Kind::Interface),
    ("idiag_cookie", Kind::Pair),
];

static INET_QUESTION: Message = Message {
    family: "sdiag_family",
    fields: &[
        ("sdiag_protocol", Kind::Symbol(&PROTOCOLS, 1)),
        ("idiag_ext", Kind::Flags(&tables::INET_SETS, 1)),
        ("", Kind::Skip(1)),
        ("idiag_states", Kind::Flags(&tables::STATE_SETS, 4)),
        ("id", Kind::Structure(CONNECTION)),
    ],
    size: 56,
    attributes: Some(&Attributes {
        names: &tables::INET_REQUEST,
        kinds: &[(3, Kind::Symbol(&PROTOCOLS, 0))],
    }),
};

static INET: Message = Message {
    family: "idiag_family",
    fields: &[
        ("idiag_state", Kind::Symbol(&tables::STATES, 1)),
        ("idiag_timer", Kind::Unsigned(1)),
        ("idiag_retrans", Kind::Unsigned(1)),
        ("id", Kind::Structure(CONNECTION)),
        ("idiag_expires", Kind::Unsigned(4)),
        ("idiag_rqueue", Kind::Unsigned(4)),
        ("idiag_wqueue", Kind::Unsigned(4)),
        ("idiag_uid", Kind::User),
        ("idiag_inode", Kind::Unsigned(4)),
    ],
    size: 72,
    attributes: Some(&Attributes {
        names: &tables::INET,
        kinds: &[
            (1, Kind::Structure(MEMORY)),
            (3, Kind::Structure(VEGAS)),
            (4, Kind::Text),
            (5, Kind::Unsigned(1)),
            (6, Kind::Unsigned(1)),
            (7, Kind::Places(&tables::MEMORY, 4, false)),
            (8, Kind::Other(halves)),
            (10, Kind::Symbol(&PROTOCOLS, 0)),
            (11, Kind::Unsigned(1)),
            (15, Kind::Unsigned(4)),
            (17, Kind::Unsigned(4)),
            (21, Kind::Unsigned(8)),
            (22, Kind::Other(options)),
        ],
    }),
};

/// `struct inet_diag_meminfo`.
const MEMORY: &[(&str, Kind)] = &[
    ("idiag_rmem", Kind::Unsigned(4)),
    ("idiag_wmem", Kind::Unsigned(4)),
    ("idiag_fmem", Kind::Unsigned(4)),
    ("idiag_tmem", Kind::Unsigned(4)),
];

/// `struct tcpvegas_info`.
const VEGAS: &[(&str, Kind)] = &[
    ("tcpv_enabled", Kind::Unsigned(4)),
    ("tcpv_rttcnt", Kind::Unsigned(4)),
    ("tcpv_rtt", Kind::Unsigned(4)),
    ("tcpv_minrtt", Kind::Unsigned(4)),
];

static UNIX_QUESTION: Message = Message {
    family: "sdiag_family",
    fields: &[
        ("sdiag_protocol", Kind::Unsigned(1)),
        ("", Kind::Skip(2)),
        ("udiag_states", Kind::Flags(&tables::STATE_SETS, 4)),
        ("udiag_ino", Kind::Unsigned(4)),
        ("udiag_show", Kind::Flags(&tables::UNIX_SETS, 4)),
        ("udiag_cookie", Kind::Pair),
    ],
    size: 24,
    attributes: None,
};

static UNIX: Message = Message {
    family: "udiag_family",
    fields: &[
        ("udiag_type", Kind::Symbol(&TYPES, 1)),
        ("udiag_state", Kind::Symbol(&tables::STATES, 1)),
        ("", Kind::Skip(1)),
        ("udiag_ino", Kind::Unsigned(4)),
        ("udiag_cookie", Kind::Pair),
    ],
    size: 16,
    attributes: Some(&Attributes {
        names: &tables::UNIX,
        kinds: &[
            (0, Kind::Text),
            (1, Kind::Other(file)),
            (2, Kind::Unsigned(4)),
            (3, Kind::Other(waiting)),
            (4, Kind::Structure(QUEUES)),
            (5, Kind::Places(&tables::MEMORY, 4, false)),
            (6, Kind::Unsigned(1)),
            (7, Kind::User),
        ],
    }),
};

/// `struct unix_diag_rqlen`.
const QUEUES: &[(&str, Kind)] = &[("udiag_rqueue", Kind::Unsigned(4)), ("udiag_wqueue", Kind::Unsigned(4))];

/// Which half of a connection is closed.
fn halves(_: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    if data.length == 0 || data.length > 8 {
        return None;
    }
    let byte = data.bytes(0, 1).map(|byte| u64::from(byte[0]));
    Some(byte.map_or(Value::Pointer(data.address), |byte| match byte {
        0 => Value::Uint(0),
        byte => Value::explained(Value::Flags(&tables::HALVES, byte)),
    }))
}

/// `struct inet_diag_sockopt`: options that are on or off, one bit each; those that are on.
fn options(_: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    const BITS: [&str; 11] = [
        "recverr",
        "is_icsk",
        "freebind",
        "hdrincl",
        "mc_loop",
        "transparent",
        "mc_all",
        "nodefrag",
        "bind_address_no_port",
        "recverr_rfc4884",
        "defer_connect",
    ];
    if data.length != 2 {
        return None;
    }
    let Some(bits) = data.bytes(0, 2).map(|bytes| bytes::u16(&bytes, 0)) else {
        return Some(Value::Pointer(data.address));
    };
    let all = data.context.limits.verbose;
    let mut fields: Vec<Field> = BITS
        .iter()
        .enumerate()
        .map(|(at, name)| (name, bits >> at & 1))
        .filter(|(_, bit)| all || *bit != 0)
        .map(|(name, bit)| field(name, Value::Uint(bit.into())))
        .collect();
    let unused = bits >> BITS.len();
    if all || unused != 0 {
        let unused = Value::Hex(unused.into());
        fields.push(field("unused", Value::Commented(Box::new(unused), "bits 3..8".to_owned())));
    }
    Some(Value::Struct(fields))
}

/// `struct unix_diag_vfs`: the file of a socket, by device and inode.
fn file(_: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    if data.length < 8 {
        return None;
    }
    let Some(data) = data.bytes(0, 8) else { return Some(Value::Pointer(data.address)) };
    let device = bytes::u32(&data, 4);
    let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xf_ff00);
    let device = Value::named(
        Value::Hex(device.into()),
        Value::Function("makedev", vec![Value::Hex(major.into()), Value::Hex(minor.into())]),
    );
    Some(Value::Struct(vec![
        field("udiag_vfs_dev", device),
        field("udiag_vfs_ino", Value::Uint(bytes::u32(&data, 0).into())),
    ]))
}

/// Inodes of connections that wait to be accepted.
fn waiting(reader: &Reader<'_>, data: &Span<'_>) -> Option<Value> {
    let count = (data.length / 4) as usize;
    let shown = count.min(reader.most()).min(reader.budget.left() / 8);
    if count == 0 {
        return None;
    }
    reader.budget.take(8 * shown);
    let Some(bytes) = data.bytes(0, 4 * shown) else { return Some(Value::Pointer(data.address)) };
    let items = bytes.as_chunks().0.iter().map(|inode| Value::Uint(u32::from_le_bytes(*inode).into()));
    let end = if count > shown { End::Abbreviated } else { End::Complete };
    Some(Value::Array { items: items.collect(), end })
}

impl Reader<'_> {
    /// What is in a message about a socket: a question, or an answer.
    pub(super) fn diag(&self, data: Span<'_>, question: bool) -> Vec<Value> {
        const AF_UNIX: u8 = 1;
        const AF_INET: u8 = 2;
        const AF_INET6: u8 = 10;
        let Some(family) = data.bytes(0, 1).map(|byte| byte[0]) else {
            return vec![Value::Pointer(data.address)];
        };
        let message = match (family, question) {
            _ if data.length == 1 => None,
            (AF_INET | AF_INET6, true) => Some(&INET_QUESTION),
            (AF_INET | AF_INET6, false) => Some(&INET),
            (AF_UNIX, true) => Some(&UNIX_QUESTION),
            (AF_UNIX, false) => Some(&UNIX),
            _ => None,
        };
        self.structured(data, family, message)
    }
}
