//! Which call it is: from a number and registers to a name and words.

use abi::{Argument, Errno, Fault, SOCKETCALL_I386, Type, i386};

use crate::{Abi, Memory};

/// How the call came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The multiplexer, by an `int $0x80` (or a bare `sysenter` or `syscall`) of the program's own.
    Int80,
    /// The multiplexer, through the vDSO.
    Vdso,
    /// A direct i386 call.
    Direct,
    /// A call of the 64-bit interface.
    X86_64,
    /// A call of the x32 interface.
    X32,
}

impl Entry {
    /// As `--entry` shows it, without brackets.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Entry::Int80 => "int80",
            Entry::Vdso => "vdso",
            Entry::Direct => "direct",
            Entry::X86_64 => "x86-64",
            Entry::X32 => "x32",
        }
    }
}

/// What a tracer sees at a call's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The interface.
    pub abi: Abi,
    /// The system call's number, as the register has it (x32's bit included).
    pub number: u32,
    /// The six argument registers; of 32-bit interfaces' calls the lower halves, without sign.
    pub registers: [u64; 6],
    /// How it came in.
    pub entry: Entry,
    /// The call number that the program gave to the multiplexer, if the call was taken apart before it reached the kernel;
    /// `number` is the direct call's then.
    pub taken_apart: Option<abi::Call>,
}

/// A call's name and arguments, in one of the forms that it can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The name of the system call that a person would look up: `send` of the multiplexer, `accept4` for the
    /// direct call that accept becomes.
    pub name: &'static str,
    /// The call of the multiplexer with the same arguments; `None` for the multiplexer itself, when it can't be
    /// taken apart.
    pub call: Option<abi::Call>,
    /// The arguments' names and meanings.
    pub arguments: &'static [Argument],
    /// Bytes of each half of the timeout that recvmmsg takes, or of the offset that sendfile does.
    pub time: usize,
}

/// sendfile(2) and sendfile64(2): network calls as strace groups them, and none of the multiplexer.
const SENDFILE: &[Argument] = &[
    Argument { name: "out_fd", ty: Type::Fd },
    Argument { name: "in_fd", ty: Type::Fd },
    Argument { name: "offset", ty: Type::Offset },
    Argument { name: "count", ty: Type::Size },
];

/// The name of sendfile by its number, of x32 without the bit (arch/x86/entry/syscalls/syscall_32.tbl and syscall_64.tbl).
pub(crate) const fn sendfile(abi: Abi, number: u32) -> Option<&'static str> {
    match (abi, number) {
        (Abi::I386, 187) | (Abi::X86_64 | Abi::X32, 40) => Some("sendfile"),
        (Abi::I386, 239) => Some("sendfile64"),
        _ => None,
    }
}

/// A call with its words: what the kernel is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What was seen.
    pub seen: Seen,
    /// What it is.
    pub form: Form,
    /// One word for each of the form's arguments; 32 bits without sign from 32-bit interfaces.
    pub words: [u64; 6],
}

/// The multiplexer itself, when there is nothing to be taken apart.
const SOCKETCALL: &[Argument] =
    &[Argument { name: "call", ty: Type::Backlog }, Argument { name: "args", ty: Type::MessageIn }];

/// The name of a socket call among x32's numbers (arch/x86/entry/syscalls/syscall_64.tbl), without their bit.
pub(crate) const fn x32_name(number: u32) -> Option<&'static str> {
    match number {
        517 => Some("recvfrom"),
        518 => Some("sendmsg"),
        519 => Some("recvmsg"),
        537 => Some("recvmmsg"),
        538 => Some("sendmmsg"),
        541 => Some("setsockopt"),
        542 => Some("getsockopt"),
        // Their 64-bit numbers mean a 64-bit layout, and are no socket calls of x32's.
        45 | 46 | 47 | 54 | 55 | 299 | 307 => None,
        number => abi::x86_64::name(number),
    }
}

impl Asked {
    /// What a call asks for; `None` if it is no socket call. The array of a multiplexed call is read once.
    #[must_use]
    pub fn of(seen: Seen, memory: &dyn Memory) -> Option<Asked> {
        if seen.abi == Abi::I386 && seen.number == SOCKETCALL_I386 {
            return Some(Asked::multiplexed(seen, memory));
        }
        if let Some(call) = seen.taken_apart {
            let time = if seen.number == i386::RECVMMSG_TIME64 { 8 } else { 4 };
            let form = Form { name: call.name(), call: Some(call), arguments: call.facts().words, time };
            return Some(Asked { seen, form, words: seen.registers.map(|word| word & 0xffff_ffff) });
        }
        let name = seen.abi.name_of(seen.number)?;
        if name.starts_with("sendfile") {
            let time = if name == "sendfile" { seen.abi.time() } else { 8 };
            let form = Form { name, call: None, arguments: SENDFILE, time };
            return Some(Asked { seen, form, words: narrow(seen) });
        }
        let call = abi::Call::ALL.into_iter().find(|call| name == call.name());
        let call = call.or((name == "recvmmsg_time64").then_some(abi::Call::Recvmmsg))?;
        let time =
            if seen.abi == Abi::I386 && seen.number == i386::RECVMMSG_TIME64 { 8 } else { seen.abi.time() };
        let form = Form { name, call: Some(call), arguments: call.facts().words, time };
        Some(Asked { seen, form, words: narrow(seen) })
    }

    fn multiplexed(seen: Seen, memory: &dyn Memory) -> Asked {
        let [call, args, ..] = seen.registers;
        match abi::demux(call as i32, args as u32, &Array(memory)) {
            Ok(direct) => {
                let call = direct.call;
                let form =
                    Form { name: call.name(), call: Some(call), arguments: call.facts().words, time: 4 };
                Asked { seen, form, words: direct.args.map(u64::from) }
            }
            Err(Errno { .. }) => {
                let form = Form { name: "socketcall", call: None, arguments: SOCKETCALL, time: 4 };
                Asked { seen, form, words: [call & 0xffff_ffff, args & 0xffff_ffff, 0, 0, 0, 0] }
            }
        }
    }
}

/// The words of a call in registers.
fn narrow(seen: Seen) -> [u64; 6] {
    if seen.abi == Abi::I386 { seen.registers.map(|word| word & 0xffff_ffff) } else { seen.registers }
}

/// The array of a multiplexed call.
struct Array<'a>(&'a dyn Memory);

impl abi::Memory for Array<'_> {
    fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault> {
        let mut bytes = [0; 24];
        let bytes = &mut bytes[..4 * words.len()];
        if self.0.read(address.into(), bytes) < bytes.len() {
            return Err(Fault);
        }
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Ok(())
    }
}
