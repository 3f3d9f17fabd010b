//! Every guest, natively on this kernel.

#[macro_use]
mod common;

use common::{Executable, Finished, Running, both, run};
use guest32::{Entry, Guest, Program};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::Instant;

const LINE: &str = "one line, there and back\n";

/// The same, unable to open a descriptor: socket is EMFILE, 24.
fn without_descriptors(mut command: Command) -> Command {
    // SAFETY: setrlimit is a plain system call and reads one struct. Descriptors that are open already stay.
    unsafe {
        command.pre_exec(|| {
            let limit = libc::rlimit { rlim_cur: 3, rlim_max: 3 };
            match libc::setrlimit(libc::RLIMIT_NOFILE, &limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    command
}

#[test]
fn article_creates_a_socket_and_closes_it() {
    require_32_bit_kernel!();
    for guest in both(Program::Article) {
        assert_eq!(run(guest, &[]), Finished::new("", "", 0), "{guest}");
    }
}

#[test]
fn a_failing_call_is_named_with_its_errno() {
    require_32_bit_kernel!();
    for guest in Guest::ALL {
        let (arguments, stderr, status): (&[&str], _, _) = match guest.program {
            Program::Article => (&[], "", 24),
            Program::EchoServer => (&["1"], "socket: errno 24\n", 1),
            Program::EchoClient | Program::BenchGetsockopt => (&["9"], "socket: errno 24\n", 1),
            Program::ExecChain => (&["1", "/"], "socket: errno 24\n", 1),
            Program::BenchSendrecv | Program::BenchPingpong => (&["1"], "socketpair: errno 24\n", 1),
            // The child says it, then the parent.
            Program::ForkCalls => (&["1"], "socket: errno 24\na child failed, its wait status is 256\n", 2),
            Program::Probe => (&["102", "1", "1", "0"], "", 1),
            // It prints the result, and finds that the option's value was not written.
            Program::AllCalls => (&[], "getsockopt: wrong data\n", 4),
            Program::BenchGetppid | Program::BenchFork | Program::BenchSignal => (&["1"], "", 0),
        };
        let executable = Executable::new(guest);
        let command = without_descriptors(executable.command(arguments));
        let finished = Running::spawn(command).finish();
        assert_eq!((finished.stderr.as_str(), finished.status), (stderr, status), "{guest}");
        if guest.program == Program::AllCalls {
            assert_eq!(finished.stdout, "socket -24\nsetsockopt -9\ngetsockopt -9\n", "{guest}");
        }
    }
}

#[test]
fn wrong_arguments_get_the_usage() {
    require_32_bit_kernel!();
    for guest in Guest::ALL {
        let program = guest.program;
        let usage = format!("usage: {} {}\n", program.name(), program.arguments());
        let wrong: &[&[&str]] = match program {
            Program::Article | Program::AllCalls => &[],
            Program::EchoServer => &[&["-1"], &["1x"], &[""], &["4294967297"]],
            Program::EchoClient => &[&[], &["x"], &["1", "y"]],
            Program::ExecChain => &[&[], &["1"], &["x", "/"]],
            _ => &[&[], &["-1"], &["2147483648"]],
        };
        for arguments in wrong {
            assert_eq!(run(guest, arguments), Finished::new("", &usage, 64), "{guest} {arguments:?}");
        }
    }
}

#[test]
fn client_and_server_talk_over_every_pair_of_entries() {
    require_32_bit_kernel!();
    for server_guest in both(Program::EchoServer) {
        let executable = Executable::new(server_guest);
        let mut server = Running::spawn(executable.command(&["3"]));
        let port = server.number().to_string();
        let [int80, vdso] = both(Program::EchoClient);
        assert_eq!(run(int80, &[&port]), Finished::new(LINE, "", 0), "{int80} and {server_guest}");
        assert_eq!(run(vdso, &[&port, "100"]), Finished::new(LINE, "", 0), "{vdso} and {server_guest}");
        assert_eq!(run(vdso, &[&port, "0"]), Finished::new("", "", 0), "no round, no line");
        assert_eq!(server.finish(), Finished::new("", "", 0), "{server_guest}");
    }
}

#[test]
fn server_sends_back_a_megabyte() {
    require_32_bit_kernel!();
    for guest in both(Program::EchoServer) {
        let mut server = Running::spawn(Executable::new(guest).command(&[]));
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.number())).expect("a server");
        let sent: Vec<u8> = (0..1 << 20).map(|n: u32| n.wrapping_mul(0x9e37_79b9).to_be_bytes()[0]).collect();
        let mut received = Vec::new();
        thread::scope(|scope| {
            let mut writer = stream.try_clone().expect("a second handle");
            let sent = &sent;
            scope.spawn(move || {
                writer.write_all(sent).expect("a server that reads");
                writer.shutdown(Shutdown::Write).expect("a connection");
            });
            stream.read_to_end(&mut received).expect("a server that writes");
        });
        assert!(received == sent, "{guest}: {} bytes came back, or others", received.len());
        assert_eq!(server.finish(), Finished::new("", "", 0), "{guest}");
    }
}

#[test]
fn server_of_no_connections_prints_its_port_and_ends() {
    require_32_bit_kernel!();
    for guest in both(Program::EchoServer) {
        let mut server = Running::spawn(Executable::new(guest).command(&["0"]));
        assert_ne!(server.number(), 0);
        assert_eq!(server.finish(), Finished::new("", "", 0), "{guest}");
    }
}

/// Runs a client against a server that answers its line with these pieces, each sent by itself.
fn client_answered_with(guest: Guest, pieces: &[&[u8]]) -> Finished {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port().to_string();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().expect("a client");
            stream.set_nodelay(true).expect("a TCP socket");
            let mut line = vec![0; LINE.len()];
            stream.read_exact(&mut line).expect("a whole line");
            assert_eq!(line, LINE.as_bytes());
            for piece in pieces {
                stream.write_all(piece).expect("a client that listens");
                thread::yield_now();
            }
        });
        let finished = run(guest, &[&port]);
        // Where the guest never came, the thread would wait for ever.
        let _ = TcpStream::connect(listener.local_addr().expect("an address"));
        finished
    })
}

