//! What there is to measure with, and how each rival's commands are typed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use guest32::{Entry, Guest};

use super::contestant::{Contestant, Worker};
use super::rows::{Output, Row, STARTED, Verb, Work};
use super::services::Server;

/// Under what the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// Nothing.
    Native,
    /// Nothing, in another process: how far two of the same kind lie apart.
    Again,
    /// `socketcall`, by the row's verb.
    Ours,
    /// strace, made to look at network calls only, and by a filter.
    Strace,
    /// qemu's user-mode emulation.
    Qemu,
}

impl Rival {
    /// All, in the order of their places in a session.
    pub const ALL: [Rival; 5] = [Rival::Native, Rival::Again, Rival::Ours, Rival::Strace, Rival::Qemu];

    /// Whose number of repetitions this one makes. A repetition costs less in a longer turn, where processors
    /// have woken up: what is told apart to the percent must repeat equally often. A trace costs so much that
    /// it has its own.
    pub const fn paced_by(self, verb: Verb) -> Rival {
        match (self, verb) {
            (Rival::Native | Rival::Again, _) | (Rival::Ours, Verb::Run) => Rival::Native,
            (Rival::Ours | Rival::Strace | Rival::Qemu, _) => self,
        }
    }
}

/// What there is to measure with.
pub struct World {
    /// The program under test.
    pub socketcall: PathBuf,
    /// This program, for `repeat`, `deny`, `enter` and `ping-pong`.
    pub xtask: PathBuf,
    /// Where the guests are, and where traces go.
    pub guests: PathBuf,
    /// Debian's i386 programs, or why they are not there.
    pub debian: Result<PathBuf, String>,
    /// Who can take part.
    pub rivals: Vec<Rival>,
}

impl World {
    /// Who takes part in a row. qemu-i386 emulates no 64-bit program, and none inside another tree.
    pub fn rivals(&self, row: &Row) -> Vec<Rival> {
        let without_qemu = matches!(row.work, Work::PingPong64 | Work::Serve(_));
        self.rivals.iter().copied().filter(|rival| !without_qemu || *rival != Rival::Qemu).collect()
    }

    /// Starts a row's work under a rival.
    pub fn start(&self, row: &Row, rival: Rival) -> Result<Box<dyn Contestant>> {
        Ok(match row.work {
            Work::Serve(service) => Box::new(Server::start(self, row, rival, service)?),
            _ => Box::new(Worker::start(self.command(row, rival), row.place)?),
        })
    }

    /// A row's work as a command that answers numbers by nanoseconds.
    fn command(&self, row: &Row, rival: Rival) -> Command {
        let mut words = vec![];
        if let Work::Start { denied } = row.work {
            words.push(typed(&self.xtask));
            if denied {
                words.extend(["deny".into(), "--".into(), typed(&self.xtask)]);
            }
            words.extend(["repeat".into(), "--".into()]);
            if matches!(rival, Rival::Native | Rival::Again) {
                words.push("env".into());
            }
        }
        words.extend(self.under(row, rival));
        let guest = |program, entry| typed(&self.guests.join(Guest { program, entry }.name()));
        match row.work {
            Work::PingPong64 => words.extend([typed(&self.xtask), "ping-pong".into()]),
            // qemu-i386 has no vDSO for its programs, which enter by `int $0x80` then, as the C libraries do.
            Work::Loop(program, _) if rival == Rival::Qemu => {
                words.extend([guest(program, Entry::Int80), "-".into()]);
            }
            Work::Loop(program, entry) => words.extend([guest(program, entry), "-".into()]),
            Work::Start { .. } | Work::Serve(_) => {
                words.extend([guest(STARTED.program, STARTED.entry), "0".into()]);
            }
        }
        command(&words)
    }

