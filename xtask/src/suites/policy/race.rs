//! Races: somebody changes what was looked at. Each first wins against a supervisor that looks and lets go on, and never
//! against `run` with a policy: what comes where it may not is counted there. What may come is not lost.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::receiver::{Both, Receiver};
use super::{Add, Bits, Guests, under};
use crate::process::{Finished, Running};
use crate::report::Outcome;
use crate::suites::{World, command, unfiltered};

/// A kind of race.
struct Race {
    /// As the guest knows it.
    name: &'static str,
    /// Whose ports they are.
    ports: &'static str,
    /// Where what is sent arrives.
    arrives: &'static str,
    /// Where what is forbidden is counted, if that is not there too.
    forbidden: &'static str,
    rules: Rules,
}

/// To which sockets it is forbidden.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rules {
    All,
    /// To those of this type (socket(2)); others may go anywhere.
    Of(Type),
    /// To connect, but not to send.
    Connecting,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Stream = 1,
    Datagram = 2,
}

/// Where the guest itself sees what is forbidden.
const HERE: &str = "here";

const fn race(name: &'static str, kind: &'static str) -> Race {
    Race { name, ports: kind, arrives: kind, forbidden: kind, rules: Rules::All }
}

/// A socket that may go there is put in the place of one that may not, or the reverse.
const fn exchange(name: &'static str, kind: &'static str, rules: Rules) -> Race {
    Race { arrives: HERE, rules, ..race(name, kind) }
}

/// Every kind. What is bound arrives nowhere.
const RACES: &[Race] = &[
    race("connect", "udp"),
    race("connect-stream", "tcp"),
    Race { arrives: HERE, forbidden: HERE, ..race("bind", "tcp") },
    race("sendto", "udp"),
    race("sendmsg", "udp"),
    race("sendmsg-name", "udp"),
    race("sendmsg-length", "udp"),
    Race { arrives: HERE, forbidden: "routed", ..race("sendmsg-control", "udp") },
    Race { arrives: HERE, forbidden: "routed", ..race("sendmsg-control-length", "udp") },
    race("sendmmsg", "udp"),
    race("sendmmsg-name", "udp"),
    race("sendmmsg-length", "udp"),
    Race { arrives: HERE, ..race(CODE, "udp") },
    Race { arrives: "unix", forbidden: "unix", ..race("link", "udp") },
    race("descriptor", "udp"),
    race("descriptor-unspec", "udp"),
    Race { arrives: HERE, forbidden: HERE, ..race("descriptor-listen", "tcp") },
    exchange("type-dup2", "tcp", Rules::Of(Type::Stream)),
    exchange("type-dup3", "tcp", Rules::Of(Type::Stream)),
    exchange("type-close", "tcp", Rules::Of(Type::Stream)),
    exchange("type-range", "tcp", Rules::Of(Type::Stream)),
    exchange("type-sendto", "udp", Rules::Of(Type::Datagram)),
    exchange("type-sendmmsg", "udp", Rules::Of(Type::Datagram)),
    exchange("fastopen", "tcp", Rules::Connecting),
];

/// The race for the code of a call that is made in parts. Who looks and lets go on makes nothing in parts, so it wins
/// against nobody.
const CODE: &str = "code";

/// By which instruction the calls are made, and who changes what they point at.
#[derive(Clone, Copy)]
struct Form {
    bits: Bits,
    way: &'static str,
    who: &'static str,
}

const fn form(bits: Bits, way: &'static str, who: &'static str) -> Form {
    Form { bits, way, who }
}

