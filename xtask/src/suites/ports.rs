//! Ports of this machine: which are free, and where somebody waits. Seen in /proc rather than by connecting, since a server
//! for one connection would serve that one.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

/// The state of a TCP socket that listens (include/net/tcp_states.h).
const LISTENS: u8 = 0x0a;

/// A port that nobody has, on 127.0.0.1, below those that Linux gives to clients (from 32768 on, unless
/// ip_local_port_range says otherwise), so that no client gets it before its server.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Others may run these tests at the same time.
    let first = std::process::id().wrapping_mul(127);
    for _ in 0..1000 {
        let number = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        let port = 20_000 + u16::try_from(number)?;
        // TcpListener takes a port whose last connection is not forgotten yet, which programs don't.
        let known = || anyhow::Ok(sockets("tcp")?.iter().any(|socket| socket.0 == port));
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && !known()? {
            return Ok(port);
        }
    }
    bail!("no free port from 20000 to 30000")
}

/// Whether a TCP socket listens on `port`.
pub fn listens(port: u16) -> Result<bool> {
    Ok(sockets("tcp")?.contains(&(port, LISTENS)) || sockets("tcp6")?.contains(&(port, LISTENS)))
}

/// Whether a UDP socket is bound to `port`: those don't listen.
pub fn is_bound(port: u16) -> Result<bool> {
    let has = |table: &str| anyhow::Ok(sockets(table)?.iter().any(|socket| socket.0 == port));
    Ok(has("udp")? || has("udp6")?)
}

/// Whether a unix socket listens at `path`, as its program calls it.
pub fn listens_at(path: &str) -> Result<bool> {
    // proc_pid_net(5): the fourth word are flags, of which __SO_ACCEPTCON says it; the last is the path.
    let listens = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(3) == Some(&"00010000") && words.last() == Some(&path)
    };
    Ok(table("unix")?.lines().any(listens))
}

/// A table of this thread's network. Without IPv6 some are not there.
fn table(name: &str) -> Result<String> {
    let path = format!("/proc/thread-self/net/{name}");
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        result => result.context(path),
    }
}

/// The sockets in a table by local port and state.
fn sockets(name: &str) -> Result<Vec<(u16, u8)>> {
    Ok(parsed(&table(name)?))
}

/// A line begins with a number, the local address, the other one, and the state.
fn parsed(table: &str) -> Vec<(u16, u8)> {
    let socket = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let port = u16::from_str_radix(fields.next()?.rsplit_once(':')?.1, 16).ok()?;
        Some((port, u8::from_str_radix(fields.nth(1)?, 16).ok()?))
    };
    table.lines().skip(1).filter_map(socket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue\n\
             \x20  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000\n\
             \x20 12: 0100007F:0016 0100007F:8002 06 00000000:00000000 03:00001770 00000000\n";
        assert_eq!(parsed(table), [(8080, LISTENS), (22, 6)]);
    }

    #[test]
    fn who_waits_is_seen() {
        let (tcp, udp) = (TcpListener::bind("127.0.0.1:0"), std::net::UdpSocket::bind("127.0.0.1:0"));
        let port = tcp.as_ref().unwrap().local_addr().unwrap().port();
        assert!(listens(port).unwrap());
        assert!(is_bound(udp.unwrap().local_addr().unwrap().port()).unwrap());
        drop(tcp);
        assert!(!listens(port).unwrap());
    }
}
