//! The unwind tables against what the instructions do.

use std::collections::BTreeMap;

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, EhFrame, EhFrameHdr, EndianSlice, FrameDescriptionEntry, LittleEndian,
    Register, RegisterRule, UnwindContext, UnwindSection,
};
use object::elf::{FileHeader32, PT_GNU_EH_FRAME};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use crate::kernel_like::Placed;
use crate::walk::{REGISTERS, Value, states};

type Slice<'a> = EndianSlice<'a, LittleEndian>;
type Entry<'a> = FrameDescriptionEntry<Slice<'a>>;

/// The tables of an image, as an unwinder finds them: from the program header on.
struct Tables<'a> {
    frames: EhFrame<Slice<'a>>,
    bases: BaseAddresses,
    index: gimli::ParsedEhFrameHdr<Slice<'a>>,
}

impl<'a> Tables<'a> {
    fn of(bytes: &'a [u8]) -> Tables<'a> {
        let header = FileHeader32::<object::LittleEndian>::parse(bytes).expect("ELF");
        let endian = object::LittleEndian;
        let headers = header.program_headers(endian, bytes).expect("program headers");
        let index = headers.iter().find(|header| header.p_type(endian) == PT_GNU_EH_FRAME).expect("an index");
        let at = index.p_vaddr(endian);
        let section = &bytes[at as usize..][..index.p_filesz(endian) as usize];
        let bases = BaseAddresses::default().set_eh_frame_hdr(at.into());
        let index = EhFrameHdr::new(section, LittleEndian).parse(&bases, 4).expect("an index");
        let gimli::Pointer::Direct(frames) = index.eh_frame_ptr() else { panic!("an indirect pointer") };
        let bases = bases.set_eh_frame(frames);
        let mut frames = EhFrame::new(&bytes[frames as usize..at as usize], LittleEndian);
        frames.set_address_size(4);
        Tables { frames, bases, index }
    }

    fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries = self.frames.entries(&self.bases);
        let mut found = vec![];
        while let Some(entry) = entries.next().expect("well-formed frames") {
            if let CieOrFde::Fde(partial) = entry {
                found.push(partial.parse(EhFrame::cie_from_offset).expect("a description"));
            }
        }
        found
    }

    /// By the index, as unwinders look.
    fn find(&self, address: u32) -> Entry<'a> {
        let table = self.index.table().expect("a table");
        let found =
            table.fde_for_address(&self.frames, &self.bases, address.into(), EhFrame::cie_from_offset);
        found.unwrap_or_else(|error| panic!("{address:#x}: {error}"))
    }

    /// The frame's depth below its address at each place, and where each register's value is found.
    fn row(&self, entry: &Entry<'a>, address: u32) -> (i64, BTreeMap<u16, RegisterRule<usize>>) {
        let mut context = UnwindContext::new();
        let row = entry
            .unwind_info_for_address(&self.frames, &self.bases, &mut context, address.into())
            .unwrap_or_else(|error| panic!("{address:#x}: {error}"));
        let &CfaRule::RegisterAndOffset { register: Register(4), offset } = row.cfa() else {
            panic!("{address:#x}: {:?}", row.cfa())
        };
        (offset, row.registers().map(|(register, rule)| (register.0, rule.clone())).collect())
    }
}

/// Which value of the caller's the tables find for a register.
fn found(
    rule: Option<&RegisterRule<usize>>,
    register: u16,
    stack: &[Value],
    registers: &[Value; 8],
) -> Value {
    const RETURN_COLUMN: u16 = 8;
    match rule {
        None | Some(RegisterRule::SameValue | RegisterRule::Undefined) if register < RETURN_COLUMN => {
            registers[usize::from(register)]
        }
        Some(RegisterRule::Register(other)) => registers[usize::from(other.0)],
        Some(RegisterRule::Offset(offset)) => {
            // The frame's address is above the first word; words are counted downwards from there.
            let word = usize::try_from(-offset / 4).expect("below the frame") - 1;
            assert_eq!(offset % 4, 0);
            *stack.get(word).expect("a word that was pushed")
        }
        other => panic!("register {register}: {other:?}"),
    }
}

