//! The measuring itself: sessions of rounds, in which all rivals take their turns.
//!
//! A *session* has one process of each rival. Two processes of the same program differ by more than the ratios
//! that are looked for (by how their memory happens to lie, for one), so there are many sessions. In a *round*
//! each of them works for a few milliseconds, in an order drawn anew; whatever else the machine does then, it
//! does to all. A round gives one ratio, a session the median of its rounds, the table the median of the
//! sessions with its interval.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use guest32::{Entry, Guest};

use super::contestant::{Contestant, Place};
use super::rows::{Row, STARTED, Work};
use super::statistics::{Estimate, Random, estimate, median};

/// Under what the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// Nothing.
    Native,
    /// Nothing, in another process: how far two of the same kind lie apart.
    Again,
    /// `socketcall run`.
    Run,
    /// strace, made to look at network calls only, and by a filter.
    Strace,
    /// qemu's user-mode emulation.
    Qemu,
}

impl Rival {
    /// All, in the order of their places in [`Session`].
    pub const ALL: [Rival; 5] = [Rival::Native, Rival::Again, Rival::Run, Rival::Strace, Rival::Qemu];

    /// Whose number of repetitions this one makes. A repetition costs less in a longer turn, where processors
    /// have woken up: what is told apart to the percent must repeat equally often.
    const fn paced_by(self) -> Rival {
        match self {
            Rival::Native | Rival::Again | Rival::Run => Rival::Native,
            Rival::Strace | Rival::Qemu => self,
        }
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Sets of processes.
    pub sessions: usize,
    /// Turns that each process takes.
    pub rounds: usize,
    /// How long a turn takes, about.
    pub turn: Duration,
}

/// What there is to measure with.
pub struct World {
    /// The program under test.
    pub socketcall: PathBuf,
    /// This program, for `repeat` and `deny`.
    pub xtask: PathBuf,
    /// Where the guests are.
    pub guests: PathBuf,
    /// Who can take part.
    pub rivals: Vec<Rival>,
}

impl World {
    /// A row's work as a command that answers numbers by nanoseconds.
    fn command(&self, row: &Row, rival: Rival) -> Command {
        let work = row.work;
        let path = |path: &PathBuf| path.display().to_string();
        let mut words = vec![];
        if let Work::Start { denied } = work {
            words.push(path(&self.xtask));
            words.extend(if denied { &["deny", "--"][..] } else { &[] }.iter().map(|word| (*word).into()));
            words.extend(denied.then(|| path(&self.xtask)));
            words.extend(["repeat".into(), "--".into()]);
        }
        let is_start = matches!(work, Work::Start { .. });
        let under: &[&str] = match rival {
            Rival::Native | Rival::Again if is_start => &["env"],
            Rival::Native | Rival::Again => &[],
            Rival::Run => &[],
            Rival::Strace => &["strace", "-f", "--seccomp-bpf", "-e", "trace=%network", "-o", "/dev/null"],
            Rival::Qemu => &["qemu-i386"],
        };
        words.extend(under.iter().map(|word| (*word).into()));
        if rival == Rival::Run {
            words.extend([path(&self.socketcall), "run".into()]);
            words.extend(row.options.iter().map(|option| (*option).into()));
            words.push("--".into());
        }
        let (guest, argument) = match work {
            Work::Start { .. } => (STARTED, "0"),
            // qemu-i386 has no vDSO for its programs, which enter by `int $0x80` then, as the C libraries do.
            Work::Loop(program, _) if rival == Rival::Qemu => (Guest { program, entry: Entry::Int80 }, "-"),
            Work::Loop(program, entry) => (Guest { program, entry }, "-"),
        };
        words.extend([path(&self.guests.join(guest.name())), argument.into()]);
        let mut command = Command::new(&words[0]);
        // What cargo sets for what it runs, LD_LIBRARY_PATH above all, makes dynamic programs start slower.
        command.args(&words[1..]).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }
}

/// Nanoseconds per repetition, by rival and round. Empty for one who does not take part.
type Session = [Vec<f64>; Rival::ALL.len()];

/// What was measured of a row.
pub struct Figures {
    sessions: Vec<Session>,
}

impl Figures {
    /// Measures.
    pub fn measure(world: &World, row: &Row, effort: &Effort, random: &mut Random) -> Result<Figures> {
        let mut repetitions = [0; Rival::ALL.len()];
        let sessions = (0..effort.sessions)
            .map(|_| session(world, row, effort, random, &mut repetitions))
            .collect::<Result<_>>()
            .with_context(|| row.name)?;
        Ok(Figures { sessions })
    }

    /// What a repetition costs, in nanoseconds.
    pub fn cost(&self, rival: Rival) -> Option<Estimate> {
        self.over_sessions(|session| session[rival as usize].clone())
    }

    /// By what factor one costs more than another of the same round.
    pub fn ratio(&self, rival: Rival, to: Rival) -> Option<Estimate> {
        self.over_rounds(rival, to, |cost, other| cost / other)
    }

    /// How many nanoseconds one costs more than another of the same round.
    pub fn difference(&self, rival: Rival, to: Rival) -> Option<Estimate> {
        self.over_rounds(rival, to, |cost, other| cost - other)
    }

    fn over_rounds(&self, rival: Rival, to: Rival, compare: fn(f64, f64) -> f64) -> Option<Estimate> {
        self.over_sessions(|session| {
            let pairs = session[rival as usize].iter().zip(&session[to as usize]);
            pairs.map(|(cost, other)| compare(*cost, *other)).collect()
        })
    }

