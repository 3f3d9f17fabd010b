//! The layer that takes socketcall apart.

mod auxv;
mod count;
mod in_place;
mod kernel;
mod outer;
mod place;
mod sigsys;
mod trap;

use std::collections::HashMap;

use abi::{Call, SOCKETCALL_I386, i386};
use seccomp::{Action, Arch, Field, Test};
use stub::Variant;
use tracee::{Error as TraceeError, Registers, SignalInfo, Stopped, Tid, Waiter};

use crate::clone::Flags;
use crate::data;
use crate::layer::{self, End, Handled, Layer, Then};
use crate::say;
use count::Counting;
pub use count::{Count, Tally};
use in_place::{Begun, InPlace};
pub(crate) use kernel::{check as check_kernel, probe, release};
pub use outer::OuterKill;
pub(crate) use outer::{kills as outer_kills, warn as warn_of_outer_kill};
use place::Placed;
pub(crate) use place::{Placer, Placing};
use sigsys::Sigsys;
use trap::is_merged;
pub(crate) use trap::is_ours as is_trap;

/// By which answer our filter hands multiplexed calls to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// RET_TRACE: no signal is involved. It loses to an outer filter that answers for the call.
    Trace,
    /// RET_TRAP: a forced SIGSYS. It comes in front of everything but an outer filter that kills.
    Trap,
}

impl Way {
    /// RET_TRACE where no filter can answer for us. Whether one does can't be asked without making the call;
    /// so any filter counts. Before Linux 4.8 a call that a tracer changed was not judged again.
    pub(crate) fn here() -> Way {
        if seccomp::mode() == seccomp::Mode::None && release() >= (4, 8) { Way::Trace } else { Way::Trap }
    }

    const fn action(self) -> Action {
        match self {
            Way::Trace => Action::Trace(data::SOCKETCALL),
            Way::Trap => Action::Trap(data::SOCKETCALL),
        }
    }
}

/// Where a thread's process has its stub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stub {
    /// Nobody has told yet where: a thread that was let go before it was announced.
    Unknown,
    /// Nowhere: a 64-bit program, or one without a vDSO.
    None,
    /// In the vDSO at this address.
    At(u32),
}

struct Thread {
    stub: Stub,
    sigsys: Sigsys,
    in_place: Option<Box<InPlace>>,
    /// Between exec and its return: then the counters' page is made.
    in_exec: bool,
}

impl Thread {
    fn new(stub: Stub) -> Thread {
        Thread { stub, sigsys: Sigsys::default(), in_place: None, in_exec: false }
    }
}

/// Turns every multiplexed call of 32-bit programs, and of 64-bit ones by `int $0x80`, into the direct call
/// that it stands for: by the stub where a program calls through its vDSO, by a trap elsewhere. None
/// reaches the kernel's socketcall.
pub struct Demux {
    way: Way,
    placer: Placer,
    threads: HashMap<Tid, Thread>,
    /// What the program is started with.
    initial: Sigsys,
    counting: Option<Counting>,
    shown: bool,
    said_unreadable: bool,
}

impl Default for Demux {
    fn default() -> Demux {
        Demux::new()
    }
}

impl Demux {
    /// Takes calls apart.
    #[must_use]
    pub fn new() -> Demux {
        Demux {
            way: Way::Trap,
            placer: Placer::new(Variant::Plain),
            threads: HashMap::new(),
            initial: Sigsys::default(),
            counting: None,
            shown: false,
            said_unreadable: false,
        }
    }

    /// Also counts which way the calls of each process went. Direct calls that don't come through the vDSO
    /// then cost a stop each.
    #[must_use]
    pub fn count(mut self, tally: impl Tally + 'static) -> Demux {
        self.counting = Some(Counting::new(Box::new(tally)));
        self.placer.set_variant(Variant::Counting);
        self
    }

    /// Puts the stub into a page in front of the vDSO, as on kernels whose vDSO has no room for it.
    #[must_use]
    pub fn in_front(mut self) -> Demux {
        self.placer.kernel.in_front();
        self
    }

    /// Carries trapped calls out in place rather than by the stub, so that a [`crate::Record`] sees those too that are
    /// answered and not made.
    #[must_use]
    pub const fn shown(mut self) -> Demux {
        self.shown = true;
        self
    }

    fn thread(&mut self, tid: Tid) -> &mut Thread {
        self.threads.entry(tid).or_insert(Thread::new(Stub::Unknown))
    }

    /// `child` has its stub and its view of SIGSYS from `parent`, unless it has a program of its own already. A
    /// call that is under way stays so.
    fn is_announced(&mut self, parent: Tid, child: Tid, flags: u64) {
        let Thread { stub, sigsys, .. } = self.thread(parent);
        let (stub, sigsys) = (*stub, sigsys.inherit(flags));
        let thread = self.thread(child);
        if thread.stub == Stub::Unknown {
            thread.stub = stub;
            thread.sigsys.has_inherited(sigsys);
        }
    }

