//! Real programs under the policies that are shipped: Debian's for i386, and the host's own. What is permitted works as
//! without; what is not is refused, and a line says so.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Add, under};
use crate::process::{Finished, Running};
use crate::report::Outcome;
use crate::suites::{IN_TREE, LIMIT, World, command, free_port, words};

/// What is to become of a program.
enum Expect {
    /// It prints this, as without a policy.
    Prints(&'static str),
    /// This call is refused.
    Refused(&'static str),
}

use Expect::{Prints, Refused};

/// A policy's name, a program with its arguments, and what becomes of it. PORT is a server's, and FREE
/// nobody's.
type Play = (&'static str, &'static [&'static str], Expect);

/// Says what became of a call.
macro_rules! python {
    ($code:literal) => {
        &["python3", "-c", concat!("import socket\n", $code, "\nprint('done')")]
    };
}

const CURL: &[&str] = &["curl", "-sS", "--max-time", "10", "http://127.0.0.1:PORT/"];
const BIND_ANY: &[&str] = python!("s = socket.socket(); s.bind(('0.0.0.0', 0))");
const LISTEN: &[&str] = python!("s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()");
const SEND_HOME: &[&str] =
    python!("s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', 53))");

const PLAYS: &[Play] = &[
    ("loopback-only", CURL, Prints("hello")),
    ("loopback-only", LISTEN, Prints("done")),
    ("loopback-only", BIND_ANY, Refused("bind")),
    ("client-only", CURL, Prints("hello")),
    ("client-only", LISTEN, Refused("listen")),
    ("client-only", python!("s = socket.socket(); s.bind(('127.0.0.1', FREE))"), Refused("bind")),
    ("web-client", CURL, Refused("connect")),
    ("web-client", LISTEN, Refused("listen")),
    ("no-alg-vsock", CURL, Prints("hello")),
    ("no-alg-vsock", python!("socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)"), Refused("socket")),
    ("no-alg-vsock", python!("socket.socket(socket.AF_VSOCK)"), Refused("socket")),
    (
        "game-server",
        python!("s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('127.0.0.1', 27019))"),
        Prints("done"),
    ),
    ("game-server", python!("s = socket.socket(); s.bind(('127.0.0.1', FREE))"), Refused("bind")),
    ("game-server", CURL, Refused("connect")),
    ("game-server", SEND_HOME, Prints("done")),
];

pub fn cases(world: &World, add: &mut Add<'_>) {
    for (policy, program, expect) in PLAYS {
        for place in [Place::Tree, Place::Host] {
            let told = match expect {
                Prints(_) => "is permitted".to_owned(),
                Refused(call) => format!("is refused {call}"),
            };
            let what = program
                .get(2)
                .filter(|_| program[0] == "python3")
                .map_or(program[0], |code| code.lines().nth(1).unwrap_or_default());
            add(&format!("{policy}: {what} {told}, {}", place.name()), &|| {
                play(world, place, policy, program, expect)
            });
        }
    }
}

/// Where a program comes from.
#[derive(Clone, Copy)]
enum Place {
    /// Debian's i386 packages.
    Tree,
    /// The host.
    Host,
}

impl Place {
    const fn name(self) -> &'static str {
        match self {
            Place::Tree => "i386",
            Place::Host => "the host's",
        }
    }

    /// The words that run a program natively, and under a policy. The i386 tree has a copy of that, and of the program under
    /// test.
    fn prefixes(self, world: &World, policy: &Path) -> Result<Option<[Vec<String>; 2]>> {
        match (self, &world.debian) {
            (Place::Host, _) => Ok(Some([vec![], under(world, policy)])),
            (Place::Tree, Err(_)) => Ok(None),
            (Place::Tree, Ok(root)) => {
                let (xtask, tree) = (world.xtask.display().to_string(), root.display().to_string());
                std::fs::copy(policy, root.join("tmp/policy.toml"))?;
                let enter = [xtask.as_str(), "enter", &tree, "--"];
                let run = [&enter[..], &[IN_TREE, "run", "--policy", "/tmp/policy.toml", "--"]].concat();
                Ok(Some([words(&enter), words(&run)]))
            }
        }
    }
}

fn play(world: &World, place: Place, policy: &str, program: &[&str], expect: &Expect) -> Result<Outcome> {
    let policy = world.workspace.source.join("packaging/policies").join(policy).with_extension("toml");
    let Some([native, ruled]) = place.prefixes(world, &policy)? else {
        return Ok(Outcome::Skipped("the i386 tree is not there".into()));
    };
    let server = Server::start()?;
    let (port, free) = (server.port.to_string(), free_port()?.to_string());
    let program: Vec<String> =
        program.iter().map(|word| word.replace("PORT", &port).replace("FREE", &free)).collect();
    let native = run(&[native, program.clone()].concat())?;
    // A host may lack a program. A kernel may lack a family, which is refused all the same.
    let lacks = matches!(expect, Refused(_)) && native.stderr.contains("Address family not supported");
    if !native.status.success() && !lacks {
        return Ok(Outcome::Skipped(format!(
            "natively: {}",
            native.stderr.lines().last().unwrap_or_default()
        )));
    }
    let before = server.served.load(Ordering::SeqCst);
    let ruled = run(&[ruled, program].concat())?;
    let served = server.served.load(Ordering::SeqCst) - before;
    let told = ruled.stderr.lines().filter(|line| line.contains("refused with")).collect::<Vec<_>>();
    let whole = || format!("{}\n{}{}", ruled.command, ruled.text(), ruled.stderr);
    match expect {
        Prints(text) => {
            ensure!(native.text() == ruled.text() && ruled.text().contains(text), "{}", whole());
            ensure!(told.is_empty() && ruled.status.success(), "{}", whole());
            Ok(Outcome::Passed("as natively".into()))
        }
        Refused(call) => {
            let line = told.iter().find(|line| line.contains(&format!(" {call}(")));
            let line = line.with_context(|| format!("nothing says that {call} is refused: {}", whole()))?;
            ensure!(!ruled.status.success() && served == 0, "{served} were served: {}", whole());
            let said = line.rsplit_once("): ").map_or(*line, |(_, said)| said);
            Ok(Outcome::Passed(said.to_owned()))
        }
    }
}

fn run(line: &[String]) -> Result<Finished> {
    Running::start(command(line)?, vec![], LIMIT)?.wait()
}

/// Says hello to whoever comes.
struct Server {
    port: u16,
    served: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let served = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&served);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello");
            }
        });
        Ok(Server { port, served })
    }
}
