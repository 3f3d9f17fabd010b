//! What there is to measure with, and how each rival's commands are typed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;
use guest32::{Entry, Guest};

use super::contestant::{Contestant, Worker};
use super::rows::{Bound, Output, Row, STARTED, Verb, Work};
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
    /// strace, made to show network calls only: it stops the program at all others too.
    Strace,
    /// strace with a filter, which stops the program at those that it shows.
    StraceFilter,
    /// qemu's user-mode emulation.
    Qemu,
    /// `socketcall run` without options.
    Bare,
}

impl Rival {
    /// All, in the order of their places in a session.
    pub const ALL: [Rival; 7] = [
        Rival::Native,
        Rival::Again,
        Rival::Ours,
        Rival::Strace,
        Rival::StraceFilter,
        Rival::Qemu,
        Rival::Bare,
    ];

    /// Whose number of repetitions this one makes. A repetition costs less in a longer turn, where processors
    /// have woken up: what is told apart to the percent must repeat equally often. A trace of a loop costs so much
    /// that it has its own. Clients connect anew in each turn: only among as many requests does that cost equally
    /// much.
    pub const fn paced_by(self, row: &Row) -> Rival {
        match (self, row.work, row.verb) {
            (_, Work::Serve(_), _)
            | (Rival::Native | Rival::Again | Rival::Bare, _, _)
            | (Rival::Ours, _, Verb::Run) => Rival::Native,
            (Rival::Ours | Rival::Strace | Rival::StraceFilter | Rival::Qemu, _, _) => self,
        }
    }
}

/// What there is to measure with.
pub struct World {
    /// The program under test.
    pub socketcall: PathBuf,
    /// This program, for `repeat`, `deny`, `enter`, `ping-pong` and `connect`.
    pub xtask: PathBuf,
    /// Where the guests are, and where traces go.
    pub guests: PathBuf,
    /// Debian's i386 programs, or why they are not there.
    pub debian: Result<PathBuf, String>,
    /// Who can take part.
    pub rivals: Vec<Rival>,
}

impl World {
    /// Who takes part in a row. qemu-i386 emulates no 64-bit program, and none inside another tree. strace
    /// without a filter is there where something is promised against it, `run` without options likewise.
    pub fn rivals(&self, row: &Row) -> Vec<Rival> {
        let against = row.bound.map(Bound::against);
        let takes_part = |rival: &Rival| match rival {
            Rival::Qemu => !matches!(row.work, Work::PingPong64 | Work::Connect64 | Work::Serve(_)),
            Rival::Strace | Rival::Bare => against == Some(*rival),
            Rival::StraceFilter => against != Some(Rival::Bare),
            Rival::Native | Rival::Again | Rival::Ours => true,
        };
        self.rivals.iter().copied().filter(takes_part).collect()
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
        words.extend(self.under(row, rival, &self.socketcall));
        let guest = |program, entry| typed(&self.guests.join(Guest { program, entry }.name()));
        match row.work {
            Work::PingPong64 => words.extend([typed(&self.xtask), "ping-pong".into()]),
            Work::Connect64 => words.extend([typed(&self.xtask), "connect".into()]),
            // qemu-i386 has no vDSO for its programs, which enter by `int $0x80` then, as the C libraries do.
            Work::Loop(program, _) if rival == Rival::Qemu => {
                words.extend([guest(program, Entry::Int80), "-".into()]);
            }
            Work::Loop(program, entry) => words.extend([guest(program, entry), "-".into()]),
            Work::Start { .. } | Work::Serve(_) => {
                words.extend([guest(STARTED.program, STARTED.entry), "0".into()]);
            }
        }
        let mut command = command(&words);
        if row.options.contains(&"--deny") {
            // What `run` says of rules when it starts would stand between the lines of the table.
            command.stderr(Stdio::null());
        }
        command
    }

