//! demux over memories that record what is read of them.

use std::cell::RefCell;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::{Direct, Fault, Memory, demux};
use crate::{Call, Errno};

/// Readable bytes at one place; everything else faults. Records each access as (address, words).
struct Recorded {
    start: u32,
    bytes: Vec<u8>,
    accesses: RefCell<Vec<(u32, usize)>>,
}

impl Recorded {
    fn new(start: u32, words: &[u32]) -> Self {
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self { start, bytes, accesses: RefCell::default() }
    }

    fn accesses(&self) -> Vec<(u32, usize)> {
        self.accesses.borrow().clone()
    }
}

impl Memory for Recorded {
    fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault> {
        self.accesses.borrow_mut().push((address, words.len()));
        let start = address.checked_sub(self.start).ok_or(Fault)? as usize;
        let bytes = self.bytes.get(start..start + 4 * words.len()).ok_or(Fault)?;
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_le_bytes(bytes.try_into().unwrap());
        }
        Ok(())
    }
}

/// A memory that would answer anything with ones, for tests in which nothing may be read.
struct Forbidden;

impl Memory for Forbidden {
    fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault> {
        panic!("{} words read at {address:#x}", words.len());
    }
}

const PAGE: u32 = 0x1000;
const WORDS: [u32; 6] = [11, 12, 13, 14, 15, 16];

/// What the direct call must be, written down from `net/socket.c` and not from the table.
fn expected(call: Call, words: [u32; 6]) -> Direct {
    let [a, b, c, d, e, f] = words;
    let (number, args) = match call {
        Call::Socket => (359, [a, b, c, 0, 0, 0]),
        Call::Bind => (361, [a, b, c, 0, 0, 0]),
        Call::Connect => (362, [a, b, c, 0, 0, 0]),
        Call::Listen => (363, [a, b, 0, 0, 0, 0]),
        Call::Accept => (364, [a, b, c, 0, 0, 0]),
        Call::Getsockname => (367, [a, b, c, 0, 0, 0]),
        Call::Getpeername => (368, [a, b, c, 0, 0, 0]),
        Call::Socketpair => (360, [a, b, c, d, 0, 0]),
        Call::Send => (369, [a, b, c, d, 0, 0]),
        Call::Recv => (371, [a, b, c, d, 0, 0]),
        Call::Sendto => (369, [a, b, c, d, e, f]),
        Call::Recvfrom => (371, [a, b, c, d, e, f]),
        Call::Shutdown => (373, [a, b, 0, 0, 0, 0]),
        Call::Setsockopt => (366, [a, b, c, d, e, 0]),
        Call::Getsockopt => (365, [a, b, c, d, e, 0]),
        Call::Sendmsg => (370, [a, b, c, 0, 0, 0]),
        Call::Recvmsg => (372, [a, b, c, 0, 0, 0]),
        Call::Accept4 => (364, [a, b, c, d, 0, 0]),
        Call::Recvmmsg => (337, [a, b, c, d, e, 0]),
        Call::Sendmmsg => (345, [a, b, c, d, 0, 0]),
    };
    Direct { call, number, args }
}

#[test]
fn every_call_becomes_its_direct_call() {
    for call in Call::ALL {
        let memory = Recorded::new(PAGE, &WORDS);
        assert_eq!(demux(call.number(), PAGE, &memory), Ok(expected(call, WORDS)));
        assert_eq!(memory.accesses(), [(PAGE, call.words())]);
    }
}

#[test]
fn a_call_outside_the_range_is_einval_before_the_array_is_touched() {
    let numbers = [i32::MIN, i32::MIN + 1, -20, -1, 0, 21, 22, 255, 256 + 1, 0x1_0001, i32::MAX];
    for number in numbers {
        for args in [0, PAGE, u32::MAX] {
            assert_eq!(demux(number, args, &Forbidden), Err(Errno::EINVAL), "{number}");
        }
    }
}

#[test]
fn an_array_may_end_where_its_memory_ends() {
    for call in Call::ALL {
        let words = &WORDS[..call.words()];
        let end_of_page = PAGE - 4 * words.len() as u32;
        let memory = Recorded::new(end_of_page, words);
        assert_eq!(demux(call.number(), end_of_page, &memory), Ok(expected(call, filled(words))));
    }
}

