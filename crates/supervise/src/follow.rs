//! The layer that keeps every process in sight: a program can ask for a child that nobody traces, and such a
//! child would die of its first trapped call. And it says what a tracer makes impossible.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;

use seccomp::{Action, Arch, Field, Test};
use tracee::{At, Error as TraceeError, Stopped, Tid, Waiter, proc_file, proc_status};

use crate::clone::{CLONE_I386, CLONE_X86_64, CLONE3, Flags};
use crate::data;
use crate::layer::{End, Handled, Layer, Plan, Then};
use crate::say;

const UNTRACED: u32 = libc::CLONE_UNTRACED as u32;

/// Takes CLONE_UNTRACED away for the time of the call.
pub(crate) struct Follow {
    /// Whether children are followed.
    children: bool,
    /// Threads in a call whose flags were changed. The child has its parent's registers, and is one of them.
    changed: HashMap<Tid, Flags>,
    /// Threads that have run and may be told of yet, as children of one of those: their call has returned.
    returned: HashSet<Tid>,
    /// Whether it was said that nobody else can trace.
    said_traced: bool,
}

/// Requests that make somebody a tracer: PTRACE_TRACEME, PTRACE_ATTACH, PTRACE_SEIZE.
const TRACING: [u32; 3] = [libc::PTRACE_TRACEME, libc::PTRACE_ATTACH, libc::PTRACE_SEIZE];
/// ptrace's numbers.
pub(crate) const PTRACE: [(Arch, u32); 2] = [(Arch::I386, 26), (Arch::X86_64, 101)];

impl Follow {
    /// Keeps `children` in sight; or only says what a tracer makes impossible.
    pub(crate) fn new(children: bool) -> Follow {
        Follow { children, changed: HashMap::new(), returned: HashSet::new(), said_traced: false }
    }

    fn take_away(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        let place = Flags::of(&stopped.registers()?);
        let flags = place.read(stopped)?;
        if flags & u64::from(UNTRACED) == 0 {
            return Ok(Then::Go);
        }
        match place.write(stopped, flags & !u64::from(UNTRACED)) {
            // Memory that not even a tracer can write, such as a file's that was opened for reading.
            Err(TraceeError::Fault(_)) => return stopped.answer(libc::ENOSYS).map(|()| Then::Go),
            other => other?,
        }
        self.changed.insert(stopped.tid(), place);
        Ok(Then::StopAtCall)
    }

    /// The program wants to trace somebody, who has a tracer if it is one of ours; then the kernel refuses it. One of ours
    /// that got away has none (another thread can change clone3's flags in the last moment), and must not get another:
    /// whom the filter asks would be asked for leave.
    fn traces(&mut self, stopped: &mut Stopped) -> tracee::Result<()> {
        let tid = stopped.tid();
        if !std::mem::replace(&mut self.said_traced, true) {
            say(format_args!(
                "process {tid} uses ptrace, which fails with EPERM for processes under run, since they have a \
                 tracer: run --untraced leaves them alone"
            ));
        }
        let At::Entry { args: [request, whom, ..], .. } = stopped.call_info(true)?.at else { return Ok(()) };
        let refused = request as u32 != libc::PTRACE_TRACEME && !may_trace(tid, whom as Tid);
        if refused { stopped.answer(libc::EPERM) } else { Ok(()) }
    }

    /// The call returns, in the parent or in the child.
    fn put_back(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        let Some(place) = self.changed.remove(&stopped.tid()) else { return Ok(Then::Go) };
        let flags = match place {
            Flags::Memory(_) => place.read(stopped)? | u64::from(UNTRACED),
            Flags::Register { value, .. } | Flags::Fixed(value) => value,
        };
        match place.write(stopped, flags) {
            // Unmapped meanwhile, by another thread.
            Err(TraceeError::Fault(_)) => Ok(Then::Go),
            other => other.map(|()| Then::Go),
        }
    }
}

