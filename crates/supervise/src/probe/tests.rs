use std::io::Write as _;
use std::thread;

use abi::Errno;
use seccomp::{Action, Arch, Field, Filter, Test, Wants};

use super::{Answer, Missing, Socket, Way, ask};

const UNIX: Socket = Socket { family: 1, kind: 1, protocol: 0 };
const INET: Socket = Socket { family: 2, kind: 1, protocol: 0 };
/// AF_MAX is 46: no kernel has this family.
const NO_FAMILY: Socket = Socket { family: 46, kind: 1, protocol: 0 };

/// The way's answers; none where this kernel does not have it.
fn answers(way: Way, sockets: &[Socket]) -> Option<Vec<Answer>> {
    match ask(way, sockets) {
        Ok(answers) => Some(answers),
        Err(missing @ Missing::NoEntry(_)) => {
            let note = format!("skipped: {way:?}: {missing}\n");
            std::io::stderr().write_all(note.as_bytes()).unwrap();
            None
        }
        Err(missing) => panic!("{way:?}: {missing}"),
    }
}

/// A thread is enough: filters belong to threads, and a child has its parent thread's.
fn under<T: Send>(filter: Filter, act: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let act = || {
            filter.install_unprivileged().unwrap();
            act()
        };
        scope.spawn(act).join().unwrap()
    })
}

#[test]
fn every_way_answers_as_linux_does() {
    for way in Way::ALL {
        let sockets = [UNIX, UNIX.refused_late(), NO_FAMILY, NO_FAMILY.refused_late(), INET];
        let Some(answers) = answers(way, &sockets) else { continue };
        // io_uring may be disabled.
        if way == Way::IoUring && answers.iter().all(|answer| *answer == Answer::Failed(Errno::EPERM)) {
            continue;
        }
        let [invalid, unknown] = [Errno::EINVAL, Errno::EAFNOSUPPORT].map(Answer::Failed);
        assert_eq!(answers, [Answer::Created, invalid, unknown, invalid, Answer::Created], "{way:?}");
    }
}

#[test]
fn nothing_asked_is_nothing_answered() {
    for way in Way::ALL {
        if let Some(answers) = answers(way, &[]) {
            assert_eq!(answers, [], "{way:?}");
        }
    }
}

#[test]
fn a_filter_that_kills_is_an_answer_and_the_next_is_asked_for_all_the_same() {
    let mut wants = Wants::new();
    let unix = [Test::eq(Field::Arg(0), 1)];
    wants.add_if(Arch::X86_64, 41, &unix, Action::KillProcess);
    wants.add_if(Arch::I386, 359, &unix, Action::KillThread);
    wants.add(Arch::I386, 102, Action::Errno(38));
    let filter = wants.compile().unwrap();
    under(filter, || {
        let killed = Answer::Died(libc::SIGSYS);
        for way in [Way::X86_64, Way::I386, Way::Process32Direct] {
            if let Some(answers) = answers(way, &[UNIX, INET, UNIX, INET]) {
                assert_eq!(answers, [killed, Answer::Created, killed, Answer::Created], "{way:?}");
            }
        }
        for way in [Way::Socketcall, Way::Process32Int80, Way::Process32Vdso] {
            if let Some(answers) = answers(way, &[UNIX, INET]) {
                assert_eq!(answers, [Answer::Failed(Errno::ENOSYS); 2], "{way:?}");
            }
        }
    });
}

/// execve and execveat, which are answered by `errno`.
fn nothing_is_executed(errno: i32) -> Filter {
    const EXECVE: u32 = 59;
    let mut wants = Wants::new();
    for number in [EXECVE, EXECVEAT] {
        wants.add(Arch::X86_64, number, Action::Errno(errno as u16));
    }
    wants.compile().unwrap()
}

const EXECVEAT: u32 = 322;
const MEMFD_CREATE: u32 = 319;

#[test]
fn where_32_bit_programs_are_not_executed_that_is_said() {
    under(nothing_is_executed(libc::EPERM), || {
        let Err(missing) = ask(Way::Process32Direct, &[UNIX]) else { panic!() };
        let Missing::NotExecuted(refusals) = &missing else { panic!("{missing}") };
        assert!(refusals.starts_with("memory: Operation not permitted (os error 1); /"), "{refusals}");
        assert!(!missing.is_no_entry());
    });
    under(nothing_is_executed(libc::ENOEXEC), || {
        let Err(missing) = ask(Way::Process32Direct, &[UNIX]) else { panic!() };
        assert!(missing.is_no_entry(), "{missing}");
    });
}

/// From memory by a path, or from a file.
#[test]
fn where_memory_can_not_be_executed_another_place_is_found() {
    let killed = Action::KillProcess;
    for (number, action) in [MEMFD_CREATE, EXECVEAT]
        .into_iter()
        .flat_map(|number| [(number, Action::Errno(38)), (number, killed)])
    {
        let mut wants = Wants::new();
        wants.add(Arch::X86_64, number, action);
        under(wants.compile().unwrap(), || {
            if let Some(answers) = answers(Way::Process32Direct, &[UNIX]) {
                assert_eq!(answers, [Answer::Created], "{number} {action:?}");
            }
        });
    }
}
