//! Every kind of line. Those that strace has were compared with strace 7.2's.

#![forbid(unsafe_code)]

mod common;

use abi::Call;
use common::{At1000, Recording, enter, entered, exit};
use decode::text::{Names, Style};
use decode::{Abi, Entry, Seen, What};
use trace::{CallSet, Options, Quiet, SignalSet, Statuses, Summary, Time};

const SOCKET: u32 = 41;
const SENDTO: u32 = 44;
const RECVFROM: u32 = 45;
const NOTHING: At1000<'static> = At1000(&[]);

/// A file without ids, so that lines are only what they are.
fn one_process() -> Options {
    Options { follow: false, ..Options::default() }
}

fn socket_made(recording: &mut Recording, tid: i32) {
    let request = enter(SOCKET, [2, 1, 0, 0, 0, 0], &NOTHING);
    recording.event(tid, What::Enter(&request));
    let request = exit(request, 3, &NOTHING);
    recording.event(tid, What::Exit { request: &request, took: 123_456, system: 0 });
}

/// `siginfo_t` of SIGUSR1 by kill(2).
fn killed_by(pid: i32) -> [u8; 128] {
    let mut info = [0; 128];
    info[0] = 10;
    info[16..20].copy_from_slice(&pid.to_le_bytes());
    info
}

#[test]
fn one_thread() {
    let mut recording = Recording::new(one_process());
    recording.event(100, What::Attached { by_us: false });
    recording.event(100, What::Mode(Abi::I386));
    socket_made(&mut recording, 100);
    let memory = At1000(b"hello\n");
    let request = enter(SENDTO, [3, 0x1000, 6, 0x4000, 0, 0], &memory);
    recording.event(100, What::Enter(&request));
    let request = exit(request, -32, &memory);
    recording.event(100, What::Exit { request: &request, took: 0, system: 0 });
    recording.event(100, What::Signal(&killed_by(7)));
    recording.event(100, What::Stopped(19));
    recording.event(100, What::Exited(3));
    insta::assert_snapshot!(recording.end(), @r#"
    [ Process PID=100 runs in 32 bit mode. ]
    socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    sendto(3, "hello\n", 6, MSG_NOSIGNAL, NULL, 0) = -1 EPIPE (Broken pipe)
    --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=0} ---
    --- stopped by SIGSTOP ---
    +++ exited with 3 +++
    "#);
}

#[test]
fn threads_that_interleave() {
    let mut recording = Recording::new(Options::default());
    let memory = At1000(b"abc");
    let receive = enter(RECVFROM, [3, 0x1000, 100, 0, 0, 0], &memory);
    recording.event(1, What::Attached { by_us: false });
    recording.event(22, What::Attached { by_us: false });
    recording.event(1, What::Enter(&receive));
    socket_made(&mut recording, 22);
    recording.event(22, What::Enter(&receive));
    let received = exit(receive.clone(), 3, &memory);
    recording.event(1, What::Exit { request: &received, took: 0, system: 0 });
    recording.event(22, What::Signal(&killed_by(1)));
    recording.event(22, What::Ending);
    recording.event(22, What::Killed { signal: 10, core: true });
    recording.event(1, What::Enter(&receive));
    recording.event(1, What::Ending);
    recording.event(1, What::Exited(0));
    insta::assert_snapshot!(recording.end(), @r#"
    1     recvfrom(3 <unfinished ...>
    22    socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    22    recvfrom(3 <unfinished ...>
    1     <... recvfrom resumed>, "abc", 100, 0, NULL, NULL) = 3
    22    --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=1, si_uid=0} ---
    22    <... recvfrom resumed> <unfinished ...>) = ?
    22    +++ killed by SIGUSR1 (core dumped) +++
    1     recvfrom(3 <unfinished ...>)      = ?
    1     +++ exited with 0 +++
    "#);
}

