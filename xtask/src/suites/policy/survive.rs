//! What must not be lost, and what must not be won when something ends: children that nobody announces, threads that all
//! wait, a supervisor that is killed.

use std::os::unix::process::ExitStatusExt;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use nix::sys::signal::Signal;

use super::receiver::Receiver;
use super::{Add, Bits, Guests, under};
use crate::process::{Live, Running, ending};
use crate::report::Outcome;
use crate::suites::supervisor::Supervisor;
use crate::suites::{LIMIT, World, command};

pub fn cases(world: &World, guests: &Guests, add: &mut Add<'_>) {
    for bits in [Bits::SixtyFour, Bits::ThirtyTwo] {
        let title = |what: &str| format!("{what}, {} bits", bits.name());
        add(&title("children of parents that are killed"), &|| orphans(world, guests, bits));
        add(&title("two hundred threads wait"), &|| crowd(world, guests, bits));
        add(&title("the supervisor is killed"), &|| killed(world, guests, bits));
    }
}

/// What a guest says under a policy, if it ends well.
fn said(world: &World, guests: &Guests, policy: &str, guest: &[&str], bits: Bits) -> Result<String> {
    let policy = guests.policy(guest[0], policy)?;
    let mut line = under(world, &policy);
    line.push(guests.program(guest[0], bits)?.display().to_string());
    line.extend(guest[1..].iter().map(|&word| word.to_owned()));
    let finished = Running::start(command(&line)?, vec![], LIMIT)?.wait()?.success()?;
    Ok(finished.text().trim_end().to_owned())
}

fn orphans(world: &World, guests: &Guests, bits: Bits) -> Result<Outcome> {
    let receiver = Receiver::start(guests, 2 * LIMIT)?;
    let port = receiver.ports("udp").allowed.to_string();
    let policy = format!(
        r#"default = "deny"
rule = [{{ action = "allow", address = "127.0.0.1", port = {port} }}]
"#
    );
    Ok(Outcome::Passed(said(world, guests, &policy, &["orphans", &port, "60"], bits)?))
}

fn crowd(world: &World, guests: &Guests, bits: Bits) -> Result<Outcome> {
    // A rule on addresses, so that all messages are copied.
    let policy = r#"default = "deny"
rule = [
  { action = "allow", address = "127.0.0.1" },
  { action = "allow", family = "unix" },
]
"#;
    Ok(Outcome::Passed(said(world, guests, policy, &["crowd", "200"], bits)?))
}

/// Without its supervisor no call would be judged, so the program ends with it; while it tries, as in a race.
fn killed(world: &World, guests: &Guests, bits: Bits) -> Result<Outcome> {
    let mut receiver = Receiver::start(guests, 2 * LIMIT)?;
    let ports = receiver.ports("udp");
    let policy = format!(
        r#"default = "deny"
rule = [{{ action = "allow", address = "127.0.0.1", port = {} }}]
"#,
        ports.allowed
    );
    let policy = guests.policy("killed", &policy)?;
    let mut line = under(world, &policy);
    line.push(guests.program("race", bits)?.display().to_string());
    let way = if bits == Bits::SixtyFour { "syscall" } else { "int80" };
    line.extend(["sendto", way, "thread", "20", "0"].map(str::to_owned));
    line.extend([ports.allowed, ports.forbidden].map(|port| port.to_string()));
    line.push(receiver.directory.display().to_string());
    let live = Live::start(command(&line)?, LIMIT)?;
    let supervisor = Supervisor::of(world, live.pid())?;
    let deadline = Instant::now() + LIMIT;
    let (mut allowed, mut forbidden) = (0, 0);
    while allowed == 0 {
        ensure!(Instant::now() < deadline, "nothing comes");
        let seen = receiver.seen()?.of("udp");
        (allowed, forbidden) = (allowed + seen.allowed, forbidden + seen.forbidden);
    }
    supervisor.kill()?;
    let finished = live.wait()?;
    if finished.status.signal() != Some(Signal::SIGKILL as i32) {
        bail!("{}: {}{}", finished.command, ending(finished.status), finished.stderr);
    }
    let seen = receiver.seen()?.of("udp");
    (allowed, forbidden) = (allowed + seen.allowed, forbidden + seen.forbidden);
    ensure!(forbidden == 0, "{forbidden} forbidden, {allowed} allowed");
    Ok(Outcome::Passed(format!("killed with it after {allowed} datagrams")))
}
