//! Calls that are shown: all of them, each with its way in, whoever else is in their path.

use std::process::Command;
use std::sync::{Arc, Mutex};

use decode::{Abi, Descriptors, Entry as Way, Event, Limits, Unknown, What};
use guest32::{Entry, Program};
use supervise::{Demux, End, Launch, Observer, Record, Session};

use crate::harness::{DENIED, Executable, World, natively};
use crate::hidden;

/// What was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    name: &'static str,
    /// The number that reached the kernel, or would have.
    number: u32,
    way: Way,
    result: Option<i64>,
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Shown>>>);

struct Collect {
    seen: Seen,
    only: Option<&'static str>,
}

impl Observer for Collect {
    fn shows(&self, _: Abi, name: &str) -> bool {
        self.only.is_none_or(|only| only == name)
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn descriptors(&self, _: i32) -> Box<dyn Descriptors + '_> {
        Box::new(Unknown)
    }

    fn event(&mut self, event: &Event<'_>) {
        if let What::Exit { request, .. } = &event.what {
            assert!(request.arguments.iter().all(|argument| argument.value.is_some()), "{request:?}");
            let result = request.outcome.as_ref().map(|outcome| outcome.raw);
            let seen = &request.asked.seen;
            let shown = Shown { name: request.asked.form.name, number: seen.number, way: seen.entry, result };
            self.seen.0.lock().expect("no panic").push(shown);
        }
    }

    fn flush(&mut self) {}
}

/// A layer that shows nothing to anybody.
pub fn nothing() -> Record {
    Record::new(Collect { seen: Seen::default(), only: Some("") })
}

/// Runs a guest with its calls shown; answers its end and what was shown.
fn shown(
    world: World,
    guest: &Executable,
    argument: Option<&str>,
    apart: bool,
    only: Option<&'static str>,
) -> (End, Vec<Shown>) {
    let (path, seen) = (guest.path(), Seen::default());
    let record = Record::new(Collect { seen: seen.clone(), only });
    let null = || std::fs::File::options().write(true).open("/dev/null").expect("a device");
    let launch = Launch::new(path).args(argument).stdout(null()).stderr(null());
    let end = world.within(move || {
        let session = Session::new(launch);
        let session = if apart {
            session.with(record.beside_demux()).with(Demux::new().shown())
        } else {
            session.with(record)
        };
        session.run().expect("a guest")
    });
    let shown = seen.0.lock().expect("no panic").clone();
    (end, shown)
}

fn names(shown: &[Shown]) -> Vec<&'static str> {
    shown.iter().map(|shown| shown.name).collect()
}

#[test]
fn all_calls_by_both_ways_alone_and_taken_apart() {
    require_32_bit_kernel!();
    for (entry, way) in [(Entry::Int80, Way::Int80), (Entry::Vdso, Way::Vdso)] {
        let guest = Executable::guest(Program::AllCalls, entry);
        let (end, alone) = shown(World::Open, &guest, None, false, None);
        assert_eq!(end, End::Exited(0));
        assert!(alone.iter().all(|shown| shown.number == 102 && shown.way == way), "{alone:?}");
        for call in abi::Call::ALL {
            assert!(names(&alone).contains(&call.name()), "{}", call.name());
        }
        for world in World::ALL {
            let (end, apart) = shown(world, &guest, None, true, None);
            assert_eq!(end, End::Exited(0));
            // What is answered and not made is seen where it was trapped only: the stub answers by itself.
            let made = |shown: &&Shown| entry == Entry::Int80 || shown.name != "socketcall";
            let expected: Vec<_> = alone.iter().filter(made).map(|shown| shown.name).collect();
            assert_eq!(names(&apart), expected, "{entry:?} {world:?}");
            for shown in &apart {
                let call = abi::Call::ALL.into_iter().find(|call| call.name() == shown.name);
                let number = call.map_or(abi::SOCKETCALL_I386, |call| call.direct_i386());
                assert_eq!((shown.number, shown.way), (number, way), "{world:?}");
            }
        }
    }
}

