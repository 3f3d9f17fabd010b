//! Who is reached, or not: two sockets of each kind, outside of any supervisor.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Bits, Guests};
use crate::process::Live;
use crate::suites::command;
use crate::workspace::fresh;

/// A number for what may be reached, and one for what may not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both<T> {
    pub allowed: T,
    pub forbidden: T,
}

/// The guest `receiver`, running.
pub struct Receiver {
    live: Live,
    ports: Vec<u16>,
    /// Where its unix sockets are: allowed/socket and forbidden/socket.
    pub directory: PathBuf,
}

/// What has come, by kind: udp, tcp, unix, udp6, routed.
#[derive(Debug)]
pub struct Seen(HashMap<String, Both<u64>>);

impl Seen {
    /// Of one kind.
    pub fn of(&self, kind: &str) -> Both<u64> {
        self.0.get(kind).copied().unwrap_or_default()
    }
}

impl Receiver {
    pub fn start(guests: &Guests, limit: Duration) -> Result<Receiver> {
        let directory = guests.scratch.join("sockets");
        fresh(&directory)?;
        let program = guests.program("receiver", Bits::SixtyFour)?;
        let words = [program.as_path(), Path::new(&directory)].map(|word| word.display().to_string());
        let mut live = Live::start(command(&words)?, limit)?;
        let line = live.line()?;
        let ports = line.strip_prefix("ports ").with_context(|| format!("no ports: {line}"))?;
        let ports = ports.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>()?;
        ensure!(ports.len() == 6, "not six ports: {line}");
        Ok(Receiver { live, ports, directory })
    }

    /// The ports of udp, tcp or udp6.
    pub fn ports(&self, kind: &str) -> Both<u16> {
        let at = 2 * ["udp", "tcp", "udp6"].iter().position(|own| *own == kind).unwrap_or(0);
        Both { allowed: self.ports[at], forbidden: self.ports[at + 1] }
    }

    /// What has come since the last time.
    pub fn seen(&mut self) -> Result<Seen> {
        self.live.say("")?;
        let line = self.live.line()?;
        let mut all = HashMap::new();
        for part in line.split(", ") {
            let words: Vec<&str> = part.split_whitespace().collect();
            let [kind, allowed, forbidden] = words[..] else { anyhow::bail!("not understood: {line}") };
            all.insert(kind.to_owned(), Both { allowed: allowed.parse()?, forbidden: forbidden.parse()? });
        }
        Ok(Seen(all))
    }
}
