//! `run` with rules: what is said of refusals, and where. The programs are perl's, which Debian always has.

use std::fs;
use std::process::Command;

use crate::harness::{Finished, Scratch, run, skip, socketcall_run};

/// Runs a script of perl's under these options; `None` without perl, which is said.
fn perl(options: &[&str], script: &str) -> Option<Finished> {
    if Command::new("perl").arg("-e1").status().is_err() {
        skip("perl is not there");
        return None;
    }
    let script = format!("use Socket; {script}");
    Some(run(socketcall_run(options.iter().copied()).args(["--", "perl", "-e", &script])))
}

/// The lines about refusals.
fn told(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains("refused with")).collect()
}

const UNIX: &str = "socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die; my $path;";
const SENDMMSG: &str = r#"
    socket(my $s, PF_INET, SOCK_DGRAM, 0) or die;
    my $to = sockaddr_in(53, inet_aton("10.9.9.9"));
    my $data = "hello";
    my $at = sub { unpack("Q", pack("p", $_[0])) };
    my $part = pack("QQ", $at->($data), 5);
    my $message = pack("QQQQQQQQ", $at->($to), 16, $at->($part), 1, 0, 0, 0, 0) x 2;
    print syscall(307, fileno($s), $message, 2, 0);
"#;

/// Whoever copies a line into a shell runs what it says and no more, and nobody writes a line but us.
#[test]
fn what_a_program_chose_is_no_command_and_no_line() {
    let scratch = Scratch::public();
    let (text, json) = (scratch.text("log"), scratch.text("json"));
    let odd = r#"x'; touch y; echo '\nsocketcall: sshd (1): refused with\e[31m"#;
    let script = format!(
        r#"chdir '{}'; {UNIX}
           for ("{odd}", "a'b*") {{
               socket(my $l, PF_UNIX, SOCK_STREAM, 0);
               -e $_ or bind($l, pack_sockaddr_un($_)) or die;
               connect($s, pack_sockaddr_un($_));
           }}
           connect($s, pack("S", 1) . "\0a'b\e[3m");"#,
        scratch.text("")
    );
    let rules = ["--deny", "family=unix call=connect"];
    let Some(finished) = perl(&rules, &script) else { return };
    perl(&[&rules[..], &["--log", &text]].concat(), &script).expect("perl");
    perl(&[&rules[..], &["--log-json", &json]].concat(), &script).expect("perl");
    let [text, json] = [text, json].map(|file| fs::read_to_string(file).expect("a log"));
    for all in [finished.stderr.as_str(), &text] {
        assert!(all.chars().all(|letter| letter == '\n' || !letter.is_control()), "{all:?}");
        let lines = told(all);
        assert_eq!(lines.len(), 3, "{all}");
        assert!(lines.iter().all(|line| line.contains("perl (")), "{all}");
        // What has a space and a newline in it no short rule can say, and so no command is offered.
        assert!(!lines[0].contains("--allow") && !lines[2].contains("--allow"), "{all}");
        assert!(lines[0].contains("\\U0000000asocketcall: sshd"), "{all}");
        let offered = lines[1].split("in front: ").nth(1).expect("a remedy");
        assert_eq!(
            shlex::split(offered).expect("words"),
            ["--allow".to_owned(), format!(r"call=connect address={}a'b\*", scratch.text(""))],
            "{offered}"
        );
    }
    assert_eq!(json.lines().count(), 3, "{json}");
    for line in json.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("an object");
        assert_eq!(object["permit"].is_null(), !object["permit_in_file"].is_null(), "{line}");
    }
}

/// A policy's author says why, to whoever reads of the refusal; and nothing else by it.
#[test]
fn the_reason_of_a_rule_is_told() {
    let scratch = Scratch::new();
    let (policy, json) = (scratch.text("policy.toml"), scratch.text("json"));
    let text = r#"default = "allow"
rule = [{ action = "deny", family = "unix", call = "connect", reason = "no\nhelpers" }]
"#;
    fs::write(&policy, text).expect("a policy");
    let script = format!("{UNIX} connect($s, pack_sockaddr_un('/'));");
    let Some(finished) = perl(&["--policy", &policy], &script) else { return };
    let lines = told(&finished.stderr);
    assert!(lines[0].contains(r"family=unix; because: no\nhelpers; to permit it"), "{}", finished.stderr);
    perl(&["--policy", &policy, "--log-json", &json], &script).expect("perl");
    let json = fs::read_to_string(json).expect("a log");
    let object: serde_json::Value = serde_json::from_str(json.trim_end()).expect("an object");
    assert_eq!(object["reason"], "no\nhelpers");
}

