//! AF_RXRPC (include/uapi/linux/rxrpc.h).

use super::bytes::Bytes;
use super::{FAMILY, Inet6, inet};
use crate::tables::addresses::RXRPC_SERVICES;
use crate::tables::{FAMILIES, TYPES};
use crate::{Context, Field, Value, field};

/// An address of remote calls, as of the Andrew file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rxrpc {
    /// The service.
    pub service: u16,
    /// The type of the transport's socket, `SOCK_*`.
    pub transport_type: u16,
    /// How long the transport's address is said to be.
    pub length: u16,
    /// The transport's address, from its family on; as far as both lengths go, and at least the family.
    pub transport: Vec<u8>,
}

impl Rxrpc {
    const SHORTEST: usize = 36;
    const TRANSPORT: usize = 8;

    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Rxrpc> {
        let length = bytes.u16(6);
        let transport = usize::from(length).max(FAMILY);
        (bytes.len() >= Rxrpc::SHORTEST).then(|| Rxrpc {
            service: bytes.u16(2),
            transport_type: bytes.u16(4),
            length,
            transport: bytes.range(Rxrpc::TRANSPORT, Rxrpc::TRANSPORT + transport).into(),
        })
    }

    pub(super) fn fields(&self, context: &Context<'_>) -> Vec<Field> {
        vec![
            field("srx_service", Value::explained(Value::Symbol(&RXRPC_SERVICES, self.service.into()))),
            field("transport_type", Value::Symbol(&TYPES, self.transport_type.into())),
            field("transport_len", Value::Uint(self.length.into())),
            field("transport", self.transport(context)),
        ]
    }

    fn transport(&self, context: &Context<'_>) -> Value {
        let transport = Bytes(&self.transport);
        let family = transport.u16(0);
        let fields = match family {
            2 => inet::read(&transport).map(|address| inet::fields(&address)),
            10 => Inet6::read(&transport).map(|address| address.fields(context)),
            _ => None,
        };
        // What is no whole address is shown as it lies there.
        let fields = fields.unwrap_or_else(|| match transport.from(FAMILY) {
            [] => vec![],
            rest => vec![field("", Value::bytes(rest))],
        });
        let with_family = |name| {
            let family = field(name, Value::Symbol(&FAMILIES, family.into()));
            Value::Struct([vec![family], fields].concat())
        };
        match family {
            2 => Value::Struct(vec![field("sin", with_family("sin_family"))]),
            10 => Value::Struct(vec![field("sin6", with_family("sin6_family"))]),
            _ => with_family("family"),
        }
    }
}
