//! Programs that need nobody but themselves, or one server.

use std::net::{Ipv4Addr, TcpListener};

use super::Expect::{Prints, Refused};
use super::asked::Asked;
use super::{Add, Line, Tree, line, python, title};
use crate::suites::{World, free_port};

const CURL: &[&str] = &["curl", "-sS", "--max-time", "10", "http://127.0.0.1:PORT/"];
const BIND_ANY: &[&str] = python!("s = socket.socket(); s.bind(('0.0.0.0', FREE))");
const LISTEN_ANY: &[&str] = python!("s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen()");
const UNBOUND: &[&str] = python!("s = socket.socket(); s.listen()");
const LISTEN: &[&str] = python!("s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()");
const SEND_HOME: &[&str] =
    python!("s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', 53))");
/// Asks for it by netlink.
const INTERFACE: &[&str] = &["ip", "-o", "link", "show", "dev", "lo"];
/// The C library asks netlink which addresses it may have.
const LOCALHOST: &[&str] = &["getent", "ahosts", "localhost"];

/// PORT is a server's, and FREE nobody's.
const LINES: &[Line] = &[
    ("loopback-only", CURL, Prints("hello")),
    ("loopback-only", LISTEN, Prints("done")),
    ("loopback-only", BIND_ANY, Refused("bind")),
    ("loopback-only", LISTEN_ANY, Refused("listen")),
    ("loopback-only", UNBOUND, Refused("listen")),
    ("loopback-only", INTERFACE, Prints("LOOPBACK")),
    ("loopback-only", LOCALHOST, Prints("127.0.0.1")),
    ("client-only", CURL, Prints("hello")),
    ("client-only", LISTEN, Refused("listen")),
    ("client-only", python!("s = socket.socket(); s.bind(('127.0.0.1', FREE))"), Refused("bind")),
    ("client-only", INTERFACE, Prints("LOOPBACK")),
    ("web-client", CURL, Refused("connect")),
    ("web-client", LISTEN, Refused("listen")),
    ("web-client", INTERFACE, Prints("LOOPBACK")),
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
    ("game-server", LOCALHOST, Prints("127.0.0.1")),
];

pub fn cases(world: &World, tree: Tree, add: &mut Add<'_>) {
    for one in LINES {
        add(&title(one, tree), &|| {
            tree.with(world, |place| {
                let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let (port, free) = (server.local_addr()?.port().to_string(), free_port()?.to_string());
                let asked = Asked::start(vec![server], vec![])?;
                let fill = |word: &str| word.replace("PORT", &port).replace("FREE", &free);
                line(place, one, &fill, &|| asked.served())
            })
        });
    }
}
