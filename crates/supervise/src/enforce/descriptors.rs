//! Descriptors that stay the sockets that they were when a call was judged, until the kernel has looked them up.
//!
//! Threads share a table of descriptors: while one's call is judged, another can put another socket under the same number
//! (dup2(2), or close(2) and socket(2)), to which the judgement doesn't apply. So calls that take descriptors away are stopped
//! too, and wait: one for the other's look into the table, or the other for its end. What they wait for takes no longer than a
//! thread needs to get a processor: a call that sleeps has looked already.

use std::collections::HashMap;
use std::fs;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use tracee::{At, Stopped, Tid, proc_file};

use super::call::Words;
use super::insert::has_stopped;
use crate::clone::Flags;
use crate::say;

/// A call that takes descriptors away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taking {
    fds: RangeInclusive<u32>,
    /// Whether who sleeps in the call interruptibly has taken it: what sleeps so is the old file's end. (dup2(2) may wait for a
    /// larger table before that, but uninterruptibly; fs/file.c, `expand_files`.) Who closes a range may sleep for one of it,
    /// and have others before it.
    interruptibly: bool,
    /// Whether who sleeps uninterruptibly has too: in close(2), where nothing is waited for before.
    uninterruptibly: bool,
}

impl Taking {
    /// What a call takes, of those that are stopped for it; `None` if that is nothing.
    pub(super) fn of(words: &Words) -> Option<Taking> {
        /// close_range(2) with it only marks them (linux/close_range.h).
        const CLOEXEC: u32 = 1 << 2;
        let [first, second, flags, ..] = words.args.map(|word| word as u32);
        let (fds, interruptibly, uninterruptibly) = match (words.arch, words.number & !decode::Abi::X32_BIT) {
            (seccomp::Arch::I386, 6) | (seccomp::Arch::X86_64, 3) => (first..=first, true, true),
            (_, 436) if flags & CLOEXEC != 0 => return None,
            (_, 436) => (first..=second, false, false),
            // dup2 and dup3
            _ => (second..=second, true, false),
        };
        Some(Taking { fds, interruptibly, uninterruptibly })
    }
}

/// A table of descriptors. `None` stands for any: that of a thread whose maker has not told of it yet.
type Table = Option<u64>;

/// A thread's table.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    table: Table,
    /// Nobody else has it.
    alone: bool,
}

/// Who does what to which descriptor at the moment.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    /// Whether it matters.
    holds: bool,
    /// The last table's number.
    last: u64,
    owners: HashMap<Tid, Own>,
    /// The descriptors of judged calls that are under way, until they are known to be looked up.
    used: HashMap<Tid, (Table, u32)>,
    taken: HashMap<Tid, (Table, Taking)>,
}

/// Where a call has to wait for another for longer than this, it is refused: the other one's thread gets no processor.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits for one that sleeps, and may have it before it yet.
const NAP: Duration = Duration::from_millis(100);

impl Descriptors {
    /// Holds descriptors, if that matters under a policy.
    pub(super) fn new(holds: bool) -> Descriptors {
        Descriptors { holds, ..Descriptors::default() }
    }

    /// A thread has a table of its own, by exec.
    pub(super) fn has_executed(&mut self, tid: Tid, former: Tid) {
        if self.holds {
            self.is_over(former);
            self.is_over(tid);
            let own = self.new_table();
            self.owners.insert(tid, own);
        }
    }

    fn new_table(&mut self) -> Own {
        self.last += 1;
        Own { table: Some(self.last), alone: true }
    }

    /// A thread was made, by one that is still in that call. `has_executed` tells of a program of its own meanwhile.
    pub(super) fn is_made(&mut self, parent: &Stopped, child: Tid, has_executed: bool) -> tracee::Result<()> {
        if !self.holds {
            return Ok(());
        }
        let shares = match Flags::of(&parent.registers()?) {
            Flags::Register { value, .. } | Flags::Fixed(value) => value & libc::CLONE_FILES as u64 != 0,
            // The program may have changed them meanwhile.
            Flags::Memory(_) => true,
        };
        self.has_made(parent.tid(), child, shares, has_executed);
        Ok(())
    }

    /// The new thread has its maker's table, or a copy of that; or its own, if it has executed a program.
    fn has_made(&mut self, parent: Tid, child: Tid, shares: bool, has_executed: bool) {
        let own = if shares {
            let own = self.owners.entry(parent).or_default();
            own.alone = false;
            *own
        } else if self.owners.contains_key(&child) {
            // Its maker is late, and it has made others meanwhile.
            Own::default()
        } else {
            self.new_table()
        };
        if !has_executed {
            self.owners.insert(child, own);
        }
    }

