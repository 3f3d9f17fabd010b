//! The programs of tests/guests: natively, inside the denying filter, and there under `run`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::{Context, Result, bail, ensure};

pub use self::build::Builder;
pub use self::table::{Build, Guest};
use self::table::{Calls, GUESTS, Limit, Run};
use super::{LIMIT, Mode, Way, World, account, command, nothing_left, unfiltered, words};
use crate::counts::Counts;
use crate::overhear::{SAYS, code};
use crate::process::{Finished, Running, ending};
use crate::report::{Outcome, Report, difference};
use crate::tools::{GCC32, GXX32};

mod build;
mod table;

/// Runs every guest in each of its builds.
pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("guests");
    let no_compiler = super::missing(&[GCC32, GXX32]);
    let builder = Builder::new(world)?;
    let wanted = |guest: &Guest, build, run| report.wants(&title(guest, build, run));
    let all: Vec<_> = cases().filter(|(guest, build, run)| wanted(guest, *build, run)).collect();
    if no_compiler.is_none() {
        builder.build_all(all.iter().map(|(guest, build, _)| (*guest, *build)))?;
    }
    report.case("a listener hears every socketcall that is made", || {
        if let Some(why) = &no_compiler {
            return Ok(Outcome::Skipped(why.clone()));
        }
        let Some((guest, build, run)) = cases().find(|(_, _, run)| run.arguments == ["int80"]) else {
            bail!("no guest makes calls by int $0x80");
        };
        builder.build_all([(guest, build)].into_iter())?;
        let directory = builder.built(guest, build)?;
        nothing_left(Case { world, guest, run, directory }.all_is_heard())
    });
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
    GUESTS.iter().copied().flatten().flat_map(|guest| {
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
        if !self.run.undeniable {
            let denied = self.start(Way::Denied)?;
            let unharmed = denied.status == native.status && denied.stdout == native.stdout;
            ensure!(
                !unharmed,
                "the filter does not reach it, so that `run` is not tested: {}",
                denied.command
            );
        }

        let mut failures = vec![];
        for &mode in self.run.modes {
            failures.extend(self.in_mode(mode, &native).err());
        }
        for limit in self.run.limits {
            failures.extend(limit.modes.iter().filter_map(|mode| self.meets(limit, *mode).err()));
        }
        if !failures.is_empty() {
            bail!("{}", failures.iter().map(|error| format!("{error:#}")).collect::<Vec<_>>().join("\n"));
        }
        let counts = if self.is_counted() { self.expected(&native)?.to_string() } else { "the same".into() };
        Ok(Outcome::Passed(counts))
    }

    /// Whether the program does under `run` what it does natively.
    fn in_mode(&self, mode: Mode, native: &Finished) -> Result<()> {
        same(native, &self.start(Way::Run(mode))?)?;
        same(native, &self.start(Way::Open(mode))?)?;
        if self.is_counted() && mode.is_traced() {
            let mut counted = self.start(Way::Counted(mode))?;
            let lines = counted.stderr.clone();
            let got = account(&mut counted)?;
            same(native, &counted)?;
            let expected = self.expected(native)?;
            if got != expected {
                bail!("{}\ncounts\nexpected: {expected}\ngot:      {got}\n{lines}", counted.command);
            }
        }
        if mode.is_traced() {
            self.nothing_is_heard(mode, self.run.status())?;
        }
        Ok(())
    }

    /// Whether no multiplexed call comes through. (There can be no other listener beside the one that hears
    /// them, so a tracer must do it.)
    fn nothing_is_heard(&self, mode: Mode, status: ExitStatus) -> Result<()> {
        let mut finished = self.start(Way::RunOverheard(mode))?;
        let heard = overheard(&mut finished)?;
        ensure!(heard == 0, "{}\n{heard} socketcalls reached the kernel", finished.command);
        // What it says may differ: the listener is its parent, and tells its status as a shell does.
        let (expected, got) = (code(status), code(finished.status));
        ensure!(expected == got, "{}\nexpected: {expected}\ngot:      {got}", finished.command);
        Ok(())
    }

    /// Whether the program meets a limit of a mode as documented.
    fn meets(&self, limit: &Limit, mode: Mode) -> Result<()> {
        let Limit { prints, says, .. } = *limit;
        let finished = self.start(Way::Run(mode))?;
        let status = ExitStatus::from_raw(limit.wait_status);
        let (expected, got) = (ending(status), ending(finished.status));
        if expected != got || !finished.stderr.contains(says) {
            let (command, stdout, stderr) = (&finished.command, finished.text(), &finished.stderr);
            bail!("{command}\nexpected: {expected}, {says:?}\ngot:      {got}\n{stdout}{stderr}");
        }
        if let Some(difference) = prints.and_then(|prints| difference(prints, &finished.text())) {
            bail!("{}\nstandard output differs: {difference}", finished.command);
        }
        unfiltered(&finished)?;
        if mode.is_traced() { self.nothing_is_heard(mode, status) } else { Ok(()) }
    }

    /// Whether the listener hears the multiplexed calls of a program that nobody takes apart: what it counts in
    /// other worlds proves something.
    fn all_is_heard(&self) -> Result<Outcome> {
        let mut finished = self.start(Way::Overheard)?;
        let heard = overheard(&mut finished)?;
        let Counts { stub, trap, .. } = self.expected(&finished)?;
        ensure!(heard == stub + trap, "{heard} calls were heard of {}", stub + trap);
        Ok(Outcome::Passed(format!("{heard} calls")))
    }

    /// Whether there is a run with -v.
    fn is_counted(&self) -> bool {
        !matches!(self.run.calls, Calls::Unknown)
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
        command.current_dir(&self.directory).env("GUEST", self.directory.join(self.guest.name));
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
            Calls::Unknown => bail!("its calls are not counted"),
        }
    }
}

/// Whether a run left behind what another one did, and met no filter.
fn same(expected: &Finished, got: &Finished) -> Result<()> {
    let pairs = [
        ("status", ending(expected.status), ending(got.status)),
        ("standard output", expected.text(), got.text()),
        ("standard error", expected.stderr.clone(), got.stderr.clone()),
    ];
    for (what, expected, is) in pairs {
        if let Some(difference) = difference(&expected, &is) {
            let (command, stderr) = (&got.command, &got.stderr);
            bail!("{command}\n{what} differs from the native one: {difference}\nstandard error:\n{stderr}");
        }
    }
    unfiltered(got)
}

/// Takes the listener's last line out of standard error.
fn overheard(finished: &mut Finished) -> Result<u64> {
    let line = finished.stderr.trim_end().rfind(SAYS).map(|at| finished.stderr.split_off(at));
    let number = line.and_then(|line| line.trim_end().strip_prefix(SAYS)?.parse().ok());
    number.with_context(|| format!("{}\nno count of what was heard: {}", finished.command, finished.stderr))
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
        ExitStatus::from_raw(self.wait_status)
    }
}

/// Makes an executable script.
fn script(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
