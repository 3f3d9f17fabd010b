//! A call's words, in whichever registers they are.

use abi::Call;
use decode::{Abi, Asked, Context, Limits, Request, Seen, Unknown};
use seccomp::{Arch, Data};
use tracee::{CallInfo, Registers, Stopped};

/// What a thread is about to ask of the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) arch: Arch,
    pub(super) abi: Abi,
    pub(super) number: u32,
    pub(super) args: [u64; 6],
}

impl Words {
    /// None for an architecture that is not known.
    pub(super) fn new(info: &CallInfo, number: u32, args: [u64; 6]) -> Option<Words> {
        let arch = super::arch(info.arch)?;
        let abi = match arch {
            Arch::I386 => Abi::I386,
            Arch::X86_64 if number & Abi::X32_BIT != 0 => Abi::X32,
            Arch::X86_64 => Abi::X86_64,
        };
        // By int $0x80, 64-bit code can have anything in the upper halves, at which the kernel doesn't look.
        let args = if arch == Arch::I386 { args.map(|word| u64::from(word as u32)) } else { args };
        Some(Words { arch, abi, number, args })
    }

    /// Whether the words are in 64-bit registers.
    pub(super) fn wide(&self) -> bool {
        self.arch == Arch::X86_64
    }

    /// What a filter sees.
    pub(super) fn data(&self, ip: u64) -> Data {
        Data { nr: self.number, arch: self.arch.audit(), instruction_pointer: ip, args: self.args }
    }

    /// The system call's name, if it is a socket call.
    pub(super) fn name(&self) -> Option<&'static str> {
        self.abi.name_of(self.number)
    }

    /// The call of the multiplexer with the same words.
    pub(super) fn call(&self) -> Option<Call> {
        let name = self.name()?;
        Call::ALL.into_iter().find(|call| call.name() == name)
    }

    /// The call decoded, for showing.
    pub(super) fn request(&self, memory: &dyn decode::Memory) -> Option<Request> {
        let entry = if self.wide() { decode::Entry::X86_64 } else { decode::Entry::Direct };
        let seen =
            Seen { abi: self.abi, number: self.number, registers: self.args, entry, taken_apart: None };
        let asked = Asked::of(seen, memory)?;
        let context = Context { memory, abi: self.abi, limits: Limits::default(), descriptors: &Unknown };
        let mut request = Request::enter(asked, &context);
        // What is sent by sendmmsg is known to the decoder when the call has returned, for its messages' lengths: this one
        // hasn't sent any.
        if request.asked.form.call == Some(Call::Sendmmsg) {
            request.exit(-1, &context);
            request.outcome = None;
        }
        Some(request)
    }

    pub(super) fn set(&self, registers: &mut Registers, args: [u64; 6]) {
        set(registers, self.wide(), args);
    }
}

/// Puts words into the registers of their interface.
pub(super) fn set(registers: &mut Registers, wide: bool, args: [u64; 6]) {
    if wide {
        registers.set_x86_64_args(args);
    } else {
        registers.set_i386_args(args.map(|word| word as u32));
    }
}

/// Whether memory can't be accessed; other failures stay failures.
pub(super) fn fault(result: tracee::Result<()>) -> tracee::Result<bool> {
    match result {
        Ok(()) => Ok(false),
        Err(tracee::Error::Fault(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// A stopped thread's memory, for showing.
pub(super) struct Memory<'a>(pub(super) &'a Stopped);

impl decode::Memory for Memory<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        self.0.read(address, buffer).unwrap_or(0)
    }
}
