//! The measuring itself: sessions of rounds, in which all rivals take their turns.
//!
//! A *session* has one process of each rival. Two processes of the same program differ by more than the ratios
//! that are looked for (by how their memory happens to lie, for one), so there are many sessions. In a *round*
//! each of them works for a few milliseconds, in an order drawn anew; whatever else the machine does then, it
//! does to all. A round gives one ratio, a session the median of its rounds, the table the median of the
//! sessions with its interval.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::contestant::{Contestant, Place};
use super::rows::Row;
use super::statistics::{Estimate, Random, estimate, median};
use super::world::{Rival, World};

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

impl Effort {
    /// In a few words.
    pub fn text(&self) -> String {
        let Effort { sessions, rounds, turn } = self;
        format!("{sessions} sessions of {rounds} rounds, {turn:?} a turn")
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let Effort { sessions, rounds, turn } = self;
        json!({ "sessions": sessions, "rounds": rounds, "turn_ns": turn.as_nanos() as u64 })
    }
}

/// Nanoseconds per repetition, by rival and round. Empty for one who does not take part.
pub type Session = [Vec<f64>; Rival::ALL.len()];

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

    /// Of sessions that were measured.
    #[cfg(test)]
    pub fn of(sessions: Vec<Session>) -> Figures {
        Figures { sessions }
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

    /// What one loses of another's repetitions per second, less `times` what a third loses of them: above 0
    /// where it loses more than that.
    pub fn loss_beyond(&self, times: f64, rival: Rival, third: Rival, to: Rival) -> Option<Estimate> {
        self.over_sessions(|session| {
            let [cost, third, other] = [rival, third, to].map(|rival| &session[rival as usize]);
            let rounds = cost.iter().zip(third).zip(other);
            rounds.map(|((cost, third), other)| loss(*cost, *other) - times * loss(*third, *other)).collect()
        })
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

/// The part of the repetitions per second that is lost where one costs more than another.
fn loss(cost: f64, other: f64) -> f64 {
    1.0 - other / cost
}

/// One session. How many repetitions make a turn is found out in the first.
fn session(
    world: &World,
    row: &Row,
    effort: &Effort,
    random: &mut Random,
    repetitions: &mut [u32; Rival::ALL.len()],
) -> Result<Session> {
    let mut rivals = world.rivals(row);
    random.shuffle(&mut rivals);
    let start = |rival: Rival| Ok((rival, world.start(row, rival)?));
    let mut contestants = rivals.into_iter().map(start).collect::<Result<Vec<_>>>()?;
    // Two processors that wake each other need time to get into step.
    let turn = if row.place == Place::Two { effort.turn * 3 } else { effort.turn };
    for (rival, contestant) in &mut contestants {
        if rival.paced_by(row) == *rival && repetitions[*rival as usize] == 0 {
            repetitions[*rival as usize] = calibrate(contestant.as_mut(), turn)?;
        }
    }
    let repetitions = |rival: Rival| repetitions[rival.paced_by(row) as usize];
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
fn calibrate(contestant: &mut dyn Contestant, turn: Duration) -> Result<u32> {
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
            let (native, again, ours) = ([10., 12., 90.], [10., 10., 90.], [20., 24., 90.]);
            [costs(native), costs(again), costs(ours), vec![], vec![], vec![], vec![]]
        };
        Figures { sessions: vec![session(1.0), session(1.0), session(1.5)] }
    }

    #[test]
    fn what_happens_to_a_whole_round_or_session_cancels_out() {
        let figures = figures();
        assert_eq!(figures.ratio(Rival::Ours, Rival::Native).unwrap().median, 2.0);
        assert_eq!(figures.ratio(Rival::Again, Rival::Native).unwrap().median, 1.0);
        assert_eq!(figures.difference(Rival::Ours, Rival::Native).unwrap().median, 10.0);
        assert_eq!(figures.cost(Rival::Native).unwrap().median, 12.0);
    }

    #[test]
    fn losses_are_parts_of_what_is_done_in_a_second() {
        // Costs of 10 natively, 20 ours, 40 strace's: 50% lost, and 75%.
        let session = || [vec![10.; 3], vec![10.; 3], vec![20.; 3], vec![40.; 3], vec![], vec![], vec![]];
        let figures = Figures { sessions: (0..6).map(|_| session()).collect() };
        let beyond =
            |times| figures.loss_beyond(times, Rival::Ours, Rival::Strace, Rival::Native).unwrap().median;
        assert_eq!(beyond(0.0), 0.5);
        assert_eq!(beyond(1.0), -0.25);
        assert_eq!(beyond(2.0 / 3.0), 0.0);
        assert_eq!(figures.loss_beyond(1.0, Rival::Qemu, Rival::Strace, Rival::Native), None);
    }

    #[test]
    fn who_takes_no_part_has_no_figures() {
        let figures = figures();
        assert_eq!(figures.cost(Rival::Strace), None);
        assert_eq!(figures.ratio(Rival::Ours, Rival::Qemu), None);
    }
}