#[test]
fn client_puts_the_pieces_of_its_line_together() {
    require_32_bit_kernel!();
    let pieces: Vec<&[u8]> = LINE.as_bytes().chunks(1).collect();
    for guest in both(Program::EchoClient) {
        assert_eq!(client_answered_with(guest, &pieces), Finished::new(LINE, "", 0), "{guest}");
    }
}

#[test]
fn client_notices_another_line_and_an_early_end() {
    require_32_bit_kernel!();
    let mismatch = Finished::new("", "what came back is not what was sent\n", 2);
    let mut other = LINE.as_bytes().to_vec();
    other[LINE.len() - 1] = b'!';
    for guest in both(Program::EchoClient) {
        assert_eq!(client_answered_with(guest, &[&other]), mismatch, "{guest}");
        assert_eq!(client_answered_with(guest, &[&other[..5]]), mismatch, "{guest}");
    }
}

#[test]
fn client_says_that_nobody_listens() {
    require_32_bit_kernel!();
    // A connected socket's own port: nobody can listen there, and nobody else gets it.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("a listener");
    let port = stream.local_addr().expect("an address").port().to_string();
    for guest in both(Program::EchoClient) {
        assert_eq!(run(guest, &[&port]), Finished::new("", "connect: errno 111\n", 1), "{guest}");
    }
}

#[test]
fn all_calls_work_and_keep_the_registers() {
    require_32_bit_kernel!();
    for guest in both(Program::AllCalls) {
        assert_eq!(run(guest, &[]), Finished::new(include_str!("all_calls.txt"), "", 0), "{guest}");
    }
}

#[test]
fn all_calls_has_each_of_the_twenty() {
    for call in abi::Call::ALL {
        let line = format!("{} ", call.name());
        assert!(include_str!("all_calls.txt").lines().any(|of| of.starts_with(&line)), "{line}");
    }
}

#[test]
fn fork_calls_accounts_for_all_children() {
    require_32_bit_kernel!();
    for guest in both(Program::ForkCalls) {
        assert_eq!(run(guest, &["0"]), Finished::new("0 children\n", "", 0), "{guest}");
        assert_eq!(run(guest, &["100"]), Finished::new("100 children\n", "", 0), "{guest}");
    }
}

