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

/// What was meant for every run yields to what is asked for this one.
#[test]
fn the_command_line_wins_over_the_environment() {
    let scratch = Scratch::new();
    let file = |name: &str| scratch.text(name);
    let (finished, counts) = with_options("--untraced", &["-v", "/bin/echo"]).split();
    assert_eq!((finished, counts), (Finished::exited(0, "\n", ""), Counts::none()));
    for options in ["-v", "--verbose", "-v --trace", "--trace --entry", "--trace=/nonexistent/file -v"] {
        let untraced = with_options(options, &["--untraced", "/bin/echo"]);
        assert_eq!(untraced, Finished::exited(0, "\n", ""), "{options}");
    }
    let rules = ["--deny", "family=alg"];
    let log = |options: String, own: &str, path: &str| {
        let arguments = [&rules[..], &[own, path, "/bin/echo"]].concat();
        let finished = with_options(&options, &arguments);
        assert_eq!((finished.status.code(), finished.stdout.as_str()), (Some(0), "\n"), "{finished:?}");
    };
    log(format!("--log {}", file("a")), "--log-json", &file("b"));
    log(format!("--log-json={}", file("c")), "--log", &file("d"));
    log(format!("--log {}", file("e")), "--log", &file("f"));
    log("--untraced --deny family=vsock".to_owned(), "--log", &file("g"));
    let made = ["a", "b", "c", "d", "e", "f", "g"].map(|name| scratch.path(name).exists());
    assert_eq!(made, [false, true, false, true, false, true, true]);
    // Rules of both count, and what is wrong on one side stays wrong.
    let both = with_options("--untraced --log x", &["--deny", "family=alg", "/bin/echo"]);
    assert_eq!(both.status.code(), Some(125), "{both:?}");
    let own = with_options("-v", &["--log", "x", "--log-json", "y", "/bin/echo"]);
    assert_eq!(own.status.code(), Some(125), "{own:?}");
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
