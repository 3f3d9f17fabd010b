//! `socketcall policy`, as its user sees it.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SOCKETCALL: &str = env!("CARGO_BIN_EXE_socketcall");

fn shipped(name: &str) -> String {
    format!("{}/../../packaging/policies/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

/// Runs `socketcall` with this standard input: exit status, standard output, standard error.
fn run(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(SOCKETCALL);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    let mut child = command.spawn().expect("to be executed");
    // Who does not read it closes the pipe.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("to end");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("an exit status"), text(stdout), text(stderr))
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn check_of_the_shipped_ones() {
    let files = ["no-alg-vsock", "client-only", "loopback-only", "web-client", "game-server"].map(shipped);
    let mut arguments = vec!["policy", "check"];
    arguments.extend(files.iter().map(String::as_str));
    let (status, out, err) = run(&arguments, "");
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert_eq!(out.lines().count(), files.len(), "no rule is idle: {out}");
    assert!(
        out.contains("no-alg-vsock.toml: whole: 1 rule, default allow; registers decide everything"),
        "{out}"
    );
    assert!(
        out.contains("client-only.toml: whole: 4 rules, default allow; memory decides of bind\n"),
        "{out}"
    );
}

#[test]
fn check_of_a_broken_one() {
    let text = "default = \"allow\"\n[[rule]]\naction = \"deny\"\nfamily = \"alf\"\n";
    let (status, out, err) = run(&["policy", "check", "-"], text);
    assert_eq!((status, out.as_str()), (1, ""));
    for part in ["unknown family `alf`", "standard input:4:10", "did you mean `alg`?", "^^^^^"] {
        assert!(err.contains(part), "{part}: {err}");
    }
    assert!(!err.contains('\x1b'), "no colours into a pipe");
    let (status, out, _) = run(&["policy", "check", "--json", "-"], text);
    let report = json(&out);
    assert_eq!((status, &report["whole"]), (1, &Value::Bool(false)));
    let error = &report["errors"][0];
    assert_eq!((&error["line"], &error["column"]), (&4.into(), &10.into()));
    assert_eq!(error["help"], "did you mean `alg`?");
}

#[test]
fn check_tells_of_idle_rules() {
    let text = "default = \"allow\"\n[[rule]]\naction = \"deny\"\nfamily = \"alg\"\n\
                [[rule]]\naction = \"allow\"\nfamily = \"alg\"\ntype = \"stream\"\n\
                [[rule]]\naction = \"deny\"\naddress = \"10.0.0.0/8\"\n\
                [[rule]]\naction = \"allow\"\naddress = \"10.1.0.0/16\"\ncall = \"connect\"\n";
    let (status, out, _) = run(&["policy", "check", "-"], text);
    assert_eq!(status, 0);
    assert!(out.contains("standard input:5: rule 2 never decides"), "{out}");
    let (_, out, _) = run(&["policy", "check", "--json", "-"], text);
    assert_eq!(json(&out)["warnings"][0]["rule"], 2, "{out}");
}

#[test]
fn test_tells_rule_and_layer() {
    let file = shipped("loopback-only");
    let calls = ["connect inet stream 127.0.0.1:80", "socket inet stream"];
    let (status, out, _) = run(&["policy", "test", &file, calls[0], calls[1]], "");
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("connect inet stream 127.0.0.1:80: permitted, by memory\n  rule 1 ("), "{out}");
    assert!(out.contains("socket inet stream: permitted, by registers\n  rule 1 ("), "{out}");
    let (status, out, _) = run(&["policy", "test", &file, "connect inet stream 10.1.2.3:443"], "");
    assert_eq!(status, 1, "{out}");
    assert!(out.contains("refused with EACCES, by memory\n  the default: deny (EACCES)"), "{out}");
    // What is offered does what it says.
    let offered = out.split("--allow '").nth(1).and_then(|rest| rest.split('\'').next()).expect("a rule");
    let (status, out, _) =
        run(&["policy", "test", &file, "--allow", offered, "connect inet stream 10.1.2.3:443"], "");
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("--allow 'call=connect address=10.1.2.3 port=443'"), "{out}");
}

/// Each that is needed, and in a file what no short rule can say.
#[test]
fn test_offers_all_that_is_needed() {
    let text = "default = 'deny'\nrule = [{ action = 'allow', address = ['127.0.0.0/8', '::1'] }]\n";
    let listen = json(&run(&["policy", "test", "-", "--json", "listen inet6 stream"], text).1);
    assert_eq!(listen["permitting"], serde_json::json!(["call=bind,listen address=::,0.0.0.0 port=0"]));
    assert_eq!(listen["permitting_in_file"], Value::Null);
    let web = shipped("web-client");
    let (_, out, _) = run(&["policy", "test", &web, "--json", "connect unix stream /run/a,b*"], "");
    let table = r#"{ action = "allow", call = "connect", address = "/run/a,b\\*" }"#;
    assert_eq!(json(&out)["permitting_in_file"], serde_json::json!([table]), "{out}");
    assert_eq!(json(&out)["permitting"], Value::Null);
    let (_, out, _) = run(&["policy", "test", &web, "connect unix stream /run/a,b*"], "");
    let line =
        format!("  this would permit it, in a file, since no short rule can say it: rule = [{table}]\n");
    assert!(out.ends_with(&line), "{out}");
}

/// Short rules come in front of the file's, in the order of the command line.
#[test]
fn short_rules_keep_their_order() {
    let file = shipped("loopback-only");
    let ask = |rules: &[&str]| {
        let mut arguments = vec!["policy", "test", &file, "--json", "connect inet stream 10.1.2.3:443"];
        arguments.extend(rules);
        json(&run(&arguments, "").1)["permitted"].as_bool().expect("true or false")
    };
    assert!(!ask(&[]));
    assert!(ask(&["--allow", "port=443", "--deny", "address=10.0.0.0/8"]));
    assert!(!ask(&["--deny", "address=10.0.0.0/8", "--allow", "port=443"]));
    assert!(ask(&["--deny", "port=22", "--deny", "port=23", "--allow", "port=443"]));
}

#[test]
fn mistakes_end_it_with_2() {
    let file = shipped("loopback-only");
    let cases: [(&[&str], &str); 6] = [
        (&["policy", "check", "/nonexistent.toml"], "/nonexistent.toml: No such file"),
        (&["policy", "test", &file, "conect inet stream 1.2.3.4:5"], "did you mean `connect`?"),
        (&["policy", "test", &file, "connect inet"], "needs the key `type`"),
        (&["policy", "test", &file, "--deny", "famly=alg", "accept"], "did you mean `family`?"),
        (&["policy", "explain", "/nonexistent.toml"], "/nonexistent.toml: No such file"),
        (&["policy", "compile", &file, "--format", "elf"], "possible values: oci, bpf"),
    ];
    for (arguments, part) in cases {
        let (status, out, err) = run(arguments, "");
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(part), "{arguments:?}: {err}");
    }
}

