//! Parts 2 to 4: a client and a server talk to each other, and each time something else is around them.

use std::env;
use std::iter::Sum;
use std::path::Path;
use std::process::Command;

use abi::Errno;
use anyhow::Result;
use guest32::{Entry, Guest, Program};
use seccomp::{Action, Arch, Filter, Wants, with_filter};

use super::place::Place;
use super::process::{Ended, Process};

/// How the two are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Natively,
    /// Under a filter that denies socketcall.
    Filtered,
    /// Under the same filter, by `socketcall run -v`.
    Run,
}

/// One of the two, after its end.
pub struct Part {
    pub guest: Guest,
    pub argument: Option<String>,
    pub ended: Ended,
}

/// A server and its client.
pub struct Talk {
    pub server: Part,
    pub client: Part,
}

/// "Function not implemented": what Docker's profiles answered.
pub const DENIAL: Errno = Errno::ENOSYS;

/// A filter that answers [`DENIAL`] to socketcall and allows all else.
fn denying() -> Filter {
    let mut wants = Wants::new();
    wants.add(Arch::I386, abi::SOCKETCALL_I386, Action::Errno(DENIAL.raw() as u16));
    wants.compile().expect("one rule fits into a filter")
}

fn command(place: &Place, guest: Guest, how: How) -> Command {
    let mut command = match how {
        How::Natively | How::Filtered => Command::new(place.path(guest)),
        How::Run => {
            // This very file, even if its name is gone; by name where there is no /proc.
            let own = Path::new("/proc/self/exe");
            let mut run = match env::args_os().next() {
                Some(name) if !own.exists() => Command::new(name),
                _ => Command::new(own),
            };
            run.env_remove("SOCKETCALL_OPTIONS").args(["run", "-v", "--"]).arg(place.path(guest));
            run
        }
    };
    if how != How::Natively {
        with_filter(&mut command, denying());
    }
    command
}

/// Lets them talk. `port` is what the client is told where the server tells none; it is replaced by what the
/// server does tell.
///
/// # Errors
/// One could not be executed.
pub fn talk(place: &Place, entry: Entry, how: How, port: &mut String) -> Result<Talk> {
    let [server_guest, client_guest] =
        [Program::EchoServer, Program::EchoClient].map(|program| Guest { program, entry });
    let mut server = Process::start(&mut command(place, server_guest, how))?;
    let listens = server.line().map(|line| line.clone_into(port)).is_some();
    let client = Process::start(command(place, client_guest, how).arg(&port))?.finish()?;
    if listens && !client.is_success() {
        // It would wait for a client for ever.
        server.stop();
    }
    let server = server.finish()?;
    Ok(Talk {
        server: Part { guest: server_guest, argument: None, ended: server },
        client: Part { guest: client_guest, argument: Some(port.clone()), ended: client },
    })
}

/// What the lines of `socketcall run` itself begin with.
pub const RUN: &str = "socketcall: ";

/// How many calls went which way: the last words of `socketcall run -v`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub stub: u64,
    pub trap: u64,
    pub direct: u64,
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Counts>>(all: I) -> Counts {
        all.fold(Counts::default(), |sum, next| Counts {
            stub: sum.stub + next.stub,
            trap: sum.trap + next.trap,
            direct: sum.direct + next.direct,
        })
    }
}

impl Counts {
    /// Takes the lines of `-v` out of a program's standard error.
    fn take(stderr: &mut Vec<String>) -> Option<Counts> {
        let mut total = None;
        stderr.retain(|line| match Counts::parse(line) {
            Some((who, counts)) => {
                total = total.or(Some(counts).filter(|_| who == "total"));
                false
            }
            None => true,
        });
        total
    }

    /// `socketcall: WHO: stub S, trap T, direct D`
    fn parse(line: &str) -> Option<(&str, Counts)> {
        let (who, counts) = line.strip_prefix(RUN)?.rsplit_once(": ")?;
        let mut numbers = counts.split(", ").zip(["stub ", "trap ", "direct "]);
        let mut next = || -> Option<u64> {
            let (field, name) = numbers.next()?;
            field.strip_prefix(name)?.parse().ok()
        };
        Some((who, Counts { stub: next()?, trap: next()?, direct: next()? }))
    }
}

impl Part {
    /// The guest and its argument.
    pub fn name(&self) -> String {
        match &self.argument {
            Some(argument) => format!("{} {argument}", self.guest),
            None => self.guest.name(),
        }
    }

    /// The counts of `-v`, taken out of its standard error.
    pub fn counts(&mut self) -> Option<Counts> {
        Counts::take(&mut self.ended.stderr)
    }

    /// The errno of a `socket` that failed, as guests say it.
    pub fn denied(&self) -> Option<Errno> {
        let said = self.ended.stderr.iter().find_map(|line| line.strip_prefix("socket: errno "))?;
        said.parse().ok().and_then(Errno::from_raw)
    }

    /// What it is and how it ended, in a line.
    pub fn account(&self) -> String {
        let ended = self.ended.end.to_string();
        // What `run` had to say is told once for all.
        let own = |line: &&String| !line.starts_with(RUN);
        let mut said: Vec<_> = self.ended.stderr.iter().filter(own).map(String::as_str).collect();
        said.push(&ended);
        format!("{}: {}", self.name(), said.join("; "))
    }
}

impl Talk {
    pub const fn parts(&self) -> [&Part; 2] {
        [&self.server, &self.client]
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn the_counts_are_taken_out_of_standard_error() {
        let lines = ["socket: errno 38", "socketcall: 7 a: b: stub 1, trap 2, direct 3"];
        let mut stderr: Vec<String> = lines.map(String::from).into();
        assert_eq!(Counts::take(&mut stderr.clone()), None);
        stderr.push("socketcall: total: stub 12, trap 0, direct 4".into());
        assert_eq!(Counts::take(&mut stderr), Some(Counts { stub: 12, trap: 0, direct: 4 }));
        assert_eq!(stderr, lines[..1]);
    }
}