    fn over_sessions(&self, values: impl Fn(&Session) -> Vec<f64>) -> Option<Estimate> {
        let sessions: Vec<f64> = self.sessions.iter().map(|session| median(&values(session))).collect();
        let all_there = !sessions.is_empty() && sessions.iter().all(|value| !value.is_nan());
        all_there.then(|| estimate(&sessions))
    }
}

/// One session. How many repetitions make a turn is found out in the first.
fn session(
    world: &World,
    row: &Row,
    effort: &Effort,
    random: &mut Random,
    repetitions: &mut [u32; Rival::ALL.len()],
) -> Result<Session> {
    let mut rivals = world.rivals.clone();
    random.shuffle(&mut rivals);
    let start = |rival: Rival| Contestant::start(world.command(row, rival), row.place);
    let mut contestants =
        rivals.into_iter().map(|rival| Ok((rival, start(rival)?))).collect::<Result<Vec<_>>>()?;
    // Two processors that wake each other need time to get into step.
    let turn = if row.place == Place::Two { effort.turn * 3 } else { effort.turn };
    for (rival, contestant) in &mut contestants {
        if repetitions[*rival as usize] == 0 {
            repetitions[*rival as usize] = calibrate(contestant, turn)?;
        }
    }
    let repetitions = |rival: Rival| repetitions[rival.paced_by() as usize];
    for (rival, contestant) in &mut contestants {
        // Caches and predictors get warm.
        contestant.ask(repetitions(*rival))?;
    }
    let mut session = Session::default();
    for _ in 0..effort.rounds {
        random.shuffle(&mut contestants);
        for (rival, contestant) in &mut contestants {
            // What a supervisor does after its program's end is over by the next turn.
            std::thread::sleep(Duration::from_micros(300));
            let repetitions = repetitions(*rival);
            session[*rival as usize].push(contestant.ask(repetitions)? / f64::from(repetitions));
        }
    }
    contestants.into_iter().try_for_each(|(_, contestant)| contestant.finish())?;
    Ok(session)
}

/// How many repetitions take about as long as `turn`.
fn calibrate(contestant: &mut Contestant, turn: Duration) -> Result<u32> {
    let turn = turn.as_nanos() as f64;
    let mut repetitions = 1;
    loop {
        let time = contestant.ask(repetitions)?;
        if time >= turn / 2.0 || repetitions >= 1 << 24 {
            return Ok((f64::from(repetitions) * turn / time).max(1.0) as u32);
        }
        repetitions *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two natives, one of them in a session that is slower by half; no strace, no qemu.
    fn figures() -> Figures {
        let session = |pace: f64| {
            let costs = |costs: [f64; 3]| costs.map(|cost| cost * pace).to_vec();
            [costs([10., 12., 90.]), costs([10., 10., 90.]), costs([20., 24., 90.]), vec![], vec![]]
        };
        Figures { sessions: vec![session(1.0), session(1.0), session(1.5)] }
    }

    #[test]
    fn what_happens_to_a_whole_round_or_session_cancels_out() {
        let figures = figures();
        assert_eq!(figures.ratio(Rival::Run, Rival::Native).unwrap().median, 2.0);
        assert_eq!(figures.ratio(Rival::Again, Rival::Native).unwrap().median, 1.0);
        assert_eq!(figures.difference(Rival::Run, Rival::Native).unwrap().median, 10.0);
        assert_eq!(figures.cost(Rival::Native).unwrap().median, 12.0);
    }

    #[test]
    fn who_takes_no_part_has_no_figures() {
        let figures = figures();
        assert_eq!(figures.cost(Rival::Strace), None);
        assert_eq!(figures.ratio(Rival::Run, Rival::Qemu), None);
    }

    #[test]
    fn commands_are_what_a_person_would_type() {
        let world = World {
            socketcall: "/s".into(),
            xtask: "/x".into(),
            guests: "/g".into(),
            rivals: Rival::ALL.to_vec(),
        };
        let pingpong = Row {
            name: "",
            work: Work::Loop(guest32::Program::BenchPingpong, Entry::Vdso),
            options: &[],
            place: Place::One,
            bound: None,
        };
        let typed = |row, rival| crate::process::line(&world.command(row, rival));
        assert_eq!(typed(&pingpong, Rival::Native), "/g/bench-pingpong-vdso -");
        assert_eq!(typed(&pingpong, Rival::Qemu), "qemu-i386 /g/bench-pingpong-int80 -");
        let strace = "strace -f --seccomp-bpf -e trace=%network -o /dev/null /g/bench-pingpong-vdso -";
        assert_eq!(typed(&pingpong, Rival::Strace), strace);
        let started = "/g/bench-getppid-int80 0";
        let plain = Row { work: Work::Start { denied: false }, ..pingpong };
        assert_eq!(typed(&plain, Rival::Run), format!("/x repeat -- /s run -- {started}"));
        let denied = Row { work: Work::Start { denied: true }, options: &["-v"], ..plain };
        assert_eq!(typed(&denied, Rival::Run), format!("/x deny -- /x repeat -- /s run -v -- {started}"));
        assert_eq!(typed(&denied, Rival::Again), format!("/x deny -- /x repeat -- env {started}"));
    }
}
