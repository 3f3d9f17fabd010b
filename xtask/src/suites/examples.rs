//! The example application, in assembly and in Rust: a page fetched from a server of our own and bytes echoed to
//! a client of our own, natively, inside the denying filter, and there under `run`.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::debian::{intact, noise};
use super::ports::{free_port, listens};
use super::way::{Mode, Way};
use super::{LIMIT, World, account, command, missing, nothing_left, unfiltered};
use crate::deny::TELLTALE;
use crate::process::{Finished, Running, ending, line};
use crate::report::{Outcome, Report, difference};
use crate::tools::GCC32;
use crate::workspace::fresh;

/// The application in one language.
struct Edition {
    name: &'static str,
    /// Whether 32-bit programs come of it.
    assembly: bool,
    /// A 64-bit program's `int $0x80` is served by a tracer only.
    modes: &'static [Mode],
}

const EDITIONS: &[Edition] = &[
    Edition { name: "assembly", assembly: true, modes: Mode::ALL },
    Edition { name: "Rust", assembly: false, modes: Mode::TRACED },
];

/// Some seventy segments of loopback's size in pieces that do not end where the reader's buffer does.
const PAGE: usize = 100_003;
const PIECE: usize = 7_001;
/// A file of which the server says how long it is in several ways, not all of them true.
const CONTENT: &[u8] = b"7\r\ncontent\r\n0\r\n\r\n";

/// Runs both programs in both languages.
pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("examples");
    let directory = world.workspace.target.join("examples");
    fresh(&directory)?;
    for edition in EDITIONS {
        if edition.assembly {
            report.case("http-fetch, a closed descriptor", || {
                if let Some(why) = missing(&[GCC32]) {
                    return Ok(Outcome::Skipped(why));
                }
                closed(&edition.build(world, &directory, "http-fetch")?)
            });
        }
        for (program, play) in [("http-fetch", fetch as Play), ("echo-server", echo)] {
            report.case(&format!("{program}, {}", edition.name), || {
                if let (true, Some(why)) = (edition.assembly, missing(&[GCC32])) {
                    return Ok(Outcome::Skipped(why));
                }
                let path = edition.build(world, &directory, program)?;
                nothing_left(agree(world, edition, &path, play))
            });
        }
    }
    report.end_suite();
    Ok(())
}

impl Edition {
    /// Builds a program as its own first lines say.
    fn build(&self, world: &World, directory: &Path, program: &str) -> Result<PathBuf> {
        let source = &world.workspace.source;
        let (mut build, path) = if self.assembly {
            let path = directory.join(program);
            let mut gcc = Command::new("gcc");
            gcc.args(["-m32", "-nostdlib", "-static", "-Wall", "-Werror", "-o"]).arg(&path);
            gcc.arg(source.join("examples").join(program).with_extension("S"));
            (gcc, path)
        } else {
            let name = program.replace('-', "_");
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.args([
                "build",
                "--quiet",
                "--release",
                "--package",
                "socketcall-invoke",
                "--example",
                &name,
            ]);
            cargo.current_dir(source);
            (cargo, world.workspace.target.join("x86_64-unknown-linux-gnu/release/examples").join(name))
        };
        let output = build.output().with_context(|| format!("cannot start {}", line(&build)))?;
        if !output.status.success() {
            bail!("{}\n{}", line(&build), String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(path)
    }
}

/// Uses a program, and tells what was seen.
type Play = fn(&Stage) -> Result<String>;

/// The native run, the denied one, and those that must agree with the first.
fn agree(world: &World, edition: &Edition, program: &Path, play: Play) -> Result<Outcome> {
    let stage = |way| Stage { world, program, way };
    let native = play(&stage(Way::Native)).context("natively")?;
    // A path for the one, a number of connections for the other.
    let denied = stage(Way::Denied).run(&["127.0.0.1", "1", "1"])?;
    let message = format!("socket (socketcall 1): errno {TELLTALE}\n");
    ensure!(
        denied.status.code() == Some(1) && denied.stderr.ends_with(&message),
        "inside the filter it should fail by its first call: {}: {}",
        ending(denied.status),
        denied.stderr
    );
    let mut ways: Vec<Way> = edition.modes.iter().map(|mode| Way::Run(*mode)).collect();
    ways.extend(Mode::TRACED.iter().map(|mode| Way::Counted(*mode)));
    for way in &ways {
        let supervised = play(&stage(*way)).with_context(|| format!("{way:?}"))?;
        if let Some(difference) = difference(&native, &supervised) {
            bail!("{way:?} differs from the native run: {difference}");
        }
    }
    Ok(Outcome::Passed(format!("{} ways", ways.len())))
}

/// A program in a world.
struct Stage<'a> {
    world: &'a World,
    program: &'a Path,
    way: Way,
}

impl Stage<'_> {
    fn start(&self, arguments: &[&str]) -> Result<Running> {
        let (mut line, run) = self.way.prefix(self.world);
        line.extend(run);
        line.push(self.program.display().to_string());
        line.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        Running::start(command(&line)?, vec![], LIMIT)
    }

