//! http-fetch: fetches a file by HTTP, over socketcall. The twin of `examples/http-fetch.S`, with the same
//! arguments, output and exit statuses.
//!
//! ```text
//! cargo run -p socketcall-invoke --example http_fetch -- 127.0.0.1 8000 /index.html [FILE]
//! ```
//!
//! A closed standard descriptor alone is another matter: Rust's runtime has opened /dev/null in its place.
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

    let header = String::from_utf8_lossy(&buffer[..body]).into_owned();
    if field(&header, "transfer-encoding").is_some() {
        let what = "the file comes in a Transfer-Encoding, chunked perhaps: HTTP/1.0 has none";
        return Err(Failure::Server(what.into()));
    }
    // Without a length the file is what comes until the server closes the connection.
    let mut left = field(&header, "content-length").map(length).transpose()?;

    // Only now is the file made: a server that has none must not empty it.
    let mut output: Box<dyn Write> = match file {
        Some(file) => Box::new(File::create(file).map_err(|error| io_failure("open", &error))?),
        None => Box::new(io::stdout()),
    };
    let mut piece = body..filled;
    loop {
        let mut bytes = &buffer[piece];
        if let Some(left) = &mut left {
            // What is more than the length is not of the file.
            bytes = &bytes[..bytes.len().min(*left as usize)];
            *left -= bytes.len() as u32;
        }
        output.write_all(bytes).map_err(|error| io_failure("write", &error))?;
        if left == Some(0) {
            break;
        }
        match socket.receive(&mut buffer, Flags::NONE).or_fail(Call::Recv)? {
            0 if left.is_some() => {
                output.flush().map_err(|error| io_failure("write", &error))?;
                let what = "the file is cut off: its Content-Length says more";
                return Err(Failure::Server(what.into()));
            }
            0 => break,
            received => piece = 0..received,
        }
    }
    output.flush().map_err(|error| io_failure("write", &error))
}

/// What a field of the header says.
fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let fields = header.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let mut found = fields.filter(|(other, _)| other.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim_start_matches(' '))
}

fn length(text: &str) -> Result<u32, Failure> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| Failure::Server("the Content-Length is no number below 2^32".into()))
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
