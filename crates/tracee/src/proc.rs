//! /proc, where it is the caller's.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::Tid;

/// The file `name` of a thread's directory in /proc. None if /proc is not there, or belongs to another pid
/// namespace (unshare(1) without a new mount of it): the same number names somebody else there.
#[must_use]
pub fn proc_file(tid: Tid, name: &str) -> Option<PathBuf> {
    static OURS: OnceLock<bool> = OnceLock::new();
    let ours = *OURS.get_or_init(|| {
        let own = fs::read_link("/proc/self");
        own.is_ok_and(|own| own.to_str() == Some(&std::process::id().to_string()))
    });
    ours.then(|| format!("/proc/{tid}/{name}").into())
}

/// The fields of proc_pid_stat(5) from the third on. (The second is the program's name in parentheses, and may
/// hold anything.)
#[must_use]
pub fn proc_stat(tid: Tid) -> Option<Vec<String>> {
    let stat = fs::read_to_string(proc_file(tid, "stat")?).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_ascii_whitespace().map(str::to_owned).collect())
}

/// Whether a thread has ended. Of a process's first thread something stays until the others have ended too, and until its
/// parent has asked for its status: a zombie. Where there is no /proc nobody knows.
#[must_use]
pub fn has_ended(tid: Tid) -> bool {
    proc_file(tid, "stat").is_some()
        && proc_stat(tid).is_none_or(|stat| stat.first().is_none_or(|state| state == "Z" || state == "X"))
}

/// The value of a line of proc_pid_status(5), `name` with its colon.
#[must_use]
pub fn proc_status(tid: Tid, name: &str) -> Option<String> {
    let status = fs::read_to_string(proc_file(tid, "status")?).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
}
