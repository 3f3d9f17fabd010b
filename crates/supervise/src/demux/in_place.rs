//! A trapped call carried out where it stands, for threads that have no stub, or no stack to run it on:
//! 64-bit programs, programs without a vDSO, code in segments of its own. The array is read by us, the
//! registers are loaded, and the thread makes the direct call itself: outer filters judge it, and blocking,
//! signals and restarts stay the kernel's. Then the registers are put back.

use std::cell::Cell;

use abi::{Fault, Memory, SOCKETCALL_I386, demux};
use tracee::{Error, Registers, Stopped};

/// How far a call is that is carried out in place.
#[derive(Clone, Debug)]
pub(crate) struct InPlace {
    /// As the program made its call.
    original: Registers,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The thread is about to execute `int $0x80` again.
    Armed,
    /// It is in the call; what comes next is its end.
    InCall,
}

/// What became of the call.
pub(crate) enum Begun {
    /// It answers an error without being made.
    Answered,
    /// It can't be taken apart: it answers ENOSYS without being made.
    Refused,
    /// It is under way: the thread must stop at calls.
    Under(Box<InPlace>),
}

/// Linux's own codes for a call that a signal interrupted and that may be restarted, seen by tracers only
/// (include/linux/errno.h, ERESTARTSYS to ERESTART_RESTARTBLOCK).
const ERESTART: std::ops::RangeInclusive<i32> = -516..=-512;

/// `int $0x80`
pub(super) const INT80: [u8; 2] = [0xcd, 0x80];

impl InPlace {
    /// At the call's entry, from RET_TRACE: another call takes its place, and all filters judge that one.
    pub(crate) fn at_entry(stopped: &mut Stopped, registers: &Registers) -> tracee::Result<Begun> {
        let mut loaded = *registers;
        let begun = match read(stopped, registers)? {
            Ok(direct) => {
                loaded.set_call_number(direct.number.cast_signed());
                loaded.set_i386_args(direct.args);
                Begun::Under(Box::new(InPlace { original: *registers, phase: Phase::InCall }))
            }
            Err(answer) => {
                loaded.set_call_number(-1);
                answer.give(&mut loaded)
            }
        };
        stopped.set_registers(&loaded)?;
        Ok(begun)
    }

    /// After a trap, which left the call unmade: the instruction is executed again, with other registers.
    pub(crate) fn after_trap(stopped: &mut Stopped, registers: &Registers) -> tracee::Result<Begun> {
        let mut loaded = *registers;
        loaded.set_call_number(-1);
        let mut instruction = [0; 2];
        let again = registers.ip().wrapping_sub(2);
        let readable = stopped.read_exact(again, &mut instruction);
        let begun = match read(stopped, registers)? {
            // A fast entry outside the vDSO can't be repeated: nobody knows where it stands.
            Ok(_) if readable.is_err() || instruction != INT80 => {
                loaded.set_error(libc::ENOSYS);
                Begun::Answered
            }
            Ok(direct) => {
                loaded.set_ip(again);
                loaded.set_rax(direct.number.into());
                loaded.set_i386_args(direct.args);
                Begun::Under(Box::new(InPlace { original: *registers, phase: Phase::Armed }))
            }
            Err(answer) => answer.give(&mut loaded),
        };
        stopped.set_registers(&loaded)?;
        Ok(begun)
    }

    /// A stop at a call. Answers whether the call is over; then all registers but the accumulator are the
    /// program's again.
    pub(crate) fn at_call(&mut self, stopped: &mut Stopped) -> tracee::Result<bool> {
        if self.phase == Phase::Armed {
            self.phase = Phase::InCall;
            return Ok(false);
        }
        let mut registers = stopped.registers()?.with_args_of(&self.original);
        // An interrupted call is restarted as the program made it: as socketcall, and taken apart again.
        if ERESTART.contains(&(registers.rax() as i32)) {
            registers.set_call_number(SOCKETCALL_I386.cast_signed());
        }
        stopped.set_registers(&registers)?;
        Ok(true)
    }

    /// A signal came before the instruction was executed again: after its handler the program is to make its
    /// own call. One that was in the call is so no longer: another layer had it made in parts, and has ended it.
    pub(crate) fn rewind(&self, stopped: &mut Stopped) -> tracee::Result<()> {
        if self.phase == Phase::InCall {
            let registers = stopped.registers()?.with_args_of(&self.original);
            return stopped.set_registers(&registers);
        }
        let mut registers = self.original;
        registers.set_ip(self.original.ip().wrapping_sub(2));
        registers.set_rax(SOCKETCALL_I386.into());
        registers.set_call_number(-1);
        stopped.set_registers(&registers)
    }
}

/// Why a call is not made.
enum Answer {
    /// The multiplexer answers this.
    Errno(abi::Errno),
    /// The program's memory can't be looked at, so nobody knows what call it is.
    Unknown,
}

impl Answer {
    fn give(self, registers: &mut Registers) -> Begun {
        let (errno, begun) = match self {
            Answer::Errno(errno) => (errno, Begun::Answered),
            Answer::Unknown => (abi::Errno::ENOSYS, Begun::Refused),
        };
        registers.set_error(errno.raw());
        begun
    }
}

/// Takes the call in `registers` apart.
fn read(stopped: &Stopped, registers: &Registers) -> tracee::Result<Result<abi::Direct, Answer>> {
    let [call, array, ..] = registers.i386_args();
    let memory = TraceeMemory { stopped, gone: Cell::new(false) };
    let direct = demux(call.cast_signed(), array, &memory);
    if memory.gone.get() {
        return Err(Error::Gone);
    }
    Ok(direct.map_err(|errno| match errno {
        // The instruction that made the call was read by the processor just now.
        abi::Errno::EFAULT if !stopped.is_readable(registers.ip().wrapping_sub(2)) => Answer::Unknown,
        errno => Answer::Errno(errno),
    }))
}

struct TraceeMemory<'a> {
    stopped: &'a Stopped,
    gone: Cell<bool>,
}

impl Memory for TraceeMemory<'_> {
    fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault> {
        let mut bytes = [0; 4 * 6];
        let bytes = &mut bytes[..4 * words.len()];
        self.stopped.read_exact(address.into(), bytes).map_err(|error| {
            self.gone.set(matches!(error, Error::Gone));
            Fault
        })?;
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Ok(())
    }
}
