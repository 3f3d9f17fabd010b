//! AF_UNIX (unix(7)).

use super::FAMILY;
use super::bytes::Bytes;
use crate::{Field, Value, field};

/// Bytes of `struct sockaddr_un`; the kernel refuses more (net/unix/af_unix.c, `unix_validate_addr`).
pub(super) const LONGEST: usize = FAMILY + 108;

/// An address of a unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unix {
    /// The family alone: bind(2) chooses an abstract name of its own, and a socket without a name has this one.
    Unnamed,
    /// A path, up to its zero byte or to the structure's end; not empty, relative to the program's working directory, and
    /// up to 108 bytes.
    Path(Vec<u8>),
    /// A name of the abstract namespace, without the zero byte that it begins with. It may hold any bytes, and be
    /// empty.
    Abstract(Vec<u8>),
}

impl Unix {
    pub(super) fn read(bytes: &Bytes<'_>) -> Option<Unix> {
        match bytes.from(FAMILY) {
            _ if bytes.len() > LONGEST => None,
            [] => Some(Unix::Unnamed),
            [0, name @ ..] => Some(Unix::Abstract(name.into())),
            path => {
                let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
                Some(Unix::Path(path[..end].into()))
            }
        }
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        match self {
            Unix::Unnamed => vec![],
            Unix::Path(path) => vec![field("sun_path", Value::bytes(path.clone()))],
            Unix::Abstract(name) => vec![field("sun_path", Value::Abstract(name.clone()))],
        }
    }
}
