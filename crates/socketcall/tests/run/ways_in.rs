//! How programs are found and started: PATH, scripts, files without `#!`; and how their ends are told. env(1) is
//! the oracle, which does with execvp(3) what `run` does.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

use guest32::{Entry, Program};
use nix::unistd::Uid;

use crate::harness::{
    Calls, Counts, Finished, SOCKETCALL, Scratch, World, clean, run, run_counted, socketcall_run,
};

/// Both `env` and `run` with these arguments, in the given PATH; they must agree. Answers their end.
fn as_env_does(path: &str, arguments: &[&str]) -> Finished {
    let mut env = Command::new("/usr/bin/env");
    let native = run(env.args(arguments).env("PATH", path));
    let supervised = run(socketcall_run(["--"]).args(arguments).env("PATH", path));
    assert_eq!(supervised, native, "PATH={path} {arguments:?}");
    native
}

#[test]
fn a_program_without_a_slash_is_looked_for_in_path() {
    let scratch = Scratch::new();
    for directory in ["first", "second"] {
        std::fs::create_dir(scratch.path(directory)).expect("a new directory");
        scratch
            .executable(&format!("{directory}/tool"), format!("#!/bin/sh\necho {directory} $0\n").as_bytes());
    }
    let [first, second] = ["first", "second"].map(|directory| scratch.text(directory));
    let found = |path: &str| as_env_does(path, &["tool"]).stdout;
    assert_eq!(found(&format!("{first}:{second}")), format!("first {first}/tool\n"));
    assert_eq!(found(&format!("{second}:{first}")), format!("second {second}/tool\n"));
    assert_eq!(found(&format!("/nowhere:{first}:{second}")), format!("first {first}/tool\n"));
    // A directory of that name, or a file that may not be executed, does not end the search.
    scratch.mode("first/tool", 0o644);
    assert_eq!(found(&format!("{first}:{second}")), format!("second {second}/tool\n"));
    std::fs::create_dir(scratch.path("directories")).expect("a new directory");
    std::fs::create_dir(scratch.path("directories/tool")).expect("a new directory");
    let directories = scratch.text("directories");
    assert_eq!(found(&format!("{directories}:{second}")), format!("second {second}/tool\n"));
    // Nor does a directory that may not be searched.
    if !Uid::effective().is_root() {
        scratch.mode("directories", 0);
        assert_eq!(found(&format!("{directories}:{second}")), format!("second {second}/tool\n"));
        scratch.mode("directories", 0o755);
    }
}

/// As a user without rights: a directory in PATH that may not be searched does not end the search.
#[test]
fn a_directory_that_may_not_be_searched_is_passed_by() {
    if !Uid::effective().is_root() {
        return; // The test above has shown it.
    }
    let scratch = Scratch::public();
    scratch.executable("socketcall", &std::fs::read(SOCKETCALL).expect("the program under test"));
    for directory in ["closed", "open"] {
        std::fs::create_dir(scratch.path(directory)).expect("a new directory");
        scratch.executable(&format!("{directory}/tool"), format!("#!/bin/sh\necho {directory}\n").as_bytes());
    }
    scratch.mode("closed", 0o700);
    let path = format!("{}:{}", scratch.text("closed"), scratch.text("open"));
    let mut command = Command::new(scratch.path("socketcall"));
    clean(command.args(["run", "--", "tool"]).env("PATH", path).uid(65534).gid(65534));
    assert_eq!(run(&mut command), Finished::exited(0, "open\n", ""));
}

#[test]
fn an_empty_part_of_path_is_the_current_directory() {
    let scratch = Scratch::new();
    scratch.executable("tool", b"#!/bin/sh\necho here $0\n");
    for path in ["", ":/nowhere", "/nowhere:", "/nowhere::/nowhere", "."] {
        let mut command = socketcall_run(["--", "tool"]);
        let finished = run(command.env("PATH", path).current_dir(scratch.path("")));
        assert_eq!(finished, Finished::exited(0, "here ./tool\n", ""), "{path:?}");
    }
    // And where there is no PATH, the system's own.
    let finished = run(socketcall_run(["--", "true"]).env_remove("PATH"));
    assert_eq!(finished, Finished::exited(0, "", ""));
}

