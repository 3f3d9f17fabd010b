//! Tracing processes that run already.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::panic;
use std::thread;

use tracee::{Options, Scope, Signal, Tid, Waiter, has_ended, proc_file};

use crate::layer::Layer;
use crate::session::{Begun, Layers, Threads, follow_all, let_go};
use crate::withdraw::without_stop_signals;
use crate::{Error, signals, trial};

/// Processes to be traced, and the layers that their calls go by.
pub struct Attach {
    processes: Vec<Tid>,
    layers: Layers,
    times: bool,
    children: bool,
    kill_on_exit: bool,
}

/// How tracing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nobody is left.
    Nobody,
    /// A signal to this process asked for an end; who was traced runs on.
    Interrupted(Signal),
}

impl Attach {
    /// Attaches to all threads of these processes; a thread's id stands for its process.
    #[must_use]
    pub fn new(processes: impl IntoIterator<Item = Tid>) -> Attach {
        let processes = processes.into_iter().collect();
        Attach { processes, layers: Vec::new(), times: false, children: true, kill_on_exit: false }
    }

    /// Adds a layer, which must want no filter: nobody can be given one who runs already.
    #[must_use]
    pub fn with(mut self, layer: impl Layer + 'static) -> Attach {
        self.layers.push(Box::new(layer));
        self
    }

    /// Whether processes and threads that are made from now on are traced too. They are, unless this says no; of a process
    /// all threads are in any case.
    #[must_use]
    pub const fn children(mut self, children: bool) -> Attach {
        self.children = children;
        self
    }

    /// Whether who is traced is killed when this process ends without letting go.
    #[must_use]
    pub const fn kill_on_exit(mut self, kill: bool) -> Attach {
        self.kill_on_exit = kill;
        self
    }

    /// Whether the processor time of calls is asked for.
    #[must_use]
    pub const fn times(mut self, times: bool) -> Attach {
        self.times = times;
        self
    }

    /// Attaches, and follows until all have ended or SIGINT, SIGTERM, SIGHUP or SIGQUIT asks for an end. Then every thread
    /// is let go, and nothing of us is left in it.
    ///
    /// # Errors
    /// [`Error::Attach`]: a process is not there, or can't be traced. None is traced then.
    pub fn run(self) -> Result<Ended, Error> {
        // By a thread of its own, which has no children: their ends are none of tracees.
        let thread = thread::Builder::new().name("socketcall".into()).spawn(move || self.run_here());
        let thread = thread.map_err(|error| Error::os("clone", error))?;
        thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    }

    fn run_here(mut self) -> Result<Ended, Error> {
        let options =
            if self.children { Options::ATTACHED } else { Options::ATTACHED.without_children() }.with_exit();
        let options = if self.kill_on_exit { options.kill_on_exit() } else { options };
        trial::need(trial::TRACE)?;
        signals::interrupt_waiting();
        without_stop_signals();
        let mut seized = Vec::new();
        for process in &self.processes {
            let before = seized.len();
            if let Err(error) = seize_all(*process, options, &mut seized) {
                // The others run on. As a rule the end of this thread is enough for that, and they are not even stopped.
                if self.kill_on_exit {
                    let threads = Threads::of(&seized);
                    let_go(&mut self.layers, &mut Waiter::new(Scope::Thread), threads, true)
                        .map_err(|error| Error::os("waitpid", error))?;
                }
                return Err(error);
            }
            self.layers.iter_mut().for_each(|layer| layer.on_seized(*process, &seized[before..]));
        }
        for tid in &seized {
            // Stopped once, so that it stops at calls from then on. If it is gone, its end tells.
            let _ = tracee::interrupt(*tid);
        }
        let mut waiter = Waiter::new(Scope::Thread);
        waiter.interruptible(&signals::INTERRUPTED);
        if self.times {
            waiter.with_times();
        }
        let begun = Begun { threads: &seized, filter: None, kill_on_exit: self.kill_on_exit };
        follow_all(&mut self.layers, waiter, begun, |_| ()).map_err(|error| Error::os("waitpid", error))?;
        Ok(signals::interrupted_by().map_or(Ended::Nobody, Ended::Interrupted))
    }
}

/// Becomes the tracer of every thread of a process. Those that come into being meanwhile are found by looking again.
fn seize_all(process: Tid, options: Options, seized: &mut Vec<Tid>) -> Result<(), Error> {
    let tasks = proc_file(process, "task");
    let mut known: HashSet<Tid> = seized.iter().copied().collect();
    let mut is_traced = known.contains(&process);
    loop {
        let threads: Vec<Tid> = match tasks.as_ref().map(fs::read_dir) {
            Some(Ok(entries)) => {
                entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
            }
            // Without /proc the process's first thread is all that is known.
            None => vec![process],
            Some(Err(error)) => return Err(Error::attach(process, error)),
        };
        let mut found = false;
        for tid in threads {
            if !known.insert(tid) {
                continue;
            }
            found = true;
            match tracee::seize(tid, options) {
                // A thread that has ended meanwhile; of the first one something stays until all others have ended.
                Err(tracee::Error::Gone) => continue,
                Err(tracee::Error::Os { .. }) if has_ended(tid) => continue,
                // One that was made after its maker was seized is ours already.
                Err(tracee::Error::Os { error, .. }) if !is_ours(tid) => {
                    return Err(Error::attach(process, error));
                }
                _ => seized.push(tid),
            }
            is_traced = true;
        }
        if !found || tasks.is_none() {
            break;
        }
    }
    let gone = || Error::attach(process, io::Error::from_raw_os_error(libc::ESRCH));
    if is_traced { Ok(()) } else { Err(gone()) }
}

/// Whether this thread traces another.
fn is_ours(tid: Tid) -> bool {
    // SAFETY: gettid takes nothing.
    let own = unsafe { libc::gettid() };
    tracee::proc_status(tid, "TracerPid:").and_then(|tracer| tracer.parse().ok()) == Some(own)
}
