//! What the process that was started keeps when it becomes the program: all that it would natively.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, Uid, getsid};

use crate::harness::{Running, SOCKETCALL, Scratch, World, clean, run, run_counted, skip, supervisor};

const WORLDS: [World; 3] = [World::Native, World::Run, World::RunDenied];

/// The fields of /proc/PID/stat from `pid` on: the name stands in brackets, and these follow it.
fn stat(line: &str) -> Vec<i64> {
    let (pid, rest) = line.split_once(' ').expect("two fields");
    let (_, rest) = rest.rsplit_once(") ").expect("a name in brackets");
    let numbers = rest.split_whitespace().skip(1);
    [pid].into_iter().chain(numbers).map(|field| field.parse().unwrap_or(-1)).collect()
}

#[test]
fn its_identity() {
    let session = getsid(None).expect("a session");
    for world in WORLDS {
        let (pid, finished, _) = run_counted(world.command("/bin/cat").arg("/proc/self/stat"));
        let [own, parent, group, its_session, ..] = stat(&finished.stdout)[..] else {
            panic!("{finished:?}")
        };
        assert_eq!(own, i64::from(pid), "{world:?}");
        assert_eq!(parent, i64::from(std::process::id()), "{world:?}");
        assert_eq!(group, i64::from(pid), "{world:?}: the harness gives it a group of its own");
        assert_eq!(its_session, i64::from(session.as_raw()), "{world:?}");
    }
}

/// What /proc/PID/status says that is the program's own; which is to be the same in every world.
fn own_status(status: &str) -> Vec<&str> {
    const OWN: [&str; 16] = [
        "Name", "Umask", "Uid", "Gid", "Groups", "Threads", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt",
        "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
    ];
    let more: &[&str] = if Uid::effective().is_root() { &["NoNewPrivs"] } else { &[] };
    let all =
        OWN.iter().chain(["Cpus_allowed", "Mems_allowed", "CoreDumping", "THP_enabled"].iter()).chain(more);
    let found = all.filter_map(|name| status.lines().find(|line| line.split(':').next() == Some(name)));
    found.collect()
}

#[test]
fn its_signals_rights_and_mask() {
    // What the shell ignores stays ignored. The thread's mask is inherited.
    let mut blocked = SigSet::empty();
    blocked.extend([Signal::SIGUSR2, Signal::SIGSYS, Signal::SIGWINCH]);
    for trap in ["", "trap '' PIPE;", "trap '' SYS INT;", "trap '' PIPE CHLD HUP;", "umask 027;"] {
        for mask in [SigSet::empty(), blocked] {
            let script = format!("{trap} exec \"$@\"");
            let former = mask.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_SETMASK).expect("a mask");
            let in_world = |world: World| {
                let command = world.command("/bin/cat");
                let arguments: Vec<_> = command.get_args().collect();
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &script, "sh"]).arg(command.get_program()).args(arguments);
                run(clean(&mut shell).arg("/proc/self/status"))
            };
            let native = in_world(World::Native);
            let supervised = in_world(World::Run);
            former.thread_set_mask().expect("the mask that was there");
            assert!(own_status(&native.stdout).len() >= 17, "{native:?}");
            assert_eq!(own_status(&supervised.stdout), own_status(&native.stdout), "{trap} {mask:?}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    for world in WORLDS {
        // What it writes to, here by descriptor 0, has no reader any more.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = world.command("/bin/sh");
        let yes = Running::start(command.args(["-c", "exec yes >&0"]).stdin(writer));
        drop((reader, command));
        assert_eq!(yes.finish().status.signal(), Some(Signal::SIGPIPE as i32), "{world:?}");
    }
}

#[test]
fn its_arguments_and_environment() {
    let read = |world: World, file: &str| {
        let mut command = world.command("/bin/cat");
        // In an order of its own, with odd ones among them.
        command.env_clear().env("Z", "1").env("A", "").env("PATH", "/bin").env("A B", "=x=\n");
        run_counted(command.arg(file).args(["", "/dev/null"])).1.stdout
    };
    for file in ["/proc/self/environ", "/proc/self/cmdline"] {
        for world in World::RUNS {
            assert_eq!(read(world, file), read(World::Native, file), "{world:?}");
        }
    }
    assert_eq!(read(World::Run, "/proc/self/cmdline"), "/bin/cat\0/proc/self/cmdline\0\0/dev/null\0");
}

