//! The variant that serves its traps itself: its handler, and where the program starts.

use abi::SOCKETCALL_I386;
use proptest::prelude::*;
use stub::{Place, Variant};

use crate::kernel_like::{Placed, START};
use crate::machine::*;

const BASE: u32 = 0xf7fc_9000;
const STACK: u32 = 0xffad_c000;
const STACK_SIZE: u32 = 8192;
/// Where a signal's frame begins: the address to return to, then the handler's arguments.
const FRAME: u32 = STACK + 4096;
const SIGINFO: u32 = FRAME + 160;
const UCONTEXT: u32 = FRAME + 400;
/// In `ucontext_t`: the registers of `struct sigcontext_32` (include/uapi/asm/sigcontext.h).
const SAVED_EAX: u32 = 20 + 4 * 11;
const SAVED_EIP: u32 = 20 + 4 * 14;

const SIGSYS: u32 = 31;
const RT_SIGACTION: u32 = 174;
const RT_SIGRETURN: u32 = 173;

fn machine(placed: &Placed) -> Machine {
    let stack = Region { base: STACK, bytes: vec![0x5a; STACK_SIZE as usize], writable: true };
    let image = Region { base: BASE, bytes: placed.bytes.clone(), writable: false };
    Machine { regions: vec![stack, image], registers: [0; 8], eip: 0, flags: 0, accesses: vec![] }
}

fn all() -> [Placed; 2] {
    [Place::InVdso, Place::InFront(4096)].map(|place| Placed::new(place, Variant::Handling, BASE))
}

fn arguments(machine: &Machine) -> [u32; 6] {
    ARGUMENTS.map(|register| machine.registers[register])
}

/// The program starts as the kernel would have it, with the handler set. Answers the `struct sigaction`'s words.
fn booted(placed: &Placed) -> [u32; 5] {
    let mut machine = machine(placed);
    machine.eip = BASE + placed.image.labels().boot.expect("where the program starts");
    machine.registers[ESP] = FRAME;
    let mut cache = Cache::new();
    assert_eq!(machine.run(&mut cache, &[START, BASE + placed.vsyscall()]), Stop::Int80);
    let [signal, action, old, size, permit, _] = arguments(&machine);
    let number = machine.registers[EAX];
    assert_eq!((number, signal, old, size, permit), (RT_SIGACTION, SIGSYS, 0, 8, stub::PERMIT));
    let action = [0, 4, 8, 12, 16].map(|offset| machine.word(action + offset).expect("an action"));
    machine.registers[EAX] = 0;
    assert_eq!(machine.run(&mut cache, &[START]), Stop::At(START));
    let mut expected = [0; 8];
    expected[ESP] = FRAME;
    assert_eq!(machine.registers, expected, "as after exec (fs/binfmt_elf.c, ELF_PLAT_INIT)");
    assert!(machine.accesses.is_empty(), "the stack is the program's");
    action
}

#[test]
fn the_program_starts_with_the_handler_set() {
    for placed in all() {
        let [handler, flags, restorer, mask, mask_high] = booted(&placed);
        const SA_SIGINFO_ONSTACK_NODEFER: u32 = 4 | 0x0800_0000 | 0x4000_0000;
        assert_eq!((flags, restorer, mask, mask_high), (SA_SIGINFO_ONSTACK_NODEFER, 0, 0, 0));
        assert!((BASE..BASE + placed.bytes.len() as u32).contains(&handler), "{}", placed.describe());
    }
}

