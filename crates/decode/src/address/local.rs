//! Addresses within the machine: of the kernel's own services. AF_NETLINK (netlink(7)) and AF_ALG
//! (include/uapi/linux/if_alg.h).

use super::bytes::Bytes;
use crate::tables::addresses::ALG_FLAGS;
use crate::{Field, Value, field};

/// A netlink socket's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Netlink {
    /// The port, often a process's number; 0 is the kernel.
    pub port: u32,
    /// The multicast groups, a bit for each.
    pub groups: u32,
    /// What stands between, and means nothing.
    pad: u16,
}

impl Netlink {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Netlink> {
        let address = || Netlink { port: bytes.u32(4), groups: bytes.u32(8), pad: bytes.u16(2) };
        (bytes.len() >= 12).then(address)
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            field("nl_pid", Value::Int((self.port as i32).into())),
            field("nl_groups", Value::HexWide(self.groups.into(), 8)),
        ];
        if self.pad != 0 {
            fields.insert(0, field("nl_pad", Value::Hex(self.pad.into())));
        }
        fields
    }
}

/// An algorithm of the kernel's crypto interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alg {
    /// The type's bytes: its name ends with a zero, and the kernel puts one at the end.
    type_name: [u8; 14],
    /// `CRYPTO_ALG_*` that it shall have.
    pub features: u32,
    /// `CRYPTO_ALG_*` that are compared.
    pub mask: u32,
    /// The name's bytes, at least one; the kernel puts a zero at the end here too.
    name: Vec<u8>,
}

impl Alg {
    /// Where the name stands. It takes the rest of the address, and one byte at least (crypto/af_alg.c,
    /// `alg_bind`).
    const NAME: usize = 24;

    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Alg> {
        (bytes.len() > Alg::NAME).then(|| Alg {
            type_name: bytes.array(2),
            features: bytes.u32(16),
            mask: bytes.u32(20),
            name: bytes.from(Alg::NAME).into(),
        })
    }

    /// The type's name, such as `hash`.
    #[must_use]
    pub fn type_name(&self) -> &[u8] {
        terminated(&self.type_name)
    }

    /// The algorithm's name, such as `sha256`.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        terminated(&self.name)
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let flags = |flags: u32| Value::explained(Value::Flags(&ALG_FLAGS, flags.into()));
        vec![
            field("salg_type", Value::string(&self.type_name)),
            field("salg_feat", flags(self.features)),
            field("salg_mask", flags(self.mask)),
            field("salg_name", Value::string(&self.name)),
        ]
    }
}

/// A string of which the last byte is taken for a zero.
fn terminated(bytes: &[u8]) -> &[u8] {
    let most = bytes.len().saturating_sub(1);
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(most);
    &bytes[..end]
}
