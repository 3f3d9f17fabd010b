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
