//! The layer that holds calls to a policy.
//!
//! What registers decide the filter knows; a refusal is told by us. What memory decides is copied once, judged, and written
//! into a slot that the program can read and not change; then the program's own thread makes the call on the copy. So
//! credentials, blocking, signals and restarts stay the kernel's, and nothing can be changed between judgement and use.

mod area;
mod call;
mod descriptors;
mod evidence;
mod guard;
mod insert;
mod judge;
mod many;
mod message;
mod path;
mod socket;

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use decode::Request;
use policy::{Action as Rule, Compiled, Policy, Step, Verdict};
use seccomp::{Action, Arch, Listener, Mode};
use tracee::{At, SignalInfo, Stopped, Tid, Waiter};

use crate::layer::{End, Handled, Judged, Layer, Plan, Then};
use crate::{Error, data, say, trial};
use area::{Area, Slot};
use call::Words;
use descriptors::{Descriptors, Late, Taking};
pub use evidence::Evidence;
use many::Many;

/// A call that was refused, or is to be told.
pub struct Refusal<'a> {
    /// The thread.
    pub tid: Tid,
    /// What was decided, and why.
    pub verdict: Verdict,
    /// The rules.
    pub policy: &'a Policy,
    /// The system call's name.
    pub name: &'static str,
    /// The call, decoded, if it is a socket call. What is no part of the judgement, such as what is sent, is as it was seen
    /// afterwards.
    pub request: Option<Request>,
    /// What was judged, if memory decided; `request` is of the same then.
    pub judged: Option<Evidence>,
}