    /// The stub is in the thread's new program, if anywhere.
    fn is_placed(&mut self, tid: Tid, placed: Option<Placed>) {
        let Some(Placed { base, counters }) = placed else { return };
        self.thread(tid).stub = Stub::At(base);
        if let Some(counting) = &mut self.counting
            && counters != 0
        {
            counting.counters(tid, counters);
        }
    }

    /// A multiplexed call was handed to us: the stub takes it apart, or we do, in place.
    fn take_apart(&mut self, stopped: &mut Stopped, begin: Begin) -> tracee::Result<Handled> {
        let tid = stopped.tid();
        if let Some(counting) = &mut self.counting {
            counting.trapped(tid);
        }
        let mut registers = stopped.registers()?;
        if let Stub::At(base) = self.thread(tid).stub
            && registers.is_flat_32()
            && !(self.shown && stopped.is_readable(registers.ip().wrapping_sub(2)))
            && (has_stack(stopped, registers.sp()) || is_unreadable(stopped, &registers))
            && let Some(labels) = self.placer.labels()
        {
            registers.set_rax(registers.ip());
            registers.set_ip((base + labels.trap_entry).into());
            registers.set_call_number(-1);
            stopped.set_registers(&registers)?;
            return Ok(Handled::Yes(Then::Go));
        }
        self.in_place(stopped, &registers, begin)
    }

    /// Carries a call out in place.
    fn in_place(
        &mut self,
        stopped: &mut Stopped,
        registers: &Registers,
        begin: Begin,
    ) -> tracee::Result<Handled> {
        match begin(stopped, registers)? {
            Begun::Answered => Ok(Handled::InPlace { made: false }),
            Begun::Refused => {
                if !std::mem::replace(&mut self.said_unreadable, true) {
                    say(format_args!(
                        "process {} shows its memory to no tracer, so its socketcalls are refused: give \
                         CAP_SYS_PTRACE, or run as root",
                        stopped.tid()
                    ));
                }
                Ok(Handled::InPlace { made: false })
            }
            Begun::Under(call) => {
                self.thread(stopped.tid()).in_place = Some(call);
                Ok(Handled::InPlace { made: true })
            }
        }
    }
}

/// How a call is begun that is carried out in place.
type Begin = fn(&mut Stopped, &Registers) -> tracee::Result<Begun>;

/// Whether the stub can use the stack below `sp` as far as it needs. If the page there can't be written, the
/// stub's first instruction faults, with nothing changed yet; so what has to be known is whether there is
/// another page below that, which may be missing.
fn has_stack(stopped: &Stopped, sp: u64) -> bool {
    const PAGE: u64 = 4096;
    let Some(low) = sp.checked_sub(stub::STACK.into()) else { return false };
    low / PAGE == (sp - 1) / PAGE || stopped.read(low, &mut [0]).is_ok()
}

/// Whether not even the code that the thread has just executed can be looked at: a process that made itself
/// undumpable, by prctl or by changing its user, shows nothing to a tracer without CAP_SYS_PTRACE
/// (kernel/ptrace.c, `ptrace_access_vm`). Its registers can be set all the same.
fn is_unreadable(stopped: &Stopped, registers: &Registers) -> bool {
    !stopped.is_readable(registers.ip().wrapping_sub(2))
}

impl Layer for Demux {
    fn plan(&mut self, plan: &mut layer::Plan) -> Result<(), crate::Error> {
        check_kernel((4, 3))?;
        self.way = Way::here();
        plan.wants.add(Arch::I386, SOCKETCALL_I386, self.way.action());
        if self.way == Way::Trap {
            self.initial = Sigsys::of_this_process();
            sigsys::want(&mut plan.wants);
        } else {
            // A listener's answer comes in front of RET_TRACE, and could let the call through.
            const NEW_LISTENER: u32 = 1 << 3;
            let listens = [Test::masked_ne(Field::Arg(1), NEW_LISTENER, 0)];
            for (arch, seccomp) in SECCOMP {
                plan.wants.add_if(arch, seccomp, &listens, Action::Trace(data::LISTENER));
            }
        }
        if self.counting.is_some() {
            plan.at_exit = true;
            for (arch, number) in execs() {
                plan.wants.add(arch, number, Action::Trace(data::EXEC));
            }
            // What comes through the vDSO the stub counts. Its place in its page is the same everywhere. Where it can't be
            // found out beforehand, each direct call costs a stop.
            let elsewhere = match probe() {
                Ok(Some(vdso)) => {
                    self.placer.kernel.know(&vdso);
                    vec![Test::masked_ne(Field::InstructionPointer, 0xfff, vdso.landing_pad() & 0xfff)]
                }
                Ok(None) | Err(_) => vec![],
            };
            for call in Call::ALL {
                plan.wants.add_if(Arch::I386, call.direct_i386(), &elsewhere, Action::Trace(data::DIRECT));
            }
            plan.wants.add_if(Arch::I386, i386::RECVMMSG_TIME64, &elsewhere, Action::Trace(data::DIRECT));
        }
        Ok(())
    }

