//! Descriptors that are neither sockets nor plain files.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::signals::Name;

/// What `-yy` shows of a descriptor whose link reads `path`.
pub(super) fn shown(tid: i32, fd: i32, path: String) -> String {
    if path.starts_with("anon_inode:") {
        let special = match path.as_str() {
            "anon_inode:[pidfd]" => pidfd(tid, fd),
            "anon_inode:[signalfd]" => signalfd(tid, fd),
            "anon_inode:[eventfd]" => eventfd(tid, fd),
            _ => None,
        };
        return special.unwrap_or(path);
    }
    if !path.starts_with('/') {
        return path;
    }
    device(tid, fd, &path).unwrap_or(path)
}

/// A device's kind and number: `/dev/null<char 1:3>`.
fn device(tid: i32, fd: i32, path: &str) -> Option<String> {
    let metadata = fs::metadata(format!("/proc/{tid}/fd/{fd}")).ok()?;
    let kind = metadata.file_type();
    let kind = match (kind.is_char_device(), kind.is_block_device()) {
        (true, _) => "char",
        (_, true) => "block",
        _ => return None,
    };
    let device = metadata.rdev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let mut text = format!("{path}<{kind} {major}:{minor}");
    // The other end of a master is told by its descriptor's properties.
    if (kind, major, minor) == ("char", 5, 2)
        && let Some(index) = property(tid, fd, "tty-index:")
    {
        let _ = write!(text, " @/dev/pts/{index}");
    }
    text.push('>');
    Some(text)
}

/// One line of /proc/TID/fdinfo/FD, behind its name.
fn property(tid: i32, fd: i32, name: &str) -> Option<String> {
    let properties = fs::read_to_string(format!("/proc/{tid}/fdinfo/{fd}")).ok()?;
    properties.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
}

fn pidfd(tid: i32, fd: i32) -> Option<String> {
    Some(format!("pid:{}", property(tid, fd, "Pid:")?))
}

fn signalfd(tid: i32, fd: i32) -> Option<String> {
    let mask = u64::from_str_radix(&property(tid, fd, "sigmask:")?, 16).ok()?;
    let names: Vec<_> = (1..=64)
        .filter(|signal| mask >> (signal - 1) & 1 != 0)
        .map(|signal| {
            let name = Name(signal).to_string();
            name.strip_prefix("SIG").map_or(name.clone(), str::to_owned)
        })
        .collect();
    Some(format!("signalfd:[{}]", names.join(" ")))
}

fn eventfd(tid: i32, fd: i32) -> Option<String> {
    let count = u64::from_str_radix(&property(tid, fd, "eventfd-count:")?, 16).ok()?;
    let id = property(tid, fd, "eventfd-id:")?;
    let mut text = String::from("{eventfd-count=");
    let _ = if count == 0 { write!(text, "0") } else { write!(text, "{count:#x}") };
    let _ = write!(text, ", eventfd-id={id}");
    if let Some(semaphore) = property(tid, fd, "eventfd-semaphore:") {
        let _ = write!(text, ", eventfd-semaphore={semaphore}");
    }
    text.push('}');
    Some(text)
}
