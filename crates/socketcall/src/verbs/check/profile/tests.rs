//! What the verb prints of written profiles, and what it exits with.

use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::Value;

use super::{ProfileArgs, Status, run};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    profile: ProfileArgs,
    /// Of the verb, for both its parts.
    #[arg(long)]
    json: bool,
    #[arg(long, value_parser = |name: &str| profile::Family::parse(name).map_err(|_| "no family"))]
    family: Vec<profile::Family>,
}

fn parse(line: &str) -> Result<Command, clap::Error> {
    Command::try_parse_from(std::iter::once("check").chain(line.split_whitespace()))
}

/// Standard output, standard error and the status.
fn check(file: &Path, line: &str) -> anyhow::Result<(String, String, Status)> {
    let command =
        parse(&format!("--profile {} {line}", file.display())).unwrap_or_else(|error| panic!("{error}"));
    let families = if command.family.is_empty() { profile::Family::all().collect() } else { command.family };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut plain = anstream::StripStream::new(&mut out);
    let status = run(&command.profile, file, &families, command.json, &mut plain, &mut err)?;
    Ok((String::from_utf8(out)?, String::from_utf8(err)?, status))
}

fn written(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../profile/tests/profiles").join(name).with_extension("json")
}

/// A profile of the test's own.
fn with_text<T>(test: &str, text: &[u8], then: impl FnOnce(&Path) -> T) -> T {
    let path = std::env::temp_dir().join(format!("socketcall-{}-{test}.json", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let result = then(&path);
    std::fs::remove_file(&path).unwrap();
    result
}

/// The first error, without the directory in front.
fn error(test: &str, text: &[u8]) -> String {
    with_text(test, text, |path| {
        let error = format!("{:#}", check(path, "").unwrap_err());
        error.replace(&path.display().to_string(), "FILE")
    })
}

#[test]
fn a_report() {
    let path = written("denied-as-default");
    let (out, err, status) = check(&path, "").unwrap();
    let out = out.replace(&path.display().to_string(), "FILE").replace("\n    ", " ");
    let expected = "\
FILE: back door

family               x86_64   x32      i386     socketcall  io_uring  verdict
AF_ALG and AF_VSOCK  EPERM    EPERM    EPERM    allowed     EPERM     back door
the other 43         allowed  allowed  allowed  allowed     EPERM     open

back door: refused directly, possible by socketcall: AF_ALG and AF_VSOCK
  FILE:8:20: this rule for socket allows socketcall: on i386 libseccomp makes of a rule for socket another for \
socketcall(SYS_SOCKET), where the family is behind a pointer
  FILE:7:20: this rule has the default's answer, so runtimes drop it
";
    assert!(out.starts_with(expected), "{out}");
    assert_eq!((err.as_str(), status), ("", Status::BackDoor));
}

#[test]
fn statuses_and_headlines() {
    let cases = [
        ("allow-all", Status::Fine, "open"),
        ("everything-denied", Status::Fine, "closed"),
        ("allowed-by-name", Status::BackDoor, "back door"),
        ("listener", Status::Unknown, "left to a listener"),
        ("denied-by-enosys", Status::Broken, "closed and broken"),
        ("no-raw", Status::Broken, "broken"),
        // Nothing but upper bits is open.
        ("only-x86-64", Status::BackDoor, "closed"),
    ];
    for (name, expected, headline) in cases {
        let (out, _, status) = check(&written(name), "").unwrap();
        assert_eq!(status, expected, "{name}");
        assert!(out.lines().next().unwrap().ends_with(&format!("json: {headline}")), "{name}: {out}");
        assert!(out.lines().all(|line| line.trim_end() == line), "{name}: {out}");
    }
    // Of this family nothing is wrong.
    let (out, _, status) = check(&written("allowed-by-name"), "--family inet").unwrap();
    assert_eq!(status, Status::Fine, "{out}");
}

#[test]
fn what_32_bit_programs_have_is_said() {
    let (out, ..) = check(&written("only-x86-64"), "").unwrap();
    assert!(out.ends_with(
        "SCMP_ARCH_X86 is not among the architectures: 32-bit calls kill the thread that makes them.\n"
    ));
    let (out, ..) = check(&written("nothing-numbered-high"), "").unwrap();
    let sentence =
        "32-bit programs can create no socket there, by socketcall or directly: runc answers ENOSYS";
    assert!(out.replace("\n    ", " ").contains(sentence), "{out}");
    assert!(out.contains("such as statx"), "{out}");
    let (out, ..) = check(&written("everything-denied"), "").unwrap();
    assert!(!out.contains("32-bit"), "{out}");
    let (out, ..) = check(&written("nothing-numbered-high"), "--runtime crun").unwrap();
    assert!(!out.contains("32-bit"), "{out}");
    let (out, ..) = check(&written("killed"), "").unwrap();
    assert!(out.contains("call through the vDSO"), "{out}");
}

#[test]
fn the_json_has_the_documented_fields() {
    let (out, _, status) = check(&written("allowed-by-name"), "--json --kernel 6.1 --cap none").unwrap();
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["status"], status as u8);
    assert_eq!((&json["verdict"], &json["kernel"]), (&"back door".into(), &"6.1".into()));
    assert_eq!((&json["architecture"], &json["runtime"]), (&"amd64".into(), &"runc".into()));
    assert_eq!(json["capabilities"], serde_json::json!([]));
    assert_eq!(json["families"].as_array().unwrap().len(), 45);
    let alg = &json["families"][37];
    assert_eq!(
        (&alg["family"], &alg["number"], &alg["doors"][0]),
        (&"AF_ALG".into(), &38.into(), &"socketcall".into())
    );
    assert_eq!(alg["upper_bits"][0], 0x1_0000_0026u64);
    let way = &alg["ways"]["socketcall"];
    assert_eq!(
        (&way["answer"], &way["cause"], &way["call"]),
        (&"allowed".into(), &"rule".into(), &"socketcall".into())
    );
    assert_eq!((&way["line"], &way["column"], &way["rule"]), (&6.into(), &28.into(), &1.into()));
    let direct = &alg["ways"]["x86_64"];
    assert_eq!(
        (&direct["answer"], &direct["action"], &direct["cause"]),
        (&"refused".into(), &"EPERM".into(), &"default".into())
    );
    let finding = &json["findings"][0];
    assert_eq!(finding["families"], serde_json::json!(["AF_ALG", "AF_VSOCK"]));
    for field in ["kind", "partly", "way", "answer", "example", "text", "why", "dropped", "remedy", "args"] {
        assert!(!finding[field].is_null(), "{field} in {finding}");
    }
    // docs/check-profile.md names every field.
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/check-profile.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    for object in [&json, finding, alg, way] {
        for field in object.as_object().unwrap().keys() {
            assert!(docs.contains(&format!("`{field}`")), "{field} is not in the documentation");
        }
    }
}

#[test]
fn a_remedy_is_written_and_can_be_checked() {
    let (out, err, status) = check(&written("allowed-by-name"), "--fix").unwrap();
    assert_eq!(status, Status::Broken);
    assert!(
        err.contains("socketcall is denied by ENOSYS")
            && err.contains("32-bit programs need `socketcall run`"),
        "{err}"
    );
    with_text("fix", out.as_bytes(), |path| {
        let (report, _, status) = check(path, "").unwrap();
        assert!(report.contains("closed and broken") && !report.contains("upper bits"), "{report}");
        assert_eq!(status, Status::Broken);
        let copy = path.with_extension("copy");
        let (out, err, _) = check(path, &format!("--fix --output {}", copy.display())).unwrap();
        assert!(out.is_empty() && err.contains("nothing to close"), "{err}");
        assert_eq!(std::fs::read(path).unwrap(), std::fs::read(&copy).unwrap());
        std::fs::remove_file(copy).unwrap();
    });
}

#[test]
fn a_remedy_that_leaves_32_bit_programs_nothing_says_so() {
    let text = r#"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
        "syscalls": [{"names": ["read", "socketcall"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 0, "value": 38, "op": "SCMP_CMP_NE"}]}]}"#;
    let fixed = |text: &str, line: &str| {
        with_text("nothing-left", text.as_bytes(), |path| check(path, line).unwrap())
    };
    let (out, err, status) = fixed(text, "--fix");
    let sentence = "32-bit programs can create no socket there, by socketcall or directly";
    assert!(err.contains(sentence) && err.contains("name one above 359, such as statx"), "{err}");
    assert_eq!(status, Status::Fine);
    assert!(fixed(&out, "").0.contains(sentence));
    // Both that is told to do helps: then there is a direct call, and `run` makes it.
    for (text, line) in [(text.replace("read", "statx"), "--fix"), (text.to_owned(), "--fix --runtime crun")]
    {
        let (_, err, status) = fixed(&text, line);
        assert!(!err.contains(sentence) && err.contains("need `socketcall run`"), "{line}: {err}");
        assert_eq!(status, Status::Broken);
    }
}