#[test]
fn a_thread_takes_the_place_of_another() {
    let mut recording = Recording::new(Options::default());
    let receive = enter(RECVFROM, [3, 0x1000, 100, 0, 0, 0], &NOTHING);
    recording.event(1, What::Attached { by_us: false });
    recording.event(2, What::Attached { by_us: false });
    recording.event(1, What::Enter(&receive));
    recording.event(1, What::Ending);
    recording.event(1, What::Superseded { by: 2 });
    socket_made(&mut recording, 1);
    socket_made(&mut recording, 1);
    insta::assert_snapshot!(recording.end(), @"
    1     recvfrom(3 <unfinished ...>)      = ?
    1     +++ superseded by execve in pid 2 +++
    1     socket(AF_INET, SOCK_STREAM, IPPROTO_IP <unfinished ...>
    1     <... socket resumed>)             = 3
    1     socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    ");
}

#[test]
fn threads_that_are_let_go_or_vanish() {
    let mut recording = Recording::new(one_process());
    let receive = enter(RECVFROM, [3, 0x1000, 100, 0, 0, 0], &NOTHING);
    recording.event(1, What::Attached { by_us: true });
    recording.event(1, What::Enter(&receive));
    recording.event(1, What::Detached);
    recording.event(1, What::Attached { by_us: true });
    recording.event(1, What::Enter(&receive));
    recording.event(1, What::Killed { signal: 9, core: false });
    // Nobody ever heard of this one: it could not become the program.
    recording.event(5, What::Exited(125));
    insta::assert_snapshot!(recording.end(), @"
    recvfrom(3 <detached ...>
    recvfrom(3 <unfinished ...>
    +++ killed by SIGKILL +++
    ");
}

#[test]
fn times_numbers_and_columns() {
    let with = |options: Options| {
        let mut recording = Recording::new(options);
        recording.event(1, What::Attached { by_us: false });
        socket_made(&mut recording, 1);
        socket_made(&mut recording, 1);
        recording.end()
    };
    let unix = Time::Unix { digits: 6 };
    insta::assert_snapshot!(with(Options { time: unix, duration: Some(6), ..one_process() }), @"
    1795449087.564013 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3 <0.000123>
    1795449087.566013 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3 <0.000123>
    ");
    insta::assert_snapshot!(with(Options { time: unix, relative: Some(6), ..one_process() }), @"
    1795449087.564013 (+     0.000000) socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    1795449087.566013 (+     0.002000) socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    ");
    insta::assert_snapshot!(with(Options { relative: Some(6), numbers: true, column: 70, ..one_process() }), @"
         0.000000 [  41] socket(AF_INET, SOCK_STREAM, IPPROTO_IP)         = 3
         0.002000 [  41] socket(AF_INET, SOCK_STREAM, IPPROTO_IP)         = 3
    ");
    insta::assert_snapshot!(with(Options { relative: Some(9), duration: Some(0), ..one_process() }), @"
         0.000000000 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3 <0>
         0.002000000 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3 <0>
    ");
    let style = Style { names: Names::Raw, ..Style::default() };
    insta::assert_snapshot!(with(Options { style, column: 0, ..one_process() }), @"
    socket(0x2, 0x1, 0) = 3
    socket(0x2, 0x1, 0) = 3
    ");
}

#[test]
fn ways_in() {
    let mut recording = Recording::new(Options { entry: true, ..one_process() });
    recording.event(1, What::Attached { by_us: false });
    let registers = [2, 1, 0, 0, 0, 0];
    for (abi, number, entry, taken_apart) in [
        (Abi::X86_64, 41, Entry::X86_64, None),
        (Abi::X32, 41 | Abi::X32_BIT, Entry::X32, None),
        (Abi::I386, 359, Entry::Direct, None),
        (Abi::I386, 359, Entry::Vdso, Some(Call::Socket)),
        (Abi::I386, 359, Entry::Int80, Some(Call::Socket)),
    ] {
        let request = entered(Seen { abi, number, registers, entry, taken_apart }, &NOTHING);
        recording.event(1, What::Enter(&request));
        let request = exit(request, 3, &NOTHING);
        recording.event(1, What::Exit { request: &request, took: 0, system: 0 });
    }
    let words = At1000(&[2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    let seen = Seen {
        abi: Abi::I386,
        number: 102,
        registers: [1, 0x1000, 0, 0, 0, 0],
        entry: Entry::Vdso,
        taken_apart: None,
    };
    let request = entered(seen, &words);
    recording.event(1, What::Enter(&request));
    let request = exit(request, 3, &words);
    recording.event(1, What::Exit { request: &request, took: 0, system: 0 });
    insta::assert_snapshot!(recording.end(), @"
    [x86-64] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    [x32] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    [direct] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    [vdso 102/1 -> 359] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    [int80 102/1 -> 359] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    [vdso] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    ");
}

#[test]
fn results_decide_which_calls_are_shown() {
    let with = |statuses| {
        let mut recording = Recording::new(Options { statuses, ..Options::default() });
        recording.event(1, What::Attached { by_us: false });
        recording.event(2, What::Attached { by_us: false });
        let receive = enter(RECVFROM, [3, 0x1000, 100, 0, 0, 0], &NOTHING);
        recording.event(1, What::Enter(&receive));
        socket_made(&mut recording, 2);
        let failed = exit(receive.clone(), -9, &NOTHING);
        recording.event(1, What::Exit { request: &failed, took: 0, system: 0 });
        recording.event(1, What::Enter(&receive));
        recording.event(2, What::Enter(&receive));
        recording.event(1, What::Ending);
        recording.event(1, What::Exited(0));
        recording.event(2, What::Detached);
        recording.end()
    };
    let none = Statuses::NONE;
    // Lines are whole, since none is shown before its result is known.
    insta::assert_snapshot!(with(Statuses { successful: true, ..none }), @"
    2     socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
    1     +++ exited with 0 +++
    ");
    insta::assert_snapshot!(with(Statuses { failed: true, ..none }), @"
    1     recvfrom(3, 0x1000, 100, 0, NULL, NULL) = -1 EBADF (Bad file descriptor)
    1     +++ exited with 0 +++
    ");
    insta::assert_snapshot!(with(Statuses { unfinished: true, ..none }), @"
    1     recvfrom(3 <unfinished ...>)      = ?
    1     +++ exited with 0 +++
    ");
    insta::assert_snapshot!(with(none), @"1     +++ exited with 0 +++");
}

#[test]
fn what_is_left_unsaid() {
    let options = Options { quiet: Quiet::ALL, signals: SignalSet::none(), ..one_process() };
    let mut recording = Recording::new(options);
    recording.event(1, What::Attached { by_us: false });
    recording.event(1, What::Mode(Abi::I386));
    recording.event(1, What::Signal(&killed_by(1)));
    recording.event(1, What::Stopped(19));
    recording.event(1, What::Superseded { by: 2 });
    recording.event(1, What::Exited(0));
    assert_eq!(recording.end(), "");
}

#[test]
fn files_for_each_thread() {
    let path = std::env::temp_dir().join(format!("socketcall-separate-{}", std::process::id()));
    let options =
        Options { output: trace::Output::File(path.clone()), separately: true, ..Options::default() };
    let mut recorder = trace::Recorder::new(options).unwrap();
    let receive = enter(RECVFROM, [3, 0x1000, 100, 0, 0, 0], &NOTHING);
    let mut event = |tid, what| recorder.event(&decode::Event { tid, at: common::at(0), what });
    event(1, What::Attached { by_us: false });
    event(1, What::Enter(&receive));
    event(2, What::Attached { by_us: true });
    event(2, What::Enter(&receive));
    event(1, What::Ending);
    event(1, What::Exited(0));
    recorder.finish();
    let text = [1, 2].map(|tid| {
        let path = format!("{}.{tid}", path.display());
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        text
    });
    assert_eq!(text, ["recvfrom(3 <unfinished ...>)            = ?\n+++ exited with 0 +++\n", "recvfrom(3"]);
}

#[test]
fn counts() {
    let options = Options { summary: Summary::Only, wall_clock: true, ..Options::default() };
    let mut recording = Recording::new(options);
    recording.event(1, What::Attached { by_us: false });
    socket_made(&mut recording, 1);
    let memory = At1000(b"abc");
    for (number, result) in [(SENDTO, 3), (SENDTO, -32), (RECVFROM, 2)] {
        let request = enter(number, [3, 0x1000, 3, 0, 0, 0], &memory);
        recording.event(1, What::Enter(&request));
        let request = exit(request, result, &memory);
        recording.event(1, What::Exit { request: &request, took: 10_000, system: 0 });
    }
    recording.event(1, What::Exited(0));
    insta::assert_snapshot!(recording.end(), @"
    % time     seconds  usecs/call     calls    errors syscall             bytes in   bytes out ways in
    ------ ----------- ----------- --------- --------- ---------------- ----------- ----------- ----------
     80.45    0.000123         123         1           socket                     0           0 x86-64 1
     13.03    0.000020          10         2         1 sendto                     0           3 x86-64 2
      6.52    0.000010          10         1           recvfrom                   2           0 x86-64 1
    ------ ----------- ----------- --------- --------- ---------------- ----------- ----------- ----------
    100.00    0.000153          38         4         1 total                      2           3 x86-64 4
    ");
}

#[test]
fn calls_are_asked_for_by_name_and_interface() {
    let options = Options { calls: CallSet::parse("connect@64").unwrap(), ..Options::default() };
    let recording = Recording::new(options);
    assert!(recording.recorder.wants(Abi::X86_64, "connect"));
    assert!(!recording.recorder.wants(Abi::I386, "connect"));
    assert!(!recording.recorder.wants(Abi::X86_64, "accept"));
    assert_eq!(recording.end(), "");
}
