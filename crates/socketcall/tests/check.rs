//! `socketcall check`, as its user sees it: under filters of every kind.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use profile::{Kernel, Profile, Target};
use seccomp::{Action, Arch, Field, Test, Wants, with_filter};
use serde_json::Value;

const SOCKETCALL: &str = env!("CARGO_BIN_EXE_socketcall");

const ALG: u32 = 38;
const VSOCK: u32 = 40;
const SOCKET_X86_64: u32 = 41;
const SOCKET_I386: u32 = 359;
const PIPE2: u32 = 293;
const X32: u32 = 0x4000_0000;
const IO_URING_SETUP: u32 = 425;
const ENOSYS: Action = Action::Errno(38);
const EPERM: Action = Action::Errno(1);

/// What a filter is to answer.
#[derive(Clone, Copy)]
enum Want {
    /// To a call.
    Call(Arch, u32, Action),
    /// To a call for a family.
    Family(Arch, u32, u32, Action),
}

const SOCKETCALL_I386: (Arch, u32) = (Arch::I386, abi::SOCKETCALL_I386);

fn check(arguments: &[&str]) -> Command {
    let mut command = Command::new(SOCKETCALL);
    command.arg("check").args(arguments).stdin(Stdio::null());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command
}

fn under<'a>(command: &'a mut Command, answers: &[Want]) -> &'a mut Command {
    let mut wants = Wants::new();
    for answer in answers {
        match *answer {
            Want::Call(arch, number, action) => wants.add(arch, number, action),
            Want::Family(arch, number, family, action) => {
                wants.add_if(arch, number, &[Test::eq(Field::Arg(0), family)], action)
            }
        };
    }
    with_filter(command, wants.compile().expect("a short filter"))
}

/// The exit status and the report of `check --json`.
fn report(command: &mut Command) -> (i32, Report) {
    let Output { status, stdout, stderr } = command.arg("--json").output().expect("to be executed");
    assert_eq!(String::from_utf8_lossy(&stderr), "");
    let report = Report(serde_json::from_slice(&stdout).expect("JSON"));
    let status = status.code().expect("an exit status");
    assert_eq!(report.0["status"], status, "{}", report.0);
    (status, report)
}

fn under_filter(answers: &[Want]) -> (i32, Report) {
    report(under(&mut check(&[]), answers))
}

struct Report(Value);

impl Report {
    fn family(&self, number: u32) -> &Value {
        let families = self.0["families"].as_array().expect("families");
        families.iter().find(|family| family["number"] == number).expect("the family")
    }

    fn verdict(&self, number: u32) -> &str {
        self.family(number)["verdict"].as_str().expect("a verdict")
    }

    fn doors(&self, number: u32) -> Vec<&str> {
        let doors = self.family(number)["doors"].as_array().expect("doors");
        doors.iter().map(|door| door.as_str().expect("a name")).collect()
    }

    /// The answer, with the errno or the signal.
    fn answer(&self, number: u32, way: &str) -> String {
        let access = &self.family(number)["ways"][way];
        let more =
            access["errno"].as_str().map(str::to_owned).or(access["signal"].as_i64().map(|n| n.to_string()));
        let answer = access["answer"].as_str().expect("an answer");
        more.map_or_else(|| answer.to_owned(), |more| format!("{answer} {more}"))
    }

    fn headline(&self) -> &str {
        self.0["headline"].as_str().expect("a headline")
    }

    /// The remedy of the only finding, and its text.
    fn finding(&self) -> (&str, &str) {
        let [finding] = self.0["findings"].as_array().expect("findings").as_slice() else {
            panic!("{}", self.0)
        };
        (finding["text"].as_str().expect("text"), finding["remedy"].as_str().expect("text"))
    }
}

/// Whether this kernel serves 32-bit calls. Says which test is skipped where it does not.
fn has_32_bit() -> bool {
    let (_, report) = report(&mut check(&["--family", "unix"]));
    let has = report.0["no_32_bit_support"] == false;
    if !has {
        let thread = std::thread::current();
        let note =
            format!("skipped: {}: this kernel has no 32-bit entry\n", thread.name().unwrap_or("a test"));
        std::io::stderr().write_all(note.as_bytes()).expect("standard error");
    }
    has
}

