//! `cargo xtask bench`: what `socketcall run` and `socketcall trace` cost, beside strace and qemu-i386.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use guest32::Guest;
use nix::sys::resource::{Resource, setrlimit};
use serde_json::{Map, Value, json};

use crate::apt::{Debian, I386};
use crate::tools;
use crate::workspace::{Workspace, fresh};

mod attach;
pub mod connect;
mod contest;
mod contestant;
mod http;
mod machine;
mod memory;
pub mod pingpong;
pub mod repeat;
mod rows;
mod services;
mod statistics;
mod table;
pub mod threads;
mod world;

use contest::{Effort, Figures};
use contestant::Place;
use machine::Machine;
use rows::{Chosen, Output, ROWS, Row, Verb, Work, chosen};
use statistics::Random;
use table::{Line, Verdict};
use world::{Rival, World};

/// A table of ratios to native, each with its 95% interval. A bound that is missed is marked `over`, and is
/// no failure; `open` where the interval lies on both sides of it.
#[derive(Args)]
pub struct Options {
    /// Install strace and qemu-i386 where they are missing, and unpack Debian's i386 programs under the target
    /// directory.
    #[arg(long)]
    install: bool,
    /// Measure less: in about two minutes, with wide intervals.
    #[arg(long)]
    quick: bool,
    /// Also write the figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure this program instead of the workspace's own (an installed one, say).
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Measure the rows of this name, or whose names begin so.
    #[arg(value_name = "ROW")]
    rows: Vec<String>,
}

/// How much is measured of a loop, and of a server.
struct Efforts {
    loops: Effort,
    servers: Effort,
}

/// Sessions of all processes anew, so that no single one's luck counts; turns that are long enough for the
/// clock and too short for a machine's moods. What loads a server counts in milliseconds.
const FULL: Efforts = Efforts {
    loops: Effort { sessions: 15, rounds: 12, turn: Duration::from_millis(3) },
    servers: Effort { sessions: 9, rounds: 3, turn: Duration::from_millis(100) },
};
/// The fewest sessions that give an interval.
const QUICK: Efforts = Efforts {
    loops: Effort { sessions: 6, rounds: 12, turn: Duration::from_millis(3) },
    servers: Effort { sessions: 6, rounds: 2, turn: Duration::from_millis(80) },
};

