//! Clients in a network that holds more than loopback.

use super::Expect::{Prints, Refused};
use super::network::Lazy;
use super::{Add, Line, Tree, line, python, title};
use crate::suites::World;

const FETCH: &[&str] =
    &["node", "-e", "fetch('http://www.example.test/').then(r => r.text()).then(console.log)"];
const PERL: &[&str] = &[
    "perl",
    "-MHTTP::Tiny",
    "-e",
    "my $r = HTTP::Tiny->new->get('http://www.example.test/'); print $r->{content}; exit !$r->{success}",
];
const PERL_HOME: &[&str] =
    &["perl", "-MHTTP::Tiny", "-e", "exit !HTTP::Tiny->new->get('http://home.example.test/')->{success}"];
const URLLIB: &[&str] =
    python!("import urllib.request; print(urllib.request.urlopen('http://www.example.test/').read())");
const HTTP3: &[&str] = python!(
    "s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'quic', ('192.0.2.1', 443)); print(s.recv(9))"
);
const MDNS: &[&str] =
    python!("s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('192.0.2.1', 5353)); s.recv(9)");
/// The resolver at home.
const RESOLVER: &[&str] = &["busybox", "nslookup", "www.example.test", "10.1.2.3"];
/// Go looks names up by itself.
const HEY: &[&str] =
    &["sh", "-c", "hey -n 6 -c 2 http://www.example.test/ | busybox grep -o '[0-9]* responses'"];
const SSH: &[&str] = &["ssh", "-F", "none", "-o", "BatchMode=yes", "192.0.2.1"];
const NETCAT: &[&str] = &["nc.openbsd", "-n", "-N", "192.0.2.1", "22"];
const PING: &[&str] = &["ping", "-n", "-c", "1", "192.0.2.1"];
const REDIS: &[&str] = &["redis-cli", "-h", "192.0.2.1", "-p", "8080", "get", "x"];

const LINES: &[Line] = &[
    // Names by UDP and TCP, from the resolver of resolv.conf, which is on this machine.
    ("web-client", &["getent", "hosts", "www.example.test"], Prints("2001:db8::1")),
    ("web-client", &["getent", "ahostsv4", "www.example.test"], Prints("192.0.2.2")),
    ("web-client", &["dig", "+short", "www.example.test"], Prints("192.0.2.1")),
    ("web-client", &["dig", "+short", "+tcp", "www.example.test"], Prints("192.0.2.1")),
    ("web-client", &["dig", "+short", "long.example.test", "TXT"], Prints("line 29")),
    ("web-client", RESOLVER, Prints("192.0.2.1")),
    ("web-client", &["host", "www.example.test"], Prints("has IPv6 address 2001:db8::1")),
    ("web-client", &["curl", "-sS", "-4", "http://www.example.test/"], Prints("hello")),
    ("web-client", &["curl", "-sS", "-6", "http://www.example.test/"], Prints("hello")),
    ("web-client", &["curl", "-sS", "http://192.0.2.1:443/"], Prints("hello")),
    ("web-client", &["wget", "-q", "-t", "1", "-O", "-", "http://www.example.test/"], Prints("hello")),
    ("web-client", &["busybox", "wget", "-q", "-O", "-", "http://192.0.2.1/"], Prints("hello")),
    ("web-client", URLLIB, Prints("hello")),
    ("web-client", FETCH, Prints("hello")),
    ("web-client", PERL, Prints("hello")),
    ("web-client", HEY, Prints("6 responses")),
    ("web-client", HTTP3, Prints("quic")),
    // A name that leads home, where clouds keep keys, this machine, other ports.
    ("web-client", &["curl", "-sS", "http://home.example.test/"], Refused("connect")),
    ("web-client", &["curl", "-sS", "http://169.254.169.254/"], Refused("connect")),
    ("web-client", &["curl", "-sS", "http://[::ffff:10.1.2.3]/"], Refused("connect")),
    ("web-client", &["curl", "-sS", "http://[::1]/"], Refused("connect")),
    ("web-client", &["curl", "-sS", "http://0.0.0.0/"], Refused("connect")),
    ("web-client", &["wget", "-q", "-t", "1", "-O", "-", "http://home.example.test/"], Refused("connect")),
    ("web-client", PERL_HOME, Refused("connect")),
    ("web-client", &["curl", "-sS", "http://www.example.test:8080/"], Refused("connect")),
    ("web-client", NETCAT, Refused("connect")),
    ("web-client", SSH, Refused("connect")),
    ("web-client", REDIS, Refused("connect")),
    ("web-client", MDNS, Refused("sendto")),
    ("web-client", PING, Refused("connect")),
    ("loopback-only", &["curl", "-sS", "http://127.0.0.1/"], Prints("hello")),
    ("loopback-only", &["curl", "-sS", "http://[::1]/"], Prints("hello")),
    (
        "loopback-only",
        &["sh", "-c", "ping -n -c 1 127.0.0.1 | busybox grep -o '1 received'"],
        Prints("1 received"),
    ),
    ("loopback-only", &["sh", "-c", "ping -n -c 1 ::1 | busybox grep -o '1 received'"], Prints("1 received")),
    ("loopback-only", PING, Refused("connect")),
    ("loopback-only", &["curl", "-sS", "http://www.example.test/"], Refused("connect")),
    ("loopback-only", SSH, Refused("connect")),
    ("loopback-only", NETCAT, Refused("connect")),
    ("loopback-only", MDNS, Refused("sendto")),
    (
        "client-only",
        &["sh", "-c", "ping -n -c 1 192.0.2.1 | busybox grep -o '1 received'"],
        Prints("1 received"),
    ),
    ("client-only", &["curl", "-sS", "http://home.example.test/"], Prints("hello")),
    ("client-only", NETCAT, Prints("hello")),
    ("game-server", RESOLVER, Prints("192.0.2.1")),
    ("game-server", &["getent", "ahostsv4", "www.example.test"], Prints("192.0.2.2")),
    ("game-server", &["curl", "-sS", "http://www.example.test/"], Refused("connect")),
    ("game-server", &["nc.openbsd", "-n", "-N", "10.1.2.3", "80"], Refused("connect")),
    ("game-server", PING, Refused("connect")),
    (
        "game-server",
        python!(
            "s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'master', ('192.0.2.1', 27011)); print(s.recv(9))"
        ),
        Prints("master"),
    ),
    (
        "game-server",
        python!("s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('10.1.2.3', 51000)); s.recv(9)"),
        Refused("sendto"),
    ),
];

pub fn cases(world: &World, tree: Tree, network: &Lazy, add: &mut Add<'_>) {
    for one in LINES {
        add(&title(one, tree), &|| {
            tree.with(world, |place| {
                network.play(place, |network| line(place, one, &str::to_owned, &|| network.served()))
            })
        });
    }
}
