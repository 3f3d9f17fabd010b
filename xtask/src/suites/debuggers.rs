//! Debuggers: they attach to a program that nobody traces and see its callers; and what they meet where
//! somebody does.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use nix::unistd::Pid;

use super::guests::{Build, Builder, Guest};
use super::way::{Mode, Way};
use super::{LIMIT, World, command, missing, nothing_left, until, words};
use crate::process::{Finished, Live, Running, ending};
use crate::report::{Outcome, Report};
use crate::tools::{GCC32, GDB, STRACE};

const DEBUGGED: Guest = Guest { name: "debugged", sources: &["debugged.c"], builds: &[] };

const BUILDS: &[Build] = &[Build::Dynamic, Build::Static];
const ENTRIES: &[&str] = &["libc", "vdso", "int80"];

pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("debuggers");
    let builder = Builder::new(world)?;
    let mut case = |name: &str, case: &dyn Fn() -> Result<String>| {
        report.case(name, || match missing(&[GCC32, GDB, STRACE]) {
            Some(why) => Ok(Outcome::Skipped(why)),
            None => nothing_left(case()).map(Outcome::Passed),
        });
    };
    for &build in BUILDS {
        for entry in ENTRIES {
            let title = format!("gdb sees who called, {entry}, {}", build.name());
            case(&title, &|| {
                let program = builder.make(&DEBUGGED, build)?;
                callers_are_seen(world, &program, entry, Way::Native)?;
                // Where the dynamic linker tells gdb what is loaded, it does not tell of the page in front.
                let modes = if build == Build::Dynamic { &[Mode::Untraced][..] } else { Mode::UNTRACED };
                for &mode in modes {
                    callers_are_seen(world, &program, entry, Way::Run(mode))?;
                }
                let modes = modes.iter().map(|mode| mode.name()).collect::<Vec<_>>();
                Ok(format!("natively; {}", modes.join("; ")))
            });
        }
    }
    case("strace attaches and sees direct calls", &|| strace_attaches(world, &builder));
    case("gdb can't attach where a tracer is", &|| gdb_is_refused(world, &builder));
    case("strace in a traced program is told why it can't", &|| strace_is_refused(world));
    report.end_suite();
    Ok(())
}

/// A guest that waits in a call.
fn waiting(world: &World, program: &Path, entry: &str, way: Way) -> Result<Live> {
    let (mut line, run) = way.prefix(world);
    line.extend(run);
    line.extend([program.display().to_string(), entry.to_owned()]);
    let mut live = Live::start(command(&line)?, LIMIT)?;
    let ready = live.line()?;
    ensure!(ready == "ready", "{ready}");
    until_asleep(live.pid())?;
    Ok(live)
}

fn until_asleep(process: Pid) -> Result<()> {
    until("it sleeps", || Ok(fs::read_to_string(format!("/proc/{process}/stat"))?.contains(") S ")))
}

/// Lets the guest's call end as it should.
fn go_on(mut live: Live) -> Result<()> {
    // If nobody listens any more, how it ended tells why.
    let _ = live.say("x");
    let finished = live.wait()?;
    let said = finished.text();
    ensure!(
        finished.status.success() && said == "twice what was received: 2\n",
        "{}\n{}: {said}{}",
        finished.command,
        ending(finished.status),
        finished.stderr
    );
    Ok(())
}

fn gdb(process: Pid, commands: &[&str]) -> Result<Finished> {
    let mut line = words(&["gdb", "-q", "-nx", "--batch", "-ex", "set debuginfod enabled off", "-p"]);
    line.push(process.to_string());
    for command in commands {
        line.extend(words(&["-ex", command]));
    }
    Running::start(command(&line)?, vec![], LIMIT)?.wait()
}

fn callers_are_seen(world: &World, program: &Path, entry: &str, way: Way) -> Result<()> {
    let live = waiting(world, program, entry, way)?;
    let seen = gdb(live.pid(), &["bt"])?.text();
    let mut rest = seen.as_str();
    for name in ["waits_in_it", "caller_of_it", "main"] {
        let Some(at) = rest.find(&format!("in {name} (")) else {
            bail!("{way:?}: {name} is not seen:\n{seen}");
        };
        rest = &rest[at..];
    }
    go_on(live)
}

/// strace shows the call that the multiplexed one was turned into.
fn strace_attaches(world: &World, builder: &Builder) -> Result<String> {
    let program = builder.make(&DEBUGGED, Build::Dynamic)?;
    for &mode in Mode::UNTRACED {
        for entry in ["vdso", "int80"] {
            let mut live = waiting(world, &program, entry, Way::Run(mode))?;
            let strace = words(&["strace", "-p", &live.pid().to_string()]);
            let strace = Running::start(command(&strace)?, vec![], LIMIT)?;
            let status = format!("/proc/{}/status", live.pid());
            until("strace has attached", || Ok(!fs::read_to_string(&status)?.contains("TracerPid:\t0\n")))?;
            until_asleep(live.pid())?;
            live.say("x")?;
            let finished = live.wait()?;
            ensure!(finished.status.success(), "{}: {}", finished.command, ending(finished.status));
            let seen = strace.wait()?.stderr;
            let direct = seen.lines().any(|line| line.contains("recvfrom(") && line.ends_with("= 1"));
            ensure!(direct, "{mode:?}, {entry}: no recvfrom in what strace saw:\n{seen}");
        }
    }
    Ok("recvfrom".into())
}

fn gdb_is_refused(world: &World, builder: &Builder) -> Result<String> {
    let program = builder.make(&DEBUGGED, Build::Dynamic)?;
    let live = waiting(world, &program, "libc", Way::Run(Mode::Traced))?;
    let seen = gdb(live.pid(), &["bt"])?;
    ensure!(seen.stderr.contains("Operation not permitted"), "{}{}", seen.text(), seen.stderr);
    go_on(live)?;
    Ok("Operation not permitted".into())
}

fn strace_is_refused(world: &World) -> Result<String> {
    let (mut line, run) = Way::Run(Mode::Traced).prefix(world);
    line.extend(run);
    // A child of the first program: that one would wait for its supervisor too, as strace waits for all (__WALL).
    line.extend(words(&["sh", "-c", "strace true; exit $?"]));
    let finished = Running::start(command(&line)?, vec![], LIMIT)?.wait()?;
    let told = finished.stderr.lines().find(|line| line.starts_with("socketcall: "));
    let Some(told) = told.filter(|line| line.contains("--untraced")) else {
        bail!("{}\nsays nothing of --untraced:\n{}", finished.command, finished.stderr);
    };
    ensure!(!finished.status.success(), "strace works there: this case is out of date");
    Ok(told.to_owned())
}
