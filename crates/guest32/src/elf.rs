//! Writes an ELF32 executable around an [`Image`]: System V ABI, chapter 4, and its Intel386 supplement.
//!
//! Two segments and no more than the kernel's loader needs, besides a small section table for `objdump -d`
//! and debuggers, which know code by sections only:
//!
//! | address | rights | what |
//! |---|---|---|
//! | 0x0804_8000 | read, execute | the headers, the code, the strings: as in the file |
//! | 0x0805_8000 | read, write | zeroed variables: not in the file |
//! | - | read, write | PT_GNU_STACK: the stack is not executable |

use crate::images::Image;

/// Where the file's first byte is loaded: i386's customary address.
const BASE: u32 = 0x0804_8000;
/// The ELF header, three program headers, and filler up to a multiple of 16.
const HEADERS_LEN: u32 = (EHDR_LEN + 3 * PHDR_LEN).next_multiple_of(16);
/// Where the code is loaded.
pub(crate) const TEXT_ADDRESS: u32 = BASE + HEADERS_LEN;
/// Where the variables are: on pages of their own.
pub(crate) const DATA_ADDRESS: u32 = BASE + 0x1_0000;

const PAGE: u32 = 4096;
const EHDR_LEN: u32 = 52;
const PHDR_LEN: u32 = 32;
const SHDR_LEN: u32 = 40;

const PT_LOAD: u32 = 1;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PF_X: u32 = 1;
const PF_W: u32 = 2;
const PF_R: u32 = 4;

const SHT_PROGBITS: u32 = 1;
const SHT_STRTAB: u32 = 3;
const SHT_NOBITS: u32 = 8;
const SHF_WRITE: u32 = 1;
const SHF_ALLOC: u32 = 2;
const SHF_EXECINSTR: u32 = 4;

/// The sections' names; a section names itself by its offset in here.
const NAMES: &[u8] = b"\0.text\0.rodata\0.bss\0.shstrtab\0";

/// The executable file.
pub(crate) fn executable(image: &Image) -> Vec<u8> {
    let text_len = image.text.len() as u32;
    let code_len = image.code_len as u32;
    let loaded_len = HEADERS_LEN + text_len;
    assert!(BASE + loaded_len <= DATA_ADDRESS, "the code reaches into the variables' pages");

    let names_offset = loaded_len;
    let sections_offset = (names_offset + NAMES.len() as u32).next_multiple_of(4);
    let sections = [
        Section::default(),
        Section {
            name: ".text",
            kind: SHT_PROGBITS,
            flags: SHF_ALLOC | SHF_EXECINSTR,
            address: TEXT_ADDRESS,
            offset: HEADERS_LEN,
            len: code_len,
        },
        Section {
            name: ".rodata",
            kind: SHT_PROGBITS,
            flags: SHF_ALLOC,
            address: TEXT_ADDRESS + code_len,
            offset: HEADERS_LEN + code_len,
            len: text_len - code_len,
        },
        Section {
            name: ".bss",
            kind: SHT_NOBITS,
            flags: SHF_ALLOC | SHF_WRITE,
            address: DATA_ADDRESS,
            offset: names_offset,
            len: image.bss_len,
        },
        Section {
            name: ".shstrtab",
            kind: SHT_STRTAB,
            flags: 0,
            address: 0,
            offset: names_offset,
            len: NAMES.len() as u32,
        },
    ];
    let segments = [
        // A file's page is mapped at a page: offset and address are the same modulo a page.
        [PT_LOAD, 0, BASE, BASE, loaded_len, loaded_len, PF_R | PF_X, PAGE],
        [PT_LOAD, 0, DATA_ADDRESS, DATA_ADDRESS, 0, image.bss_len, PF_R | PF_W, PAGE],
        [PT_GNU_STACK, 0, 0, 0, 0, 0, PF_R | PF_W, 16],
    ];

    let mut file = Vec::with_capacity(sections_offset as usize + sections.len() * SHDR_LEN as usize);
    // e_ident: 32-bit, little-endian, version 1, System V.
    file.extend(b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0");
    // e_type ET_EXEC, e_machine EM_386
    halves(&mut file, &[2, 3]);
    // e_version, e_entry, e_phoff, e_shoff, e_flags
    words(&mut file, &[1, TEXT_ADDRESS + image.start, EHDR_LEN, sections_offset, 0]);
    // e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx
    halves(&mut file, &[EHDR_LEN, PHDR_LEN, segments.len() as u32, SHDR_LEN, sections.len() as u32]);
    halves(&mut file, &[sections.len() as u32 - 1]);
    for segment in &segments {
        words(&mut file, segment);
    }
    file.resize(HEADERS_LEN as usize, 0);
    file.extend(image.text);
    file.extend(NAMES);
    file.resize(sections_offset as usize, 0);
    for section in &sections {
        section.write(&mut file);
    }
    file
}

/// What differs between the sections here.
#[derive(Default)]
struct Section {
    name: &'static str,
    kind: u32,
    flags: u32,
    address: u32,
    offset: u32,
    len: u32,
}

impl Section {
    fn write(&self, file: &mut Vec<u8>) {
        let name = NAMES
            .windows(self.name.len() + 1)
            .position(|at| at.strip_suffix(&[0]) == Some(self.name.as_bytes()))
            .expect("every section's name is in NAMES");
        // sh_link and sh_info are 0; sh_addralign; sh_entsize is 0.
        let Section { kind, flags, address, offset, len, .. } = *self;
        words(file, &[name as u32, kind, flags, address, offset, len, 0, 0, 1, 0]);
    }
}

fn words(file: &mut Vec<u8>, words: &[u32]) {
    file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

/// Fields of 16 bits.
fn halves(file: &mut Vec<u8>, halves: &[u32]) {
    for half in halves {
        let half = u16::try_from(*half).expect("ELF's 16-bit fields are small numbers here");
        file.extend(half.to_le_bytes());
    }
}
