//! The programs of tests/guests: natively, inside the denying filter, and there under `run`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::{Context, Result, bail, ensure};

use self::build::Builder;
use self::table::{Build, Calls, GUESTS, Guest, Run};
use super::{LIMIT, Way, World, account, command, nothing_left, unfiltered, words};
use crate::counts::Counts;
use crate::process::{Finished, Running, ending};
use crate::report::{Outcome, Report, difference};
use crate::tools::GCC32;

mod build;
mod table;

/// Runs every guest in each of its builds.
pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("guests");
    let no_compiler = super::missing(&[GCC32]);
    let builder = Builder::new(world)?;
    let wanted = |guest: &Guest, build, run| report.wants(&title(guest, build, run));
    let all: Vec<_> = cases().filter(|(guest, build, run)| wanted(guest, *build, run)).collect();
    if no_compiler.is_none() {
        builder.build_all(all.iter().map(|(guest, build, _)| (*guest, *build)))?;
    }
    for (guest, build, run) in all {
        report.case(&title(guest, build, run), || {
            if let Some(why) = &no_compiler {
                return Ok(Outcome::Skipped(why.clone()));
            }
            if run.root && !nix::unistd::geteuid().is_root() {
                return Ok(Outcome::Skipped("needs root".into()));
            }
            if build.is_musl()
                && let Err(why) = &world.debian
            {
                return Ok(Outcome::Skipped(format!("no musl: {why}")));
            }
            let directory = builder.built(guest, build)?;
            nothing_left(Case { world, guest, run, directory }.agree())
        });
    }
    report.end_suite();
    Ok(())
}

/// Every guest, build and run of the table.
fn cases() -> impl Iterator<Item = (&'static Guest, Build, &'static Run)> {
    GUESTS.iter().flat_map(|guest| {
        guest.builds.iter().flat_map(move |(build, runs)| runs.iter().map(move |run| (guest, *build, run)))
    })
}

fn title(guest: &Guest, build: Build, run: &Run) -> String {
    let words = [&[guest.name], run.arguments].concat().join(" ");
    format!(
        "{words}{}, {}",
        run.around.map_or_else(String::new, |(name, _)| format!(", {name}")),
        build.name()
    )
}

struct Case<'a> {
    world: &'a World,
    guest: &'static Guest,
    run: &'static Run,
    directory: PathBuf,
}

impl Case<'_> {
    /// The runs, and whether they agree.
    fn agree(&self) -> Result<Outcome> {
        let native = self.start(Way::Native)?;
        if native.status != self.run.status() {
            let got = ending(native.status);
            bail!(
                "natively, {}\nexpected: {}\ngot:      {got}\n{}{}",
                native.command,
                ending(self.run.status()),
                native.text(),
                native.stderr
            );
        }
        let denied = self.start(Way::Denied)?;
        let unharmed = denied.status == native.status && denied.stdout == native.stdout;
        ensure!(!unharmed, "the filter does not reach it, so that `run` is not tested: {}", denied.command);

        self.same(&native, &self.start(Way::Quiet)?)?;
        if self.run.silent {
            return Ok(Outcome::Passed("the same".into()));
        }
        let mut supervised = self.start(Way::Supervised)?;
        let lines = supervised.stderr.clone();
        let got = account(&mut supervised)?;
        self.same(&native, &supervised)?;
        let expected = self.expected(&native)?;
        if got != expected {
            bail!("{}\ncounts\nexpected: {expected}\ngot:      {got}\n{lines}", supervised.command);
        }
        Ok(Outcome::Passed(got.to_string()))
    }

    /// Whether a run left behind what the native one did, and met no filter.
    fn same(&self, native: &Finished, supervised: &Finished) -> Result<()> {
        let pairs = [
            ("status", ending(native.status), ending(supervised.status)),
            ("standard output", native.text(), supervised.text()),
            ("standard error", native.stderr.clone(), supervised.stderr.clone()),
        ];
        for (what, expected, got) in pairs {
            if let Some(difference) = difference(&expected, &got) {
                let (command, stderr) = (&supervised.command, &supervised.stderr);
                bail!(
                    "{command}\n{what} differs from the native one: {difference}\nstandard error:\n{stderr}"
                );
            }
        }
        unfiltered(supervised)
    }

    fn start(&self, way: Way) -> Result<Finished> {
        let (mut line, run) = way.prefix(self.world);
        if let Some((_, script)) = self.run.around {
            line.extend(words(&["sh", "-c", script, "sh"]));
        }
        line.extend(run);
        line.push(self.directory.join(self.guest.name).display().to_string());
        for argument in self.run.arguments {
            line.push(argument.replace("DIR", &self.directory.display().to_string()));
        }
        let mut command = command(&line)?;
        command.current_dir(&self.directory);
        Running::start(command, vec![], LIMIT)?.wait()
    }

    fn expected(&self, native: &Finished) -> Result<Counts> {
        match self.run.calls {
            Calls::Exactly(counts) => Ok(counts),
            Calls::Printed => {
                let text = native.text();
                let line = text.lines().find_map(|line| line.strip_prefix("calls: "));
                line.and_then(Counts::parse).with_context(|| format!("no counts printed:\n{text}"))
            }
        }
    }
}

/// A directory that every user can enter, unlike a target directory in somebody's home. Removed at the end.
struct Shared(PathBuf);

impl Shared {
    fn new() -> Result<Shared> {
        let path = std::env::temp_dir().join(format!("socketcall-guests-{}", std::process::id()));
        crate::workspace::fresh(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(Shared(path))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Run {
    fn status(&self) -> ExitStatus {
        std::os::unix::process::ExitStatusExt::from_raw(self.wait_status)
    }
}

/// Makes an executable script.
fn script(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
