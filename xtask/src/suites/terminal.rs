//! Job control: shells on a terminal of their own, natively and under `run`, typed at by us.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, ttyname};

use super::guests::{Build, Builder, Guest};
use super::way::{Mode, Way};
use super::{World, command, missing, nothing_left, words};
use crate::process::{Hang, line};
use crate::report::{Outcome, Report};
use crate::tools::GCC32;

const GUEST: Guest = Guest { name: "terminal", sources: &["terminal.c", "entry.S"], builds: &[] };

/// What is done, and what must come of it before the next is.
struct Step {
    act: Act,
    seen: &'static str,
}

#[derive(Debug)]
enum Act {
    Type(&'static str),
    /// Nothing, until the shell alone reads.
    Wait,
    /// The window gets so many lines.
    Resize(u16),
}

const fn step(typed: &'static str, seen: &'static str) -> Step {
    Step { act: Act::Type(typed), seen }
}

/// The shell reads again: what was typed before might be lost with the line that a signal ended.
const PROMPT: Step = Step { act: Act::Wait, seen: "ready> " };

const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";

/// In a shell of the host, which `$JOB` runs the guest under `run` in.
const JOBS: &[Step] = &[
    PROMPT,
    step("$JOB libc\r", "waiting by libc\r\n"),
    step("one\r", "received \"one\"\r\n"),
    step(CTRL_Z, "Stopped"),
    PROMPT,
    step("jobs; echo 1 $?\r", "\r\n1 0\r\n"),
    PROMPT,
    step("fg\r", "$JOB libc\r\n"),
    step("two\r", "received \"two\"\r\n"),
    step(CTRL_Z, "Stopped"),
    PROMPT,
    // What reads from a terminal in the background is stopped.
    step("bg; while jobs | grep -q Running; do sleep 0.01; done; echo 2 $?\r", "\r\n2 0\r\n"),
    PROMPT,
    step("jobs\r", "Stopped"),
    PROMPT,
    step("fg\r", "$JOB libc\r\n"),
    step("three\r", "received \"three\"\r\n"),
    step(CTRL_C, "^C"),
    PROMPT,
    step("echo 3 $?\r", "\r\n3 130\r\n"),
    PROMPT,
    step("$JOB int80\r", "waiting by int80\r\n"),
    step("four\r", "received \"four\"\r\n"),
    step(CTRL_Z, "Stopped"),
    PROMPT,
    step("fg\r", "$JOB int80\r\n"),
    step("five\r", "received \"five\"\r\n"),
    step(CTRL_BACKSLASH, "Quit"),
    PROMPT,
    step("echo 4 $?\r", "\r\n4 131\r\n"),
    PROMPT,
    step("$JOB vdso\r", "waiting by vdso\r\n"),
    Step { act: Act::Resize(33), seen: "resized 1 times, 33 lines\r\n" },
    Step { act: Act::Resize(34), seen: "resized 2 times, 34 lines\r\n" },
    step("end\r", "received \"end\"\r\n"),
    PROMPT,
    step("echo 5 $?\r", "\r\n5 7\r\n"),
    PROMPT,
    step("exit\r", "exit\r\n"),
];

/// The shell itself is an i386 one and runs under `run`.
const INSIDE: &[Step] = &[
    PROMPT,
    step("./terminal libc\r", "waiting by libc\r\n"),
    step("one\r", "received \"one\"\r\n"),
    step(CTRL_Z, "Stopped"),
    PROMPT,
    step("jobs; echo 1 $?\r", "\r\n1 0\r\n"),
    PROMPT,
    step("fg\r", "./terminal libc\r\n"),
    step("two\r", "received \"two\"\r\n"),
    step(CTRL_C, "^C"),
    PROMPT,
    step("echo 2 $?\r", "\r\n2 130\r\n"),
    PROMPT,
    step("./terminal int80 | cat\r", "waiting by int80\r\n"),
    step("three\r", "received \"three\"\r\n"),
    step(CTRL_Z, "Stopped"),
    PROMPT,
    step("fg\r", "./terminal int80 | cat\r\n"),
    step("four\r", "received \"four\"\r\n"),
    step(CTRL_C, "^C"),
    PROMPT,
    step("exit\r", "exit\r\n"),
];

pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("terminal");
    let builder = Builder::new(world)?;
    report.case("jobs of a shell", || match missing(&[GCC32]) {
        Some(why) => Ok(Outcome::Skipped(why)),
        None => nothing_left(jobs(world, &builder)),
    });
    report.case("an i386 shell's jobs", || match (&missing(&[GCC32]), &world.debian) {
        (Some(why), _) | (_, Err(why)) => Ok(Outcome::Skipped(why.clone())),
        (None, Ok(tree)) => nothing_left(inside(world, &builder, &tree.join("usr/bin/busybox"))),
    });
    report.end_suite();
    Ok(())
}

fn jobs(world: &World, builder: &Builder) -> Result<Outcome> {
    let program = builder.make(&GUEST, Build::Dynamic)?;
    let play = |way: Way| {
        let (mut job, run) = way.prefix(world);
        job.extend(run);
        job.push(program.display().to_string());
        let shell = words(&["bash", "--norc", "--noprofile", "-i"]);
        Terminal::start(&shell, &program, &job.join(" "), way)?.play(JOBS).with_context(|| format!("{way:?}"))
    };
    agree(play)
}

