//! The event loop.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::{Duration, Instant};

use seccomp::{Action, Data, Filter};
use tracee::{At, CallInfo, Resume, Signal, Stop, Stopped, Tid, Waited, Waiter};

use crate::child::kill;
use crate::data;
use crate::layer::{End, Handled, Judged, Layer, Then};
use crate::placement::Placement;
use crate::say;

/// The layers, outermost first.
pub(crate) type Layers = Vec<Box<dyn Layer>>;

/// What holds for every stop.
#[derive(Clone, Copy)]
struct Always<'a> {
    /// The filter that all have from us.
    filter: Option<&'a Filter>,
    /// How every thread goes on at least ([`Layer::least`]).
    then: Then,
    /// Whether multiplexed calls that stop have their registers set ([`Layer::sets_registers`]).
    by_registers: bool,
}

impl Always<'_> {
    fn resume(self, then: Then, signal: Signal) -> Resume {
        match then.max(self.then) {
            Then::Go => Resume::Continue(signal),
            Then::StopAtCall => Resume::ToCall(signal),
        }
    }

    /// The data of our own filter's answer for a call, whatever data the thread stopped with: of equal answers the newest
    /// filter's counts (kernel/seccomp.c, `seccomp_run_filters`), and the program's may have ours on its tongue. None, if
    /// our filter did not ask.
    fn data(self, call: &CallInfo, number: u64, args: [u64; 6]) -> Option<u16> {
        let call = Data { nr: number as u32, arch: call.arch, instruction_pointer: call.ip, args };
        match self.filter?.interpret(&call) {
            Action::Trace(data) => Some(data),
            _ => None,
        }
    }
}

/// What [`follow_all`] follows.
pub(crate) struct Begun<'a> {
    /// The threads to begin with. The first is the program's.
    pub(crate) threads: &'a [Tid],
    /// The filter that the program was started with.
    pub(crate) filter: Option<&'a Filter>,
    /// Whether tracees die with this thread.
    pub(crate) kill_on_exit: bool,
}

/// Which threads are there. A child's first stop and its parent's event come in any order; here a child waits
/// until it is announced, so that all is known of it before it runs.
#[derive(Default)]
pub(crate) struct Threads {
    /// Those that were there first. One that was made while we attached is announced as well.
    first: HashSet<Tid>,
    alive: HashSet<Tid>,
    /// Stopped for the first time, and not announced; and until when each waits.
    waiting: HashMap<Tid, (Stopped, Instant)>,
    /// Those that have waited in vain, and how they ended, if they did. Their parent was killed in that
    /// moment, or is late: then it announces them yet.
    unannounced: HashMap<Tid, Option<End>>,
}

impl Threads {
    /// How long a child waits while others are heard. Its parent is about to announce it, or was killed; on a
    /// busy machine it may be a while until it runs.
    const PATIENCE: Duration = Duration::from_secs(1);
    /// How long it waits while nobody is heard.
    const SILENCE: Duration = Duration::from_millis(100);

    pub(crate) fn of(alive: &[Tid]) -> Threads {
        let first: HashSet<Tid> = alive.iter().copied().collect();
        Threads { alive: first.clone(), first, ..Threads::default() }
    }

    /// Whether a child that is announced was there first, and is gone.
    fn is_over(&self, child: Tid) -> bool {
        self.first.contains(&child) && !self.alive.contains(&child) && tracee::has_ended(child)
    }

    /// A child is announced. Answers how it ended, if it did so before.
    fn announced(&mut self, child: Tid) -> Option<End> {
        let end = self.unannounced.remove(&child).flatten();
        if end.is_none() {
            self.alive.insert(child);
        }
        end
    }

    /// Takes out those who have waited long enough.
    fn out_of_patience(&mut self, now: Instant) -> Vec<Stopped> {
        let late: Vec<_> = self.waiting.extract_if(|_, (_, until)| *until <= now).collect();
        for (tid, _) in &late {
            self.alive.insert(*tid);
            self.unannounced.insert(*tid, None);
        }
        late.into_iter().map(|(_, (child, _))| child).collect()
    }

    /// All that wait have waited long enough.
    fn nobody_announces(&mut self) {
        let now = Instant::now();
        self.waiting.values_mut().for_each(|(_, until)| *until = now);
    }

