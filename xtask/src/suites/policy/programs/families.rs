//! Sockets of families and protocols that rules on addresses don't look into, and vsock and SCTP, which not every kernel has:
//! what one lacks is refused all the same, and what is permitted fails as natively.

use anyhow::{Context, Result, bail, ensure};

use super::{Add, Place, Tree, refusal};
use crate::report::{Outcome, difference};
use crate::suites::World;
use crate::suites::debian::Stage;

/// Arguments of socket(2) for python3, and what the line of a refusal must hold.
type Kind = (&'static str, &'static [&'static str]);

const ALG: Kind = ("AF_ALG, SOCK_SEQPACKET", &["AF_ALG", "SOCK_SEQPACKET"]);
const VSOCKET: Kind = ("AF_VSOCK, SOCK_STREAM", &["AF_VSOCK", "SOCK_STREAM"]);
const KINDS: &[Kind] = &[
    ("AF_INET, SOCK_RAW, IPPROTO_ICMP", &["AF_INET,", "SOCK_RAW", "IPPROTO_ICMP"]),
    ("AF_INET6, SOCK_RAW, IPPROTO_ICMPV6", &["AF_INET6,", "SOCK_RAW", "IPPROTO_ICMPV6"]),
    ("AF_INET, SOCK_STREAM, 132", &["AF_INET,", "SOCK_STREAM", "IPPROTO_SCTP"]),
    ("AF_INET6, SOCK_SEQPACKET, 132", &["AF_INET6,", "SOCK_SEQPACKET", "IPPROTO_SCTP"]),
    ("AF_PACKET, SOCK_DGRAM", &["AF_PACKET", "SOCK_DGRAM"]),
    ("AF_NETLINK, SOCK_RAW, 9", &["AF_NETLINK", "SOCK_RAW", "NETLINK_AUDIT"]),
    ("AF_NETLINK, SOCK_DGRAM, 15", &["AF_NETLINK", "SOCK_DGRAM", "NETLINK_KOBJECT_UEVENT"]),
    ALG,
    VSOCKET,
];

/// Policies, their errno, and whether they refuse a kind.
type Policy = (&'static str, &'static str, fn(&Kind) -> bool);

const POLICIES: &[Policy] = &[
    ("loopback-only", "EACCES", |_| true),
    ("client-only", "EACCES", |kind| *kind != VSOCKET),
    ("web-client", "EACCES", |_| true),
    ("game-server", "EACCES", |_| true),
    ("no-alg-vsock", "EAFNOSUPPORT", |kind| [ALG, VSOCKET].contains(kind)),
];

/// One port of vsock on this machine, and no other machine.
pub const VSOCK: (&str, &str) = (
    "vsock",
    r#"default = "deny"
rule = [
  { action = "allow", address = "vsock:1", port = 5123 },
  { action = "allow", call = ["bind", "listen"], family = "vsock" },
]
"#,
);

/// SCTP is not understood where addresses are judged, so that it has to be permitted altogether.
pub const SCTP: (&str, &str) = (
    "sctp",
    r#"default = "deny"
rule = [
  { action = "allow", address = "127.0.0.1" },
  { action = "allow", family = "inet", protocol = "sctp" },
]
"#,
);

pub fn cases(world: &World, tree: Tree, add: &mut Add<'_>) {
    let name = tree.name();
    for policy in POLICIES {
        add(&format!("{}: families that it refuses, {name}", policy.0), &|| {
            tree.with(world, |place| families(place, policy))
        });
    }
    add(&format!("vsock: one port is permitted, {name}"), &|| tree.with(world, vsock));
    add(&format!("sctp: a protocol is permitted, {name}"), &|| tree.with(world, sctp));
}

/// What a script says, line by line.
fn python(stage: &Stage, script: &str) -> Result<Vec<String>> {
    let finished = stage.run("python3", &["python3", "-c", script], b"")?.success()?;
    Ok(finished.text().lines().map(str::to_owned).collect())
}

/// Makes a socket of each kind.
fn families(place: &Place, (policy, errno, refuses): &Policy) -> Result<Outcome> {
    let tries: String = KINDS.iter().map(|(words, _)| format!("attempt({words})\n")).collect();
    let script = format!("{ATTEMPT}{tries}");
    let native = place.native(|stage| python(stage, &script))?;
    let (ruled, told) = place.ruled(policy, None, |stage| python(stage, &script))?;
    ensure!(native.len() == KINDS.len() && ruled.len() == KINDS.len(), "{native:?}\n{ruled:?}");
    ensure!(native.iter().any(|came| came == "made"), "natively nothing is made: {native:?}");
    let mut refused = 0;
    for ((kind, native), ruled) in KINDS.iter().zip(&native).zip(&ruled) {
        if !refuses(kind) {
            ensure!(native == ruled, "{}: natively {native}, now {ruled}", kind.0);
            continue;
        }
        ensure!(ruled == errno, "{}: {ruled}", kind.0);
        let tells =
            |line: &&String| line.contains(": socket(") && kind.1.iter().all(|word| line.contains(word));
        told.iter()
            .find(tells)
            .with_context(|| format!("nothing says that {} is refused: {told:#?}", kind.0))?;
        refused += 1;
    }
    ensure!(told.len() == refused, "{refused} were refused: {told:#?}");
    Ok(Outcome::Passed(format!("{refused} of {}", KINDS.len())))
}

/// Says what becomes of a call.
const ATTEMPT: &str = "\
import errno
from socket import *
def attempt(*words):
    try:
        socket(*words)
        print('made')
    except OSError as error:
        print(errno.errorcode[error.errno])
";

fn vsock(place: &Place) -> Result<Outcome> {
    let script = "\
import errno, select, time
from socket import *
try:
    servers = [socket(AF_VSOCK), socket(AF_VSOCK)]
except OSError as error:
    print(errno.errorcode[error.errno])
    exit()
for server, port in zip(servers, [5123, 5124]):
    server.bind((VMADDR_CID_ANY, port))
    server.listen()
    server.setblocking(False)
clients, came, waiting = [], {}, select.poll()
for address in [(1, 5123), (1, 5124), (4242, 5123)]:
    client = socket(AF_VSOCK)
    client.setblocking(False)
    clients.append(client)
    error = client.connect_ex(address)
    if error == errno.EINPROGRESS:
        waiting.register(client, select.POLLOUT)
    else:
        came[client.fileno()] = error
end = time.monotonic() + 0.3
while len(came) < 3 and (left := end - time.monotonic()) > 0:
    for fd, _ in waiting.poll(1000 * left):
        came[fd] = next(c for c in clients if c.fileno() == fd).getsockopt(SOL_SOCKET, SO_ERROR)
        waiting.unregister(fd)
for client in clients:
    error = came.get(client.fileno(), errno.ETIMEDOUT)
    print(errno.errorcode[error] if error else 'connected')
for server in servers:
    try:
        print('from', server.accept()[1][0])
    except BlockingIOError:
        print('nobody')
";
    let native = place.native(|stage| python(stage, script))?;
    let (ruled, told) = place.ruled(VSOCK.0, None, |stage| python(stage, script))?;
    if native == ["EAFNOSUPPORT"] {
        ensure!(ruled == native && told.is_empty(), "{ruled:?} {told:#?}");
        return Ok(Outcome::Passed("this kernel has none".into()));
    }
    let ([permitted, _, _, came, _], [now, other, far, comes, nobody]) = (&native[..], &ruled[..]) else {
        bail!("{native:?}\n{ruled:?}");
    };
    ensure!(permitted == now && came == comes, "natively {native:?}, now {ruled:?}");
    ensure!(other == "EACCES" && far == "EACCES" && nobody == "nobody", "{ruled:?}");
    ensure!(told.len() == 2, "{told:#?}");
    Ok(Outcome::Passed(format!("port 5123: {permitted}; others: {}", refusal(&told, "connect")?)))
}

fn sctp(place: &Place) -> Result<Outcome> {
    let script =
        format!("{ATTEMPT}attempt(AF_INET, SOCK_STREAM, 132)\nattempt(AF_INET6, SOCK_STREAM, 132)\n");
    let native = place.native(|stage| python(stage, &script))?;
    let (ruled, told) = place.ruled(SCTP.0, None, |stage| python(stage, &script))?;
    if let Some(difference) = difference(&native[0], &ruled[0]) {
        bail!("{difference}");
    }
    ensure!(ruled[1] == "EACCES" && told.len() == 1, "{ruled:?} {told:#?}");
    Ok(Outcome::Passed(format!("IPv4: {}; IPv6: {}", native[0], refusal(&told, "socket")?)))
}
