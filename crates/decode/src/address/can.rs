//! AF_CAN (include/uapi/linux/can.h).

use super::bytes::Bytes;
use crate::{Context, Field, Value, field};

/// An address of a controller area network. What stands behind the interface is up to the socket's protocol, which the
/// address doesn't tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Can {
    /// The interface's index; 0 is any.
    pub interface: u32,
    /// Of CAN_ISOTP: the identifiers that are received and sent, if the address goes as far.
    pub transport: Option<(u32, u32)>,
    /// Of CAN_J1939: the name, the parameter group and the address, if the address goes as far.
    pub j1939: Option<(u64, u32, u8)>,
}

impl Can {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Can> {
        let name = || u64::from_le_bytes(bytes.array(8));
        (bytes.len() >= 8).then(|| Can {
            interface: bytes.u32(4),
            transport: (bytes.len() >= 16).then(|| (bytes.u32(8), bytes.u32(12))),
            j1939: (bytes.len() >= 21).then(|| (name(), bytes.u32(16), bytes.u8(20))),
        })
    }

    pub(super) fn fields(&self, context: &Context<'_>) -> Vec<Field> {
        let mut fields = vec![field("can_ifindex", Value::interface(context, self.interface))];
        let mut either = vec![];
        if let Some((received, sent)) = self.transport {
            let identifiers =
                vec![field("rx_id", Value::Hex(received.into())), field("tx_id", Value::Hex(sent.into()))];
            either.push(field("tp", Value::Struct(identifiers)));
        }
        if let Some((name, group, address)) = self.j1939 {
            let parts = vec![
                field("name", Value::Hex(name)),
                field("pgn", Value::Hex(group.into())),
                field("addr", Value::Hex(address.into())),
            ];
            either.push(field("j1939", Value::Struct(parts)));
        }
        if !either.is_empty() {
            fields.push(field("can_addr", Value::Struct(either)));
        }
        fields
    }
}
