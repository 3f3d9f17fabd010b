//! The programs, which way their calls take, and what is played with them.

use anyhow::Result;

use super::{Stage, files, remote, scripts};

/// How a program enters the kernel.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// Through AT_SYSINFO, as glibc does, so that every call takes the stub.
    Stub,
    /// By `int $0x80`, as Go does, so that every call is trapped.
    Trap,
}

/// A play for some programs.
pub struct Case {
    /// What it shows.
    pub name: &'static str,
    /// The programs under test.
    pub programs: &'static [(&'static str, Entry)],
    /// Runs them, checks the data, and tells what must be the same in every world.
    pub play: fn(&Stage) -> Result<String>,
}

const fn case(
    name: &'static str,
    programs: &'static [(&'static str, Entry)],
    play: fn(&Stage) -> Result<String>,
) -> Case {
    Case { name, programs, play }
}

use Entry::{Stub, Trap};

/// All of them.
pub const CASES: &[Case] = &[
    case("curl from nginx", &[("curl", Stub), ("nginx", Stub)], files::curl_from_nginx),
    case("wget from python3's http.server", &[("wget", Stub), ("python3", Stub)], files::wget_from_python),
    case("busybox, static: httpd, wget and nc", &[("busybox", Stub)], files::busybox),
    case("hey (Go) to nginx", &[("hey", Trap), ("nginx", Stub)], files::hey_to_nginx),
    case("nc to nc: TCP, UDP, local sockets", &[("nc", Stub), ("nc -l", Stub)], files::netcat),
    case("socat: TCP with fork and exec, UDP, local sockets", &[("socat", Stub)], files::socat),
    case("iperf3", &[("iperf3", Stub)], files::iperf3),
    case(
        "redis-server, redis-cli and redis-benchmark",
        &[("redis-server", Stub), ("redis-cli", Stub), ("redis-benchmark", Stub)],
        remote::redis,
    ),
    case("dropbear and dbclient", &[("dropbear", Stub), ("dbclient", Stub)], remote::dropbear),
    case("sshd and ssh", &[("sshd", Stub), ("ssh", Stub)], remote::openssh),
    case("dig, over UDP and TCP", &[("dig", Stub)], remote::dig),
    case("python3: asyncio, processes, descriptors", &[("python3", Stub)], scripts::python),
    case("node: http, cluster, dgram", &[("node", Stub)], scripts::node),
];