    /// A thread is at a call's entry or exit.
    pub(super) fn is_at_call(&mut self, stopped: &Stopped) -> tracee::Result<()> {
        let tid = stopped.tid();
        let is_in_call = self.used.contains_key(&tid) || self.taken.contains_key(&tid);
        if is_in_call && matches!(stopped.call_info(false)?.at, At::Exit { .. }) {
            self.has_returned(tid);
        }
        Ok(())
    }

    fn has_returned(&mut self, tid: Tid) {
        self.used.remove(&tid);
        self.taken.remove(&tid);
    }

    /// A thread is gone.
    pub(super) fn is_over(&mut self, tid: Tid) {
        self.has_returned(tid);
        self.owners.remove(&tid);
    }

    fn own(&self, tid: Tid) -> Own {
        self.owners.get(&tid).copied().unwrap_or_default()
    }

    /// A thread is about to take descriptors away: waits until nobody is in a judged call that has yet to look one of them up.
    /// Answers whether somebody could do the same, so that the call's end is of interest; or, that it can't be made.
    pub(super) fn takes(&mut self, tid: Tid, taking: Taking) -> Result<bool, Late> {
        let own = self.own(tid);
        if own.alone {
            return Ok(false);
        }
        let others = |(other, (table, fd)): (&Tid, &(Table, u32))| {
            (*other != tid && may_be_one(own.table, *table) && taking.fds.contains(fd)).then_some(*other)
        };
        for other in self.used.iter().filter_map(others).collect::<Vec<_>>() {
            wait(other, &|state| state.is_past(true, true))?;
            self.used.remove(&other);
        }
        self.taken.insert(tid, (own.table, taking));
        Ok(true)
    }

    /// A thread is about to make a call for which `fd` is judged: waits until nobody takes that away.
    pub(super) fn is_settled(&mut self, tid: Tid, fd: u32) -> Result<(), Late> {
        let own = self.own(tid);
        if own.alone {
            return Ok(());
        }
        let others = |(other, (table, taking)): (&Tid, &(Table, Taking))| {
            let meets = *other != tid && may_be_one(own.table, *table) && taking.fds.contains(&fd);
            meets.then_some((*other, taking.interruptibly, taking.uninterruptibly))
        };
        for (other, interruptibly, uninterruptibly) in
            self.taken.iter().filter_map(others).collect::<Vec<_>>()
        {
            wait(other, &|state| state.is_past(interruptibly, uninterruptibly))?;
            self.taken.remove(&other);
        }
        Ok(())
    }

    /// A thread makes a call for which `fd` was judged.
    pub(super) fn uses(&mut self, tid: Tid, fd: u32) {
        let own = self.own(tid);
        if self.holds && !own.alone {
            self.used.insert(tid, (own.table, fd));
        }
    }
}

fn may_be_one(a: Table, b: Table) -> bool {
    a.is_none() || b.is_none() || a == b
}

/// A call would have to wait for one whose thread gets no processor, or sleeps at the wrong moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Late;

/// The state of a thread that we let go on into a call.
#[derive(Clone, Copy, Debug)]
struct State {
    tid: Tid,
    /// As proc_pid_stat(5) has it; `None` of a thread that is gone, or hides it (proc(5), hidepid).
    letter: Option<u8>,
}

impl State {
    fn of(tid: Tid) -> State {
        // The process's own file adds up all of its threads, however many there are.
        let stat = proc_file(tid, &format!("task/{tid}/stat")).and_then(|file| fs::read(file).ok());
        // The name in parentheses may hold anything.
        let letter = stat.and_then(|stat| {
            let end = stat.iter().rposition(|byte| *byte == b')')?;
            stat.get(end + 2).copied()
        });
        State { tid, letter }
    }

    /// Whether the thread has looked its descriptor up, or taken it away: it is out of the call, since it has stopped for us or
    /// is gone; or it sleeps in it, which it does no earlier.
    fn is_past(self, interruptibly: bool, uninterruptibly: bool) -> bool {
        match self.letter {
            None => has_stopped(self.tid),
            Some(b't' | b'T' | b'Z' | b'X') => true,
            Some(b'S') => interruptibly,
            Some(b'D') => uninterruptibly && self.sleeps_in_call(),
            Some(_) => false,
        }
    }

