//! `run` with rules: what goes around them does not, what they permit goes on as ever.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{World, missing, nothing_left};
use crate::process::line;
use crate::report::{Outcome, Report};
use crate::tools::GCC32;
use crate::workspace::fresh;

mod cells;
mod programs;
mod race;
mod receiver;
mod survive;
mod ways;

/// Runs all of it.
pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("policy");
    let guests = Guests::new(world)?;
    let no_compiler = missing(&[GCC32]);
    let mut case = |title: &str, case: &dyn Fn() -> Result<Outcome>| {
        report.case(title, || match &no_compiler {
            Some(why) => Ok(Outcome::Skipped(why.clone())),
            None => nothing_left(case()),
        });
    };
    ways::cases(world, &guests, &mut case);
    programs::cases(world, &mut case);
    cells::cases(world, &guests, &mut case);
    survive::cases(world, &guests, &mut case);
    race::cases(world, &guests, &mut case);
    report.end_suite();
    Ok(())
}

/// Adds a case: its title, and what it does.
type Add<'a> = dyn FnMut(&str, &dyn Fn() -> Result<Outcome>) + 'a;

/// How wide a guest's registers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bits {
    ThirtyTwo,
    SixtyFour,
}

impl Bits {
    const fn name(self) -> &'static str {
        match self {
            Bits::ThirtyTwo => "32",
            Bits::SixtyFour => "64",
        }
    }
}

/// The programs of tests/guests/policy, and a directory for what they make.
struct Guests {
    sources: PathBuf,
    built: PathBuf,
    /// Where sockets and policies lie: a short path, for the sake of `sun_path`.
    scratch: PathBuf,
}

impl Guests {
    fn new(world: &World) -> Result<Guests> {
        let scratch = std::env::temp_dir().join(format!("socketcall-policy-{}", std::process::id()));
        fresh(&scratch)?;
        let sources = world.workspace.source.join("tests/guests/policy");
        Ok(Guests { sources, built: world.workspace.target.join("policy"), scratch })
    }

    /// A guest, built if its sources are newer.
    fn program(&self, name: &str, bits: Bits) -> Result<PathBuf> {
        let directory = self.built.join(bits.name());
        fs::create_dir_all(&directory)?;
        let program = directory.join(name);
        let source = self.sources.join(name).with_extension("c");
        let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let newest = changed(&source).max(changed(&self.sources.join("policy.h")));
        if changed(&program).is_some_and(|built| Some(built) > newest) {
            return Ok(program);
        }
        let mut gcc = Command::new("gcc");
        gcc.args(super::STATIC_GUEST).arg(format!("-m{}", bits.name())).arg("-o").arg(&program).arg(&source);
        let output = gcc.output().context("cannot start gcc")?;
        if !output.status.success() {
            bail!("{}\n{}", line(&gcc), String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(program)
    }

    /// A policy's file.
    fn policy(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.scratch.join(format!("{name}.toml"));
        fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// The words that run a program under a policy.
fn under(world: &World, policy: &Path) -> Vec<String> {
    let words = [world.socketcall.as_path(), "run".as_ref(), "--policy".as_ref(), policy, "--".as_ref()];
    words.iter().map(|word| word.display().to_string()).collect()
}
