//! Filters and limits in the way of what `run` itself calls: `run`, `--explain` and `check` say the same, in one line that
//! names the thing and the remedy, and none of them dies or hangs of it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use guest32::{Entry, Guest, Program};
use nix::unistd::Uid;
use seccomp::{Action, Arch, Field, Test, Wants, with_filter};
use serde_json::Value;

use crate::harness::{
    Calls, Counts, Finished, SOCKETCALL, Scratch, World, run, run_counted, skip, socketcall_run,
};

const PTRACE: u32 = 101;
const KILL: u32 = 62;
const MKDIR: u32 = 83;
const SECCOMP: u32 = 317;
const MEMFD_CREATE: u32 = 319;
const EXECVEAT: u32 = 322;
const LSM_LIST_MODULES: u32 = 461;
const EPERM: Action = Action::Errno(1);
const ENOSYS: Action = Action::Errno(38);
const KILLS: [Action; 2] = [Action::KillProcess, Action::KillThread];

/// `command` under a filter with this answer for each of these calls.
fn answering(mut command: Command, numbers: &[u32], action: Action) -> Command {
    let mut wants = Wants::new();
    for number in numbers {
        wants.add(Arch::X86_64, *number, action);
    }
    with_filter(&mut command, wants.compile().expect("a short filter"));
    command
}

fn check() -> Command {
    let mut command = Command::new(SOCKETCALL);
    command.args(["check", "--json", "--family", "unix"]);
    command
}