#[test]
fn its_limits_directory_niceness_and_personality() {
    let scratch = Scratch::new();
    let show =
        "ulimit -S -n; ulimit -H -n; ulimit -s; ulimit -c; pwd -P; umask; nice; cat /proc/self/personality";
    let set = "ulimit -S -n 77; ulimit -H -n 99; ulimit -s 4096; ulimit -c 0; umask 0137; exec nice -n 7 \
               setarch -R \"$@\"";
    let in_world = |world: World| {
        let command = world.command("/bin/sh");
        let arguments: Vec<_> = command.get_args().collect();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", set, "sh"]).arg(command.get_program()).args(arguments).args(["-c", show]);
        run_counted(clean(&mut shell).current_dir(scratch.path(""))).1
    };
    let native = in_world(World::Native);
    assert!(native.status.success(), "{native:?}");
    assert!(native.stdout.starts_with("77\n99\n4096\n0\n"), "{native:?}");
    assert!(native.stdout.contains("\n0137\n") && native.stdout.ends_with("\n00040000\n"), "{native:?}");
    assert_eq!(in_world(World::Run), native);
}

/// The program's descriptors, and where its standard ones lead to, with those of `closed` closed.
fn descriptors(scratch: &Scratch, world: World, verbose: bool, closed: &str) -> String {
    let out = scratch.text("descriptors");
    let script = format!("for fd in /proc/$$/fd/*; do echo ${{fd##*/}}; done >{out}");
    let mut shell = Command::new("/bin/sh");
    let redirect = format!("exec 7</dev/null; exec \"$@\" {closed}");
    shell.args(["-c", &redirect, "sh"]);
    if world != World::Native {
        shell.args([SOCKETCALL, "run"]).args(verbose.then_some("-v"));
    }
    shell.args(["/bin/sh", "-c", &script]);
    let finished = run(clean(&mut shell));
    assert!(finished.status.success(), "{world:?} {closed}: {finished:?}");
    fs::read_to_string(out).expect("what it wrote")
}

#[test]
fn its_descriptors_the_closed_ones_too() {
    let scratch = Scratch::new();
    for bits in 0..8 {
        let parts = [(1, "0<&-"), (2, "1>&-"), (4, "2>&-")];
        let closed: Vec<_> = parts.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, text)| *text).collect();
        let closed = closed.join(" ");
        let native = descriptors(&scratch, World::Native, false, &closed);
        assert!(native.contains('7'), "{native}");
        for verbose in [false, true] {
            assert_eq!(descriptors(&scratch, World::Run, verbose, &closed), native, "{closed} {verbose}");
        }
    }
}

#[test]
fn nobody_else_holds_its_descriptors() {
    for verbose in [None, Some("-v")] {
        let mut command = Command::new(SOCKETCALL);
        clean(command.arg("run").args(verbose).args(["/bin/sh", "-c", "echo; exec sleep 60"]));
        let mut sleep = Running::start(command.stdin(Stdio::piped()));
        sleep.line();
        let supervisor = supervisor(sleep.pid);
        let directory = format!("/proc/{supervisor}/fd");
        // It can't be looked into by the program's user: it is not dumpable.
        match fs::read_dir(&directory) {
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
                assert!(!Uid::effective().is_root());
            }
            Ok(entries) => {
                let mut names: Vec<_> =
                    entries.map(|entry| entry.expect("a descriptor").file_name()).collect();
                names.sort();
                assert_eq!(names, ["0", "1", "2"]);
                for number in [0, 1] {
                    let link = fs::read_link(format!("{directory}/{number}")).expect("a descriptor");
                    assert_eq!(link, Path::new("/dev/null"));
                }
            }
        }
    }
}

#[test]
fn its_terminal() {
    const SCRIPT: &str = "/usr/bin/script";
    if !Path::new(SCRIPT).exists() {
        return skip("script(1) of bsdutils is not here");
    }
    let on_a_terminal = |program: &str| {
        let mut command = Command::new(SCRIPT);
        // `exec`, as not every shell spares itself the fork for the last command.
        let exec = format!("exec {program} cat /proc/self/stat");
        command.args(["-qec", &exec, "/dev/null"]).stdin(Stdio::null());
        let finished = run(clean(&mut command));
        let [own, _, group, session, terminal, foreground, ..] = stat(finished.stdout.trim())[..] else {
            panic!("{finished:?}")
        };
        assert_ne!(terminal, 0, "{program}: it has a terminal");
        assert_eq!(foreground, group, "{program}: it is in the foreground there");
        (own == group, own == session)
    };
    assert_eq!(on_a_terminal(&format!("{SOCKETCALL} run")), on_a_terminal(""));
}

#[test]
fn its_supervisor_is_in_a_session_of_its_own() {
    let mut sleep = Running::start(World::Run.command("/bin/sh").args(["-c", "echo; exec sleep 60"]));
    sleep.line();
    let supervisor = Pid::from_raw(supervisor(sleep.pid).cast_signed());
    assert_eq!(getsid(Some(supervisor)).expect("a process"), supervisor);
    let cwd = fs::read_link(format!("/proc/{supervisor}/cwd"));
    assert!(cwd.is_err() || cwd.is_ok_and(|cwd| cwd == Path::new("/")), "no directory is held busy");
}
