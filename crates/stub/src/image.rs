//! The vDSO with the stub in it: rewritten in place, or an image of our own in front of it.

use core::mem::offset_of;
use core::ops::Range;

use object::LittleEndian;
use object::elf::{FileHeader32, ProgramHeader32, SHF_ALLOC, SHF_EXECINSTR, SHN_ABS, SHN_UNDEF};
use object::elf::{SHT_DYNSYM, SHT_PROGBITS, SHT_STRTAB, SectionHeader32, Sym32};

use crate::code::{Code, Kind, Labels, Variant};
use crate::unwind;
use crate::vdso::{SIZE, Vdso};

/// The stub does not fit where it was to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stub needs {needed} bytes beside the kernel's 32-bit vDSO, and {there} are free")]
pub struct NoRoom {
    /// Bytes that the stub and its tables need.
    pub needed: usize,
    /// Bytes that are free.
    pub there: usize,
}

/// Where the stub is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the kernel's vDSO, from the end of its code.
    InVdso,
    /// In a page of our own this many bytes in front of the kernel's vDSO: an ELF image that spans both.
    /// AT_SYSINFO_EHDR must point at it. For kernels whose vDSO has no room.
    InFront(u32),
}

/// The size of an image in front, in bytes: a page, which is to be mapped readable and executable.
pub const FRONT_SIZE: usize = 4096;

/// Bytes to be written to a process, at an offset from the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// From the image's first byte.
    pub offset: u32,
    /// What is to stand there.
    pub bytes: Vec<u8>,
}

/// A vDSO with the stub in it, for every process of the kernel that it was made for. Its first byte is the
/// vDSO's, or that of the page in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    bytes: Vec<u8>,
    /// What differs from the kernel's.
    changed: Vec<Range<usize>>,
    /// The 32-bit fields that depend on the process.
    relocations: Vec<(u32, Kind)>,
    labels: Labels,
}

impl Image {
    /// What to write into a process where the image lies at `base`. Of use in some variants only: the calls of
    /// the stub and the direct ones are counted at `counters`, two 32-bit words; the program starts at `start`.
    #[must_use]
    pub fn writes(&self, base: u32, counters: u32, start: u32) -> Vec<Write> {
        let mut bytes = self.bytes.clone();
        for &(at, kind) in &self.relocations {
            let field = &mut bytes[at as usize..at as usize + 4];
            let value = match kind {
                Kind::Counter(index) => counters.wrapping_add(4 * index),
                Kind::Start => start.wrapping_sub(base.wrapping_add(at + 4)),
                _ => base.wrapping_add(u32::from_le_bytes(field.try_into().expect("four bytes"))),
            };
            field.copy_from_slice(&value.to_le_bytes());
        }
        let write =
            |range: &Range<usize>| Write { offset: range.start as u32, bytes: bytes[range.clone()].to_vec() };
        self.changed.iter().map(write).collect()
    }

    /// Places in the stub, as offsets from the image's first byte.
    #[must_use]
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }
}

impl Vdso {
    /// Puts the stub where `place` says.
    ///
    /// # Errors
    /// [`NoRoom`]
    pub fn place(&self, place: Place, variant: Variant) -> Result<Image, NoRoom> {
        let code = Code::new(variant);
        // Tables for debuggers are left out rather than the stub.
        self.place_code(place, &code, true).or_else(|_| self.place_code(place, &code, false))
    }

