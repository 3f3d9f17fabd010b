//! 64-bit programs that reach socketcall by `int $0x80`: the call is carried out as the direct one.

use std::sync::{Arc, Mutex};

use supervise::{Count, Demux, End, Tally};

use crate::harness::{World, natively, run, run_with};
use crate::hidden;

/// Natively, and in both worlds of a session: the same output.
fn the_same_everywhere(what: &'static str, argument: Option<&'static str>) -> String {
    let mut command = hidden::command(what);
    command.args(argument);
    let native = natively(command);
    assert_eq!((native.end, native.stderr.as_str()), (End::Exited(0), ""), "{}", native.stdout);
    for world in World::ALL {
        let finished = world.within(move || run(hidden::launch(what).args(argument)));
        for (ours, linux) in finished.stdout.lines().zip(native.stdout.lines()) {
            assert_eq!(ours, linux, "{world:?}");
        }
        assert_eq!(finished, native, "{world:?}");
    }
    native.stdout
}

#[test]
fn calls_and_errors_are_linuxs_and_registers_are_kept() {
    require_32_bit_kernel!();
    let native = the_same_everywhere("caller", None);
    // What was compared is what it should be.
    assert!(native.starts_with("socketpair 0 []\nsend 4 []\nrecv 4 []\n0x676e6970\n"), "{native}");
    for line in
        ["call-0 -22 []", "call-257 -22 []", "socket -14 []", "bad-descriptor -9 []", "at-page-end -14 []"]
    {
        assert!(native.lines().any(|of| of == line), "{line}: {native}");
    }
}

#[test]
fn without_a_session_it_fails_where_socketcall_is_denied() {
    require_32_bit_kernel!();
    let denied = World::Denied.within(|| natively(hidden::command("caller")));
    assert!(denied.stdout.starts_with("socketpair -54 []\n"), "{denied:?}");
}

#[test]
fn interrupted_calls_end_or_are_restarted_as_linux_has_it() {
    require_32_bit_kernel!();
    assert_eq!(the_same_everywhere("interrupted", None), "[\"-4 []\", \"-4 []\", \"-4 []\"]\n");
    assert_eq!(the_same_everywhere("interrupted", Some("restart")), "[\"1 []\"]\n");
}

#[test]
fn a_stop_in_a_call_is_not_noticed() {
    require_32_bit_kernel!();
    assert_eq!(the_same_everywhere("stopped", None), "1 []\n");
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Count>>>);

impl Tally for Kept {
    fn process(&mut self, count: &Count) {
        self.0.lock().expect("no panic").push(count.clone());
    }

    fn all(&mut self, total: &Count) {
        self.0.lock().expect("no panic").push(total.clone());
    }
}

/// Each multiplexed call is counted once, also where it is made anew as a direct one.
#[test]
fn every_call_is_counted_once() {
    require_32_bit_kernel!();
    for world in World::ALL {
        let kept = Kept::default();
        let counts = kept.0.clone();
        let finished = world.within(move || run_with(hidden::launch("caller"), Demux::new().count(kept)));
        let calls = finished.stdout.lines().filter(|line| line.ends_with(']')).count() as u64;
        assert!(calls > 40, "{finished:?}");
        let counts = counts.lock().expect("no panic");
        let numbers: Vec<_> = counts.iter().map(|count| (count.stub, count.trap, count.direct)).collect();
        assert_eq!(numbers, [(0, calls, 0), (0, calls, 0)], "{world:?}: its own, and the total");
    }
}

/// Where its memory can't be looked at, a call can't be taken apart: it is refused, and that is told.
#[test]
fn a_program_that_hides_its_memory_is_told_of() {
    require_32_bit_kernel!();
    assert_eq!(natively(hidden::command("shy")).stdout, "0 []\n");
    for world in World::ALL {
        let finished = world.within(|| {
            let own = std::env::current_exe().expect("an executable");
            let mut command = std::process::Command::new("/usr/bin/setpriv");
            // As in a container: also root may not look at everything.
            command.args(["--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", "--no-new-privs"]);
            command.arg(&own).args(["--as-a-program", "become"]);
            natively({
                command.arg(own).args(["--as-a-program", "shy"]);
                command
            })
        });
        assert_eq!((finished.end, finished.stdout.as_str()), (End::Exited(0), "-38 []\n"), "{world:?}");
        let told = "shows its memory to no tracer, so its socketcalls are refused: give CAP_SYS_PTRACE, or run as root\n";
        assert!(finished.stderr.ends_with(told), "{world:?} {finished:?}");
    }
}