/// What `check` says.
fn report(mut command: Command) -> Value {
    let finished = run(&mut command);
    assert_eq!(finished.stderr, "", "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn where_run_can_not_start_all_verbs_say_why() {
    let killed = |call: &str| {
        format!(
            "an outer seccomp filter kills by SIGSYS whoever calls {call}, and run needs that: allow {call} in the \
             container's seccomp profile or the unit (systemd: SystemCallFilter={call})"
        )
    };
    let seccomp = "seccomp filter: Operation not permitted (os error 1): allow seccomp in the container's seccomp \
                   profile, or in the unit's SystemCallFilter";
    let ptrace = "ptrace is refused here (Operation not permitted (os error 1)): allow ptrace in the container's \
                  seccomp profile or security module, or start the container with --cap-add SYS_PTRACE";
    let mut cases = vec![(SECCOMP, EPERM, seccomp.to_owned())];
    for kill in KILLS {
        cases.extend([(SECCOMP, kill, killed("seccomp")), (PTRACE, kill, killed("ptrace"))]);
    }
    let yama = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    if !matches!(yama.trim(), "1" | "2" | "3") {
        cases.push((PTRACE, EPERM, ptrace.to_owned()));
    }
    for (number, action, line) in cases {
        let refused = Finished::exited(125, "", &format!("socketcall: {line}\n"));
        for options in [&["--"][..], &["-v", "--"], &["--untraced", "--"]] {
            let command = socketcall_run(options.iter().copied().chain(["/bin/echo", "never"]));
            let finished = run(&mut answering(command, &[number], action));
            assert_eq!(finished, refused, "{number} {action:?} {options:?}");
        }
        let explained = run(&mut answering(socketcall_run(["--explain", "/bin/echo"]), &[number], action));
        for said in [format!("\nrun:       fails here: {line}\n"), format!("\n--untraced: {line}\n")] {
            assert!(explained.stdout.contains(&said), "{number} {action:?}: {explained:?}");
        }
        let report = report(answering(check(), &[number], action));
        let run = &report["run"];
        assert_eq!((&run["works"], &run["untraced"]), (&false.into(), &false.into()), "{run}");
        assert_eq!(text(&run["text"]), format!("does not work here: {line}"));
    }
}

/// Rules take more than taking calls apart does.
#[test]
fn what_rules_need_is_tried_too() {
    const PIDFD_GETFD: u32 = 438;
    const LANDLOCK_CREATE_RULESET: u32 = 444;
    const MSEAL: u32 = 462;
    let all = [PIDFD_GETFD, LANDLOCK_CREATE_RULESET, MSEAL];
    for (number, options) in all.into_iter().flat_map(|number| {
        [(number, &["--deny", "port=1"][..]), (number, &["--untraced", "--deny", "family=alg"])]
    }) {
        let command = socketcall_run(options.iter().copied().chain(["--", "/bin/echo", "word"]));
        let finished = run(&mut answering(command, &[number], KILLS[0]));
        if options[0] == "--untraced" && number != LANDLOCK_CREATE_RULESET {
            assert_eq!(finished, Finished::exited(0, "word\n", ""), "{number}");
        } else {
            assert_eq!(finished.status.code(), Some(125), "{number} {finished:?}");
            let last = finished.stderr.lines().last().unwrap_or_default();
            assert!(last.starts_with("socketcall: an outer seccomp filter kills by SIGSYS "), "{finished:?}");
        }
        // Without rules nobody asks.
        let command = socketcall_run(["--", "/bin/echo", "word"]);
        let finished = run(&mut answering(command, &[number], KILLS[0]));
        assert_eq!(finished, Finished::exited(0, "word\n", ""), "{number}");
    }
}

#[test]
fn a_filter_that_kills_on_one_multiplexed_call_is_noticed() {
    require_32_bit_kernel!();
    let scratch = Scratch::new();
    let article = scratch.guest(Program::Article, Entry::Vdso);
    for call in [abi::Call::Socket, abi::Call::Sendmmsg] {
        let under = |mut command: Command| {
            let mut wants = Wants::new();
            let tests = [Test::eq(Field::Arg(0), call.number().cast_unsigned())];
            wants.add_if(Arch::I386, abi::SOCKETCALL_I386, &tests, Action::KillProcess);
            with_filter(&mut command, wants.compile().expect("a short filter"));
            command
        };
        assert_eq!(report(under(check()))["run"]["int80"], "killed", "{call:?}");
        let mut command = socketcall_run(["--"]);
        command.arg(&article);
        let finished = run(&mut under(command));
        assert_eq!(finished.status.code(), Some(0), "{finished:?}");
        let said =
            "socketcall: an outer seccomp filter kills on socketcall, and nothing comes in front of that: ";
        assert!(finished.stderr.starts_with(said) && finished.stderr.lines().count() == 1, "{finished:?}");
    }
}

/// As systemd's SystemCallArchitectures=native makes it, and by a trap, which kills who has no handler.
#[test]
fn where_32_bit_programs_die_at_any_call_nothing_is_promised() {
    require_32_bit_kernel!();
    let all = |mut command: Command, action: Action| {
        let mut wants = Wants::new();
        wants.add_range(Arch::I386, 0..=u32::MAX, action);
        with_filter(&mut command, wants.compile().expect("a short filter"));
        command
    };
    for action in KILLS.into_iter().chain([Action::Trap(0)]) {
        let report = report(all(check(), action));
        assert_eq!((&report["status"], &report["no_32_bit_sockets"]), (&0.into(), &true.into()), "{report}");
        let machine = &report["run"];
        assert_eq!((&machine["works"], &machine["int80"]), (&false.into(), &"killed".into()), "{machine}");
        assert!(text(&machine["text"]).contains("`socketcall run` can't help"), "{machine}");
        let explained = run(&mut all(socketcall_run(["--explain", "/bin/echo"]), action));
        assert!(explained.stdout.contains("\nby vDSO:   killed: "), "{explained:?}");
        let finished = run(&mut all(socketcall_run(["--", "/bin/echo", "word"]), action));
        let said = "socketcall: an outer seccomp filter kills 32-bit programs at any call, and nothing comes in \
                    front of that: let it allow them (systemd: SystemCallArchitectures=native x86)\n";
        assert_eq!(finished, Finished::exited(0, "word\n", said));
    }
}

/// Closed on every way to 32-bit programs, and open to others: by errno.
#[test]
fn that_32_bit_programs_can_create_no_socket_is_said() {
    require_32_bit_kernel!();
    let under = |arguments: &[&str]| {
        let mut wants = Wants::new();
        wants.add(Arch::I386, abi::i386::SOCKET, EPERM);
        wants.add(Arch::I386, abi::SOCKETCALL_I386, ENOSYS);
        let mut command = Command::new(SOCKETCALL);
        command.arg("check").args(arguments);
        with_filter(&mut command, wants.compile().expect("a short filter"));
        run(&mut command)
    };
    for (arguments, said) in [
        (&[][..], "\n32-bit programs can create no socket here, by socketcall or directly.\n"),
        (&["--family", "unix"], "\n32-bit programs can create no socket of these families here, "),
    ] {
        let finished = under(arguments);
        assert_eq!(finished.status.code(), Some(0), "{finished:?}");
        assert!(finished.stdout.contains(said), "{finished:?}");
    }
    let open = report(check());
    assert_eq!(open["no_32_bit_sockets"], false, "{open}");
}

/// Memory may not be executed: another place serves.
#[test]
fn programs_of_our_own_find_a_place() {
    require_32_bit_kernel!();
    let native = report(check());
    for number in [MEMFD_CREATE, EXECVEAT] {
        for action in [EPERM, ENOSYS, KILLS[0]] {
            let report = report(answering(check(), &[number], action));
            assert_eq!(report["run"]["vdso"], native["run"]["vdso"], "{number} {action:?} {report}");
            let answer = &report["families"][0]["ways"]["process32_i386"]["answer"];
            assert_eq!(answer, "created", "{number} {action:?}");
            let counted = run(&mut answering(socketcall_run(["-v", "--", "/bin/echo"]), &[number], action));
            assert_eq!(
                counted.split(),
                (Finished::exited(0, "\n", ""), Counts::none()),
                "{number} {action:?}"
            );
        }
    }
}

/// No place serves: `run` doesn't need one, and counts all the same.
#[test]
fn without_a_place_run_works_and_counts() {
    require_32_bit_kernel!();
    let nowhere = [MEMFD_CREATE, MKDIR];
    let report = report(answering(check(), &nowhere, EPERM));
    let machine = &report["run"];
    assert_eq!((&machine["works"], &machine["vdso"]), (&true.into(), &Value::Null), "{machine}");
    assert!(text(&machine["text"]).contains("could not be tried"), "{machine}");
    let scratch = Scratch::new();
    for (entry, call) in Entry::ALL.into_iter().flat_map(|entry| [(entry, "359"), (entry, "102")]) {
        let path = scratch.guest(Program::Probe, entry);
        let mut command = answering(World::Run.command(&path), &nowhere, EPERM);
        let (pid, finished, counts) = run_counted(command.args([call, "1", "1", "0", "2", "1", "0"]));
        assert_eq!(finished, Finished::exited(0, "0\n0\n", ""), "{entry:?} {call}");
        let calls = if call == "102" { Calls::by(entry, 2) } else { Calls { direct: 2, ..Calls::default() } };
        let name = Guest { program: Program::Probe, entry }.name();
        assert_eq!(counts, Counts::one(pid, &name, calls), "{entry:?} {call}");
    }
}

/// Files that must not get long are answered by a signal unless that is ignored.
#[test]
fn a_limit_on_files_kills_nobody() {
    require_32_bit_kernel!();
    let limited = |words: &str| {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("ulimit -f 0; exec {SOCKETCALL} {words}")]);
        crate::harness::clean(&mut shell);
        run(&mut shell)
    };
    let counted = limited("run -v -- /bin/echo word").split();
    assert_eq!(counted, (Finished::exited(0, "word\n", ""), Counts::none()));
    let checked = limited("check --json --family unix");
    let report: Value = serde_json::from_str(&checked.stdout).unwrap_or_else(|_| panic!("{checked:?}"));
    assert!(text(&report["run"]["text"]).contains("memory: File too large (os error 27)"), "{report}");
    let demo = limited("demo");
    assert_eq!((demo.status.code(), demo.stderr.lines().count()), (Some(2), 1), "{demo:?}");
    // The program gets the signal as it was.
    let finished = limited("run -v -- /bin/sh -c 'exec 3>/dev/null; kill -XFSZ $$'");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&finished.status), Some(25), "{finished:?}");
}

