//! What memory decides: a call's arguments are copied, the copy is judged, and the call goes on with it.

use std::fs;
use std::io;
use std::sync::{Arc, Weak};

use abi::Call;
use policy::{Action as Rule, By, Copied};
use tracee::{At, Stopped, Tid};

use super::area::{self, Area, Slot};
use super::call::{self, Words};
use super::evidence::{Evidence, Shown};
use super::message::Message;
use super::{Enforce, Outcome, UnderWay, path, socket};
use crate::layer::Then;
use crate::say;

impl Enforce {
    /// Copies what a call points at, and judges the copy.
    pub(super) fn by_memory(&mut self, stopped: &mut Stopped, words: &Words) -> tracee::Result<Outcome> {
        let Some(call) = words.call() else { return Ok(Outcome::Answered(libc::ENOSYS)) };
        let tid = stopped.tid();
        if self.descriptors.is_settled(tid, words.args[0] as u32).is_err() {
            return Ok(Outcome::Answered(libc::EBUSY));
        }
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
                        args[2] = socket::flags(copy.socket, flags).into();
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
    pub(super) fn area(&mut self, tid: Tid) -> Option<Arc<Area>> {
        let thread = self.threads.entry(tid).or_default();
        if thread.area.is_none() && !thread.has_executed {
            let smaps = fs::read_to_string(tracee::proc_file(tid, "smaps")?).ok()?;
            thread.area = self.areas.iter().filter_map(Weak::upgrade).find(|area| area.is_in(&smaps));
        }
        thread.area.clone()
    }

    /// An area was given to the thread's new program.
    pub(super) fn is_given(&mut self, tid: Tid, area: Area) {
        let area = Arc::new(area);
        self.areas.retain(|area| area.strong_count() > 0);
        self.areas.push(Arc::downgrade(&area));
        self.thread(tid).area = Some(area);
    }

    /// A call whose address and its length are in the registers `at`.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn address(
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
        if call == Call::Sendto {
            args[3] = socket::flags(copy.socket, flags).into();
        }
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
    pub(super) fn resolved(
        &self,
        stopped: &Stopped,
        copy: &socket::Copy,
        call: Call,
        bytes: &[u8],
    ) -> Option<Vec<u8>> {
        if !self.policy.needs_paths() || !copy.is_unix() {
            return None;
        }
        path::resolve(stopped.tid(), bytes, call == Call::Bind)
    }

    /// What becomes of a call that the rules don't let be made. One that is only to be told is told, and made.
    pub(super) fn judged(
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
    pub(super) fn message(
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
    pub(super) fn goes_on(
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
    pub(super) fn listen(&mut self, copy: socket::Copy, backlog: i32) -> Outcome {
        // It asks for no credentials (net/ipv4/af_inet.c, `inet_listen`; net/vmw_vsock/af_vsock.c, `vsock_listen`), and never
        // waits: so it is made by us, on the socket that was judged.
        if copy.socket.is_inet() || copy.is_vsock() {
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
    pub(super) fn has_listened(&mut self, stopped: &Stopped, copy: &socket::Copy) -> tracee::Result<()> {
        let info = stopped.call_info(false)?;
        if matches!(info.at, At::Exit { result: 0 }) && !copy.listens() {
            let error = io::Error::other("another socket was put in the place of the one that was judged");
            return Err(tracee::Error::Os { what: "listen", error });
        }
        Ok(())
    }
}
