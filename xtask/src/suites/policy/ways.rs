//! Ways around rules that need no race, and attacks on the place where copies lie. Natively each gets through, so that it
//! proves something; under rules none does, and what is permitted goes on.

use anyhow::{Context, Result, bail, ensure};

use super::receiver::Receiver;
use super::{Add, Bits, Guests, under};
use crate::process::{Finished, Running};
use crate::report::Outcome;
use crate::suites::{LIMIT, World, command, unfiltered};

/// What a guest says of a way that was open.
const THROUGH: &str = "through";

pub fn cases(world: &World, guests: &Guests, add: &mut Add<'_>) {
    for bits in [Bits::SixtyFour, Bits::ThirtyTwo] {
        let title = |what: &str| format!("{what}, {} bits", bits.name());
        add(&title("ways around"), &|| needs_root(|| around(world, guests, bits)));
        add(&title("the slots"), &|| needs_root(|| slots(world, guests, bits)));
        add(&title("a rule that names sendmmsg"), &|| each(world, guests, bits));
        add(&title("any address is loopback"), &|| source(world, guests, bits));
    }
    add("upper halves of words by int $0x80, 64 bits", &|| upper(world, guests));
}

/// Natively some ways are open to root alone.
fn needs_root(case: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
    if nix::unistd::geteuid().is_root() { case() } else { Ok(Outcome::Skipped("needs root".into())) }
}

fn run(prefix: &[String], program: &[String]) -> Result<Finished> {
    let finished = Running::start(command(&[prefix, program].concat())?, vec![], LIMIT)?.wait()?.success()?;
    unfiltered(&finished)?;
    Ok(finished)
}

/// Each line's name and what came of it.
fn lines(finished: &Finished) -> Vec<(String, String)> {
    let text = finished.text();
    let pairs = text.lines().filter_map(|line| line.rsplit_once(": "));
    pairs.map(|(name, came)| (name.to_owned(), came.to_owned())).collect()
}

/// That all got through natively, and none under rules. What stands in parentheses a kernel need not have.
fn compare(native: &Finished, ruled: &Finished) -> Result<usize> {
    let (native, ruled) = (lines(native), lines(ruled));
    let closed: Vec<_> =
        native.iter().filter(|(name, came)| came != THROUGH && !name.ends_with(')')).collect();
    ensure!(closed.is_empty(), "natively closed, so that they prove nothing: {closed:?}");
    let open: Vec<_> = ruled.iter().filter(|(_, came)| came == THROUGH).map(|(name, _)| name).collect();
    ensure!(open.is_empty(), "open: {open:?}");
    ensure!(native.len() <= ruled.len(), "{} ways natively, {} under rules", native.len(), ruled.len());
    Ok(native.len())
}

fn around(world: &World, guests: &Guests, bits: Bits) -> Result<Outcome> {
    let mut receiver = Receiver::start(guests, 4 * LIMIT)?;
    let (udp, tcp) = (receiver.ports("udp"), receiver.ports("tcp"));
    let directory = receiver.directory.display().to_string();
    // All but loopback is allowed for the forbidden ports: any address is loopback too.
    let policy = format!(
        r#"default = "deny"
rule = [
  {{ action = "allow", address = "127.0.0.1", port = [{}, {}] }},
  {{ action = "deny", address = ["127.0.0.0/8", "::1"] }},
  {{ action = "allow", address = ["0.0.0.0/0", "::/0"], port = [{}, {}] }},
  {{ action = "allow", address = "{directory}/allowed/*" }},
]
"#,
        udp.allowed, tcp.allowed, udp.forbidden, tcp.forbidden
    );
    let policy = guests.policy("ways", &policy)?;
    let mut program = vec![guests.program("ways", bits)?.display().to_string()];
    program.extend([udp.allowed, udp.forbidden, tcp.allowed, tcp.forbidden].map(|port| port.to_string()));
    program.push(directory);
    let permitted = |finished: &Finished| -> Result<String> {
        let text = finished.text();
        let line = text.lines().find_map(|line| line.strip_prefix("permitted: "));
        Ok(line.with_context(|| format!("{}\n{text}", finished.command))?.to_owned())
    };

    receiver.seen()?;
    let mut native = run(&[], &program)?;
    let reached = receiver.seen()?;
    let expected = permitted(&native)?;
    let allowed: Vec<u64> = KINDS.iter().map(|kind| reached.of(kind).allowed).collect();
    for kind in KINDS {
        ensure!(reached.of(kind).forbidden > 0, "natively nothing forbidden comes by {kind}");
    }

    let mut ruled = run(&under(world, &policy), &program)?;
    let seen = receiver.seen()?;
    let got = permitted(&ruled)?;
    for finished in [&mut native, &mut ruled] {
        let text = finished.text();
        finished.stdout = text
            .lines()
            .filter(|line| !line.starts_with("permitted"))
            .fold(Vec::new(), |all, line| [all, line.as_bytes().to_vec(), b"\n".to_vec()].concat());
    }
    let ways = compare(&native, &ruled)?;
    for kind in KINDS.iter().chain(&["routed"]) {
        ensure!(seen.of(kind).forbidden == 0, "forbidden: {:?} by {kind}", seen.of(kind));
    }
    ensure!(got == expected, "what is permitted: {got}, natively {expected}");
    let now: Vec<u64> = KINDS.iter().map(|kind| seen.of(kind).allowed).collect();
    ensure!(now == allowed, "what is permitted comes {now:?} times, natively {allowed:?}");
    Ok(Outcome::Passed(format!("{ways} ways")))
}

