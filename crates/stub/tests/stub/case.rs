//! A program's call on random registers and memory, and the kernel that it asks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use abi::{Call, Errno, Fault, Memory, SOCKETCALL_I386, i386};
use proptest::prelude::*;

use stub::{Place, Variant};

use crate::kernel_like::{COUNTERS, Placed};
use crate::machine::*;

pub const BASE: u32 = 0xf7fc_9000;
/// Where the caller goes on.
const CALLER: u32 = 0x0804_8777;
/// The stack: three pages, of which more or less is above the stack pointer.
pub const STACK: u32 = 0xff9f_d000;
pub const STACK_SIZE: u32 = 3 * 4096;
/// Two pages of the program's, with nothing in front and nothing behind.
pub const HEAP: u32 = 0x0980_0000;
const HEAP_SIZE: u32 = 2 * 4096;
/// A page that can't be written.
const CONSTANTS: u32 = 0x0810_0000;

/// An i386 number.
const RT_SIGPROCMASK: u32 = 175;
pub const ENOSYS: u32 = (-38i32).cast_unsigned();
pub const RECVMMSG: u32 = Call::Recvmmsg.number().cast_unsigned();

/// Everything that `Placed` has, and images that were written elsewhere: their program has moved its vDSO.
pub static PLACED: LazyLock<Vec<Placed>> = LazyLock::new(|| {
    let moved = [Variant::Plain, Variant::Counting]
        .map(|variant| Placed::new(Place::InVdso, variant, BASE - 0x0123_4000));
    Placed::all(BASE).into_iter().chain(moved).collect()
});

thread_local! {
    /// By index in `PLACED`.
    static DECODED: RefCell<HashMap<usize, Cache>> = RefCell::default();
}

/// A call that the program makes.
#[derive(Clone, Debug)]
pub struct Case {
    pub placed: usize,
    /// It comes by a trap, not through the vDSO.
    pub trapped: bool,
    pub number: u32,
    pub call: u32,
    pub array: u32,
    pub words: [u32; 6],
    /// How far the stack pointer is below the stack's end.
    pub above: u32,
    /// What the registers hold that are no arguments.
    pub others: [u32; 8],
    pub flags: u32,
    /// What the kernel answers, in turn.
    pub results: [u32; 2],
    /// recvmmsg's timeout: as the program has it, and as the kernel leaves it.
    pub timeout: [u32; 2],
    pub rest: [u32; 4],
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![
        16 => Just(SOCKETCALL_I386),
        1 => prop_oneof![Just(101), Just(103), Just(337), Just(345), Just(417), 357u32..376],
        1 => any::<u32>(),
    ]
}

fn call() -> impl Strategy<Value = u32> {
    prop_oneof![
        8 => 1u32..=20,
        4 => Just(RECVMMSG),
        1 => prop_oneof![Just(0), Just(21), Just(u32::MAX), Just(1 << 31), Just(i32::MAX as u32), Just(257), Just(65537)],
        1 => any::<u32>(),
    ]
}

/// Relative to the stack pointer, around ends of memory, or anywhere.
fn array(above: u32) -> impl Strategy<Value = u32> {
    let sp = STACK + STACK_SIZE - above;
    let stack_end = STACK + STACK_SIZE;
    prop_oneof![
        4 => (0u32..600).prop_map(move |up| sp + 4 + up),
        1 => (0u32..10_000).prop_map(move |up| sp + 4 + up),
        1 => (8100u32..8300).prop_map(move |up| sp + up),
        1 => (0u32..40).prop_map(move |down| stack_end - down),
        1 => (200u32..2000).prop_map(move |down| sp - down),
        2 => (0u32..HEAP_SIZE + 30).prop_map(|at| HEAP - 15 + at),
        2 => (0u32..40).prop_map(|down| HEAP + HEAP_SIZE - down),
        1 => (0u32..40).prop_map(|up| HEAP - 30 + up),
        1 => (0u32..4096).prop_map(|at| CONSTANTS + at),
        1 => prop_oneof![0u32..64, (0u32..64).prop_map(|down| u32::MAX - down)],
        1 => any::<u32>(),
    ]
}