#[test]
fn where_everything_is_allowed_it_is_open() {
    let (status, report) = under_filter(&[]);
    assert_eq!(status, 0, "{}", report.0);
    assert_eq!(report.headline().split(',').next(), Some("open"));
    assert_eq!(report.0["families"].as_array().map(Vec::len), Some(45));
    assert_eq!(report.answer(1, "x86_64"), "created");
    assert_eq!(report.0["findings"], Value::Array(vec![]));
    assert_eq!(
        (&report.0["process"]["seccomp"], &report.0["process"]["no_new_privs"]),
        (&"filter".into(), &true.into())
    );
    if has_32_bit() {
        for way in [
            "i386",
            "socketcall",
            "process32_i386",
            "process32_socketcall_int80",
            "process32_socketcall_vdso",
        ] {
            assert_eq!(report.answer(1, way), "created", "{way}");
        }
    }
}

/// The gap that socketcall leaves in Docker's profile: the families are refused wherever they are seen.
#[test]
fn families_denied_by_the_direct_calls_are_a_back_door() {
    if !has_32_bit() {
        return;
    }
    let refused = [ALG, VSOCK].into_iter().flat_map(|family| {
        [
            Want::Family(Arch::X86_64, SOCKET_X86_64, family, EPERM),
            Want::Family(Arch::X86_64, SOCKET_X86_64 | X32, family, EPERM),
            Want::Family(Arch::I386, SOCKET_I386, family, EPERM),
        ]
    });
    let mut wants: Vec<_> = refused.collect();
    wants.push(Want::Call(Arch::X86_64, IO_URING_SETUP, EPERM));
    let (status, report) = under_filter(&wants);
    assert_eq!((status, report.headline()), (1, "back door"), "{}", report.0);
    for family in [ALG, VSOCK] {
        assert_eq!(report.verdict(family), "back door");
        let doors = ["socketcall", "process32_socketcall_int80", "process32_socketcall_vdso"];
        assert_eq!(report.doors(family), doors);
        for way in ["x86_64", "i386", "process32_i386", "io_uring"] {
            assert_eq!(report.answer(family, way), "denied EPERM", "{way}");
        }
    }
    assert_eq!((report.verdict(1), report.verdict(2)), ("open", "open"));
    let (text, remedy) = report.finding();
    assert_eq!(text, "refused directly, possible by socketcall: AF_ALG and AF_VSOCK");
    assert!(remedy.contains("deny socketcall"), "{remedy}");
    // Asked of another family alone, there is nothing to find.
    let (status, report) = self::report(under(&mut check(&["--family", "AF_INET"]), &wants));
    assert_eq!((status, report.headline()), (0, "open"), "{}", report.0);
    assert_eq!(report.0["families"].as_array().map(Vec::len), Some(1));
    // As people see it.
    let output = under(&mut check(&["--family", "alg", "--family", "2"]), &wants).output().expect("to run");
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("here: back door\n") && !text.contains('\x1b'), "{text}");
    assert!(text.contains("back door: refused directly, possible by socketcall: AF_ALG\n"), "{text}");
}

