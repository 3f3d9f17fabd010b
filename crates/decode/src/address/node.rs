//! Addresses of machines beside this one: AF_VSOCK (vsock(7)), AF_QIPCRTR (include/uapi/linux/qrtr.h), AF_MCTP
//! (include/uapi/linux/mctp.h), AF_TIPC (include/uapi/linux/tipc.h).

use super::bytes::Bytes;
use crate::tables::Table;
use crate::tables::addresses::{
    MCTP_ENDPOINTS, MCTP_NETWORKS, QRTR_NODES, QRTR_PORTS, TIPC_SCOPES, TIPC_TYPES, VSOCK_CIDS, VSOCK_FLAGS,
    VSOCK_PORTS,
};
use crate::{Field, Value, field};

fn symbol(table: &'static Table, number: impl Into<u64>) -> Value {
    Value::Symbol(table, number.into())
}

/// An address between a host and its virtual machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vsock {
    /// The machine, a context identifier: `VMADDR_CID_HOST` is 2, `VMADDR_CID_ANY` is [`u32::MAX`].
    pub cid: u32,
    /// The port; `VMADDR_PORT_ANY` is [`u32::MAX`].
    pub port: u32,
    /// `VMADDR_FLAG_*`.
    pub flags: u8,
    reserved: u16,
    zero: [u8; 3],
}

impl Vsock {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Vsock> {
        (bytes.len() >= 16).then(|| Vsock {
            cid: bytes.u32(8),
            port: bytes.u32(4),
            flags: bytes.u8(12),
            reserved: bytes.u16(2),
            zero: bytes.array(13),
        })
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![];
        if self.reserved != 0 {
            fields.push(field("svm_reserved1", Value::Hex(self.reserved.into())));
        }
        fields.extend([
            field("svm_cid", symbol(&VSOCK_CIDS, self.cid)),
            field("svm_port", symbol(&VSOCK_PORTS, self.port)),
            field("svm_flags", Value::Flags(&VSOCK_FLAGS, self.flags.into())),
        ]);
        if self.zero != [0; 3] {
            fields.push(field("svm_zero", Value::hex_bytes(self.zero)));
        }
        fields
    }
}

/// An address of Qualcomm's router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qrtr {
    /// The node.
    pub node: u32,
    /// The port.
    pub port: u32,
}

impl Qrtr {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Qrtr> {
        (bytes.len() >= 12).then(|| Qrtr { node: bytes.u32(4), port: bytes.u32(8) })
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        vec![
            field("sq_node", symbol(&QRTR_NODES, self.node)),
            field("sq_port", symbol(&QRTR_PORTS, self.port)),
        ]
    }
}

/// An address of a management component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mctp {
    /// The network.
    pub network: u32,
    /// The endpoint.
    pub endpoint: u8,
    /// The type of message.
    pub message_type: u8,
    /// The tag, and who owns it.
    pub tag: u8,
    pads: (u16, u8),
}

impl Mctp {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Mctp> {
        (bytes.len() >= 12).then(|| Mctp {
            network: bytes.u32(4),
            endpoint: bytes.u8(8),
            message_type: bytes.u8(9),
            tag: bytes.u8(10),
            pads: (bytes.u16(2), bytes.u8(11)),
        })
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let endpoint = field("s_addr", symbol(&MCTP_ENDPOINTS, self.endpoint));
        let mut fields = vec![];
        if self.pads.0 != 0 {
            fields.push(field("__smctp_pad0", Value::Hex(self.pads.0.into())));
        }
        fields.extend([
            field("smctp_network", symbol(&MCTP_NETWORKS, self.network)),
            field("smctp_addr", Value::Struct(vec![endpoint])),
            field("smctp_type", Value::Hex(self.message_type.into())),
            field("smctp_tag", Value::Hex(self.tag.into())),
        ]);
        if self.pads.1 != 0 {
            fields.push(field("__smctp_pad1", Value::Hex(self.pads.1.into())));
        }
        fields
    }
}

/// An address of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tipc {
    /// How far a name is told: `TIPC_*_SCOPE`, negated to take it back.
    pub scope: i8,
    /// Whose address it is.
    pub target: TipcTarget,
}

/// Whose address a cluster's is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TipcTarget {
    /// A range of services.
    Services {
        /// The type.
        service: u32,
        /// The first of its instances.
        lower: u32,
        /// The last.
        upper: u32,
    },
    /// A service.
    Service {
        /// The type.
        service: u32,
        /// Its instance.
        instance: u32,
        /// Where it is looked up.
        domain: u32,
    },
    /// A socket.
    Socket {
        /// The socket's number.
        port: u32,
        /// Its node.
        node: u32,
    },
    /// A type that is not known, and what stands there.
    Other(u8, [u8; 12]),
}

impl Tipc {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Tipc> {
        let [first, second, third] = [4, 8, 12].map(|at| bytes.u32(at));
        let target = match bytes.u8(2) {
            1 => TipcTarget::Services { service: first, lower: second, upper: third },
            2 => TipcTarget::Service { service: first, instance: second, domain: third },
            3 => TipcTarget::Socket { port: first, node: second },
            other => TipcTarget::Other(other, bytes.array(4)),
        };
        (bytes.len() >= 16).then(|| Tipc { scope: bytes.u8(3) as i8, target })
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let number = |name, number: u32| field(name, Value::Uint(number.into()));
        let hex = |name, number: u32| field(name, Value::Hex(number.into()));
        let one = |name, fields| Value::Struct(vec![field(name, Value::Struct(fields))]);
        let (kind, address) = match self.target {
            TipcTarget::Services { service, lower, upper } => {
                let range = vec![number("type", service), number("lower", lower), number("upper", upper)];
                (1, one("nameseq", range))
            }
            TipcTarget::Service { service, instance, domain } => {
                let name = Value::Struct(vec![number("type", service), number("instance", instance)]);
                (2, one("name", vec![field("name", name), hex("domain", domain)]))
            }
            TipcTarget::Socket { port, node } => (3, one("id", vec![number("ref", port), hex("node", node)])),
            TipcTarget::Other(other, bytes) => (other, Value::bytes(bytes)),
        };
        let scope = match self.scope {
            scope @ 0.. => symbol(&TIPC_SCOPES, scope as u8),
            // There is no 128, so -128 stays what it is, and strace shows it with the sign's bits.
            scope => Value::Negative(Box::new(symbol(&TIPC_SCOPES, i32::from(scope.wrapping_neg()) as u32))),
        };
        vec![field("addrtype", symbol(&TIPC_TYPES, kind)), field("scope", scope), field("addr", address)]
    }
}
