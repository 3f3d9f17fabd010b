//! What `run` says when it can't start the program: one line that names the thing and the remedy, and the exit
//! status that env(1) has for it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;

use guest32::{Entry, Guest, Program};
use nix::unistd::Uid;

use crate::harness::{Finished, SOCKETCALL, Scratch, World, eventually, run, skip, socketcall_run};

/// Refused before the program ran, with this line.
fn refused(status: i32, line: &str) -> Finished {
    Finished::exited(status, "", &format!("socketcall: {line}\n"))
}

fn tried(program: &str) -> Finished {
    run(&mut socketcall_run(["--", program]))
}

const NO_PERMISSION: &str = "can't be executed: Permission denied (os error 13) (is it a file with permission to \
                             execute, on a file system without noexec?)";
const NO_FORMAT: &str = "can't be executed: Exec format error (os error 8) (is it a program for another machine, or an empty file?)";

#[test]
fn a_program_that_is_not_there_is_not_found() {
    let scratch = Scratch::new();
    let path = scratch.text("no-such-program");
    assert_eq!(tried(&path), refused(127, &format!("{path}: not found")));
    assert_eq!(tried("no-such-program"), refused(127, "no-such-program: not found in PATH"));
    assert_eq!(tried(""), refused(127, ": not found in PATH"));
    // A file in the place of a directory.
    scratch.executable("file", b"");
    let path = scratch.text("file/program");
    assert_eq!(tried(&path), refused(127, &format!("{path}: not found")));
}

