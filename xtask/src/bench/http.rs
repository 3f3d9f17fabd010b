//! A load for a web server: requests over connections that stay, all by one thread.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How many requests are under way at a time.
const CONNECTIONS: usize = 16;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Connections to a server whose answers are all of one length.
pub struct Connections {
    streams: Vec<TcpStream>,
    /// One answer.
    answer: Vec<u8>,
}

impl Connections {
    /// Connects, and looks at one answer.
    pub fn open(port: u16) -> Result<Connections> {
        let connect = |_| {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            Ok(stream)
        };
        let mut streams = (0..CONNECTIONS).map(connect).collect::<Result<Vec<_>>>()?;
        streams[0].write_all(REQUEST)?;
        let mut answer = vec![];
        let length = loop {
            let mut part = [0; 4096];
            let length = streams[0].read(&mut part)?;
            ensure!(length > 0, "the connection was closed before an answer");
            answer.extend(&part[..length]);
            if let Some(length) = length_of(&answer) {
                break length;
            }
        };
        ensure!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
        let got = answer.len();
        answer.resize(length, 0);
        streams[0].read_exact(&mut answer[got..])?;
        Ok(Connections { streams, answer })
    }

    /// So many requests in nanoseconds.
    pub fn get(&mut self, times: u32) -> Result<f64> {
        let Connections { streams, answer } = self;
        let (times, at_once) = (times as usize, streams.len().min(times as usize));
        let start = Instant::now();
        for stream in &mut streams[..at_once] {
            stream.write_all(REQUEST)?;
        }
        for turn in 0..times {
            let stream = &mut streams[turn % at_once];
            stream.read_exact(answer).context("no answer")?;
            ensure!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(answer));
            if turn + at_once < times {
                stream.write_all(REQUEST)?;
            }
        }
        Ok(start.elapsed().as_nanos() as f64)
    }
}

/// The length of an answer whose headers are there: theirs and that of what they announce.
fn length_of(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let headers = std::str::from_utf8(&answer[..end]).ok()?;
    let content = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    Some(end + content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn an_answers_length_is_known_once_its_headers_are_there() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 6\r\n\r\nhello\n";
        assert_eq!(length_of(answer), Some(answer.len()));
        assert_eq!(length_of(&answer[..answer.len() - 3]), Some(answer.len()));
        assert_eq!(length_of(&answer[..30]), None);
        assert_eq!(length_of(b"HTTP/1.1 200 OK\r\n\r\n"), None);
    }

    /// A server that answers each request once counts as many as were asked.
    #[test]
    fn as_many_requests_are_made_as_are_timed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let serve = |mut stream: TcpStream| {
                std::thread::spawn(move || {
                    let mut request = vec![0; REQUEST.len()];
                    let mut served = 0;
                    while stream.read_exact(&mut request).is_ok() {
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
                        served += 1;
                    }
                    served
                })
            };
            let streams: Vec<_> = listener.incoming().take(CONNECTIONS).map(|s| serve(s.unwrap())).collect();
            streams.into_iter().map(|stream| stream.join().unwrap()).sum::<usize>()
        });
        let mut connections = Connections::open(port).unwrap();
        for times in [1, 7, 40] {
            assert!(connections.get(times).unwrap() > 0.0);
        }
        drop(connections);
        assert_eq!(server.join().unwrap(), 1 + 1 + 7 + 40);
    }
}