/// What the receiver counts of both.
const KINDS: [&str; 3] = ["udp", "tcp", "unix"];

fn slots(world: &World, guests: &Guests, bits: Bits) -> Result<Outcome> {
    let mut receiver = Receiver::start(guests, 4 * LIMIT)?;
    let port = receiver.ports("udp").allowed;
    // One of the attacks is by a call that is refused otherwise.
    let policy = format!(
        r#"default = "deny"
rule = [{{ action = "allow", address = "127.0.0.1", port = {port} }}]
escape = {{ process_vm_writev = true }}
"#
    );
    let policy = guests.policy("slots", &policy)?;
    let program = guests.program("slots", bits)?.display().to_string();
    let native = run(&[], &[program.clone(), "ours".into()])?;
    let ruled = run(&under(world, &policy), &[program, "given".into(), port.to_string()])?;
    let attacks = compare(&native, &ruled)?;
    if !ruled.text().contains("it is there, and used: 1\n") {
        bail!("{}\n{}", ruled.command, ruled.text());
    }
    ensure!(receiver.seen()?.of("udp").allowed == 1, "the datagram did not come");
    Ok(Outcome::Passed(format!("{attacks} attacks")))
}

/// Of a call that is made in parts, rules mean the call.
fn each(world: &World, guests: &Guests, bits: Bits) -> Result<Outcome> {
    let mut receiver = Receiver::start(guests, 2 * LIMIT)?;
    let port = receiver.ports("udp").allowed.to_string();
    let program = guests.program("ways", bits)?.display().to_string();
    let mut outcome = |action: &str, call: &str, default: &str| -> Result<(Option<i32>, u64)> {
        let policy = format!(
            r#"default = "{default}"
rule = [
  {{ action = "{action}", call = "{call}", address = "127.0.0.1", port = {port} }},
  {{ action = "allow", call = "create" }},
]
"#
        );
        let line = [
            under(world, &guests.policy("each", &policy)?),
            vec![program.clone(), "each".into(), port.clone()],
        ];
        let finished = Running::start(command(&line.concat())?, vec![], LIMIT)?.wait()?;
        unfiltered(&finished)?;
        Ok((finished.status.code(), receiver.seen()?.of("udp").allowed))
    };
    let refused = (Some(nix::libc::EACCES), 0);
    for (action, call, default, expected) in [
        ("deny", "sendmmsg", "allow", refused),
        ("deny", "sendmsg", "allow", (Some(0), 1)),
        ("allow", "sendmmsg", "deny", (Some(0), 1)),
        ("allow", "sendmsg", "deny", refused),
    ] {
        let came = outcome(action, call, default)?;
        ensure!(came == expected, "{action} {call}, else {default}: {came:?} and not {expected:?}");
    }
    Ok(Outcome::Passed("4 policies".into()))
}

/// What the kernel doesn't look at is not looked at, and is there afterwards.
fn upper(world: &World, guests: &Guests) -> Result<Outcome> {
    let policy = guests
        .policy("upper", "default = \"deny\"\nrule = [{ action = \"allow\", address = \"127.0.0.1\" }]\n")?;
    let program =
        [guests.program("ways", Bits::SixtyFour)?.display().to_string(), "upper".into(), "9".into()];
    let native = run(&[], &program)?.text();
    ensure!(native == "0, kept\n", "natively {native}");
    let ruled = run(&under(world, &policy), &program)?.text();
    ensure!(ruled == native, "{ruled}");
    Ok(Outcome::Passed("a connection".into()))
}

/// 0.0.0.0 is the sender's own address to the kernel, if it has one; and loopback to rules.
fn source(world: &World, guests: &Guests, bits: Bits) -> Result<Outcome> {
    let policy = r#"default = "deny"
rule = [
  { action = "allow", address = "127.0.0.1" },
  { action = "allow", call = "bind", address = "127.0.0.2" },
]
"#;
    let policy = guests.policy("source", policy)?;
    let program = vec![guests.program("ways", bits)?.display().to_string(), "source".into()];
    let native = run(&[], &program)?.text().trim_end().to_owned();
    ensure!(native == "127.0.0.2", "natively {native} gets it");
    let ruled = run(&under(world, &policy), &program)?.text().trim_end().to_owned();
    ensure!(ruled == "127.0.0.1", "{ruled} gets it");
    Ok(Outcome::Passed("who gets it".into()))
}
