//! What is measured.

use guest32::{Entry, Guest, Program};

use super::contestant::Place;
use super::services::{self, Service};
use super::world::Rival;

/// One line of the table.
pub struct Row {
    /// What a person calls it.
    pub name: &'static str,
    /// What takes the time.
    pub work: Work,
    /// What of ours it is done under.
    pub verb: Verb,
    /// Options of that verb.
    pub options: &'static [&'static str],
    /// On which processors.
    pub place: Place,
    /// What is promised of it.
    pub bound: Option<Bound>,
}

/// What takes the time.
#[derive(Clone, Copy)]
pub enum Work {
    /// A benchmark, long after its start.
    Loop(Program, Entry),
    /// A ping-pong of 64-bit processes, long after its start.
    PingPong64,
    /// Connections that a 64-bit process makes with itself, long after its start.
    Connect64,
    /// The start and the end of a program that does nothing; natively, of `env PROGRAM`.
    Start {
        /// All inside a filter that denies socketcall.
        denied: bool,
    },
    /// A server of Debian's for i386, which is asked from outside.
    Serve(&'static Service),
}

/// A verb of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `socketcall run`
    Run,
    /// `socketcall trace -o`, and strace too writes there.
    Trace(Output),
}

/// Where a trace goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// /dev/null.
    Null,
    /// A file.
    File,
}

impl Verb {
    /// As it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Verb::Run => "run",
            Verb::Trace(_) => "trace",
        }
    }
}

/// At most so much.
#[derive(Clone, Copy)]
pub enum Bound {
    /// Times native.
    Ratio(f64),
    /// Nanoseconds more than native.
    Over(f64),
    /// Times strace without a filter, as it is mostly typed.
    OfStrace(f64),
    /// Times what that strace loses of the repetitions per second.
    OfStraceLoss(f64),
    /// Times `socketcall run` without options.
    OfRun(f64),
}

impl Bound {
    /// Whom it is held against.
    pub const fn against(self) -> Rival {
        match self {
            Ratio(_) | Over(_) => Rival::Native,
            OfStrace(_) | OfStraceLoss(_) => Rival::Strace,
            OfRun(_) => Rival::Bare,
        }
    }
}

use Bound::{OfRun, OfStrace, OfStraceLoss, Over, Ratio};
use Place::{Free, One, Two};
use Program::{BenchFork, BenchGetppid, BenchGetsockopt, BenchPingpong, BenchSendrecv, BenchSignal};

/// The program that [`Work::Start`] starts. It makes no call that a filter denies.
pub const STARTED: Guest = Guest { program: BenchGetppid, entry: Entry::Int80 };

const START: Work = Work::Start { denied: false };
const REDIS: Work = Work::Serve(&services::REDIS);
const REDIS_RECONNECTING: Work = Work::Serve(&services::REDIS_RECONNECTING);
const IPERF3: Work = Work::Serve(&services::IPERF3);

/// Nobody stays attached to the program.
const UNTRACED: &[&str] = &["--untraced"];

/// Rules that the filter decides.
const FAMILIES: &[&str] = &["--deny", "family=alg,vsock"];

/// Rules that need a look at the program's memory where it connects. The network is one for documentation
/// (RFC 5737).
const ADDRESSES: &[&str] = &["--deny", "call=connect address=192.0.2.0/24"];
/// The same for sockets of one type, so that descriptors are held.
const TYPES: &[&str] = &["--deny", "call=connect type=stream address=192.0.2.0/24"];

/// `run` without options and bound.
const fn run(name: &'static str, work: Work, place: Place) -> Row {
    Row { name, work, verb: Verb::Run, options: &[], place, bound: None }
}

/// `run --untraced`
const fn untraced(name: &'static str, work: Work, place: Place) -> Row {
    Row { options: UNTRACED, ..run(name, work, place) }
}

/// `trace -o`
const fn trace(name: &'static str, output: Output, work: Work) -> Row {
    Row { verb: Verb::Trace(output), ..run(name, work, One) }
}

