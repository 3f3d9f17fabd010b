//! How many calls went which way, process by process.
//!
//! The stub counts in a page of the process's own, which a fork copies and an exec replaces; trapped calls
//! are counted here. Direct calls are counted by the stub if they come through the vDSO, and here if they
//! don't. A process that shares its parent's memory (vfork, until exec) counts with its parent.

use std::collections::HashMap;
use std::fs;

use tracee::{Stopped, Tid, proc_file};

use super::auxv::Auxv;

/// The calls of one program in one process, told when it ends or executes another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// The process.
    pub pid: Tid,
    /// The last part of the path that was executed.
    pub program: String,
    /// Multiplexed calls that the stub took apart.
    pub stub: u64,
    /// Multiplexed calls that were trapped and taken apart.
    pub trap: u64,
    /// Direct i386 calls that the program itself made.
    pub direct: u64,
    /// Whether there may have been more, by the stub or direct: the program hid its memory from its tracer
    /// (prctl(2), PR_SET_DUMPABLE; a change of user).
    pub hidden: bool,
}

impl Count {
    /// All calls.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.stub + self.trap + self.direct
    }

    const fn add(&mut self, other: &Count) {
        self.stub += other.stub;
        self.trap += other.trap;
        self.direct += other.direct;
        self.hidden |= other.hidden;
    }
}

/// Who is told the counts.
pub trait Tally: Send {
    /// A program that made calls is about to end, or to make way for another in its process.
    fn process(&mut self, count: &Count);

    /// The last process is about to end. `total` is the sum of all; it names no process.
    fn all(&mut self, total: &Count);
}

#[derive(Default)]
struct Process {
    count: Count,
    threads: usize,
    /// Not yet stopped for the first time.
    new: bool,
    /// The address of the stub's two counters.
    counters: Option<u32>,
    /// What they said when this process got them, or at the last look.
    seen: [u32; 2],
}

impl Process {
    /// Adds what the counters have gained. Where they can't be read, nothing is known to be added.
    fn look(&mut self, stopped: &Stopped) {
        let Some(at) = self.counters else { return };
        let Some(now) = read(stopped, at) else {
            self.count.hidden = true;
            return;
        };
        self.count.stub += u64::from(now[0].wrapping_sub(self.seen[0]));
        self.count.direct += u64::from(now[1].wrapping_sub(self.seen[1]));
        self.seen = now;
    }
}

fn read(stopped: &Stopped, at: u32) -> Option<[u32; 2]> {
    let mut bytes = [0; 8];
    stopped.read_exact(at.into(), &mut bytes).ok()?;
    let (words, _) = bytes.as_chunks();
    Some([u32::from_le_bytes(words[0]), u32::from_le_bytes(words[1])])
}

/// The processes that are being counted.
pub(crate) struct Counting {
    processes: HashMap<Tid, Process>,
    /// Each thread's process.
    threads: HashMap<Tid, Tid>,
    total: Count,
    tally: Box<dyn Tally>,
}

impl Counting {
    pub(crate) fn new(tally: Box<dyn Tally>) -> Counting {
        let total = Count::default();
        Counting { processes: HashMap::new(), threads: HashMap::new(), total, tally }
    }

    fn of(&mut self, tid: Tid) -> Option<&mut Process> {
        self.processes.get_mut(self.threads.get(&tid)?)
    }

    pub(crate) fn trapped(&mut self, tid: Tid) {
        if let Some(process) = self.of(tid) {
            process.count.trap += 1;
        }
    }

    pub(crate) fn direct(&mut self, tid: Tid) {
        if let Some(process) = self.of(tid) {
            process.count.direct += 1;
        }
    }

    /// The thread is about to exec, which may succeed: then its memory is gone.
    pub(crate) fn before_exec(&mut self, stopped: &Stopped) {
        if let Some(process) = self.of(stopped.tid()) {
            process.look(stopped);
        }
    }

    /// `pid` has a new program, and all its threads but one are gone; with them its former memory.
    pub(crate) fn on_exec(&mut self, pid: Tid, program: String) {
        self.threads.retain(|_, of| *of != pid);
        self.threads.insert(pid, pid);
        let count = Count { pid, program, ..Count::default() };
        let process = Process { count, threads: 1, ..Process::default() };
        if let Some(former) = self.processes.insert(pid, process) {
            self.tell(&former.count);
        }
    }

    /// Tells of a program that made calls.
    fn tell(&mut self, count: &Count) {
        if count.total() > 0 || count.hidden {
            self.total.add(count);
            self.tally.process(count);
        }
    }

    /// The stub of the new program in `pid` counts at this address, from 0.
    pub(crate) fn counters(&mut self, pid: Tid, at: u32) {
        if let Some(process) = self.of(pid) {
            process.counters = Some(at);
            process.seen = [0; 2];
        }
    }

    pub(crate) fn on_clone(&mut self, parent: Tid, child: Tid, flags: u64) {
        let has = |flag: libc::c_int| flags & flag as u64 != 0;
        // It was let go before it was announced, and has a program of its own since.
        if self.threads.contains_key(&child) {
            return;
        }
        let Some(process) = self.of(parent) else { return };
        let pid = if has(libc::CLONE_THREAD) {
            process.threads += 1;
            process.count.pid
        } else {
            let count = Count { pid: child, program: process.count.program.clone(), ..Count::default() };
            let counters = process.counters.filter(|_| !has(libc::CLONE_VM));
            let seen = process.seen;
            self.processes.insert(child, Process { count, threads: 1, new: true, counters, seen });
            child
        };
        self.threads.insert(child, pid);
    }

    /// A new thread's first stop: if it is a process, what its counters say now is its parent's.
    pub(crate) fn on_attached(&mut self, stopped: &Stopped) {
        let tid = stopped.tid();
        if let Some(process) = self.processes.get_mut(&tid)
            && std::mem::take(&mut process.new)
            && let Some(now) = process.counters.and_then(|at| read(stopped, at))
        {
            process.seen = now;
        }
    }

    /// A thread is about to end. The last one's process is told of while its parent does not know yet.
    pub(crate) fn on_exit(&mut self, stopped: &Stopped) {
        if let Some(process) = self.of(stopped.tid()) {
            process.look(stopped);
        }
        self.on_end(stopped.tid());
    }

    /// A thread is gone.
    pub(crate) fn on_end(&mut self, tid: Tid) {
        let Some(pid) = self.threads.remove(&tid) else { return };
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.threads = process.threads.saturating_sub(1);
        if process.threads > 0 {
            return;
        }
        let Some(Process { count, .. }) = self.processes.remove(&pid) else { return };
        self.tell(&count);
        if self.processes.is_empty() {
            self.tally.all(&self.total);
        }
    }
}

/// What is running in `stopped`: the last part of the path that was executed, as a 32-bit program itself is
/// told it; of others, what /proc says.
pub(super) fn program(stopped: &Stopped, is_32: bool) -> String {
    let comm = || fs::read(proc_file(stopped.tid(), "comm")?).ok();
    let path = if is_32 { execfn(stopped) } else { comm() };
    let path = path.unwrap_or_else(|| b"?".into());
    let last = path.trim_ascii_end().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    String::from_utf8_lossy(last).into_owned()
}

fn execfn(stopped: &Stopped) -> Option<Vec<u8>> {
    let at = Auxv::read(stopped).ok()?.execfn;
    let mut path = vec![0; libc::PATH_MAX as usize];
    let read = stopped.read(at.into(), &mut path).ok()?;
    path.truncate(path[..read].iter().position(|byte| *byte == 0).unwrap_or(read));
    Some(path)
}
