//! Whose life hangs on whose: the program, its supervisor, what the program started, and who started it.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use guest32::{Entry, Program};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::harness::{
    Calls, Finished, Running, Scratch, World, clean, eventually, is_gone, run_counted, socketcall_run,
    status_field, supervisor,
};

/// A program that has told that it runs.
fn sleeper(world: World) -> Running {
    let mut sleeper = Running::start(world.command("/bin/sh").args(["-c", "echo; exec sleep 60"]));
    sleeper.line();
    sleeper
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed())
}

#[test]
fn a_killed_program_leaves_no_supervisor() {
    for world in World::RUNS {
        for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGSEGV] {
            let program = sleeper(world);
            let supervisor = supervisor(program.pid);
            program.signal(signal);
            assert_eq!(program.finish().status.signal(), Some(signal as i32), "{world:?}");
            assert!(eventually(|| is_gone(supervisor)), "{world:?} {signal}");
        }
    }
}

#[test]
fn a_killed_supervisor_takes_the_program_along() {
    for world in World::RUNS {
        let script = "sleep 60 & echo $!; exec sleep 60";
        let mut program = Running::start(world.command("/bin/sh").args(["-c", script]));
        let child: u32 = program.line().parse().expect("a process id");
        assert_eq!(supervisor(child), supervisor(program.pid), "one supervisor serves them all");
        kill(pid(supervisor(program.pid)), Signal::SIGKILL).expect("a supervisor");
        // Nothing may go on whose calls nobody takes apart.
        assert_eq!(program.finish().status.signal(), Some(Signal::SIGKILL as i32), "{world:?}");
        assert!(eventually(|| is_gone(child)), "{world:?}");
    }
}

#[test]
fn stop_and_continue_are_seen_by_the_parent() {
    const CHANGES: WaitPidFlag = WaitPidFlag::WUNTRACED.union(WaitPidFlag::WCONTINUED);
    for world in [World::Native, World::Run, World::RunDenied] {
        let program = sleeper(world);
        let changed = || {
            let mut status = WaitStatus::StillAlive;
            let waited = eventually(|| {
                status = waitpid(program.nix_pid(), Some(CHANGES | WaitPidFlag::WNOHANG)).expect("a child");
                status != WaitStatus::StillAlive
            });
            assert!(waited, "{world:?}: the parent hears nothing");
            status
        };
        for signal in [Signal::SIGSTOP, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGSTOP] {
            program.signal(signal);
            // In a group of its own whose parent is in the session, a stop by the terminal's signals works.
            assert_eq!(changed(), WaitStatus::Stopped(program.nix_pid(), signal), "{world:?}");
            let state = status_field(program.pid, "State").expect("a process");
            assert!(state.starts_with(['T', 't']), "{world:?} {signal}: {state}");
            program.signal(Signal::SIGCONT);
            assert_eq!(changed(), WaitStatus::Continued(program.nix_pid()), "{world:?}");
        }
        program.signal(Signal::SIGTERM);
        assert_eq!(program.finish().status.signal(), Some(Signal::SIGTERM as i32), "{world:?}");
    }
}

/// A stopped program that is killed, and one that is told to end while it is stopped.
#[test]
fn a_stopped_program_can_be_ended() {
    for (signal, then) in [(Signal::SIGKILL, None), (Signal::SIGTERM, Some(Signal::SIGCONT))] {
        let program = sleeper(World::Run);
        let supervisor = supervisor(program.pid);
        program.signal(Signal::SIGSTOP);
        let state = || status_field(program.pid, "State").unwrap_or_default();
        assert!(eventually(|| state().starts_with(['T', 't'])), "{}", state());
        program.signal(signal);
        if let Some(then) = then {
            program.signal(then);
        }
        assert_eq!(program.finish().status.signal(), Some(signal as i32));
        assert!(eventually(|| is_gone(supervisor)));
    }
}

/// Whoever reads what the program writes must not wait for what it leaves behind.
#[test]
fn a_daemon_keeps_no_reader_waiting() {
    let script = "(exec sleep 60 <&- >&- 2>&-) & echo $!";
    let start = Instant::now();
    let mut command = socketcall_run(["--", "/bin/sh", "-c", script]);
    let finished = Running::start(clean(&mut command)).finish();
    let took = start.elapsed();
    let daemon: u32 = finished.stdout.trim().parse().expect("a process id");
    let alive = !is_gone(daemon);
    let supervised = status_field(daemon, "TracerPid");
    kill(pid(daemon), Signal::SIGKILL).expect("a daemon");
    assert!(alive && took < Duration::from_secs(20), "the reader waited for {took:?}");
    assert_eq!(finished, Finished::exited(0, &format!("{daemon}\n"), ""));
    let supervisor: u32 = supervised.and_then(|tracer| tracer.parse().ok()).expect("a supervisor");
    assert_ne!(supervisor, 0, "a daemon is served when the program is gone");
    assert!(eventually(|| is_gone(daemon) && is_gone(supervisor)), "the last one takes the supervisor along");
}

/// The same with calls: the daemon's are taken apart, and counted, when the program has long ended.
#[test]
fn what_outlives_the_program_is_served() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        let path = scratch.guest(Program::ForkCalls, entry);
        for world in World::RUNS {
            // The program ends at once; the shell in the background waits for it, then calls.
            let script = format!(
                "parent=$$; (while kill -0 $parent; do sleep 0.01; done; {} 3) 2>&- &",
                path.display()
            );
            let (_, finished, counts) = run_counted(world.command("/bin/sh").args(["-c", &script]));
            assert_eq!(finished, Finished::exited(0, "3 children\n", ""), "{entry:?} {world:?}");
            assert_eq!(counts.total, Some(Calls::by(entry, 12)), "{entry:?} {world:?}");
        }
    }
}

#[test]
fn two_thousand_processes_leave_nobody() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    let [vdso, int80] = [Entry::Vdso, Entry::Int80].map(|entry| scratch.guest(Program::ForkCalls, entry));
    for (path, entry, world) in [(vdso, Entry::Vdso, World::RunDenied), (int80, Entry::Int80, World::Run)] {
        let script = format!("echo; read go; {} 2000; echo; read go", path.display());
        let mut command = world.command("/bin/sh");
        let mut shell = Running::start(command.args(["-c", &script]).stdin(std::process::Stdio::piped()));
        shell.line();
        let supervisor = supervisor(shell.pid);
        shell.feed(b"\n");
        assert_eq!((shell.line(), shell.line()), ("2000 children".into(), String::new()));
        // All that the supervisor traced is gone, but the shell; and it has no child of its own.
        let traced = || {
            let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
            let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
            pids.filter(|&pid| {
                let field = |name| status_field(pid, name).and_then(|value| value.parse::<u32>().ok());
                field("TracerPid") == Some(supervisor) || field("PPid") == Some(supervisor)
            })
            .collect::<Vec<_>>()
        };
        assert!(eventually(|| traced() == [shell.pid]), "{entry:?} {world:?}: {:?}", traced());
        shell.feed(b"\n");
        let (finished, counts) = shell.finish().split();
        assert_eq!(finished, Finished::exited(0, "", ""), "{entry:?} {world:?}");
        assert_eq!(counts.total, Some(Calls::by(entry, 8000)), "{entry:?} {world:?}");
        assert!(eventually(|| is_gone(supervisor)), "{entry:?} {world:?}");
    }
}