    fn ended(&mut self, tid: Tid, end: End) {
        self.alive.remove(&tid);
        if self.waiting.remove(&tid).is_some() || self.unannounced.contains_key(&tid) {
            self.unannounced.insert(tid, Some(end));
        }
    }
}

/// Follows all that is begun, and all that they start, until the last of them has ended. Answers how the program ended, if
/// that was told; `program_ended` is called then. If the waiter is interrupted, all of them are let go, untraced; those that
/// have a filter, which would be left without the tracer that it asks, are killed.
pub(crate) fn follow_all(
    layers: &mut Layers,
    mut waiter: Waiter,
    Begun { threads: first, filter, kill_on_exit }: Begun<'_>,
    mut program_ended: impl FnMut(End),
) -> io::Result<Option<End>> {
    for layer in layers.iter_mut() {
        layer.on_start();
    }
    let then = layers.iter().map(|layer| layer.least()).max().unwrap_or(Then::Go);
    let by_registers = layers.iter().all(|layer| layer.sets_registers());
    let always = Always { filter, then, by_registers };
    let mut threads = Threads::of(first);
    let mut placement = Placement::new();
    let (mut outcome, mut over) = (None, false);
    loop {
        let waited = if threads.waiting.is_empty() {
            waiter.wait()?
        } else {
            for child in threads.out_of_patience(Instant::now()) {
                serve(layers, always, &mut waiter, child, Stop::Attached, &mut threads);
            }
            match waiter.wait_at_most(Threads::SILENCE)? {
                Some(waited) => waited,
                None => {
                    threads.nobody_announces();
                    continue;
                }
            }
        };
        let (tid, end) = match waited {
            Waited::Nobody => return Ok(outcome),
            Waited::Interrupted if filter.is_some() => {
                over = true;
                threads.alive.iter().chain(threads.waiting.keys()).for_each(|tid| {
                    kill(*tid);
                });
                continue;
            }
            Waited::Interrupted => {
                let_go(layers, &mut waiter, threads, kill_on_exit)?;
                return Ok(outcome);
            }
            Waited::Stopped(stopped, Stop::Attached) if !threads.alive.contains(&stopped.tid()) => {
                threads.unannounced.remove(&stopped.tid());
                threads.waiting.insert(stopped.tid(), (stopped, Instant::now() + Threads::PATIENCE));
                continue;
            }
            Waited::Stopped(stopped, stop) => {
                if over {
                    kill(stopped.tid());
                }
                if matches!(stop, Stop::Seccomp | Stop::Call | Stop::Signal(libc::SIGSYS)) {
                    placement.serving(stopped.tid());
                }
                serve(layers, always, &mut waiter, stopped, stop, &mut threads);
                if let Stop::Clone { child } = stop
                    && let Some((child, _)) = threads.waiting.remove(&child)
                {
                    serve(layers, always, &mut waiter, child, Stop::Attached, &mut threads);
                }
                continue;
            }
            Waited::Exited(tid, status) => (tid, End::Exited(status)),
            Waited::Killed { tid, signal, core } => (tid, killed(layers, tid, signal, core)),
        };
        threads.ended(tid, end);
        for layer in layers.iter_mut() {
            layer.on_end(tid, end);
        }
        // The number may be given to another once more.
        if first.first() == Some(&tid) && outcome.is_none() {
            outcome = Some(end);
            program_ended(end);
        }
    }
}

fn killed(layers: &mut Layers, tid: Tid, signal: Signal, core: bool) -> End {
    if core {
        layers.iter_mut().for_each(|layer| layer.on_core_dump(tid));
    }
    End::Killed(signal)
}