    fn on_start(&mut self) {
        match warn_of_outer_kill() {
            // Ours could not be installed either, and that is said by whoever tried.
            Ok(()) | Err(crate::Error::Filter(_) | crate::Error::Killed(_)) => {}
            Err(error) => {
                say(format_args!("an outer filter can't be asked whether it kills on socketcall: {error}"));
            }
        }
    }

    fn on_exec(&mut self, stopped: &mut Stopped, former: Tid) -> tracee::Result<Then> {
        let tid = stopped.tid();
        let former = self.threads.remove(&former);
        let sigsys = former.map_or_else(|| self.initial.clone(), |thread| thread.sigsys.after_exec());
        self.threads.insert(tid, Thread { sigsys, ..Thread::new(Stub::None) });
        let is_32 = stopped.registers()?.is_32();
        if let Some(counting) = &mut self.counting {
            counting.on_exec(tid, count::program(stopped, is_32));
        }
        if !is_32 {
            return Ok(Then::Go);
        }
        let then = match unless_unreadable(tid, self.placer.at_exec(stopped))? {
            Some(Placing::Done(placed)) => {
                self.is_placed(tid, Some(placed));
                Then::Go
            }
            Some(Placing::AtReturn) => {
                self.thread(tid).in_exec = true;
                Then::StopAtCall
            }
            Some(Placing::Nowhere) | None => Then::Go,
        };
        Ok(then)
    }

    fn on_clone(&mut self, parent: &mut Stopped, child: Tid) -> tracee::Result<Then> {
        let flags = Flags::of(&parent.registers()?).read(parent)?;
        self.is_announced(parent.tid(), child, flags);
        if let Some(counting) = &mut self.counting {
            counting.on_clone(parent.tid(), child, flags);
        }
        Ok(Then::Go)
    }

    fn on_attached(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        if let Some(counting) = &mut self.counting {
            counting.on_attached(stopped);
        }
        let armed = self.thread(stopped.tid()).in_place.is_some();
        Ok(if armed { Then::StopAtCall } else { Then::Go })
    }

    fn on_trace(&mut self, stopped: &mut Stopped, data: u16) -> tracee::Result<Handled> {
        let tid = stopped.tid();
        match (data, &mut self.counting) {
            (data::SOCKETCALL, _) => self.take_apart(stopped, InPlace::at_entry),
            // Another layer shows it, or judges it; we may be the ones who make it.
            (data::SHOWN | data::JUDGED, counting) => {
                let ours = self.threads.get(&tid).is_some_and(|thread| thread.in_place.is_some());
                if let (Some(counting), false) = (counting, ours)
                    && is_elsewhere(stopped, &self.placer)?
                {
                    counting.direct(tid);
                }
                Ok(if ours { Handled::Yes(Then::StopAtCall) } else { Handled::No })
            }
            (data::DIRECT, Some(counting)) => {
                let ours = self.threads.get(&tid).is_some_and(|thread| thread.in_place.is_some());
                if !ours && is_elsewhere(stopped, &self.placer)? {
                    counting.direct(tid);
                }
                Ok(Handled::Yes(if ours { Then::StopAtCall } else { Then::Go }))
            }
            (data::EXEC, Some(counting)) => {
                counting.before_exec(stopped);
                Ok(Handled::Yes(Then::Go))
            }
            (data::LISTENER, _) => {
                say(format_args!(
                    "process {tid} wants a seccomp listener, which could let socketcall through, and gets EBUSY: \
                     start it under a seccomp filter, where run catches the call in front of listeners"
                ));
                stopped.answer(libc::EBUSY)?;
                Ok(Handled::Yes(Then::Go))
            }
            (data::SIGACTION, _) => {
                self.thread(tid).sigsys.is_being_set(stopped)?;
                Ok(Handled::Yes(Then::StopAtCall))
            }
            _ => Ok(Handled::No),
        }
    }