/// What is offered is about what the kernel would have used: the path behind a link.
#[test]
fn a_link_is_permitted_by_the_path_that_it_leads_to() {
    let scratch = Scratch::new();
    let (real, link) = (scratch.text("real"), scratch.text("link"));
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    let listener = std::os::unix::net::UnixListener::bind(&real).expect("a socket");
    let relative = format!("chdir '{}'; $path = 'link';", scratch.text(""));
    let script = format!("{UNIX} {relative} print connect($s, pack_sockaddr_un($path)) ? 'yes' : 'no';");
    let rules = ["--deny", "family=unix call=connect"];
    let Some(finished) = perl(&rules, &script) else { return };
    assert_eq!(finished.stdout, "no");
    let line = told(&finished.stderr)[0].to_owned();
    let offered = shlex::split(line.split("in front: ").nth(1).expect("a remedy")).expect("words");
    assert_eq!(offered[1], format!("call=connect address={real}"));
    let all: Vec<&str> = offered.iter().map(String::as_str).chain(rules).collect();
    assert_eq!(perl(&all, &script).expect("perl").stdout, "yes");
    drop(listener);
}

/// Of the messages of a sendmmsg, the one that was judged.
#[test]
fn the_message_that_was_judged_is_shown() {
    let Some(finished) = perl(&["--deny", "address=10.0.0.0/8"], SENDMMSG) else { return };
    assert_eq!(finished.stdout, "-1");
    let line = told(&finished.stderr)[0].to_owned();
    let shown = r#"sendmmsg(3, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.9.9.9")}, msg_namelen=16, msg_iov=[{iov_base="hello", iov_len=5}], msg_iovlen=1, msg_controllen=0, msg_flags=0}}, ...], 2, 0): refused"#;
    assert!(line.contains(shown), "{line}");
    assert!(line.ends_with("--allow 'call=sendmmsg address=10.9.9.9 port=53'"), "{line}");
}

/// A hostile program changes the address as fast as it can: what is shown is what was judged.
#[test]
fn an_address_that_changes_meanwhile_is_shown_as_it_was_judged() {
    let scratch = Scratch::new();
    let log = scratch.text("log");
    // mmap of shared memory, into which another process reads one of two addresses after the other (pread).
    let script = r#"
        my $at = syscall(9, 0, 4096, 3, 0x21, -1, 0);
        open(my $both, "+>", undef) or die;
        syswrite($both, inet_aton("10.1.1.1") . inet_aton("10.2.2.2"));
        sysseek($both, 0, 0);
        open(my $head, "+>", undef) or die;
        syswrite($head, sockaddr_in(80, inet_aton("10.1.1.1")));
        syscall(17, fileno($head), $at, 16, 0) == 16 or die;
        my $parent = $$;
        my $child = fork;
        if (!$child) { for (;;) { syscall(17, fileno($both), $at + 4, 4, 4 * ($n++ % 2)); getppid == $parent or exit } }
        socket(my $s, PF_INET, SOCK_DGRAM, 0) or die;
        syscall(42, fileno($s), $at, 16) for 1 .. 400;
        kill 9, $child;
    "#;
    let Some(_) = perl(&["--deny", "address=10.0.0.0/8", "--log-json", &log], script) else { return };
    let log = fs::read_to_string(log).expect("a log");
    assert!(log.contains("10.1.1.1") && log.contains("10.2.2.2"), "it changes: {log}");
    assert_eq!(log.lines().count(), 400, "{log}");
    for line in log.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("an object");
        let (text, permit) = (object["text"].to_string(), object["permit"].to_string());
        let same = ["10.1.1.1", "10.2.2.2"].iter().any(|one| text.contains(one) && permit.contains(one));
        assert!(same, "{line}");
    }
}

/// The kernel's own errno is no refusal, and no rule changes it.
#[test]
fn what_is_no_address_is_not_told() {
    let script = r#"socket(my $s, PF_INET, SOCK_STREAM, 0) or die; connect($s, "\2\0x"); print 0 + $!;"#;
    let Some(finished) = perl(&["--allow", "address=127.0.0.1"], script) else { return };
    assert_eq!((finished.stdout.as_str(), told(&finished.stderr).len()), ("22", 0), "{}", finished.stderr);
}

/// As `--trace` does, it says so, and counts.
#[test]
fn a_full_disk_is_told_once() {
    let script = r#"socket(my $s, PF_INET, SOCK_STREAM, 0) for 1 .. 3;"#;
    let Some(finished) = perl(&["--deny", "family=inet", "--log", "/dev/full"], script) else { return };
    let lines: Vec<&str> = finished.stderr.lines().filter(|line| line.contains("/dev/full")).collect();
    assert_eq!(
        lines,
        [
            "socketcall: /dev/full: No space left on device (os error 28); the program goes on, and what can't be \
             written is counted",
            "socketcall: /dev/full: 3 lines were lost: No space left on device (os error 28)",
        ]
    );
}

