//! What others have put around us: filters that answer for socketcall, no_new_privs, namespaces.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use guest32::{Entry, Program};
use seccomp::{Action, Arch, Wants, with_filter};

use crate::harness::{
    Calls, Counts, Finished, SOCKETCALL, Scratch, World, answering, clean, run, run_counted, skip,
    socketcall_run,
};

const SIGSYS: i32 = 31;

#[test]
fn where_socketcall_kills_the_vdso_way_works_and_the_other_is_told() {
    require_32_bit_kernel!();
    let warning = "socketcall: an outer seccomp filter kills on socketcall, and nothing comes in front of that: \
                   programs that call through the vDSO (glibc, musl) are served, a raw int $0x80 (Go) will be \
                   killed\n";
    let scratch = Scratch::new();
    for kill in [Action::KillProcess, Action::KillThread] {
        let killed = |path: &std::path::Path| {
            let mut command = World::Native.command(path);
            with_filter(&mut command, answering(kill));
            let finished = run(&mut command);
            assert_eq!(finished.status.signal(), Some(SIGSYS), "natively: {finished:?}");
        };
        let path = scratch.guest(Program::AllCalls, Entry::Vdso);
        killed(&path);
        let native = run(&mut World::Native.command(&path));
        let mut command = World::Run.command(&path);
        with_filter(&mut command, answering(kill));
        let (pid, finished, counts) = run_counted(&mut command);
        assert_eq!(finished, Finished { stderr: warning.into(), ..native }, "{kill:?}");
        let calls = counts.total.expect("a total");
        assert_eq!(counts, Counts::one(pid, "all-calls-vdso", calls), "{kill:?}");
        assert!(calls.stub > 0 && calls.trap == 0, "{kill:?} {calls:?}");

        let path = scratch.guest(Program::Article, Entry::Int80);
        killed(&path);
        let mut command = World::Run.command(&path);
        with_filter(&mut command, answering(kill));
        let (_, finished, _) = run_counted(&mut command);
        assert_eq!(finished.status.signal(), Some(SIGSYS), "{kill:?}");
        assert_eq!(finished.stderr, warning, "{kill:?}");
    }
}

/// Every answer but KILL loses to ours.
#[test]
fn whatever_else_an_outer_filter_answers_the_guests_work() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        let path = scratch.guest(Program::AllCalls, entry);
        let native = run(&mut World::Native.command(&path));
        for action in [Action::Trap(1), Action::Errno(38), Action::Errno(0), Action::Trace(1), Action::Log] {
            let mut command = World::Native.command(&path);
            with_filter(&mut command, answering(action));
            assert!(
                action == Action::Log || run(&mut command) != native,
                "{action:?} answers for socketcall"
            );

            let mut command = World::Run.command(&path);
            with_filter(&mut command, answering(action));
            let (_, finished, counts) = run_counted(&mut command);
            assert_eq!(finished, native, "{entry:?} {action:?}");
            let calls = counts.total.expect("a total");
            assert_eq!(calls, Calls::by(entry, calls.stub + calls.trap), "{entry:?} {action:?}");
        }
    }
}

/// What the outer world forbids stays forbidden: a filter that judges the direct calls is asked.
#[test]
fn direct_calls_are_judged_by_outer_filters() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    let mut wants = Wants::new();
    wants.add(Arch::I386, abi::SOCKETCALL_I386, Action::Errno(54));
    wants.add(Arch::I386, abi::i386::SOCKET, Action::Errno(13));
    let filter = wants.compile().expect("a filter of two rules");
    for entry in Entry::ALL {
        let path = scratch.guest(Program::Article, entry);
        let mut command = World::Run.command(&path);
        with_filter(&mut command, filter.clone());
        let (pid, finished, counts) = run_counted(&mut command);
        assert_eq!(finished, Finished::exited(13, "", ""), "{entry:?}: socket answers EACCES");
        let name = format!("article-{}", entry.name());
        assert_eq!(counts, Counts::one(pid, &name, Calls::by(entry, 1)));
    }
}

#[test]
fn filters_inside_filters_inside_filters() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        let path = scratch.guest(Program::ForkCalls, entry);
        let mut command = World::RunDenied.command(&path);
        for action in [Action::Errno(1), Action::Trap(7), Action::Log] {
            with_filter(&mut command, answering(action));
        }
        let (_, finished, counts) = run_counted(command.arg("3"));
        assert_eq!(finished, Finished::exited(0, "3 children\n", ""), "{entry:?}");
        assert_eq!(counts.total, Some(Calls::by(entry, 12)), "{entry:?}");
    }
}

