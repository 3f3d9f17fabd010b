//! Servers and their clients over loopback, under the policies that permit that; and servers that a policy keeps from
//! their port.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::{Add, Held, Place, Tree, refusal, same};
use crate::process::ending;
use crate::report::Outcome;
use crate::suites::World;
use crate::suites::debian::{CASES, Case, HERE, Stage, nginx_line};
use crate::suites::ports::{free_port, is_bound, listens, listens_at};

/// Of a case's programs, who only goes to others.
const CLIENTS: &[&str] = &["curl", "wget", "hey", "nc", "redis-cli", "dbclient", "dig"];

/// What a server waits at.
#[derive(Clone, Copy)]
enum At {
    Tcp,
    Udp,
    Path,
}

/// A policy, a server, where it waits natively, and the call that is refused. PORT is its port, PATH a path; what begins with
/// `listen ` is nginx's configuration.
type Kept = (&'static str, &'static [&'static str], At, &'static str);

const NODE: &[&str] = &["node", "-e", "require('http').createServer().listen(PORT)"];
const IPERF3: &[&str] = &["iperf3", "--server", "--port", "PORT"];

const KEPT: &[Kept] = &[
    // Every address is more than loopback.
    ("loopback-only", &["redis-server", "--bind", "0.0.0.0", "--port", "PORT"], At::Tcp, "bind"),
    ("loopback-only", &["redis-server", "--bind", "::", "--port", "PORT"], At::Tcp, "bind"),
    ("loopback-only", &["nginx", "listen 0.0.0.0:PORT"], At::Tcp, "bind"),
    ("loopback-only", &["nginx", "listen [::]:PORT"], At::Tcp, "bind"),
    ("loopback-only", &["nc.openbsd", "-l", "-n", "PORT"], At::Tcp, "bind"),
    ("loopback-only", &["nc.openbsd", "-l", "-u", "-n", "PORT"], At::Udp, "bind"),
    ("loopback-only", &["python3", "-m", "http.server", "PORT"], At::Tcp, "bind"),
    ("loopback-only", &["socat", "TCP-LISTEN:PORT", "-"], At::Tcp, "bind"),
    ("loopback-only", &["busybox", "httpd", "-f", "-p", "PORT"], At::Tcp, "bind"),
    ("loopback-only", IPERF3, At::Tcp, "bind"),
    ("loopback-only", NODE, At::Tcp, "bind"),
    // Nobody is to come at all.
    ("client-only", &["redis-server", "--bind", "127.0.0.1", "--port", "PORT"], At::Tcp, "bind"),
    ("client-only", &["nginx", "listen 127.0.0.1:PORT"], At::Tcp, "bind"),
    ("client-only", &["nc.openbsd", "-l", "-n", "127.0.0.1", "PORT"], At::Tcp, "bind"),
    ("client-only", &["nc.openbsd", "-l", "-u", "-n", "127.0.0.1", "PORT"], At::Udp, "bind"),
    ("client-only", &["nc.openbsd", "-l", "-U", "PATH"], At::Path, "listen"),
    ("client-only", &["redis-server", "--port", "0", "--unixsocket", "PATH"], At::Path, "listen"),
    ("web-client", &["redis-server", "--bind", "127.0.0.1", "--port", "PORT"], At::Tcp, "bind"),
    ("web-client", &["nc.openbsd", "-l", "-U", "PATH"], At::Path, "bind"),
    ("game-server", &["redis-server", "--bind", "127.0.0.1", "--port", "PORT"], At::Tcp, "bind"),
    ("game-server", &["nginx", "listen 0.0.0.0:PORT"], At::Tcp, "bind"),
    ("game-server", &["nc.openbsd", "-l", "-u", "-n", "127.0.0.1", "PORT"], At::Udp, "bind"),
];

pub fn cases(world: &World, tree: Tree, add: &mut Add<'_>) {
    // A login takes long for its cryptography: one server of shells for each tree.
    let left_out = if tree == Tree::I386 { "dropbear" } else { "sshd" };
    let cases = CASES.iter().filter(|case| !case.name.starts_with(left_out));
    for case in cases {
        let policies = policies(case);
        let under = policies.iter().map(|(policy, subject, _)| match subject {
            Some(subject) => format!("{policy} ({subject})"),
            None => (*policy).to_owned(),
        });
        let under = under.collect::<Vec<_>>().join(", ");
        add(&format!("{}, under {under}, {}", case.name, tree.name()), &|| {
            tree.with(world, |place| same(place, &policies, case.play))
        });
    }
    add(
        &format!("MPTCP by IPv6 and by mptcpize, under no-alg-vsock and loopback-only, {}", tree.name()),
        &|| {
            tree.with(world, |place| {
                same(place, &[("no-alg-vsock", None, &[]), ("loopback-only", None, &[])], mptcp)
            })
        },
    );
    for server in KEPT {
        let (policy, program, _, call) = server;
        add(&format!("{policy}: {} is refused {call}, {}", program.join(" "), tree.name()), &|| {
            tree.with(world, |place| kept(place, server))
        });
    }
}

/// Policies that permit what a case does: two for all of its programs, and one for its client, which permits no server.
fn policies(case: &Case) -> Vec<Held> {
    // all.py tries what is refused natively too: an unknown type, an unknown family, and to listen everywhere.
    let refused: &[&str] =
        if case.name.starts_with("python3") { &["socket", "socket", "listen"] } else { &[] };
    let mut policies: Vec<Held> = vec![("loopback-only", None, refused)];
    let named = |name: &&str| case.programs.iter().any(|(program, _)| program == name);
    if ["nginx", "redis-server"].iter().any(named) {
        policies.push(("no-alg-vsock", None, &[]));
    }
    if let Some(client) = CLIENTS.iter().find(|name| named(name)) {
        policies.push(("client-only", Some(client), &[]));
    }
    policies
}

/// Natively it waits; under the policy it ends without ever having waited, and the call is told.
fn kept(place: &Place, (policy, program, at, call): &Kept) -> Result<Outcome> {
    let (port, path) = (free_port()?, format!("{HERE}/socket"));
    let start = |stage: &Stage| {
        let fill = |word: &str| word.replace("PORT", &port.to_string()).replace("PATH", &path);
        match program {
            ["nginx", listen] => nginx_line(stage, &fill(listen.trim_start_matches("listen "))),
            _ => Ok(program.iter().map(|word| fill(word)).collect::<Vec<_>>()),
        }
    };
    let waits = || match at {
        At::Tcp => listens(port),
        At::Udp => is_bound(port),
        At::Path => listens_at(&path),
    };
    place.native(|stage| {
        let line = start(stage)?;
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        stage.serve_at(program[0], &line, &waits)?.stop(Signal::SIGTERM)
    })?;
    let (finished, told) = place.ruled(policy, None, |stage| {
        let line = start(stage)?;
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let mut server = stage.start(program[0], &line, b"")?;
        while !server.has_ended() {
            ensure!(!waits()?, "it waits for others");
            std::thread::sleep(Duration::from_millis(1));
        }
        server.wait()
    })?;
    let whole = || {
        format!("{}\n{}\n{}{}", finished.command, ending(finished.status), finished.text(), finished.stderr)
    };
    let refusal = refusal(&told, call).with_context(whole)?;
    ensure!(finished.status.code().is_some_and(|code| code != 0), "{}", whole());
    Ok(Outcome::Passed(refusal))
}

/// A connection by IPv6 whose ends ask for MPTCP themselves, and one whose ends don't know.
fn mptcp(stage: &Stage) -> Result<String> {
    let script = "\
from socket import *
server = socket(AF_INET6, SOCK_STREAM, 262)
server.bind(('::1', 0))
server.listen()
client = socket(AF_INET6, SOCK_STREAM, 262)
client.connect(server.getsockname())
accepted = server.accept()[0]
client.sendall(b'by MPTCP')
print(accepted.recv(100).decode(), accepted.getsockopt(SOL_SOCKET, SO_PROTOCOL))
";
    let finished = stage.run("python3", &["python3", "-c", script], b"")?.success()?;
    let mut seen = finished.text();
    let port = free_port()?.to_string();
    let wrapped = ["mptcpize", "run", "nc.openbsd"];
    let server =
        stage.serve("nc -l", &[&wrapped[..], &["-l", "-n", "127.0.0.1", &port]].concat(), port.parse()?)?;
    let client = [&wrapped[..], &["-N", "-n", "127.0.0.1", &port]].concat();
    stage.run("nc", &client, b"by mptcpize")?.success()?;
    seen += &server.wait()?.success()?.text();
    Ok(seen)
}
