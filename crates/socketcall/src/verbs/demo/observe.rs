//! A layer that looks at every system call of a small 32-bit program, before it is made and after.
//!
//! It stops at each call's entry and exit instead of asking for it by a filter: that stop comes before any
//! filter judges the call, so that it also sees what an outer filter answers.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;

use abi::{Call, SOCKETCALL_I386};
use anyhow::{Context, Result, bail};
use guest32::{Entry, Guest};
use nix::sys::signal::Signal;
use socketcall::{End, Error, Handled, Launch, Layer, Plan, Session, Then};
use tracee::{Registers, SignalInfo, Stopped, Tid, Waiter};

use super::place::Place;
use super::process::LIMIT;

/// `int $0x80`
const INT80: [u8; 2] = [0xcd, 0x80];
/// The length of `call *ADDRESS`, by which the guests enter the vDSO: ff 15 and the address.
const CALL: u32 = 6;

/// What was seen, in its order.
#[derive(Debug)]
pub enum Seen {
    /// The program has entered the kernel.
    Entered(Box<Entered>),
    /// The call has returned, and the program went on: this is in eax.
    Returned(u32),
    /// The instruction that was put in the place of the first `int $0x80` is none: SIGILL. The program got its
    /// `int $0x80` back.
    Undefined,
    /// The program has ended.
    Ended(End),
}

