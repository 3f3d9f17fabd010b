//! Who is asked for a number of repetitions, and answers with the nanoseconds they took.
//!
//! Between two questions a contestant waits, so that several of them can be measured in turn, round by round,
//! long after their start. The benchmarks of guest32 read such questions themselves, and so do
//! [`repeat`](super::repeat) and [`pingpong`](super::pingpong). A [server](super::services) is asked by a load.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::{ending, line};

/// On which processors the processes of a contestant run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// All on the same.
    One,
    /// The program's two processes on one each, a tracer on either.
    Two,
    /// Wherever the kernel puts them.
    Free,
}

/// How long anything may take that is waited for: a start, a turn, an end.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Somebody who does a row's work.
pub trait Contestant {
    /// How many nanoseconds so many repetitions take.
    fn ask(&mut self, repetitions: u32) -> Result<f64>;

    /// Ends it.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// A process that reads the questions, and answers.
pub struct Worker {
    command: String,
    child: Child,
    /// Closed to end it.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts `command` at its place.
    pub fn start(mut command: Command, place: Place) -> Result<Worker> {
        let line = line(&command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = at(place, || command.spawn().with_context(|| format!("cannot start {line}")));
        let mut child = child?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both are piped")
        };
        let (questions, answers) = (Some(questions), BufReader::new(answers));
        let mut worker = Worker { command: line, child, questions, answers };
        // Once it answers, all of its processes are there.
        worker.ask(1)?;
        if place == Place::Two {
            worker.spread(&processors()?)?;
        }
        Ok(worker)
    }

    fn answer(&mut self, repetitions: u32) -> Result<f64> {
        if let Some(questions) = &mut self.questions {
            // One write: a benchmark that reads byte by byte still gets the whole line at once.
            questions.write_all(format!("{repetitions}\n").as_bytes())?;
        }
        Ok(line_in_time(&mut self.answers)?.trim_end().parse()?)
    }