/// Filters that compare all 64 bits of a register, and those that leave io_uring open.
#[test]
fn other_doors_are_named() {
    // libseccomp compares all 64 bits, and the kernel takes 32.
    const PROFILE: &str = r#"{
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [
            {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97,
             "args": [{"index": 0, "value": 38, "op": "SCMP_CMP_EQ"}]},
            {"names": ["io_uring_setup"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
        ]}"#;
    let target = Target::new(Kernel { major: 6, minor: 12 });
    let compiled = Profile::parse(PROFILE).expect("a profile").compile(&target).expect("rules");
    let filter = compiled.filter().expect("a filter");
    let (status, report) = report(with_filter(&mut check(&["--family", "ALG"]), filter));
    assert_eq!((status, report.doors(ALG)), (1, vec!["upper_bits"]), "{}", report.0);

    let denied = [
        Want::Call(Arch::X86_64, SOCKET_X86_64, EPERM),
        Want::Call(Arch::X86_64, SOCKET_X86_64 | X32, EPERM),
        Want::Call(SOCKETCALL_I386.0, SOCKETCALL_I386.1, EPERM),
    ];
    let (status, report) = under_filter(&denied);
    let doors = report.doors(1);
    assert!(!doors.contains(&"socketcall") && !doors.contains(&"upper_bits"), "{doors:?}");
    if has_32_bit() {
        assert_eq!(status, 1);
        assert!(doors.contains(&"i386") && doors.contains(&"process32_i386"), "{doors:?}");
    }
    if report.answer(1, "io_uring") == "created" {
        assert!(doors.contains(&"io_uring"), "{doors:?}");
    }
}

#[test]
fn socketcall_denied_alone_is_broken_and_run_is_the_remedy() {
    if !has_32_bit() {
        return;
    }
    for (action, word) in [(ENOSYS, "ENOSYS"), (EPERM, "EPERM")] {
        let (status, report) = under_filter(&[Want::Call(SOCKETCALL_I386.0, SOCKETCALL_I386.1, action)]);
        assert_eq!((status, report.headline()), (3, "broken"), "{}", report.0);
        assert_eq!(report.verdict(2), "broken");
        assert_eq!(report.answer(2, "process32_socketcall_vdso"), format!("denied {word}"));
        assert_eq!(report.answer(2, "process32_i386"), "created");
        let (text, remedy) = report.finding();
        assert!(text.contains(&format!("socketcall answers {word}, so 32-bit programs fail here")), "{text}");
        assert_eq!(remedy, "`socketcall run -- PROGRAM`");
        assert_eq!((&report.0["run"]["works"], &report.0["run"]["int80"]), (&true.into(), &"trap".into()));
    }
}

#[test]
fn where_the_filter_kills_only_callers_through_the_vdso_can_be_helped() {
    if !has_32_bit() {
        return;
    }
    for kill in [Action::KillProcess, Action::KillThread] {
        let (status, report) = under_filter(&[Want::Call(SOCKETCALL_I386.0, SOCKETCALL_I386.1, kill)]);
        assert_eq!((status, report.headline()), (3, "broken"), "{}", report.0);
        for way in ["socketcall", "process32_socketcall_int80", "process32_socketcall_vdso"] {
            assert_eq!(report.answer(2, way), "killed 31", "{way}");
        }
        let (text, remedy) = report.finding();
        assert!(text.contains("socketcall kills by SIGSYS"), "{text}");
        assert!(remedy.contains("for programs that call through the vDSO"), "{remedy}");
        assert_eq!(report.0["run"]["int80"], "killed");
    }
    // A trap kills as well, but `run` comes in front of it.
    let (status, report) = under_filter(&[Want::Call(SOCKETCALL_I386.0, SOCKETCALL_I386.1, Action::Trap(0))]);
    assert_eq!((status, report.finding().1), (3, "`socketcall run -- PROGRAM`"), "{}", report.0);
}

#[test]
fn a_family_denied_and_socketcall_too_is_closed_and_broken() {
    if !has_32_bit() {
        return;
    }
    let (status, report) = under_filter(&[
        Want::Family(Arch::X86_64, SOCKET_X86_64, ALG, EPERM),
        Want::Family(Arch::X86_64, SOCKET_X86_64 | X32, ALG, EPERM),
        Want::Family(Arch::I386, SOCKET_I386, ALG, EPERM),
        Want::Call(SOCKETCALL_I386.0, SOCKETCALL_I386.1, ENOSYS),
        Want::Call(Arch::X86_64, IO_URING_SETUP, EPERM),
    ]);
    assert_eq!((status, report.headline()), (3, "closed and broken"), "{}", report.0);
    assert_eq!((report.verdict(ALG), report.verdict(1)), ("closed", "broken"));
}

/// A filter that denies every way in, by an errno and by killing.
#[test]
fn everything_denied_is_closed() {
    for action in [EPERM, Action::KillProcess] {
        let (status, report) = under_filter(&[
            Want::Call(Arch::X86_64, SOCKET_X86_64, action),
            Want::Call(Arch::X86_64, SOCKET_X86_64 | X32, action),
            Want::Call(Arch::I386, SOCKET_I386, action),
            Want::Call(SOCKETCALL_I386.0, SOCKETCALL_I386.1, action),
            Want::Call(Arch::X86_64, IO_URING_SETUP, action),
        ]);
        assert_eq!(status, 0, "{}", report.0);
        assert_eq!(report.headline().split(',').next(), Some("closed"));
        for family in 1..=45 {
            assert_eq!(report.verdict(family), "closed", "{family}");
        }
    }
}

/// Nobody's answer is the worst: a filter that refuses to make the processes that ask, and the files that they execute.
#[test]
fn what_can_not_be_tried_is_named() {
    const MKDIR: u32 = 83;
    const MEMFD_CREATE: u32 = 319;
    if !has_32_bit() {
        return;
    }
    // The other way to the same answer stands for it.
    let (status, report) =
        under_filter(&[MEMFD_CREATE, MKDIR].map(|number| Want::Call(Arch::X86_64, number, EPERM)));
    assert_eq!((status, report.headline()), (0, "open"), "{}", report.0);
    assert_eq!(report.answer(1, "process32_i386"), "unknown");
    let missing = report.0["missing"]["process32_i386"]["text"].as_str().expect("a reason");
    assert!(missing.starts_with("a 32-bit program can't be executed here: "), "{missing}");
    let (status, report) = under_filter(&[Want::Call(Arch::X86_64, PIPE2, EPERM)]);
    assert_eq!((status, report.headline()), (2, "could not be checked"), "{}", report.0);
    assert!(report.0["missing"]["x86_64"]["text"].as_str().is_some_and(|text| text.starts_with("pipe2: ")));
}

/// What the kernel has loaded, as far as it tells.
fn loaded() -> [Option<String>; 2] {
    // The numbers of sockets change; names and modules don't.
    let protocols = fs::read_to_string("/proc/net/protocols").ok().map(|text| {
        text.lines().filter_map(|line| line.split_whitespace().next()).collect::<Vec<_>>().join("\n")
    });
    let modules = fs::read_to_string("/proc/modules").ok().map(|text| {
        text.lines().filter_map(|line| line.split_whitespace().next()).collect::<Vec<_>>().join("\n")
    });
    [protocols, modules]
}

#[test]
fn without_create_no_module_is_loaded() {
    let before = loaded();
    let (_, report) = report(&mut check(&[]));
    assert_eq!(report.0["created"], "loaded");
    assert_eq!(loaded(), before);
    if before[1].is_none() {
        std::io::stderr().write_all(b"skipped in part: this kernel has no /proc/modules\n").expect("stderr");
    }
    // Nobody lists AX25 among the protocols: it is not created, whether or not it is there.
    for (way, access) in report.family(3)["ways"].as_object().expect("ways") {
        assert_ne!(access["answer"], "created", "{way}");
        assert_ne!(access["answer"], "absent", "{way}");
    }
}

#[test]
fn with_create_every_family_is_asked_for() {
    let (status, report) = report(&mut check(&["--create", "--family", "unix", "--family", "NETBEUI"]));
    assert_eq!((status, &report.0["created"]), (0, &"all".into()), "{}", report.0);
    // A number that was given out, and never to a family.
    assert_eq!(
        (report.answer(1, "x86_64"), report.answer(13, "x86_64")),
        ("created".into(), "absent".into())
    );
    assert_eq!(report.verdict(13), "absent");
}

/// Whether a process may make a user namespace. Says which test is skipped where it may not.
fn has_user_namespaces() -> bool {
    let permitted =
        Command::new("unshare").args(["-r", "true"]).output().is_ok_and(|out| out.status.success());
    if !permitted {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("a test");
        let note = format!("skipped: {name}: unshare -r is not permitted\n");
        std::io::stderr().write_all(note.as_bytes()).expect("standard error");
    }
    permitted
}

#[test]
fn in_a_user_namespace_it_is_the_same() {
    if !has_user_namespaces() {
        return;
    }
    let (status, outside) = report(&mut check(&[]));
    let mut command = Command::new("unshare");
    command.args(["-r", SOCKETCALL, "check"]);
    let (inside_status, inside) = report(&mut command);
    assert_eq!((inside_status, inside.headline()), (status, outside.headline()), "{}", inside.0);
}

/// A root with nothing in it but the binary: no /proc, no /sys, no /dev.
fn bare_root(name: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("socketcall-check-{name}-{}", std::process::id()));
    fs::create_dir(&root).expect("a directory");
    fs::copy(SOCKETCALL, root.join("socketcall")).expect("a copy");
    root
}

