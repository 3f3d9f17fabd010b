//! Debian's i386 programs over loopback: natively, inside the denying filter, and there under `run`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;

use self::table::Entry;
use super::ports::{free_port, is_bound, listens, listens_at};
use super::{IN_TREE, LIMIT, Mode, Way, World, account, command, nothing_left, unfiltered, words};
use crate::counts::Counts;
use crate::deny::TELLTALE;
use crate::process::{Finished, Hang, Running};
use crate::report::{Outcome, Report, difference};
use crate::workspace::fresh;

pub mod dns;
mod files;
mod remote;
mod scripts;
mod table;

pub use files::nginx_line;
pub use table::{CASES, Case};

/// Runs every case of the table.
pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("debian");
    for case in CASES {
        report.case(case.name, || match &world.debian {
            Ok(root) => agree(world, root, case),
            Err(why) => Ok(Outcome::Skipped(why.clone())),
        });
    }
    report.end_suite();
    Ok(())
}

/// A case natively, with each of its programs denied in turn, and with all of them under `run`: counted, and
/// untraced.
fn agree(world: &World, root: &Path, case: &Case) -> Result<Outcome> {
    let play = |way, subject| {
        let stage = Stage::new(world, root, way, subject)?;
        let transcript = nothing_left((case.play)(&stage))?;
        anyhow::Ok((transcript, stage))
    };
    let (native, _) = play(Way::Native, None).context("natively")?;
    for (program, _) in case.programs {
        match play(Way::Denied, Some(*program)) {
            Err(error) if error.is::<Hang>() => return Err(error.context(format!("with {program} denied"))),
            Err(_) => {}
            Ok((transcript, stage)) => {
                ensure!(stage.is_used(), "the case never runs {program}");
                ensure!(
                    transcript != native,
                    "the filter does not reach {program}, so that `run` is not tested"
                );
            }
        }
    }
    let under_run = |way| {
        let (supervised, stage) = play(way, None).with_context(|| format!("{way:?}"))?;
        if let Some(difference) = difference(&native, &supervised) {
            bail!("{way:?}: what came through differs from the native run: {difference}");
        }
        anyhow::Ok(stage)
    };
    under_run(Way::Run(Mode::Untraced))?;
    let stage = under_run(Way::Counted(Mode::Traced))?;
    let counts = stage.counts.into_inner();
    for (program, entry) in case.programs {
        let counts = counts.get(program).with_context(|| format!("the case never ran {program}"))?;
        let as_expected = match entry {
            Entry::Stub => counts.stub > 0 && counts.trap == 0,
            Entry::Trap => counts.stub == 0 && counts.trap > 0,
        };
        ensure!(as_expected, "{program}: its calls take another way than expected ({entry:?}): {counts}");
    }
    let seen = counts.iter().map(|(program, counts)| format!("{program}: {counts}"));
    Ok(Outcome::Passed(seen.collect::<Vec<_>>().join("; ")))
}

/// Where a case is played: the tree, an empty directory in it, and the world around the programs.
pub struct Stage<'a> {
    world: &'a World,
    root: &'a Path,
    way: Way,
    /// The program that is denied, where only one is.
    subject: Option<&'static str>,
    used: Cell<bool>,
    counts: RefCell<BTreeMap<&'static str, Counts>>,
    /// The rules that programs are held to, as a file inside the tree: the subject, or all where there is none.
    rules: Option<&'a str>,
    /// What was said of them.
    said: RefCell<Vec<String>>,
}

/// The case's directory, as seen inside the tree.
pub const HERE: &str = "/tmp/case";