#[test]
fn scripts_run_by_their_first_line() {
    let scratch = Scratch::new();
    let path = scratch.text("script");
    for (content, stdout) in [
        ("#!/bin/sh\necho \"$0\" \"$@\"\n", format!("{path} a b c\n")),
        ("#! /bin/sh -u\necho \"$-\" \"$#\"\n", "u 2\n".to_owned()),
        ("#!/usr/bin/env sh\necho env\n", "env\n".into()),
        // Without a first line, the shell gets it, as execvp(3) has it.
        ("echo \"$0\" \"$@\"\n", format!("{path} a b c\n")),
        ("", String::new()),
        ("exit 3\n", String::new()),
    ] {
        scratch.executable("script", content.as_bytes());
        let finished = as_env_does("/usr/bin:/bin", &[&path, "a", "b c"]);
        assert_eq!((finished.stdout, finished.stderr), (stdout, String::new()), "{content:?}");
    }
    // A script whose interpreter is a script.
    scratch.executable("inner", b"#!/bin/sh\necho inner \"$1\"\n");
    scratch.executable("outer", format!("#!{}\n", scratch.text("inner")).as_bytes());
    let outer = scratch.text("outer");
    assert_eq!(as_env_does("/bin", &[&outer]).stdout, format!("inner {outer}\n"));
}

#[test]
fn guests_in_scripts_are_served() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    let [vdso, int80] = [Entry::Vdso, Entry::Int80].map(|entry| scratch.guest(Program::Article, entry));
    for (first_line, way) in [("#!/bin/sh", "by its first line"), ("", "without one")] {
        let script = format!("{first_line}\n{}\n{}\nexit 9\n", vdso.display(), int80.display());
        let path = scratch.executable("script", script.as_bytes());
        for world in World::RUNS {
            let (pid, finished, counts) = run_counted(&mut world.command(&path));
            assert_eq!(finished, Finished::exited(9, "", ""), "{way} {world:?}");
            assert!(counts.programs.iter().all(|(child, _, _)| *child != pid), "the shell calls nobody");
            let calls: Vec<_> =
                counts.programs.iter().map(|(_, name, calls)| (name.as_str(), *calls)).collect();
            let expected =
                [("article-vdso", Calls::by(Entry::Vdso, 1)), ("article-int80", Calls::by(Entry::Int80, 1))];
            assert_eq!(calls, expected, "{way} {world:?}");
        }
    }
}

#[test]
fn the_exit_status_is_the_programs_own() {
    for status in [0, 1, 7, 64, 125, 126, 127, 128, 255] {
        for world in World::RUNS {
            let exit = format!("exit {status}");
            let (_, finished, counts) = run_counted(world.command("/bin/sh").args(["-c", &exit]));
            assert_eq!((finished, counts), (Finished::exited(status, "", ""), Counts::none()), "{world:?}");
        }
    }
}

#[test]
fn a_death_by_signal_is_the_programs_own() {
    for (name, number) in [("TERM", 15), ("KILL", 9), ("ABRT", 6), ("SEGV", 11), ("SYS", 31), ("USR1", 10)] {
        let script = format!("ulimit -c 0; kill -{name} $$");
        let native = run(World::Native.command("/bin/sh").args(["-c", &script]));
        assert_eq!(native.status.signal(), Some(number));
        for world in World::RUNS {
            let (_, finished, _) = run_counted(world.command("/bin/sh").args(["-c", &script]));
            assert_eq!(finished, native, "{world:?}");
        }
    }
}

/// A guest's death by signal too: here in the middle of waiting for a connection.
#[test]
fn a_guest_dies_of_a_signal_in_a_call() {
    require_32_bit_kernel!();
    use crate::harness::Running;
    use nix::sys::signal::Signal;
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        let path = scratch.guest(Program::EchoServer, entry);
        for world in World::RUNS {
            let mut server = Running::start(&mut world.command(&path));
            server.line();
            server.signal(Signal::SIGTERM);
            let (finished, counts) = server.finish().split();
            assert_eq!(finished.status.signal(), Some(15), "{entry:?} {world:?}");
            assert_eq!(finished.stderr, "", "{entry:?} {world:?}");
            // socket, bind, listen, getsockname, and perhaps the accept, if it had come so far.
            let total = counts.total.expect("a total");
            assert!([4, 5].contains(&(total.stub + total.trap)), "{entry:?} {world:?} {counts:?}");
        }
    }
}
