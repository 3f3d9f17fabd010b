//! The event loop.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::{Duration, Instant};

use tracee::{At, Resume, Signal, Stop, Stopped, Tid, Waited, Waiter};

use crate::data;
use crate::layer::{End, Handled, Judged, Layer, Then};
use crate::placement::Placement;
use crate::say;

/// The layers, outermost first.
pub(crate) type Layers = Vec<Box<dyn Layer>>;

/// Which threads are there. A child's first stop and its parent's event come in any order; here a child waits
/// until it is announced, so that all is known of it before it runs.
#[derive(Default)]
struct Threads {
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

/// Follows all of `first`, of whom the first is the program, and all that they start, until the last of them has ended.
/// Answers how the program ended, if that was told; `program_ended` is called then. Lets all of them go, untraced, if the
/// waiter is interrupted.
pub(crate) fn follow_all(
    layers: &mut Layers,
    mut waiter: Waiter,
    first: &[Tid],
    mut program_ended: impl FnMut(End),
) -> io::Result<Option<End>> {
    for layer in layers.iter_mut() {
        layer.on_start();
    }
    let mut threads = Threads::default();
    threads.alive.extend(first);
    let mut placement = Placement::new();
    let mut outcome = None;
    loop {
        let waited = if threads.waiting.is_empty() {
            waiter.wait()?
        } else {
            for child in threads.out_of_patience(Instant::now()) {
                serve(layers, &mut waiter, child, Stop::Attached, &mut threads);
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
            Waited::Interrupted => {
                let_go(layers, &mut waiter, threads)?;
                return Ok(outcome);
            }
            Waited::Stopped(stopped, Stop::Attached) if !threads.alive.contains(&stopped.tid()) => {
                threads.unannounced.remove(&stopped.tid());
                threads.waiting.insert(stopped.tid(), (stopped, Instant::now() + Threads::PATIENCE));
                continue;
            }
            Waited::Stopped(stopped, stop) => {
                if matches!(stop, Stop::Seccomp { .. } | Stop::Call | Stop::Signal(libc::SIGSYS)) {
                    placement.serving(stopped.tid());
                }
                serve(layers, &mut waiter, stopped, stop, &mut threads);
                if let Stop::Clone { child } = stop
                    && let Some((child, _)) = threads.waiting.remove(&child)
                {
                    serve(layers, &mut waiter, child, Stop::Attached, &mut threads);
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

/// Lets every thread go on untraced. Each is stopped first, by us or by what happens to it in that moment.
fn let_go(layers: &mut Layers, waiter: &mut Waiter, mut threads: Threads) -> io::Result<()> {
    for (tid, (stopped, _)) in threads.waiting.drain() {
        threads.alive.remove(&tid);
        ignore_gone(stopped.detach(0));
    }
    // Whoever is gone tells so by its end.
    threads.alive.iter().for_each(|tid| ignore_gone(tracee::interrupt(*tid)));
    while !threads.alive.is_empty() {
        let (tid, end) = match waiter.wait()? {
            Waited::Nobody => break,
            Waited::Interrupted => continue,
            Waited::Stopped(stopped, stop) => {
                let tid = stopped.tid();
                match stop {
                    Stop::Clone { child } => {
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
                layers.iter_mut().for_each(|layer| layer.on_detached(tid));
                continue;
            }
            Waited::Exited(tid, status) => (tid, End::Exited(status)),
            Waited::Killed { tid, signal, core } => (tid, killed(layers, tid, signal, core)),
        };
        threads.alive.remove(&tid);
        layers.iter_mut().for_each(|layer| layer.on_end(tid, end));
    }
    Ok(())
}

/// Deals with one stop, and lets the thread go on.
fn serve(layers: &mut Layers, waiter: &mut Waiter, mut stopped: Stopped, stop: Stop, threads: &mut Threads) {
    match handle(layers, threads, waiter, &mut stopped, stop) {
        // It may have been killed while we looked; if so, its end is reported next.
        Ok(how) => ignore_gone(stopped.resume(how)),
        // It runs to its end, or is heard to be stopped on the way there.
        Err(tracee::Error::Gone) => {}
        Err(error) => {
            say(format_args!("process {} can't be served and is killed: {error}", stopped.tid()));
            kill(&stopped);
        }
    }
}

/// Deals with one stop; answers how the thread goes on.
fn handle(
    layers: &mut Layers,
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
                    return Ok(resume(Then::StopAtCall));
                }
            }
            for layer in layers {
                then = then.max(layer.on_call(waiter, stopped)?);
            }
        }
        Stop::Seccomp { data } => {
            let number = match stopped.call_info(true)?.at {
                At::Entry { number, .. } => number as u32,
                // It left the stop: it was killed.
                At::Exit { .. } | At::Neither => return Err(tracee::Error::Gone),
            };
            if !data::belongs(data, number) {
                refuse(stopped)?;
                return Ok(Resume::Continue(0));
            }
            for layer in layers.iter_mut() {
                if layer.continues(stopped)? {
                    return Ok(resume(Then::StopAtCall));
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
                    Handled::InPlace { made } => {
                        return in_place(layers, stopped, made);
                    }
                }
                handled = true;
                // A call that is shown may be one that others wait for too.
                if !matches!(data, data::SHOWN | data::JUDGED) {
                    break;
                }
            }
            if matches!(data, data::SHOWN | data::JUDGED) {
                handled |= data == data::JUDGED;
                then = then.max(judge(layers, stopped)?);
            }
            if !handled {
                refuse(stopped)?;
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
                    Handled::Yes(wanted) => return Ok(resume(wanted)),
                    Handled::InPlace { made } => {
                        return in_place(layers, stopped, made);
                    }
                }
            }
            for layer in layers {
                then = then.max(layer.on_delivery(stopped)?);
            }
            return Ok(match then {
                Then::Go => Resume::Continue(signal),
                Then::StopAtCall => Resume::ToCall(signal),
            });
        }
        Stop::Group(signal) => {
            for layer in layers {
                layer.on_group_stop(stopped, signal);
            }
            return Ok(Resume::Listen);
        }
    }
    Ok(resume(then))
}

/// A multiplexed call is carried out in place, or was answered.
fn in_place(layers: &mut Layers, stopped: &mut Stopped, made: bool) -> tracee::Result<Resume> {
    for layer in layers.iter_mut() {
        layer.on_in_place(stopped, made)?;
    }
    if !made {
        return Ok(resume(Then::Go));
    }
    // One that is about to be executed again comes by the filter.
    if matches!(stopped.registers()?.call_number(), 1..) {
        judge(layers, stopped)?;
    }
    Ok(resume(Then::StopAtCall))
}

/// Asks whether a call is made.
fn judge(layers: &mut Layers, stopped: &mut Stopped) -> tracee::Result<Then> {
    let mut then = Then::Go;
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
            kill(stopped);
            return Err(tracee::Error::Gone);
        }
        return Ok(then);
    }
    Ok(then)
}

const fn resume(then: Then) -> Resume {
    match then {
        Then::Go => Resume::Continue(0),
        Then::StopAtCall => Resume::ToCall(0),
    }
}

/// Lets the call that the thread is about to make answer ENOSYS, unmade.
fn refuse(stopped: &mut Stopped) -> tracee::Result<()> {
    let mut registers = stopped.registers()?;
    registers.set_call_number(-1);
    registers.set_error(libc::ENOSYS);
    stopped.set_registers(&registers)
}

/// A tracee that is gone needs no resuming.
fn ignore_gone(result: tracee::Result<()>) {
    if let Err(error) = result
        && !matches!(error, tracee::Error::Gone)
    {
        say(format_args!("{error}"));
    }
}

fn kill(stopped: &Stopped) {
    // SAFETY: kill takes no pointers. A thread's id names its process too.
    unsafe { libc::kill(stopped.tid(), libc::SIGKILL) };
}
