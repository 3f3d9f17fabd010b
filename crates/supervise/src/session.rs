//! The event loop.

use std::collections::HashSet;
use std::io;

use tracee::{Resume, Scope, Stop, Stopped, Tid, Waited, Waiter};

use crate::layer::{End, Handled, Layer, Then};
use crate::say;

/// The layers, outermost first.
pub(crate) type Layers = Vec<Box<dyn Layer>>;

/// Which threads are there. A child's first stop and its parent's event come in any order, and the child may
/// even have ended when it is announced.
#[derive(Default)]
struct Threads {
    alive: HashSet<Tid>,
    /// Those that came before they were announced.
    early: HashSet<Tid>,
}

impl Threads {
    fn attached(&mut self, tid: Tid) {
        if self.alive.insert(tid) {
            self.early.insert(tid);
        }
    }

    /// Whether the child that is announced is still to come, or there.
    fn announced(&mut self, child: Tid) -> bool {
        if self.early.remove(&child) { self.alive.contains(&child) } else { self.alive.insert(child) }
    }
}

/// Follows the program and all that it starts until the last of them has ended. Answers how `program` ended,
/// if that was told; `program_ended` is called then.
pub(crate) fn follow(
    layers: &mut Layers,
    scope: Scope,
    program: Tid,
    mut program_ended: impl FnMut(End),
) -> io::Result<Option<End>> {
    let mut waiter = Waiter::new(scope);
    let mut threads = Threads::default();
    threads.alive.insert(program);
    let mut outcome = None;
    loop {
        let (tid, end) = match waiter.wait()? {
            Waited::Nobody => return Ok(outcome),
            Waited::Stopped(mut stopped, stop) => {
                match handle(layers, &mut threads, &mut waiter, &mut stopped, stop) {
                    // It may have been killed while we looked; if so, its end is reported next.
                    Ok(how) => ignore_gone(stopped.resume(how)),
                    Err(tracee::Error::Gone) => ignore_gone(stopped.resume(Resume::Continue(0))),
                    Err(error) => {
                        eprintln!(
                            "socketcall: process {} can't be served and is killed: {error}",
                            stopped.tid()
                        );
                        kill(&stopped);
                    }
                }
                continue;
            }
            Waited::Exited(tid, status) => (tid, End::Exited(status)),
            Waited::Killed(tid, signal) => (tid, End::Killed(signal)),
        };
        threads.alive.remove(&tid);
        for layer in layers.iter_mut() {
            layer.on_end(tid, end);
        }
        if tid == program {
            outcome = Some(end);
            program_ended(end);
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
        Stop::Clone { child } if !threads.announced(child) => {}
        Stop::Clone { child } => {
            for layer in layers {
                layer.on_clone(stopped, child)?;
            }
        }
        Stop::Attached => {
            threads.attached(stopped.tid());
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
            for layer in layers {
                then = then.max(layer.on_call(waiter, stopped)?);
            }
        }
        Stop::Seccomp { data } => {
            for layer in layers {
                if let Handled::Yes(wanted) = layer.on_trace(stopped, data)? {
                    return Ok(resume(wanted));
                }
            }
            refuse(stopped)?;
        }
        Stop::Signal(signal) => {
            let info = stopped.signal_info()?;
            for layer in layers {
                if let Handled::Yes(wanted) = layer.on_signal(stopped, &info)? {
                    return Ok(resume(wanted));
                }
            }
            return Ok(Resume::Continue(signal));
        }
        Stop::Group(_) => return Ok(Resume::Listen),
    }
    Ok(resume(then))
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
