//! The stub's unwind tables: DWARF call frame information for i386, from the notes in the assembly.
//!
//! Without them pthread_cancel in a blocking call skips the cleanup handlers silently, C++ exceptions from
//! signal handlers end the program, and a debugger shows no caller.

use crate::code::{Code, Note, SIGNAL_FRAME};

const DW_CFA_ADVANCE_LOC: u8 = 0x40;
const DW_CFA_ADVANCE_LOC1: u8 = 0x02;
const DW_CFA_OFFSET: u8 = 0x80;
const DW_CFA_RESTORE: u8 = 0xc0;
const DW_CFA_REGISTER: u8 = 0x09;
const DW_CFA_REMEMBER_STATE: u8 = 0x0a;
const DW_CFA_RESTORE_STATE: u8 = 0x0b;
const DW_CFA_DEF_CFA: u8 = 0x0c;
const DW_CFA_DEF_CFA_OFFSET: u8 = 0x0e;
/// DWARF's numbers for i386: esp, and the column of the return address.
const ESP: u8 = 4;
const RETURN: u8 = 8;
const EAX: u8 = 0;
/// Where a signal's frame holds the registers of what was interrupted, in bytes from its beginning: those of
/// `struct sigcontext_32` behind the `ucontext_ia32` of `struct rt_sigframe_ia32` (asm/sigframe.h).
const SIGNAL_CONTEXT: [(u8, u8); 9] =
    [(7, 180), (6, 184), (5, 188), (ESP, 192), (3, 196), (2, 200), (1, 204), (EAX, 208), (RETURN, 220)];
/// Addresses are 32-bit signed distances from the field itself: DW_EH_PE_pcrel | DW_EH_PE_sdata4.
const PCREL_SDATA4: u8 = 0x1b;

/// Functions' addresses, each with its description's.
pub(crate) type Described = Vec<(u32, u32)>;

/// One function: its code from offset `begin` to `end`, and the rules along it.
pub(crate) struct Function {
    pub begin: u32,
    pub end: u32,
    /// It returns to what a signal interrupted, and not to behind a call.
    is_signal: bool,
    program: Vec<u8>,
}

/// The functions of the stub.
pub(crate) fn functions(code: &Code) -> Vec<Function> {
    let starts = |note: &Note| matches!(note.op, Note::BEGIN | Note::BEGIN_TRAP | Note::BEGIN_SIGRETURN);
    let begins: Vec<_> = (0..code.notes.len()).filter(|&at| starts(&code.notes[at])).collect();
    let mut functions = Vec::new();
    for (index, &first) in begins.iter().enumerate() {
        let next = begins.get(index + 1).copied().unwrap_or(code.notes.len());
        let begin = u32::from(code.notes[first].at);
        let end = match code.notes.get(next) {
            Some(note) => u32::from(note.at),
            None => code.bytes.len() as u32,
        };
        // The table behind the last function is no code of its own; one that counts begins behind it.
        let end = if begin < code.table { end.min(code.table) } else { end };
        let is_signal = code.notes[first].op == Note::BEGIN_SIGRETURN;
        let program = if is_signal { signal_program() } else { program(&code.notes[first..next]) };
        functions.push(Function { begin, end, is_signal, program });
    }
    functions
}

fn program(notes: &[Note]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut at, mut depth, mut remembered) = (notes[0].at, 4u8, 4u8);
    for note in notes {
        match note.at - at {
            0 => {}
            advance @ 1..0x40 => out.push(DW_CFA_ADVANCE_LOC | advance as u8),
            advance => out.extend([DW_CFA_ADVANCE_LOC1, advance as u8]),
        }
        at = note.at;
        let before = depth;
        match note.op {
            Note::BEGIN => {}
            Note::BEGIN_TRAP => {
                depth = 0;
                out.extend([DW_CFA_REGISTER, RETURN, EAX]);
            }
            Note::SAVED | Note::PUSHED | Note::PUSHED_RETURN => depth += 4,
            Note::RESTORED | Note::POPPED => depth -= 4,
            Note::REMEMBER => {
                remembered = depth;
                out.push(DW_CFA_REMEMBER_STATE);
            }
            _ => {
                depth = remembered;
                out.push(DW_CFA_RESTORE_STATE);
            }
        }
        if depth != before && note.op != Note::RECALL {
            out.extend([DW_CFA_DEF_CFA_OFFSET, depth]);
        }
        // Saved registers are counted in words from the frame's address downwards.
        match note.op {
            Note::SAVED => out.extend([DW_CFA_OFFSET | note.register, depth / 4]),
            Note::PUSHED_RETURN => out.extend([DW_CFA_OFFSET | RETURN, depth / 4]),
            Note::RESTORED => out.push(DW_CFA_RESTORE | note.register),
            _ => {}
        }
    }
    out
}

