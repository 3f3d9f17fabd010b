//! echo-server: sends back what it receives, over socketcall. The twin of `examples/echo-server.S`, with the same
//! arguments, output and exit statuses.
//!
//! ```text
//! cargo run -p socketcall-invoke --example echo_server -- 127.0.0.1 7777 [COUNT]
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use abi::{Call, Errno};
use invoke::{Address, Family, Flags, Int80, Multiplexed, Socket, SocketOption, Type};

/// How many connections may wait.
const BACKLOG: u32 = 16;

type Connection = Socket<Multiplexed<Int80>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed = match &arguments[..] {
        [address, port] => parse(address, port, None),
        [address, port, count] => parse(address, port, Some(count)),
        _ => None,
    };
    let Some((address, count)) = parsed else {
        eprintln!("usage: echo-server ADDRESS PORT [COUNT]");
        return ExitCode::from(64);
    };
    match serve(address, count) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::from(1),
    }
}

fn parse(address: &str, port: &str, count: Option<&String>) -> Option<(SocketAddr, Option<u16>)> {
    let address = SocketAddr::from((address.parse::<Ipv4Addr>().ok()?, port.parse().ok()?));
    match count {
        Some(count) => Some((address, Some(count.parse().ok()?))),
        None => Some((address, None)),
    }
}

/// Serves one connection after the other; `None` where a call failed, which is told.
fn serve(address: SocketAddr, count: Option<u16>) -> Option<()> {
    let listener = tell(Call::Socket, Socket::new(Multiplexed(Int80), Family::Inet, Type::STREAM, 0))?;
    // Lets a server start again at once although connections of its predecessor are still dying away.
    tell(Call::Setsockopt, listener.set_option(SocketOption::REUSE_ADDRESS, true))?;
    tell(Call::Bind, listener.bind(&address.into()))?;
    tell(Call::Listen, listener.listen(BACKLOG))?;
    // With port 0 the kernel has chosen one.
    match tell(Call::Getsockname, listener.local_address())? {
        Address::Inet(address) => println!("listening on port {}", address.port()),
        other => unreachable!("an AF_INET socket bound to {other}"),
    }
    let mut left = count;
    while left != Some(0) {
        left = left.map(|left| left - 1);
        let (connection, _) = tell(Call::Accept, listener.accept())?;
        // A call that fails here ends this connection, and not the server.
        let _ = echo(&connection);
        if let Err(errno) = connection.close() {
            eprintln!("echo-server: close: errno {}", errno.raw());
            return None;
        }
    }
    Some(())
}

/// Sends back what is received, until the peer has said all it will.
fn echo(connection: &Connection) -> Option<()> {
    let mut buffer = [0; 4096];
    loop {
        let received = tell(Call::Recv, connection.receive(&mut buffer, Flags::NONE))?;
        if received == 0 {
            return Some(());
        }
        // send may take fewer bytes than it is given.
        let mut rest = &buffer[..received];
        while !rest.is_empty() {
            rest = &rest[tell(Call::Send, connection.send(rest, Flags::NO_SIGNAL))?..];
        }
    }
}

/// The result of a call; where it failed, that is told.
fn tell<T>(call: Call, result: Result<T, Errno>) -> Option<T> {
    match result {
        Ok(result) => Some(result),
        Err(errno) => {
            eprintln!("echo-server: {} (socketcall {}): errno {}", call.name(), call.number(), errno.raw());
            None
        }
    }
}