fn inside(world: &World, builder: &Builder, busybox: &Path) -> Result<Outcome> {
    let program = builder.make(&GUEST, Build::Dynamic)?;
    let play = |way: Way| {
        let (mut shell, run) = way.prefix(world);
        shell.extend(run);
        shell.extend([busybox.display().to_string(), "sh".into()]);
        Terminal::start(&shell, &program, "", way)?.play(INSIDE).with_context(|| format!("{way:?}"))
    };
    agree(play)
}

/// All of the steps are seen natively and in all modes.
fn agree(play: impl Fn(Way) -> Result<()>) -> Result<Outcome> {
    play(Way::Native)?;
    ensure!(play(Way::Denied).is_err(), "the filter does not reach it, so that `run` is not tested");
    for &mode in Mode::ALL {
        play(Way::Run(mode))?;
    }
    Ok(Outcome::Passed(format!("the same in {} modes", Mode::ALL.len())))
}

/// A terminal with a shell on it.
struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
    command: String,
    /// The shell's end.
    name: PathBuf,
    patience: Duration,
}

impl Terminal {
    /// `shell` in a session of its own, in the guest's directory, with `job` in its environment.
    fn start(shell: &[String], guest: &Path, job: &str, way: Way) -> Result<Terminal> {
        // What does not work there need not be waited for.
        let patience = Duration::from_secs(if way == Way::Denied { 1 } else { 30 });
        let size = Winsize { ws_row: 24, ws_col: 250, ws_xpixel: 0, ws_ypixel: 0 };
        let ends = openpty(&size, None).context("openpty")?;
        let name = ttyname(&ends.slave).context("ttyname")?;
        let mut all = words(&["setsid", "--ctty"]);
        all.extend_from_slice(shell);
        let mut shell = command(&all)?;
        let directory: PathBuf = guest.parent().context("a guest's directory")?.to_owned();
        shell.current_dir(directory).env("JOB", job).env("PS1", "ready> ").env("TERM", "dumb");
        let tty = || -> Result<Stdio> { Ok(ends.slave.try_clone()?.into()) };
        shell.stdin(tty()?).stdout(tty()?).stderr(tty()?);
        let child = shell.spawn().with_context(|| line(&shell))?;
        let command = line(&shell);
        drop(shell);
        let mut screen = File::from(ends.master.try_clone()?);
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal that nobody has open any more answers EIO.
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keyboard = File::from(ends.master.try_clone()?);
        Ok(Terminal { child, keyboard, screen: receiver, seen: String::new(), command, name, patience })
    }

    /// Types, step by step.
    fn play(mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            match step.act {
                Act::Type(text) => self.keyboard.write_all(text.as_bytes())?,
                Act::Wait => {}
                Act::Resize(lines) => self.resize(lines)?,
            }
            let upto = self.wait_for(step)?;
            if matches!(step.act, Act::Wait) {
                self.nobody_else_reads()?;
            }
            self.seen.drain(..upto);
        }
        let deadline = Instant::now() + self.patience;
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, Hang(format!("the shell does not end: {}", self.command)));
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// The shell sees its child stopped or dead. Another process of that job may not have heard its signal yet, and
    /// would take what is typed next: one that waits in read looks for input first (drivers/tty/n_tty.c,
    /// `n_tty_read`).
    fn nobody_else_reads(&self) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        // Stopped, also by a tracer, or dead. In n_tty_read it may sleep uninterruptibly, too.
        let still = ["T", "t", "Z", "X"];
        let runs = |(name, state): &(String, String)| name == GUEST.name && !still.contains(&state.as_str());
        while session(self.child.id()).iter().any(runs) {
            ensure!(Instant::now() < deadline, Hang(format!("{}: a job that runs on", self.command)));
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn resize(&self, lines: u16) -> Result<()> {
        let mut stty = command(&words(&["stty", "rows", &lines.to_string()]))?;
        let status = stty.stdin(File::open(&self.name)?).status().context("stty")?;
        ensure!(status.success(), "stty: {status}");
        Ok(())
    }

    /// Waits until it is seen; answers where it ends.
    fn wait_for(&mut self, step: &Step) -> Result<usize> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(at) = self.seen.find(step.seen) {
                return Ok(at + step.seen.len());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen += &String::from_utf8_lossy(&bytes),
                Err(_) => bail!(Hang(format!(
                    "{}\nafter {:?} there is no {:?}, but:\n{}",
                    self.command, step.act, step.seen, self.seen
                ))),
            }
        }
    }
}

/// The names and states of a session's processes (proc_pid_stat(5)).
fn session(leader: u32) -> Vec<(String, String)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_session = |entry: fs::DirEntry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?;
        // Behind the state come the parent and the group.
        (fields.nth(2)?.parse() == Ok(leader)).then(|| (name.to_owned(), state.to_owned()))
    };
    processes.filter_map(of_session).collect()
}

impl Drop for Terminal {
    /// With its leader the session loses its terminal, and what is left of it gets SIGHUP.
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
