//! A name server of a few records, over UDP and TCP (RFC 1035), for dig and others to ask. It runs in threads of this
//! process, outside of any filter.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

const A: u16 = 1;
const TXT: u16 = 16;
const AAAA: u16 = 28;

/// What `www` is called: of networks for examples (RFC 5737, RFC 3849).
const WEB: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];
const WEB6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// What `home` is called: a private one, as an attacker's name server would answer.
const HOME: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);

/// What a datagram may hold without EDNS, and less than dig offers with it.
const DATAGRAM: usize = 512;

/// A server, until it is dropped.
pub struct Server {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    over: AtomicBool,
    datagrams: AtomicUsize,
    connections: AtomicUsize,
}

impl Server {
    pub fn start() -> Result<Server> {
        // Any port that is free for TCP may be taken for UDP.
        let (tcp, udp) = (0..20)
            .find_map(|_| {
                let tcp = TcpListener::bind("127.0.0.1:0").ok()?;
                let udp = UdpSocket::bind(tcp.local_addr().ok()?).ok()?;
                Some((tcp, udp))
            })
            .context("no port that is free for both TCP and UDP")?;
        Server::with(tcp, udp)
    }

    /// Where programs look for it by themselves.
    pub fn at(address: SocketAddr) -> Result<Server> {
        Server::with(TcpListener::bind(address)?, UdpSocket::bind(address)?)
    }

    fn with(tcp: TcpListener, udp: UdpSocket) -> Result<Server> {
        let server = Server { port: tcp.local_addr()?.port(), state: Arc::default() };
        udp.set_read_timeout(Some(Duration::from_millis(50)))?;
        let state = Arc::clone(&server.state);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while !state.over.load(Ordering::Relaxed) {
                let Ok((length, from)) = udp.recv_from(&mut buffer) else { continue };
                state.datagrams.fetch_add(1, Ordering::Relaxed);
                if let Some(reply) = reply(&buffer[..length], DATAGRAM) {
                    let _ = udp.send_to(&reply, from);
                }
            }
        });
        let state = Arc::clone(&server.state);
        thread::spawn(move || {
            for stream in tcp.incoming() {
                if state.over.load(Ordering::Relaxed) {
                    return;
                }
                state.connections.fetch_add(1, Ordering::Relaxed);
                let _ = stream.and_then(connection);
            }
        });
        Ok(server)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many datagrams and connections came.
    pub fn served(&self) -> (usize, usize) {
        (self.state.datagrams.load(Ordering::Relaxed), self.state.connections.load(Ordering::Relaxed))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
        // The listener looks up when somebody comes.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Over TCP, a message comes after its length.
fn connection(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut query = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut query)?;
    let reply = reply(&query, usize::from(u16::MAX)).unwrap_or_default();
    let length = u16::try_from(reply.len()).unwrap_or_default();
    stream.write_all(&[&length.to_be_bytes(), reply.as_slice()].concat())
}

/// The answer to a query of one question. Without room for it: none, and the flag TC.
fn reply(query: &[u8], room: usize) -> Option<Vec<u8>> {
    let (header, mut rest) = query.split_at_checked(12)?;
    let mut name = Vec::new();
    loop {
        let (&length, tail) = rest.split_first()?;
        if length == 0 {
            rest = tail;
            break;
        }
        let (label, tail) = tail.split_at_checked(length.into())?;
        name.push(String::from_utf8_lossy(label).to_lowercase());
        rest = tail;
    }
    let question = &query[12..query.len() - rest.len() + 4.min(rest.len())];
    let kind = u16::from_be_bytes(rest.get(..2)?.try_into().ok()?);
    let records: Vec<Vec<u8>> = match (name.first()?.as_str(), kind) {
        ("www", A) => WEB.iter().map(|address| address.octets().to_vec()).collect(),
        ("www", AAAA) => vec![WEB6.octets().to_vec()],
        ("home", A) => vec![HOME.octets().to_vec()],
        ("text", TXT) => vec![text("one line"), text("another")],
        ("long", TXT) => (0..30).map(|i| text(&format!("line {i:02} of what no datagram holds"))).collect(),
        _ => vec![],
    };
    // A name without such a record is no error.
    let known = ["www", "home", "text", "long"].contains(&name.first()?.as_str());
    let code: u16 = if known { 0 } else { 3 };
    let answers: Vec<u8> = records
        .iter()
        .flat_map(|data| {
            // The name by a pointer to the question's; class IN, an hour to live.
            let length = u16::try_from(data.len()).unwrap_or_default().to_be_bytes();
            let fixed: [&[u8]; 4] = [&[0xc0, 12], &kind.to_be_bytes(), &[0, 1, 0, 0, 0x0e, 0x10], &length];
            [&fixed.concat(), data.as_slice()].concat()
        })
        .collect();
    let fits = 12 + question.len() + answers.len() <= room;
    let (count, answers) = if fits { (records.len(), answers.as_slice()) } else { (0, &[][..]) };
    // A response, authoritative, recursion desired as asked and available; TC.
    let flags = 0x8480 | u16::from(header[2] & 1) << 8 | if fits { 0 } else { 0x0200 } | code;
    let counts = [1, u16::try_from(count).ok()?, 0, 0].map(u16::to_be_bytes).concat();
    Some([&header[..2], &flags.to_be_bytes(), &counts, question, answers].concat())
}

fn text(line: &str) -> Vec<u8> {
    let mut data = vec![u8::try_from(line.len()).unwrap_or_default()];
    data.extend(line.as_bytes());
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            query.extend(text(label));
        }
        query.push(0);
        query.extend(kind.to_be_bytes());
        query.extend([0, 1]);
        query
    }

    #[test]
    fn long_answers_are_for_tcp() {
        let short = reply(&query("WWW.example.test", A), DATAGRAM).unwrap();
        assert_eq!(short[..8], [0x12, 0x34, 0x85, 0x80, 0, 1, 0, 2]);
        assert_eq!(short[short.len() - 4..], [192, 0, 2, 2]);
        let long = query("long.example.test", TXT);
        assert_eq!(reply(&long, DATAGRAM).unwrap()[2..8], [0x87, 0x80, 0, 1, 0, 0]);
        assert_eq!(reply(&long, 65535).unwrap()[2..8], [0x85, 0x80, 0, 1, 0, 30]);
        assert_eq!(reply(&query("absent", A), DATAGRAM).unwrap()[3] & 15, 3);
        assert_eq!(
            reply(&query("home.example.test", AAAA), DATAGRAM).unwrap()[2..8],
            [0x85, 0x80, 0, 1, 0, 0]
        );
        assert_eq!(reply(&[0; 13], DATAGRAM), None);
    }
}
