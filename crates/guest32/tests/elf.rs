//! The images as a reader of ELF files sees them. Runs on any machine.

use guest32::{Entry, Guest, Program};
use object::LittleEndian;
use object::elf::{EM_386, ET_EXEC, FileHeader32, PF_R, PF_W, PF_X, PT_GNU_STACK, PT_LOAD, ProgramHeader32};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use std::ops::Range;

type Segment = ProgramHeader32<LittleEndian>;

const LE: LittleEndian = LittleEndian;
const PAGE: u32 = 4096;

fn header(image: &[u8]) -> &FileHeader32<LittleEndian> {
    FileHeader32::parse(image).expect("an ELF32 header")
}

fn segments(image: &[u8]) -> &[Segment] {
    header(image).program_headers(LE, image).expect("program headers")
}

/// The segment that holds the code.
fn code(image: &[u8]) -> &Segment {
    segments(image).iter().find(|segment| segment.p_flags(LE).0 & PF_X.0 != 0).expect("a code segment")
}

/// The addresses that a segment covers in memory, whole pages.
fn pages(segment: &Segment) -> Range<u32> {
    let (start, len) = (segment.p_vaddr(LE), segment.p_memsz(LE));
    start / PAGE * PAGE..(start + len).next_multiple_of(PAGE)
}

#[test]
fn every_guest_is_a_static_i386_executable() {
    for guest in Guest::ALL {
        let image = guest.image();
        let header = header(&image);
        assert_eq!(header.e_machine(LE), EM_386, "{guest}");
        assert_eq!(header.e_type(LE), ET_EXEC, "{guest}");
        assert_eq!(header.e_entry(LE), guest.start(), "{guest}");
        let types: Vec<_> = segments(&image).iter().map(|segment| segment.p_type(LE)).collect();
        assert_eq!(types, [PT_LOAD, PT_LOAD, PT_GNU_STACK], "{guest}: no interpreter, nothing dynamic");
    }
}

#[test]
fn nothing_is_writable_and_executable() {
    for guest in Guest::ALL {
        let image = guest.image();
        let segments = segments(&image);
        let rights: Vec<_> = segments.iter().map(|segment| segment.p_flags(LE)).collect();
        assert_eq!(rights, [PF_R | PF_X, PF_R | PF_W, PF_R | PF_W], "{guest}");
        let (code, variables) = (pages(&segments[0]), pages(&segments[1]));
        assert!(code.end <= variables.start, "{guest}: {code:x?} and {variables:x?} share a page");
        assert!(!variables.is_empty(), "{guest}");
    }
}

#[test]
fn segments_lie_in_the_file_at_their_place_in_a_page() {
    for guest in Guest::ALL {
        let image = guest.image();
        for segment in segments(&image).iter().filter(|segment| segment.p_type(LE) == PT_LOAD) {
            assert_eq!(segment.p_vaddr(LE) % PAGE, segment.p_offset(LE) % PAGE, "{guest}");
            assert!(segment.p_offset(LE) + segment.p_filesz(LE) <= image.len() as u32, "{guest}");
        }
        assert!(pages(code(&image)).contains(&guest.start()), "{guest}");
    }
}

#[test]
fn sections_name_the_code_for_a_disassembler() {
    for guest in Guest::ALL {
        let image = guest.image();
        let header = header(&image);
        let sections = header.sections(LE, &*image).expect("a section table");
        let (_, text) = sections.section_by_name(LE, b".text").expect("a .text");
        let bytes = text.data(LE, &*image).expect("its bytes");
        let start = (guest.start() - text.sh_addr(LE)) as usize;
        assert!(start < bytes.len(), "{guest}");
        let (_, strings) = sections.section_by_name(LE, b".rodata").expect("a .rodata");
        assert_eq!(strings.sh_addr(LE), text.sh_addr(LE) + text.sh_size(LE), "{guest}");
        let (_, variables) = sections.section_by_name(LE, b".bss").expect("a .bss");
        assert_eq!(variables.sh_size(LE), segments(&image)[1].p_memsz(LE), "{guest}");
    }
}

#[test]
fn kernel_entries_are_the_entry_s_instructions() {
    for guest in Guest::ALL {
        let image = guest.image();
        let segment = code(&image);
        let instructions: Vec<&[u8]> = guest
            .kernel_entries()
            .iter()
            .map(|address| &image[(address - segment.p_vaddr(LE) + segment.p_offset(LE)) as usize..])
            .collect();
        assert!(instructions.len() >= 2, "{guest}: at least a call and an exit");
        for instruction in instructions {
            match guest.entry {
                Entry::Int80 => assert_eq!(instruction[..2], [0xcd, 0x80], "{guest}: int $0x80"),
                Entry::Vdso => assert_eq!(instruction[..2], [0xff, 0x15], "{guest}: call *address"),
            }
        }
    }
}

#[test]
fn the_article_enters_the_kernel_three_times() {
    for entry in Entry::ALL {
        let article = Guest { program: Program::Article, entry };
        assert_eq!(article.kernel_entries().len(), 3, "socketcall, close, exit");
        assert!(article.kernel_entries().is_sorted());
    }
}

#[test]
fn names_find_their_guests() {
    for guest in Guest::ALL {
        assert_eq!(Guest::from_name(&guest.name()), Some(guest));
        assert_eq!(guest.name(), format!("{}-{}", guest.program.name(), guest.entry.name()));
    }
    assert_eq!(Guest::from_name("article"), None);
    assert_eq!(Guest::ALL.len(), Program::ALL.len() * Entry::ALL.len());
}
