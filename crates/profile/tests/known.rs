//! Written profiles and what is known of each: what libseccomp makes of their rules was worked out by hand, and
//! `libseccomp.rs` asks the library the same.

use std::ffi::OsString;
use std::path::Path;

use profile::{Family, FindingKind, Kernel, Machine, Profile, Report, Runtime, Target, Verdict, Way, fix};
use seccomp::Action;

use Verdict::{Asked, BackDoor, Broken, Closed, Open};

/// A profile, one family of it with its verdict and doors, the verdict of AF_INET, and what is found.
type Known = (&'static str, u8, Verdict, &'static [Way], Verdict, &'static [FindingKind]);

use FindingKind as F;

const KNOWN: [Known; 23] = [
    ("allow-all", 38, Open, &[], Open, &[]),
    ("allowed-by-name", 38, BackDoor, &[Way::Socketcall], Open, &[F::BackDoor, F::UpperBits]),
    ("denied-by-enosys", 38, Closed, &[], Broken, &[F::UpperBits, F::Broken]),
    // A rule that answers what the default does is dropped; the rules for socket allow socketcall(1, ...).
    ("denied-as-default", 38, BackDoor, &[Way::Socketcall], Open, &[F::BackDoor, F::UpperBits]),
    ("denied-after", 40, Closed, &[], Broken, &[F::UpperBits, F::Broken]),
    ("killed", 38, Closed, &[], Broken, &[F::UpperBits, F::Broken]),
    // socketcall is not named at all.
    ("named-families", 16, BackDoor, &[Way::Socketcall], Open, &[F::BackDoor]),
    // The rule against AF_ALG becomes one against every socket of 32-bit programs.
    // io_uring is left.
    ("one-denied", 38, BackDoor, &[Way::IoUring], Broken, &[F::BackDoor, F::UpperBits, F::Broken]),
    ("one-denied-masked", 38, BackDoor, &[Way::IoUring], Broken, &[F::BackDoor, F::Broken]),
    ("only-x86-64", 38, Closed, &[], Open, &[F::UpperBits]),
    ("no-raw", 17, Broken, &[], Broken, &[F::Broken]),
    // "Type is not 3" becomes "the array's address is not 3".
    ("no-raw-open", 17, BackDoor, &[Way::Socketcall], BackDoor, &[F::BackDoor, F::UpperBits]),
    ("ring", 38, BackDoor, &[Way::IoUring], Open, &[F::BackDoor]),
    ("listener", 38, Asked, &[], Asked, &[F::Asked]),
    ("listener-bypassed", 16, BackDoor, &[Way::Socketcall], Open, &[F::BackDoor]),
    // Runtimes make two rules of it, and "not 38" lets 40 through and the other way round.
    ("twice-the-same-argument", 38, Broken, &[], Broken, &[F::Broken]),
    // i386's socket(2), 359, is above all numbers that the profile names there, and runc answers ENOSYS.
    ("nothing-numbered-high", 38, Open, &[], Open, &[]),
    ("everything-denied", 38, Closed, &[], Closed, &[]),
    ("trace", 38, Asked, &[], Asked, &[F::Asked]),
    // The thread dies of socketcall(1, ...), whatever the family.
    ("log", 38, BackDoor, &[Way::IoUring], Broken, &[F::BackDoor, F::UpperBits, F::Broken]),
    ("docker-form", 2, Closed, &[], Closed, &[F::Broken]),
    // AF_NETLINK of protocol 9, audit.
    ("podman-form", 16, BackDoor, &[Way::Socketcall], Open, &[F::BackDoor, F::UpperBits]),
    ("bundle", 10, BackDoor, &[Way::Socketcall], Open, &[F::BackDoor]),
];

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles").join(name).with_extension("json");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Profile {
    let profile = Profile::parse(text).unwrap();
    profile.check_names().unwrap();
    profile
}

fn target() -> Target {
    Target::new(Kernel { major: 6, minor: 12 })
}

fn report(text: &str, target: &Target) -> Report {
    Report::new(&parse(text).compile(target).unwrap(), Family::all())
}

fn family(number: u8) -> Family {
    Family::parse(&number.to_string()).unwrap()
}

/// The findings' kinds, each once.
fn kinds(report: &Report) -> Vec<FindingKind> {
    let mut kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn every_profile_comes_out_as_known() {
    for (name, number, verdict, doors, inet, findings) in KNOWN {
        let report = report(&read(name), &target());
        let one = report.of(family(number)).unwrap();
        assert_eq!((one.verdict, &one.doors[..]), (verdict, doors), "{name}: {one:#?}");
        assert_eq!(report.of(Family::INET).unwrap().verdict, inet, "{name}");
        assert_eq!(kinds(&report), findings, "{name}");
    }
}

#[test]
fn every_written_profile_is_used() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles");
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    let mut names: Vec<OsString> = KNOWN.iter().map(|known| format!("{}.json", known.0).into()).collect();
    names.push("conflict.json".into());
    names.sort();
    assert_eq!(files, names);
}

