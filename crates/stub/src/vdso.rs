//! The kernel's 32-bit vDSO, as it lies in a process's memory.

use core::ops::Range;

use object::elf::{FileHeader32, PT_DYNAMIC, PT_GNU_EH_FRAME, PT_LOAD, SHT_DYNSYM};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{LittleEndian, elf};

/// How much of a process's vDSO is looked at and used, in bytes: two pages. The kernels' images end there
/// or before; so does the mapping, page by page.
pub const SIZE: usize = 8192;

/// Why the bytes are no vDSO that the stub can live in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadVdso {
    /// The bytes are not ELF, or not as an ELF file must be.
    #[error("the kernel's 32-bit vDSO is not understood: {0}")]
    Elf(&'static str),
    /// Something that every kernel's vDSO has is missing.
    #[error("the kernel's 32-bit vDSO has no {0}")]
    Missing(&'static str),
}

impl From<object::read::Error> for BadVdso {
    fn from(_: object::read::Error) -> BadVdso {
        BadVdso::Elf("its headers are broken")
    }
}

/// The parts of the vDSO that placing the stub needs. Offsets are from its first byte, which is mapped at
/// AT_SYSINFO_EHDR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vdso {
    pub(crate) bytes: Vec<u8>,
    /// `__kernel_vsyscall`, as AT_SYSINFO gives it.
    pub(crate) vsyscall: u32,
    /// Behind the last byte of code that is still of use.
    pub(crate) text: Range<u32>,
    pub(crate) eh_frame: Range<u32>,
    /// The symbol table and its strings.
    pub(crate) dynsym: Range<u32>,
    pub(crate) dynstr: Range<u32>,
    /// The value of the symbol `__kernel_vsyscall`.
    pub(crate) vsyscall_value: u32,
    /// The program headers PT_LOAD and PT_GNU_EH_FRAME.
    pub(crate) load_header: u32,
    pub(crate) eh_frame_header: u32,
    int80: u32,
}

impl Vdso {
    /// Reads the image that lies in a process at AT_SYSINFO_EHDR: one or two pages.
    ///
    /// # Errors
    /// [`BadVdso`]
    pub fn parse(bytes: &[u8]) -> Result<Vdso, BadVdso> {
        let endian = LittleEndian;
        let header = FileHeader32::<LittleEndian>::parse(bytes)?;
        let programs = header.program_headers(endian, bytes)?;
        let program = |kind: elf::ProgramType, name| {
            let found = programs.iter().position(|program| program.p_type(endian) == kind);
            let index = found.ok_or(BadVdso::Missing(name))? as u32;
            Ok::<_, BadVdso>(header.e_phoff.get(endian) + index * u32::from(header.e_phentsize.get(endian)))
        };
        program(PT_DYNAMIC, "PT_DYNAMIC")?;
        let sections = header.sections(endian, bytes)?;
        let section = |name: &'static str| {
            let (_, section) =
                sections.section_by_name(endian, name.as_bytes()).ok_or(BadVdso::Missing(name))?;
            let begin = section.sh_offset(endian);
            if section.sh_addr(endian) != begin {
                return Err(BadVdso::Elf("a section's address is not its offset"));
            }
            let end = begin.checked_add(section.sh_size(endian));
            match end {
                Some(end) if (end as usize) <= bytes.len() => Ok(begin..end),
                _ => Err(BadVdso::Elf("a section lies outside")),
            }
        };
        let text = section(".text")?;
        let dynsym = section(".dynsym")?;
        let symbols = sections.symbols(endian, bytes, SHT_DYNSYM)?;
        let index = symbols
            .iter()
            .position(|symbol| symbol.name(endian, symbols.strings()) == Ok(b"__kernel_vsyscall"))
            .ok_or(BadVdso::Missing("__kernel_vsyscall"))?;
        let vsyscall = symbols.iter().as_slice()[index].st_value(endian);
        if !text.contains(&vsyscall) {
            return Err(BadVdso::Elf("__kernel_vsyscall lies outside its code"));
        }
        let code = &bytes[vsyscall as usize..text.end as usize];
        let int80 = code.windows(2).position(|two| two == [0xcd, 0x80]);
        Ok(Vdso {
            vsyscall,
            eh_frame: section(".eh_frame")?,
            dynstr: section(".dynstr")?,
            vsyscall_value: dynsym.start + (index * size_of::<elf::Sym32<LittleEndian>>()) as u32 + 4,
            load_header: program(PT_LOAD, "PT_LOAD")?,
            eh_frame_header: program(PT_GNU_EH_FRAME, "PT_GNU_EH_FRAME")?,
            int80: vsyscall + int80.ok_or(BadVdso::Missing("int $0x80"))? as u32,
            bytes: bytes.to_vec(),
            text,
            dynsym,
        })
    }

    /// `__kernel_vsyscall`'s offset.
    #[must_use]
    pub const fn vsyscall(&self) -> u32 {
        self.vsyscall
    }

    /// The offset of an `int $0x80`: that of `__kernel_vsyscall`, which the kernel restarts calls by.
    #[must_use]
    pub const fn int80(&self) -> u32 {
        self.int80
    }

    /// Where calls through the vDSO go on, whichever instruction made them: the instruction pointer that
    /// filters see (arch/x86/entry/vdso/vdso32/system_call.S, `int80_landing_pad`).
    #[must_use]
    pub const fn landing_pad(&self) -> u32 {
        self.int80 + 2
    }
}
