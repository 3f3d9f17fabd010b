//! Where it is written to, and what becomes of the program if it can't be.

use guest32::{Entry, Program};

use crate::harness::{Scratch, finish, trace};

#[test]
fn a_full_disk_does_not_stop_the_program() {
    let scratch = Scratch::new();
    let program = scratch.guest(Program::AllCalls, Entry::Vdso);
    let output = finish(trace(&["-o", "/dev/full"]).arg(&program));
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("sendmsg-compat-flag 1\n"));
    let said = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("socketcall: /dev/full: No space left on device"), "{said}");
    assert!(lines[1].contains(" lines were lost: "), "{said}");
}

#[test]
fn a_reader_that_leaves_does_not_stop_the_program() {
    let scratch = Scratch::new();
    let program = scratch.guest(Program::AllCalls, Entry::Int80);
    let script = format!("for i in 1 2 3; do {} >/dev/null; done; echo done", program.display());
    let output = finish(trace(&["-o", "|exec head -n 1 >/dev/null"]).args(["/bin/sh", "-c", &script]));
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"done\n"[..]));
}

#[test]
fn appended_and_separate_files() {
    let scratch = Scratch::new();
    let program = scratch.guest(Program::Article, Entry::Int80);
    let file = scratch.path("trace");
    let name = file.to_str().unwrap();
    for _ in 0..2 {
        assert!(finish(trace(&["-A", "-o", name]).arg(&program)).status.success());
    }
    assert_eq!(scratch.read("trace").matches("socket(").count(), 2);
    assert!(finish(trace(&["-o", name]).arg(&program)).status.success());
    assert_eq!(scratch.read("trace").matches("socket(").count(), 1);
    let script = format!("{}; exit 0", program.display());
    assert!(finish(trace(&["-ff", "-o", name]).args(["/bin/sh", "-c", &script])).status.success());
    let files = std::fs::read_dir(file.parent().unwrap()).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("trace.")).count(), 2, "{names:?}");
}

#[test]
fn a_command_gets_all_of_it() {
    let scratch = Scratch::new();
    let program = scratch.guest(Program::Article, Entry::Vdso);
    let command = format!("|cat >{}", scratch.path("copy").display());
    assert!(finish(trace(&["-o", &command]).arg(&program)).status.success());
    let copy = scratch.read("copy");
    assert!(copy.contains("socket(AF_INET, ") && copy.ends_with("+++ exited with 0 +++\n"), "{copy}");
}