/// All registers are found in the signal's frame, the stack pointer among them. Words are counted from above
/// the last of them downwards.
fn signal_program() -> Vec<u8> {
    const ABOVE: u8 = 224;
    // As ULEB128, of two bytes.
    let cfa = ABOVE - SIGNAL_FRAME;
    let mut out = vec![DW_CFA_DEF_CFA, ESP, cfa | 0x80, cfa >> 7];
    for (register, at) in SIGNAL_CONTEXT {
        out.extend([DW_CFA_OFFSET | register, (ABOVE - at) / 4]);
    }
    out
}

/// Appends a length, `body`, and padding to a multiple of four.
fn entry(out: &mut Vec<u8>, body: &[u8]) {
    let padded = body.len().next_multiple_of(4);
    out.extend((padded as u32).to_le_bytes());
    out.extend(body);
    out.resize(out.len() + padded - body.len(), 0);
}

/// Appends `functions` to an `.eh_frame` section that will lie at `frame`, whose first byte is `out[0]`;
/// the code lies at `code`. `signal` is the common part for those that lie on a signal's frame; without one they
/// are left out. Answers each function's address and that of its description.
pub(crate) fn append(
    out: &mut Vec<u8>,
    frame: u32,
    code: u32,
    signal: Option<u32>,
    functions: &[Function],
) -> Described {
    let cie = out.len() as u32;
    let mut common = vec![0, 0, 0, 0, 1, b'z', b'R', 0];
    common.extend([1, 0x7c, RETURN]); // code alignment 1, data alignment -4, the return address's column
    common.extend([1, PCREL_SDATA4]);
    common.extend([DW_CFA_DEF_CFA, ESP, 4, DW_CFA_OFFSET | RETURN, 1]);
    entry(out, &common);
    let mut described = Vec::new();
    for function in functions {
        let at = out.len() as u32;
        let begin = code + function.begin;
        let Some(cie) = (if function.is_signal { signal } else { Some(cie) }) else { continue };
        let mut body = (at + 4 - cie).to_le_bytes().to_vec();
        body.extend(begin.wrapping_sub(frame + at + 8).to_le_bytes());
        body.extend((function.end - function.begin).to_le_bytes());
        body.push(0); // no augmentation data
        body.extend(&function.program);
        entry(out, &body);
        described.push((begin, frame + at));
    }
    described
}

/// What [`copy`] answers.
#[derive(Default)]
pub(crate) struct Copied {
    pub bytes: Vec<u8>,
    pub described: Described,
    /// The common part of functions that lie on a signal's frame, from the first byte on.
    pub signal: Option<u32>,
}

/// Copies a kernel's `.eh_frame` that lies at `from` to the front of one at `to`, with the addresses in it
/// re-aimed. None for a form that is not the kernel's.
pub(crate) fn copy(frame: &[u8], from: u32, to: u32) -> Option<Copied> {
    let Copied { bytes: mut out, mut described, mut signal } = Copied::default();
    let word = |at: usize| Some(u32::from_le_bytes(frame.get(at..at + 4)?.try_into().ok()?));
    let mut at = 0;
    while at + 4 <= frame.len() {
        let length = word(at)? as usize;
        if length == 0 {
            break;
        }
        let end = at.checked_add(4 + length)?;
        out.extend(frame.get(at..end)?);
        match word(at + 4)? {
            0 => {
                // Of the common parts, the augmentations that the kernel's have: "zR" and "zRS", whose last
                // data before the rules is the encoding.
                let text = frame.get(at + 9..at + 12)?;
                if !text.starts_with(b"zR") {
                    return None;
                }
                let encoding = if text[2] == b'S' { at + 17 } else { at + 16 };
                if *frame.get(encoding)? != PCREL_SDATA4 {
                    return None;
                }
                if text[2] == b'S' {
                    signal = Some(at as u32);
                }
            }
            _ => {
                let field = at as u32 + 8;
                let begin = word(at + 8)?.wrapping_add(from + field);
                let moved = begin.wrapping_sub(to + field).to_le_bytes();
                out.get_mut(at + 8..at + 12)?.copy_from_slice(&moved);
                described.push((begin, to + at as u32));
            }
        }
        at = end;
    }
    Some(Copied { bytes: out, described, signal })
}

/// An `.eh_frame_hdr` for address `at`: where the frames are, and a sorted table to find one by.
pub(crate) fn header(at: u32, frame: u32, mut described: Described) -> Vec<u8> {
    // Version 1; the pointer is pcrel, the count absolute, the table relative to this header, all 32 bits.
    let mut out = vec![1, PCREL_SDATA4, 0x03, 0x3b];
    out.extend(frame.wrapping_sub(at + 4).to_le_bytes());
    out.extend((described.len() as u32).to_le_bytes());
    described.sort_unstable();
    for (begin, description) in described {
        out.extend(begin.wrapping_sub(at).to_le_bytes());
        out.extend(description.wrapping_sub(at).to_le_bytes());
    }
    out
}
