//! Where the supervisor runs: on the processor of the thread that it serves.
//!
//! A stop wakes the supervisor and its answer wakes the thread. Across processors each of the two may have to
//! wake an idle processor first, which costs several times what the work does; on one processor they are
//! plain switches, and the scheduler leaves the thread where it is.

use tracee::{Tid, proc_stat};

/// Follows the threads that are served.
#[derive(Debug)]
pub(crate) struct Placement {
    /// How many stops until it looks again, and how many that are this time.
    countdown: u32,
    interval: u32,
    processor: Option<usize>,
}

impl Placement {
    /// A look costs a read from /proc, several stops' worth. Where it sees the same each time it is worth less and less.
    const EVERY: u32 = 64;
    const RARELY: u32 = 1024;
    /// Programs that are served a few times only are not worth a move.
    const FIRST: u32 = 16;

    pub(crate) const fn new() -> Placement {
        Placement { countdown: Self::FIRST, interval: Self::EVERY, processor: None }
    }

    /// `tid` is being served. Not being able to follow it costs time, and nothing else.
    pub(crate) fn serving(&mut self, tid: Tid) {
        self.countdown -= 1;
        if self.countdown > 0 {
            return;
        }
        let processor = processor(tid);
        self.interval =
            if processor == self.processor { Self::RARELY.min(2 * self.interval) } else { Self::EVERY };
        self.countdown = self.interval;
        if processor != self.processor
            && let Some(number) = processor
            && run_on(number)
        {
            self.processor = processor;
        }
    }
}

/// The processor that a thread ran on last (proc_pid_stat(5), the 39th field).
fn processor(tid: Tid) -> Option<usize> {
    proc_stat(tid)?.get(39 - 3)?.parse().ok()
}

/// Moves the calling thread to one processor.
fn run_on(processor: usize) -> bool {
    if processor >= libc::CPU_SETSIZE as usize {
        return false;
    }
    // SAFETY: cpu_set_t is an array of integers, for which zero is a value; the number is within it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) == 0
    }
}
