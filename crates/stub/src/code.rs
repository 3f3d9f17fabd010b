//! The stub's code as data: its bytes, the places that a base address completes, its labels and notes.

use core::ops::Range;

use abi::Call;

use crate::asm;

/// How far above the stack pointer an array is taken for readable without a probe. glibc and compilers put
/// it there; what lies there beyond the stack's end is a fault that the supervisor turns into EFAULT.
const WINDOW: u32 = 8192;

/// How many bytes below the stack pointer a trapped call needs: what [`Labels::trap_entry`], the probe and
/// the kernel's `__kernel_vsyscall` push, and some.
pub const STACK: u32 = 80;

/// The data of the RET_TRAP that [`Variant::Handling`] serves: `si_errno`.
pub const TRAP_DATA: u16 = 0x5c66;

/// What the stub passes as a fifth argument to rt_sigaction, which has four, when it sets its own handler. A
/// filter knows it by that.
pub const PERMIT: u32 = 0x736f_636b;

/// How far above the first byte of a signal's frame the handler's stack pointer is on its way back.
pub(crate) const SIGNAL_FRAME: u8 = 20;

/// What the stub does besides taking calls apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Nothing.
    Plain,
    /// It counts the calls that it takes apart, and the direct ones.
    Counting,
    /// It serves the SIGSYS of trapped calls inside the process, and starts the program after having set
    /// that handler.
    Handling,
}

/// What is to be added to a 32-bit field of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The address of the code's first byte.
    Base,
    /// The field becomes the distance from its end to the kernel's `__kernel_vsyscall`.
    ToVsyscall,
    /// The field becomes the address of the counter with this index.
    Counter(u32),
    /// The field becomes the distance from its end to where the program starts.
    Start,
    /// The field becomes this value.
    Value(u32),
}

/// A 32-bit field of the code that depends on where the code will run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relocation {
    /// The field's offset.
    pub at: u16,
    pub kind: Kind,
}

/// What happens to the stack in front of an offset of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Note {
    pub at: u16,
    /// One of the constants below.
    pub op: u8,
    /// DWARF's number of the register that `SAVED` and `RESTORED` are about.
    pub register: u8,
}

impl Note {
    pub(crate) const SAVED: u8 = 0;
    pub(crate) const RESTORED: u8 = 1;
    /// Something was pushed that is no register of the caller's.
    pub(crate) const PUSHED: u8 = 2;
    /// A function begins, as a call leaves the stack.
    pub(crate) const BEGIN: u8 = 3;
    /// A function begins whose return address is in eax.
    pub(crate) const BEGIN_TRAP: u8 = 4;
    /// The state here is needed once more.
    pub(crate) const REMEMBER: u8 = 5;
    /// The state is the remembered one.
    pub(crate) const RECALL: u8 = 6;
    /// The return address was pushed.
    pub(crate) const PUSHED_RETURN: u8 = 7;
    /// What `PUSHED` told of was popped.
    pub(crate) const POPPED: u8 = 8;
    /// A function begins that lies on a signal's frame, whose first byte is [`SIGNAL_FRAME`] bytes below the stack
    /// pointer: what it returns to is what was interrupted.
    pub(crate) const BEGIN_SIGRETURN: u8 = 9;
}

/// Places in the code, as offsets from its first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// What takes the place of `__kernel_vsyscall`: counting, if that was asked for.
    pub entry: u32,
    /// Where a thread goes on whose call was trapped: eax is the address to return to.
    pub trap_entry: u32,
    /// Where the program's memory is read and written for it: the array, recvmmsg's timeout. A fault here
    /// means that it can't be.
    pub faults: Vec<Range<u32>>,
    /// Where a thread goes on after such a fault.
    pub efault: u32,
    /// Where the program is to start, if the stub is to set its handler first.
    pub boot: Option<u32>,
}

/// The code before it is placed.
pub(crate) struct Code {
    pub bytes: Vec<u8>,
    pub relocations: Vec<Relocation>,
    pub notes: &'static [Note],
    pub labels: Labels,
    /// Where instructions end and the table begins.
    pub table: u32,
}

impl Code {
    /// The stub. Code that the variant does not need is left out at the end.
    pub(crate) fn new(variant: Variant) -> Code {
        let [entry, counted, trap, faults @ .., efault, table, plain_end, counted_end, boot, end] =
            asm::offsets();
        let end = match variant {
            Variant::Plain => plain_end,
            Variant::Counting => counted_end,
            Variant::Handling => end,
        };
        let mut bytes = asm::bytes()[..end as usize].to_vec();
        for (row, call) in bytes[table as usize..].as_chunks_mut::<2>().0.iter_mut().zip(Call::ALL) {
            *row = (call.direct_i386() as u16 | (call.words() as u16) << 12).to_le_bytes();
        }
        let relocation = |&[at, kind]: &asm::Listed| Relocation {
            at,
            kind: match kind {
                0 => Kind::Base,
                1 => Kind::ToVsyscall,
                4 => Kind::Start,
                // A fault in the window is a tracer's to turn into EFAULT. Without one there is no window.
                5 => Kind::Value(if variant == Variant::Handling { 0 } else { WINDOW }),
                counter => Kind::Counter(u32::from(counter) - 2),
            },
        };
        let here = |at: u16| u32::from(at) < end;
        let relocations = asm::relocations().iter().map(relocation);
        let notes = asm::notes();
        Code {
            bytes,
            relocations: relocations.filter(|relocation| here(relocation.at)).collect(),
            notes: &notes[..notes.iter().take_while(|note| here(note.at)).count()],
            labels: Labels {
                entry: if variant == Variant::Counting { counted } else { entry },
                trap_entry: trap,
                faults: faults.as_chunks().0.iter().map(|&[begin, end]| begin..end).collect(),
                efault,
                boot: (variant == Variant::Handling).then_some(boot),
            },
            table,
        }
    }
}