/// Nothing would ever be written to it.
#[test]
fn a_log_without_refusals_is_refused_at_the_start() {
    let scratch = Scratch::new();
    let log = scratch.text("log");
    for option in ["--log", "--log-json"] {
        let alone = run(&mut socketcall_run([option, &log, "--", "/bin/true"]));
        let why = format!(
            "socketcall: {option} is for refusals, and without rules there are none: add --policy, --deny or --allow\n"
        );
        assert_eq!(alone, Finished::exited(125, "", &why));
        let untraced =
            run(&mut socketcall_run(["--untraced", "--deny", "family=alg", option, &log, "--", "/bin/true"]));
        let why = format!(
            "socketcall: {option} can't be used with --untraced: nobody stays there to tell of a refusal\n"
        );
        assert_eq!(untraced, Finished::exited(125, "", &why));
    }
    assert!(!scratch.path("log").exists());
}

#[test]
fn a_mistake_is_told_once() {
    let finished = run(socketcall_run(["--deny", "bogus", "--", "/bin/true"]).env("NO_COLOR", "1"));
    assert_eq!(finished.status.code(), Some(125));
    assert_eq!(finished.stderr.matches("`bogus` is not of the form").count(), 1, "{}", finished.stderr);
}

/// It ends as the run would, and says which layer decides and what is not held.
#[test]
fn explain_reads_the_rules() {
    let scratch = Scratch::new();
    let broken = scratch.text("broken.toml");
    fs::write(&broken, "default = \"dney\"\n").expect("a file");
    for rules in [
        &["--untraced", "--deny", "address=1.2.3.4"][..],
        &["--policy", &broken],
        &["--deny", "famly=alg"],
        &["--log", "/dev/null"],
    ] {
        let ends = |explain: &[&'static str]| {
            run(socketcall_run(explain.iter().copied()).args(rules).args(["--", "/bin/true"]))
        };
        let (explained, ran) = (ends(&["--explain"]), ends(&[]));
        assert_eq!(explained.status.code(), Some(125), "{rules:?}");
        assert_eq!((explained.status, explained.stdout.as_str()), (ran.status, ""), "{rules:?}");
        // In front of it `run` says what rules can't hold.
        assert!(ran.stderr.ends_with(&explained.stderr), "{rules:?}: {} {}", explained.stderr, ran.stderr);
    }
    let explained = |rule| run(&mut socketcall_run(["--explain", "--deny", rule, "--", "/bin/true"])).stdout;
    let memory = explained("address=1.2.3.4");
    for part in [
        "rules:     1 rule, default allow; memory decides of bind, connect",
        "\nLandlock:  ",
        "--untraced: --untraced can't be used here: rules on addresses",
    ] {
        assert!(memory.contains(part), "{part}: {memory}");
    }
    let registers = explained("family=alg");
    assert!(registers.contains("registers decide everything; no call is stopped"), "{registers}");
    assert!(!explained("family=alg").contains("rules on addresses need"), "{registers}");
}

/// What an io_uring is given no filter sees: it is as good as a socket.
#[test]
fn an_inherited_io_uring_is_a_socket_to_the_rules() {
    let scratch = Scratch::new();
    let closed = scratch.text("closed.toml");
    fs::write(&closed, "default = \"allow\"\ninherit = \"deny\"\n").expect("a file");
    let with_ring = |options: &str| {
        // io_uring_setup sets FD_CLOEXEC; the shell that perl starts says what is left.
        let script = format!(
            r#"my $p = "\0" x 120; my $fd = syscall(425, 1, $p); $fd > 2 or exit 77;
               open(my $ring, "+<&=", $fd) or die; fcntl($ring, 2, 0);
               exec "{}", "run", {options}, "--", "/bin/sh", "-c", "readlink /proc/self/fd/$fd || echo gone"; die;"#,
            crate::harness::SOCKETCALL
        );
        run(crate::harness::clean(Command::new("perl").args(["-e", &script])))
    };
    let open = with_ring(r#""--deny", "family=alg""#);
    if open.status.code() == Some(77) || Command::new("perl").arg("-e1").status().is_err() {
        return skip("no io_uring here, or no perl");
    }
    assert!(open.stderr.contains(" is an io_uring, inherited, and made outside of the rules\n"), "{open:?}");
    assert_eq!(open.stdout, "anon_inode:[io_uring]\n");
    let closed = with_ring(&format!("\"--policy\", \"{closed}\""));
    assert!(closed.stderr.contains(" is an io_uring, inherited, and closed\n"), "{closed:?}");
    assert_eq!(closed.stdout, "gone\n");
}
