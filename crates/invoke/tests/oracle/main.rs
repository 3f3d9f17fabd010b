//! Emulated calls against the kernel's own multiplexer, reached by `int $0x80`: the same results, the same
//! memory, the same sockets afterwards.
#![cfg(target_arch = "x86_64")]

use std::collections::BTreeSet;
use std::sync::Mutex;

use abi::{Call, Errno};
use invoke::{Int80, emulated, socketcall_at};

use world::{Outcome, World};

mod options;
mod random;
mod received;
mod refused;
mod sent;
mod simple;
mod world;

/// A call and what it must answer: `None` where that depends on the kernel's configuration.
struct Case {
    name: String,
    call: Call,
    expected: Option<Result<(), Errno>>,
    /// Prepares sockets and memory, and gives the words of the array.
    prepare: Prepare,
}

type Prepare = Box<dyn Fn(&mut World) -> Vec<u32>>;

fn case(call: Call, name: impl Into<String>, prepare: impl Fn(&mut World) -> Vec<u32> + 'static) -> Case {
    Case { name: name.into(), call, expected: Some(Ok(())), prepare: Box::new(prepare) }
}

fn fails(
    call: Call,
    errno: Errno,
    name: impl Into<String>,
    prepare: impl Fn(&mut World) -> Vec<u32> + 'static,
) -> Case {
    Case { expected: Some(Err(errno)), ..case(call, name, prepare) }
}

/// Whatever the kernel answers.
fn any(call: Call, name: impl Into<String>, prepare: impl Fn(&mut World) -> Vec<u32> + 'static) -> Case {
    Case { expected: None, ..case(call, name, prepare) }
}

/// Descriptors and memory are compared, so that one test runs at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

type Make = fn(i32, u32) -> Result<u32, Errno>;

fn by_the_kernel(call: i32, args: u32) -> Result<u32, Errno> {
    // SAFETY: a case's words.
    unsafe { socketcall_at(Int80, call, args) }
}

fn by_emulation(call: i32, args: u32) -> Result<u32, Errno> {
    // SAFETY: a case's words.
    unsafe { emulated::socketcall(call, args) }
}

fn outcome(case: &Case, make: Make) -> Outcome {
    let mut world = World::new();
    let words = (case.prepare)(&mut world);
    assert_eq!(words.len(), case.call.words(), "{}: {}", case.call.name(), case.name);
    let args = world.array(&words);
    let result = make(case.call.number(), args);
    world.outcome(case.call, result)
}

/// Both ways agree on every case, and every case is what it says.
fn agree(cases: &[Case]) {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for case in cases {
        let kernels = outcome(case, by_the_kernel);
        let ours = outcome(case, by_emulation);
        let title = format!("{}: {}", case.call.name(), case.name);
        if let Some(expected) = case.expected {
            assert_eq!(kernels.result.map(drop), expected, "{title}: the kernel answers otherwise");
        }
        kernels.compare(&ours, &title);
    }
}

#[test]
fn calls_with_one_layout() {
    let cases = simple::cases();
    agree(&cases);
    let succeeded: BTreeSet<Call> =
        cases.iter().filter(|case| case.expected == Some(Ok(()))).map(|case| case.call).collect();
    let others =
        [Call::Setsockopt, Call::Getsockopt, Call::Sendmsg, Call::Recvmsg, Call::Sendmmsg, Call::Recvmmsg];
    for call in Call::ALL.into_iter().filter(|call| !others.contains(call)) {
        assert!(succeeded.contains(&call), "no case of {} succeeds", call.name());
    }
}

#[test]
fn options() {
    agree(&options::cases());
}

#[test]
fn messages_sent() {
    agree(&sent::cases());
}

#[test]
fn messages_received() {
    agree(&received::cases());
}

#[test]
fn every_number() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let world = World::new();
    for call in (-3..30).chain([i32::MIN, i32::MAX, 257]) {
        for args in [0, 4, world.unreadable(), u32::MAX - 3] {
            assert_eq!(by_emulation(call, args), by_the_kernel(call, args), "socketcall({call}, {args:#x})");
        }
    }
}