/// Whether `tid` may become the tracer of whom it calls `whom`: not of one that runs under a filter, such as ours, unless
/// that one is traced already and the kernel answers.
fn may_trace(tid: Tid, whom: Tid) -> bool {
    const FILTERED: &str = "2";
    let namespace = |name| fs::read_link(proc_file(name, "ns/pid")?).ok();
    let own = std::process::id().cast_signed();
    if namespace(tid).is_none() || namespace(tid) != namespace(own) {
        // There it means another process; and all that can be named from there are ours.
        return false;
    }
    let is_filtered = proc_status(whom, "Seccomp:").is_some_and(|mode| mode == FILTERED);
    let is_traced = proc_status(whom, "TracerPid:").is_some_and(|tracer| tracer != "0");
    is_traced || !is_filtered
}

impl Layer for Follow {
    fn plan(&mut self, plan: &mut Plan) -> Result<(), crate::Error> {
        if !self.children {
            // They inherit filters, and would have nobody who answers them.
            return Ok(());
        }
        let untraced = [Test::masked_ne(Field::Arg(0), UNTRACED, 0)];
        for (arch, clone) in [(Arch::I386, CLONE_I386), (Arch::X86_64, CLONE_X86_64)] {
            plan.wants.add_if(arch, clone, &untraced, Action::Trace(data::CLONE));
            plan.wants.add(arch, CLONE3, Action::Trace(data::CLONE));
        }
        for (arch, ptrace) in PTRACE {
            for request in TRACING {
                let tests = [Test::eq(Field::Arg(0), request)];
                plan.wants.add_if(arch, ptrace, &tests, Action::Trace(data::PTRACE));
            }
        }
        Ok(())
    }

    fn on_exec(&mut self, stopped: &mut Stopped, former: Tid) -> tracee::Result<Then> {
        // Of a thread that was in clone when another executed, nothing is left to put back.
        self.changed.remove(&stopped.tid());
        self.changed.remove(&former);
        say_not_raised(stopped.tid());
        Ok(Then::Go)
    }

    fn on_trace(&mut self, stopped: &mut Stopped, data: u16) -> tracee::Result<Handled> {
        match data {
            data::CLONE => Ok(Handled::Yes(self.take_away(stopped)?)),
            data::PTRACE => {
                self.traces(stopped)?;
                Ok(Handled::Yes(Then::Go))
            }
            _ => Ok(Handled::No),
        }
    }

    fn on_clone(&mut self, parent: &mut Stopped, child: Tid) -> tracee::Result<Then> {
        let Some(&place) = self.changed.get(&parent.tid()) else { return Ok(Then::Go) };
        if !self.returned.contains(&child)
            && let Flags::Register { .. } = place
        {
            self.changed.insert(child, place);
        }
        Ok(Then::StopAtCall)
    }

    fn on_attached(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        if !self.changed.is_empty() && !self.changed.contains_key(&stopped.tid()) {
            self.returned.insert(stopped.tid());
        }
        self.put_back(stopped)
    }

    fn on_call(&mut self, _: &mut Waiter, stopped: &mut Stopped) -> tracee::Result<Then> {
        self.put_back(stopped)
    }

    fn on_end(&mut self, tid: Tid, _: End) {
        self.changed.remove(&tid);
        self.returned.remove(&tid);
    }
}

/// Says so, if the new program of `tid` has a set-user-ID or set-group-ID bit that was not honoured: under
/// no_new_privs, or a tracer without CAP_SYS_PTRACE, it is not (execve(2)).
pub(crate) fn say_not_raised(tid: Tid) {
    let Some(exe) = proc_file(tid, "exe") else { return };
    let Ok(file) = fs::metadata(&exe) else { return };
    let has = |bit: u32| file.mode() & bit != 0;
    // Set-group-ID without permission to execute for the group means something else (inode(7)).
    let raises = has(libc::S_ISUID) || (has(libc::S_ISGID) && has(libc::S_IXGRP));
    if !raises {
        return;
    }
    // Real, effective, saved and file-system id.
    let effective = |name: &str| proc_status(tid, name)?.split_ascii_whitespace().nth(1)?.parse::<u32>().ok();
    let differs = |bit, name, id| has(bit) && effective(name).is_some_and(|effective| effective != id);
    if differs(libc::S_ISUID, "Uid:", file.uid()) || differs(libc::S_ISGID, "Gid:", file.gid()) {
        let program = fs::read_link(exe).unwrap_or_default();
        say(format_args!(
            "{}: its set-user-ID or set-group-ID bit has no effect under run: start it outside",
            program.display()
        ));
    }
}
