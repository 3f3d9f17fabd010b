//! What strace has told of signals, from the same bytes. `recorded/record.sh` makes the recording.

use decode::text::{Style, value};
use decode::{Abi, signal};

#[test]
fn signals_are_told_as_strace_tells_them() {
    let recording = include_str!("recorded/signals.txt");
    let mut told = String::new();
    let mut compared = 0;
    for line in recording.lines() {
        if let Some(hex) = line.strip_prefix("signal ") {
            let mut info = [0; 128];
            for (byte, digits) in info.iter_mut().zip(hex.as_bytes().chunks(2)) {
                *byte = u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
            }
            let style = Style::default();
            told = "--- ".to_owned();
            value(&mut told, &signal::name(i32::from(info[0])), &style);
            told.push(' ');
            value(&mut told, &signal::info(&info, Abi::X86_64), &style);
            told.push_str(" ---");
        } else {
            assert_eq!(line.strip_prefix("line "), Some(told.as_str()));
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared}");
}

#[test]
fn a_refused_call_has_the_name_that_the_program_knows() {
    let mut info = [0; 128];
    info[0] = 31;
    info[8] = 1;
    info[24] = 102;
    info[28..32].copy_from_slice(&0x4000_0003_u32.to_le_bytes());
    let told = |abi| {
        let mut out = String::new();
        value(&mut out, &signal::info(&info, abi), &Style::default());
        out
    };
    let with = |name| {
        format!(
            "{{si_signo=SIGSYS, si_code=SYS_SECCOMP, si_call_addr=NULL, si_syscall={name}, \
             si_arch=AUDIT_ARCH_I386}}"
        )
    };
    assert_eq!(told(Abi::I386), with("__NR_socketcall"));
    assert_eq!(told(Abi::X86_64), with("102 /* socketcall */"));
}
