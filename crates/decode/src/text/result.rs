//! Results.

use std::fmt::Write;

use super::{Style, decimal, value};
use crate::{Note, Outcome};

/// Errors that programs never see: the call is about to be made again, or not (include/linux/errno.h).
const RESTARTS: [(i64, &str, &str); 5] = [
    (-512, "ERESTARTSYS", "To be restarted if SA_RESTART is set"),
    (-513, "ERESTARTNOINTR", "To be restarted"),
    (-514, "ERESTARTNOHAND", "To be restarted if no handler"),
    (-515, "ENOIOCTLCMD", "No ioctl command"),
    (-516, "ERESTART_RESTARTBLOCK", "Interrupted by signal"),
];

/// Appends what came of a call, as it stands behind ` = `; `None` if that was never seen.
pub fn outcome(out: &mut String, outcome: Option<&Outcome>, style: &Style) {
    let Some(outcome) = outcome else {
        out.push('?');
        return;
    };
    if let Some((_, name, what)) = RESTARTS.iter().find(|(raw, ..)| *raw == outcome.raw) {
        let _ = write!(out, "? {name} ({what})");
        return;
    }
    if let Some(error) = outcome.error() {
        let name = abi::Errno::from_raw(error).and_then(|errno| errno.name());
        let _ = match name {
            Some(name) => write!(out, "-1 {name} ({})", message(error)),
            None => write!(out, "-1 (errno {error})"),
        };
    } else if let Some(fd) = &outcome.fd {
        value(out, fd, style);
    } else {
        decimal(out, outcome.raw);
    }
    match &outcome.note {
        Some(Note::Timeout) => out.push_str(" (Timeout)"),
        Some(Note::Left(left)) => {
            out.push_str(" (left ");
            value(out, left, style);
            out.push(')');
        }
        None => {}
    }
}

/// What strerror(3) says.
fn message(error: i32) -> String {
    let text = std::io::Error::from_raw_os_error(error).to_string();
    match text.rfind(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