fn result() -> impl Strategy<Value = u32> {
    prop_oneof![
        2 => any::<u32>(),
        1 => 0u32..5,
        2 => prop_oneof![Just(-38i32), Just(-14), Just(-22), Just(-4), Just(-512)].prop_map(i32::cast_unsigned),
    ]
}

pub fn case() -> impl Strategy<Value = Case> {
    let timeout_at = prop_oneof![
        Just(0),
        (0u32..HEAP_SIZE).prop_map(|at| HEAP + at),
        (0u32..16).prop_map(|down| HEAP + HEAP_SIZE - down),
        (0u32..4096).prop_map(|at| CONSTANTS + at),
        any::<u32>(),
    ];
    (200..STACK_SIZE - 2200, any::<bool>()).prop_flat_map(move |(above, aligned)| {
        let above = if aligned { above & !3 } else { above };
        (
            (0..PLACED.len(), any::<bool>(), number(), call(), array(above)),
            (any::<[u32; 6]>(), timeout_at.clone(), any::<[u32; 8]>(), any::<u32>()),
            (result(), result(), any::<[u32; 2]>(), any::<[u32; 4]>()),
        )
            .prop_map(
                move |((placed, trapped, number, call, array), (mut words, at, others, flags), tail)| {
                    // Only multiplexed calls are trapped.
                    let trapped = trapped && number == SOCKETCALL_I386;
                    let (first, second, timeout, rest) = tail;
                    let mut results = [first, second];
                    // Half of the kernels have no 32-bit time.
                    if call == RECVMMSG {
                        words[4] = at;
                        results[0] = if words[5] & 1 == 0 { ENOSYS } else { first };
                    }
                    let flags = flags & ALL;
                    Case {
                        placed,
                        trapped,
                        number,
                        call,
                        array,
                        words,
                        above,
                        others,
                        flags,
                        results,
                        timeout,
                        rest,
                    }
                },
            )
    })
}

/// The memory as a program's.
pub struct Program<'a>(pub &'a Machine);

impl Memory for Program<'_> {
    fn read_words(&self, address: u32, words: &mut [u32]) -> Result<(), Fault> {
        for (word, at) in words.iter_mut().zip((address..).step_by(4)) {
            *word = self.0.word(at).ok_or(Fault)?;
        }
        Ok(())
    }
}

/// What the kernel was asked.
#[derive(Debug, Default)]
pub struct Asked {
    /// Calls as they were made: number, arguments.
    pub calls: Vec<(u32, [u32; 6])>,
    /// What the probes asked for: eight bytes each.
    pub probes: Vec<u32>,
    /// The timeout that recvmmsg's newer form was given.
    pub timeouts: Vec<[u32; 4]>,
    /// The lowest address of the stack that was written.
    pub deepest: u32,
}