#[test]
fn a_remedy_closes_what_is_open_and_nothing_else() {
    for (name, .., findings) in KNOWN {
        let text = read(name);
        let fixed = fix(&parse(&text), &target()).unwrap_or_else(|error| panic!("{name}: {error}"));
        if !findings.contains(&F::BackDoor) && !findings.contains(&F::UpperBits) {
            assert_eq!(fixed.text, text, "{name}");
            continue;
        }
        assert!(!fixed.changes.is_empty());
        let (before, after) = (report(&text, &target()), report(&fixed.text, &target()));
        assert!(!after.found(F::BackDoor) && !after.found(F::UpperBits), "{name}: {}", fixed.text);
        for (before, after) in before.families.iter().zip(&after.families) {
            let front = |report: &profile::FamilyReport| report.ways[0].allowed.is_some();
            assert_eq!(front(before), front(after), "{name}: {} directly", before.family);
        }
        // A remedy needs none.
        assert_eq!(fix(&parse(&fixed.text), &target()).unwrap().text, fixed.text, "{name}");
    }
}

#[test]
fn a_remedy_looks_like_the_rest() {
    let fixed =
        fix(&parse(&read("docker-form").replace("38, \"includes\"", "1, \"includes\"")), &target()).unwrap();
    let expected = r#"    "syscalls": [
        {
            "names": ["socketcall"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": 38
        },
        {"names": ["read", "write", "clone3"],"#;
    assert!(fixed.text.contains(expected), "{}", fixed.text);
    // The default answers ENOSYS there, so a rule that does would be dropped.
    let fixed = fix(&parse(&read("podman-form")), &target()).unwrap();
    assert!(fixed.text.contains(r#"{"names": ["read", "write", "clone3"], "action""#), "{}", fixed.text);
    assert!(fixed.text.contains("\"names\": [\"socketcall\"],\n            \"action\": \"SCMP_ACT_ERRNO\",\n            \"errnoRet\": 1\n"));
}

#[test]
fn rules_that_runtimes_refuse() {
    let profile = parse(&read("conflict"));
    let error = profile.compile(&target()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "6:20: runtimes refuse this profile: libseccomp answers EEXIST for `socket`: the rule of 5:20 gives \
         another answer to the same arguments (call 102 of SCMP_ARCH_X86)"
    );
}

#[test]
fn the_target_decides() {
    let text = read("docker-form");
    // With the capability the other rule applies, and any family is possible directly.
    let mut admin = target();
    admin.caps.insert("CAP_NET_ADMIN");
    assert_eq!(report(&text, &admin).of(Family::ALG).unwrap().verdict, Broken);
    // Before 4.3 the rule against socketcall is not there.
    let old = Target { kernel: Kernel { major: 4, minor: 2 }, ..target() };
    assert_eq!(report(&text, &old).of(Family::ALG).unwrap().verdict, BackDoor);
    // On a 32-bit machine neither, since it is amd64's.
    let small = Target { machine: Machine::I386, ..target() };
    let report = report(&text, &small);
    assert_eq!(report.families[0].ways.len(), 3);
    assert_eq!(report.of(Family::ALG).unwrap().verdict, BackDoor);
}

#[test]
fn runc_answers_enosys_above_the_highest_number() {
    let text = read("nothing-numbered-high");
    let of = |runtime| {
        let report = report(&text, &Target { runtime, ..target() });
        let access = report.of(Family::INET).unwrap().access(Way::Direct32).unwrap().clone();
        access.allowed.or(access.denied).unwrap().action
    };
    assert_eq!(of(Runtime::Runc), Action::Errno(38));
    assert_eq!(of(Runtime::Crun), Action::Allow);
}

/// Docker's default profiles of 1 to 6 May 2026, where they are at hand beside the repository.
#[test]
fn dockers_profiles_of_may_2026() {
    use std::io::Write as _;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/seccomp-profiles");
    let cases =
        [("0.2.1", BackDoor, Open, 374), ("0.2.2", Closed, Broken, 440), ("0.2.3", BackDoor, Open, 374)];
    for (version, alg, inet, line) in cases {
        let path = directory.join(format!("moby-default-v{version}.json"));
        let Ok(text) = std::fs::read_to_string(&path) else {
            std::io::stderr().write_all(b"skipped: dockers_profiles_of_may_2026: not at hand\n").unwrap();
            return;
        };
        let profile = parse(&text);
        let compiled = profile.compile(&target()).unwrap();
        let report = Report::new(&compiled, Family::all());
        for refused in [Family::ALG, Family::VSOCK] {
            assert_eq!(report.of(refused).unwrap().verdict, alg, "{version}");
        }
        let others = report.families.iter().filter(|one| ![Family::ALG, Family::VSOCK].contains(&one.family));
        assert!(others.clone().all(|one| one.verdict == inet), "{version}");
        assert_eq!(others.count(), 43);
        let kind = if alg == BackDoor { F::BackDoor } else { F::Broken };
        let finding = report.findings.iter().find(|finding| finding.kind == kind).unwrap();
        let profile::Cause::Rule(origin) = finding.seen.cause else { panic!("{finding:?}") };
        assert_eq!((profile.place(origin).line, profile.name(origin)), (line, "socketcall"), "{version}");
        assert!(compiled.filter().unwrap().instructions().len() < 4096);
        let fixed = fix(&profile, &target()).unwrap();
        assert!(!self::report(&fixed.text, &target()).found(F::BackDoor), "{version}");
    }
}

#[test]
fn a_remedy_keeps_the_ends_of_lines() {
    let text = read("allowed-by-name").replace('\n', "\r\n");
    let fixed = fix(&parse(&text), &target()).unwrap();
    assert!(!fixed.changes.is_empty());
    let lines = fixed.text.matches('\n').count();
    assert!(lines > text.matches('\n').count());
    assert_eq!(fixed.text.matches("\r\n").count(), lines, "{:?}", fixed.text);
}
