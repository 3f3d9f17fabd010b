//! The machine: instructions, answers, and an interpreter that agrees with the kernel's.

use core::fmt;

/// An architecture as seccomp and audit name it (`include/uapi/linux/audit.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 32-bit x86 calls: from 32-bit programs, and by `int $0x80` from 64-bit ones.
    I386,
    /// 64-bit x86 calls. x32 calls have this architecture too, and bit 30 set in their number.
    X86_64,
}

impl Arch {
    /// Every architecture that this crate knows.
    pub const ALL: [Arch; 2] = [Arch::I386, Arch::X86_64];

    /// The `AUDIT_ARCH_*` value that stands in [`Data::arch`].
    #[must_use]
    pub const fn audit(self) -> u32 {
        match self {
            Arch::I386 => 0x4000_0003,
            Arch::X86_64 => 0xc000_003e,
        }
    }
}

/// What a filter sees of a call: `struct seccomp_data` (`include/uapi/linux/seccomp.h`), 64 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The call's number.
    pub nr: u32,
    /// The call's architecture, an `AUDIT_ARCH_*` value.
    pub arch: u32,
    /// Where the program goes on after the call. For calls through the i386 vDSO this is the vDSO's
    /// landing pad.
    pub instruction_pointer: u64,
    /// The argument registers; an i386 call's are zero-extended.
    pub args: [u64; 6],
}

impl Data {
    /// The 32-bit word at byte `offset`, as `BPF_LD | BPF_W | BPF_ABS` loads it.
    fn word(&self, offset: u32) -> u32 {
        let half = |value: u64, offset: u32| {
            if offset & 4 == 0 { value as u32 } else { (value >> 32) as u32 }
        };
        match offset {
            0 => self.nr,
            4 => self.arch,
            8 | 12 => half(self.instruction_pointer, offset),
            _ => half(self.args[(offset as usize - 16) / 8], offset),
        }
    }
}

/// What a filter answers (seccomp(2)). The kernel takes the strictest answer of all filters; the
/// variants stand in that order, the strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The whole process dies, as if by SIGSYS that cannot be caught.
    KillProcess,
    /// The calling thread dies.
    KillThread,
    /// SIGSYS is forced on the thread; `si_errno` is this value. The registers are as at entry.
    Trap(u16),
    /// The call is not made; it answers this errno.
    Errno(u16),
    /// A listener is asked.
    UserNotif,
    /// The tracer is asked, and gets this value as the event's message; without one: ENOSYS.
    Trace(u16),
    /// The call is made, and logged.
    Log,
    /// The call is made.
    Allow,
}

impl Action {
    /// The 32-bit value that a filter returns for this answer.
    #[must_use]
    pub const fn ret(self) -> u32 {
        match self {
            Action::KillProcess => 0x8000_0000,
            Action::KillThread => 0,
            Action::Trap(data) => 0x0003_0000 | data as u32,
            Action::Errno(data) => 0x0005_0000 | data as u32,
            Action::UserNotif => 0x7fc0_0000,
            Action::Trace(data) => 0x7ff0_0000 | data as u32,
            Action::Log => 0x7ffc_0000,
            Action::Allow => 0x7fff_0000,
        }
    }

    /// The answer that a returned value means. Unknown actions kill the process, as in the kernel.
    #[must_use]
    pub const fn from_ret(ret: u32) -> Action {
        let data = ret as u16;
        match ret & 0xffff_0000 {
            0 => Action::KillThread,
            0x0003_0000 => Action::Trap(data),
            0x0005_0000 => Action::Errno(data),
            0x7fc0_0000 => Action::UserNotif,
            0x7ff0_0000 => Action::Trace(data),
            0x7ffc_0000 => Action::Log,
            0x7fff_0000 => Action::Allow,
            _ => Action::KillProcess,
        }
    }
}