    /// Puts each of the program's two processes on a processor of its own.
    fn spread(&self, all: &[usize]) -> Result<()> {
        let program: Vec<Pid> = family(self.child.id())?
            .into_iter()
            .filter(|(_, name)| PROGRAMS.iter().any(|program| name.starts_with(program)))
            .map(|(pid, _)| pid)
            .collect();
        ensure!(program.len() == 2, "{}: two processes expected, not {program:?}", self.command);
        for (pid, processor) in program.into_iter().zip(all) {
            pin(pid, &[*processor])?;
        }
        Ok(())
    }
}

impl Contestant for Worker {
    fn ask(&mut self, repetitions: u32) -> Result<f64> {
        self.answer(repetitions).with_context(|| format!("no answer from {}", self.command))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.questions = None;
        let status = ended(&mut self.child).with_context(|| self.command.clone())?;
        ensure!(status.success(), "{}: {}", self.command, ending(status));
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The next line of somebody who writes whole ones; an empty one at the end.
pub fn line_in_time<R: Read + AsFd>(reader: &mut BufReader<R>) -> Result<String> {
    if reader.buffer().is_empty() {
        let mut waiting = [PollFd::new(reader.get_ref().as_fd(), PollFlags::POLLIN)];
        ensure!(poll(&mut waiting, PollTimeout::try_from(LIMIT)?)? == 1, "no line in {LIMIT:?}");
    }
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line)
}

/// Waits until it has ended by itself.
pub fn ended(child: &mut Child) -> Result<ExitStatus> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        ensure!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Ends it and its descendants, if it has not ended already. A tracer that is killed alone may leave its program
/// running.
pub fn end(child: &mut Child) {
    if let Ok(None) = child.try_wait() {
        for (pid, _) in family(child.id()).unwrap_or_default() {
            let _ = kill(pid, Signal::SIGKILL);
        }
        let _ = child.wait();
    }
}

/// How the names of processes begin that are the program's two and not a tracer's: the guest, or its emulator.
const PROGRAMS: [&str; 2] = ["bench-pingpong", "qemu-i386"];

const THIS_THREAD: Pid = Pid::from_raw(0);

/// The processors that this thread may use.
pub fn processors() -> Result<Vec<usize>> {
    let set = sched_getaffinity(THIS_THREAD)?;
    Ok((0..CpuSet::count()).filter(|processor| set.is_set(*processor).unwrap_or(false)).collect())
}

/// Does `what` where those of this place run; what is started by it inherits that (sched_setaffinity(2)).
pub fn at<T>(place: Place, what: impl FnOnce() -> Result<T>) -> Result<T> {
    if place != Place::One {
        return what();
    }
    let all = processors()?;
    pin(THIS_THREAD, &all[all.len() - 1..])?;
    let done = what();
    pin(THIS_THREAD, &all)?;
    done
}

fn pin(pid: Pid, processors: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for processor in processors {
        set.set(*processor)?;
    }
    sched_setaffinity(pid, &set).with_context(|| format!("pinning {pid} to {processors:?}"))
}

/// A process and its descendants with their names, parents first.
pub fn family(root: u32) -> Result<Vec<(Pid, String)>> {
    let mut children = BTreeMap::<u32, Vec<(u32, String)>>::new();
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").context("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((name, parent)) = name_and_parent(&stat) else { continue };
        match pid == root {
            true => all.push((pid, name.to_owned())),
            false => children.entry(parent).or_default().push((pid, name.to_owned())),
        }
    }
    let mut next = 0;
    while next < all.len() {
        all.extend(children.remove(&all[next].0).unwrap_or_default());
        next += 1;
    }
    Ok(all.into_iter().map(|(pid, name)| (Pid::from_raw(pid.cast_signed()), name)).collect())
}

/// Of a line of /proc/PID/stat. The name is in parentheses, and may hold some itself (proc_pid_stat(5)).
fn name_and_parent(stat: &str) -> Option<(&str, u32)> {
    let (front, rest) = stat.rsplit_once(')')?;
    let (_, name) = front.split_once('(')?;
    Some((name, rest.split_whitespace().nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_worker_answers_until_it_is_ended() {
        let script = "while read n; do echo $((n * 10)); done";
        let mut worker = Worker::start(shell(script), Place::One).unwrap();
        assert_eq!(worker.ask(7).unwrap(), 70.0);
        assert_eq!(worker.ask(8).unwrap(), 80.0);
        Box::new(worker).finish().unwrap();
    }

    #[test]
    fn one_that_fails_is_named() {
        let error = Worker::start(shell("exit 3"), Place::Free).err().unwrap();
        assert_eq!(error.to_string(), "no answer from /bin/sh -c 'exit 3'");
        let worker = Worker::start(shell("read n; echo 1; read n; exit 3"), Place::Free).unwrap();
        assert!(Box::new(worker).finish().unwrap_err().to_string().ends_with("exit status 3"));
    }

    #[test]
    fn a_place_is_kept_to() {
        let before = processors().unwrap();
        let script = "while read n; do sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status; done";
        let mut worker = Worker::start(shell(script), Place::One).unwrap();
        assert_eq!(worker.ask(1).unwrap(), *before.last().unwrap() as f64);
        assert_eq!(processors().unwrap(), before, "only what is started is pinned");
    }

    #[test]
    fn a_family_is_found() {
        let mut worker =
            Worker::start(shell("sleep 100 & while read n; do echo 1; done; kill $!"), Place::Free).unwrap();
        worker.ask(1).unwrap();
        let names = || -> Vec<String> {
            family(worker.child.id()).unwrap().into_iter().map(|(_, name)| name).collect()
        };
        let deadline = Instant::now() + LIMIT;
        // The shell's child is called as the shell is until its exec.
        while names() == ["sh", "sh"] && Instant::now() < deadline {}
        assert_eq!(names(), ["sh", "sleep"]);
        Box::new(worker).finish().unwrap();
    }

    #[test]
    fn names_with_parentheses() {
        assert_eq!(name_and_parent("12 (a) (b) S 7 12 12"), Some(("a) (b", 7)));
        assert_eq!(name_and_parent(""), None);
    }
}
