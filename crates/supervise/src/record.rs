//! The layer that shows calls: it stops them at both ends, has them decoded, and tells an [`Observer`].

mod clock;
mod flush;
mod memory;
mod netlink;
mod shown;
mod watch;

use std::mem;
use std::sync::MutexGuard;

use abi::{Call, SOCKETCALL_I386};
use decode::{Abi, Asked, Context, Descriptors, Event, Limits, Request, Stamp, What};
use seccomp::{Action, Arch, Field, Test};
use tracee::{ARCH_I386, At, Signal, Stopped, Tid, Waiter};

use crate::by_tid::ByTid;
use crate::data;
use crate::layer::{End, Handled, Layer, Plan, Then};
pub use clock::Clocks;
use flush::Shared;
use memory::{Memory, Near};
use netlink::Netlink;
use shown::Shown;
use watch::{UnderWay, Watched};

/// Who is told what happens. It must not fail: what it can't write it has to count.
pub trait Observer: Send {
    /// Whether calls of this name are shown, where they are made by this interface. Those that aren't stop nobody.
    fn shows(&self, abi: Abi, name: &str) -> bool;

    /// How much of a call is decoded.
    fn limits(&self) -> Limits;

    /// What the system knows of the descriptors of thread `tid`.
    fn descriptors(&self, tid: Tid) -> Box<dyn Descriptors + '_>;

    /// All `threads` of a process that ran already are traced now.
    fn attached(&mut self, process: Tid, threads: usize) {
        let _ = (process, threads);
    }

    /// Something happened.
    fn event(&mut self, event: &Event<'_>);

    /// Writes out what is kept back. It is called soon after there is something, and at the end.
    fn flush(&mut self);

    /// Whether the processor time of calls is wanted.
    fn wants_times(&self) -> bool {
        false
    }

    /// Which clocks it needs.
    fn clocks(&self) -> Clocks {
        Clocks::ALL
    }
}

/// Shows calls.
pub struct Record {
    observer: Shared,
    limits: Limits,
    times: bool,
    clocks: Clocks,
    shown: Shown,
    /// Whether another layer takes multiplexed calls apart: then those are its own.
    taken_apart: bool,
    /// Whether threads stop at every call, since no filter of ours can ask us.
    every: bool,
    /// Whether the program's end waits until all is written.
    waited_for: bool,
    netlink: Netlink,
    /// Room for what is read of memory, while nothing is.
    near: Option<Box<Near>>,
    threads: ByTid<Watched>,
}

impl Record {
    /// Shows what `observer` wants to see, of calls that go to the kernel as they are.
    #[must_use]
    pub fn new(observer: impl Observer + 'static) -> Record {
        let limits = observer.limits();
        let (times, clocks) = (observer.wants_times(), observer.clocks());
        let shown = Shown::of(&observer);
        let observer = Shared::new(Box::new(observer));
        Record {
            observer,
            limits,
            times,
            clocks,
            shown,
            taken_apart: false,
            every: false,
            waited_for: false,
            netlink: Netlink::Perhaps,
            near: None,
            threads: ByTid::default(),
        }
    }

    /// Beside [`crate::Demux`], which is to be added after this: calls are shown as the program made them, and as they
    /// reach the kernel.
    #[must_use]
    pub const fn beside_demux(mut self) -> Record {
        self.taken_apart = true;
        self
    }

    /// Stops at every call, and installs no filter: for threads that ran before.
    #[must_use]
    pub const fn at_every_call(mut self) -> Record {
        self.every = true;
        self
    }