/// One instruction: `struct sock_filter` (`include/uapi/linux/filter.h`).
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Insn {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

const LD_W_ABS: u16 = 0x20;
const ALU_AND_K: u16 = 0x54;
const JA: u16 = 0x05;
const JEQ_K: u16 = 0x15;
const JGT_K: u16 = 0x25;
const JGE_K: u16 = 0x35;
const JSET_K: u16 = 0x45;
const RET_K: u16 = 0x06;

impl Insn {
    /// Loads the word at byte `offset` of [`Data`] into the accumulator.
    #[must_use]
    pub const fn load(offset: u32) -> Insn {
        Insn { code: LD_W_ABS, jt: 0, jf: 0, k: offset }
    }

    /// Masks the accumulator.
    #[must_use]
    pub const fn and(k: u32) -> Insn {
        Insn { code: ALU_AND_K, jt: 0, jf: 0, k }
    }

    /// Skips `k` instructions.
    #[must_use]
    pub const fn jump(k: u32) -> Insn {
        Insn { code: JA, jt: 0, jf: 0, k }
    }

    /// Skips `jt` instructions if the accumulator equals `k`, else `jf`.
    #[must_use]
    pub const fn jump_eq(k: u32, jt: u8, jf: u8) -> Insn {
        Insn { code: JEQ_K, jt, jf, k }
    }

    /// Skips `jt` instructions if the accumulator is greater than `k` (unsigned), else `jf`.
    #[must_use]
    pub const fn jump_gt(k: u32, jt: u8, jf: u8) -> Insn {
        Insn { code: JGT_K, jt, jf, k }
    }

    /// Skips `jt` instructions if the accumulator is at least `k` (unsigned), else `jf`.
    #[must_use]
    pub const fn jump_ge(k: u32, jt: u8, jf: u8) -> Insn {
        Insn { code: JGE_K, jt, jf, k }
    }

    /// Skips `jt` instructions if the accumulator has a bit of `k`, else `jf`.
    #[must_use]
    pub const fn jump_set(k: u32, jt: u8, jf: u8) -> Insn {
        Insn { code: JSET_K, jt, jf, k }
    }

    /// An instruction that another program has made, as `struct sock_filter` has it. [`Filter::new`] checks it.
    #[must_use]
    pub const fn from_raw(code: u16, jt: u8, jf: u8, k: u32) -> Insn {
        Insn { code, jt, jf, k }
    }

    /// The instruction as `struct sock_filter` has it: code, two jumps, operand.
    #[must_use]
    pub const fn raw(self) -> (u16, u8, u8, u32) {
        (self.code, self.jt, self.jf, self.k)
    }

    /// Ends the program with an answer.
    #[must_use]
    pub const fn ret(action: Action) -> Insn {
        Insn { code: RET_K, jt: 0, jf: 0, k: action.ret() }
    }
}

impl fmt::Debug for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Insn { code, jt, jf, k } = *self;
        match code {
            LD_W_ABS => write!(f, "ld [{k}]"),
            ALU_AND_K => write!(f, "and {k:#x}"),
            JA => write!(f, "ja +{k}"),
            JEQ_K => write!(f, "jeq {k:#x}, +{jt}, +{jf}"),
            JGT_K => write!(f, "jgt {k:#x}, +{jt}, +{jf}"),
            JGE_K => write!(f, "jge {k:#x}, +{jt}, +{jf}"),
            JSET_K => write!(f, "jset {k:#x}, +{jt}, +{jf}"),
            RET_K => write!(f, "ret {:?}", Action::from_ret(k)),
            _ => write!(f, "{code:#x} {jt} {jf} {k:#x}"),
        }
    }
}

/// Why instructions are no filter: the same checks as the kernel's (`net/core/filter.c`, `bpf_check_classic`,
/// and `kernel/seccomp.c`, `seccomp_check_filter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// No instructions, or over 4,096.
    #[error("a filter has 1 to 4096 instructions, this one has {0}: fewer or simpler rules are needed")]
    Length(usize),
    /// Over 4,096, of which no more were counted.
    #[error(
        "a filter has 1 to 4096 instructions, this one would have more: fewer or simpler rules are needed"
    )]
    TooLong,
    /// An instruction that seccomp does not permit, a jump out of the program, or a load out of [`Data`].
    #[error("instruction {0} is not valid in a seccomp filter")]
    Instruction(usize),
    /// The last instruction is no return.
    #[error("a filter must end with a return")]
    NoReturn,
}

/// How many instructions a filter may have (`BPF_MAXINSNS`, `linux/bpf_common.h`).
pub const MAX_INSTRUCTIONS: usize = 4096;

/// A checked program, ready to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Vec<Insn>);