/// At every boundary of two instructions: the frame's depth, the return address and every register that the
/// caller owns are found.
#[test]
fn every_register_is_found_at_every_instruction() {
    for placed in Placed::all(0xf7fc_9000) {
        let tables = Tables::of(&placed.bytes);
        for (address, (instruction, state)) in states(&placed) {
            let what = format!("{}: {address:#x} {instruction:?}", placed.describe());
            let entry = tables.find(address);
            assert!(!entry.is_signal_trampoline(), "{what}");
            let (depth, rules) = tables.row(&entry, address);
            assert_eq!(depth, 4 * state.stack.len() as i64, "{what}");
            let find = |register| found(rules.get(&register), register, &state.stack, &state.registers);
            assert_eq!(find(8), Value::Return, "{what}");
            // eax is the result's; esp is the frame's address.
            for register in [1, 2, 3, 5, 6, 7] {
                let name = REGISTERS[usize::from(register)];
                assert_eq!(find(register), Value::Callers(register.into()), "{what}: {name:?}");
            }
        }
    }
}

#[test]
fn the_index_is_sorted_and_leads_to_what_covers_the_address() {
    for placed in Placed::all(0x1234_5000) {
        let what = placed.describe();
        let tables = Tables::of(&placed.bytes);
        let entries = tables.entries();
        let table = tables.index.table().expect("a table");
        let mut rows = table.iter(&tables.bases);
        let mut addresses = vec![];
        while let Some((gimli::Pointer::Direct(from), gimli::Pointer::Direct(_))) =
            rows.next().expect("a row")
        {
            addresses.push(u32::try_from(from).expect("an address in the image"));
        }
        assert!(addresses.is_sorted_by(|a, b| a < b), "{what}: {addresses:x?}");
        assert_eq!(addresses.len(), entries.len(), "{what}: each function is in the index");
        for entry in &entries {
            let (begin, end) = (entry.initial_address() as u32, entry.end_address() as u32);
            assert!(begin < end && end as usize <= placed.bytes.len(), "{what}: {begin:#x}..{end:#x}");
            for address in [begin, begin + (end - begin) / 2, end - 1] {
                let found = tables.find(address);
                assert_eq!(found.offset(), entry.offset(), "{what}: {address:#x}");
            }
        }
        // No two describe the same code.
        let mut covered: Vec<_> =
            entries.iter().map(|entry| (entry.initial_address(), entry.end_address())).collect();
        covered.sort_unstable();
        assert!(covered.windows(2).all(|two| two[0].1 <= two[1].0), "{what}: {covered:x?}");
    }
}