    fn on_call(&mut self, waiter: &mut Waiter, stopped: &mut Stopped) -> tracee::Result<Then> {
        let tid = stopped.tid();
        let thread = self.thread(tid);
        if std::mem::take(&mut thread.in_exec) {
            let placed = unless_unreadable(tid, self.placer.at_return(waiter, stopped))?;
            self.is_placed(tid, placed.flatten());
        } else if let Some(call) = &mut thread.in_place {
            if !call.at_call(stopped)? {
                return Ok(Then::StopAtCall);
            }
            thread.in_place = None;
        } else {
            thread.sigsys.at_return(stopped)?;
        }
        Ok(Then::Go)
    }

    fn on_signal(
        &mut self,
        waiter: &mut Waiter,
        stopped: &mut Stopped,
        info: &SignalInfo,
    ) -> tracee::Result<Handled> {
        let tid = stopped.tid();
        let trapped = is_trap(info);
        let merged = !trapped && self.way == Way::Trap && is_merged(stopped, info)?;
        if trapped || merged {
            self.thread(tid).sigsys.after_trap(waiter, stopped, merged)?;
            return self.take_apart(stopped, InPlace::after_trap);
        }
        if let Some(call) = self.thread(tid).in_place.take() {
            call.rewind(stopped)?;
        }
        if info.signal == libc::SIGSYS {
            self.thread(tid).sigsys.is_delivered();
        }
        // The stub reads memory like any code; the kernel would have answered EFAULT. A fault is the
        // kernel's own if its code is positive; anybody can send the signal.
        if info.signal == libc::SIGSEGV
            && info.code > 0
            && let Stub::At(base) = self.thread(tid).stub
            && let Some(labels) = self.placer.labels()
        {
            let mut registers = stopped.registers()?;
            let at = registers.ip().wrapping_sub(base.into());
            if registers.is_32() && at == u64::from(labels.trap_entry) {
                // There is no stack, or the program has moved or unmapped its vDSO. The call is as good as
                // trapped again.
                if !stopped.is_readable((base + labels.trap_entry).into()) {
                    self.thread(tid).stub = Stub::None;
                }
                registers.set_ip(registers.rax());
                registers.set_rax(SOCKETCALL_I386.into());
                return self.in_place(stopped, &registers, InPlace::after_trap);
            }
            if registers.is_32()
                && u32::try_from(at).is_ok_and(|at| labels.faults.iter().any(|range| range.contains(&at)))
            {
                registers.set_ip((base + labels.efault).into());
                registers.set_call_number(-1);
                stopped.set_registers(&registers)?;
                return Ok(Handled::Yes(Then::Go));
            }
        }
        Ok(Handled::No)
    }

    fn on_exit(&mut self, stopped: &mut Stopped) -> tracee::Result<()> {
        if let Some(counting) = &mut self.counting {
            counting.on_exit(stopped);
        }
        Ok(())
    }

    fn on_end(&mut self, tid: Tid, _: End) {
        self.threads.remove(&tid);
        if let Some(counting) = &mut self.counting {
            counting.on_end(tid);
        }
    }
}

/// seccomp's numbers.
const SECCOMP: [(Arch, u32); 2] = [(Arch::I386, 354), (Arch::X86_64, 317)];

/// execve and execveat, of both architectures.
pub(crate) fn execs() -> [(Arch, u32); 4] {
    [(Arch::I386, 11), (Arch::I386, 358), (Arch::X86_64, 59), (Arch::X86_64, 322)]
}

/// Whether a call is not one through the vDSO, which the stub counts.
fn is_elsewhere(stopped: &Stopped, placer: &Placer) -> tracee::Result<bool> {
    let ip = stopped.registers()?.ip() as u32;
    Ok(placer.kernel.landing_pad().is_none_or(|landing| (ip ^ landing) & 0xfff != 0))
}

/// A program whose memory its tracer may not see runs on without the stub; its multiplexed calls can't be
/// taken apart, and are refused.
fn unless_unreadable<T>(tid: Tid, placed: tracee::Result<T>) -> tracee::Result<Option<T>> {
    match placed {
        Err(TraceeError::Fault(_)) => {
            say(format_args!(
                "the program of process {tid} can't be read by this user, so its socketcalls are refused: make \
                 its file readable, or run as root"
            ));
            Ok(None)
        }
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_announcement_keeps_what_is_there() {
        let (parent, late, executed) = (1, 2, 3);
        let mut demux = Demux::new();
        demux.threads.insert(parent, Thread::new(Stub::At(0x1000)));
        demux.thread(late).in_exec = true;
        demux.threads.insert(executed, Thread::new(Stub::None));
        for child in [late, executed] {
            demux.is_announced(parent, child, libc::CLONE_SIGHAND as u64);
        }
        assert!(demux.thread(late).in_exec, "what was under way goes on");
        assert_eq!(demux.thread(late).stub, Stub::At(0x1000));
        assert_eq!(demux.thread(executed).stub, Stub::None, "its own program's");
    }
}
