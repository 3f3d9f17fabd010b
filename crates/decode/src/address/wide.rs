//! Addresses of networks of old: AF_AX25 (include/uapi/linux/ax25.h), AF_IPX, AF_X25 (include/uapi/linux/x25.h).

use super::bytes::Bytes;
use crate::{Context, End, Field, Value, field};

/// An amateur radio address. Call signs are six letters, each shifted to the left by one, and a station's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ax25 {
    /// The station's call sign.
    pub call: [u8; 7],
    /// How many digipeaters it is said to have.
    pub count: i32,
    /// The digipeaters that stand there, eight at most.
    pub digipeaters: Vec<[u8; 7]>,
    /// Whether anything stands behind them.
    more: bool,
}

impl Ax25 {
    /// Bytes of `struct sockaddr_ax25`, without digipeaters.
    const SHORTEST: usize = 16;
    const CALL: usize = 7;
    const MOST: usize = 8;

    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Ax25> {
        let (digipeaters, rest) = bytes.from(Ax25::SHORTEST).as_chunks();
        let whole = &digipeaters[..digipeaters.len().min(Ax25::MOST)];
        (bytes.len() >= Ax25::SHORTEST).then(|| Ax25 {
            call: bytes.array(2),
            count: bytes.i32(12),
            digipeaters: whole.into(),
            more: !rest.is_empty() || digipeaters.len() > Ax25::MOST,
        })
    }

    pub(super) fn fields(&self, context: &Context<'_>) -> Vec<Field> {
        let short =
            vec![field("sax25_call", call(&self.call)), field("sax25_ndigis", Value::Int(self.count.into()))];
        if self.count == 0 && self.digipeaters.is_empty() && !self.more {
            return short;
        }
        let mut fields = vec![field("fsa_ax25", Value::Struct(short))];
        let wanted = usize::try_from(self.count).unwrap_or(0).min(Ax25::MOST);
        if wanted > 0 {
            let limits = context.limits;
            let most = if limits.verbose { wanted } else { wanted.min(limits.elements) };
            let items = self.digipeaters.iter().take(most).map(call).collect::<Vec<_>>();
            let end = if items.len() < wanted { End::Abbreviated } else { End::Complete };
            fields.push(field("fsa_digipeater", Value::Array { items, end }));
        }
        if self.more {
            fields.push(field("", Value::Word("...")));
        }
        fields
    }
}

/// A call sign. One that no station can have is shown with its bytes, and alone they are shown if it can't be printed.
fn call(bytes: &[u8; Ax25::CALL]) -> Value {
    let raw = Value::Struct(vec![field("ax25_call", Value::hex_bytes(*bytes))]);
    let [letters @ .., last] = bytes;
    let letters: [u8; 6] = letters.map(|letter| letter >> 1);
    if letters.iter().any(|letter| !(b' '..=b'~').contains(letter) || b"*/".contains(letter)) {
        return raw;
    }
    let length = letters.iter().rposition(|letter| *letter != b' ').map_or(0, |last| last + 1);
    let sign: String = letters[..length].iter().map(|letter| char::from(*letter)).collect();
    let station = last >> 1 & 0xf;
    let name = if sign.is_empty() && station == 0 { "*".into() } else { format!("{sign}-{station}") };
    let letter_is_sane = |letter: &u8| letter.is_ascii_digit() || letter.is_ascii_uppercase();
    let sane = bytes[..6].iter().all(|byte| byte & 1 == 0)
        && letters[..length].iter().all(letter_is_sane)
        && last & !0x1e == 0
        && (length > 0 || *last == 0);
    if sane { Value::named(raw, Value::Bare(name)) } else { Value::Commented(Box::new(raw), name) }
}

/// An address of Novell's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipx {
    /// The port.
    pub port: u16,
    /// The network.
    pub network: u32,
    /// The node's hardware address.
    pub node: [u8; 6],
    /// The type of packet.
    pub packet_type: u8,
    zero: u8,
}

impl Ipx {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Ipx> {
        (bytes.len() >= 16).then(|| Ipx {
            port: bytes.net16(2),
            network: u32::from_be(bytes.u32(4)),
            node: bytes.array(8),
            packet_type: bytes.u8(14),
            zero: bytes.u8(15),
        })
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let node = self.node.iter().map(|byte| Value::HexWide((*byte).into(), 2)).collect();
        let mut fields = vec![
            field("sipx_port", Value::port(self.port.to_be_bytes())),
            field("sipx_network", Value::Function("htonl", vec![Value::Hex(self.network.into())])),
            field("sipx_node", Value::array(node)),
            field("sipx_type", Value::HexWide(self.packet_type.into(), 2)),
        ];
        if self.zero != 0 {
            fields.push(field("sipx_zero", Value::Hex(self.zero.into())));
        }
        fields
    }
}

/// An address of a packet-switched network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct X25 {
    /// The number's digits, up to their zero byte.
    pub digits: [u8; 16],
}

impl X25 {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<X25> {
        (bytes.len() >= 18).then(|| X25 { digits: bytes.array(2) })
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let digits = field("x25_addr", Value::string(&self.digits));
        vec![field("sx25_addr", Value::Struct(vec![digits]))]
    }
}
