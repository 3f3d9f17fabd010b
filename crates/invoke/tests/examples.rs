//! The Rust examples: a page from a server of our own, bytes to and from a client of our own; natively, and
//! inside a filter that denies socketcall under `socketcall run`, where that program has been built.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

const AUDIT_ARCH_I386: u32 = 0x4000_0003;

/// Some seventy segments, in pieces that do not end where the reader's buffer does.
const PAGE: usize = 100_003;
const PIECE: usize = 7_001;

/// What is around an example.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Native,
    /// socketcall answers ENOSYS.
    Denied,
    /// The same, under `socketcall run`.
    Run,
}

/// Where cargo puts what it builds.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join(name)
}

/// The ways that can be tried here. (`cargo test --workspace` builds the program, `-p socketcall-invoke` does not.)
fn ways() -> Vec<Way> {
    let mut ways = vec![Way::Native, Way::Denied];
    if built("socketcall").exists() {
        ways.push(Way::Run);
    } else {
        // Not eprintln!, whose output the test harness would swallow.
        let note = "skipped: under `socketcall run`, which is not built: cargo test --workspace does that\n";
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
    ways
}

fn command(way: Way, example: &str, arguments: &[&str]) -> Command {
    let example = built("examples").join(example);
    let hint = "`cargo test --test` does not build it: run `cargo build --examples` first";
    assert!(example.exists(), "{}: {hint}", example.display());
    let mut command = if way == Way::Run {
        let mut command = Command::new(built("socketcall"));
        command.args(["run", "--"]).arg(example);
        command
    } else {
        Command::new(example)
    };
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if way != Way::Native {
        // SAFETY: system calls only.
        unsafe { command.pre_exec(deny) };
    }
    command
}

/// Puts this process under a filter that answers ENOSYS to socketcall.
fn deny() -> std::io::Result<()> {
    let load = |offset| libc::sock_filter { code: 0x20, jt: 0, jf: 0, k: offset };
    let unless = |value, skip| libc::sock_filter { code: 0x15, jt: 0, jf: skip, k: value };
    let answer = |answer| libc::sock_filter { code: 6, jt: 0, jf: 0, k: answer };
    // seccomp_data: the number at 0, the architecture at 4.
    let mut program = [
        load(4),
        unless(AUDIT_ARCH_I386, 3),
        load(0),
        unless(abi::SOCKETCALL_I386, 1),
        answer(libc::SECCOMP_RET_ERRNO | 38),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: a program that is here, of the length that it has.
    let set = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) == 0
    };
    if set { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

fn page() -> Vec<u8> {
    (0..PAGE as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Answers `requests` requests, and tells the port.
fn server(requests: usize) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let thread = thread::spawn(move || {
        for _ in 0..requests {
            let (mut connection, _) = listener.accept().unwrap();
            connection.set_nodelay(true).unwrap();
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            let mut first = String::new();
            reader.read_line(&mut first).unwrap();
            while reader.by_ref().lines().next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let answer = match first.trim_end() {
                "GET /page HTTP/1.0" => [b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n", &page()[..]].concat(),
                _ => b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec(),
            };
            // The header alone is two pieces.
            let (first, rest) = answer.split_at(10);
            for piece in std::iter::once(first).chain(rest.chunks(PIECE)) {
                connection.write_all(piece).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    (port, thread)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn expect(output: &Output, status: i32, stderr: &str) {
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(status), stderr));
}

#[test]
fn http_fetch() {
    for way in ways() {
        if way == Way::Denied {
            let output = command(way, "http_fetch", &["127.0.0.1", "1", "/"]).output().unwrap();
            expect(&output, 1, "http-fetch: socket (socketcall 1): errno 38\n");
            continue;
        }
        let (port, thread) = server(3);
        let fetch = |arguments: &[&str]| command(way, "http_fetch", arguments).output().unwrap();
        let output = fetch(&["127.0.0.1", &port, "/page"]);
        expect(&output, 0, "");
        assert!(output.stdout == page(), "{way:?}: the page differs");

        let file = std::env::temp_dir().join(format!("invoke-fetched-{}", std::process::id()));
        let output = fetch(&["127.0.0.1", &port, "/page", file.to_str().unwrap()]);
        expect(&output, 0, "");
        assert!(std::fs::read(&file).unwrap() == page(), "{way:?}: the file differs");
        std::fs::remove_file(&file).unwrap();

        let output = fetch(&["127.0.0.1", &port, "/absent", file.to_str().unwrap()]);
        expect(&output, 2, "http-fetch: the server says: HTTP/1.1 404 Not Found\n");
        assert!(!file.exists());
        thread.join().unwrap();
        let output = fetch(&["127.0.0.1", &port, "/page"]);
        expect(&output, 1, "http-fetch: connect (socketcall 3): errno 111\n");
        expect(&fetch(&["127.0.0.1"]), 64, "usage: http-fetch ADDRESS PORT PATH [FILE]\n");
    }
}

#[test]
fn echo_server() {
    for way in ways() {
        let mut server = command(way, "echo_server", &["127.0.0.1", "0", "2"]).spawn().unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        if way == Way::Denied {
            let output = server.wait_with_output().unwrap();
            assert_eq!(line, "");
            expect(&output, 1, "echo-server: socket (socketcall 1): errno 38\n");
            continue;
        }
        let port: u16 = line.trim_end().strip_prefix("listening on port ").unwrap().parse().unwrap();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let mut writing = stream.try_clone().unwrap();
            let writer = thread::spawn(move || {
                writing.write_all(&page()).unwrap();
                writing.shutdown(Shutdown::Write).unwrap();
            });
            let mut got = vec![];
            stream.read_to_end(&mut got).unwrap();
            writer.join().unwrap();
            assert!(got == page(), "{way:?}: what came back differs");
        }
        expect(&server.wait_with_output().unwrap(), 0, "");
    }
}