impl<'a> Stage<'a> {
    pub fn new(
        world: &'a World,
        root: &'a Path,
        way: Way,
        subject: Option<&'static str>,
    ) -> Result<Stage<'a>> {
        let (used, counts, said) = Default::default();
        let stage = Stage { world, root, way, subject, used, counts, rules: None, said };
        fresh(&stage.here())?;
        Ok(stage)
    }

    /// Where rules hold for one program, or for all.
    pub fn ruled(
        world: &'a World,
        root: &'a Path,
        rules: &'a str,
        subject: Option<&'static str>,
    ) -> Result<Stage<'a>> {
        Ok(Stage { rules: Some(rules), ..Stage::new(world, root, Way::Native, subject)? })
    }

    /// What `run` said of the programs that rules hold for.
    pub fn said(&self) -> Vec<String> {
        self.said.borrow().clone()
    }

    /// Whether the subject, or what rules hold for, was run at all.
    pub fn is_used(&self) -> bool {
        self.used.get()
    }

    /// The rules that hold for a program.
    fn rules_for(&self, program: &str) -> Option<&'a str> {
        self.rules.filter(|_| self.subject.is_none_or(|subject| subject == program))
    }

    /// The case's directory, as seen from outside.
    pub fn here(&self) -> PathBuf {
        self.root.join(&HERE[1..])
    }

    /// Writes a file into the case's directory, and returns its name inside the tree.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<String> {
        fs::write(self.here().join(name), content).with_context(|| format!("cannot write {name}"))?;
        Ok(format!("{HERE}/{name}"))
    }

    /// Starts a program in this world. `line` is its command line; `program` is what the case calls it.
    pub fn start(&self, program: &'static str, line: &[&str], input: &[u8]) -> Result<Process<'_>> {
        let denied = match self.way {
            Way::Denied => self.subject == Some(program),
            way => way.is_denied(),
        };
        self.used.set(self.used.get() || self.subject == Some(program));
        let mut all = vec![self.world.xtask.display().to_string(), "enter".into()];
        if denied {
            all.push(format!("--errno={TELLTALE}"));
        }
        all.push(self.root.display().to_string());
        all.push("--".into());
        let (verbose, mode) = match self.way {
            Way::Counted(mode) => (&["-v"][..], Some(mode)),
            Way::Run(mode) => (&[][..], Some(mode)),
            _ => (&[][..], None),
        };
        if let Some(rules) = self.rules_for(program) {
            self.used.set(true);
            all.extend(words(&[IN_TREE, "run", "--policy", rules, "--"]));
        }
        if let Some(mode) = mode {
            all.extend(words(&[&[IN_TREE, "run"], verbose, mode.options(), &["--"]].concat()));
        }
        all.extend(words(line));
        let running = Running::start(command(&all)?, input.to_vec(), LIMIT)?;
        Ok(Process { stage: self, program, running })
    }

    /// Runs a program to its end.
    pub fn run(&self, program: &'static str, line: &[&str], input: &[u8]) -> Result<Finished> {
        self.start(program, line, input)?.wait()
    }

    /// Runs a program that only prepares something, outside of any filter.
    pub fn prepare(&self, line: &[&str]) -> Result<Finished> {
        let mut all = vec![self.world.xtask.display().to_string(), "enter".into()];
        all.extend([self.root.display().to_string(), "--".into()]);
        all.extend(words(line));
        Running::start(command(&all)?, vec![], LIMIT)?.wait()?.success()
    }

    /// Starts a server, and waits until it listens.
    pub fn serve(&self, program: &'static str, line: &[&str], port: u16) -> Result<Process<'_>> {
        self.serve_at(program, line, &|| listens(port))
    }

    /// Starts a server, and waits until `waits` says that it does so for others.
    pub fn serve_at(
        &self,
        program: &'static str,
        line: &[&str],
        waits: &dyn Fn() -> Result<bool>,
    ) -> Result<Process<'_>> {
        let mut server = self.start(program, line, b"")?;
        let deadline = Instant::now() + LIMIT;
        while !waits()? {
            if server.running.has_ended() {
                let finished = server.wait()?;
                bail!(
                    "{}\nended before it listened: {}{}",
                    finished.command,
                    finished.text(),
                    finished.stderr
                );
            }
            if Instant::now() > deadline {
                bail!(Hang(format!("does not listen: {}", server.running.command())));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(server)
    }
}

/// How the lines of `run` begin.
pub const OURS: &str = "socketcall: ";

/// A program on the stage.
pub struct Process<'a> {
    stage: &'a Stage<'a>,
    program: &'static str,
    running: Running,
}

impl Process<'_> {
    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.running.has_ended()
    }

    /// Waits for its end, and takes note of its counts.
    pub fn wait(self) -> Result<Finished> {
        let mut finished = self.running.wait()?;
        if matches!(self.stage.way, Way::Counted(_)) {
            let counts = account(&mut finished)?;
            let mut all = self.stage.counts.borrow_mut();
            *all.entry(self.program).or_default() += counts;
        }
        if matches!(self.stage.way, Way::Counted(_) | Way::Run(_)) {
            unfiltered(&finished)?;
        }
        if self.stage.rules_for(self.program).is_some() {
            let (ours, own) = finished.stderr.lines().partition::<Vec<_>, _>(|line| line.starts_with(OURS));
            self.stage.said.borrow_mut().extend(ours.into_iter().map(str::to_owned));
            finished.stderr = own.into_iter().map(|line| format!("{line}\n")).collect();
        }
        Ok(finished)
    }

    /// Asks it to end each second until it does: who waits by select(2) can miss a signal that comes just before.
    pub fn insist(mut self, signal: Signal) -> Result<Finished> {
        let deadline = Instant::now() + LIMIT;
        while !self.has_ended() && Instant::now() < deadline {
            // It may be ending.
            let _ = self.running.signal(signal);
            let next = Instant::now() + Duration::from_secs(1);
            while !self.has_ended() && Instant::now() < next {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        self.wait()
    }

    /// Asks it to end, and waits.
    pub fn stop(self, signal: Signal) -> Result<Finished> {
        self.running.signal(signal)?;
        self.wait()
    }
}

/// Bytes in which nothing repeats: a xorshift generator's.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Whether `got` is what was sent.
pub fn intact(sent: &[u8], got: &[u8], way: &str) -> Result<String> {
    if let Some(place) = sent.iter().zip(got).position(|(a, b)| a != b) {
        bail!("{way}: byte {place} of {} differs", sent.len());
    }
    ensure!(sent.len() == got.len(), "{way}: {} bytes came of {}", got.len(), sent.len());
    Ok(format!("{way}: {} bytes, all the same\n", got.len()))
}
