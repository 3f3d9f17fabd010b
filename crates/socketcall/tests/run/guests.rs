//! Every guest with every entry: natively, under `run` outside any filter, and under `run` where socketcall is
//! denied. Same output, same status; the counts exactly; and without `run` it fails where socketcall is denied.

use std::collections::BTreeSet;

use guest32::{Entry, Guest, Program};

use crate::harness::{Calls, Counts, Finished, Running, Scratch, World, run, run_counted};

/// What each program is run with, and how many multiplexed calls each of its processes makes then, of those
/// that make any. Programs that need a partner have a test of their own.
pub fn cases(program: Program) -> Option<(&'static [&'static str], &'static [u64])> {
    // A test below compares it with the output.
    const TRIED: u64 = 39;
    match program {
        Program::Article => Some((&[], &[1])),
        Program::AllCalls => Some((&[], &[TRIED])),
        Program::ForkCalls => Some((&["3"], &[4, 4, 4])),
        Program::ExecChain => Some((&["5", "/bin/true"], &[5])),
        Program::BenchGetsockopt => Some((&["100"], &[101])),
        Program::BenchSendrecv => Some((&["100"], &[201])),
        // The child receives a last time, at the end.
        Program::BenchPingpong => Some((&["100"], &[201, 201])),
        Program::Probe => Some((&["102", "1", "1", "0"], &[1])),
        Program::EchoServer | Program::EchoClient => None,
        // The benchmarks of what is no socket call.
        _ => Some((&["100"], &[])),
    }
}

#[test]
fn every_guest_does_under_run_what_it_does_natively() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for guest in Guest::ALL {
        let Some((arguments, calls)) = cases(guest.program) else { continue };
        let path = scratch.guest(guest.program, guest.entry);
        let native = run(World::Native.command(&path).args(arguments));
        assert!(native.status.success(), "{guest}: {native:?}");
        for world in World::RUNS {
            let (pid, finished, counts) = run_counted(world.command(&path).args(arguments));
            assert_eq!(finished, native, "{guest} {world:?}");
            let found: BTreeSet<_> = counts.programs.iter().map(|(pid, _, _)| pid).collect();
            assert_eq!(found.len(), counts.programs.len(), "one line for each process: {counts:?}");
            let mut found: Vec<_> = counts.programs.iter().map(|(_, _, calls)| *calls).collect();
            let mut expected: Vec<_> = calls.iter().map(|&calls| Calls::by(guest.entry, calls)).collect();
            found.sort_unstable_by_key(|calls| calls.stub + calls.trap);
            expected.sort_unstable_by_key(|calls| calls.stub + calls.trap);
            assert_eq!(found, expected, "{guest} {world:?}");
            assert!(counts.programs.iter().all(|(_, name, _)| *name == guest.name()), "{counts:?}");
            assert_eq!(counts.total, Some(Calls::by(guest.entry, calls.iter().sum())), "{guest} {world:?}");
            if calls.len() == 1 {
                assert_eq!(counts.programs[0].0, pid, "{guest}: the program is the process that was started");
            }
        }
    }
}

/// The tests above and below would show nothing if the filter let anything through.
#[test]
fn without_run_every_guest_fails_where_socketcall_is_denied() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for guest in Guest::ALL {
        let (arguments, calls): (&[&str], &[u64]) = cases(guest.program).unwrap_or((&["1"], &[1]));
        if calls.is_empty() {
            continue;
        }
        let path = scratch.guest(guest.program, guest.entry);
        let denied = run(World::Denied.command(&path).args(arguments));
        assert!(!denied.status.success(), "{guest}: {denied:?}");
        let text = format!("{}{}", denied.stdout, denied.stderr);
        let named = denied.status.code() == Some(54) || text.contains("54");
        assert!(named, "{guest}: it failed by the filter's errno: {denied:?}");
    }
}

#[test]
fn all_calls_prints_a_line_for_each_that_is_counted() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    let path = scratch.guest(Program::AllCalls, Entry::Vdso);
    let native = run(&mut World::Native.command(path));
    let (_, calls) = cases(Program::AllCalls).expect("a case");
    assert_eq!(native.stdout.lines().count() as u64, calls[0]);
}