    fn place_code(&self, place: Place, code: &Code, with_sections: bool) -> Result<Image, NoRoom> {
        // What stays as it is; from there to the end the image is built anew. What the kernel's image says of
        // itself lies in front of its code, and holds for the page in front too, with addresses moved.
        let (kept, end, kernel) = match place {
            Place::InVdso => (self.text.end, self.bytes.len().min(SIZE), 0),
            Place::InFront(distance) => (self.text.start, FRONT_SIZE, distance),
        };
        let begin = kept.next_multiple_of(16);
        let there = end.saturating_sub(begin as usize);
        let described_before = [&self.dynsym, &self.dynstr].iter().all(|range| range.end <= begin);
        if there == 0 || !described_before || self.bytes.len() < kept as usize {
            return Err(NoRoom { needed: code.bytes.len(), there: 0 });
        }
        let mut out = self.bytes[..kept as usize].to_vec();
        out.resize(begin as usize, 0);

        out.extend(&code.bytes);
        let mut relocations = Vec::new();
        for relocation in &code.relocations {
            let at = begin + u32::from(relocation.at);
            match relocation.kind {
                Kind::ToVsyscall => put(&mut out, at, (kernel + self.vsyscall).wrapping_sub(at + 4)),
                Kind::Value(value) => put(&mut out, at, value),
                Kind::Base => {
                    let inside = get(&out, at);
                    put(&mut out, at, begin + inside);
                    relocations.push((at, relocation.kind));
                }
                Kind::Counter(_) | Kind::Start => relocations.push((at, relocation.kind)),
            }
        }

        // One .eh_frame for the kernel's functions and the stub's. If the kernel's is of a form that is not
        // known, it stays where it is without an index.
        let frame = align(&mut out);
        let kernels = &self.bytes[self.eh_frame.start as usize..self.eh_frame.end as usize];
        let copied = unwind::copy(kernels, kernel + self.eh_frame.start, frame);
        let moved = copied.is_some() && kernel == 0;
        let unwind::Copied { bytes: mut frames, mut described, signal } = copied.unwrap_or_default();
        described.extend(unwind::append(&mut frames, frame, begin, signal, &unwind::functions(code)));
        frames.extend([0; 4]);
        out.extend(frames);
        let header = align(&mut out);
        out.extend(unwind::header(header, frame, described));
        self.point_headers(&mut out, header, kernel + self.bytes.len() as u32);
        self.point_symbols(&mut out, kernel, begin + code.labels.entry);
        // The kernel's section table is overwritten.
        point_sections(&mut out, 0, 0, 0);
        if with_sections {
            let text = if kernel == 0 { self.text.start } else { begin };
            // Nobody looks at the kernel's frames any more where they were.
            let free =
                if moved && self.eh_frame.end <= self.text.start { self.eh_frame.clone() } else { 0..0 };
            self.add_sections(&mut out, text..frame, frame..header, free);
        }

        let needed = out.len() - begin as usize;
        if needed > there {
            return Err(NoRoom { needed, there });
        }
        // What is left of the kernel's section headers there is no longer true.
        out.resize(begin as usize + there, 0);
        let shift = |offset: u32| begin + offset;
        let labels = Labels {
            entry: shift(code.labels.entry),
            trap_entry: shift(code.labels.trap_entry),
            faults: code.labels.faults.iter().map(|fault| shift(fault.start)..shift(fault.end)).collect(),
            efault: shift(code.labels.efault),
            boot: code.labels.boot.map(shift),
        };
        let changed = match place {
            Place::InVdso => {
                let mut changed = changed(&self.bytes[..begin as usize], &out);
                changed.push(begin as usize..out.len());
                changed
            }
            Place::InFront(_) => std::iter::once(0..out.len()).collect(),
        };
        Ok(Image { changed, bytes: out, relocations, labels })
    }

    /// PT_LOAD covers `all` bytes, and PT_GNU_EH_FRAME is the header from `header` to the end.
    fn point_headers(&self, out: &mut [u8], header: u32, all: u32) {
        type Program = ProgramHeader32<LittleEndian>;
        let size = out.len() as u32 - header;
        for field in [offset_of!(Program, p_filesz), offset_of!(Program, p_memsz)] {
            put(out, self.load_header + field as u32, all);
            put(out, self.eh_frame_header + field as u32, size);
        }
        for field in
            [offset_of!(Program, p_offset), offset_of!(Program, p_vaddr), offset_of!(Program, p_paddr)]
        {
            put(out, self.eh_frame_header + field as u32, header);
        }
    }