#[test]
fn a_filter_that_refuses_kill_holds_nobody_up() {
    require_32_bit_kernel!();
    const TKILL: u32 = 200;
    const PIDFD_SEND_SIGNAL: u32 = 424;
    for numbers in [&[KILL][..], &[KILL, TKILL, PIDFD_SEND_SIGNAL]] {
        let report = report(answering(check(), numbers, EPERM));
        assert_eq!(report["run"]["works"], true, "{report}");
        let counted = run(&mut answering(socketcall_run(["-v", "--", "/bin/echo"]), numbers, EPERM));
        assert_eq!(counted.split(), (Finished::exited(0, "\n", ""), Counts::none()), "{numbers:?}");
    }
}

#[test]
fn what_can_only_be_asked_at_the_price_of_a_life_is_not_asked() {
    let report = report(answering(check(), &[LSM_LIST_MODULES], KILLS[0]));
    assert_eq!(report["status"], 0, "{report}");
}

/// A process has one tracer: it need not follow what we start for a trial.
#[test]
fn a_tracer_around_us_is_said_by_all() {
    let Ok(version) = Command::new("strace").arg("-V").output() else { return skip("no strace here") };
    assert!(version.status.success());
    let traced = |options: &[&str]| {
        let mut command = Command::new("strace");
        command.args(["-o", "/dev/null", SOCKETCALL]).args(options);
        crate::harness::clean(&mut command);
        run(&mut command)
    };
    let explained = traced(&["run", "--explain", "/bin/echo"]);
    for line in ["run:       fails here", "--untraced"] {
        let said = format!("\n{line}: ptrace: this process is traced already, by process ");
        assert!(explained.stdout.contains(&said), "{explained:?}");
    }
    let checked = traced(&["check", "--family", "unix"]);
    assert!(checked.stdout.contains("\nsocketcall run: does not work here: ptrace: this"), "{checked:?}");
    assert_eq!(traced(&["run", "/bin/echo"]).status.code(), Some(125));
}

/// `check` asks for any program, not for itself.
#[test]
fn a_binary_that_can_not_be_read_says_so_of_nobody_else() {
    let scratch = Scratch::public();
    scratch.executable("socketcall", &fs::read(SOCKETCALL).expect("the program under test"));
    scratch.mode("socketcall", 0o711);
    let as_user = |arguments: &[&str]| {
        let mut command = Command::new(scratch.path("socketcall"));
        command.args(arguments);
        if Uid::effective().is_root() {
            command.uid(65534).gid(65534);
        }
        crate::harness::clean(&mut command);
        run(&mut command)
    };
    let runs = as_user(&["run", "/bin/echo"]).status.success();
    let checked = as_user(&["check", "--json", "--family", "unix"]);
    let report: Value = serde_json::from_str(&checked.stdout).unwrap_or_else(|_| panic!("{checked:?}"));
    let text = text(&report["run"]["text"]);
    assert!(!text.contains("can't be read"), "{text}");
    assert_eq!(runs, !text.starts_with("does not work here"), "{text}");
}
