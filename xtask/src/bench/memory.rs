//! The memory of `socketcall run`'s supervisor, with one process and with many.

use std::fs;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use guest32::{Entry, Guest, Program};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::contestant::{LIMIT, end, ended, family};
use super::table::{Line, Verdict};
use super::world::{World, command, typed};
use crate::process::ending;

/// What it is called where rows are chosen.
pub const NAME: &str = "memory";

/// With one process, at most so many KiB.
const MOST: u64 = 4096;
/// With each that comes to it, at most so many KiB.
const MOST_EACH: f64 = 1.0;
const PROCESSES: u64 = 1000;

/// What a supervisor holds, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    /// Memory of its own.
    anonymous: u64,
    /// With what it shares with other copies of its file.
    resident: u64,
}

/// Measures.
pub fn line(world: &World) -> Result<Line> {
    let memory = Memory { one: state(world, 1)?, many: state(world, PROCESSES)? };
    Ok(Line { text: memory.text(), verdict: memory.verdict(), json: memory.json() })
}

/// What was measured.
struct Memory {
    one: State,
    many: State,
}

impl Memory {
    /// KiB for each process after the first: of its own, and resident.
    fn each(&self) -> [f64; 2] {
        let each = |one: u64, many: u64| (many as f64 - one as f64) / (PROCESSES - 1) as f64;
        [each(self.one.anonymous, self.many.anonymous), each(self.one.resident, self.many.resident)]
    }

    /// Whether both bounds are kept, by all that is resident.
    fn verdict(&self) -> Verdict {
        let kept = self.one.resident <= MOST && self.each()[1] <= MOST_EACH;
        if kept { Verdict::Kept } else { Verdict::Missed }
    }

    /// One line.
    fn text(&self) -> String {
        let Memory { one, many } = self;
        let [own, all] = self.each();
        format!(
            "{NAME} of the supervisor: with 1 process {} KiB resident ({} its own; at most {MOST}), with {PROCESSES} \
             {} KiB ({} its own): {all:.2} KiB each ({own:.2} its own; at most {MOST_EACH}): {}",
            one.resident,
            one.anonymous,
            many.resident,
            many.anonymous,
            self.verdict().text()
        )
    }

    /// The same for programs.
    fn json(&self) -> Value {
        let state =
            |state: State| json!({ "resident_kib": state.resident, "anonymous_kib": state.anonymous });
        let [own, all] = self.each();
        json!({
            "with_1": state(self.one),
            "with_1000": state(self.many),
            "each_resident_kib": all,
            "each_anonymous_kib": own,
            "verdict": self.verdict().text(),
        })
    }
}

/// A program of many processes, which end when their input does.
struct Crowd {
    child: Child,
    input: Option<ChildStdin>,
}

impl Crowd {
    /// A shell and its children under `run`; for one process, only a child. Each is a 32-bit program that waits for
    /// input.
    fn start(world: &World, processes: u64) -> Result<Crowd> {
        const SCRIPT: &str = "i=1; while [ $i -lt $1 ]; do \"$0\" - <&3 & i=$((i + 1)); done; wait";
        let guest = typed(&world.guests.join(WAITING.name()));
        let mut words = vec![typed(&world.socketcall), "run".into(), "--".into()];
        match processes {
            1 => words.extend([guest, "-".into()]),
            // A background process of a shell reads /dev/null, unless it is told otherwise.
            _ => words.extend(["sh", "-c", &format!("exec 3<&0; {SCRIPT}"), &guest].map(Into::into)),
        }
        if processes > 1 {
            words.push(processes.to_string());
        }
        let mut command: Command = command(&words);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("socketcall run")?;
        let input = child.stdin.take();
        Ok(Crowd { child, input })
    }

    /// All its processes, once there are so many, and its supervisor.
    fn supervisor(&mut self, processes: u64, name: &str) -> Result<Pid> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let all = family(self.child.id())?;
            // The shell is called sh, its children before their exec too.
            let waiting =
                all.iter().filter(|(_, called)| WAITING.name().starts_with(called.as_str())).count();
            let supervisor = all.iter().find(|(_, called)| name.starts_with(called.as_str()));
            if let Some((pid, _)) = supervisor
                && waiting as u64 == processes.saturating_sub(1).max(1)
            {
                return Ok(*pid);
            }
            ensure!(self.child.try_wait()?.is_none(), "the program has ended");
            ensure!(Instant::now() < deadline, "{waiting} of {processes} processes, and {supervisor:?}");
            sleep(Duration::from_millis(20));
        }
    }

    fn finish(mut self) -> Result<()> {
        self.input = None;
        let status = ended(&mut self.child)?;
        ensure!(status.success(), "the program: {}", ending(status));
        Ok(())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The program of which there are many.
const WAITING: Guest = Guest { program: Program::BenchGetppid, entry: Entry::Vdso };

fn state(world: &World, processes: u64) -> Result<State> {
    let name = world.socketcall.file_name().context("a program without a name")?.to_string_lossy();
    let mut crowd = Crowd::start(world, processes)?;
    let supervisor = crowd.supervisor(processes, &name)?;
    // What it does for the last of them is over then.
    sleep(Duration::from_millis(200));
    let file = format!("/proc/{supervisor}/smaps_rollup");
    let text = fs::read_to_string(&file).with_context(|| file.clone())?;
    let state = held(&text).with_context(|| format!("{file}: {text}"))?;
    crowd.finish()?;
    Ok(state)
}

/// Of smaps_rollup (proc_pid_smaps(5)).
fn held(rollup: &str) -> Option<State> {
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some(State { anonymous: field("Anonymous")?, resident: field("Rss")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(one: u64, many: u64) -> Memory {
        let state = |resident| State { anonymous: resident / 2, resident };
        Memory { one: state(one), many: state(many) }
    }

    #[test]
    fn both_bounds_count() {
        assert_eq!(memory(4096, 4096 + 999).verdict(), Verdict::Kept);
        assert_eq!(memory(4097, 4097).verdict(), Verdict::Missed);
        assert_eq!(memory(1000, 1000 + 1000).verdict(), Verdict::Missed);
        assert!(memory(1000, 1999).text().contains("1.00 KiB each (0.50 its own; at most 1): ok"));
    }

    #[test]
    fn smaps_rollup_is_read() {
        let text =
            "00-ff ---p 0 00:00 0 [rollup]\nRss:    1234 kB\nPss: 2 kB\nAnonymous:     56 kB\nSwap: 0 kB\n";
        assert_eq!(held(text), Some(State { anonymous: 56, resident: 1234 }));
        assert_eq!(held("Rss: 1 kB\n"), None);
    }
}