#[test]
fn errors_name_line_column_and_near_names() {
    let cases: [(&str, &str); 20] = [
        ("{\"defaultAction\": ", "FILE:1:19: not JSON: expected a value"),
        ("[]", "FILE:1:1: a profile must be an object, not an array"),
        (
            "{}",
            "FILE:1:1: neither `defaultAction` nor a rule is given: a runtime installs no filter, so every \
                family is open by every way",
        ),
        ("{\"syscalls\": []}", "FILE:1:1: a profile needs the field `defaultAction`"),
        (
            "{\"ociVersion\": \"1\"}",
            "FILE:1:1: this configuration has no `linux.seccomp`: a runtime installs no \
                filter, so every family is open by every way",
        ),
        ("{\n \"defaultActoin\": 1}", "FILE:2:2: unknown field `defaultActoin`; near names: defaultAction"),
        ("{\"defaultAction\": 5}", "FILE:1:19: action must be a string, not 5"),
        (
            "{\"defaultAction\": \"SCMP_ACT_ALOW\"}",
            "FILE:1:19: unknown action `SCMP_ACT_ALOW`; near names: \
                SCMP_ACT_ALLOW, SCMP_ACT_LOG",
        ),
        (
            "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}",
            "FILE:1:19: runtimes refuse this profile: SCMP_ACT_NOTIFY \
                cannot be the default action",
        ),
        (
            "{D, \"architectures\": [\"SCMP_ARCH_X86-64\"]}",
            "FILE:1:55: unknown architecture `SCMP_ARCH_X86-64`; \
                near names: SCMP_ARCH_X86_64",
        ),
        (
            "{D, \"architectures\": [\"SCMP_ARCH_S390X\"]}",
            "FILE:1:55: runtimes refuse this profile: libseccomp \
                makes no filter for both byte orders",
        ),
        ("{D, \"defaultErrno\": \"EPREM\"}", "FILE:1:53: unknown errno `EPREM`; near names: EPERM"),
        (
            "{D, \"defaultErrnoRet\": -1}",
            "FILE:1:56: defaultErrnoRet must be a number of 0 to 2^64-1, not -1",
        ),
        ("{D, \"D\": 1, \"D\": 2}", "FILE:1:45: the field `D` stands twice"),
        (
            "{D, \"syscalls\": [{\"names\": [\"scoket\"], \"action\": \"SCMP_ACT_ALLOW\"}]}",
            "FILE:1:61: unknown \
                system call `scoket`; near names: socket; runtimes ignore it (--ignore-unknown does so here)",
        ),
        (
            "{D, \"syscalls\": [{\"names\": [\"a\"], \"name\": \"b\"}]}",
            "FILE:1:51: `name` and `names` are both \
                there: use either",
        ),
        ("{D, \"syscalls\": [{\"names\": [\"read\"]}]}", "FILE:1:50: a rule needs the field `action`"),
        ("{D, \"syscalls\": [{A, \"arg\": []}]}", "FILE:1:100: unknown field `arg`; near names: args"),
        (
            "{D, \"syscalls\": [{A, \"args\": [{\"index\": 6, \"op\": \"SCMP_CMP_EQ\"}]}]}",
            "FILE:1:119: runtimes \
                refuse this profile: a system call has no argument 6: they are 0 to 5",
        ),
        (
            "{D, \"syscalls\": [{A, \"includes\": {\"caps\": [\"CAP_SYS_ADMIM\"]}}]}",
            "FILE:1:122: unknown \
                capability `CAP_SYS_ADMIM`; near names: CAP_SYS_ADMIN",
        ),
    ];
    let hostile = [
        (r#"{"defaultAction": "\u001b[31mFOO\n"}"#, r"FILE:1:19: unknown action `\u{1b}[31mFOO\n`"),
        (r#"{"a\u0007": 1, "a\u0007": 2}"#, r"FILE:1:16: the field `a\u{7}` stands twice"),
        (
            r#"{D, "syscalls": [{A, "includes": {"minKernel": "\u001b[2J"}}]}"#,
            r#"FILE:1:126: `minKernel` must be a release such as "4.8", not "\u{1b}[2J""#,
        ),
    ];
    for (index, (text, expected)) in cases.into_iter().chain(hostile).enumerate() {
        let text = text.replace("{D", "{\"defaultAction\": \"SCMP_ACT_ERRNO\"");
        let text = text.replace("{A", "{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\"");
        assert_eq!(error(&format!("error-{index}"), text.as_bytes()), expected, "{text}");
    }
    assert_eq!(error("bytes", b"{\n\"\xc3\xa9\xff\"}"), "FILE:2:3: not UTF-8, so this is no JSON");
    let missing = format!("{:#}", check(Path::new("/nonexistent"), "").unwrap_err());
    assert_eq!(missing, "/nonexistent: No such file or directory (os error 2)");
}

#[test]
fn what_a_profile_says_reaches_no_terminal_as_it_is() {
    let text = br#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 99999,
        "\u001b[31m": 1, "syscalls": [{"names": ["x\u001b\n"], "action": "SCMP_ACT_ALLOW"}]}"#;
    with_text("raw", text, |path| {
        let (out, ..) = check(path, "--ignore-unknown").unwrap();
        assert!(out.contains(r"2:9: a profile has no field `\u{1b}[31m`"), "{out}");
        // The kernel answers MAX_ERRNO where a filter says more.
        assert!(out.contains("errno 4095") && !out.contains("34463"), "{out}");
    });
}

#[test]
fn what_has_no_end_is_not_read_to_it() {
    let zeros = format!("{:#}", check(Path::new("/dev/zero"), "").unwrap_err());
    assert_eq!(zeros, "/dev/zero: more than 4 MiB, so this is no profile");
}

#[test]
fn a_pipe_is_read_as_soon_as_somebody_writes() {
    let path = std::env::temp_dir().join(format!("socketcall-{}-pipe", std::process::id()));
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let text = std::fs::read(written("no-raw")).unwrap();
    let (out, err, status) = std::thread::scope(|scope| {
        scope.spawn(|| {
            // Longer than a silent pipe is waited for without a word.
            std::thread::sleep(std::time::Duration::from_millis(1500));
            std::fs::write(&path, &text).unwrap();
        });
        check(&path, "").unwrap()
    });
    std::fs::remove_file(&path).unwrap();
    assert_eq!(status, Status::Broken, "{out}");
    assert!(err.ends_with(": waiting for somebody to write into this pipe\n"), "{err}");
}

#[test]
fn hostile_rules_are_refused_in_a_moment() {
    let conditions = |value: usize| {
        let condition = |index| format!(r#"{{"index": {index}, "value": {value}, "op": "SCMP_CMP_NE"}}"#);
        (0..6).map(condition).collect::<Vec<_>>().join(",")
    };
    let rules: Vec<_> = (0..300)
        .map(|value| {
            format!(r#"{{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{}]}}"#, conditions(value))
        })
        .collect();
    let text = format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{}]}}"#, rules.join(","));
    with_text("hostile", text.as_bytes(), |path| {
        for line in ["", "--fix"] {
            let error = format!("{:#}", check(path, line).unwrap_err());
            let expected = "a filter has 1 to 4096 instructions, this one would have more";
            assert!(error.contains(expected), "{line}: {error}");
        }
    });
}

#[test]
fn unknown_names_can_be_ignored() {
    let text = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["newcall"], "action": "SCMP_ACT_ALLOW"}]}"#;
    with_text("unknown", text.as_bytes(), |path| {
        assert_eq!(check(path, "--ignore-unknown").unwrap().2, Status::Fine);
        assert!(check(path, "").is_err());
    });
}

#[test]
fn bad_usage() {
    for (line, part) in [
        ("--profile x --arch arm64", "only amd64 and 386 can be judged"),
        ("--profile x --cap SYS_ADMN", "near names: CAP_SYS_ADMIN"),
        ("--profile x --kernel new", "not a release such as 6.12"),
        ("--fix", "--profile <FILE>"),
        ("--profile x --fix --json", "cannot be used with"),
        ("--profile x --output y", "--fix"),
    ] {
        let error = parse(line).err().unwrap_or_else(|| panic!("{line}")).to_string();
        assert!(error.contains(part), "{line}: {error}");
    }
    assert!(
        parse("--profile x --cap net_raw,CAP_BPF --cap all --arch i386 --kernel 6.12.1-x --runtime crun")
            .is_ok()
    );
}