#[test]
fn what_is_no_program_is_not_executed() {
    let scratch = Scratch::new();
    let directory = scratch.text(".");
    assert_eq!(tried(&directory), refused(126, &format!("{directory}: {NO_PERMISSION}")));
    scratch.executable("plain", b"#!/bin/sh\n");
    scratch.mode("plain", 0o644);
    let path = scratch.text("plain");
    assert_eq!(tried(&path), refused(126, &format!("{path}: {NO_PERMISSION}")));
    // Who opens a FIFO waits for a writer.
    let fifo = scratch.text("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("coreutils").success());
    scratch.mode("fifo", 0o755);
    assert_eq!(tried(&fifo), refused(126, &format!("{fifo}: {NO_PERMISSION}")));
    // Nothing is executed for an explanation, and the answer is the same.
    for path in [&directory, &path, &fifo] {
        let explained = run(&mut socketcall_run(["--explain", "--", path]));
        assert_eq!(explained, refused(126, &format!("{path}: {NO_PERMISSION}")));
    }
    // In PATH, what may not be executed is of more interest than that nothing else was found.
    let found = run(socketcall_run(["--", "plain"]).env("PATH", format!("/nowhere:{directory}")));
    assert_eq!(found, refused(126, &format!("{directory}/plain: {NO_PERMISSION}")));
}

#[test]
fn a_missing_interpreter_is_named() {
    let scratch = Scratch::new();
    let missing = |program: &str, interpreter: &str, remedy: &str| {
        refused(127, &format!("{program}: its interpreter {interpreter} is missing: install it{remedy}"))
    };
    for (line, interpreter) in [
        ("#!/no/such/interpreter", "/no/such/interpreter"),
        ("#! \t /no/such/interpreter -with an argument", "/no/such/interpreter"),
        ("#!/bin/sh/not-a-directory", "/bin/sh/not-a-directory"),
    ] {
        scratch.executable("script", format!("{line}\nexit 0\n").as_bytes());
        let path = scratch.text("script");
        // A file in the place of a directory is ENOTDIR natively too.
        assert_eq!(tried(&path), missing(&path, interpreter, ""), "{line}");
        let explained = run(&mut socketcall_run(["--explain", &path]));
        assert_eq!(explained, missing(&path, interpreter, ""), "{line}");
    }
    for (interpreter, remedy) in
        [("/no/such/loader", ""), ("/no/such/ld-linux.so.2", " (Debian: libc6:i386)")]
    {
        scratch.executable("dynamic-64", &dynamic_64(interpreter));
        let path = scratch.text("dynamic-64");
        assert_eq!(tried(&path), missing(&path, interpreter, remedy));
        assert_eq!(run(&mut socketcall_run(["--explain", &path])), missing(&path, interpreter, remedy));
    }
    require_32_bit_kernel!();
    for (interpreter, remedy) in
        [("/no/such/loader", ""), ("/no/such/ld-linux.so.2", " (Debian: libc6:i386)")]
    {
        scratch.executable("dynamic-32", &dynamic_32(interpreter));
        let path = scratch.text("dynamic-32");
        assert_eq!(tried(&path), missing(&path, interpreter, remedy));
    }
}

/// A 32-bit program that wants `interpreter`: a guest, whose header for the stack's rights is made PT_INTERP,
/// and whose file ends with the path.
fn dynamic_32(interpreter: &str) -> Vec<u8> {
    const PT_INTERP: u32 = 3;
    const PT_GNU_STACK: u32 = 0x6474_e551;
    let mut image = Guest { program: Program::Article, entry: Entry::Int80 }.image();
    let word = |image: &[u8], at: usize| u32::from_le_bytes(image[at..at + 4].try_into().expect("a word"));
    let headers = word(&image, 28) as usize;
    let stack = (0..3).map(|n| headers + 32 * n).find(|&at| word(&image, at) == PT_GNU_STACK);
    let header = stack.expect("a header of every guest");
    let (offset, size) = (image.len() as u32, interpreter.len() as u32 + 1);
    let words = [PT_INTERP, offset, 0, 0, size, size, 4, 1];
    image[header..header + 32].copy_from_slice(&words.map(u32::to_le_bytes).concat());
    image.extend(interpreter.as_bytes());
    image.push(0);
    image
}

/// A 64-bit program that wants `interpreter`: headers, and the path. (System V ABI, chapter 4; elf(5).)
fn dynamic_64(interpreter: &str) -> Vec<u8> {
    let (header, program_header) = (64u64, 56u64);
    let path = header + 2 * program_header;
    let size = interpreter.len() as u64 + 1;
    let mut image = b"\x7fELF\x02\x01\x01".to_vec();
    image.resize(16, 0);
    image.extend([2u16, 62].map(u16::to_le_bytes).concat()); // ET_EXEC, EM_X86_64
    image.extend(1u32.to_le_bytes());
    image.extend([0x40_0000, header, 0].map(u64::to_le_bytes).concat());
    image.extend(0u32.to_le_bytes());
    image.extend([header as u16, program_header as u16, 2, 64, 0, 0].map(u16::to_le_bytes).concat());
    let mut segment = |kind: u32, rights: u32, offset: u64, size: u64| {
        image.extend([kind, rights].map(u32::to_le_bytes).concat());
        let address = 0x40_0000 + offset;
        image.extend([offset, address, address, size, size, 4096].map(u64::to_le_bytes).concat());
    };
    segment(3, 4, path, size); // PT_INTERP
    segment(1, 5, 0, path + size); // PT_LOAD
    image.extend(interpreter.as_bytes());
    image.push(0);
    image
}

#[test]
fn a_program_for_another_machine_is_not_executed() {
    let scratch = Scratch::new();
    const E_MACHINE: usize = 18;
    const EM_ARM: u8 = 40;
    let mut image = Guest { program: Program::Article, entry: Entry::Int80 }.image();
    image[E_MACHINE] = EM_ARM;
    scratch.executable("for-arm", &image);
    let path = scratch.text("for-arm");
    assert_eq!(tried(&path), refused(126, &format!("{path}: {NO_FORMAT}")));
    // Cut off: an ELF file by its first bytes only.
    scratch.executable("cut", &image[..10]);
    let path = scratch.text("cut");
    assert_eq!(tried(&path), refused(126, &format!("{path}: {NO_FORMAT}")));
}

#[test]
fn a_file_that_can_not_be_read_is_refused() {
    let scratch = Scratch::public();
    scratch.executable("socketcall", &fs::read(SOCKETCALL).expect("the program under test"));
    let secret = Path::new("/bin/true");
    scratch.executable("secret", &fs::read(secret).expect("a program"));
    scratch.mode("secret", 0o111);
    let path = scratch.text("secret");
    let as_user = |command: &mut std::process::Command| {
        if Uid::effective().is_root() {
            command.uid(65534).gid(65534);
        }
        run(command)
    };
    let native = as_user(&mut World::Native.command(&path));
    assert!(native.status.success(), "{native:?}");
    let mut command = std::process::Command::new(scratch.path("socketcall"));
    let refusal = format!(
        "{path}: can't be read by this user, so its calls can't be taken apart: make it readable (chmod +r), or \
         run as root"
    );
    assert_eq!(as_user(command.args(["run", "--", &path])), refused(125, &refusal));
    // By PATH, the file that was found is named.
    let mut command = std::process::Command::new(scratch.path("socketcall"));
    command.args(["run", "--", "secret"]).env("PATH", scratch.path(""));
    assert_eq!(as_user(&mut command).status.code(), Some(125));
}

#[test]
fn a_second_tracer_is_refused_with_the_first_ones_id() {
    let inner = [SOCKETCALL, "run", "--", "/bin/echo", "never"];
    let finished = run(&mut socketcall_run(["--"].into_iter().chain(inner)));
    let number = finished.stderr.split_once("by process ").and_then(|(_, rest)| rest.split_once(':'));
    let number = number.map_or("?", |(number, _)| number);
    assert!(number.parse::<u32>().is_ok_and(|tracer| tracer > 1), "{finished:?}");
    // The outer one says what it makes impossible, the inner one what it lacks.
    let outer = format!(
        "process {} uses ptrace, which fails with EPERM for processes under run, since they have a tracer: run \
         --untraced leaves them alone",
        finished.stderr.split(' ').nth(2).unwrap_or("?")
    );
    let inner = format!(
        "ptrace: this process is traced already, by process {number}: start socketcall outside of strace, gdb or \
         another socketcall, or run those inside"
    );
    assert_eq!(finished, refused(125, &format!("{outer}\nsocketcall: {inner}")));
}

#[test]
fn a_kernel_or_container_that_refuses_ptrace_is_named() {
    use seccomp::{Action, Arch, Wants, with_filter};
    let mut wants = Wants::new();
    const PTRACE: u32 = 101;
    wants.add(Arch::X86_64, PTRACE, Action::Errno(1));
    let mut command = socketcall_run(["--", "/bin/echo", "never"]);
    with_filter(&mut command, wants.compile().expect("a filter of one rule"));
    let finished = run(&mut command);
    let yama = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    if yama.trim().parse::<u8>().is_ok_and(|scope| scope >= 2) {
        return skip("Yama forbids ptrace here in any case");
    }
    let line = "ptrace is refused here (Operation not permitted (os error 1)): allow ptrace in the container's \
                seccomp profile or security module, or start the container with --cap-add SYS_PTRACE";
    assert_eq!(finished, refused(125, line));
}

#[test]
fn an_explanation_that_can_not_be_written_is_told() {
    let full = fs::File::options().write(true).open("/dev/full").expect("a device of every Linux");
    let explained = socketcall_run(["--explain", "/bin/echo"]).stdout(full).output().expect("to be executed");
    let said = String::from_utf8_lossy(&explained.stderr);
    assert_eq!(explained.status.code(), Some(125), "{said}");
    assert_eq!(said, "socketcall: standard output: No space left on device (os error 28)\n");
}

#[test]
fn too_few_descriptors_are_told_with_the_remedy() {
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", &format!("ulimit -n 4; exec {SOCKETCALL} run -- /bin/echo never")]);
    let finished = run(crate::harness::clean(&mut shell));
    let line =
        "pipe2: Too many open files (os error 24): too many files are open in this process: raise ulimit -n";
    assert_eq!(finished, refused(125, line));
}

#[test]
fn bad_usage_is_told_and_runs_nothing() {
    for arguments in [&["--no-such-option", "--", "/bin/echo"][..], &[], &["--"], &["-v"]] {
        let finished = run(&mut socketcall_run(arguments.iter().copied()));
        assert_eq!(finished.status.code(), Some(125), "{arguments:?}: {finished:?}");
        assert_eq!(finished.stdout, "", "{arguments:?}");
        assert!(finished.stderr.starts_with("error: "), "{arguments:?}: {finished:?}");
    }
    let help = run(&mut socketcall_run(["--help"]));
    assert!(help.status.success() && help.stderr.is_empty(), "{help:?}");
    assert!(help.stdout.contains("SOCKETCALL_OPTIONS"), "{help:?}");
}

/// After a refusal nobody stays behind: neither the process that became nothing nor its supervisor.
#[test]
fn a_refusal_leaves_nobody_behind() {
    let scratch = Scratch::new();
    scratch.executable("for-nobody", b"\x7fELF");
    let path = scratch.text("for-nobody");
    let finished = tried(&path);
    assert_eq!(finished.status.code(), Some(126));
    let name = path.as_bytes();
    let still_there = || {
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        processes
            .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
            .any(|line| line.windows(name.len()).any(|part| part == name))
    };
    assert!(eventually(|| !still_there()), "a supervisor is left");
}