/// Who is told of refusals.
type Tell = Box<dyn FnMut(&Refusal<'_>) + Send>;

/// Holds calls to a policy.
pub struct Enforce {
    policy: Compiled,
    tell: Tell,
    /// What our own call for a slot is known by, so that nobody else's is taken for it.
    secret: [u32; 2],
    listener: Option<Arc<Listener>>,
    threads: HashMap<Tid, Thread>,
    /// The thread that called last, as a descriptor: for looking at its sockets.
    pidfd: Option<(Tid, OwnedFd)>,
    /// Every area that was given to a program.
    areas: Vec<Weak<Area>>,
    descriptors: Descriptors,
}

#[derive(Default)]
struct Thread {
    /// Where its slots are.
    area: Option<Arc<Area>>,
    /// Between exec and its return.
    in_exec: bool,
    /// The call that it makes on a copy.
    under_way: Option<UnderWay>,
    /// The socket with which it is in listen.
    listening: Option<socket::Copy>,
    /// It has a program of its own, executed while it was watched: what its parent has is not there.
    has_executed: bool,
}

/// A call on a copy.
struct UnderWay {
    /// The argument registers as the program set them.
    original: [u64; 6],
    wide: bool,
    /// Kept until the call returns.
    slot: Slot,
    many: Option<Many>,
}

/// What is to be done with a call.
enum Outcome {
    /// It is made as it is.
    Made,
    /// It is made with these words, some of which lead to the slot.
    Copied(Slot, [u64; 6]),
    /// It is made as it is, and what became of this socket is looked at.
    Watched(socket::Copy),
    /// It is made in parts.
    InParts(Slot, Many),
    /// It answers this, as the kernel would.
    Answered(i32),
    /// The policy decides; of what.
    Decided(Verdict, Box<Evidence>),
}

impl Enforce {
    /// Holds calls to `policy`; `tell` hears of every refusal.
    #[must_use]
    pub fn new(policy: Compiled, tell: impl FnMut(&Refusal<'_>) + Send + 'static) -> Enforce {
        Enforce {
            descriptors: Descriptors::new(policy.holds_descriptors()),
            policy,
            tell: Box::new(tell),
            secret: [0; 2],
            listener: None,
            threads: HashMap::new(),
            pidfd: None,
            areas: Vec::new(),
        }
    }

    /// Whether rules of which memory decides can be held here.
    ///
    /// # Errors
    /// What is missing.
    pub fn check() -> Result<(), Error> {
        insert::check().map(drop)
    }

    fn thread(&mut self, tid: Tid) -> &mut Thread {
        self.threads.entry(tid).or_default()
    }

    /// What the filter answers: whatever is refused is told, and what memory decides is copied.
    fn answer(step: Step) -> Option<Action> {
        match step {
            Step::Allow => None,
            Step::Memory | Step::Decided(_) | Step::Held => Some(Action::Trace(data::JUDGED)),
        }
    }

    /// Tells of a verdict; answers the reason.
    fn told(
        &mut self,
        stopped: &Stopped,
        words: &Words,
        verdict: Verdict,
        judged: Option<Evidence>,
    ) -> String {
        let request = match &judged {
            Some(evidence) => evidence.request(stopped, words),
            None => words.request(&call::Memory(stopped)),
        };
        let name = words.name().unwrap_or_else(|| {
            let mut planned = self.policy.plan();
            let door = planned.find(|own| own.arch == words.arch && own.number == words.number);
            door.map_or("a system call", |door| door.name)
        });
        let policy = self.policy.policy();
        let reason = verdict.why(policy);
        (self.tell)(&Refusal { tid: stopped.tid(), verdict, policy, name, request, judged });
        reason
    }

    /// A call that may take a socket away from one that is judged.
    fn held(&mut self, stopped: &mut Stopped, words: &Words) -> tracee::Result<Judged> {
        let Some(taking) = Taking::of(words) else { return Ok(Judged::Made(Then::Go)) };
        Ok(Judged::Made(match self.descriptors.takes(stopped.tid(), taking) {
            Ok(true) => Then::StopAtCall,
            Ok(false) => Then::Go,
            Err(Late) => {
                stopped.answer(libc::EBUSY)?;
                Then::Go
            }
        }))
    }

    /// Carries a verdict out.
    fn decided(
        &mut self,
        stopped: &mut Stopped,
        words: &Words,
        verdict: Verdict,
        judged: Option<Evidence>,
    ) -> tracee::Result<Judged> {
        if verdict.action == Rule::Allow {
            return Ok(Judged::Made(Then::Go));
        }
        let reason = self.told(stopped, words, verdict, judged);
        match verdict.action {
            Rule::Allow | Rule::Log => Ok(Judged::Made(Then::Go)),
            Rule::Deny(errno) => {
                stopped.answer(errno.raw())?;
                Ok(Judged::Refused(reason))
            }
            Rule::Kill => Ok(Judged::Killed(reason)),
        }
    }
}

impl Layer for Enforce {
    fn plan(&mut self, plan: &mut Plan) -> Result<(), Error> {
        let memory = self.policy.needs_memory();
        trial::need(if memory { trial::RULES_ON_MEMORY } else { trial::RULES })?;
        // A listener of an outer filter would be asked before us. There can be one only: so we are it.
        plan.listener |= memory || seccomp::mode() != Mode::None;
        // A domain that has to do with files forbids mounts.
        let mounts = self.policy.policy().escapes.contains(&policy::Escape::Mount);
        plan.domain |= crate::domain::version()? > 0 && !mounts;
        if memory {
            self.secret = insert::check()?;
            insert::want(&mut plan.wants, self.secret);
            guard::want(&mut plan.wants);
        }
        self.policy.add_to(&mut plan.wants, &Enforce::answer);
        Ok(())
    }

    fn on_listener(&mut self, listener: &Arc<Listener>) {
        self.listener = Some(Arc::clone(listener));
    }

    fn on_exec(&mut self, stopped: &mut Stopped, former: Tid) -> tracee::Result<Then> {
        self.threads.remove(&former);
        self.descriptors.has_executed(stopped.tid(), former);
        self.pidfd = None;
        let in_exec = self.policy.needs_memory();
        let new = Thread { in_exec, has_executed: true, ..Thread::default() };
        self.threads.insert(stopped.tid(), new);
        Ok(if in_exec { Then::StopAtCall } else { Then::Go })
    }

    fn on_clone(&mut self, parent: &mut Stopped, child: Tid) -> tracee::Result<Then> {
        let area = self.thread(parent.tid()).area.clone();
        let (tid, child) = (child, self.thread(child));
        // Its parent may be late, and the child have another program already, in which that place is anybody's.
        let has_executed = child.has_executed;
        if !has_executed {
            child.area = area;
        }
        self.descriptors.is_made(parent, tid, has_executed)?;
        Ok(Then::Go)
    }

    fn on_attached(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        // Its group was stopped, and goes on in the middle of a call.
        let is_in_call = self.thread(stopped.tid()).under_way.is_some();
        Ok(if is_in_call { Then::StopAtCall } else { Then::Go })
    }

    fn on_judge(&mut self, stopped: &mut Stopped) -> tracee::Result<Judged> {
        let info = stopped.call_info(true)?;
        let At::Entry { number, args } = info.at else { return Ok(Judged::Made(Then::Go)) };
        let Some(words) = Words::new(&info, number as u32, args) else {
            // Of an architecture that nobody knows.
            stopped.answer(libc::ENOSYS)?;
            return Ok(Judged::Refused("unknown architecture".into()));
        };
        if let Some(errno) = self.keeps_area(stopped.tid(), &words) {
            stopped.answer(errno)?;
            return Ok(Judged::Made(Then::Go));
        }
        let outcome = match self.policy.step(&words.data(info.ip)) {
            Step::Allow => return Ok(Judged::Made(Then::Go)),
            Step::Decided(verdict) => return self.decided(stopped, &words, verdict, None),
            Step::Held => return self.held(stopped, &words),
            Step::Memory => self.by_memory(stopped, &words)?,
        };
        let then = match outcome {
            Outcome::Made => Then::Go,
            Outcome::Copied(slot, args) => self.goes_on(stopped, &words, slot, args)?,
            Outcome::Watched(copy) => {
                self.thread(stopped.tid()).listening = Some(copy);
                Then::StopAtCall
            }
            Outcome::InParts(slot, many) => self.begin_many(stopped, &words, slot, many)?,
            Outcome::Answered(errno) => {
                stopped.answer(errno)?;
                Then::Go
            }
            Outcome::Decided(verdict, evidence) => {
                return self.decided(stopped, &words, verdict, Some(*evidence));
            }
        };
        if then == Then::StopAtCall {
            self.descriptors.uses(stopped.tid(), words.args[0] as u32);
        }
        Ok(Judged::Made(then))
    }

    fn before_call(&mut self, stopped: &mut Stopped) -> tracee::Result<bool> {
        let tid = stopped.tid();
        self.descriptors.is_at_call(stopped)?;
        if let Some(copy) = self.thread(tid).listening.take() {
            self.has_listened(stopped, &copy)?;
        }
        if self.thread(tid).under_way.is_none() {
            return Ok(false);
        }
        let info = stopped.call_info(false)?;
        let At::Exit { result } = info.at else { return Ok(self.is_between(tid)) };
        if self.after_one_of_many(stopped, result)? {
            return Ok(true);
        }
        if let Some(UnderWay { original, wide, slot, .. }) = self.thread(tid).under_way.take() {
            let mut registers = stopped.registers()?;
            call::set(&mut registers, wide, original);
            stopped.set_registers(&registers)?;
            drop(slot);
        }
        Ok(false)
    }

    fn on_call(&mut self, waiter: &mut Waiter, stopped: &mut Stopped) -> tracee::Result<Then> {
        let tid = stopped.tid();
        if std::mem::take(&mut self.thread(tid).in_exec)
            && let Some(listener) = self.listener.clone()
        {
            match insert::area(waiter, stopped, &listener, self.secret)? {
                Ok(area) => self.is_given(tid, area),
                Err(error) => say(format_args!(
                    "process {tid} can't be given a place for copies of its arguments, and may use no address: {error}"
                )),
            }
        }
        Ok(Then::Go)
    }

    fn on_signal(
        &mut self,
        _: &mut Waiter,
        stopped: &mut Stopped,
        _: &SignalInfo,
    ) -> tracee::Result<Handled> {
        self.break_off_many(stopped)?;
        Ok(Handled::No)
    }

    fn continues(&mut self, stopped: &mut Stopped) -> tracee::Result<bool> {
        self.is_next_of_many(stopped)
    }

    fn on_end(&mut self, tid: Tid, _: End) {
        self.threads.remove(&tid);
        self.descriptors.is_over(tid);
        // The number may be given to another.
        self.pidfd.take_if(|(of, _)| *of == tid);
    }
}

/// The architectures that filters know.
const fn arch(audit: u32) -> Option<Arch> {
    match audit {
        tracee::ARCH_I386 => Some(Arch::I386),
        tracee::ARCH_X86_64 => Some(Arch::X86_64),
        _ => None,
    }
}
