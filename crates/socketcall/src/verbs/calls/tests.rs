//! What the verb prints, to the letter.

use std::io::{self, Write};

use abi::Call;
use clap::Parser;
use serde_json::Value;

use super::{Calls, run};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    calls: Calls,
}

fn parse(line: &str) -> Result<Calls, clap::Error> {
    Command::try_parse_from(std::iter::once("calls").chain(line.split_whitespace()))
        .map(|command| command.calls)
}

fn output(line: &str) -> String {
    let mut out = Vec::new();
    run(&parse(line).unwrap(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn json(line: &str) -> Value {
    serde_json::from_str(&output(line)).unwrap()
}

#[test]
fn the_table() {
    let table = output("");
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(
        lines[..6],
        [
            "#   name         constant         words  i386             x86-64           arguments",
            " 1  socket       SYS_SOCKET       3      359 socket        41 socket       domain, type, protocol",
            " 2  bind         SYS_BIND         3      361 bind          49 bind         sockfd, addr, addrlen",
            " 3  connect      SYS_CONNECT      3      362 connect       42 connect      sockfd, addr, addrlen",
            " 4  listen       SYS_LISTEN       2      363 listen        50 listen       sockfd, backlog",
            " 5  accept       SYS_ACCEPT       3      364 accept4       43 accept       sockfd, addr, addrlen",
        ]
    );
    assert_eq!(
        lines[19],
        "19  recvmmsg     SYS_RECVMMSG     5      337 recvmmsg     299 recvmmsg     \
         sockfd, msgvec, vlen, flags, timeout"
    );
}

const CONNECT: &str = "\
connect(2): call 3 of socketcall, SYS_CONNECT

multiplexed  102 socketcall(3, array of 3 words)  since Linux 1.0
i386         362 connect                          since Linux 4.3
x86-64       42 connect

Arguments: a word at each offset of the array, or a register of the direct i386 call
  offset  register  argument  type
       0  ebx       sockfd    int
       4  ecx       addr      const struct sockaddr *
       8  edx       addrlen   socklen_t

What differs between the forms
  A seccomp filter sees ebx = 3 and an address in the multiplexed form, and each
    argument itself in a direct one.
  The audit record SOCKETCALL is written for the multiplexed form only.
";

#[test]
fn a_page() {
    for call in ["connect", "CONNECT", "SYS_CONNECT", "sys_connect", "3", "362"] {
        assert_eq!(output(call), CONNECT, "{call}");
    }
}

#[test]
fn a_page_of_a_call_that_becomes_another() {
    let page = output("accept");
    assert!(page.contains("i386         364 accept4 "), "{page}");
    assert!(page.contains("          esi       flags     int, always 0\n"), "{page}");
    assert!(page.ends_with("  i386 has no direct accept: it is accept4 with flags 0.\n"), "{page}");
    let page = output("recv");
    assert!(page.contains("          edi       src_addr  struct sockaddr *, always 0\n"), "{page}");
    assert!(page.contains("          ebp       addrlen   socklen_t *, always 0\n"), "{page}");
}

#[test]
fn the_page_of_recvmmsg_tells_of_the_two_times() {
    let page = output("recvmmsg");
    for part in ["337 recvmmsg ", "CONFIG_COMPAT_32BIT_TIME=n", "417, recvmmsg_time64", "Linux 5.1"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert_eq!(output("417"), page);
}

#[test]
fn no_line_ends_in_a_space_and_pages_fit_a_terminal() {
    let pages = Call::ALL.map(|call| output(call.name()));
    for text in pages.iter().chain([&output(""), &output("--arch")]) {
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
    }
    let longest = pages.iter().flat_map(|page| page.lines()).map(str::len).max();
    assert!(longest <= Some(84), "{longest:?}");
}

const HEADER: &str = "\
#define SYS_SOCKET\t1\t\t/* sys_socket(2)\t\t*/
#define SYS_BIND\t2\t\t/* sys_bind(2)\t\t\t*/
#define SYS_CONNECT\t3\t\t/* sys_connect(2)\t\t*/
";

#[test]
fn the_header_is_the_kernels() {
    let header = output("--header");
    assert!(header.starts_with(HEADER), "{header}");
    assert_eq!(output("sendmmsg --header"), "#define SYS_SENDMMSG\t20\t\t/* sys_sendmmsg(2)\t\t*/\n");
    match std::fs::read_to_string("/usr/include/linux/net.h") {
        Ok(kernels) => {
            let lines: Vec<_> = kernels.lines().filter(|line| line.starts_with("#define SYS_")).collect();
            assert_eq!(header.lines().collect::<Vec<_>>(), lines);
        }
        Err(error) => {
            // Not eprintln!, whose output the test harness would swallow.
            let note = format!("skipped: /usr/include/linux/net.h: {error}; linux-libc-dev has it\n");
            io::stderr().write_all(note.as_bytes()).unwrap();
        }
    }
}

#[test]
fn json_of_all_calls() {
    let all = json("--json");
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 20);
    for (call, value) in Call::ALL.into_iter().zip(all) {
        assert_eq!(value, &json(&format!("{} --json", call.name())));
        assert_eq!(value["number"], call.number());
        assert_eq!(value["i386"]["number"], call.direct_i386());
        assert_eq!(value["words"].as_array().unwrap().len(), call.words());
    }
}

#[test]
fn json_of_one_call() {
    let expected = r#"{
        "number": 5, "name": "accept", "constant": "SYS_ACCEPT", "since": "1.0",
        "words": [
            {"name": "sockfd", "type": "int", "offset": 0, "register": "ebx"},
            {"name": "addr", "type": "struct sockaddr *", "offset": 4, "register": "ecx"},
            {"name": "addrlen", "type": "socklen_t *", "offset": 8, "register": "edx"}
        ],
        "i386": {"number": 364, "name": "accept4", "since": "4.3"},
        "x86_64": {"number": 43, "name": "accept"},
        "differences": ["i386 has no direct accept: it is accept4 with flags 0."]
    }"#;
    assert_eq!(json("5 --json"), serde_json::from_str::<Value>(expected).unwrap());
}

#[test]
fn the_table_of_architectures() {
    let table = output("--arch");
    for line in [
        "architecture  socketcall  direct calls  note",
        "i386          102         since 4.3     on x86-64 too: 32-bit programs, int $0x80",
        "sparc         206         since 4.4",
        "microblaze    102         by 3.2",
        "frv           102         no            gone since 4.17",
        "parisc        was 102     always",
        "alpha         never       always        102 is recv",
    ] {
        assert!(table.lines().any(|row| row == line), "{line} in {table}");
    }
}

#[test]
fn json_of_the_architectures() {
    let all = json("--arch --json");
    let find =
        |name: &str| all.as_array().unwrap().iter().find(|value| value["name"] == name).unwrap().clone();
    let expected = r#"[
        {"name": "s390x", "socketcall": "present", "number": 102, "direct": "since", "release": "4.3",
         "dropped": null, "note": "the array has 64-bit words"},
        {"name": "m32r", "socketcall": "present", "number": 102, "direct": "never", "release": null,
         "dropped": "4.17", "note": ""},
        {"name": "x86-64", "socketcall": "never", "number": null, "direct": "always", "release": null,
         "dropped": null, "note": "102 is getuid"}
    ]"#;
    for value in serde_json::from_str::<Vec<Value>>(expected).unwrap() {
        assert_eq!(find(value["name"].as_str().unwrap()), value);
    }
}

#[test]
fn what_cannot_be_asked_together() {
    for line in ["--header --json", "--header --arch", "--arch connect", "connect bind"] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn an_unknown_call_prints_nothing() {
    for line in ["conect", "conect --json", "conect --header", "21"] {
        let mut out = Vec::new();
        let error = run(&parse(line).unwrap(), &mut out).unwrap_err().to_string();
        assert!(error.starts_with("no call "), "{error}");
        assert!(out.is_empty());
    }
}

/// `socketcall calls | head -1`: the caller must be able to tell a closed pipe from a failure.
#[test]
fn a_closed_pipe_is_an_error_with_its_cause() {
    struct Closed(usize);
    impl Write for Closed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(taken) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for line in ["", "connect", "--header", "--json", "connect --json", "--arch", "--arch --json"] {
        for room in [0, 1, 100] {
            let result = run(&parse(line).unwrap(), &mut Closed(room));
            let cause = result.as_ref().unwrap_err().downcast_ref::<io::Error>().map(io::Error::kind);
            assert_eq!(cause, Some(io::ErrorKind::BrokenPipe), "{line}");
        }
    }
}

/// The examples of docs/calls.md are what the verb prints. One that is cut ends in `...`; one that
/// goes through another program can't be tried here.
#[test]
fn the_documents_examples_are_true() {
    let document = include_str!("../../../../../docs/calls.md");
    let mut tried = 0;
    for block in document.split("```\n").filter(|block| block.starts_with("$ socketcall calls")) {
        let (command, shown) = block.split_once('\n').unwrap();
        if command.contains('|') {
            continue;
        }
        let args = parse(command.trim_start_matches("$ socketcall calls")).unwrap();
        let mut out = Vec::new();
        let printed = match run(&args, &mut out) {
            Ok(()) => String::from_utf8(out).unwrap(),
            Err(error) => format!("socketcall: {error}\n"),
        };
        match shown.strip_suffix("...\n") {
            Some(start) => assert!(printed.starts_with(start), "{command}"),
            None => assert_eq!(printed, shown, "{command}"),
        }
        tried += 1;
    }
    assert_eq!(tried, 8);
}