/// What has a line of its own below the table: its name, the verb that it needs, and how it is measured.
type Single = (&'static str, Verb, fn(&World) -> Result<Line>);
const SINGLES: [Single; 2] =
    [(memory::NAME, Verb::Run, memory::line), (attach::NAME, Verb::Trace(Output::Null), attach::line)];

/// No file may become larger, a trace's above all.
const LARGEST: u64 = 1 << 30;

/// Measures, and prints row by row.
pub fn run(options: &Options) -> Result<ExitCode> {
    let Ok(Chosen { rows, lines }) = chosen(&options.rows, &SINGLES.map(|(name, ..)| name)) else {
        let names: Vec<&str> =
            ROWS.iter().map(|row| row.name).chain(SINGLES.map(|(name, ..)| name)).collect();
        bail!("no such row; there are: {}", names.join("; "));
    };
    tools::provide(tools::FOR_BENCH, "bench", options.install)?;
    let world = world(options, rows.iter().any(|row| matches!(row.work, Work::Serve(_))))?;
    // All that is started from here on inherits that (setrlimit(2)).
    setrlimit(Resource::RLIMIT_FSIZE, LARGEST, LARGEST).context("RLIMIT_FSIZE")?;
    let start = Instant::now();
    let efforts = if options.quick { QUICK } else { FULL };
    let machine = Machine::here()?;
    println!("{}; load {}", machine.text(), machine::load());
    println!("{}; for servers {}\n", efforts.loops.text(), efforts.servers.text());
    let (mut possible, mut skipped) = (vec![], BTreeMap::<String, Vec<&str>>::new());
    for row in rows {
        match obstacle(&world, row)? {
            None => possible.push(row),
            Some(why) => skipped.entry(why).or_default().push(row.name),
        }
    }
    let mut singles = vec![];
    for single @ (name, verb, _) in SINGLES.iter().filter(|(name, ..)| lines.contains(name)) {
        match without(&world, *verb, &[]) {
            None => singles.push(single),
            Some(why) => skipped.entry(why).or_default().push(name),
        }
    }
    for (why, names) in skipped {
        println!("skipped: {}: {why}\n", names.join("; "));
    }
    let mut bench = Bench { world, efforts, random: Random::new(0), measured: vec![], verdicts: vec![] };
    bench.rows(&possible)?;
    let mut told = Map::new();
    for (name, _, measure) in singles {
        let line = measure(&bench.world).context(*name)?;
        println!("\n{}", line.text);
        bench.verdicts.push(line.verdict);
        told.insert((*name).into(), line.json);
    }
    println!("\n{}; load {}; in {} s", bench.summary(), machine::load(), start.elapsed().as_secs());
    if let Some(file) = &options.json {
        let all = json!({
            "machine": machine.json(),
            "effort": bench.efforts.loops.json(),
            "effort_for_servers": bench.efforts.servers.json(),
            "rows": bench.measured,
            "lines": told,
        });
        fs::write(file, format!("{all:#}\n")).with_context(|| file.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What measures, and what came out so far.
struct Bench {
    world: World,
    efforts: Efforts,
    random: Random,
    measured: Vec<Value>,
    verdicts: Vec<Verdict>,
}

impl Bench {
    fn rows(&mut self, rows: &[&'static Row]) -> Result<()> {
        if !rows.is_empty() {
            println!("{}", table::head());
        }
        for row in rows {
            let effort = match row.work {
                Work::Serve(_) => &self.efforts.servers,
                _ => &self.efforts.loops,
            };
            let figures = Figures::measure(&self.world, row, effort, &mut self.random)?;
            println!("{}", table::text(row, &figures));
            self.measured.push(table::json(row, &figures));
            self.verdicts.extend(table::verdict(row, &figures));
        }
        Ok(())
    }

    /// How many bounds are kept.
    fn summary(&self) -> String {
        let count = |verdict: Verdict| self.verdicts.iter().filter(|other| **other == verdict).count();
        let counts = Verdict::ALL.map(|verdict| format!("{} {}", count(verdict), verdict.text()));
        format!("{} bounds: {}", self.verdicts.len(), counts.join(", "))
    }
}

/// Why a row can't be measured here, and what can be done about it.
fn obstacle(world: &World, row: &Row) -> Result<Option<String>> {
    if row.place == Place::Two && contestant::processors()?.len() < 2 {
        return Ok(Some("it needs two processors".into()));
    }
    if let Some(why) = without(world, row.verb, row.options) {
        return Ok(Some(why));
    }
    let Work::Serve(service) = row.work else { return Ok(None) };
    Ok(match &world.debian {
        Err(why) => Some(why.clone()),
        Ok(root) => service
            .programs
            .iter()
            .map(|program| root.join(program))
            .find(|path| !path.exists())
            .map(|path| {
                let directory = root.parent().unwrap_or(root).display();
                format!("no {}; remove {directory}, and run `cargo xtask bench --install`", path.display())
            }),
    })
}

/// What is to be said where the program under test does not know a verb, or one of its options.
fn without(world: &World, verb: Verb, options: &[&str]) -> Option<String> {
    let mut help = Command::new(&world.socketcall);
    let help = help.args([verb.name(), "--help"]).stdin(Stdio::null()).output().ok();
    let missing = match help.filter(|help| help.status.success()) {
        None => format!("verb {}", verb.name()),
        Some(help) => {
            let text = String::from_utf8_lossy(&help.stdout).into_owned();
            let is_missing = |option: &&&str| option.starts_with('-') && !text.contains(**option);
            format!("option {} of {}", options.iter().find(is_missing)?, verb.name())
        }
    };
    let program = world.socketcall.display();
    Some(format!("{program} has no {missing}; build one that has, or name it by --program"))
}

fn world(options: &Options, with_servers: bool) -> Result<World> {
    let workspace = Workspace::find()?;
    let socketcall = match &options.program {
        Some(program) => program.canonicalize().with_context(|| program.display().to_string())?,
        None => workspace.socketcall()?,
    };
    let guests = workspace.target.join("bench");
    write_guests(&guests)?;
    let mut rivals = vec![Rival::Native, Rival::Again, Rival::Ours, Rival::Bare];
    if tools::STRACE.works() {
        rivals.extend([Rival::Strace, Rival::StraceFilter]);
    }
    rivals.extend(tools::QEMU.works().then_some(Rival::Qemu));
    let debian = match with_servers {
        true => debian(&workspace, options.install),
        false => Err("not asked for".into()),
    };
    Ok(World { socketcall, xtask: std::env::current_exe()?, guests, debian, rivals })
}

/// The tree of Debian's i386 programs. It is a large thing to unpack without being asked.
fn debian(workspace: &Workspace, install: bool) -> Result<PathBuf, String> {
    if !install && !workspace.target.join("i386/stamp").exists() {
        return Err("Debian's i386 programs are not unpacked; `cargo xtask bench --install` does so".into());
    }
    Debian::prepare(&workspace.target, I386).map_err(|error| format!("{error:#}"))
}

fn write_guests(directory: &Path) -> Result<()> {
    fresh(directory)?;
    for guest in Guest::ALL {
        let path = directory.join(guest.name());
        fs::write(&path, guest.image()).with_context(|| path.display().to_string())?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