#[test]
fn exec_chain_goes_on_to_other_programs() {
    require_32_bit_kernel!();
    let client = Executable::new(Guest { program: Program::EchoClient, entry: Entry::Vdso });
    for guest in both(Program::ExecChain) {
        let executable = Executable::new(guest);
        // 32-bit to 64-bit, 32-bit to 32-bit, and an argument and a variable that arrive.
        let chain = ["2", &executable.path(), "0", "/bin/sh", "-c", "echo $0 $WORD", "shell"];
        let mut command = executable.command(&chain);
        command.env("WORD", "word");
        assert_eq!(Running::spawn(command).finish(), Finished::new("shell word\n", "", 0), "{guest}");
        let chain = ["1", "/usr/bin/env", &client.path(), "x"];
        assert_eq!(run(guest, &chain).status, 64, "{guest}: 32-bit to 64-bit and back");
        let failed = Finished::new("", "execve: errno 2\n", 127);
        assert_eq!(run(guest, &["1", "/no such program"]), failed, "{guest}");
    }
}

/// Of these, AF_UNIX is in every kernel, 46 in none, and 0x100000 is no flag of a type (net/socket.c).
#[test]
fn probe_prints_a_line_for_each_socket() {
    require_32_bit_kernel!();
    for guest in both(Program::Probe) {
        for number in ["102", "359"] {
            assert_eq!(run(guest, &[number]), Finished::new("", "", 0), "{guest} {number}");
            let fine = run(guest, &[number, "1", "1", "0", "1", "2", "0"]);
            assert_eq!(fine, Finished::new("0\n0\n", "", 0), "{guest} {number}");
            let failed = run(guest, &[number, "1", "1048577", "0", "46", "1", "0", "1", "1", "0"]);
            assert_eq!(failed, Finished::new("-22\n-97\n0\n", "", 1), "{guest} {number}");
        }
        for wrong in [&["41"][..], &["102", "1"], &["359", "1", "1", "0", "2", "1"]] {
            assert_eq!(run(guest, wrong).status, 64, "{guest} {wrong:?}");
        }
    }
}

fn benchmarks() -> impl Iterator<Item = Guest> {
    Guest::ALL.into_iter().filter(|guest| guest.program.name().starts_with("bench-"))
}

#[test]
fn benchmarks_end_well() {
    require_32_bit_kernel!();
    for guest in benchmarks() {
        for rounds in ["0", "1", "500"] {
            assert_eq!(run(guest, &[rounds]), Finished::new("", "", 0), "{guest} {rounds}");
        }
    }
}

/// Runs a benchmark that is asked these lines.
fn asked(guest: Guest, lines: &str) -> Finished {
    let executable = Executable::new(guest);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let mut command = executable.command(&["-"]);
    command.stdin(reader);
    let running = Running::spawn(command);
    writer.write_all(lines.as_bytes()).expect("a guest that reads");
    drop(writer);
    running.finish()
}

#[test]
fn benchmarks_answer_with_nanoseconds() {
    require_32_bit_kernel!();
    for guest in benchmarks() {
        let start = Instant::now();
        let finished = asked(guest, "2000\n0\n0\n1\n");
        let whole = start.elapsed().as_nanos();
        let output = Finished { stdout: String::new(), ..finished };
        assert_eq!(output, Finished::new("", "", 0), "{guest}");
        let times: Vec<u128> = finished.stdout.lines().map(|line| line.parse().expect("a number")).collect();
        let [many, none, again, one] = times[..] else { panic!("{guest}: {times:?}") };
        // No processor makes a system call in a nanosecond.
        assert!(many > 2000 && one > 1, "{guest}: {times:?}");
        assert!(many + none + again + one < whole, "{guest}: {times:?} of {whole}");
    }
}

#[test]
fn benchmarks_take_numbers_only() {
    require_32_bit_kernel!();
    for guest in benchmarks() {
        let usage = format!("usage: {} {}\n", guest.program.name(), guest.program.arguments());
        for line in ["x\n", "-1\n", "1 \n", "2147483648\n"] {
            assert_eq!(asked(guest, line), Finished::new("", &usage, 64), "{guest} {line}");
        }
        assert_eq!(asked(guest, ""), Finished::new("", "", 0), "{guest}");
    }
}
