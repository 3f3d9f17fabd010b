//! Programs that change their user, before or after exec, as gosu, setpriv and servers do.

use std::fs;
use std::process::Command;

use guest32::{Entry, Guest, Program};
use nix::unistd::Uid;
use seccomp::{Action, with_filter};

use crate::harness::{Calls, Finished, SOCKETCALL, Scratch, World, answering, clean, run, run_counted, skip};

const NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// The program under test and a guest, where every user can execute them. None where this is not possible.
struct Place {
    scratch: Scratch,
}

impl Place {
    fn new() -> Option<Place> {
        if !Uid::effective().is_root() {
            skip("only root can change the user");
            return None;
        }
        let scratch = Scratch::public();
        scratch.executable("socketcall", &fs::read(SOCKETCALL).expect("the program under test"));
        Some(Place { scratch })
    }

    fn guest(&self, program: Program, entry: Entry) -> String {
        self.scratch.guest(program, entry);
        self.scratch.text(&Guest { program, entry }.name())
    }

    fn socketcall(&self) -> String {
        self.scratch.text("socketcall")
    }
}

#[test]
fn a_user_without_rights_runs_what_it_can_read() {
    require_32_bit_kernel!();
    let Some(place) = Place::new() else { return };
    for entry in Entry::ALL {
        let path = place.guest(Program::ForkCalls, entry);
        for denied in [false, true] {
            let mut command = Command::new("/usr/bin/setpriv");
            command.args(NOBODY).args([&place.socketcall(), "run", "-v", "--", &path, "3"]);
            if denied {
                with_filter(&mut command, answering(Action::Errno(54)));
            }
            let (_, finished, counts) = run_counted(clean(&mut command));
            assert_eq!(finished, Finished::exited(0, "3 children\n", ""), "{entry:?} {denied}");
            assert_eq!(counts.total, Some(Calls::by(entry, 12)), "{entry:?} {denied}");
        }
    }
}

#[test]
fn a_program_that_gives_up_root_is_served() {
    require_32_bit_kernel!();
    let Some(place) = Place::new() else { return };
    for entry in Entry::ALL {
        let path = place.guest(Program::ForkCalls, entry);
        for world in World::RUNS {
            let mut command = world.command("/usr/bin/setpriv");
            let (_, finished, counts) = run_counted(command.args(NOBODY).args([&path, "3"]));
            assert_eq!(finished, Finished::exited(0, "3 children\n", ""), "{entry:?} {world:?}");
            assert_eq!(counts.total, Some(Calls::by(entry, 12)), "{entry:?} {world:?}");
        }
    }
}

/// In a container root has no CAP_SYS_PTRACE, and its tracee has become another user: then only what a tracer
/// is allowed in any case is left, word by word.
#[test]
fn a_program_that_gives_up_root_is_served_without_cap_sys_ptrace() {
    require_32_bit_kernel!();
    let Some(place) = Place::new() else { return };
    for entry in Entry::ALL {
        for (program, argument, calls) in [(Program::ForkCalls, Some("3"), 12), (Program::AllCalls, None, 39)]
        {
            let path = place.guest(program, entry);
            let native = run(World::Native.command(&path).args(argument));
            for denied in [false, true] {
                let mut command = Command::new("/usr/bin/setpriv");
                command.args(["--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]);
                command.args([&place.socketcall(), "run", "-v", "--", "/usr/bin/setpriv"]).args(NOBODY);
                command.arg(&path).args(argument);
                if denied {
                    with_filter(&mut command, answering(Action::Errno(54)));
                }
                let (_, finished, counts) = run_counted(clean(&mut command));
                assert_eq!(finished, native, "{entry:?} {denied}");
                assert_eq!(counts.total, Some(Calls::by(entry, calls)), "{entry:?} {denied}");
            }
        }
    }
}

/// A 64-bit program with a file that nobody may read, started by one that may be: it runs; a 32-bit one does
/// too, as far as its calls can be taken apart, which is not at all.
#[test]
fn a_program_inside_that_can_not_be_read_is_told() {
    require_32_bit_kernel!();
    let Some(place) = Place::new() else { return };
    let path = place.guest(Program::Article, Entry::Vdso);
    place.scratch.mode("article-vdso", 0o711);
    let mut command = Command::new("/usr/bin/setpriv");
    command.args(NOBODY).args([&place.socketcall(), "run", "/bin/sh", "-c", "\"$0\"; echo $?", &path]);
    let finished = run(clean(&mut command));
    assert!(finished.status.success(), "{finished:?}");
    assert_eq!(finished.stdout, "38\n", "a call that nobody can take apart answers ENOSYS");
    let told =
        "can't be read by this user, so its socketcalls are refused: make its file readable, or run as root";
    assert!(finished.stderr.lines().any(|line| line.ends_with(told)), "{finished:?}");
}
