//! What a program that is held to rules has before it starts: sockets that were made elsewhere, and rights that the rules
//! can't take away.

use std::fs;
use std::io::{self, Write};
use std::os::fd::RawFd;

use policy::{Compiled, Inherit};

/// Says which sockets the program inherits; closes them where they are denied.
///
/// # Errors
/// /proc can't be read.
pub fn sockets(inherit: Inherit) -> io::Result<()> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let link = fs::read_link(entry.path()).unwrap_or_default();
        if let (Some(fd), Some(link)) =
            (entry.file_name().to_str().and_then(|fd| fd.parse::<RawFd>().ok()), link.to_str())
            && link.starts_with("socket:")
        {
            found.push(fd);
        }
    }
    found.sort_unstable();
    for fd in found {
        let done = match inherit {
            Inherit::Allow => "inherited, and made outside of the rules",
            Inherit::Deny => {
                let _ = nix::unistd::close(fd);
                "inherited, and closed"
            }
        };
        say(&format!("descriptor {fd} is a socket, {done}"));
    }
    Ok(())
}

/// Rights with which a program can get around any rules, by their bits in CapEff (capabilities(7)).
const RIGHTS: [(u32, &str); 2] = [(19, "CAP_SYS_PTRACE"), (21, "CAP_SYS_ADMIN")];

/// Says what the rules can't hold against.
pub fn warn(policy: &Compiled) {
    if supervise::landlock_version() == 0 {
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
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "socketcall: {line}");
}
