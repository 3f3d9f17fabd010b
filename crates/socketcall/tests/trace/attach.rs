//! `-p`: processes that run already.

use std::process::{Command, Stdio};

use guest32::{Entry, Program};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Scratch, holds, start, trace, tracer, wait_until};

/// A server that waits in accept, traced from there on until an interrupt.
#[test]
fn a_process_is_let_go_as_it_was() {
    let scratch = Scratch::new();
    let server = scratch.guest(Program::EchoServer, Entry::Int80);
    let mut server = start(Command::new(server).stdin(Stdio::null()).stdout(Stdio::null()));
    let file = scratch.path("trace");
    let mut command = trace(&["-o", file.to_str().unwrap(), "-p", &server.id().to_string()]);
    let mut tracing = start(command.stderr(Stdio::piped()));
    wait_until("attached", || tracer(server.id()) != 0);
    kill(Pid::from_raw(tracing.id().cast_signed()), Signal::SIGINT).unwrap();
    let status = tracing.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(2));
    assert_eq!(tracer(server.id()), 0);
    assert!(server.try_wait().unwrap().is_none(), "the server runs on");
    server.kill().unwrap();
    server.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut tracing.stderr.take().unwrap(), &mut said).unwrap();
    let id = server.id();
    assert_eq!(said, format!("socketcall: Process {id} attached\nsocketcall: Process {id} detached\n"));
    assert!(holds(&file, ""));
}