/// In which forms a race is run: every one by 64-bit calls, and by one way or another by 32-bit ones; some by all ways.
fn forms(index: usize, race: &Race) -> Vec<Form> {
    const NARROW: [&str; 4] = ["int80", "vdso", "socketcall", "socketcall-vdso"];
    if race.name == CODE {
        // Its code makes one kind of call.
        return vec![
            form(Bits::SixtyFour, "syscall", "thread"),
            form(Bits::ThirtyTwo, "int80", "thread"),
            form(Bits::ThirtyTwo, "int80", "vm"),
        ];
    }
    let mut forms = vec![
        form(Bits::SixtyFour, "syscall", "thread"),
        form(Bits::ThirtyTwo, NARROW[index % NARROW.len()], "thread"),
    ];
    match race.name {
        "sendto" => {
            let others = NARROW.iter().filter(|way| **way != NARROW[index % NARROW.len()]);
            forms.extend(others.map(|way| form(Bits::ThirtyTwo, way, "thread")));
            forms.push(form(Bits::SixtyFour, "syscall", "fork"));
            forms.push(form(Bits::SixtyFour, "syscall", "vm"));
            forms.push(form(Bits::SixtyFour, "int80", "thread"));
        }
        "sendmmsg" => {
            forms.push(form(Bits::SixtyFour, "socketcall", "thread"));
            forms.push(form(Bits::SixtyFour, "int80", "vm"));
        }
        "connect" => forms.push(form(Bits::ThirtyTwo, "socketcall", "fork")),
        "type-dup2" => forms.push(form(Bits::SixtyFour, "syscall", "vm")),
        "type-close" => forms.push(form(Bits::SixtyFour, "int80", "thread")),
        _ => {}
    }
    forms
}

pub fn cases(world: &World, guests: &Guests, add: &mut Add<'_>) {
    for (index, race) in RACES.iter().enumerate() {
        for form in forms(index, race) {
            let title = format!("race: {}, {} bits, {}, {}", race.name, form.bits.name(), form.way, form.who);
            add(&title, &|| Play { world, guests, race, form }.play());
        }
    }
}

struct Play<'a> {
    world: &'a World,
    guests: &'a Guests,
    race: &'a Race,
    form: Form,
}

/// What is said of a program that has won, and does not live to see it.
const KILLED: &str = "another socket was put in the place of the one that was judged";

/// How long a race may last against the supervisor that it must win against, until it has won.
const TRIES: u64 = 15;
/// How many seconds a race takes at most where no long ones are asked for.
const SHORT: u64 = 1;
/// From how many seconds on a race takes a million attempts too.
const LONG: u64 = 60;

/// What the guest says of its attempts.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    attempts: u64,
    made: u64,
    refused: u64,
    wrong: u64,
}

