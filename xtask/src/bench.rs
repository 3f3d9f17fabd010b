//! `cargo xtask bench`: what `socketcall run` costs, beside strace and qemu-i386.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use guest32::Guest;
use serde_json::json;

use crate::tools;
use crate::workspace::{Workspace, fresh};

mod contest;
mod contestant;
mod machine;
pub mod repeat;
mod rows;
mod statistics;
mod table;

use contest::{Effort, Figures, Rival, World};
use contestant::Place;
use machine::Machine;
use rows::{ROWS, Row};
use statistics::Random;

/// A table of ratios to native, each with its 95% interval. A bound that is missed is marked `over`, and is
/// no failure; `open` where the interval lies on both sides of it.
#[derive(Args)]
pub struct Options {
    /// Install strace and qemu-i386 where they are missing.
    #[arg(long)]
    install: bool,
    /// Measure less: in about a minute, with wide intervals.
    #[arg(long)]
    quick: bool,
    /// Measure the rows whose name contains this.
    #[arg(long, value_name = "ROW")]
    only: Vec<String>,
    /// Also write the figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure this program instead of the workspace's own (an installed one, say).
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

/// Sessions of all processes anew, so that no single one's luck counts; turns that are long enough for the
/// clock and too short for a machine's moods.
const FULL: Effort = Effort { sessions: 24, rounds: 20, turn: Duration::from_millis(3) };
/// The fewest sessions that give an interval.
const QUICK: Effort = Effort { sessions: 6, rounds: 12, turn: Duration::from_millis(3) };

/// Measures, and prints row by row.
pub fn run(options: &Options) -> Result<ExitCode> {
    let rows = chosen(&options.only)?;
    tools::provide(tools::FOR_BENCH, "bench", options.install)?;
    let world = world(options)?;
    let effort = if options.quick { QUICK } else { FULL };
    let machine = Machine::here()?;
    let Effort { sessions, rounds, turn } = effort;
    println!("{}\n{sessions} sessions of {rounds} rounds, {turn:?} a turn\n", machine.text());
    println!("{}", table::head());
    let mut random = Random::new(0);
    let mut measured = vec![];
    for row in rows {
        if row.place == Place::Two && contestant::processors()?.len() < 2 {
            eprintln!("{}: needs two processors", row.name);
            continue;
        }
        let figures = Figures::measure(&world, row, &effort, &mut random)?;
        println!("{}", table::text(row, &figures));
        measured.push(table::json(row, &figures));
    }
    if let Some(file) = &options.json {
        let all = json!({
            "machine": machine.json(),
            "effort": { "sessions": sessions, "rounds": rounds, "turn_ns": turn.as_nanos() as u64 },
            "rows": measured,
        });
        fs::write(file, format!("{all:#}\n")).with_context(|| file.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen(only: &[String]) -> Result<Vec<&'static Row>> {
    let wanted = |row: &&Row| only.is_empty() || only.iter().any(|part| row.name.contains(part.as_str()));
    let rows: Vec<&Row> = ROWS.iter().filter(wanted).collect();
    if rows.is_empty() {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        bail!("no such row; there are: {}", names.join("; "));
    }
    Ok(rows)
}

fn world(options: &Options) -> Result<World> {
    let workspace = Workspace::find()?;
    let socketcall = match &options.program {
        Some(program) => program.canonicalize().with_context(|| program.display().to_string())?,
        None => workspace.socketcall()?,
    };
    let guests = workspace.target.join("bench");
    write_guests(&guests)?;
    let mut rivals = vec![Rival::Native, Rival::Again, Rival::Run];
    rivals.extend(tools::STRACE.works().then_some(Rival::Strace));
    rivals.extend(tools::QEMU.works().then_some(Rival::Qemu));
    Ok(World { socketcall, xtask: std::env::current_exe()?, guests, rivals })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_chosen_by_a_part_of_their_name() {
        assert_eq!(chosen(&[]).unwrap().len(), ROWS.len());
        let some = chosen(&["start-up".into(), "getppid".into()]).unwrap();
        assert!(some.iter().all(|row| row.name.contains("start-up") || row.name.contains("getppid")));
        assert!(some.len() >= 4);
        assert!(chosen(&["nothing".into()]).err().unwrap().to_string().contains("getsockopt"));
    }
}