#[test]
fn explain_tells_layers_and_closed_ways() {
    let (status, out, _) = run(&["policy", "explain", &shipped("client-only")], "");
    assert_eq!(status, 0);
    for part in [
        "rule 1 (",
        "registers: listen, accept",
        "memory: bind: the address is in memory",
        "  ptrace: ptrace\n",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (_, out, _) = run(&["policy", "explain", "--json", &shipped("client-only")], "");
    let report = json(&out);
    assert_eq!(report["rules"][1]["memory"], serde_json::json!(["bind"]), "{out}");
    assert_eq!(report["closed"]["io_uring"][0], "io_uring_setup");
}

/// What is compiled for container runtimes has no back door, by our own judgement of profiles.
#[test]
fn the_profile_is_judged_by_check() {
    for name in ["no-alg-vsock", "client-only", "loopback-only", "web-client", "game-server"] {
        let (status, profile, err) = run(&["policy", "compile", &shipped(name), "--format", "oci"], "");
        assert_eq!(status, 0, "{err}");
        assert_eq!(err.is_empty(), name == "no-alg-vsock", "what memory decides is said: {err}");
        let runtimes: &[&str] = if name == "no-alg-vsock" { &["runc", "crun"] } else { &["runc"] };
        for runtime in runtimes {
            let arguments = ["check", "--profile", "-", "--json", "--kernel", "6.12", "--runtime", runtime];
            let (status, out, err) = run(&arguments, &profile);
            // Broken for 32-bit programs without `run`, and nothing open.
            assert_eq!((status, err.as_str()), (3, ""), "{name}: {out}");
        }
    }
}

#[test]
fn the_filter_as_text() {
    let (status, out, _) = run(&["policy", "compile", &shipped("no-alg-vsock"), "--format", "bpf"], "");
    assert_eq!(status, 0);
    let first = out.lines().next().expect("a line");
    assert!(first.contains("ld [4]") && first.ends_with("; architecture"), "{first}");
    assert!(out.contains("deny family=alg,vsock errno=EAFNOSUPPORT"), "{out}");
}