/// `run --deny RULE`, held against `run`.
const fn policed(name: &'static str, rule: &'static [&'static str], work: Work) -> Row {
    Row { options: rule, bound: Some(OfRun(1.02)), ..run(name, work, One) }
}

/// That row with this bound.
const fn at_most(bound: Bound, row: Row) -> Row {
    Row { bound: Some(bound), ..row }
}

/// By the vDSO, as the C libraries go: the stub's way.
const fn vdso(program: Program) -> Work {
    Work::Loop(program, Entry::Vdso)
}

/// By an `int $0x80` of its own, as Go goes: the trap's way.
const fn int80(program: Program) -> Work {
    Work::Loop(program, Entry::Int80)
}

/// All rows, in the order of the table.
pub const ROWS: &[Row] = &[
    at_most(Ratio(1.02), run("getsockopt", vdso(BenchGetsockopt), One)),
    at_most(Ratio(1.02), run("send+recv", vdso(BenchSendrecv), One)),
    at_most(Ratio(1.02), run("ping-pong, one CPU", vdso(BenchPingpong), One)),
    at_most(Ratio(1.02), run("ping-pong, two CPUs", vdso(BenchPingpong), Two)),
    at_most(Over(500_000.0), run("start-up", START, Free)),
    run("start-up, one CPU", START, One),
    Row { options: &["-v"], ..run("start-up, -v", START, Free) },
    untraced("start-up, untraced", START, Free),
    run("start-up in a filter", Work::Start { denied: true }, Free),
    run("getsockopt, int80", int80(BenchGetsockopt), One),
    run("send+recv, int80", int80(BenchSendrecv), One),
    at_most(OfStrace(0.55), run("ping-pong, int80, one CPU", int80(BenchPingpong), One)),
    run("ping-pong, int80, two CPUs", int80(BenchPingpong), Two),
    at_most(Ratio(1.3), untraced("ping-pong, int80, untraced", int80(BenchPingpong), One)),
    at_most(Ratio(1.25), run("getppid", vdso(BenchGetppid), One)),
    at_most(Ratio(1.25), run("getppid, int80", int80(BenchGetppid), One)),
    at_most(Ratio(1.9), run("fork+exit", vdso(BenchFork), One)),
    at_most(Ratio(1.05), untraced("fork+exit, untraced", vdso(BenchFork), One)),
    at_most(Ratio(2.0), run("signal to self", vdso(BenchSignal), One)),
    at_most(Ratio(1.05), untraced("signal, untraced", vdso(BenchSignal), One)),
    at_most(Ratio(1.02), run("redis", REDIS, One)),
    at_most(Ratio(1.02), run("redis, reconnecting", REDIS_RECONNECTING, One)),
    at_most(Ratio(1.02), run("nginx", Work::Serve(&services::NGINX), One)),
    at_most(Ratio(1.02), run("iperf3", IPERF3, One)),
    at_most(OfStrace(0.7), trace("trace, ping-pong", Output::Null, vdso(BenchPingpong))),
    at_most(OfStrace(0.7), trace("trace, ping-pong, int80", Output::Null, int80(BenchPingpong))),
    at_most(OfStrace(0.7), trace("trace, ping-pong, 64-bit", Output::Null, Work::PingPong64)),
    at_most(OfStraceLoss(0.7), trace("trace, redis", Output::File, REDIS)),
    at_most(OfStraceLoss(0.7), trace("trace, redis, reconnecting", Output::File, REDIS_RECONNECTING)),
    policed("policy families, ping-pong", FAMILIES, vdso(BenchPingpong)),
    policed("policy families, redis", FAMILIES, REDIS),
    policed("policy families, iperf3", FAMILIES, IPERF3),
    policed("policy addresses, ping-pong", ADDRESSES, Work::PingPong64),
    policed("policy addresses, redis", ADDRESSES, REDIS),
    policed("policy addresses, iperf3", ADDRESSES, IPERF3),
    Row { bound: Some(Over(25_000.0)), ..policed("policy addresses, connect", ADDRESSES, Work::Connect64) },
    Row { options: ADDRESSES, ..run("policy connect, any CPU", Work::Connect64, Free) },
    Row { options: TYPES, ..run("policy types, connect", Work::Connect64, One) },
];

/// What is chosen by `names`.
pub struct Chosen<'a> {
    /// Rows of the table.
    pub rows: Vec<&'static Row>,
    /// What has a line of its own.
    pub lines: Vec<&'a str>,
}

/// The rows and `lines` whose name is one of `names`, or begins with it where none has that name; all for none.
/// The first name that chooses nothing is the error.
pub fn chosen<'a, 'b>(names: &'b [String], lines: &[&'a str]) -> Result<Chosen<'a>, &'b str> {
    let all: Vec<&str> = ROWS.iter().map(|row| row.name).chain(lines.iter().copied()).collect();
    let wants = |wanted: &str, name: &str| {
        if all.contains(&wanted) { name == wanted } else { name.starts_with(wanted) }
    };
    if let Some(unknown) = names.iter().find(|wanted| !all.iter().any(|name| wants(wanted, name))) {
        return Err(unknown);
    }
    let is_chosen = |name: &str| names.is_empty() || names.iter().any(|wanted| wants(wanted, name));
    Ok(Chosen {
        rows: ROWS.iter().filter(|row| is_chosen(row.name)).collect(),
        lines: lines.iter().copied().filter(|name| is_chosen(name)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of all that is chosen, where "memory" and "nginx's" have lines.
    fn names(wanted: &[&str]) -> Vec<&'static str> {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).into()).collect();
        let Chosen { rows, lines } = chosen(&wanted, &["memory", "nginx's"]).unwrap();
        rows.iter().map(|row| row.name).chain(lines).collect()
    }

    #[test]
    fn names_tell_rows_apart() {
        let mut names = names(&[]);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len() + 2);
    }

    #[test]
    fn rows_are_chosen_by_name_or_by_how_it_begins() {
        assert_eq!(names(&["getppid"]), ["getppid"]);
        assert_eq!(names(&["getpp"]), ["getppid", "getppid, int80"]);
        assert_eq!(names(&["nginx", "mem"]), ["nginx", "memory"]);
        assert_eq!(names(&["ngin"]), ["nginx", "nginx's"]);
        assert_eq!(names(&["signal"]), ["signal to self", "signal, untraced"]);
        assert_eq!(chosen(&["getppid".into(), "nothing".into()], &["memory"]).err(), Some("nothing"));
    }

    /// A bound against strace is one of what strace can do as well.
    #[test]
    fn what_is_traced_is_held_against_strace() {
        for row in ROWS.iter().filter(|row| row.verb != Verb::Run) {
            assert!(matches!(row.bound, Some(OfStrace(_) | OfStraceLoss(_))), "{}", row.name);
        }
    }
}