#[test]
fn an_array_that_misses_one_byte_is_efault() {
    for call in Call::ALL {
        let words = &WORDS[..call.words()];
        let mut memory = Recorded::new(PAGE, words);
        memory.bytes.pop();
        assert_eq!(demux(call.number(), PAGE, &memory), Err(Errno::EFAULT));
        assert_eq!(demux(call.number(), PAGE - 1, &memory), Err(Errno::EFAULT));
        assert_eq!(memory.accesses(), [(PAGE, words.len()), (PAGE - 1, words.len())]);
    }
}

/// Addresses do not wrap: the array that would go on at 0 is EFAULT, even where 0 is mapped, and
/// no memory is asked for it. One that ends at 4 GiB exactly is the memory's to judge.
#[test]
fn an_array_across_four_gib_is_efault() {
    for call in Call::ALL {
        let length = 4 * call.words() as u32;
        let last = 0u32.wrapping_sub(length);
        for args in [last + 1, u32::MAX - 3, u32::MAX] {
            assert_eq!(demux(call.number(), args, &Forbidden), Err(Errno::EFAULT));
        }
        let memory = Recorded::new(last, &WORDS[..call.words()]);
        assert!(demux(call.number(), last, &memory).is_ok());
        assert_eq!(memory.accesses(), [(last, call.words())]);
    }
}

/// A program may change the array while it is read: what was copied is what is carried out.
#[test]
fn the_array_is_copied_once() {
    struct Changing(RefCell<u32>);
    impl Memory for Changing {
        fn read_words(&self, _: u32, words: &mut [u32]) -> Result<(), Fault> {
            *self.0.borrow_mut() += 1;
            words.fill(*self.0.borrow());
            Ok(())
        }
    }
    for call in Call::ALL {
        let direct = demux(call.number(), PAGE, &Changing(RefCell::new(0))).unwrap();
        assert_eq!(direct, expected(call, [1; 6]));
    }
}

/// Half a copy before a fault leaves no trace: the kernel's EFAULT has no side effect either.
#[test]
fn a_fault_after_half_a_copy_is_efault() {
    struct Half;
    impl Memory for Half {
        fn read_words(&self, _: u32, words: &mut [u32]) -> Result<(), Fault> {
            words[0] = 1;
            Err(Fault)
        }
    }
    for call in Call::ALL {
        assert_eq!(demux(call.number(), PAGE, &Half), Err(Errno::EFAULT));
    }
}

fn filled(words: &[u32]) -> [u32; 6] {
    let mut filled = [0; 6];
    filled[..words.len()].copy_from_slice(words);
    filled
}

proptest! {
    #[test]
    fn any_call_over_any_array(
        call in prop_oneof![any::<i32>(), 1..=20],
        args in ..=u32::MAX - 24,
        words: [u32; 6],
    ) {
        let memory = Recorded::new(args, &words);
        let result = demux(call, args, &memory);
        match Call::from_number(call) {
            None => prop_assert_eq!((result, memory.accesses()), (Err(Errno::EINVAL), vec![])),
            Some(call) => prop_assert_eq!(result, Ok(expected(call, words))),
        }
    }

    /// Calls in and around the range, arrays in and around their memory, at any alignment.
    #[test]
    fn near_calls_over_near_arrays(
        call in -3..30i32,
        start: u32,
        offset in -32i64..32,
        words in proptest::collection::vec(any::<u32>(), 0..8),
    ) {
        let memory = Recorded::new(start, &words);
        let args = start.wrapping_add(offset as u32);
        let result = demux(call, args, &memory);
        let Some(call) = Call::from_number(call) else {
            prop_assert_eq!((result, memory.accesses()), (Err(Errno::EINVAL), vec![]));
            return Ok(());
        };
        let wanted = 4 * call.words();
        // The memory goes on beyond 4 GiB here, where no 32-bit array does.
        let inside = u64::from(args) + wanted as u64 <= 1 << 32;
        let bytes = args.checked_sub(start).and_then(|at| memory.bytes.get(at as usize..)?.get(..wanted));
        match bytes.filter(|_| inside) {
            None => prop_assert_eq!(result, Err(Errno::EFAULT)),
            Some(bytes) => {
                let words: Vec<_> =
                    bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
                prop_assert_eq!(result, Ok(expected(call, filled(&words))));
            }
        }
        let accesses = if inside { vec![(args, call.words())] } else { vec![] };
        prop_assert_eq!(memory.accesses(), accesses);
    }
}
