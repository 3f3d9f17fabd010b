//! The options of `run`: on the command line, and in SOCKETCALL_OPTIONS.

use guest32::{Entry, Program};

use crate::harness::{Calls, Counts, Finished, Running, Scratch, run, run_counted, socketcall_run};

fn with_options(options: &str, arguments: &[&str]) -> Finished {
    run(socketcall_run(arguments.iter().copied()).env("SOCKETCALL_OPTIONS", options))
}

#[test]
fn options_come_from_the_environment_too() {
    for options in ["-v", "--verbose", "  -v\t", "'-v'", r"\-v", "--verb\"ose\""] {
        let (finished, counts) = with_options(options, &["/bin/echo", "-n", "word"]).split();
        assert_eq!(finished, Finished::exited(0, "word", ""), "{options}");
        assert_eq!(counts, Counts::none(), "{options}");
    }
    for options in ["", "  "] {
        assert_eq!(with_options(options, &["/bin/echo"]), Finished::exited(0, "\n", ""), "{options:?}");
    }
    // Said twice, by both.
    let (finished, counts) = with_options("-v", &["-v", "--", "/bin/echo"]).split();
    assert_eq!((finished, counts), (Finished::exited(0, "\n", ""), Counts::none()));
}

/// The program would otherwise be one that nobody sees on the command line.
#[test]
fn options_that_are_none_are_refused() {
    for (options, complaint) in [
        ("-v /bin/false", "unexpected argument '/bin/false' found"),
        ("-- /bin/false", "'--' ends the options, and a program can't follow here"),
        ("--", "'--' ends the options, and a program can't follow here"),
        ("/bin/false", "unexpected argument '/bin/false' found"),
        ("--no-such-option", "unexpected argument '--no-such-option' found"),
        ("-x", "unexpected argument '-x' found"),
        ("--help", "unexpected argument '--help' found"),
        ("''", "unexpected argument '' found"),
    ] {
        let expected = format!("socketcall: SOCKETCALL_OPTIONS: {complaint}\n");
        assert_eq!(with_options(options, &["/bin/echo"]), Finished::exited(125, "", &expected), "{options}");
    }
    for options in ["'", "-v \"", "-v \\"] {
        let expected =
            format!("socketcall: SOCKETCALL_OPTIONS: not words as a shell splits them: {options:?}\n");
        assert_eq!(with_options(options, &["/bin/echo"]), Finished::exited(125, "", &expected), "{options}");
    }
}

#[test]
fn the_program_gets_the_variable_as_it_was() {
    let finished = with_options("-v", &["/bin/sh", "-c", "echo $SOCKETCALL_OPTIONS"]);
    assert_eq!(finished.split().0, Finished::exited(0, "-v\n", ""));
}

/// What comes behind the program's name is the program's, whatever it looks like.
#[test]
fn the_programs_arguments_are_not_ours() {
    for arguments in
        [&["/bin/echo", "-v", "--", "--help", "-x"][..], &["--", "/bin/echo", "-v", "--", "--help", "-x"]]
    {
        let finished = run(&mut socketcall_run(arguments.iter().copied()));
        assert_eq!(finished, Finished::exited(0, "-v -- --help -x\n", ""), "{arguments:?}");
    }
    let finished = run(&mut socketcall_run(["/bin/echo", "", "a b", "*", "\u{e4}"]));
    assert_eq!(finished, Finished::exited(0, " a b * \u{e4}\n", ""));
}

#[test]
fn without_verbose_nothing_is_said() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        scratch.guest(Program::Article, entry);
        let path = scratch.text(&format!("article-{}", entry.name()));
        assert_eq!(run(&mut socketcall_run(["--", &path])), Finished::exited(0, "", ""));
    }
}

/// A direct call of the program's own is not one that was taken apart.
#[test]
fn programs_are_named_by_the_path_that_was_executed() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    let guest = scratch.guest(Program::Article, Entry::Vdso);
    let odd = scratch.path("a name\nwith \u{1b}[31m two lines");
    std::os::unix::fs::symlink(guest, &odd).expect("a link");
    let command = &mut socketcall_run(["-v", "--"]);
    let running = Running::start(command.arg(odd));
    let pid = running.pid;
    // What a terminal would obey is escaped.
    let stderr = running.finish().stderr;
    let line = format!("socketcall: {pid} a name\\nwith \\u{{1b}}[31m two lines: stub 1, trap 0, direct 0\n");
    assert_eq!(stderr, format!("{line}socketcall: total: stub 1, trap 0, direct 0\n"));
}

#[test]
fn a_script_that_a_guest_interprets_is_counted_by_its_own_name() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        scratch.guest(Program::Article, entry);
        let interpreter = scratch.text(&format!("article-{}", entry.name()));
        let script = scratch.executable("script", format!("#!{interpreter}\n").as_bytes());
        let (pid, finished, counts) = run_counted(socketcall_run(["-v", "--"]).arg(script));
        assert_eq!(finished, Finished::exited(0, "", ""));
        assert_eq!(counts, Counts::one(pid, "script", Calls::by(entry, 1)));
    }
}
