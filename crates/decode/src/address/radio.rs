//! Addresses of radio networks: AF_IEEE802154 (include/net/af_ieee802154.h) and AF_NFC (include/uapi/linux/nfc.h).

use super::bytes::Bytes;
use crate::tables::Table;
use crate::tables::addresses::{
    IEEE802154_ADDRESSES, IEEE802154_NETWORKS, IEEE802154_TYPES, NFC_PROTOCOLS, NFC_SERVICES,
};
use crate::{Context, Field, Value, field};

fn explained(table: &'static Table, number: impl Into<u64>) -> Value {
    Value::explained(Value::Symbol(table, number.into()))
}

/// An address of a low-rate network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ieee802154 {
    /// The type, `IEEE802154_ADDR_*`.
    pub address_type: u32,
    /// The network.
    pub network: u16,
    /// The address: all eight bytes, or two that are a number, or none, as the type says.
    pub address: [u8; 8],
}

impl Ieee802154 {
    const NONE: u32 = 0;
    const SHORT: u32 = 2;

    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Ieee802154> {
        (bytes.len() >= 20).then(|| Ieee802154 {
            address_type: bytes.u32(4),
            network: bytes.u16(8),
            address: bytes.array(10),
        })
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            field("addr_type", explained(&IEEE802154_TYPES, self.address_type)),
            field("pan_id", explained(&IEEE802154_NETWORKS, self.network)),
        ];
        match self.address_type {
            Ieee802154::NONE => {}
            Ieee802154::SHORT => {
                let short = Bytes(&self.address).u16(0);
                fields.push(field("short_addr", explained(&IEEE802154_ADDRESSES, short)));
            }
            _ => fields.push(field("hwaddr", Value::hardware(&self.address))),
        }
        vec![field("addr", Value::Struct(fields))]
    }
}

/// An address of a near field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nfc {
    /// The device's index.
    pub device: u32,
    /// The target's index.
    pub target: u32,
    /// The protocol, `NFC_PROTO_*`.
    pub protocol: u32,
    /// What stands behind: of a logical link its service, in the layout of the program's `size_t`.
    link: Vec<u8>,
}

impl Nfc {
    /// Bytes of `struct sockaddr_nfc`.
    const SHORTEST: usize = 16;
    /// Bytes of a service's name, behind the two access points.
    const NAME: usize = 63;

    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Nfc> {
        (bytes.len() >= Nfc::SHORTEST).then(|| Nfc {
            device: bytes.u32(4),
            target: bytes.u32(8),
            protocol: bytes.u32(12),
            link: bytes.from(Nfc::SHORTEST).into(),
        })
    }

    pub(super) fn fields(&self, context: &Context<'_>) -> Vec<Field> {
        let mut fields = vec![
            field("dev_idx", Value::interface(context, self.device)),
            field("target_idx", Value::Hex(self.target.into())),
            field("nfc_protocol", Value::Symbol(&NFC_PROTOCOLS, self.protocol.into())),
        ];
        let link = Bytes(&self.link);
        let word = context.abi.word();
        let length_at = (2 + Nfc::NAME).next_multiple_of(word);
        if link.len() < length_at + word {
            if link.len() > 0 {
                fields.push(field("", Value::Word("...")));
            }
            return fields;
        }
        let length =
            if word == 8 { u64::from_le_bytes(link.array(length_at)) } else { link.u32(length_at).into() };
        let shown = usize::try_from(length).unwrap_or(Nfc::NAME).min(Nfc::NAME);
        fields.extend([
            field("dsap", explained(&NFC_SERVICES, link.u8(0))),
            field("ssap", explained(&NFC_SERVICES, link.u8(1))),
            field("service_name", Value::bytes(link.range(2, 2 + shown))),
            field("service_name_len", Value::Uint(length)),
        ]);
        fields
    }
}