/// Lets every thread go on untraced. Each is stopped first, by us or by what happens to it in that moment. What can't be
/// stopped, as a thread that waits for the child of its vfork, the kernel lets go at our end, unless it is to `kill_on_exit`.
pub(crate) fn let_go(
    layers: &mut Layers,
    waiter: &mut Waiter,
    mut threads: Threads,
    kill_on_exit: bool,
) -> io::Result<()> {
    const SILENCE: Duration = Duration::from_millis(100);
    /// How often nothing is heard of any until they are given up.
    const PATIENCE: u32 = 5;
    let mut silences = 0;
    // Those that are gone, and may be announced yet.
    let mut gone = HashSet::new();
    for (tid, (stopped, _)) in threads.waiting.drain() {
        ignore_gone(stopped.detach(0));
        gone.insert(tid);
    }
    // Whoever is gone tells so by its end.
    threads.alive.iter().for_each(|tid| ignore_gone(tracee::interrupt(*tid)));
    while !threads.alive.is_empty() {
        let Some(waited) = waiter.wait_at_most(SILENCE)? else {
            // The first thread of a process tells of its end when all others have ended.
            for tid in threads.alive.extract_if(|tid| tracee::has_ended(*tid)) {
                layers.iter_mut().for_each(|layer| layer.on_detached(tid));
            }
            silences += 1;
            if silences == PATIENCE && !kill_on_exit {
                for tid in threads.alive.drain() {
                    layers.iter_mut().for_each(|layer| layer.on_detached(tid));
                }
            }
            continue;
        };
        silences = 0;
        let (tid, end) = match waited {
            Waited::Nobody => break,
            Waited::Interrupted => continue,
            Waited::Stopped(stopped, stop) => {
                let tid = stopped.tid();
                match stop {
                    Stop::Clone { child } if !gone.contains(&child) => {
                        threads.alive.insert(child);
                        ignore_gone(tracee::interrupt(child));
                    }
                    Stop::Exec { former } if former != tid => {
                        threads.alive.remove(&former);
                    }
                    _ => {}
                }
                // What came first is the thread's; what we asked for then ends with its being traced.
                let signal = if let Stop::Signal(signal) = stop { signal } else { 0 };
                ignore_gone(stopped.detach(signal));
                threads.alive.remove(&tid);
                gone.insert(tid);
                layers.iter_mut().for_each(|layer| layer.on_detached(tid));
                continue;
            }
            Waited::Exited(tid, status) => (tid, End::Exited(status)),
            Waited::Killed { tid, signal, core } => (tid, killed(layers, tid, signal, core)),
        };
        threads.alive.remove(&tid);
        gone.insert(tid);
        layers.iter_mut().for_each(|layer| layer.on_end(tid, end));
    }
    Ok(())
}

/// Deals with one stop, and lets the thread go on.
fn serve(
    layers: &mut Layers,
    always: Always<'_>,
    waiter: &mut Waiter,
    mut stopped: Stopped,
    stop: Stop,
    threads: &mut Threads,
) {
    match handle(layers, always, threads, waiter, &mut stopped, stop) {
        // It may have been killed while we looked; if so, its end is reported next.
        Ok(how) => ignore_gone(stopped.resume(how)),
        // It runs to its end, or is heard to be stopped on the way there.
        Err(tracee::Error::Gone) => {}
        Err(error) => {
            say(format_args!("process {} can't be served and is killed: {error}", stopped.tid()));
            kill(stopped.tid());
        }
    }
}

