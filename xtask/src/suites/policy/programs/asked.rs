//! Servers that say hello to whoever comes, and count who does.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What is said over TCP. Datagrams come back.
const PAGE: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// They run in a thread, until this is dropped.
pub struct Asked {
    served: Arc<AtomicU64>,
    /// The other end is the thread's.
    line: UnixStream,
}

impl Asked {
    pub fn start(tcp: Vec<TcpListener>, udp: Vec<UdpSocket>) -> Result<Asked> {
        let (line, other) = UnixStream::pair()?;
        line.set_read_timeout(Some(Duration::from_secs(10)))?;
        let served = Arc::new(AtomicU64::new(0));
        let servers = Servers { tcp, udp, served: Arc::clone(&served) };
        thread::spawn(move || servers.run(&other));
        Ok(Asked { served, line })
    }

    /// How many connections and datagrams have come. Whoever came before this is counted: it is in its socket's queue, and
    /// the thread answers when it has seen to all.
    pub fn served(&self) -> Result<u64> {
        let mut line = &self.line;
        line.write_all(b"?").and_then(|()| line.read_exact(&mut [0])).context("the servers don't answer")?;
        Ok(self.served.load(Ordering::SeqCst))
    }
}

struct Servers {
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    served: Arc<AtomicU64>,
}

impl Servers {
    fn run(&self, mut line: &UnixStream) {
        loop {
            let sockets = self.tcp.iter().map(AsFd::as_fd).chain(self.udp.iter().map(AsFd::as_fd));
            let all = sockets.chain([line.as_fd()]);
            let mut polled: Vec<_> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            if poll(&mut polled, PollTimeout::NONE).is_err() {
                continue;
            }
            let ready: Vec<bool> = polled.iter().map(|polled| polled.any() == Some(true)).collect();
            let came = |at: usize| {
                let came = ready[at];
                self.served.fetch_add(u64::from(came), Ordering::SeqCst);
                came
            };
            for (at, listener) in self.tcp.iter().enumerate() {
                if came(at) {
                    let _ = listener.accept().and_then(|(stream, _)| page(stream));
                }
            }
            for (at, socket) in self.udp.iter().enumerate() {
                if came(self.tcp.len() + at) {
                    let mut buffer = [0; 2048];
                    let _ = socket
                        .recv_from(&mut buffer)
                        .and_then(|(length, from)| socket.send_to(&buffer[..length], from));
                }
            }
            // Asked, it answers when nobody else waits; the end is that there is nothing more to be asked.
            if let [others @ .., true] = &ready[..]
                && !others.contains(&true)
                && line.read_exact(&mut [0]).and_then(|()| line.write_all(b"!")).is_err()
            {
                return;
            }
        }
    }
}

fn page(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let _ = stream.read(&mut [0; 1024])?;
    stream.write_all(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_is_counted() {
        let (tcp, udp) = (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let (connect, send) = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
        let asked = Asked::start(vec![tcp], vec![udp]).unwrap();
        assert_eq!(asked.served().unwrap(), 0);
        drop([TcpStream::connect(connect).unwrap(), TcpStream::connect(connect).unwrap()]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(b"x", send).unwrap();
        assert_eq!(asked.served().unwrap(), 3);
        let mut stream = TcpStream::connect(connect).unwrap();
        stream.write_all(b"hello?").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("hello"), "{text}");
        assert_eq!(asked.served().unwrap(), 4);
    }
}
