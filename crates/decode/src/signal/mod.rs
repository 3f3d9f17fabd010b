//! Signals: their names, and what is told of them.

use abi::Errno;

pub use crate::tables::signals::NAMES;
use crate::tables::signals::{ARCHITECTURES, REASONS, reasons};
use crate::tables::syscalls::syscall;
use crate::{Abi, Field, Value, bytes, field};

/// A signal by its name, if it has one.
#[must_use]
pub fn name(signal: i32) -> Value {
    let number = Value::Uint((signal as u32).into());
    match NAMES.name(signal as u64) {
        Some(name) => Value::named(number, Value::Word(name)),
        None => number,
    }
}

/// What a signal's `siginfo_t` says, in the layout that a 64-bit tracer gets, whatever the program's is
/// (include/uapi/asm-generic/siginfo.h). The names of the calls of `abi` are those that a program of that kind would use.
#[must_use]
pub fn info(bytes: &[u8; 128], abi: Abi) -> Value {
    let info = Info { bytes, abi };
    let signal = info.int(0);
    if signal == 0 {
        return Value::Struct(Vec::new());
    }
    let mut fields = vec![field("si_signo", name(signal)), field("si_code", info.code())];
    let error = info.int(4);
    if error != 0 {
        let number = Value::Uint((error as u32).into());
        let error = match Errno::from_raw(error).and_then(Errno::name) {
            Some(name) => Value::named(number, Value::Word(name)),
            None => number,
        };
        fields.push(field("si_errno", error));
    }
    // What a program sent has a code that is not positive; what the kernel sent is of the signal's own kind.
    if info.int(8) <= 0 {
        info.sent(&mut fields)
    } else {
        info.raised(&mut fields)
    }
    Value::Struct(fields)
}

struct Info<'a> {
    bytes: &'a [u8; 128],
    abi: Abi,
}

/// Where the union begins.
const UNION: usize = 16;

