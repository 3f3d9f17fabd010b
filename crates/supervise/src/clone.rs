//! The flags of the call that makes a thread or process.

use tracee::{Error, Registers, Stopped};

pub(crate) const CLONE_I386: u32 = 120;
pub(crate) const CLONE_X86_64: u32 = 56;
/// The same number everywhere.
pub(crate) const CLONE3: u32 = 435;
const VFORK: [u32; 2] = [190, 58];

/// Where a thread that is in fork, vfork, clone or clone3 has its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flags {
    /// clone: in the first argument's register, of a 64-bit call if `wide`.
    Register { wide: bool, value: u64 },
    /// clone3: in memory at this address, where the program may change them at any time.
    Memory(u64),
    /// fork and vfork have none in a place of their own.
    Fixed(u64),
}

impl Flags {
    /// Of a thread that is in such a call. A 64-bit program can make the 32-bit calls too; of clone3 the
    /// number does not tell, and its code decides.
    pub(crate) fn of(registers: &Registers) -> Flags {
        let (narrow, wide) = (registers.i386_args()[0].into(), registers.x86_64_args()[0]);
        // x32 has the same numbers.
        match registers.call_number().cast_unsigned() & !decode::Abi::X32_BIT {
            CLONE_I386 => Flags::Register { wide: false, value: narrow },
            CLONE_X86_64 => Flags::Register { wide: true, value: wide },
            CLONE3 => Flags::Memory(if registers.is_32() { narrow } else { wide }),
            number if VFORK.contains(&number) => Flags::Fixed((libc::CLONE_VM | libc::CLONE_VFORK) as u64),
            _ => Flags::Fixed(0),
        }
    }

    /// What they say. Flags that can't be read are none: such a call fails.
    pub(crate) fn read(self, stopped: &Stopped) -> tracee::Result<u64> {
        match self {
            Flags::Register { value, .. } | Flags::Fixed(value) => Ok(value),
            Flags::Memory(at) => {
                let mut flags = [0; 8];
                match stopped.read_exact(at, &mut flags) {
                    Err(Error::Fault(_)) => Ok(0),
                    read => read.map(|()| u64::from_le_bytes(flags)),
                }
            }
        }
    }

    /// Puts other flags in their place.
    pub(crate) fn write(self, stopped: &mut Stopped, flags: u64) -> tracee::Result<()> {
        match self {
            Flags::Register { wide, .. } => {
                let mut registers = stopped.registers()?;
                registers.set_first_arg(wide, flags);
                stopped.set_registers(&registers)
            }
            Flags::Memory(at) => stopped.write(at, &flags.to_le_bytes()),
            Flags::Fixed(_) => Ok(()),
        }
    }
}