    /// Waits for the end. Where calls are counted, they came by `int $0x80`, unless there was none.
    fn end(&self, running: Running) -> Result<Finished> {
        let mut finished = running.wait()?;
        if matches!(self.way, Way::Counted(_)) {
            let counts = account(&mut finished)?;
            let made_none = finished.status.code() == Some(64);
            ensure!(
                counts.stub == 0 && counts.direct == 0 && (counts.trap > 0) != made_none,
                "{}\nits calls took another way than int $0x80: {counts}",
                finished.command
            );
        }
        if self.way != Way::Denied {
            unfiltered(&finished)?;
        }
        Ok(finished)
    }

    fn run(&self, arguments: &[&str]) -> Result<Finished> {
        self.end(self.start(arguments)?)
    }
}

fn fetch(stage: &Stage) -> Result<String> {
    let page = noise(PAGE);
    let server = Server::start(page.clone())?;
    let port = server.address.port().to_string();
    let mut seen = String::new();
    let got = stage.run(&["127.0.0.1", &port, "/page"])?.success()?;
    seen += &intact(&page, &got.stdout, "standard output")?;

    let file = stage.world.workspace.target.join("examples/fetched");
    let name = file.to_str().context("the target directory's name is not UTF-8")?;
    fs::write(&file, noise(2 * PAGE))?;
    let got = stage.run(&["127.0.0.1", &port, "/page", name])?.success()?;
    ensure!(got.stdout.is_empty(), "with a file, nothing goes to standard output");
    seen += &intact(&page, &fs::read(&file)?, "a file")?;

    let unused = free_port()?.to_string();
    for (what, arguments) in [
        ("absent", &["127.0.0.1", &port, "/absent", name][..]),
        ("no HTTP", &["127.0.0.1", &port, "/garbage"]),
        ("cut short", &["127.0.0.1", &port, "/nothing"]),
        ("in chunks", &["127.0.0.1", &port, "/chunked", name]),
        ("no length", &["127.0.0.1", &port, "/length"]),
        ("nobody listens", &["127.0.0.1", &unused, "/page"]),
        ("no such directory", &["127.0.0.1", &port, "/page", "/proc/no/such/file"]),
        ("no address", &["127.0.0.256", &port, "/page"]),
        ("no path", &["127.0.0.1", &port]),
    ] {
        let got = stage.run(arguments)?;
        ensure!(!got.status.success() && got.stdout.is_empty(), "{what}: {}", got.command);
        seen += &format!("{what}: {}: {}", ending(got.status), got.stderr);
    }
    seen += &intact(&page, &fs::read(&file)?, "the file that an absent page leaves alone")?;

    // Without a length, and with one that leaves something over, what comes is the file.
    for path in ["/unsaid", "/more"] {
        let got = stage.run(&["127.0.0.1", &port, path])?.success()?;
        seen += &intact(CONTENT, &got.stdout, path)?;
    }
    let got = stage.run(&["127.0.0.1", &port, "/cut"])?;
    ensure!(got.status.code() == Some(2), "a part of a file is no file: {}", ending(got.status));
    seen += &intact(CONTENT, &got.stdout, "what came of it")?;
    seen += &got.stderr;
    Ok(seen)
}