#[test]
fn no_new_privs_changes_nothing() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        let path = scratch.guest(Program::ForkCalls, entry);
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--no-new-privs", SOCKETCALL, "run", "-v", "--"]).arg(&path).arg("3");
        clean(&mut command);
        let (_, finished, counts) = run_counted(&mut command);
        assert_eq!(finished, Finished::exited(0, "3 children\n", ""), "{entry:?}");
        assert_eq!(counts.total, Some(Calls::by(entry, 12)), "{entry:?}");
    }
}

/// Whether unshare(1) can do this here; where not, names the test as skipped.
fn can_unshare(flags: &[&str]) -> bool {
    let can = Command::new("/usr/bin/unshare").args(flags).arg("/bin/true").output();
    if can.is_ok_and(|output| output.status.success()) {
        return true;
    }
    skip(&format!("no `unshare {}` here", flags.join(" ")));
    false
}

#[test]
fn in_a_user_namespace() {
    require_32_bit_kernel!();
    if !can_unshare(&["-U", "-r"]) {
        return;
    }
    let scratch = Scratch::new();
    for entry in Entry::ALL {
        let path = scratch.guest(Program::ForkCalls, entry);
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["-U", "-r", SOCKETCALL, "run", "-v", "--"]).arg(&path).arg("3");
        clean(with_filter(&mut command, answering(Action::Errno(54))));
        let (_, finished, counts) = run_counted(&mut command);
        assert_eq!(finished, Finished::exited(0, "3 children\n", ""), "{entry:?}");
        assert_eq!(counts.total, Some(Calls::by(entry, 12)), "{entry:?}");
    }
}

/// As in an image from scratch, where there is nothing in /dev, and no shell.
#[test]
fn rules_on_addresses_need_no_dev() {
    require_32_bit_kernel!();
    if !can_unshare(&["-U", "-r", "-m"]) {
        return;
    }
    let scratch = Scratch::new();
    let program = scratch.guest(Program::AllCalls, Entry::Vdso);
    let mut command = Command::new("/usr/bin/unshare");
    let script = "mount -t tmpfs none /dev && exec \"$@\"";
    command.args(["-U", "-r", "-m", "/bin/sh", "-c", script, "sh", SOCKETCALL, "run"]);
    command.args(["--deny", "address=192.0.2.0/24", "--"]).arg(program);
    clean(&mut command);
    let finished = run(&mut command);
    if finished.stderr.contains("need mseal(2)") {
        skip("rules on addresses need Linux 6.10");
        return;
    }
    assert_eq!(finished.status.code(), Some(0), "{finished:?}");
}

/// As in a container: the program is PID 1, and whoever is left when it ends, dies.
#[test]
fn as_the_first_process_of_a_pid_namespace() {
    require_32_bit_kernel!();
    let flags = ["-U", "-r", "-p", "-f", "-m", "--mount-proc"];
    if !can_unshare(&flags) {
        return;
    }
    let scratch = Scratch::new();
    let in_namespace = |program: &[&str]| {
        let mut command = Command::new("/usr/bin/unshare");
        command.args(flags).args([SOCKETCALL, "run", "-v", "--"]).args(program);
        clean(with_filter(&mut command, answering(Action::Errno(54))));
        run_counted(&mut command)
    };
    let (_, finished, _) = in_namespace(&["/bin/sh", "-c", "echo $$; exit 5"]);
    assert_eq!(finished, Finished::exited(5, "1\n", ""));
    // It ends while a child of its own goes on.
    let (_, finished, _) = in_namespace(&["/bin/sh", "-c", "sleep 60 & exit 6"]);
    assert_eq!(finished, Finished::exited(6, "", ""));
    for entry in Entry::ALL {
        let path = scratch.guest(Program::ForkCalls, entry);
        let path = path.to_str().expect("text");
        let (_, finished, counts) = in_namespace(&[path, "3"]);
        assert_eq!(finished, Finished::exited(0, "3 children\n", ""), "{entry:?}");
        assert_eq!(counts.total, Some(Calls::by(entry, 12)), "{entry:?}");
    }
}

/// The kernel's own answer where nothing runs: this test's guests must be able to fail.
#[test]
fn without_verbose_a_killing_filter_is_told_too() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    scratch.guest(Program::Article, Entry::Vdso);
    let mut command = socketcall_run(["--", &scratch.text("article-vdso")]);
    with_filter(&mut command, answering(Action::KillProcess));
    let finished = run(&mut command);
    assert_eq!((finished.status.code(), finished.stderr.lines().count()), (Some(0), 1), "{finished:?}");
}