fn check_in(root: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-r", "chroot"]).arg(root).args(["/socketcall", "check"]);
    command
}

#[test]
fn alone_in_a_root_a_profile_is_judged_as_anywhere() {
    if !has_user_namespaces() {
        return;
    }
    let root = bare_root("profile");
    fs::write(root.join("profile.json"), r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#).expect("to write");
    let output = check_in(&root).args(["--profile", "/profile.json"]).output().expect("to run");
    fs::remove_dir_all(&root).expect("to remove");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

/// As in an image made from scratch: no /proc, no /sys, no /dev, no other file.
#[test]
fn alone_in_a_root_it_works_and_says_what_it_could_not_know() {
    if !has_user_namespaces() {
        return;
    }
    let root = bare_root("root");
    let (status, outside) = report(&mut check(&[]));
    let (inside_status, inside) = report(&mut check_in(&root));
    fs::remove_dir_all(&root).expect("to remove");
    assert_eq!((inside_status, inside.headline()), (status, outside.headline()), "{}", inside.0);
    assert_eq!(inside.0["created"], "nothing");
    assert_eq!(inside.answer(1, "x86_64"), "passes");
    assert_eq!(inside.0["process"]["filters"], Value::Null);
    let unknown = inside.0["unknown"].as_array().expect("sentences");
    assert!(unknown.iter().any(|line| line.as_str().is_some_and(|line| line.contains("/proc/self/status"))));
}

#[test]
fn it_takes_less_than_half_a_second() {
    // The fastest of a few: others may have the processors meanwhile.
    let kill = [Want::Call(SOCKETCALL_I386.0, SOCKETCALL_I386.1, Action::KillProcess)];
    let time = |_| {
        let start = Instant::now();
        assert!(under(&mut check(&[]), &kill).output().expect("to run").status.code().is_some());
        start.elapsed()
    };
    let times: Vec<_> = (0..20).map(time).collect();
    assert!(times.iter().any(|time| *time < Duration::from_millis(500)), "{times:?}");
}

#[test]
fn wrong_usage_is_said() {
    for (arguments, said) in [
        (&["--family", "INTE6"][..], "no such family; near names: INET6"),
        (&["--family", "46"], "no such family: names and numbers"),
        (&["--create", "--profile", "x"], "cannot be used with"),
        (&["--fix"], "--profile <FILE>"),
    ] {
        let output = check(arguments).output().expect("to run");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn a_profile_is_judged_behind_the_same_verb() {
    let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
        "syscalls": [{"names": ["socketcall"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}"#;
    let path = std::env::temp_dir().join(format!("socketcall-check-{}.json", std::process::id()));
    fs::write(&path, profile).expect("to write");
    let output =
        check(&["--profile", path.to_str().expect("text"), "--kernel", "6.12"]).output().expect("to run");
    let missing = check(&["--profile", "/no/such/file"]).output().expect("to run");
    fs::remove_file(&path).expect("to remove");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("broken"), "{text}");
    assert_eq!(missing.status.code(), Some(2));
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(said.starts_with("socketcall: /no/such/file: "), "{said}");
}