impl Play<'_> {
    fn play(&self) -> Result<Outcome> {
        let needs_root = self.race.forbidden == "routed";
        if needs_root && !nix::unistd::geteuid().is_root() {
            return Ok(Outcome::Skipped("needs root".into()));
        }
        let seconds = match self.world.stress.seconds {
            seconds @ LONG.. => seconds,
            seconds => seconds.min(SHORT),
        };
        let mut receiver = Receiver::start(self.guests, Duration::from_secs(60 + 11 * seconds + 2 * TRIES))?;
        let ports = receiver.ports(self.race.ports);
        let directory = receiver.directory.display().to_string();
        let naive = self.guests.program("naive", Bits::SixtyFour)?.display().to_string();
        let naive = match self.race.name {
            CODE => vec![],
            _ => {
                let looked_at = match self.race.rules {
                    Rules::All => String::new(),
                    Rules::Of(own) => format!("/{}", own as u8),
                    Rules::Connecting => format!("/{}", Type::Stream as u8),
                };
                vec![naive, format!("{}{looked_at}", ports.allowed), directory]
            }
        };
        let mut lost = 0;
        for _ in 0..TRIES {
            let (_, forbidden, _) = self.run(&mut receiver, &naive, ports, 1)?;
            lost += forbidden;
            if lost > 0 {
                break;
            }
        }
        ensure!(lost > 0, "the race proves nothing: it never wins against one who looks and lets go on");

        let policy = self.guests.policy("race", &self.policy(&receiver, ports))?;
        let prefix = under(self.world, &policy);
        let (said, forbidden, arrived) = self.run(&mut receiver, &prefix, ports, seconds)?;
        let Said { attempts, made, refused, .. } = said;
        ensure!(forbidden == 0, "forbidden: {forbidden} of {attempts} ({said:?})");
        ensure!(self.race.arrives == HERE || arrived == made, "{made} made, {arrived} arrived ({said:?})");
        ensure!(attempts > 0 && made + refused > 0, "nothing was tried: {said:?}");
        Ok(Outcome::Passed(format!("0 of {attempts}, {made} made; {lost} against one who lets go on")))
    }

    /// What is allowed: the one port, the one path, names that the kernel chooses, and netlink.
    fn policy(&self, receiver: &Receiver, ports: Both<u16>) -> String {
        let directory = receiver.directory.display();
        let others = match self.race.rules {
            Rules::All => "",
            Rules::Of(Type::Stream) => r#"{ action = "allow", type = "dgram", address = "127.0.0.1" },"#,
            Rules::Of(Type::Datagram) => r#"{ action = "allow", type = "stream", address = "127.0.0.1" },"#,
            Rules::Connecting => r#"{ action = "allow", call = "send", address = "127.0.0.1" },"#,
        };
        format!(
            r#"default = "deny"
rule = [
  {others}
  {{ action = "allow", family = "netlink" }},
  {{ action = "allow", address = "127.0.0.1", port = {} }},
  {{ action = "allow", address = ["{directory}/allowed/*", "@*"] }},
  {{ action = "allow", call = "create", family = ["inet", "inet6", "unix"] }},
]
"#,
            ports.allowed
        )
    }

    /// Runs the guest; answers what it says, how often what is forbidden was done, and what has arrived.
    fn run(
        &self,
        receiver: &mut Receiver,
        prefix: &[String],
        ports: Both<u16>,
        seconds: u64,
    ) -> Result<(Said, u64, u64)> {
        let Form { bits, way, who } = self.form;
        let attempts = if seconds >= LONG { 1_000_000 } else { 0 };
        let program = self.guests.program("race", bits)?.display().to_string();
        let mut line = prefix.to_vec();
        line.push(program);
        line.extend([self.race.name, way, who].map(str::to_owned));
        line.extend([seconds.to_string(), attempts.to_string()]);
        line.extend([ports.allowed.to_string(), ports.forbidden.to_string()]);
        line.push(receiver.directory.display().to_string());
        receiver.seen()?;
        let finished =
            Running::start(command(&line)?, vec![], Duration::from_secs(30 + 10 * seconds))?.wait()?;
        // What can't be undone ends the program.
        if self.race.name == "descriptor-listen" && finished.stderr.contains(KILLED) {
            return Ok((Said { attempts: 1, refused: 1, ..Said::default() }, 0, 0));
        }
        let finished = finished.success()?;
        unfiltered(&finished)?;
        let said = said(&finished)?;
        let seen = receiver.seen()?;
        let forbidden =
            if self.race.forbidden == HERE { said.wrong } else { seen.of(self.race.forbidden).forbidden };
        Ok((said, forbidden, seen.of(self.race.arrives).allowed))
    }
}

fn said(finished: &Finished) -> Result<Said> {
    let text = finished.text();
    let line = text.lines().find(|line| line.starts_with("attempts "));
    let line =
        line.with_context(|| format!("{}\nno attempts: {text}{}", finished.command, finished.stderr))?;
    let mut said = Said::default();
    for part in line.split(", ") {
        let (name, number) = part.split_once(' ').context("no number")?;
        let number = number.parse()?;
        match name {
            "attempts" => said.attempts = number,
            "made" => said.made = number,
            "refused" => said.refused = number,
            "wrong" => said.wrong = number,
            _ => {}
        }
    }
    Ok(said)
}