/// Deals with one stop; answers how the thread goes on.
fn handle(
    layers: &mut Layers,
    always: Always<'_>,
    threads: &mut Threads,
    waiter: &mut Waiter,
    stopped: &mut Stopped,
    stop: Stop,
) -> tracee::Result<Resume> {
    let mut then = Then::Go;
    match stop {
        Stop::Exec { former } => {
            threads.alive.remove(&former);
            threads.alive.insert(stopped.tid());
            for layer in layers {
                then = then.max(layer.on_exec(stopped, former)?);
            }
        }
        Stop::Clone { child } if threads.is_over(child) => {}
        Stop::Clone { child } => {
            let end = threads.announced(child);
            for layer in layers {
                then = then.max(layer.on_clone(stopped, child)?);
                if let Some(end) = end {
                    layer.on_end(child, end);
                }
            }
        }
        Stop::Attached => {
            for layer in layers {
                then = then.max(layer.on_attached(stopped)?);
            }
        }
        Stop::Exit => {
            for layer in layers {
                layer.on_exit(stopped)?;
            }
        }
        Stop::Call => {
            for layer in layers.iter_mut() {
                if layer.before_call(stopped)? {
                    return Ok(always.resume(Then::StopAtCall, 0));
                }
            }
            for layer in layers {
                then = then.max(layer.on_call(waiter, stopped)?);
            }
        }
        Stop::Seccomp => {
            let call = if always.by_registers {
                stopped.call_in_registers(abi::SOCKETCALL_I386)?
            } else {
                stopped.call_info(true)?
            };
            // Elsewhere it left the stop: it was killed.
            let At::Entry { number, args } = call.at else { return Err(tracee::Error::Gone) };
            let Some(data) = always.data(&call, number, args) else {
                stopped.answer(libc::ENOSYS)?;
                return Ok(always.resume(Then::Go, 0));
            };
            for layer in layers.iter_mut() {
                if layer.continues(stopped)? {
                    return Ok(always.resume(Then::StopAtCall, 0));
                }
            }
            if data == data::SOCKETCALL {
                for layer in layers.iter_mut() {
                    layer.on_multiplexed(stopped)?;
                }
            }
            let mut handled = false;
            for layer in layers.iter_mut() {
                match layer.on_trace(stopped, data)? {
                    Handled::No => continue,
                    Handled::Yes(wanted) => then = then.max(wanted),
                    Handled::InPlace { made } => return in_place(layers, always, stopped, made),
                }
                handled = true;
                // A call that is shown may be one that others wait for too.
                if !matches!(data, data::SHOWN | data::JUDGED) {
                    break;
                }
            }
            // The filter asks for one reason; rules may be another.
            if data != data::SOCKETCALL {
                handled |= data == data::JUDGED;
                then = then.max(judge(layers, stopped)?);
            }
            if !handled {
                stopped.answer(libc::ENOSYS)?;
            }
        }
        Stop::Signal(signal) => {
            let info = stopped.signal_info()?;
            if crate::demux::is_trap(&info) {
                for layer in layers.iter_mut() {
                    layer.on_multiplexed(stopped)?;
                }
            }
            for at in 0..layers.len() {
                match layers[at].on_signal(waiter, stopped, &info)? {
                    Handled::No => {}
                    Handled::Yes(wanted) => return Ok(always.resume(wanted, 0)),
                    Handled::InPlace { made } => return in_place(layers, always, stopped, made),
                }
            }
            for layer in layers {
                then = then.max(layer.on_delivery(stopped)?);
            }
            return Ok(always.resume(then, signal));
        }
        Stop::Group(signal) => {
            for layer in layers {
                layer.on_group_stop(stopped, signal);
            }
            return Ok(Resume::Listen);
        }
    }
    Ok(always.resume(then, 0))
}

/// A multiplexed call is carried out in place, or was answered.
fn in_place(
    layers: &mut Layers,
    always: Always<'_>,
    stopped: &mut Stopped,
    made: bool,
) -> tracee::Result<Resume> {
    for layer in layers.iter_mut() {
        layer.on_in_place(stopped, made)?;
    }
    if !made {
        return Ok(always.resume(Then::Go, 0));
    }
    // One that is about to be executed again comes by the filter.
    judge(layers, stopped)?;
    Ok(always.resume(Then::StopAtCall, 0))
}

/// Asks whether the call is made that the thread is about to make, if it is.
fn judge(layers: &mut Layers, stopped: &mut Stopped) -> tracee::Result<Then> {
    const NONE: u32 = u32::MAX;
    let mut then = Then::Go;
    if !matches!(stopped.call_info(true)?.at, At::Entry { number, .. } if number as u32 != NONE) {
        return Ok(then);
    }
    for at in 0..layers.len() {
        let (reason, kills) = match layers[at].on_judge(stopped)? {
            Judged::Made(wanted) => {
                then = then.max(wanted);
                continue;
            }
            Judged::Refused(reason) => (reason, false),
            Judged::Killed(reason) => (reason, true),
        };
        for layer in layers.iter_mut() {
            layer.on_refused(stopped, &reason)?;
        }
        if kills {
            kill(stopped.tid());
            return Err(tracee::Error::Gone);
        }
        return Ok(then);
    }
    Ok(then)
}

/// A tracee that is gone needs no resuming.
fn ignore_gone(result: tracee::Result<()>) {
    if let Err(error) = result
        && !matches!(error, tracee::Error::Gone)
    {
        say(format_args!("{error}"));
    }
}
