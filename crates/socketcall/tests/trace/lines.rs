//! What is written of programs.

use guest32::{Entry, Program};

use crate::harness::{Scratch, errors, finish, trace, without_numbers};

#[test]
fn a_32_bit_program_by_both_entries() {
    let scratch = Scratch::new();
    for (entry, way) in [(Entry::Int80, "int80"), (Entry::Vdso, "vdso")] {
        let program = scratch.guest(Program::Article, entry);
        let plain = errors(trace(&[]).arg(&program));
        assert_eq!(
            without_numbers(&plain),
            "[ Process PID=N runs in 32 bit mode. ]\nsocket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n+++ exited with 0 +++\n"
        );
        let told = errors(trace(&["--entry"]).arg(&program));
        assert!(told.contains(&format!("\n[{way}] socket(AF_INET, ")), "{told}");
    }
}

#[test]
fn all_calls_of_a_32_bit_program() {
    let scratch = Scratch::new();
    let program = scratch.guest(Program::AllCalls, Entry::Vdso);
    let text = errors(trace(&["-q"]).arg(&program));
    for call in abi::Call::ALL {
        assert!(
            text.lines().any(|line| line.starts_with(&format!("{}(", call.name()))),
            "{}: {text}",
            call.name()
        );
    }
    // What the multiplexer is asked for in vain is no network call.
    assert!(!text.contains("socketcall("), "{text}");
    let all = errors(trace(&["-q", "-e", "trace=all"]).arg(&program));
    assert!(
        all.contains("socketcall(0, NULL)                     = -1 EINVAL (Invalid argument)\n"),
        "{all}"
    );
}

#[test]
fn children_are_followed_and_told_of() {
    let scratch = Scratch::new();
    let program = scratch.guest(Program::Article, Entry::Int80);
    let script = format!("{}; exit 3", program.display());
    let output = finish(trace(&["-e", "signal=none"]).args(["/bin/sh", "-c", &script]));
    assert_eq!(output.status.code(), Some(3));
    let text = without_numbers(&String::from_utf8(output.stderr).unwrap());
    assert_eq!(
        text,
        "socketcall: Process N attached\n\
         [pid N] [ Process PID=N runs in 32 bit mode. ]\n\
         [pid N] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n\
         [pid N] +++ exited with 0 +++\n\
         +++ exited with 3 +++\n"
    );
    let alone =
        errors(trace(&["--no-follow"]).args(["/bin/sh", "-c", &format!("{}; true", program.display())]));
    assert!(!alone.contains("socket("), "{alone}");
    assert!(alone.ends_with("+++ exited with 0 +++\n"), "{alone}");
}

#[test]
fn calls_that_are_taken_apart() {
    let scratch = Scratch::new();
    for (entry, way) in [(Entry::Int80, "int80"), (Entry::Vdso, "vdso")] {
        let program = scratch.guest(Program::AllCalls, entry);
        let file = scratch.path("trace");
        let option = format!("--trace={}", file.display());
        let mut command = std::process::Command::new(crate::harness::SOCKETCALL);
        errors(command.args(["run", &option, "--entry"]).arg(&program));
        // The supervisor ends after the program.
        crate::harness::wait_until("the last line", || {
            crate::harness::holds(&file, "+++ exited with 0 +++\n")
        });
        let text = scratch.read("trace");
        for (call, number) in
            [("socket", "102/1 -> 359"), ("send", "102/9 -> 369"), ("recvmsg", "102/17 -> 372")]
        {
            let expected = format!(" [{way} {number}] {call}(");
            assert!(text.contains(&expected), "{expected}: {text}");
        }
    }
}
