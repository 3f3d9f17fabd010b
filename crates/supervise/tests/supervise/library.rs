//! Sessions in another program: beside its threads and its children.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;

use guest32::{Entry, Program};
use supervise::{Demux, End, Error, Launch, Layer, Plan, Session, Then};
use tracee::{Stopped, Tid};

use crate::harness::{DENIED, Executable, Finished, World, run};

fn exited(status: i32, stdout: &str) -> Finished {
    Finished { end: End::Exited(status), stdout: stdout.into(), stderr: String::new() }
}

#[test]
fn a_session_without_layers_changes_nothing() {
    let shell = |script: &str| Session::new(Launch::new("/bin/sh").args(["-c", script])).run();
    assert_eq!(shell("exit 7").expect("a shell"), End::Exited(7));
    assert_eq!(shell("kill -TERM $$").expect("a shell"), End::Killed(15));
    require_32_bit_kernel!();
    let article = Executable::guest(Program::Article, Entry::Vdso);
    let path = article.path();
    let denied = World::Denied.within(move || Session::new(Launch::new(path)).run());
    assert_eq!(denied.expect("a guest"), End::Exited(DENIED.into()), "nobody takes its call apart");
}

#[test]
fn guests_in_a_session() {
    require_32_bit_kernel!();
    for entry in Entry::ALL {
        for world in World::ALL {
            let guest = Executable::guest(Program::ForkCalls, entry);
            let launch = Launch::new(guest.path()).arg("5");
            assert_eq!(world.within(|| run(launch)), exited(0, "5 children\n"), "{entry:?} {world:?}");
        }
    }
}

/// Sessions at the same time, in a program that has children of its own.
#[test]
fn sessions_do_not_disturb_each_other_nor_the_programs_children() {
    require_32_bit_kernel!();
    let guest = Executable::guest(Program::ForkCalls, Entry::Int80);
    let path = guest.path();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let path = path.clone();
            thread::spawn(move || {
                let launch = Launch::new(path).arg("20");
                for _ in 0..3 {
                    let mut child =
                        Command::new("/bin/sh").args(["-c", &format!("exit {n}")]).spawn().expect("sh");
                    let launch = Launch::new("/bin/sh").args(["-c", "exit 3"]);
                    assert_eq!(run(launch), exited(3, ""));
                    assert_eq!(child.wait().expect("nobody else waits for it").code(), Some(n));
                }
                assert_eq!(run(launch), exited(0, "20 children\n"));
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
}

#[test]
fn the_launch_is_obeyed() {
    let (mut input, output) = (std::io::pipe().expect("a pipe"), std::io::pipe().expect("a pipe"));
    let env = [("A", "1"), ("B", "two words")].map(|(name, value)| (OsString::from(name), value.into()));
    let launch = Launch::new("/bin/sh")
        .args(["-c", "read line; echo \"$line $A $B $1\"; env | grep -c HOME; echo $$", "sh"])
        .arg("argument")
        .env(env)
        .stdin(input.0)
        .stdout(output.1);
    let running = Session::new(launch).with(Demux::new()).spawn().expect("a shell");
    let pid = running.pid();
    input.1.write_all(b"line\n").expect("a reader");
    let mut text = String::new();
    let mut output = output.0;
    output.read_to_string(&mut text).expect("text");
    assert_eq!(running.wait().expect("an end"), End::Exited(0));
    assert_eq!(text, format!("line 1 two words argument\n0\n{pid}\n"));
}

#[test]
fn what_can_not_be_started_is_an_error_of_spawn() {
    let error = |program: &str| match Session::new(Launch::new(program)).with(Demux::new()).spawn() {
        Ok(running) => panic!("{program} runs as {}", running.pid()),
        Err(error) => error,
    };
    assert!(matches!(error("/no/such/program"), Error::NotFound { in_path: false, .. }));
    assert!(matches!(error("no-such-program"), Error::NotFound { in_path: true, .. }));
    assert!(matches!(error("/dev"), Error::NotExecutable { .. }));
    let refused = Session::new(Launch::new("/bin/true").arg("a\0b")).run();
    assert!(matches!(refused, Err(Error::ZeroByte(_))), "{refused:?}");
}

/// A program in which another process has hung up is told of by its signal, not by an error.
#[test]
fn a_killed_program_is_an_end() {
    let running =
        Session::new(Launch::new("/bin/sleep").arg("60")).with(Demux::new()).spawn().expect("sleep");
    // SAFETY: kill takes no pointers.
    unsafe { libc::kill(running.pid(), libc::SIGKILL) };
    assert_eq!(running.wait().expect("an end"), End::Killed(libc::SIGKILL));
}

/// What a layer hears of a process that forks and executes.
#[derive(Clone, Default)]
struct Watch {
    heard: Arc<Mutex<Vec<String>>>,
    ends: Arc<AtomicU32>,
}

impl Layer for Watch {
    fn plan(&mut self, plan: &mut Plan) -> Result<(), Error> {
        plan.at_exit = true;
        Ok(())
    }

    fn on_exec(&mut self, stopped: &mut Stopped, former: Tid) -> tracee::Result<Then> {
        let same = stopped.tid() == former;
        self.heard.lock().expect("no panic").push(format!("exec {same}"));
        Ok(Then::Go)
    }

    fn on_clone(&mut self, parent: &mut Stopped, child: Tid) -> tracee::Result<Then> {
        let other = parent.tid() != child;
        self.heard.lock().expect("no panic").push(format!("clone {other}"));
        Ok(Then::Go)
    }

    fn on_exit(&mut self, _: &mut Stopped) -> tracee::Result<()> {
        self.heard.lock().expect("no panic").push("exit".into());
        Ok(())
    }

    fn on_end(&mut self, _: Tid, _: End) {
        self.ends.fetch_add(1, Relaxed);
    }
}

#[test]
fn layers_hear_of_processes() {
    let watch = Watch::default();
    let (heard, ends) = (watch.heard.clone(), watch.ends.clone());
    let launch = Launch::new("/bin/sh").args(["-c", "(exec /bin/true); exec /bin/true"]);
    let end = Session::new(launch).with(watch).run().expect("a shell");
    assert_eq!(end, End::Exited(0));
    let heard = heard.lock().expect("no panic");
    assert_eq!(*heard, ["exec true", "clone true", "exec true", "exit", "exec true", "exit"]);
    assert_eq!(ends.load(Relaxed), 2);
}

/// A layer that can't work is told before anything is started.
#[test]
fn a_layer_that_refuses_starts_nothing() {
    struct Refuses;
    impl Layer for Refuses {
        fn plan(&mut self, _: &mut Plan) -> Result<(), Error> {
            Err(Error::No32Bit)
        }
    }
    let refused = Session::new(Launch::new("/bin/sh").args(["-c", "kill -9 $PPID"])).with(Refuses).run();
    assert!(matches!(refused, Err(Error::No32Bit)), "{refused:?}");
}
