//! Arguments as 32-bit words: in a 32-bit process pointers are that already; in a 64-bit one memory above 4 GiB
//! is copied below it for the time of the call.

use abi::Errno;

use crate::way::Argument;

/// Makes a call with the arguments as words.
#[cfg(target_arch = "x86")]
pub(crate) fn with_words(
    arguments: &mut [Argument<'_>],
    call: impl FnOnce(&[u32]) -> Result<u32, Errno>,
) -> Result<u32, Errno> {
    let mut words = [0; 6];
    let words = &mut words[..arguments.len()];
    for (word, argument) in words.iter_mut().zip(arguments) {
        *word = match argument {
            Argument::Word(word) => *word,
            Argument::Read(bytes) => bytes.as_ptr().expose_provenance() as u32,
            Argument::Fill(bytes) | Argument::Update(bytes) => bytes.as_mut_ptr().expose_provenance() as u32,
        };
    }
    call(words)
}

/// Makes a call with the arguments as words.
#[cfg(target_arch = "x86_64")]
pub(crate) fn with_words(
    arguments: &mut [Argument<'_>],
    call: impl FnOnce(&[u32]) -> Result<u32, Errno>,
) -> Result<u32, Errno> {
    let needed: usize = arguments.iter().map(|argument| room(argument.bytes())).sum();
    let mut region = if needed > 0 { Some(Region::new(needed)?) } else { None };
    let base = region.as_ref().map_or(0, Region::address);
    let copies = region.as_mut().map_or(&mut [][..], Region::bytes);

    let mut words = [0; 6];
    let words = &mut words[..arguments.len()];
    let mut at = 0;
    for (word, argument) in words.iter_mut().zip(&*arguments) {
        let bytes = argument.bytes();
        *word = match argument {
            Argument::Word(word) => *word,
            _ if room(bytes) == 0 => bytes.as_ptr().expose_provenance() as u32,
            _ => base + at as u32,
        };
        // What the kernel only fills need not be copied first: the mapping is zeroed.
        if room(bytes) > 0 && !matches!(argument, Argument::Fill(_)) {
            copies[at..][..bytes.len()].copy_from_slice(bytes);
        }
        at += room(bytes);
    }

    let result = call(words);

    let mut at = 0;
    for argument in arguments {
        let room = room(argument.bytes());
        let copy = &copies[at..][..room];
        match argument {
            Argument::Fill(bytes) if room > 0 => {
                // With MSG_TRUNC the result is the datagram's length, which may be more than there was room for.
                let filled = result.map_or(0, |len| bytes.len().min(len as usize));
                bytes[..filled].copy_from_slice(&copy[..filled]);
            }
            Argument::Update(bytes) if room > 0 => bytes.copy_from_slice(&copy[..bytes.len()]),
            _ => {}
        }
        at += room;
    }
    result
}

#[cfg(target_arch = "x86_64")]
use crate::low::Region;

/// How many bytes below 4 GiB a buffer needs: none where it lies there already.
#[cfg(target_arch = "x86_64")]
fn room(bytes: &[u8]) -> usize {
    let end = bytes.as_ptr().addr() + bytes.len();
    if end <= 1 << 32 { 0 } else { bytes.len().next_multiple_of(16) }
}
