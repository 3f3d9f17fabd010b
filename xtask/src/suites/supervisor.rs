//! The supervisor itself: what it needs, what is left of it, and what becomes of the program without it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::guests::{Build, Builder, Guest};
use super::way::{Mode, Way};
use super::{LIMIT, World, command, missing, nothing_left, until, words};
use crate::process::{Live, Running, ending};
use crate::report::{Outcome, Report};
use crate::tools::GCC32;

const MANY: Guest = Guest { name: "many", sources: &["many.c", "entry.S"], builds: &[] };
const ORPHANED: Guest = Guest { name: "orphaned", sources: &["orphaned.c", "entry.S"], builds: &[] };

/// A supervisor's process.
pub struct Supervisor(Pid);

/// What a supervisor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Open descriptors.
    pub descriptors: usize,
    /// Memory of its own in KiB; what it shares with other copies of its file is not in it.
    pub anonymous: u64,
    /// All memory that it uses, in KiB.
    pub resident: u64,
}

impl Supervisor {
    /// The supervisor of a program that runs: its child, named as the program that it came from.
    pub fn of(world: &World, program: Pid) -> Result<Supervisor> {
        let name = world.socketcall.file_name().context("a program without a name")?;
        let name = name.to_string_lossy().chars().take(15).collect::<String>();
        let found = || -> Result<Option<Pid>> {
            let children = fs::read_to_string(format!("/proc/{program}/task/{program}/children"))?;
            let named = |pid: &&str| {
                fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim_end() == name)
            };
            let pid = children.split_whitespace().find(named).map(str::parse).transpose()?;
            Ok(pid.map(Pid::from_raw))
        };
        until("the program has a supervisor", || Ok(found()?.is_some()))?;
        found()?.map(Supervisor).context("it has gone")
    }

    /// What it holds now.
    pub fn state(&self) -> Result<State> {
        let pid = self.0;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            value.with_context(|| format!("no {name} in /proc/{pid}/status"))
        };
        Ok(State {
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
            anonymous: field("RssAnon:")?,
            resident: field("VmRSS:")?,
        })
    }

    /// Whether it has ended, and perhaps not been waited for.
    fn has_ended(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0));
        stat.map_or(true, |stat| stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z')))
    }

    pub fn kill(&self) -> Result<()> {
        Ok(kill(self.0, Signal::SIGKILL)?)
    }
}

pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("supervisor");
    let builder = Builder::new(world)?;
    let needs = || {
        let no_root = (!nix::unistd::geteuid().is_root()).then(|| "needs root".to_owned());
        missing(&[GCC32]).or(no_root)
    };
    let mut case = |name: &str, case: &dyn Fn() -> Result<String>| {
        report.case(name, || match needs() {
            Some(why) => Ok(Outcome::Skipped(why)),
            None => nothing_left(case()).map(Outcome::Passed),
        });
    };
    for &mode in Mode::ALL {
        let title = |what: &str| format!("{what}, {}", mode.name());
        case(&title("memory"), &|| memory(world, &builder, mode));
        case(&title("nothing piles up"), &|| nothing_piles_up(world, &builder, mode));
    }
    for &mode in Mode::UNTRACED {
        let title = format!("killed, the program goes on, and executes nothing, {}", mode.name());
        case(&title, &|| killed(world, &builder, mode));
    }
    case("another listener is there, untraced", &|| other_listener(world, &builder));
    report.end_suite();
    Ok(())
}

/// A guest under `run`, inside the denying filter.
fn start(world: &World, mode: Mode, program: &Path, arguments: &[&str]) -> Result<Live> {
    let (mut line, run) = Way::Run(mode).prefix(world);
    line.extend(run);
    line.push(program.display().to_string());
    line.extend(words(arguments));
    Live::start(command(&line)?, LIMIT)
}