#[test]
fn client_and_server_talk_under_supervisors_of_their_own() {
    require_32_bit_kernel!();
    const LINE: &str = "one line, there and back\n";
    const ROUNDS: u64 = 20;
    let scratch = Scratch::new();
    for world in World::RUNS {
        for (server_entry, client_entry) in
            Entry::ALL.into_iter().flat_map(|server| Entry::ALL.map(|client| (server, client)))
        {
            let path = scratch.guest(Program::EchoServer, server_entry);
            let mut server = Running::start(&mut world.command(&path));
            let server_pid = server.pid;
            let port = server.line();
            let path = scratch.guest(Program::EchoClient, client_entry);
            let (client_pid, client, counts) =
                run_counted(world.command(&path).args([port, ROUNDS.to_string()]));
            assert_eq!(client, Finished::exited(0, LINE, ""), "{world:?}");
            // socket, connect, shutdown; and a send and a recv for each round: 25 bytes are not torn apart.
            let name = Guest { program: Program::EchoClient, entry: client_entry }.name();
            let calls = Calls::by(client_entry, 3 + 2 * ROUNDS);
            assert_eq!(counts, Counts::one(client_pid, &name, calls), "{world:?}");

            let (server, counts) = server.finish().split();
            assert_eq!(server, Finished::exited(0, "", ""), "{world:?}");
            // socket, bind, listen, getsockname, accept, the recv at the end; and two for each round.
            let name = Guest { program: Program::EchoServer, entry: server_entry }.name();
            let calls = Calls::by(server_entry, 6 + 2 * ROUNDS);
            assert_eq!(counts, Counts::one(server_pid, &name, calls), "{world:?}");
        }
    }
}

#[test]
fn a_native_client_talks_to_a_supervised_server() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    let path = scratch.guest(Program::EchoServer, Entry::Int80);
    let mut server = Running::start(&mut World::RunDenied.command(path));
    let port = server.line();
    let path = scratch.guest(Program::EchoClient, Entry::Vdso);
    let client = run(World::Native.command(path).arg(port));
    assert_eq!(client, Finished::exited(0, "one line, there and back\n", ""));
    assert!(server.finish().status.success());
}

#[test]
fn every_child_of_two_hundred_is_counted_by_itself() {
    require_32_bit_kernel!();
    const CHILDREN: u64 = 200;
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        let path = scratch.guest(Program::ForkCalls, entry);
        for world in World::RUNS {
            let (pid, finished, counts) = run_counted(world.command(&path).arg(CHILDREN.to_string()));
            assert_eq!(finished, Finished::exited(0, "200 children\n", ""), "{entry:?} {world:?}");
            let pids: BTreeSet<_> = counts.programs.iter().map(|(pid, _, _)| *pid).collect();
            assert_eq!(pids.len() as u64, CHILDREN, "{entry:?} {world:?}");
            assert!(!pids.contains(&pid), "the parent makes no socket call");
            for (_, name, calls) in &counts.programs {
                assert_eq!(*calls, Calls::by(entry, 4), "{entry:?} {world:?}");
                assert_eq!(*name, Guest { program: Program::ForkCalls, entry }.name());
            }
            assert_eq!(counts.total, Some(Calls::by(entry, 4 * CHILDREN)), "{entry:?} {world:?}");
        }
    }
}

#[test]
fn a_chain_of_programs_is_counted_program_by_program() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    let [vdso, int80] = [Entry::Vdso, Entry::Int80].map(|entry| scratch.guest(Program::ExecChain, entry));
    let [vdso, int80] = [vdso, int80].map(|path| path.into_os_string().into_string().expect("text"));
    // 32-bit, 32-bit, 64-bit, 32-bit, 64-bit.
    let arguments =
        ["2", &int80, "3", "/usr/bin/env", "WORD=word", &vdso, "4", "/bin/sh", "-c", "echo $WORD $0"];
    let native = run(World::Native.command(&vdso).args(arguments));
    assert_eq!(native, Finished::exited(0, "word /bin/sh\n", ""));
    for world in World::RUNS {
        let (pid, finished, counts) = run_counted(world.command(&vdso).args(arguments));
        assert_eq!(finished, native, "{world:?}");
        let line = |entry, calls| {
            (pid, Guest { program: Program::ExecChain, entry }.name(), Calls::by(entry, calls))
        };
        let programs = vec![line(Entry::Vdso, 2), line(Entry::Int80, 3), line(Entry::Vdso, 4)];
        let total = Some(Calls { stub: 6, trap: 3, direct: 0 });
        assert_eq!(counts, Counts { programs, total }, "{world:?}");
    }
}
