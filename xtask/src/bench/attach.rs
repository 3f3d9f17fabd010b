//! How long `trace -p` takes to attach to a process of many threads, beside strace; and that nothing of it is
//! left after it detaches.

use std::fs;
use std::io::BufReader;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::contestant::{end, ended, line_in_time};
use super::statistics::{Estimate, estimate};
use super::table::{Line, Verdict, estimate_json, interval, time};
use super::world::{Rival, World, command, typed};
use crate::process::ending;

/// What it is called where rows are chosen.
pub const NAME: &str = "attach";

const THREADS: usize = 1000;
/// Nanoseconds, at most.
const MOST: f64 = 1e9;
/// The fewest that give an interval.
const TIMES: usize = 6;

/// Measures ours, and strace's in turn where there is one.
pub fn line(world: &World) -> Result<Line> {
    let mut crowd = Crowd::start(world)?;
    let (mut ours, mut strace) = (vec![], vec![]);
    for _ in 0..TIMES {
        let attach = ["trace", "-o", "/dev/null", "-p"].map(Into::into);
        ours.push(crowd.attach(&[&[typed(&world.socketcall)][..], &attach].concat())?);
        if world.rivals.contains(&Rival::Strace) {
            let attach = ["strace", "-f", "-e", "trace=%network", "-o", "/dev/null", "-p"].map(Into::into);
            strace.push(crowd.attach(&attach)?);
        }
    }
    crowd.finish()?;
    let (ours, strace) = (estimate(&ours), (!strace.is_empty()).then(|| estimate(&strace)));
    Ok(told(ours, strace))
}

fn told(ours: Estimate, strace: Option<Estimate>) -> Line {
    let verdict = Verdict::of(Some(ours), MOST);
    let beside = strace.map_or(String::new(), |strace| format!("; strace {}", interval(strace)));
    Line {
        text: format!(
            "{NAME} to a process of {THREADS} threads: {} (at most {}): {}{beside}",
            interval(ours),
            time(MOST),
            verdict.text(),
        ),
        json: json!({
            "threads": THREADS,
            "socketcall_ns": estimate_json(ours),
            "strace_ns": strace.map(estimate_json),
            "verdict": verdict.text(),
        }),
        verdict,
    }
}

/// A process of many threads, which ends when its input does.
struct Crowd {
    child: Child,
    input: Option<ChildStdin>,
    _output: BufReader<ChildStdout>,
}

impl Crowd {
    fn start(world: &World) -> Result<Crowd> {
        let mut command: Command = command(&[typed(&world.xtask), "threads".into(), THREADS.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("threads")?;
        let (input, output) = (child.stdin.take(), child.stdout.take().context("it is piped")?);
        let mut crowd = Crowd { child, input, _output: BufReader::new(output) };
        let count = line_in_time(&mut crowd._output).context("threads")?;
        ensure!(count.trim_end() == THREADS.to_string(), "{count} threads");
        Ok(crowd)
    }

    /// Attaches by this command with the process's id behind it, and detaches; the nanoseconds from its start to
    /// the line that says so.
    fn attach(&mut self, words: &[String]) -> Result<f64> {
        let mut command: Command = command(&[words, &[self.child.id().to_string()]].concat());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let start = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", words[0]))?;
        let mut tracer = Tracer(child);
        let said: ChildStderr = tracer.0.stderr.take().context("it is piped")?;
        let mut said = BufReader::new(said);
        let mut lines = String::new();
        let expected = format!("attached with {THREADS} threads");
        while !lines.contains(&expected) {
            let line = line_in_time(&mut said).with_context(|| format!("{} -p said: {lines}", words[0]))?;
            ensure!(!line.is_empty(), "{} -p ended, and said: {lines}", words[0]);
            lines += &line;
        }
        let elapsed = start.elapsed().as_nanos() as f64;
        let pid = tracer.0.id();
        self.is_traced_by(pid)?;
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGINT)?;
        // Either ends by the signal again, or says that it was interrupted: what counts is what it leaves.
        ended(&mut tracer.0).with_context(|| format!("{} -p", words[0]))?;
        self.is_traced_by(0)?;
        Ok(elapsed)
    }

    /// Whether all its threads are, and none is stopped when it is nobody.
    fn is_traced_by(&self, tracer: u32) -> Result<()> {
        let mut count = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let file = task?.path().join("status");
            let status = fs::read_to_string(&file)?;
            let (by, state) = tracer_and_state(&status).with_context(|| file.display().to_string())?;
            let by = process_of(by)?;
            ensure!(by == tracer, "{}: traced by {by}, not {tracer}", file.display());
            ensure!(tracer != 0 || !matches!(state, 'T' | 't'), "{}: left stopped", file.display());
            count += 1;
        }
        ensure!(count == THREADS, "{count} of {THREADS} threads are left");
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.input = None;
        let status = ended(&mut self.child).context("threads")?;
        ensure!(status.success(), "threads: {}", ending(status));
        Ok(())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Killed when it is dropped. It has no descendants.
struct Tracer(Child);

impl Drop for Tracer {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Of /proc/PID/status (proc_pid_status(5)).
fn tracer_and_state(status: &str) -> Option<(u32, char)> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
    Some((field("TracerPid")?.parse().ok()?, field("State")?.chars().next()?))
}

/// The process of a thread, by which tracers are named (proc_pid_status(5)); nobody is nobody's.
fn process_of(thread: u32) -> Result<u32> {
    if thread == 0 {
        return Ok(0);
    }
    let file = format!("/proc/{thread}/status");
    let status = fs::read_to_string(&file)?;
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
    process.with_context(|| format!("{file} names no process"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_interval_must_keep_the_bound() {
        let all = |low, high| told(Estimate { median: 9e8, low, high }, None);
        assert_eq!(all(1e8, 1e9).verdict, Verdict::Kept);
        assert_eq!(all(1e8, 1.1e9).verdict, Verdict::Open);
        assert_eq!(all(1.1e9, 2e9).verdict, Verdict::Missed);
        assert!(
            all(1e8, 1e9).text.ends_with("0.90 [0.10, 1.00] s (at most 1.00 s): ok"),
            "{}",
            all(1e8, 1e9).text
        );
    }

    #[test]
    fn a_status_is_read() {
        let status = "Name:\tx\nState:\tt (tracing stop)\nTracerPid:\t12\n";
        assert_eq!(tracer_and_state(status), Some((12, 't')));
        assert_eq!(tracer_and_state("State:\tS\n"), None);
    }
}
