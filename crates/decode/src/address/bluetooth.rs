//! AF_BLUETOOTH (include/net/bluetooth/).

use super::bytes::Bytes;
use crate::tables::Table;
use crate::tables::addresses::{BLUETOOTH_TYPES, HCI_CHANNELS, L2CAP_CHANNELS, L2CAP_SERVICES};
use crate::{Field, Value, field};

/// A bluetooth address. Which of its shapes it has is up to the socket's protocol, which the address doesn't tell; its
/// length does, where a program gives exactly the bytes of one.
///
/// Device addresses are as they lie in memory, the last byte first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bluetooth {
    /// The host's controller.
    Hci {
        /// The controller's number.
        device: u16,
        /// `HCI_CHANNEL_*`; old programs have none.
        channel: Option<u16>,
    },
    /// A synchronous connection.
    Sco {
        /// The device.
        device: [u8; 6],
    },
    /// A serial line.
    Rfcomm {
        /// The device.
        device: [u8; 6],
        /// The line.
        channel: u8,
    },
    /// Logical links.
    L2cap {
        /// The protocol service multiplexer.
        service: u16,
        /// The device.
        device: [u8; 6],
        /// The channel.
        channel: u16,
        /// `BDADDR_*`; old programs have none.
        address_type: Option<u8>,
    },
}

/// Numbers that are given out as they are asked for: the first, which has a name, and the last.
type Dynamic = (u16, u16);

const DYNAMIC_SERVICES: &[Dynamic] = &[(0x80, 0xff), (0x1001, 0xffff)];
const DYNAMIC_CHANNELS: &[Dynamic] = &[(0x40, 0xffff)];

impl Bluetooth {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Bluetooth> {
        match bytes.len() {
            4 => Some(Bluetooth::Hci { device: bytes.u16(2), channel: None }),
            6 => Some(Bluetooth::Hci { device: bytes.u16(2), channel: Some(bytes.u16(4)) }),
            8 => Some(Bluetooth::Sco { device: bytes.array(2) }),
            10 => Some(Bluetooth::Rfcomm { device: bytes.array(2), channel: bytes.u8(8) }),
            length @ (12 | 14) => Some(Bluetooth::L2cap {
                service: bytes.u16(2),
                device: bytes.array(4),
                channel: bytes.u16(10),
                address_type: (length == 14).then(|| bytes.u8(12)),
            }),
            _ => None,
        }
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        match self {
            Bluetooth::Hci { device, channel } => {
                let device = Value::Function("htobs", vec![Value::Uint((*device).into())]);
                let channel = channel.map(|channel| Value::Symbol(&HCI_CHANNELS, channel.into()));
                let mut fields = vec![field("hci_dev", device)];
                fields.extend(channel.map(|channel| field("hci_channel", channel)));
                fields
            }
            Bluetooth::Sco { device } => vec![field("sco_bdaddr", Value::hardware(device))],
            Bluetooth::Rfcomm { device, channel } => vec![
                field("rc_bdaddr", Value::hardware(device)),
                field("rc_channel", Value::Uint((*channel).into())),
            ],
            Bluetooth::L2cap { service, device, channel, address_type } => {
                let mut fields = vec![
                    field("l2_psm", number(*service, &L2CAP_SERVICES, DYNAMIC_SERVICES)),
                    field("l2_bdaddr", Value::hardware(device)),
                    field("l2_cid", number(*channel, &L2CAP_CHANNELS, DYNAMIC_CHANNELS)),
                ];
                let kind = address_type.map(|kind| Value::Symbol(&BLUETOOTH_TYPES, kind.into()));
                fields.extend(kind.map(|kind| field("l2_bdaddr_type", kind)));
                fields
            }
        }
    }
}

/// A number of L2CAP's, by name or by its distance from a name.
fn number(number: u16, table: &'static Table, dynamic: &[Dynamic]) -> Value {
    let given_out = dynamic.iter().find(|(first, last)| (*first..=*last).contains(&number));
    let shown = match given_out {
        Some((first, _)) if table.name(number.into()).is_none() => {
            let distance = Value::Uint((number - first).into());
            let sum = Value::Sum(vec![Value::Symbol(table, (*first).into()), distance]);
            Value::named(Value::Hex(number.into()), sum)
        }
        _ => Value::Symbol(table, number.into()),
    };
    Value::Function("htobs", vec![shown])
}
