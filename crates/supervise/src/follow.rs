//! The layer that keeps every process in sight: a program can ask for a child that nobody traces, and such a
//! child would die of its first trapped call.

use std::collections::HashMap;

use seccomp::{Action, Arch, Field, Test};
use tracee::{Error as TraceeError, Stopped, Tid, Waiter};

use crate::clone::{CLONE_I386, CLONE_X86_64, CLONE3, Flags};
use crate::data;
use crate::layer::{End, Handled, Layer, Plan, Then};

const UNTRACED: u32 = libc::CLONE_UNTRACED as u32;

/// Takes CLONE_UNTRACED away for the time of the call.
#[derive(Default)]
pub(crate) struct Follow {
    /// Threads in a call whose flags were changed. The child has its parent's registers, and is one of them.
    changed: HashMap<Tid, Flags>,
}

impl Follow {
    fn take_away(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        let place = Flags::of(&stopped.registers()?);
        let flags = place.read(stopped)?;
        if flags & u64::from(UNTRACED) == 0 {
            return Ok(Then::Go);
        }
        match place.write(stopped, flags & !u64::from(UNTRACED)) {
            // Memory that not even a tracer can write: the child is on its own.
            Err(TraceeError::Fault(_)) => return Ok(Then::Go),
            other => other?,
        }
        self.changed.insert(stopped.tid(), place);
        Ok(Then::StopAtCall)
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

impl Layer for Follow {
    fn plan(&mut self, plan: &mut Plan) -> Result<(), crate::Error> {
        let untraced = [Test::masked_ne(Field::Arg(0), UNTRACED, 0)];
        for (arch, clone) in [(Arch::I386, CLONE_I386), (Arch::X86_64, CLONE_X86_64)] {
            plan.wants.add_if(arch, clone, &untraced, Action::Trace(data::CLONE));
            plan.wants.add(arch, CLONE3, Action::Trace(data::CLONE));
        }
        Ok(())
    }

    fn on_trace(&mut self, stopped: &mut Stopped, data: u16) -> tracee::Result<Handled> {
        match data {
            data::CLONE => Ok(Handled::Yes(self.take_away(stopped)?)),
            _ => Ok(Handled::No),
        }
    }

    fn on_clone(&mut self, parent: &mut Stopped, child: Tid) -> tracee::Result<Then> {
        let Some(&place) = self.changed.get(&parent.tid()) else { return Ok(Then::Go) };
        if let Flags::Register { .. } = place {
            self.changed.insert(child, place);
        }
        Ok(Then::StopAtCall)
    }

    fn on_attached(&mut self, stopped: &mut Stopped) -> tracee::Result<Then> {
        self.put_back(stopped)
    }

    fn on_call(&mut self, _: &mut Waiter, stopped: &mut Stopped) -> tracee::Result<Then> {
        self.put_back(stopped)
    }

    fn on_end(&mut self, tid: Tid, _: End) {
        self.changed.remove(&tid);
    }
}