/// With standard output closed, the socket would be descriptor 1. Natively: `run` is a Rust program, and those
/// are given /dev/null in its place, which their programs inherit.
fn closed(program: &Path) -> Result<Outcome> {
    let server = Server::start(noise(PAGE))?;
    for redirection in [">&-", "<&-"] {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!(r#"exec "$0" "$@" {redirection}"#)).arg(program);
        shell.args(["127.0.0.1", &server.address.port().to_string(), "/page"]);
        let got = Running::start(shell, vec![], LIMIT)?.wait()?;
        ensure!(
            got.status.code() == Some(1) && got.stdout.is_empty() && got.stderr.ends_with(" is closed\n"),
            "{redirection}: {}: {}",
            ending(got.status),
            got.stderr
        );
    }
    Ok(Outcome::Passed("2 descriptors".into()))
}

fn echo(stage: &Stage) -> Result<String> {
    let sent = noise(PAGE);
    let port = free_port()?;
    let mut server = stage.start(&["127.0.0.1", &port.to_string(), "3"])?;
    let deadline = Instant::now() + LIMIT;
    while !listens(port)? {
        ensure!(!server.has_ended() && Instant::now() < deadline, "it does not listen: {}", server.command());
        thread::sleep(Duration::from_millis(2));
    }
    let mut seen = String::new();
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(LIMIT))?;
        anyhow::Ok(stream)
    };
    // Both directions are full at once, which a server that sends before it receives again must bear.
    for turn in ["the first", "the second"] {
        let mut stream = connect()?;
        let got = thread::scope(|scope| -> Result<Vec<u8>> {
            let (mut writing, sent) = (stream.try_clone()?, &sent);
            scope.spawn(move || {
                writing.write_all(sent).and_then(|()| writing.shutdown(std::net::Shutdown::Write))
            });
            let mut got = vec![];
            stream.read_to_end(&mut got)?;
            Ok(got)
        })?;
        seen += &intact(&sent, &got, turn)?;
    }
    // A peer that says nothing.
    drop(connect()?);
    let end = stage.end(server)?.success()?;
    seen += &end.text().replace(&port.to_string(), "PORT");
    seen += &end.stderr;
    for arguments in [&["127.0.0.1"][..], &["127.0.0.1", "70000"], &["8.8.8.8", "80"]] {
        let got = stage.run(arguments)?;
        seen += &format!("{arguments:?}: {}: {}{}", ending(got.status), got.text(), got.stderr);
    }
    Ok(seen)
}

/// An HTTP server for one page, till it is dropped.
struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(page: Vec<u8>) -> Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                // A client that goes away is the client's failure, and shows there.
                let _ = answer(connection, &page);
            }
        });
        Ok(Server { address, stop, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Answers a request, in pieces that arrive one by one.
fn answer(mut connection: TcpStream, page: &[u8]) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut request = vec![];
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let path = request.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let said = |fields: &str| [format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes(), CONTENT].concat();
    let answer = match path {
        b"/page" => {
            [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", page.len()).as_bytes(), page].concat()
        }
        b"/garbage" => b"220 this is another protocol\r\n\r\n".to_vec(),
        b"/cut" => said(&format!("content-length: {}\r\n", CONTENT.len() + 1)),
        b"/more" => [&said(&format!("Content-Length: {}\r\n", CONTENT.len()))[..], b"!"].concat(),
        b"/unsaid" => said(""),
        b"/length" => said("Content-Length: many\r\n"),
        b"/chunked" => said("Transfer-Encoding: chunked\r\n"),
        b"/nothing" => b"HTTP/1.1 200 OK\r\n".to_vec(),
        _ => b"HTTP/1.1 404 Not Found\r\n\r\nnot here\n".to_vec(),
    };
    // The header alone is two pieces.
    let (first, rest) = answer.split_at(10);
    for piece in std::iter::once(first).chain(rest.chunks(PIECE)) {
        connection.write_all(piece)?;
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
