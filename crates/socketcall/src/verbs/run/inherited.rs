//! What a program that is held to rules has before it starts: sockets that were made elsewhere, and rights that the rules
//! can't take away.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::RawFd;

use anyhow::{Context, Result};
use policy::{Compiled, Inherit};

/// Says which sockets the program inherits; closes them where they are denied, and puts /dev/null in the place of standard
/// ones.
///
/// # Errors
/// Where they are denied, /proc can't be read.
pub fn sockets(inherit: Inherit) -> Result<()> {
    let entries = match fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries,
        Err(error) if inherit == Inherit::Deny => {
            return Err(error)
                .context("inherited sockets are closed by /proc/self/fd, which can't be read: mount /proc");
        }
        Err(_) => {
            say("without /proc nobody knows which sockets the program inherits");
            return Ok(());
        }
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let link = fs::read_link(entry.path()).unwrap_or_default();
        if let Some(fd) = entry.file_name().to_str().and_then(|fd| fd.parse::<RawFd>().ok())
            && link.to_str().is_some_and(|link| link.starts_with("socket:"))
        {
            found.push(fd);
        }
    }
    found.sort_unstable();
    for fd in found {
        let done = match inherit {
            Inherit::Allow => "inherited, and made outside of the rules",
            Inherit::Deny => {
                close(fd)?;
                "inherited, and closed"
            }
        };
        say(&format!("descriptor {fd} is a socket, {done}"));
    }
    Ok(())
}

/// Closes a descriptor; the next file that is opened must not become a standard one.
fn close(fd: RawFd) -> Result<()> {
    if fd > 2 {
        return Ok(nix::unistd::close(fd)?);
    }
    let null = File::options().read(true).write(true).open("/dev/null").context("/dev/null")?;
    match fd {
        0 => nix::unistd::dup2_stdin(&null)?,
        1 => nix::unistd::dup2_stdout(&null)?,
        _ => nix::unistd::dup2_stderr(&null)?,
    }
    Ok(())
}

/// Rights with which a program can get around any rules, by their bits in CapEff (capabilities(7)).
const RIGHTS: [(u32, &str); 2] = [(19, "CAP_SYS_PTRACE"), (21, "CAP_SYS_ADMIN")];

/// Says what the rules can't hold against.
///
/// # Errors
/// A filter kills for asking.
pub fn warn(policy: &Compiled) -> Result<()> {
    if supervise::landlock_version()? == 0 {
        say(
            "this kernel has no Landlock: by ptrace(2) and its kin the program can use processes outside of the rules \
             that run as its user",
        );
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0);
    let held: Vec<_> =
        RIGHTS.iter().filter(|(bit, _)| effective & 1 << bit != 0).map(|(_, name)| *name).collect();
    if policy.needs_memory() && !held.is_empty() {
        say(&format!(
            "the program has {}, with which it can get around rules: start it as a user without (setpriv(1))",
            held.join(" and ")
        ));
    }
    Ok(())
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "socketcall: {line}");
}
