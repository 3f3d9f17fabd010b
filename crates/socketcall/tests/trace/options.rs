//! Options.

use guest32::{Entry, Program};

use crate::harness::{Scratch, errors, finish, trace, without_numbers};

/// What is written of a program that makes all calls, with these options.
fn with(options: &[&str]) -> String {
    let scratch = Scratch::new();
    let program = scratch.guest(Program::AllCalls, Entry::Vdso);
    errors(trace(options).arg(&program))
}

#[test]
fn calls_by_name_and_result() {
    let named = with(&["-qq", "-e", "trace=bind,listen"]);
    assert!(named.lines().all(|line| line.starts_with("bind(") || line.starts_with("listen(")), "{named}");
    assert_eq!(named.lines().count(), 5, "{named}");
    let failed = with(&["-qq", "-Z"]);
    assert!(!failed.is_empty() && failed.lines().all(|line| line.contains("= -1 E")), "{failed}");
    let successful = with(&["-qq", "-z"]);
    assert!(!successful.is_empty() && !successful.contains("= -1 "), "{successful}");
    let again = with(&["-qq", "-e", "status=failed"]);
    assert_eq!(without_numbers(&again), without_numbers(&failed));
}

#[test]
fn counts_and_sockets() {
    let text = with(&["-c", "--sockets"]);
    assert!(text.starts_with("System call usage summary for 32 bit mode:\n% time     seconds"), "{text}");
    let send = text.lines().find(|line| line.contains(" send ")).unwrap();
    assert!(send.ends_with(" 4 vdso 1"), "{send}");
    let sockets = text.lines().filter(|line| line.contains(" TCP ")).count();
    assert_eq!(sockets, 5, "{text}");
    assert!(
        text.lines()
            .any(|line| line.contains(" TCP ") && line.contains("127.0.0.1:") && line.ends_with(" 0"))
    );
}

#[test]
fn descriptors() {
    let text = with(&["-yy", "-e", "trace=connect"]);
    assert!(text.contains("connect(4<TCP:["), "{text}");
    let text = with(&["-y", "-e", "trace=connect"]);
    assert!(text.contains("connect(4<socket:["), "{text}");
}

#[test]
fn objects() {
    let text = with(&["--json"]);
    let mut calls = 0;
    for line in text.lines() {
        let object: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if object["event"] == "call" {
            calls += 1;
            assert_eq!((&object["abi"], &object["entry"]), (&"i386".into(), &"vdso".into()));
        }
    }
    assert_eq!(calls, 32, "{text}");
}

/// Digits are shown as 0, as many as there are.
#[test]
fn times_are_as_exact_as_they_are_asked_for() {
    for (options, expected) in [
        (&["--timestamps"][..], "00:00:00 bind("),
        (&["--absolute-timestamps=precision:ns"], "00:00:00.000000000 bind("),
        (&["--timestamps=unix,ms"], "0000000000.000 bind("),
        (&["-r"], "     0.000000 bind("),
        (&["--relative-timestamps=ns"], "     0.000000000 bind("),
        (&["-tt", "--relative-timestamps=s"], "00:00:00.000000 (+     0) bind("),
        (&["--seccomp-bpf"], "bind("),
    ] {
        let text = with(&[&["-qq", "-e", "trace=bind"], options].concat())
            .replace(|c: char| c.is_ascii_digit(), "0");
        assert!(text.starts_with(expected), "{options:?}: {text}");
    }
    for (options, expected) in [
        (&["-T"][..], " <0.000000>"),
        (&["--syscall-times=ms"], " <0.000>"),
        (&["--syscall-times=ms", "-rT"], " <0.000000>"),
    ] {
        let text = with(&[&["-qq", "-e", "trace=bind"], options].concat())
            .replace(|c: char| c.is_ascii_digit(), "0");
        assert!(text.lines().all(|line| line.ends_with(expected)), "{options:?}: {text}");
    }
}

#[test]
fn strace_s_other_options_are_refused() {
    for (arguments, told) in [
        (&["--inject", "true"][..], "unexpected argument '--inject'"),
        (&["-e", "inject=connect:error=EPERM", "true"], "-e inject= is strace's alone"),
        (&["-e", "trace=%file", "true"], "no network call or group is called '%file'"),
        (&["-e", "connnect", "true"], "near names: connect"),
        (&["-q", "-e", "quiet=exit", "true"], "can't be used together"),
        (&["--timestamps=fine", "true"], "`fine` is neither a format (none, time, unix) nor a precision"),
        (&["--syscall-times=fine", "true"], "invalid value 'fine'"),
        (&["-t", "--timestamps", "true"], "cannot be used with"),
        (&["-ff", "-o", "|cat", "true"], "leave out -ff"),
    ] {
        let output = finish(&mut trace(arguments));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(125) && said.contains(told), "{arguments:?}: {said}");
    }
}