/// An outer filter's answer comes in front of ours: then threads stop at every call.
#[test]
fn what_an_outer_filter_denies_is_shown() {
    require_32_bit_kernel!();
    for entry in Entry::ALL {
        let guest = Executable::guest(Program::Article, entry);
        let (end, shown) = shown(World::Denied, &guest, None, false, None);
        assert_eq!(end, End::Exited(DENIED.into()));
        assert_eq!(names(&shown), ["socket"]);
        assert_eq!(shown[0].result, Some(-i64::from(DENIED)));
    }
}

/// What stops a thread for another reason ends nothing, wherever it is.
#[test]
fn what_comes_between_hides_nothing() {
    for world in World::ALL {
        for apart in [false, true] {
            let seen = Seen::default();
            let record = Record::new(Collect { seen: seen.clone(), only: Some("socket") });
            let end = world.within(move || {
                let session = Session::new(hidden::launch("between"));
                let session = if apart {
                    session.with(record.beside_demux()).with(Demux::new())
                } else {
                    session.with(record)
                };
                session.run().expect("a program")
            });
            let shown = seen.0.lock().expect("no panic").clone();
            assert_eq!((end, names(&shown)), (End::Exited(0), vec!["socket"; 2]), "{world:?} {apart}");
        }
    }
}

#[test]
fn only_what_is_wanted_is_shown() {
    require_32_bit_kernel!();
    for apart in [false, true] {
        for entry in Entry::ALL {
            let guest = Executable::guest(Program::AllCalls, entry);
            let all = shown(World::Open, &guest, None, apart, None).1;
            for only in ["accept", "accept4", "send", "sendto", "recvmmsg", "socket"] {
                let (end, some) = shown(World::Open, &guest, None, apart, Some(only));
                assert_eq!(end, End::Exited(0));
                let expected = all.iter().filter(|shown| shown.name == only).count();
                assert_eq!((names(&some).len(), expected > 0), (expected, true), "{only} {entry:?} {apart}");
                assert!(some.iter().all(|shown| shown.name == only));
            }
        }
    }
}

/// Every child of many: none is missed.
#[test]
fn children_are_shown() {
    require_32_bit_kernel!();
    for apart in [false, true] {
        for entry in Entry::ALL {
            let guest = Executable::guest(Program::ForkCalls, entry);
            let one = shown(World::Open, &guest, Some("1"), apart, None).1.len();
            let (end, some) = shown(World::Open, &guest, Some("41"), apart, None);
            assert_eq!(end, End::Exited(0));
            let each = (some.len() - one) / 40;
            assert!(each > 0 && some.len() == one + 40 * each, "{} and {one}", some.len());
        }
    }
}

/// What a 64-bit program does, by its own calls.
#[test]
fn sixty_four_bit_programs_are_shown() {
    const SCRIPT: &str = "exec 3<>/dev/tcp/127.0.0.1/1";
    let native = natively({
        let mut command = Command::new("/bin/bash");
        command.args(["-c", SCRIPT]);
        command
    });
    let seen = Seen::default();
    let record = Record::new(Collect { seen: seen.clone(), only: None });
    let null = std::fs::File::options().write(true).open("/dev/null").expect("a device");
    let launch = Launch::new("/bin/bash").args(["-c", SCRIPT]).stderr(null);
    assert_eq!(Session::new(launch).with(record).run().expect("bash"), native.end);
    let shown = seen.0.lock().expect("no panic").clone();
    assert!(shown.iter().all(|shown| shown.way == Way::X86_64));
    // The last one: where SHELL is unset, bash looks its user up first, and libc asks nscd by a socket.
    let connect = shown.iter().rfind(|shown| shown.name == "connect").expect("bash connects");
    assert_eq!((connect.number, connect.result), (42, Some(-i64::from(libc::ECONNREFUSED))));
}
