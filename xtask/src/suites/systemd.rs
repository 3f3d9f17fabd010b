//! The drop-in for systemd: as systemd reads it, and as its command line and its filter work together. No systemd
//! is running here.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::guests::{Build, Builder, Guest};
use super::{LIMIT, World, command, missing, nothing_left, unfiltered, words};
use crate::process::Running;
use crate::report::{Outcome, Report, difference};
use crate::tools::{GCC32, SYSTEMD};
use crate::workspace::fresh;

const GUEST: Guest = Guest { name: "all20", sources: &["all20.c", "entry.S"], builds: &[] };

/// Where the drop-in lies, and what it names.
const DROP_IN: &str = "packaging/socketcall.conf";
const OURS: &str = "/usr/bin/socketcall";
const THEIRS: &str = "/opt/game/server-i386 --port 27015";

/// The unit of a package.
const UNIT: &str = "[Unit]\nDescription=A game's server\n[Service]\nExecStart=/bin/true\n";

pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("systemd");
    let missing = missing(&[GCC32, SYSTEMD]);
    report.case("a drop-in", || match &missing {
        Some(why) => Ok(Outcome::Skipped(why.clone())),
        None => nothing_left(drop_in(world)),
    });
    report.end_suite();
    Ok(())
}

fn drop_in(world: &World) -> Result<Outcome> {
    let builder = Builder::new(world)?;
    let guest = format!("{} int80", builder.make(&GUEST, Build::Dynamic)?.display());
    let text = fs::read_to_string(world.workspace.source.join(DROP_IN))?;
    ensure!(text.contains(OURS) && text.contains(THEIRS), "{DROP_IN} names other programs than these");
    let text = text.replace(OURS, &world.socketcall.display().to_string()).replace(THEIRS, &guest);
    is_understood(&world.workspace.target.join("systemd"), &text)?;

    let setting = |name: &str| {
        let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        values.next_back().with_context(|| format!("no {name} in {DROP_IN}"))
    };
    ensure!(setting("SystemCallFilter")? == "~socketcall" && setting("SystemCallErrorNumber")? == "ENOSYS");
    let run = |line: &str, denied: bool| {
        let mut all = words(if denied { &["XTASK", "deny", "--errno", "38", "--"] } else { &[] });
        all.iter_mut()
            .filter(|word| *word == "XTASK")
            .for_each(|word| *word = world.xtask.display().to_string());
        all.extend(line.split(' ').map(str::to_owned));
        Running::start(command(&all)?, vec![], LIMIT)?.wait()
    };
    let native = run(&guest, false)?.success()?;
    ensure!(run(&guest, true)?.stdout != native.stdout, "the filter does not reach it");
    let started = run(setting("ExecStart")?, true)?.success()?;
    if let Some(difference) = difference(&native.text(), &started.text()) {
        anyhow::bail!("{}\nstandard output differs: {difference}", started.command);
    }
    unfiltered(&started)?;
    Ok(Outcome::Passed(String::new()))
}

/// `systemd-analyze verify` finds nothing wrong with a unit that has this drop-in, and something if it has not.
fn is_understood(home: &Path, text: &str) -> Result<()> {
    let verify = |text: &str| {
        fresh(home)?;
        let (unit, drop_ins) = (home.join("game.service"), home.join("game.service.d"));
        fs::write(&unit, UNIT)?;
        fs::create_dir(&drop_ins)?;
        fs::write(drop_ins.join("socketcall.conf"), text)?;
        let line =
            words(&["systemd-analyze", "verify", "--recursive-errors=no", &unit.display().to_string()]);
        let finished = Running::start(command(&line)?, vec![], LIMIT)?.wait()?;
        anyhow::Ok(format!("{}{}", finished.text(), finished.stderr))
    };
    let said = verify(text)?;
    ensure!(!said.contains("socketcall.conf") && !said.contains("game.service"), "{said}");
    let said = verify(&text.replace("SystemCallErrorNumber=", "SystemCallErrorNumbers="))?;
    ensure!(said.contains("SystemCallErrorNumbers"), "a setting that there is not is not found: {said}");
    Ok(())
}
