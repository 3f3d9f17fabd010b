//! `run --untraced`: the same programs, with nobody attached to them.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use guest32::{Entry, Guest, Program};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::guests::cases;
use crate::harness::{Finished, Running, Scratch, World, eventually, is_gone, run, status_field};

#[test]
fn every_guest_does_what_it_does_natively() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for guest in Guest::ALL {
        let Some((arguments, _)) = cases(guest.program) else { continue };
        let path = scratch.guest(guest.program, guest.entry);
        let native = run(World::Native.command(&path).args(arguments));
        for world in World::UNTRACED {
            assert_eq!(run(world.command(&path).args(arguments)), native, "{guest} {world:?}");
        }
    }
}

#[test]
fn client_and_server_talk() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for world in World::UNTRACED {
        for (server_entry, client_entry) in [(Entry::Vdso, Entry::Int80), (Entry::Int80, Entry::Vdso)] {
            let mut server =
                Running::start(&mut world.command(scratch.guest(Program::EchoServer, server_entry)));
            let port = server.line();
            let client = scratch.guest(Program::EchoClient, client_entry);
            let client = run(world.command(client).args([port.as_str(), "20"]));
            assert_eq!(client, Finished::exited(0, "one line, there and back\n", ""), "{world:?}");
            assert_eq!(server.finish(), Finished::exited(0, "", ""), "{world:?}");
        }
    }
}

#[test]
fn many_processes_and_chains_of_programs() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        let forks = scratch.guest(Program::ForkCalls, entry);
        let chain = scratch.guest(Program::ExecChain, entry);
        let other =
            scratch.guest(Program::ExecChain, if entry == Entry::Vdso { Entry::Int80 } else { Entry::Vdso });
        let other = other.to_str().expect("text");
        for world in World::UNTRACED {
            let finished = run(world.command(&forks).arg("200"));
            assert_eq!(finished, Finished::exited(0, "200 children\n", ""), "{entry:?} {world:?}");
            // 32-bit, 64-bit, 32-bit, a shell's child.
            let arguments =
                ["2", "/usr/bin/env", other, "3", "/bin/sh", "-c", "\"$0\" 5 /bin/echo end", other];
            let finished = run(world.command(&chain).args(arguments));
            assert_eq!(finished, Finished::exited(0, "end\n", ""), "{entry:?} {world:?}");
        }
    }
}

/// A program that has told that it runs, with its children alive.
fn sleeper(world: World) -> (Running, u32) {
    let script = "sleep 60 & echo $!; exec sleep 60";
    let mut sleeper = Running::start(world.command("/bin/sh").args(["-c", script]).stdin(Stdio::null()));
    let child = sleeper.line().parse().expect("a process id");
    (sleeper, child)
}

#[test]
fn nobody_is_attached() {
    for world in World::UNTRACED {
        let (program, child) = sleeper(world);
        for pid in [program.pid, child] {
            // An exec is over when its program is told of; its tracer lets go just after.
            let free = || status_field(pid, "TracerPid").as_deref() == Some("0");
            assert!(eventually(free), "{world:?}");
        }
        kill(Pid::from_raw(child.cast_signed()), Signal::SIGKILL).expect("a process");
        program.signal(Signal::SIGKILL);
        assert_eq!(program.finish().status.signal(), Some(9), "{world:?}");
    }
}

#[test]
fn the_supervisor_goes_with_the_last_process() {
    for world in World::UNTRACED {
        let (program, child) = sleeper(world);
        let children = format!("/proc/{0}/task/{0}/children", program.pid);
        let children = std::fs::read_to_string(children).expect("Linux 3.5");
        let others =
            children.split_whitespace().filter_map(|pid| pid.parse().ok()).filter(|pid| *pid != child);
        let [supervisor] = others.collect::<Vec<u32>>()[..] else { panic!("{children}") };
        program.signal(Signal::SIGTERM);
        let finished = {
            // The child in the background holds the output open.
            kill(Pid::from_raw(child.cast_signed()), Signal::SIGKILL).expect("a process");
            program.finish()
        };
        assert_eq!(finished.status.signal(), Some(15), "{world:?}");
        assert!(eventually(|| is_gone(supervisor)), "{world:?}");
    }
}

#[test]
fn ends_and_stops_are_the_programs_own() {
    for world in World::UNTRACED {
        for status in [0, 7, 125, 126, 127] {
            let finished = run(world.command("/bin/sh").args(["-c", &format!("exit {status}")]));
            assert_eq!(finished, Finished::exited(status, "", ""), "{world:?}");
        }
        for signal in [Signal::SIGTERM, Signal::SIGABRT] {
            let script = format!("ulimit -c 0; kill -{} $$", signal as i32);
            let finished = run(world.command("/bin/sh").args(["-c", &script]));
            assert_eq!(finished.status.signal(), Some(signal as i32), "{world:?}");
        }
        let (program, child) = sleeper(world);
        program.signal(Signal::SIGSTOP);
        let flags = WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
        let changed =
            |to: WaitStatus| eventually(|| waitpid(program.nix_pid(), Some(flags)).expect("a child") == to);
        assert!(changed(WaitStatus::Stopped(program.nix_pid(), Signal::SIGSTOP)), "{world:?}");
        program.signal(Signal::SIGCONT);
        assert!(changed(WaitStatus::Continued(program.nix_pid())), "{world:?}");
        kill(Pid::from_raw(child.cast_signed()), Signal::SIGKILL).expect("a process");
        program.signal(Signal::SIGTERM);
        assert_eq!(program.finish().status.signal(), Some(15), "{world:?}");
    }
}

/// What the program is told of itself is what it is natively.
#[test]
fn its_identity_and_descriptors() {
    for world in World::UNTRACED {
        let script = "echo $$ $PPID; for fd in /proc/$$/fd/*; do echo ${fd##*/}; done";
        let own = std::process::id();
        let program = Running::start(world.command("/bin/sh").args(["-c", script]).stdin(Stdio::null()));
        let pid = program.pid;
        let native = run(World::Native.command("/bin/sh").args(["-c", script]).stdin(Stdio::null()));
        let (_, descriptors) = native.stdout.split_once('\n').expect("two lines");
        let expected = format!("{pid} {own}\n{descriptors}");
        assert_eq!(program.finish(), Finished::exited(0, &expected, ""), "{world:?}");
    }
}