/// The program at the entry to a call.
#[derive(Debug)]
pub struct Entered {
    /// By name; eax is the call's number.
    pub registers: [(&'static str, u32); 9],
    /// Where in the program's own code.
    pub site: Option<u32>,
    /// The parameter array of a multiplexed call.
    pub array: Vec<u32>,
    /// What the program called, if it came through the vDSO.
    pub vsyscall: Option<Vsyscall>,
}

impl Entered {
    /// A register.
    pub fn register(&self, name: &str) -> u32 {
        self.registers.iter().find(|(of, _)| *of == name).expect("an i386 register").1
    }
}

/// The function that AT_SYSINFO names.
#[derive(Debug)]
pub struct Vsyscall {
    pub address: u32,
    /// From its first byte to where the kernel was entered from, or would have been by `int $0x80`.
    pub code: Vec<u8>,
}

/// Runs a guest to its end. `instead` are two bytes to stand in place of its first `int $0x80`.
///
/// # Errors
/// It could not be traced, or executed; or did not end in time.
pub fn observe(place: &Place, guest: Guest, instead: Option<[u8; 2]>) -> Result<Vec<Seen>> {
    let (tell, told) = mpsc::channel();
    let (finish, finished) = mpsc::channel();
    let session = Session::new(Launch::new(place.path(guest))).with(Observer {
        guest,
        instead,
        next: Next::ReturnOfExec,
        returned: None,
        tell,
    });
    thread::spawn(move || finish.send(session.run()));
    match finished.recv_timeout(LIMIT) {
        Ok(end) => drop(end?),
        // The program dies with its tracer, which is this process.
        Err(RecvTimeoutError::Timeout) => bail!("{guest} did not end within {} s", LIMIT.as_secs()),
        Err(RecvTimeoutError::Disconnected) => bail!("{guest}: its tracer ended early"),
    }
    let seen: Vec<_> = told.try_iter().collect();
    let ran = seen.iter().any(|seen| matches!(seen, Seen::Entered(_) | Seen::Undefined));
    ran.then_some(seen)
        .with_context(|| format!("{guest} was executed, but not as 32-bit code (binfmt_misc?)"))
}

struct Observer {
    guest: Guest,
    instead: Option<[u8; 2]>,
    next: Next,
    /// What a call left in eax. It is told when the next call comes: where a filter kills, or sends SIGSYS, there
    /// is such a stop too, but the call was not made.
    returned: Option<u32>,
    tell: Sender<Seen>,
}

/// What the next stop at a call is.
#[derive(Clone, Copy)]
enum Next {
    ReturnOfExec,
    Entry,
    Exit,
}

impl Observer {
    /// The first instruction that enters the kernel.
    fn first(&self) -> u32 {
        self.guest.kernel_entries()[0]
    }

    fn tell(&self, seen: Seen) {
        // Nobody listens any more if the time was up.
        let _ = self.tell.send(seen);
    }

    fn entered(&self, stopped: &Stopped, registers: &Registers) -> tracee::Result<Entered> {
        let [call, array, ..] = registers.i386_args();
        let array = match Call::from_number(call.cast_signed()) {
            Some(call) if registers.call_number() == SOCKETCALL_I386.cast_signed() => {
                (0..call.words() as u32).map(|index| word(stopped, array + 4 * index)).collect()
            }
            _ => Ok(vec![]),
        }?;
        let ip = registers.ip() as u32;
        let (site, vsyscall) = match self.guest.entry {
            // The processor has gone past the instruction.
            Entry::Int80 => (ip.checked_sub(INT80.len() as u32), None),
            Entry::Vdso => self.through_vdso(stopped, registers)?,
        };
        let site = site.filter(|site| self.guest.kernel_entries().contains(site));
        Ok(Entered { registers: registers.i386_named(), site, array, vsyscall })
    }

    /// The program's call of the vDSO is on the stack: the return address, below what the vDSO has pushed
    /// since (arch/x86/entry/vdso/vdso32/system_call.S: ecx, edx, ebp).
    fn through_vdso(
        &self,
        stopped: &Stopped,
        registers: &Registers,
    ) -> tracee::Result<(Option<u32>, Option<Vsyscall>)> {
        const PUSHED: u32 = 3;
        const LONGEST: u32 = 64;
        let sites = self.guest.kernel_entries();
        let stack = registers.sp() as u32;
        for depth in 0..=PUSHED {
            let site = word(stopped, stack + 4 * depth)?.wrapping_sub(CALL);
            if !sites.contains(&site) {
                continue;
            }
            let address = word(stopped, word(stopped, site + 2)?)?;
            let length = (registers.ip() as u32).wrapping_sub(address);
            let mut code = vec![0; length.min(LONGEST) as usize];
            stopped.read_exact(address.into(), &mut code)?;
            return Ok((Some(site), Some(Vsyscall { address, code })));
        }
        Ok((None, None))
    }
}

/// A 32-bit word of a tracee's memory.
fn word(stopped: &Stopped, address: u32) -> tracee::Result<u32> {
    let mut bytes = [0; 4];
    stopped.read_exact(address.into(), &mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

impl Layer for Observer {
    fn plan(&mut self, _: &mut Plan) -> Result<(), Error> {
        Ok(())
    }

    fn on_exec(&mut self, stopped: &mut Stopped, _: Tid) -> tracee::Result<Then> {
        if !stopped.registers()?.is_32() {
            return Ok(Then::Go);
        }
        if let Some(instead) = self.instead {
            stopped.write(self.first().into(), &instead)?;
        }
        Ok(Then::StopAtCall)
    }

    fn on_call(&mut self, _: &mut Waiter, stopped: &mut Stopped) -> tracee::Result<Then> {
        let mut registers = stopped.registers()?;
        self.next = match self.next {
            Next::ReturnOfExec => Next::Entry,
            Next::Entry => {
                if let Some(eax) = self.returned.take() {
                    self.tell(Seen::Returned(eax));
                }
                self.tell(Seen::Entered(Box::new(self.entered(stopped, &registers)?)));
                if self.instead.is_some() {
                    // It was one, and leaves the program where it can't go on: it exits here.
                    const EXIT: i32 = 1;
                    registers.set_call_number(EXIT);
                    registers.set_i386_args([0; 6]);
                    stopped.set_registers(&registers)?;
                }
                Next::Exit
            }
            Next::Exit => {
                self.returned = Some(registers.rax() as u32);
                Next::Entry
            }
        };
        Ok(Then::StopAtCall)
    }

    fn on_signal(
        &mut self,
        _: &mut Waiter,
        stopped: &mut Stopped,
        info: &SignalInfo,
    ) -> tracee::Result<Handled> {
        let is_ours = info.signal == Signal::SIGILL as i32
            && self.instead.is_some()
            && stopped.registers()?.ip() == u64::from(self.first());
        if !is_ours {
            return Ok(Handled::No);
        }
        stopped.write(self.first().into(), &INT80)?;
        self.instead = None;
        self.tell(Seen::Undefined);
        Ok(Handled::Yes(Then::StopAtCall))
    }

    fn on_end(&mut self, _: Tid, end: End) {
        self.tell(Seen::Ended(end));
    }
}

#[cfg(test)]
mod tests {
    use guest32::{Entry, Guest, Program};
    use socketcall::End;

    use super::super::instructions::{Fast, fast};
    use super::super::place::Place;
    use super::{Seen, observe};

    /// The vDSO's instruction works outside the vDSO too, as far as the kernel's entry; the other one does not.
    #[test]
    fn an_instruction_that_there_is_is_told_from_one_that_there_is_not() {
        let place = Place::find().unwrap();
        let article = |entry| Guest { program: Program::Article, entry };
        let seen = observe(&place, article(Entry::Vdso), None).unwrap();
        let code = seen.iter().find_map(|seen| match seen {
            Seen::Entered(entered) => entered.vsyscall.as_ref().map(|vsyscall| &vsyscall.code),
            _ => None,
        });
        let used = code.and_then(|code| fast(code)).expect("sysenter or syscall");
        for instead in Fast::BOTH {
            let seen = observe(&place, article(Entry::Int80), Some(instead.code())).unwrap();
            let is_there = matches!(seen.first(), Some(Seen::Entered(_)));
            assert_eq!(is_there, instead == used, "{instead:?}: {seen:?}");
            assert_eq!(seen.iter().any(|seen| matches!(seen, Seen::Undefined)), instead != used, "{seen:?}");
            assert!(matches!(seen.last(), Some(Seen::Ended(End::Exited(0)))), "{seen:?}");
        }
    }
}