impl Case {
    pub fn placed(&self) -> &'static Placed {
        &PLACED[self.placed]
    }

    pub fn machine(&self) -> Machine {
        let filled = |base: u32, size: u32, writable| Region {
            base,
            bytes: (0..size).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect(),
            writable,
        };
        let mut registers = self.others;
        registers[EAX] = self.number;
        registers[EBX] = self.call;
        registers[ECX] = self.array;
        registers[ESP] = STACK + STACK_SIZE - self.above;
        let image = Region { base: BASE, bytes: self.placed().bytes.clone(), writable: false };
        let regions = vec![
            image,
            filled(STACK, STACK_SIZE, true),
            filled(HEAP, HEAP_SIZE, true),
            filled(CONSTANTS, 4096, false),
            Region { base: COUNTERS, bytes: vec![0; 8], writable: true },
        ];
        let mut machine = Machine { regions, registers, eip: 0, flags: self.flags, accesses: vec![] };
        // What the program has put there; where there is nothing, it could put nothing.
        if self.words[4] >= HEAP {
            let _ = machine.write(self.words[4], &self.timeout.map(u32::to_le_bytes).concat());
        }
        for (n, word) in (0u32..).zip(self.words) {
            let _ = machine.write(self.array.wrapping_add(4 * n), &word.to_le_bytes());
        }
        machine
    }

    /// The call is made: the kernel's code answers.
    fn enter(&self, machine: &mut Machine, asked: &mut Asked) {
        let number = machine.registers[EAX];
        let args = ARGUMENTS.map(|register| machine.registers[register]);
        let sp = machine.registers[ESP];
        let ours = number == RT_SIGPROCMASK && self.number == SOCKETCALL_I386;
        asked.deepest = asked.deepest.min(sp - 12);
        let answer = if ours && args[0] != u32::MAX {
            // Whether recvmmsg's timeout can be written: the mask is stored there, and is not changed.
            let [_, set, old, size, ..] = args;
            assert_eq!((args[0], set, old, size), (0, 0, asked.calls[0].1[4], 8), "SIG_BLOCK of nothing");
            let stored = machine.write(old, &[0xee; 8]).is_ok();
            if stored { 0 } else { Errno::EFAULT.to_eax() }
        } else if ours {
            assert_eq!(
                (args[2], args[3]),
                (0, 8),
                "it asks for nothing to be stored, of a mask of eight bytes"
            );
            match asked.calls.last() {
                None => asked.probes.push(args[1]),
                // recvmmsg's timeout, which has eight bytes too.
                Some((_, args_made)) => assert_eq!(args[1], args_made[4]),
            }
            match args[1] {
                // No set: then `how` is not looked at.
                0 => 0,
                at if machine.look(at, 8).is_some() => Errno::EINVAL.to_eax(),
                _ => Errno::EFAULT.to_eax(),
            }
        } else {
            let answer = self.results[asked.calls.len().min(1)];
            asked.calls.push((number, args));
            if number == i386::RECVMMSG_TIME64 && asked.calls.len() == 2 && args[4] != 0 {
                let at = args[4];
                let given = [0, 4, 8, 12].map(|offset| machine.word(at + offset).expect("a timeout"));
                asked.timeouts.push(given);
                machine.write(at, &self.rest.map(u32::to_le_bytes).concat()).expect("a timeout");
            }
            answer
        };
        // `__kernel_vsyscall` pushes three registers; nobody may count on what was there.
        machine.write(sp - 12, &[0xcc; 12]).expect("a stack");
        machine.registers[EAX] = answer;
        machine.flags ^= ALL & answer;
        machine.eip = machine.pop().expect("a stack");
    }

    /// Makes the call; the machine when it has returned to the program, and what the kernel was asked.
    pub fn make(&self) -> (Machine, Asked) {
        let placed = self.placed();
        let labels = placed.image.labels();
        let mut machine = self.machine();
        if self.trapped {
            machine.registers[EAX] = CALLER;
            machine.eip = BASE + labels.trap_entry;
        } else {
            machine.push(CALLER).expect("a stack");
            machine.eip = BASE + labels.entry;
        }
        machine.accesses.clear();
        let mut asked = Asked { deepest: machine.registers[ESP], ..Asked::default() };
        DECODED.with_borrow_mut(|decoded| {
            let cache = decoded.entry(self.placed).or_default();
            loop {
                match machine.run(cache, &[CALLER, BASE + placed.vsyscall()]) {
                    Stop::At(CALLER) => return,
                    Stop::At(_) => self.enter(&mut machine, &mut asked),
                    // As a tracer does. Without one the stub must not fault.
                    Stop::Fault
                        if placed.variant != Variant::Handling
                            && labels.faults.iter().any(|load| load.contains(&(machine.eip - BASE))) =>
                    {
                        machine.eip = BASE + labels.efault;
                    }
                    other => panic!("{other:?} at {:#x}", machine.eip - BASE),
                }
            }
        });
        (machine, asked)
    }
}