impl Info<'_> {
    fn int(&self, offset: usize) -> i32 {
        bytes::i32(self.bytes, offset)
    }

    fn pointer(&self, offset: usize) -> Value {
        Value::Pointer(bytes::u64(self.bytes, UNION + offset))
    }

    fn number(&self, offset: usize) -> Value {
        Value::Int(self.int(UNION + offset).into())
    }

    fn code(&self) -> Value {
        let code = u64::from(self.int(8) as u32);
        let own = reasons(self.int(0)).filter(|own| REASONS.name(code).is_none() && own.name(code).is_some());
        Value::Symbol(own.unwrap_or(&REASONS), code)
    }

    /// Who sent it.
    fn sender(&self, fields: &mut Vec<Field>) {
        fields.push(field("si_pid", self.number(0)));
        fields.push(field("si_uid", crate::message::id(bytes::u32(self.bytes, UNION + 4))));
    }

    /// What the sender gave along.
    fn value(&self, fields: &mut Vec<Field>) {
        fields.push(field("si_int", self.number(8)));
        fields.push(field("si_ptr", self.pointer(8)));
    }

    fn has_value(&self) -> bool {
        bytes::u64(self.bytes, UNION + 8) != 0
    }

    /// What became ready, and which descriptor.
    fn poll(&self, fields: &mut Vec<Field>) {
        fields.push(field("si_band", Value::Int(bytes::i64(self.bytes, UNION))));
        fields.push(field("si_fd", Value::Fd(self.int(UNION + 8), None)));
    }

    fn sent(&self, fields: &mut Vec<Field>) {
        const SI_USER: i32 = 0;
        const SI_TIMER: i32 = -2;
        const SI_SIGIO: i32 = -5;
        const SI_TKILL: i32 = -6;
        match self.int(8) {
            SI_USER | SI_TKILL => self.sender(fields),
            SI_TIMER => {
                fields.push(field("si_timerid", Value::Hex(bytes::u32(self.bytes, UNION).into())));
                fields.push(field("si_overrun", self.number(4)));
                self.value(fields);
            }
            SI_SIGIO => self.poll(fields),
            _ => {
                self.sender(fields);
                if self.has_value() {
                    self.value(fields);
                }
            }
        }
    }

    fn raised(&self, fields: &mut Vec<Field>) {
        const SIGILL: i32 = 4;
        const SIGTRAP: i32 = 5;
        const SIGBUS: i32 = 7;
        const SIGFPE: i32 = 8;
        const SIGSEGV: i32 = 11;
        const SIGCHLD: i32 = 17;
        const SIGIO: i32 = 29;
        const SIGSYS: i32 = 31;
        const BUS_MCEERR: std::ops::RangeInclusive<i32> = 4..=5;
        const SEGV_BNDERR: i32 = 3;
        const SEGV_PKUERR: i32 = 4;
        const POLL: std::ops::RangeInclusive<i32> = 1..=6;
        let code = self.int(8);
        match self.int(0) {
            SIGCHLD => self.child(fields),
            signal @ (SIGILL | SIGTRAP | SIGBUS | SIGFPE | SIGSEGV) => {
                fields.push(field("si_addr", self.pointer(0)));
                match signal {
                    SIGBUS if BUS_MCEERR.contains(&code) => {
                        let lowest = Value::Hex(bytes::u16(self.bytes, UNION + 8).into());
                        fields.push(field("si_addr_lsb", lowest));
                    }
                    SIGSEGV if code == SEGV_BNDERR => {
                        fields.push(field("si_lower", self.pointer(16)));
                        fields.push(field("si_upper", self.pointer(24)));
                    }
                    SIGSEGV if code == SEGV_PKUERR => {
                        fields.push(field("si_pkey", Value::Uint((self.int(UNION + 16) as u32).into())));
                    }
                    _ => {}
                }
            }
            SIGIO if POLL.contains(&code) => self.poll(fields),
            SIGIO => {}
            SIGSYS => self.refused(fields),
            _ => {
                if bytes::u64(self.bytes, UNION) != 0 {
                    self.sender(fields);
                }
                if self.has_value() {
                    self.value(fields);
                }
            }
        }
    }

    /// What became of a child.
    fn child(&self, fields: &mut Vec<Field>) {
        const CLD_EXITED: i32 = 1;
        self.sender(fields);
        let status = self.int(UNION + 8);
        let exited = self.int(8) == CLD_EXITED;
        fields.push(field("si_status", if exited { Value::Int(status.into()) } else { name(status) }));
        fields.push(field("si_utime", clock(bytes::u64(self.bytes, UNION + 16))));
        fields.push(field("si_stime", clock(bytes::u64(self.bytes, UNION + 24))));
    }

    /// A system call that a filter refused.
    fn refused(&self, fields: &mut Vec<Field>) {
        const I386: u32 = 0x4000_0003;
        const X86_64: u32 = 0xc000_003e;
        let number = self.int(UNION + 8) as u32;
        let architecture = bytes::u32(self.bytes, UNION + 12);
        let of = match architecture {
            I386 => Some(Abi::I386),
            X86_64 if number & Abi::X32_BIT != 0 => Some(Abi::X32),
            X86_64 => Some(Abi::X86_64),
            _ => None,
        };
        let raw = Value::Uint(number.into());
        let call = match of.and_then(|of| Some((of, syscall(of, number)?))) {
            Some((of, name)) if of == self.abi => Value::named(raw, Value::Bare(format!("__NR_{name}"))),
            Some((_, name)) => Value::explained(Value::named(raw, Value::Word(name))),
            None => raw,
        };
        fields.push(field("si_call_addr", self.pointer(0)));
        fields.push(field("si_syscall", call));
        fields.push(field("si_arch", Value::Symbol(&ARCHITECTURES, architecture.into())));
    }
}

/// A time in ticks, of which there are a hundred in a second.
pub(crate) fn clock(ticks: u64) -> Value {
    let raw = Value::Uint(ticks);
    if ticks == 0 {
        return raw;
    }
    let seconds = format!("{}.{:02} s", ticks / 100, ticks % 100);
    Value::explained(Value::named(raw, Value::Bare(seconds)))
}
