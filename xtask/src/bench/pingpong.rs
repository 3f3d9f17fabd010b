//! `xtask ping-pong`: one byte to another process and back, by 64-bit programs. What guest32's ping-pong is for
//! 32-bit ones, and asked in the same way. Over TCP, where the standard library makes send(2) and recv(2) of what
//! is read(2) and write(2) for other sockets: those are no network calls.

use std::io::{BufRead, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;

#[derive(Args)]
pub struct Options {
    /// Be the other process: connect to this port, and send back what comes.
    #[arg(long, value_name = "PORT")]
    other: Option<u16>,
}

/// Reads numbers, one a line, and answers each by the nanoseconds in which a byte went so often to another
/// process and back.
pub fn run(options: &Options) -> Result<ExitCode> {
    if let Some(port) = options.other {
        return echo(&mut connected(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?)?);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port().to_string();
    let mut other = Command::new(std::env::current_exe()?).args(["ping-pong", "--other", &port]).spawn()?;
    let mut stream = connected(listener.accept()?.0)?;
    for times in std::io::stdin().lock().lines() {
        let times: u32 = times?.parse()?;
        let start = Instant::now();
        for _ in 0..times {
            stream.write_all(b"!")?;
            stream.read_exact(&mut [0])?;
        }
        let elapsed = start.elapsed().as_nanos();
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{elapsed}")?;
        stdout.flush()?;
    }
    // The other process sees the end of the connection.
    drop(stream);
    ensure!(other.wait()?.success(), "the other process failed");
    Ok(ExitCode::SUCCESS)
}

fn connected(stream: TcpStream) -> Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn echo(stream: &mut (impl Read + Write)) -> Result<ExitCode> {
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 {
        stream.write_all(&byte)?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_process_sends_back_what_comes() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let other = std::thread::spawn(move || run(&Options { other: Some(port) }).unwrap());
        let mut stream = listener.accept().unwrap().0;
        let mut byte = [0];
        for sent in [b'a', b'b'] {
            stream.write_all(&[sent]).unwrap();
            stream.read_exact(&mut byte).unwrap();
            assert_eq!(byte, [sent]);
        }
        drop(stream);
        other.join().unwrap();
    }
}