/// The handler's machine at a signal with these fields, and where it goes on.
fn signalled(placed: &Placed, errno: u32, code: u32, call: u32, eip: u32) -> Machine {
    let [handler, ..] = booted(placed);
    let mut machine = machine(placed);
    machine.eip = handler;
    machine.registers = [SIGSYS, 0x1111, 0x2222, 0x3333, FRAME, 0x5555, 0x6666, 0x7777];
    let mut put = |at: u32, word: u32| machine.write(at, &word.to_le_bytes()).expect("a stack");
    for (offset, word) in [(0, 0xbad0_bad0), (4, SIGSYS), (8, SIGINFO), (12, UCONTEXT)] {
        put(FRAME + offset, word);
    }
    // siginfo_t: si_signo, si_errno, si_code, si_call_addr, si_syscall, si_arch.
    for (n, word) in (0..).zip([SIGSYS, errno, code, eip, call, 0x4000_0003]) {
        put(SIGINFO + 4 * n, word);
    }
    put(UCONTEXT + SAVED_EAX, call);
    put(UCONTEXT + SAVED_EIP, eip);
    machine
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A trapped call goes on at the trap's entry, with its own address in eax, and all else as it was.
    #[test]
    fn a_trap_goes_on_in_the_stub(eip in any::<u32>()) {
        for placed in all() {
            let mut machine = signalled(&placed, stub::TRAP_DATA.into(), 1, SOCKETCALL_I386, eip);
            let before = machine.regions[0].bytes.clone();
            let stop = machine.run(&mut Cache::new(), &[BASE + placed.vsyscall()]);
            prop_assert_eq!(stop, Stop::At(BASE + placed.vsyscall()));
            prop_assert_eq!(machine.registers[EAX], RT_SIGRETURN);
            // `__kernel_vsyscall` pushes twelve bytes; the kernel finds the frame four bytes below the stack
            // pointer that it then sees (arch/x86/kernel/signal_32.c).
            prop_assert_eq!(machine.registers[ESP] - 12 - 4, FRAME);
            prop_assert_eq!(machine.word(UCONTEXT + SAVED_EAX), Some(eip));
            prop_assert_eq!(machine.word(UCONTEXT + SAVED_EIP), Some(BASE + placed.image.labels().trap_entry));
            let own = (FRAME - STACK) as usize..(FRAME - STACK) as usize + 20;
            let saved = [SAVED_EAX, SAVED_EIP].map(|offset| (UCONTEXT + offset - STACK) as usize);
            for (at, (old, new)) in before.iter().zip(&machine.regions[0].bytes).enumerate() {
                let ours = own.contains(&at) || saved.iter().any(|field| (*field..field + 4).contains(&at));
                prop_assert!(ours || old == new, "a byte of the frame at {at:#x}");
            }
        }
    }

    /// What is not our trap ends the program as it would have: the disposition is reset, the signal sent again.
    #[test]
    fn another_signal_is_not_taken_for_a_trap(
        (errno, code, call) in prop_oneof![
            (any::<u32>(), Just(1), Just(SOCKETCALL_I386)),
            (Just(u32::from(stub::TRAP_DATA)), any::<u32>(), Just(SOCKETCALL_I386)),
            (Just(u32::from(stub::TRAP_DATA)), Just(1), any::<u32>()),
            (Just(0), Just(0), Just(0)),
        ],
    ) {
        prop_assume!((errno, code, call) != (stub::TRAP_DATA.into(), 1, SOCKETCALL_I386));
        for placed in all() {
            let mut machine = signalled(&placed, errno, code, call, 0x0804_8000);
            let mut cache = Cache::new();
            let mut next = |machine: &mut Machine| {
                let stop = machine.run(&mut cache, &[BASE + placed.vsyscall(), 0xbad0_bad0]);
                (stop, machine.registers[EAX], arguments(machine))
            };
            let (stop, number, [signal, action, old, size, permit, _]) = next(&mut machine);
            prop_assert_eq!((stop, number, signal, old), (Stop::Int80, RT_SIGACTION, SIGSYS, 0));
            prop_assert_eq!((size, permit), (8, stub::PERMIT));
            for offset in [0, 4, 8, 12, 16] {
                prop_assert_eq!(machine.word(action + offset), Some(0), "SIG_DFL");
            }
            machine.registers[EAX] = 0;
            let (stop, number, _) = next(&mut machine);
            prop_assert_eq!((stop, number), (Stop::Int80, 20), "getpid");
            machine.registers[EAX] = 4711;
            let (stop, number, [pid, signal, ..]) = next(&mut machine);
            prop_assert_eq!((stop, number, pid, signal), (Stop::Int80, 37, 4711, SIGSYS), "kill");
            machine.registers[EAX] = 0;
            let (stop, ..) = next(&mut machine);
            prop_assert_eq!(stop, Stop::At(0xbad0_bad0), "it returns, were it still there");
        }
    }
}