    /// The symbol `__kernel_vsyscall` is the stub's entry; all others are the kernel's code, `kernel` bytes on.
    fn point_symbols(&self, out: &mut [u8], kernel: u32, entry: u32) {
        type Symbol = Sym32<LittleEndian>;
        for symbol in self.dynsym.clone().step_by(size_of::<Symbol>()) {
            let value = symbol + offset_of!(Symbol, st_value) as u32;
            let section = symbol as usize + offset_of!(Symbol, st_shndx);
            let section = u16::from_le_bytes([out[section], out[section + 1]]);
            if value == self.vsyscall_value {
                put(out, value, entry);
            } else if section != SHN_UNDEF.0 && section != SHN_ABS.0 {
                let there = get(out, value);
                put(out, value, kernel + there);
            }
        }
    }

    /// Adds the section table that debuggers read, and points the ELF header at it: code, frames, dynamic
    /// symbols. It goes where the image is `free`, if there is room, and else to the end.
    fn add_sections(&self, out: &mut Vec<u8>, text: Range<u32>, frames: Range<u32>, free: Range<u32>) {
        const NAMES: &[u8] = b"\0.text\0.eh_frame\0.shstrtab\0.dynsym\0.dynstr\0";
        const DYNSTR: u32 = 5;
        const SHSTRTAB: u16 = 3;
        let names = align(out);
        out.extend(NAMES);
        let code = SHF_ALLOC.0 | SHF_EXECINSTR.0;
        let names = names..names + NAMES.len() as u32;
        // Name, type, flags, place, link, info, alignment, size of an entry (ELF, "Section header").
        let rows = [
            (1, SHT_PROGBITS.0, code, text, 0, 0, 16, 0),
            (7, SHT_PROGBITS.0, SHF_ALLOC.0, frames, 0, 0, 4, 0),
            (17, SHT_STRTAB.0, 0, names, 0, 0, 1, 0),
            (27, SHT_DYNSYM.0, SHF_ALLOC.0, self.dynsym.clone(), DYNSTR, 1, 4, 16),
            (35, SHT_STRTAB.0, SHF_ALLOC.0, self.dynstr.clone(), 0, 0, 1, 0),
        ];
        let count = rows.len() as u16 + 1;
        let mut table = vec![0; size_of::<SectionHeader32<LittleEndian>>()];
        for (name, kind, flags, place, link, info, alignment, entry) in rows {
            let size = place.end - place.start;
            let words =
                [name, kind, flags as u32, place.start, place.start, size, link, info, alignment, entry];
            table.extend(words.map(u32::to_le_bytes).concat());
        }
        let at = if table.len() <= free.len() { free.start } else { align(out) };
        out.resize(out.len().max(at as usize + table.len()), 0);
        out[at as usize..][..table.len()].copy_from_slice(&table);
        point_sections(out, at, count, SHSTRTAB);
    }
}

/// Where the section table is, how many entries it has, and which of them holds the names.
fn point_sections(out: &mut [u8], table: u32, count: u16, names: u16) {
    type Header = FileHeader32<LittleEndian>;
    put(out, offset_of!(Header, e_shoff) as u32, table);
    for (field, value) in [(offset_of!(Header, e_shnum), count), (offset_of!(Header, e_shstrndx), names)] {
        out[field..field + 2].copy_from_slice(&value.to_le_bytes());
    }
}

/// Pads to a word; answers the offset that comes next.
fn align(out: &mut Vec<u8>) -> u32 {
    out.resize(out.len().next_multiple_of(4), 0);
    out.len() as u32
}

fn put(out: &mut [u8], at: u32, value: u32) {
    out[at as usize..at as usize + 4].copy_from_slice(&value.to_le_bytes());
}

fn get(out: &[u8], at: u32) -> u32 {
    u32::from_le_bytes(out[at as usize..at as usize + 4].try_into().expect("four bytes"))
}

/// Where `new` differs from `old`, in runs of whole 8-byte words (what a tracer writes at once); runs that
/// lie close together are one.
fn changed(old: &[u8], new: &[u8]) -> Vec<Range<usize>> {
    const WORD: usize = 8;
    const CLOSE: usize = 8 * WORD;
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in (0..old.len()).step_by(WORD) {
        let word = at..(at + WORD).min(old.len());
        if old[word.clone()] == new[word.clone()] {
            continue;
        }
        match runs.last_mut() {
            Some(run) if word.start - run.end < CLOSE => run.end = word.end,
            _ => runs.push(word),
        }
    }
    runs
}