/// What the tables say of the kernel's functions is what the kernel's say.
#[test]
fn the_kernels_functions_are_described_as_they_were() {
    for placed in Placed::all(0xf7fc_9000) {
        let kernel = placed.kernel;
        // Some kernels' frames end where their code begins, without a terminator.
        let frames = kernel.frames.start as usize..kernel.frames.end as usize;
        let mut before = EhFrame::new(&kernel.bytes[frames], LittleEndian);
        before.set_address_size(4);
        let bases = BaseAddresses::default().set_eh_frame(kernel.frames.start.into());
        let after = Tables::of(&placed.bytes);
        let mut entries = before.entries(&bases);
        let mut compared = 0;
        while let Some(entry) = entries.next().expect("the kernel's frames") {
            let CieOrFde::Fde(partial) = entry else { continue };
            let old = partial.parse(EhFrame::cie_from_offset).expect("a description");
            let begin = old.initial_address() as u32 + placed.distance;
            let new = after.find(begin);
            assert_eq!(new.initial_address(), begin.into());
            assert_eq!(new.len(), old.len());
            assert_eq!(new.is_signal_trampoline(), old.is_signal_trampoline());
            assert_eq!(new.cie().augmentation(), old.cie().augmentation());
            let rules = |entry: &Entry, frames: &EhFrame<Slice>, bases: &BaseAddresses| {
                let mut all = vec![];
                for instructions in
                    [entry.cie().instructions(frames, bases), entry.instructions(frames, bases)]
                {
                    let mut instructions = instructions;
                    while let Some(instruction) = instructions.next().expect("rules") {
                        all.push(format!("{instruction:?}"));
                    }
                }
                all
            };
            let [old, new] = [rules(&old, &before, &bases), rules(&new, &after.frames, &after.bases)];
            // Expressions name their place in the section; what they compute is compared by the machine's tests.
            let plain = |rules: &[String]| {
                rules
                    .iter()
                    .map(|rule| rule.split("offset: UnwindOffset").next().unwrap_or(rule).to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(plain(&new), plain(&old));
            compared += 1;
        }
        assert!(compared >= 2, "{}: the kernel describes its functions", placed.describe());
    }
}

/// The handler's way back lies on a signal's frame, and so does the kernel's: both find the same registers there.
#[test]
fn the_way_back_from_the_handler_is_described_as_the_kernels() {
    /// The kernel's own comes after the handler's `ret`, which has taken a word off the frame. The stub's pushes
    /// four words below that (`__kernel_vsyscall`, and the call to it).
    const BELOW: i64 = 16;
    for placed in Placed::all(0xf7fc_9000) {
        let what = placed.describe();
        let tables = Tables::of(&placed.bytes);
        let labels = placed.image.labels();
        let entries = tables.entries();
        let text = &placed.kernel.text;
        let kernels = u64::from(placed.distance + text.start)..u64::from(placed.distance + text.end);
        let is_ours =
            |entry: &&Entry| entry.is_signal_trampoline() && !kernels.contains(&entry.initial_address());
        let mut ours = entries.iter().filter(is_ours);
        if labels.boot.is_none() {
            assert!(ours.next().is_none(), "{what}: no handler");
            continue;
        }
        let back = ours.next().expect("the way back");
        let (cfa, rules) = tables.row(back, back.initial_address() as u32);
        let place = |register| match rules.get(&register) {
            Some(RegisterRule::Offset(offset)) => cfa + offset,
            other => panic!("{what}: register {register}: {other:?}"),
        };
        let is_the_kernels = |(name, ..): &&(String, u32, u32)| name == "__kernel_rt_sigreturn";
        let (_, kernels, _) =
            placed.kernel.functions.iter().find(is_the_kernels).expect("the kernel's trampoline");
        let kernels = tables.find(placed.distance + kernels);
        assert!(kernels.is_signal_trampoline(), "{what}");
        let mut context = UnwindContext::new();
        let row = kernels.unwind_info_for_address(
            &tables.frames,
            &tables.bases,
            &mut context,
            kernels.initial_address(),
        );
        let row = row.expect("the kernel's rules");
        // esp and a distance; behind that, of the frame's address, what lies there.
        let distance = |expression: &gimli::UnwindExpression<usize>| {
            let expression = expression.get(&tables.frames).expect("an expression");
            let mut operations = expression.operations(kernels.cie().encoding());
            match operations.next().expect("an operation") {
                Some(gimli::Operation::RegisterOffset { register: Register(4), offset, .. }) => offset,
                other => panic!("{what}: {other:?}"),
            }
        };
        let CfaRule::Expression(esp) = row.cfa() else { panic!("{what}: {:?}", row.cfa()) };
        assert_eq!(place(4), distance(esp) - BELOW, "{what}: esp");
        let mut compared = 0;
        for (register, rule) in row.registers() {
            let RegisterRule::Expression(expression) = rule else { panic!("{what}: {rule:?}") };
            assert_eq!(place(register.0), distance(expression) - BELOW, "{what}: register {}", register.0);
            compared += 1;
        }
        assert_eq!(compared, 8, "{what}: all but esp");
    }
}

/// The section header of the frames is about the same bytes as the index.
#[test]
fn debuggers_and_unwinders_find_the_same_frames() {
    for placed in Placed::all(0xf7fc_9000) {
        let endian = object::LittleEndian;
        let header = FileHeader32::<object::LittleEndian>::parse(&placed.bytes[..]).expect("ELF");
        let sections = header.sections(endian, &placed.bytes[..]).expect("sections");
        let (_, section) = sections.section_by_name(endian, b".eh_frame").expect("frames");
        let tables = Tables::of(&placed.bytes);
        let gimli::Pointer::Direct(frames) = tables.index.eh_frame_ptr() else {
            panic!("an indirect pointer")
        };
        assert_eq!(u64::from(section.sh_addr(endian)), frames, "{}", placed.describe());
        let all = section.data(endian, &placed.bytes[..]).expect("its bytes");
        assert_eq!(all[all.len() - 4..], [0; 4], "{}: a zero ends the frames", placed.describe());
    }
}