impl Filter {
    /// Checks `instructions`.
    ///
    /// # Errors
    /// [`BuildError`], where the kernel would answer EINVAL.
    pub fn new(instructions: Vec<Insn>) -> Result<Filter, BuildError> {
        let length = instructions.len();
        if length == 0 || length > MAX_INSTRUCTIONS {
            return Err(BuildError::Length(length));
        }
        for (at, insn) in instructions.iter().enumerate() {
            let reaches = |skip: u32| at + 1 + (skip as usize) < length;
            let valid = match insn.code {
                LD_W_ABS => insn.k < 64 && insn.k % 4 == 0,
                JA => reaches(insn.k),
                JEQ_K | JGT_K | JGE_K | JSET_K => reaches(insn.jt.into()) && reaches(insn.jf.into()),
                ALU_AND_K | RET_K => true,
                _ => false,
            };
            if !valid {
                return Err(BuildError::Instruction(at));
            }
        }
        if instructions[length - 1].code != RET_K {
            return Err(BuildError::NoReturn);
        }
        Ok(Filter(instructions))
    }

    /// The instructions, in order.
    #[must_use]
    pub fn instructions(&self) -> &[Insn] {
        &self.0
    }

    /// What the kernel would answer for `data`.
    #[must_use]
    pub fn interpret(&self, data: &Data) -> Action {
        self.execute(data).0
    }

    /// The answer for `data`, and how many instructions it took.
    #[must_use]
    pub fn execute(&self, data: &Data) -> (Action, usize) {
        let (mut at, mut accumulator, mut steps) = (0, 0u32, 0);
        loop {
            let Insn { code, jt, jf, k } = self.0[at];
            steps += 1;
            at += 1;
            let holds = match code {
                LD_W_ABS => {
                    accumulator = data.word(k);
                    continue;
                }
                ALU_AND_K => {
                    accumulator &= k;
                    continue;
                }
                JA => {
                    at += k as usize;
                    continue;
                }
                JEQ_K => accumulator == k,
                JGT_K => accumulator > k,
                JGE_K => accumulator >= k,
                JSET_K => accumulator & k != 0,
                // Filter::new() lets nothing else through than these and a return.
                _ => return (Action::from_ret(k), steps),
            };
            at += usize::from(if holds { jt } else { jf });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_survive_the_round_trip() {
        let every = [
            Action::KillProcess,
            Action::KillThread,
            Action::Trap(0xffff),
            Action::Errno(38),
            Action::UserNotif,
            Action::Trace(7),
            Action::Log,
            Action::Allow,
        ];
        for action in every {
            assert_eq!(Action::from_ret(action.ret()), action);
        }
        // The order of the variants is the kernel's order of strictness (a signed comparison there).
        assert!(every.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(every.windows(2).all(|pair| (pair[0].ret() as i32) < (pair[1].ret() as i32)));
    }

    #[test]
    fn what_the_kernel_refuses_is_refused() {
        let ret = Insn::ret(Action::Allow);
        assert_eq!(Filter::new(vec![]), Err(BuildError::Length(0)));
        assert_eq!(Filter::new(vec![ret; 4097]), Err(BuildError::Length(4097)));
        assert_eq!(Filter::new(vec![Insn::load(64), ret]), Err(BuildError::Instruction(0)));
        assert_eq!(Filter::new(vec![Insn::load(2), ret]), Err(BuildError::Instruction(0)));
        assert_eq!(Filter::new(vec![Insn::jump_eq(1, 1, 0), ret]), Err(BuildError::Instruction(0)));
        assert_eq!(Filter::new(vec![ret, Insn::load(0)]), Err(BuildError::NoReturn));
    }

    #[test]
    fn every_word_of_the_data_is_loaded() {
        let data = Data {
            nr: 1,
            arch: 2,
            instruction_pointer: 4 << 32 | 3,
            args: std::array::from_fn(|i| (6 + 2 * i as u64) << 32 | (5 + 2 * i as u64)),
        };
        for offset in (0..64).step_by(4) {
            let is = offset / 4 + 1;
            let filter = Filter::new(vec![
                Insn::load(offset),
                Insn::jump_eq(is, 0, 1),
                Insn::ret(Action::Errno(1)),
                Insn::ret(Action::Allow),
            ]);
            assert_eq!(filter.unwrap().execute(&data), (Action::Errno(1), 3));
        }
    }
}
