//! The layer that holds calls to a policy.
//!
//! What registers decide the filter knows; a refusal is told by us. What memory decides is copied once, judged, and written
//! into a slot that the program can read and not change; then the program's own thread makes the call on the copy. So
//! credentials, blocking, signals and restarts stay the kernel's, and nothing can be changed between judgement and use.

mod area;
mod call;
mod evidence;
mod guard;
mod insert;
mod many;
mod message;
mod path;
mod socket;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use abi::Call;
use decode::Request;
use policy::{Action as Rule, By, Compiled, Copied, Policy, Step, Verdict};
use seccomp::{Action, Arch, Listener, Mode};
use tracee::{At, SignalInfo, Stopped, Tid, Waiter};

use crate::layer::{End, Handled, Judged, Layer, Plan, Then};
use crate::{Error, data, say, trial};
use area::{Area, Slot};
use call::Words;
pub use evidence::Evidence;
use evidence::Shown;
use many::Many;
use message::Message;

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
            Step::Memory | Step::Decided(_) => Some(Action::Trace(data::JUDGED)),
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

    /// Copies what a call points at, and judges the copy.
    fn by_memory(&mut self, stopped: &mut Stopped, words: &Words) -> tracee::Result<Outcome> {
        let Some(call) = words.call() else { return Ok(Outcome::Answered(libc::ENOSYS)) };
        let tid = stopped.tid();
        let copy = match socket::copy(tid, &mut self.pidfd, words.args[0] as i32) {
            Ok(copy) => copy,
            Err(socket::Missing::Answer(errno)) => return Ok(Outcome::Answered(errno)),
            Err(socket::Missing::Hidden(error)) => {
                say(format_args!(
                    "process {tid} doesn't show its sockets ({error}), so its {} is refused: give CAP_SYS_PTRACE, or \
                     run as root",
                    call.name()
                ));
                return Ok(Outcome::Answered(libc::EPERM));
            }
        };
        if call == Call::Listen {
            let own = copy.name();
            let resolved = self.resolved(stopped, &copy, call, &own);
            let copied = copy.copied(call, Some(&own), resolved.as_deref());
            let refused = self.judged(stopped, words, &copied, Shown::Nothing);
            return Ok(refused.unwrap_or_else(|| self.listen(copy, words.args[1] as i32)));
        }
        let Some(area) = self.area(tid) else {
            say(format_args!(
                "process {tid} has no place for copies of its arguments, so its {} is refused",
                call.name()
            ));
            return Ok(Outcome::Answered(libc::EPERM));
        };
        match call {
            Call::Bind | Call::Connect => self.address(stopped, words, call, &copy, &area, [1, 2], 0),
            Call::Sendto => self.address(stopped, words, call, &copy, &area, [4, 5], words.args[3] as u32),
            Call::Sendmsg => {
                let flags = words.args[2] as u32;
                let message = match Message::read(stopped, words.abi, words.args[1])? {
                    Ok(message) => message,
                    Err(errno) => return Ok(Outcome::Answered(errno)),
                };
                self.message(stopped, words, &copy, &area, message, flags).map(|judged| match judged {
                    Ok(slot) => {
                        let mut args = words.args;
                        args[1] = slot.address();
                        Outcome::Copied(slot, args)
                    }
                    Err(outcome) => outcome,
                })
            }
            Call::Sendmmsg => self.first_of_many(stopped, words, &copy, &area),
            _ => Ok(Outcome::Answered(libc::EPERM)),
        }
    }

    /// Where the thread's slots are. Of one that nobody has announced, since its parent was killed in that moment, its memory
    /// tells.
    fn area(&mut self, tid: Tid) -> Option<Arc<Area>> {
        let thread = self.threads.entry(tid).or_default();
        if thread.area.is_none() && !thread.has_executed {
            let smaps = fs::read_to_string(tracee::proc_file(tid, "smaps")?).ok()?;
            thread.area = self.areas.iter().filter_map(Weak::upgrade).find(|area| area.is_in(&smaps));
        }
        thread.area.clone()
    }

    /// An area was given to the thread's new program.
    fn is_given(&mut self, tid: Tid, area: Area) {
        let area = Arc::new(area);
        self.areas.retain(|area| area.strong_count() > 0);
        self.areas.push(Arc::downgrade(&area));
        self.thread(tid).area = Some(area);
    }

    /// A call whose address and its length are in the registers `at`.
    #[allow(clippy::too_many_arguments)]
    fn address(
        &mut self,
        stopped: &mut Stopped,
        words: &Words,
        call: Call,
        copy: &socket::Copy,
        area: &Arc<Area>,
        at: [usize; 2],
        flags: u32,
    ) -> tracee::Result<Outcome> {
        let [pointer, length] = at.map(|at| words.args[at]);
        let Ok(length) = usize::try_from(length as i32) else { return Ok(Outcome::Answered(libc::EINVAL)) };
        // net/socket.c, `move_addr_to_kernel`
        if length > area::ADDRESS {
            return Ok(Outcome::Answered(libc::EINVAL));
        }
        let mut bytes = vec![0; length];
        if length > 0 && call::fault(stopped.read_exact(pointer, &mut bytes))? {
            return Ok(Outcome::Answered(libc::EFAULT));
        }
        let resolved = self.resolved(stopped, copy, call, &bytes);
        let path = resolved.as_deref();
        let copied = Copied { flags, ..copy.copied(call, Some(&bytes), path) };
        let shown = Shown::Address(at[0]);
        if let Some(outcome) = self.judged(stopped, words, &copied, shown) {
            return Ok(outcome);
        }
        let bytes = match socket::settled(copy.socket, call, bytes, resolved) {
            Ok(bytes) => bytes,
            Err((verdict, bytes)) => {
                let copied = Copied { flags, ..copy.copied(call, Some(&bytes), None) };
                return Ok(Outcome::Decided(verdict, Evidence::of(stopped, words, &copied, shown)));
            }
        };
        let Some(slot) = Area::slot(area, bytes.as_ref().map_or(0, Vec::len)) else {
            return Ok(Outcome::Answered(libc::ENOBUFS));
        };
        let mut args = words.args;
        [args[at[0]], args[at[1]]] = match &bytes {
            Some(bytes) => {
                slot.write(0, bytes);
                [slot.address(), bytes.len() as u64]
            }
            None => [0, 0],
        };
        Ok(Outcome::Copied(slot, args))
    }

    /// The path in a copied address with all links followed, if the policy asks for paths.
    fn resolved(&self, stopped: &Stopped, copy: &socket::Copy, call: Call, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.policy.needs_paths() || !copy.is_unix() {
            return None;
        }
        path::resolve(stopped.tid(), bytes, call == Call::Bind)
    }

    /// What becomes of a call that the rules don't let be made. One that is only to be told is told, and made.
    fn judged(
        &mut self,
        stopped: &Stopped,
        words: &Words,
        copied: &Copied<'_>,
        shown: Shown<'_>,
    ) -> Option<Outcome> {
        let verdict = self.policy.judge(copied);
        let evidence = || Evidence::of(stopped, words, copied, shown);
        match verdict.action {
            Rule::Allow => None,
            Rule::Log => {
                self.told(stopped, words, verdict, Some(*evidence()));
                None
            }
            // The kernel would say so of what is no address, and of a path that leads nowhere: nothing is to be told.
            Rule::Deny(errno) if matches!(verdict.by, By::Malformed | By::Unresolved) => {
                Some(Outcome::Answered(errno.raw()))
            }
            Rule::Deny(_) | Rule::Kill => Some(Outcome::Decided(verdict, evidence())),
        }
    }

    /// Judges a message; answers the slot that holds its copy, or what becomes of the call instead.
    fn message(
        &mut self,
        stopped: &Stopped,
        words: &Words,
        copy: &socket::Copy,
        area: &Arc<Area>,
        mut message: Message,
        flags: u32,
    ) -> tracee::Result<Result<Slot, Outcome>> {
        let abi = words.abi;
        // sendmmsg's messages are its own: a rule may name it.
        let Some(call) = words.call() else { return Ok(Err(Outcome::Answered(libc::ENOSYS))) };
        let name = message.name.as_deref();
        let resolved = name.and_then(|name| self.resolved(stopped, copy, call, name));
        let control = message.kinds(abi);
        let copied = Copied { flags, control: &control, ..copy.copied(call, name, resolved.as_deref()) };
        if let Some(outcome) = self.judged(stopped, words, &copied, Shown::Message(&message)) {
            return Ok(Err(outcome));
        }
        if let Some(name) = message.name.take() {
            match socket::settled(copy.socket, call, name, resolved) {
                Ok(name) => message.name = name,
                Err((verdict, name)) => {
                    message.name = Some(name);
                    let name = message.name.as_deref();
                    let copied = Copied { flags, control: &control, ..copy.copied(call, name, None) };
                    let evidence = Evidence::of(stopped, words, &copied, Shown::Message(&message));
                    return Ok(Err(Outcome::Decided(verdict, evidence)));
                }
            }
        }
        let Some(slot) = Area::slot(area, message.size(abi)) else {
            return Ok(Err(Outcome::Answered(libc::ENOBUFS)));
        };
        message.write(&slot, abi);
        Ok(Ok(slot))
    }

    /// The call goes on with other words.
    fn goes_on(
        &mut self,
        stopped: &mut Stopped,
        words: &Words,
        slot: Slot,
        args: [u64; 6],
    ) -> tracee::Result<Then> {
        if slot.address() > words.abi.highest() {
            // A 64-bit program's call by int $0x80, and its slots lie above 4 GiB.
            stopped.answer(libc::EPERM)?;
            return Ok(Then::Go);
        }
        let mut registers = stopped.registers()?;
        words.set(&mut registers, args);
        stopped.set_registers(&registers)?;
        let wide = words.wide();
        self.thread(stopped.tid()).under_way =
            Some(UnderWay { original: words.args, wide, slot, many: None });
        Ok(Then::StopAtCall)
    }

    /// listen, which is permitted for this socket. There is no memory to copy; but another thread may put another socket in its
    /// place: one that is bound to nothing, which then listens on any address.
    fn listen(&mut self, copy: socket::Copy, backlog: i32) -> Outcome {
        // It asks for no credentials (net/ipv4/af_inet.c, `inet_listen`), and never waits: so it is made by us, on the socket
        // that was judged.
        if copy.socket.is_inet() {
            return Outcome::Answered(copy.listen(backlog));
        }
        // Others keep the credentials of whoever called last (net/unix/af_unix.c, `unix_listen`), so the program calls, and
        // must have called for this one: nobody else does meanwhile.
        let inode = copy.inode();
        let mut others = self.threads.values().filter_map(|thread| thread.listening.as_ref());
        if copy.listens() || others.any(|other| other.inode() == inode) {
            return Outcome::Answered(0);
        }
        Outcome::Watched(copy)
    }

    /// listen has returned. If it was not called for the socket that was judged, nothing can be undone, and the program is
    /// killed.
    fn has_listened(&mut self, stopped: &Stopped, copy: &socket::Copy) -> tracee::Result<()> {
        let info = stopped.call_info(false)?;
        if matches!(info.at, At::Exit { result: 0 }) && !copy.listens() {
            let error = io::Error::other("another socket was put in the place of the one that was judged");
            return Err(tracee::Error::Os { what: "listen", error });
        }
        Ok(())
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
        self.pidfd = None;
        let in_exec = self.policy.needs_memory();
        let new = Thread { in_exec, has_executed: true, ..Thread::default() };
        self.threads.insert(stopped.tid(), new);
        Ok(if in_exec { Then::StopAtCall } else { Then::Go })
    }

    fn on_clone(&mut self, parent: &mut Stopped, child: Tid) -> tracee::Result<Then> {
        let area = self.thread(parent.tid()).area.clone();
        let child = self.thread(child);
        // Its parent may be late, and the child have another program already, in which that place is anybody's.
        if !child.has_executed {
            child.area = area;
        }
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
            Step::Memory => self.by_memory(stopped, &words)?,
        };
        match outcome {
            Outcome::Made => Ok(Judged::Made(Then::Go)),
            Outcome::Copied(slot, args) => Ok(Judged::Made(self.goes_on(stopped, &words, slot, args)?)),
            Outcome::Watched(copy) => {
                self.thread(stopped.tid()).listening = Some(copy);
                Ok(Judged::Made(Then::StopAtCall))
            }
            Outcome::InParts(slot, many) => Ok(Judged::Made(self.begin_many(stopped, &words, slot, many)?)),
            Outcome::Answered(errno) => {
                stopped.answer(errno)?;
                Ok(Judged::Made(Then::Go))
            }
            Outcome::Decided(verdict, evidence) => self.decided(stopped, &words, verdict, Some(*evidence)),
        }
    }

    fn before_call(&mut self, stopped: &mut Stopped) -> tracee::Result<bool> {
        let tid = stopped.tid();
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

    fn continues(&mut self, stopped: &Stopped) -> tracee::Result<bool> {
        self.is_next_of_many(stopped)
    }

    fn on_end(&mut self, tid: Tid, _: End) {
        self.threads.remove(&tid);
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
