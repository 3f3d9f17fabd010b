//! http-fetch: fetches a file by HTTP, over socketcall. The twin of `examples/http-fetch.S`, with the same
//! arguments, output and exit statuses.
//!
//! ```text
//! cargo run -p socketcall-invoke --example http_fetch -- 127.0.0.1 8000 /index.html [FILE]
//! ```
//!
//! Every socket call is made by `int $0x80`, from 64-bit code too: so it reaches the kernel's multiplexer there.

use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use abi::{Call, Errno};
use invoke::{Address, Family, Flags, Int80, Multiplexed, Socket, Type};

const BUFFER_SIZE: usize = 16384;

/// Why there is no file.
enum Failure {
    Usage,
    /// A call, and its errno.
    Call(String, i32),
    /// What the server says, or that it is none.
    Server(String),
}

fn main() -> ExitCode {
    match fetch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage) => {
            eprintln!("usage: http-fetch ADDRESS PORT PATH [FILE]");
            ExitCode::from(64)
        }
        Err(Failure::Call(call, errno)) => {
            eprintln!("http-fetch: {call}: errno {errno}");
            ExitCode::from(1)
        }
        Err(Failure::Server(what)) => {
            eprintln!("http-fetch: {what}");
            ExitCode::from(2)
        }
    }
}

fn fetch() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, port, path, file) = match &arguments[..] {
        [address, port, path] => (address, port, path, None),
        [address, port, path, file] => (address, port, path, Some(file)),
        _ => return Err(Failure::Usage),
    };
    let ip: Ipv4Addr = address.parse().map_err(|_| Failure::Usage)?;
    let port: u16 = port.parse().map_err(|_| Failure::Usage)?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    if request.len() > BUFFER_SIZE {
        return Err(Failure::Usage);
    }

    let socket = Socket::new(Multiplexed(Int80), Family::Inet, Type::STREAM, 0).or_fail(Call::Socket)?;
    socket.connect(&Address::from(SocketAddr::from((ip, port)))).or_fail(Call::Connect)?;

    // send may take fewer bytes than it is given.
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        rest = &rest[socket.send(rest, Flags::NO_SIGNAL).or_fail(Call::Send)?..];
    }

    // The header ends at the first empty line, and comes in pieces of any size.
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut filled = 0;
    let body = loop {
        let received = socket.receive(&mut buffer[filled..], Flags::NONE).or_fail(Call::Recv)?;
        if received == 0 {
            return Err(Failure::Server("this is no HTTP server's answer".into()));
        }
        filled += received;
        if let Some(end) = buffer[..filled].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
    };
    if !buffer.starts_with(b"HTTP") {
        return Err(Failure::Server("this is no HTTP server's answer".into()));
    }
    if &buffer[8..12] != b" 200" {
        let line = buffer.split(|byte| *byte == b'\r').next().unwrap_or_default();
        return Err(Failure::Server(format!("the server says: {}", String::from_utf8_lossy(line))));
    }

    // Only now is the file made: a server that has none must not empty it.
    let mut output: Box<dyn Write> = match file {
        Some(file) => Box::new(File::create(file).map_err(|error| io_failure("open", &error))?),
        None => Box::new(io::stdout()),
    };
    let mut write = |bytes: &[u8]| output.write_all(bytes).map_err(|error| io_failure("write", &error));
    write(&buffer[body..filled])?;
    loop {
        match socket.receive(&mut buffer, Flags::NONE).or_fail(Call::Recv)? {
            0 => break,
            received => write(&buffer[..received])?,
        }
    }
    output.flush().map_err(|error| io_failure("write", &error))
}

/// Names the call that failed.
trait OrFail<T> {
    fn or_fail(self, call: Call) -> Result<T, Failure>;
}

impl<T> OrFail<T> for Result<T, Errno> {
    fn or_fail(self, call: Call) -> Result<T, Failure> {
        self.map_err(|errno| {
            Failure::Call(format!("{} (socketcall {})", call.name(), call.number()), errno.raw())
        })
    }
}

fn io_failure(call: &str, error: &io::Error) -> Failure {
    Failure::Call(call.into(), error.raw_os_error().unwrap_or_default())
}