    /// Has the program's own end wait until all is written, for a supervisor that nobody waits for.
    #[must_use]
    pub const fn before_the_end(mut self) -> Record {
        self.waited_for = true;
        self
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Observer>> {
        self.observer.lock()
    }

    fn tell(&self, tid: Tid, at: Stamp, what: What<'_>) {
        self.lock().event(&Event { tid, at, what });
        self.observer.is_dirty();
    }

    fn thread(&mut self, tid: Tid) -> &mut Watched {
        self.threads.entry(tid).or_default()
    }

    /// Tells once that a thread is traced.
    fn announce(&mut self, tid: Tid, at: Stamp, by_us: bool) {
        if !mem::replace(&mut self.thread(tid).announced, true) {
            self.tell(tid, at, What::Attached { by_us });
        }
    }

    /// The thread has come to be of this kind.
    fn mode(&mut self, tid: Tid, abi: Abi, at: Stamp) {
        let known = &mut self.thread(tid).mode;
        if mem::replace(known, abi) != abi {
            self.tell(tid, at, What::Mode(abi));
        }
    }

    /// A call's entry. Answers whether it is shown.
    fn enter(&mut self, stopped: &Stopped) -> tracee::Result<bool> {
        let info = stopped.call_info(true)?;
        let At::Entry { number, args } = info.at else { return Ok(false) };
        self.netlink.about_to_call(number as u32);
        let memory = Memory::near(stopped, info.sp, self.near.take());
        let seen = self.thread(stopped.tid()).seen(&info, number as u32, args, &memory);
        let asked = Asked::of(seen, &memory).filter(|asked| self.shown.has(seen.abi, asked.form.name));
        let is_shown = asked.is_some();
        if let Some(asked) = asked {
            let at = self.clocks.now();
            self.mode(stopped.tid(), seen.abi, at);
            self.begin(stopped, asked, &memory, at);
        }
        self.near = Some(memory.into_near());
        Ok(is_shown)
    }

    /// Decodes and tells what is known at a call's entry.
    fn begin(&mut self, stopped: &Stopped, asked: Asked, memory: &Memory<'_>, at: Stamp) {
        let tid = stopped.tid();
        let mut observer = self.observer.lock();
        let request = {
            let system = observer.descriptors(tid);
            let descriptors = &self.netlink.knowing(&*system);
            let context = Context { memory, abi: asked.seen.abi, limits: self.limits, descriptors };
            Request::enter(asked, &context)
        };
        self.netlink.entered(&request);
        let thread = self.threads.entry(tid).or_default();
        let under_way =
            thread.under_way.insert(UnderWay { request, since: at, system: stopped.system_time() });
        observer.event(&Event { tid, at, what: What::Enter(&under_way.request) });
        drop(observer);
        self.observer.is_dirty();
    }

    /// A call's exit, if one is shown that is under way: it has returned, or was `refused` for a reason.
    fn exit(&mut self, stopped: &Stopped, sp: Option<u64>, result: i64, refused: Option<&str>) {
        let tid = stopped.tid();
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        let Some(UnderWay { request, since, system }) = &mut thread.under_way else { return };
        let at = self.clocks.now();
        let near = self.near.take();
        let memory = match sp {
            Some(sp) if request.looks_around() => Memory::near(stopped, sp, near),
            _ => Memory::plain(stopped, near),
        };
        let mut observer = self.observer.lock();
        {
            let (abi, limits, known) = (request.asked.seen.abi, self.limits, observer.descriptors(tid));
            let descriptors = &self.netlink.knowing(&*known);
            request.exit(result, &Context { memory: &memory, abi, limits, descriptors });
        }
        let took = at.monotonic.saturating_sub(since.monotonic);
        let system = stopped.system_time().saturating_sub(*system);
        let what = match refused {
            None => What::Exit { request, took, system },
            Some(rule) => What::Refused { request, rule },
        };
        observer.event(&Event { tid, at, what });
        drop(observer);
        self.observer.is_dirty();
        self.netlink.returned(request);
        self.near = Some(memory.into_near());
        thread.under_way = None;
    }
}

impl Layer for Record {
    fn plan(&mut self, plan: &mut Plan) -> Result<(), crate::Error> {
        plan.times |= self.times;
        plan.at_exit = true;
        if !self.every {
            self.netlink = Netlink::at_start(&self.shown);
        }
        // An outer filter's answer would come in front of ours, unheard.
        self.every |= seccomp::mode() != seccomp::Mode::None;
        if self.every {
            return Ok(());
        }
        let is_shown = |call: &Call| self.shown.has(Abi::I386, call.name());
        if self.taken_apart {
            // Another layer has those stopped.
        } else if Call::ALL.iter().all(is_shown) {
            plan.wants.add(Arch::I386, SOCKETCALL_I386, Action::Trace(data::SHOWN_WHOLE));
        } else {
            for call in Call::ALL.iter().filter(|call| is_shown(call)) {
                let number = [Test::eq(Field::Arg(0), call.number() as u32)];
                plan.wants.add_if(Arch::I386, SOCKETCALL_I386, &number, Action::Trace(data::SHOWN_WHOLE));
            }
        }
        for (arch, number) in self.shown.numbers(self.taken_apart) {
            plan.wants.add(arch, number, Action::Trace(data::SHOWN));
        }
        if self.netlink == Netlink::Nowhere {
            for (arch, number) in netlink::bringing() {
                plan.wants.add(arch, number, Action::Trace(data::SHOWN));
            }
        }
        Ok(())
    }

    fn least(&self) -> Then {
        if self.every { Then::StopAtCall } else { Then::Go }
    }

    fn sets_registers(&self) -> bool {
        false
    }

    fn on_start(&mut self) {
        self.observer.start();
    }

    fn on_seized(&mut self, process: Tid, threads: &[Tid]) {
        for tid in threads {
            self.announce(*tid, self.clocks.now(), true);
        }
        self.lock().attached(process, threads.len());
        self.observer.is_dirty();
    }