/// At most 4 MiB, and one KiB per process.
fn memory(world: &World, builder: &Builder, mode: Mode) -> Result<String> {
    const ALL: u64 = 4096;
    let program = builder.make(&MANY, Build::Dynamic)?;
    let mut states = vec![];
    for processes in [1, 1000] {
        let mut live = start(world, mode, &program, &[&(processes - 1).to_string(), "sleep"])?;
        live.line()?;
        let supervisor = Supervisor::of(world, live.pid())?;
        states.push(supervisor.state()?);
        let finished = live.wait()?;
        ensure!(finished.status.success(), "{}: {}", finished.command, ending(finished.status));
    }
    let [one, many] = states[..] else { bail!("two states") };
    let each = many.anonymous.saturating_sub(one.anonymous) as f64 / 999.0;
    let said = format!(
        "{} KiB with one process ({} its own), {} with 1,000 ({}): {each:.2} KiB each",
        one.resident, one.anonymous, many.resident, many.anonymous
    );
    ensure!(one.resident <= ALL && each <= 1.0, "{said}");
    Ok(said)
}

/// Process after process comes and goes; the supervisor is as it was.
fn nothing_piles_up(world: &World, builder: &Builder, mode: Mode) -> Result<String> {
    const AT_A_TIME: usize = 250;
    const EARLY: usize = 2;
    const LATE: usize = 16;
    /// What an allocator may keep, in KiB. An entry of sixteen bytes that each process left would be as much.
    const SLACK: u64 = 64;
    let program = builder.make(&MANY, Build::Dynamic)?;
    let many = program.display().to_string();
    let script = "while read n; do \"$0\" \"$n\" >/dev/null || exit 1; echo done; done";
    let mut live = start(world, mode, Path::new("/bin/sh"), &["-c", script, &many])?;
    let mut after = |turns: usize| -> Result<State> {
        for _ in 0..turns {
            live.say(&AT_A_TIME.to_string())?;
            ensure!(live.line()? == "done", "it failed");
        }
        Supervisor::of(world, live.pid())?.state()
    };
    let (early, late) = (after(EARLY)?, after(LATE)?);
    ensure!(early.descriptors == late.descriptors, "early {early:?}, late {late:?}");
    ensure!(late.anonymous <= early.anonymous + SLACK, "early {early:?}, late {late:?}");
    let supervisor = Supervisor::of(world, live.pid())?;
    let finished = live.wait()?;
    ensure!(finished.status.success(), "{}: {}", finished.command, ending(finished.status));
    until("the supervisor ends with the program", || Ok(supervisor.has_ended()))?;
    Ok(format!(
        "{} processes later: {} descriptors, {} KiB of its own, {} before",
        LATE * AT_A_TIME,
        late.descriptors,
        late.anonymous,
        early.anonymous
    ))
}

/// Without its supervisor the program keeps its filter and its stub; what it executes would have none.
fn killed(world: &World, builder: &Builder, mode: Mode) -> Result<String> {
    let program = builder.make(&ORPHANED, Build::Dynamic)?;
    let mut live = start(world, mode, &program, &[])?;
    let ask = |what: &str, live: &mut Live| -> Result<String> {
        live.say(what)?;
        live.line()
    };
    let before = [ask("call", &mut live)?, ask("fork", &mut live)?, ask("exec", &mut live)?];
    ensure!(before == ["made, made", "made, made", "status 0x700"], "before: {before:?}");
    let supervisor = Supervisor::of(world, live.pid())?;
    supervisor.kill()?;
    until("the supervisor is dead", || Ok(supervisor.has_ended()))?;
    let after = [ask("call", &mut live)?, ask("fork", &mut live)?, ask("exec", &mut live)?];
    ensure!(after == ["made, made", "made, made", "Function not implemented"], "after: {after:?}");
    let finished = live.wait()?;
    ensure!(finished.status.success(), "{}: {}", finished.command, ending(finished.status));
    Ok("calls go on; exec: Function not implemented".into())
}

/// Of several listeners only one can be: it is said at start, and nothing is run.
fn other_listener(world: &World, builder: &Builder) -> Result<String> {
    let program = builder.make(&ORPHANED, Build::Dynamic)?;
    let (mut line, run) = Way::RunOverheard(Mode::Untraced).prefix(world);
    line.extend(run);
    line.push(program.display().to_string());
    let finished = Running::start(command(&line)?, b"call\n".to_vec(), LIMIT)?.wait()?;
    let said = finished.stderr.lines().next().unwrap_or_default().to_owned();
    ensure!(finished.status.code() == Some(125) && finished.stdout.is_empty(), "{}", ending(finished.status));
    ensure!(said.contains("listener"), "it says: {said}");
    Ok(said)
}