    /// The words that a rival puts in front of a program's.
    pub fn under(&self, row: &Row, rival: Rival) -> Vec<String> {
        let output = match row.verb {
            Verb::Trace(Output::File) => typed(&self.trace(rival)),
            Verb::Trace(Output::Null) | Verb::Run => "/dev/null".into(),
        };
        match rival {
            Rival::Native | Rival::Again => vec![],
            Rival::Ours => {
                let mut words = vec![typed(&self.socketcall), row.verb.name().into()];
                words.extend(row.options.iter().map(|option| (*option).into()));
                if matches!(row.verb, Verb::Trace(_)) {
                    words.extend(["-o".into(), output]);
                }
                words.push("--".into());
                words
            }
            Rival::Strace => {
                let options = ["strace", "-f", "--seccomp-bpf", "-e", "trace=%network", "-o"];
                options.into_iter().map(Into::into).chain([output]).collect()
            }
            Rival::Qemu => vec!["qemu-i386".into()],
        }
    }

    /// The file that a rival's trace goes to.
    fn trace(&self, rival: Rival) -> PathBuf {
        self.guests.join(if rival == Rival::Strace { "strace.out" } else { "trace.out" })
    }
}

/// A path as it is typed.
pub fn typed(path: &Path) -> String {
    path.display().to_string()
}

/// A command in an environment that is the same for all. What cargo sets for what it runs, LD_LIBRARY_PATH
/// above all, makes dynamic programs start slower.
pub fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_clear().env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::contestant::Place;
    use crate::process::line;

    fn world() -> World {
        World {
            socketcall: "/s".into(),
            xtask: "/x".into(),
            guests: "/g".into(),
            debian: Err("none".into()),
            rivals: Rival::ALL.to_vec(),
        }
    }

    const PINGPONG: Row = Row {
        name: "",
        work: Work::Loop(guest32::Program::BenchPingpong, Entry::Vdso),
        verb: Verb::Run,
        options: &[],
        place: Place::One,
        bound: None,
    };

    #[test]
    fn commands_are_what_a_person_would_type() {
        let typed = |row: &Row, rival| line(&world().command(row, rival));
        assert_eq!(typed(&PINGPONG, Rival::Native), "/g/bench-pingpong-vdso -");
        assert_eq!(typed(&PINGPONG, Rival::Qemu), "qemu-i386 /g/bench-pingpong-int80 -");
        let strace = "strace -f --seccomp-bpf -e trace=%network -o /dev/null /g/bench-pingpong-vdso -";
        assert_eq!(typed(&PINGPONG, Rival::Strace), strace);
        let started = "/g/bench-getppid-int80 0";
        let plain = Row { work: Work::Start { denied: false }, ..PINGPONG };
        assert_eq!(typed(&plain, Rival::Ours), format!("/x repeat -- /s run -- {started}"));
        let denied = Row { work: Work::Start { denied: true }, options: &["-v"], ..plain };
        assert_eq!(typed(&denied, Rival::Ours), format!("/x deny -- /x repeat -- /s run -v -- {started}"));
        assert_eq!(typed(&denied, Rival::Again), format!("/x deny -- /x repeat -- env {started}"));
    }

    #[test]
    fn traces_go_where_straces_go() {
        let typed = |output, rival| {
            let row = Row { verb: Verb::Trace(output), work: Work::PingPong64, ..PINGPONG };
            line(&world().command(&row, rival))
        };
        assert_eq!(typed(Output::Null, Rival::Ours), "/s trace -o /dev/null -- /x ping-pong");
        assert_eq!(typed(Output::File, Rival::Ours), "/s trace -o /g/trace.out -- /x ping-pong");
        let strace = "strace -f --seccomp-bpf -e trace=%network -o /g/strace.out /x ping-pong";
        assert_eq!(typed(Output::File, Rival::Strace), strace);
        assert_eq!(typed(Output::File, Rival::Native), "/x ping-pong");
    }

    #[test]
    fn qemu_takes_no_part_where_it_can_not() {
        assert!(world().rivals(&PINGPONG).contains(&Rival::Qemu));
        let row = Row { work: Work::PingPong64, ..PINGPONG };
        assert_eq!(world().rivals(&row), [Rival::Native, Rival::Again, Rival::Ours, Rival::Strace]);
    }

    #[test]
    fn what_is_told_apart_to_the_percent_repeats_equally_often() {
        assert_eq!(Rival::Ours.paced_by(Verb::Run), Rival::Native);
        assert_eq!(Rival::Ours.paced_by(Verb::Trace(Output::Null)), Rival::Ours);
        assert_eq!(Rival::Again.paced_by(Verb::Trace(Output::Null)), Rival::Native);
    }
}