    fn on_exec(&mut self, stopped: &mut Stopped, former: Tid) -> tracee::Result<Then> {
        let (tid, at) = (stopped.tid(), self.clocks.now());
        if former == tid && !self.threads.contains_key(&tid) {
            // The program: it is the one that nobody made.
            self.announce(tid, at, false);
        }
        if former != tid {
            self.tell(tid, at, What::Superseded { by: former });
            if let Some(thread) = self.threads.remove(&former) {
                self.threads.insert(tid, thread);
            }
        }
        let thread = self.thread(tid);
        thread.is_new_program();
        let abi = if stopped.registers()?.is_32() { Abi::I386 } else { Abi::X86_64 };
        self.mode(tid, abi, at);
        Ok(Then::Go)
    }

    fn on_clone(&mut self, parent: &mut Stopped, child: Tid) -> tracee::Result<Then> {
        let inherited = self.thread(parent.tid()).inherited();
        self.threads.entry(child).or_insert(inherited);
        self.announce(child, self.clocks.now(), false);
        Ok(Then::Go)
    }

    fn on_multiplexed(&mut self, stopped: &mut Stopped) -> tracee::Result<()> {
        let registers = stopped.registers()?;
        let [call, array, ..] = registers.i386_args();
        self.thread(stopped.tid()).is_trapped(call.cast_signed(), array);
        Ok(())
    }

    fn on_in_place(&mut self, stopped: &mut Stopped, made: bool) -> tracee::Result<()> {
        let tid = stopped.tid();
        if made {
            if stopped.registers()?.call_number() > 0 {
                self.enter(stopped)?;
            }
            return Ok(());
        }
        let Some((call, array)) = self.thread(tid).trapped.take() else { return Ok(()) };
        let answer = stopped.registers()?.rax() as i32;
        let seen = watch::whole(call, array);
        let memory = Memory::plain(stopped, self.near.take());
        let asked = Asked::of(seen, &memory).filter(|asked| self.shown.has(seen.abi, asked.form.name));
        if let Some(asked) = asked {
            self.begin(stopped, asked, &memory, self.clocks.now());
            self.exit(stopped, None, answer.into(), None);
        }
        Ok(())
    }

    fn on_trace(&mut self, stopped: &mut Stopped, data: u16) -> tracee::Result<Handled> {
        match data {
            data::SHOWN | data::JUDGED => {}
            data::SHOWN_WHOLE if !self.taken_apart => {}
            _ => return Ok(Handled::No),
        }
        // Where threads stop at every call, it was seen when it came.
        let shown = !self.every && self.enter(stopped)?;
        Ok(Handled::Yes(if shown { Then::StopAtCall } else { Then::Go }))
    }

    fn on_refused(&mut self, stopped: &Stopped, reason: &str) -> tracee::Result<()> {
        let result = stopped.registers()?.rax() as i32;
        self.exit(stopped, None, result.into(), Some(reason));
        Ok(())
    }

    fn on_call(&mut self, _: &mut Waiter, stopped: &mut Stopped) -> tracee::Result<Then> {
        let under_way = self.thread(stopped.tid()).under_way.is_some();
        if !under_way && !self.every {
            return Ok(Then::Go);
        }
        let info = stopped.call_info(!under_way)?;
        match info.at {
            At::Exit { result } => {
                self.exit(stopped, Some(info.sp), result, None);
            }
            // It will be trapped, and come again as what it becomes.
            At::Entry { number, .. }
                if self.taken_apart && info.arch == ARCH_I386 && number == u64::from(SOCKETCALL_I386) => {}
            At::Entry { .. } if self.every => {
                self.enter(stopped)?;
            }
            // Another layer has the call made again.
            At::Entry { .. } => return Ok(Then::StopAtCall),
            At::Neither => {}
        }
        Ok(Then::Go)
    }

    fn on_delivery(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        let info = stopped.signal_bytes()?;
        self.tell(stopped.tid(), self.clocks.now(), What::Signal(&info));
        Ok(Then::Go)
    }

    fn on_group_stop(&mut self, stopped: &Stopped, signal: Signal) {
        self.tell(stopped.tid(), self.clocks.now(), What::Stopped(signal));
    }

    fn on_exit(&mut self, stopped: &mut Stopped) -> tracee::Result<()> {
        self.tell(stopped.tid(), self.clocks.now(), What::Ending);
        if self.waited_for {
            self.lock().flush();
        }
        Ok(())
    }

    fn on_core_dump(&mut self, tid: Tid) {
        self.thread(tid).core = true;
    }

    fn on_detached(&mut self, tid: Tid) {
        self.tell(tid, self.clocks.now(), What::Detached);
        self.threads.remove(&tid);
    }

    fn on_end(&mut self, tid: Tid, end: End) {
        let core = self.threads.remove(&tid).is_some_and(|thread| thread.core);
        let what = match end {
            End::Exited(status) => What::Exited(status),
            End::Killed(signal) => What::Killed { signal, core },
        };
        self.tell(tid, self.clocks.now(), what);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.observer.end();
    }
}
