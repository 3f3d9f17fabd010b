//! The few instructions that `__kernel_vsyscall` is made of.

/// The instructions that enter the kernel faster than `int $0x80`. No processor has both in 32-bit code under
/// a 64-bit kernel: `syscall` is undefined there on Intel's, `sysenter` on AMD's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fast {
    Sysenter,
    Syscall,
}

impl Fast {
    pub const BOTH: [Fast; 2] = [Fast::Sysenter, Fast::Syscall];

    /// Its encoding, as long as that of `int $0x80`.
    pub const fn code(self) -> [u8; 2] {
        match self {
            Fast::Sysenter => [0x0f, 0x34],
            Fast::Syscall => [0x0f, 0x05],
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Fast::Sysenter => "sysenter",
            Fast::Syscall => "syscall",
        }
    }
}

/// What the kernel's sources write in this function (arch/x86/entry/vdso/vdso32/system_call.S), and what a gap
/// is filled with where the processor has neither (asm/nops.h).
const KNOWN: [(&[u8], &str); 11] = [
    (&[0x51], "push %ecx"),
    (&[0x52], "push %edx"),
    (&[0x55], "push %ebp"),
    (&[0x89, 0xe5], "mov %esp,%ebp"),
    (&[0x89, 0xcd], "mov %ecx,%ebp"),
    (&Fast::Sysenter.code(), Fast::Sysenter.name()),
    (&Fast::Syscall.code(), Fast::Syscall.name()),
    (&[0xcd, 0x80], "int $0x80"),
    (&[0x90], "nop"),
    (&[0x8d, 0x74, 0x26, 0x00], "nop"),
    (&[0x0f, 0x1f, 0x40, 0x00], "nop"),
];

/// The instructions of `code`; from the first unknown one on, its bytes.
pub fn disassemble(mut code: &[u8]) -> Vec<String> {
    let mut instructions = vec![];
    while !code.is_empty() {
        match KNOWN.iter().find(|(bytes, _)| code.starts_with(bytes)) {
            Some((bytes, text)) => {
                instructions.push((*text).to_owned());
                code = &code[bytes.len()..];
            }
            None => {
                instructions.push(format!("{code:02x?}"));
                break;
            }
        }
    }
    instructions
}

/// The fast instruction in `code`, if there is one.
pub fn fast(code: &[u8]) -> Option<Fast> {
    let instructions = disassemble(code);
    Fast::BOTH.into_iter().find(|fast| instructions.iter().any(|instruction| instruction == fast.name()))
}

#[cfg(test)]
mod tests {
    use super::{Fast, disassemble, fast};

    const INTEL: [u8; 9] = [0x51, 0x52, 0x55, 0x89, 0xe5, 0x0f, 0x34, 0xcd, 0x80];
    const AMD: [u8; 9] = [0x51, 0x52, 0x55, 0x89, 0xcd, 0x0f, 0x05, 0xcd, 0x80];
    const NEITHER: [u8; 9] = [0x51, 0x52, 0x55, 0x90, 0x90, 0x90, 0x90, 0xcd, 0x80];

    #[test]
    fn the_three_forms_are_told_apart() {
        assert_eq!(fast(&INTEL), Some(Fast::Sysenter));
        assert_eq!(fast(&AMD), Some(Fast::Syscall));
        assert_eq!(fast(&NEITHER), None);
        assert_eq!(disassemble(&INTEL)[3..], ["mov %esp,%ebp", "sysenter", "int $0x80"]);
        assert_eq!(disassemble(&AMD)[3..], ["mov %ecx,%ebp", "syscall", "int $0x80"]);
    }

    #[test]
    fn what_is_not_known_is_shown_as_it_is() {
        // cmp $0x34,%al and a prefix are no sysenter.
        assert_eq!(disassemble(&[0x51, 0x0e, 0x0f, 0x34]), ["push %ecx", "[0e, 0f, 34]"]);
        assert_eq!(fast(&[0x0e, 0x0f, 0x34]), None);
    }
}