    /// The words that a rival puts in front of a program's; `socketcall` is the program under test.
    pub fn under(&self, row: &Row, rival: Rival, socketcall: &Path) -> Vec<String> {
        let output = match row.verb {
            Verb::Trace(Output::File) => typed(&self.trace(rival)),
            Verb::Trace(Output::Null) | Verb::Run => "/dev/null".into(),
        };
        match rival {
            Rival::Native | Rival::Again => vec![],
            Rival::Ours => {
                let mut words = vec![typed(socketcall), row.verb.name().into()];
                words.extend(row.options.iter().map(|option| (*option).into()));
                if matches!(row.verb, Verb::Trace(_)) {
                    words.extend(["-o".into(), output]);
                }
                words.push("--".into());
                words
            }
            Rival::Strace | Rival::StraceFilter => {
                let mut words = vec!["strace".into(), "-f".into()];
                words.extend((rival == Rival::StraceFilter).then(|| "--seccomp-bpf".into()));
                words.extend(["-e".into(), "trace=%network".into(), "-o".into(), output]);
                words
            }
            Rival::Qemu => vec!["qemu-i386".into()],
            Rival::Bare => vec![typed(socketcall), Verb::Run.name().into(), "--".into()],
        }
    }

    /// The file that a rival's trace goes to.
    fn trace(&self, rival: Rival) -> PathBuf {
        self.guests.join(match rival {
            Rival::Strace => "strace.out",
            Rival::StraceFilter => "strace-filter.out",
            _ => "trace.out",
        })
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
        let strace = "strace -f -e trace=%network -o /dev/null /g/bench-pingpong-vdso -";
        assert_eq!(typed(&PINGPONG, Rival::Strace), strace);
        let strace = "strace -f --seccomp-bpf -e trace=%network -o /dev/null /g/bench-pingpong-vdso -";
        assert_eq!(typed(&PINGPONG, Rival::StraceFilter), strace);
        let started = "/g/bench-getppid-int80 0";
        let plain = Row { work: Work::Start { denied: false }, ..PINGPONG };
        assert_eq!(typed(&plain, Rival::Ours), format!("/x repeat -- /s run -- {started}"));
        let policed = Row { options: &["--deny", "family=alg"], ..PINGPONG };
        let expected = "/s run --deny family=alg -- /g/bench-pingpong-vdso -";
        assert_eq!(typed(&policed, Rival::Ours), expected);
        assert_eq!(typed(&policed, Rival::Bare), "/s run -- /g/bench-pingpong-vdso -");
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
        let strace = "strace -f -e trace=%network -o /g/strace.out /x ping-pong";
        assert_eq!(typed(Output::File, Rival::Strace), strace);
        let strace = "strace -f --seccomp-bpf -e trace=%network -o /g/strace-filter.out /x ping-pong";
        assert_eq!(typed(Output::File, Rival::StraceFilter), strace);
        assert_eq!(typed(Output::File, Rival::Native), "/x ping-pong");
    }

    #[test]
    fn rivals_take_part_where_they_can_and_are_needed() {
        use Rival::{Again, Bare, Native, Ours, Qemu, Strace, StraceFilter};
        assert_eq!(world().rivals(&PINGPONG), [Native, Again, Ours, StraceFilter, Qemu]);
        let against_strace = Row { bound: Some(Bound::OfStrace(0.7)), ..PINGPONG };
        assert_eq!(world().rivals(&against_strace), [Native, Again, Ours, Strace, StraceFilter, Qemu]);
        let against_run = Row { bound: Some(Bound::OfRun(1.02)), ..PINGPONG };
        assert_eq!(world().rivals(&against_run), [Native, Again, Ours, Qemu, Bare]);
        let wide = Row { work: Work::PingPong64, ..PINGPONG };
        assert_eq!(world().rivals(&wide), [Native, Again, Ours, StraceFilter]);
        let World { rivals, .. } = world();
        let poor = World { rivals: rivals[..3].to_vec(), ..world() };
        assert_eq!(poor.rivals(&against_strace), [Native, Again, Ours]);
    }

    #[test]
    fn what_is_told_apart_to_the_percent_repeats_equally_often() {
        assert_eq!(Rival::Ours.paced_by(&PINGPONG), Rival::Native);
        let traced = Row { verb: Verb::Trace(Output::Null), ..PINGPONG };
        assert_eq!(Rival::Ours.paced_by(&traced), Rival::Ours);
        assert_eq!(Rival::Again.paced_by(&traced), Rival::Native);
        let served = Row { work: Work::Serve(&crate::bench::services::REDIS), ..traced };
        assert_eq!(Rival::ALL.map(|rival| rival.paced_by(&served)), [Rival::Native; Rival::ALL.len()]);
    }
}
