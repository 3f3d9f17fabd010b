//! Paths of unix sockets, with all links followed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use tracee::{Tid, proc_file};

/// `sun_family`
const FAMILY: usize = 2;
/// Bytes of `sun_path`.
const PATH: usize = 108;

/// The path in a unix address, as given: up to its zero.
fn given(address: &[u8]) -> Option<&[u8]> {
    let path = address.get(FAMILY..)?;
    let path = path.split(|byte| *byte == 0).next()?;
    (!path.is_empty()).then_some(path)
}

/// Where the path of an address leads for thread `tid`; of one that is to be made, its directory is resolved. `None` for
/// an address without a path, and one that leads nowhere. Under rules on paths no process can change its root or mounts, so
/// they are ours.
pub(super) fn resolve(tid: Tid, address: &[u8], made: bool) -> Option<Vec<u8>> {
    let path = Path::new(OsStr::from_bytes(given(address)?));
    let path: PathBuf =
        if path.is_absolute() { path.into() } else { fs::read_link(proc_file(tid, "cwd")?).ok()?.join(path) };
    let resolved = if made {
        let name = path.file_name()?;
        fs::canonicalize(path.parent()?).ok()?.join(name)
    } else {
        fs::canonicalize(path).ok()?
    };
    Some(resolved.into_os_string().into_vec())
}

/// The address with the path that was resolved: a link that is changed meanwhile then changes nothing. `None` if that has no
/// room, and is not what was given.
pub(super) fn replaced(address: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    if given(address)? == path {
        return Some(address.to_vec());
    }
    if path.len() >= PATH {
        return None;
    }
    let mut replaced = address[..FAMILY].to_vec();
    replaced.extend(path);
    replaced.push(0);
    Some(replaced)
}
