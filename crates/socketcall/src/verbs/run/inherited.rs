//! What a program that is held to rules has before it starts: sockets that were made elsewhere, and rights that the rules
//! can't take away.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::RawFd;

use anyhow::{Context, Result};
use policy::{Compiled, Inherit};

/// What makes calls of which no rule is asked, by the beginning of its link in /proc: calls that are given to an io_uring no
/// filter sees.
const OUTSIDE: [(&str, &str); 2] = [("socket:", "a socket"), ("anon_inode:[io_uring]", "an io_uring")];

/// The descriptors that the program inherits and rules can't hold, and what each is.
///
/// # Errors
/// /proc can't be read.
pub fn found() -> io::Result<Vec<(RawFd, &'static str)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")?.flatten() {
        let link = fs::read_link(entry.path()).unwrap_or_default();
        let what = OUTSIDE.iter().find(|(link_of, _)| link.to_str().is_some_and(|l| l.starts_with(link_of)));
        if let Some(fd) = entry.file_name().to_str().and_then(|fd| fd.parse::<RawFd>().ok())
            && let Some((_, what)) = what
        {
            found.push((fd, *what));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Says which sockets, and what is like them, the program inherits; closes them where they are denied, and puts /dev/null in
/// the place of standard ones.
///
/// # Errors
/// Where they are denied, /proc can't be read.
pub fn sockets(inherit: Inherit) -> Result<()> {
    let found = match found() {
        Ok(found) => found,
        Err(error) if inherit == Inherit::Deny => {
            return Err(error)
                .context("inherited sockets are closed by /proc/self/fd, which can't be read: mount /proc");
        }
        Err(_) => {
            say(WITHOUT_PROC);
            return Ok(());
        }
    };
    for (fd, what) in found {
        let done = match inherit {
            Inherit::Allow => "inherited, and made outside of the rules",
            Inherit::Deny => {
                close(fd)?;
                "inherited, and closed"
            }
        };
        say(&format!("descriptor {fd} is {what}, {done}"));
    }
    Ok(())
}

/// Said where nobody can look.
pub const WITHOUT_PROC: &str = "without /proc nobody knows which sockets the program inherits";

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
const RIGHTS: [(u32, &str); 3] = [(19, "CAP_SYS_PTRACE"), (21, "CAP_SYS_ADMIN"), (39, "CAP_BPF")];

/// What the rules can't hold against.
///
/// # Errors
/// A filter kills for asking.
pub fn not_held(policy: &Compiled) -> Result<Vec<String>> {
    let mut not_held = Vec::new();
    if supervise::landlock_version()? == 0 {
        not_held.push(
            "this kernel has no Landlock: by ptrace(2) and its kin the program can use processes outside of the rules \
             that run as its user"
                .to_owned(),
        );
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0);
    let held: Vec<_> =
        RIGHTS.iter().filter(|(bit, _)| effective & 1 << bit != 0).map(|(_, name)| *name).collect();
    if policy.needs_memory() && !held.is_empty() {
        not_held.push(format!(
            "the program has {}, with which it can get around rules: start it as a user without (setpriv(1))",
            held.join(", ")
        ));
    }
    Ok(not_held)
}

/// Says it.
///
/// # Errors
/// As of [`not_held`].
pub fn warn(policy: &Compiled) -> Result<()> {
    not_held(policy)?.iter().for_each(|line| say(line));
    Ok(())
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "socketcall: {line}");
}