    fn sleeps(self) -> bool {
        matches!(self.letter, Some(b'S' | b'D'))
    }

    /// Whether a thread that sleeps uninterruptibly does so in the call. A cgroup can freeze it where it was stopped for us; and
    /// where locks sleep, as under PREEMPT_RT, it may wait for one on its way there.
    fn sleeps_in_call(self) -> bool {
        static LOCKS_SLEEP: LazyLock<bool> = LazyLock::new(|| {
            const REAL_TIME: &[u8] = b"PREEMPT_RT";
            let version = fs::read("/proc/version").unwrap_or_default();
            version.windows(REAL_TIME.len()).any(|part| part == REAL_TIME)
        });
        let place = proc_file(self.tid, "wchan").and_then(|file| fs::read(file).ok());
        // 0 stands for no place, and for one that we may not know.
        !*LOCKS_SLEEP && place.is_some_and(|place| !matches!(place.as_slice(), b"" | b"0" | b"ptrace_stop"))
    }
}

/// Waits until a thread is in such a state.
fn wait(tid: Tid, is_so: &dyn Fn(State) -> bool) -> Result<(), Late> {
    /// How often we only let others run.
    const YIELDS: u32 = 100;
    const PAUSE: Duration = Duration::from_micros(50);
    let begun = Instant::now();
    let mut rounds = 0;
    loop {
        let state = State::of(tid);
        if is_so(state) {
            return Ok(());
        }
        if rounds < YIELDS {
            thread::yield_now();
        } else if begun.elapsed() < if state.sleeps() { NAP } else { PATIENCE } {
            thread::sleep(PAUSE);
        } else {
            say(format_args!(
                "thread {tid} is in a call with a descriptor that another thread uses or closes, and is late: the other's \
                 call answers EBUSY"
            ));
            return Err(Late);
        }
        rounds += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

    use decode::Abi;
    use seccomp::Arch;

    use super::*;

    fn taking(arch: Arch, number: u32, args: [u64; 3]) -> Option<Taking> {
        let abi = if arch == Arch::I386 { Abi::I386 } else { Abi::X86_64 };
        let [a, b, c] = args;
        Taking::of(&Words { arch, abi, number, args: [a, b, c, 0, 0, 0] })
    }

    #[test]
    fn what_is_taken() {
        let high = 7 << 32;
        for (arch, [first, second, third]) in [(Arch::I386, [6, 63, 330]), (Arch::X86_64, [3, 33, 292])] {
            for (number, args, expected) in [
                (first, [high | 5, 9, 0], close(5)),
                (second, [5, high | 9, 0], dup(9)),
                (third, [5, 9, 0], dup(9)),
                (436, [5, u64::MAX, 0], range(5..=u32::MAX)),
                (436, [5, 9, 2], range(5..=9)),
            ] {
                assert_eq!(taking(arch, number, args), Some(expected), "{arch:?} {number}");
            }
            assert_eq!(taking(arch, 436, [5, 9, 4]), None);
        }
        let x32 = 0x4000_0000 | 33;
        assert_eq!(taking(Arch::X86_64, x32, [5, 9, 0]), Some(dup(9)));
    }

    fn close(fd: u32) -> Taking {
        Taking { fds: fd..=fd, interruptibly: true, uninterruptibly: true }
    }

    fn dup(fd: u32) -> Taking {
        Taking { uninterruptibly: false, ..close(fd) }
    }

    fn range(fds: RangeInclusive<u32>) -> Taking {
        Taking { fds, interruptibly: false, uninterruptibly: false }
    }

    /// A thread that runs until it is told to sleep; its number.
    fn with_running<R>(test: impl FnOnce(Tid, &AtomicBool) -> R) -> R {
        let (tid, sleeps, over) = (AtomicI32::new(0), AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                // SAFETY: no pointers.
                tid.store(unsafe { libc::gettid() }, Ordering::SeqCst);
                while !sleeps.load(Ordering::SeqCst) {
                    std::hint::spin_loop();
                }
                while !over.load(Ordering::SeqCst) {
                    thread::sleep(PAUSE);
                }
            });
            while tid.load(Ordering::SeqCst) == 0 {
                thread::yield_now();
            }
            let result = test(tid.load(Ordering::SeqCst), &sleeps);
            sleeps.store(true, Ordering::SeqCst);
            over.store(true, Ordering::SeqCst);
            result
        })
    }

    const PAUSE: Duration = Duration::from_millis(20);

    /// What a call answers that waits until the running thread sleeps, which it does after a while.
    fn waits<R>(sleeps: &AtomicBool, call: impl FnOnce() -> R) -> R {
        let told = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(PAUSE);
                told.store(true, Ordering::SeqCst);
                sleeps.store(true, Ordering::SeqCst);
            });
            let answer = call();
            assert!(told.load(Ordering::SeqCst), "it did not wait");
            answer
        })
    }

    /// Two threads that share a table, and one that doesn't.
    fn three(a: Tid, b: Tid, other: Tid) -> Descriptors {
        let mut descriptors = Descriptors::new(true);
        let shared = Own { alone: false, ..descriptors.new_table() };
        let own = Own { alone: false, ..descriptors.new_table() };
        descriptors.owners.extend([(a, shared), (b, shared), (other, own)]);
        descriptors
    }

    #[test]
    fn who_takes_waits_until_the_other_sleeps() {
        with_running(|tid, sleeps| {
            let mut descriptors = three(tid, -2, -3);
            descriptors.uses(tid, 5);
            // Another descriptor, another table.
            assert_eq!(descriptors.takes(-2, close(6)), Ok(true));
            assert_eq!(descriptors.takes(-3, close(5)), Ok(true));
            assert_eq!(waits(sleeps, || descriptors.takes(-2, close(5))), Ok(true));
        });
    }

    #[test]
    fn who_is_judged_waits_for_who_takes() {
        with_running(|tid, sleeps| {
            let mut descriptors = three(tid, -2, -3);
            assert_eq!(descriptors.takes(tid, close(5)), Ok(true));
            assert_eq!(descriptors.is_settled(-2, 6), Ok(()));
            assert_eq!(descriptors.is_settled(-3, 5), Ok(()));
            // Of whom nothing is known, everything may be true.
            descriptors.owners.remove(&-3);
            assert_eq!(waits(sleeps, || descriptors.is_settled(-3, 5)), Ok(()));
        });
    }

    /// Who sleeps while it closes several may have one before it yet.
    #[test]
    fn a_sleeper_is_not_waited_for_for_ever() {
        with_running(|tid, sleeps| {
            sleeps.store(true, Ordering::SeqCst);
            let mut descriptors = three(tid, -2, -3);
            assert_eq!(descriptors.takes(tid, range(3..=9)), Ok(true));
            assert_eq!(descriptors.is_settled(-2, 5), Err(Late));
            assert_eq!(descriptors.takes(tid, dup(5)), Ok(true));
            assert_eq!(descriptors.is_settled(-2, 5), Ok(()));
        });
    }

    #[test]
    fn who_is_alone_waits_for_nobody() {
        let mut descriptors = Descriptors::new(true);
        descriptors.has_executed(1, 1);
        assert_eq!(descriptors.takes(1, close(5)), Ok(false));
        assert_eq!(descriptors.is_settled(1, 5), Ok(()));
        descriptors.uses(1, 5);
        assert!(descriptors.used.is_empty() && descriptors.taken.is_empty());
    }
    #[test]
    fn who_shares_a_table_is_not_alone() {
        let mut descriptors = Descriptors::new(true);
        descriptors.has_executed(1, 1);
        descriptors.has_made(1, 2, false, false);
        assert!(descriptors.own(1).alone && descriptors.own(2).alone);
        descriptors.has_made(2, 3, true, false);
        assert!(!descriptors.own(2).alone && !descriptors.own(3).alone);
        assert_eq!(descriptors.own(2).table, descriptors.own(3).table);
        assert_ne!(descriptors.own(1).table, descriptors.own(2).table);
        // A program of its own.
        descriptors.has_executed(5, 3);
        descriptors.has_made(2, 5, true, true);
        assert!(descriptors.own(5).alone && !descriptors.own(3).alone);
    }

    /// It may have made others that share its table, before its maker is heard.
    #[test]
    fn who_is_announced_late_is_not_alone() {
        let mut descriptors = Descriptors::new(true);
        descriptors.has_executed(1, 1);
        descriptors.has_made(2, 3, true, false);
        descriptors.has_made(1, 2, false, false);
        assert!(!descriptors.own(2).alone && !descriptors.own(3).alone);
        assert_eq!((descriptors.own(2).table, descriptors.own(3).table), (None, None));
    }
}
