//! The same sockets by every way: what they do must agree.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use abi::Errno;
use invoke::{
    Address, Direct, Family, Flags, Int80, Linger, Multiplexed, Shutdown, Socket, SocketOption, Type,
    UnixAddress, Way,
};

/// Descriptors are compared by number, so that one test makes them at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Writes what each step answers.
struct Transcript(String);

impl Transcript {
    fn note(&mut self, what: &str, answer: impl std::fmt::Debug) {
        writeln!(self.0, "{what}: {answer:?}").unwrap();
    }
}

fn loopback(family: Family) -> Address {
    let ip =
        if family == Family::Inet { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
    SocketAddr::new(ip, 0).into()
}

/// An address without its port, which differs from run to run.
fn portless(address: Address) -> Address {
    match address {
        Address::Inet(mut address) => {
            assert_ne!(address.port(), 0);
            address.set_port(0);
            Address::Inet(address)
        }
        Address::Inet6(mut address) => {
            assert_ne!(address.port(), 0);
            address.set_port(0);
            Address::Inet6(address)
        }
        other => other,
    }
}

fn stream<W: Way + Sync>(way: W, family: Family, address: &Address, t: &mut Transcript) -> Result<(), Errno> {
    let listener = Socket::new(way, family, Type::STREAM | Type::CLOSE_ON_EXEC, 0)?;
    t.note("listener", listener.descriptor());
    listener.set_option(SocketOption::REUSE_ADDRESS, true)?;
    t.note("reuse", listener.option(SocketOption::REUSE_ADDRESS)?);
    listener.bind(address)?;
    t.note("listens before", listener.option(SocketOption::LISTENS)?);
    listener.listen(4)?;
    t.note("listens", listener.option(SocketOption::LISTENS)?);
    let here = listener.local_address()?;
    t.note("address", portless(here));
    t.note("peer of a listener", listener.peer_address());

    let client = Socket::new(way, family, Type::STREAM, 0)?;
    t.note("not connected", client.send(b"early", Flags::NO_SIGNAL));
    client.connect(&here)?;
    t.note("again", client.connect(&here));
    t.note("peer", portless(client.peer_address()?));
    let (server, from) = listener.accept()?;
    t.note("from", portless(from));
    t.note("server", server.descriptor());

    // More than one segment, and more than the vector of any small copy.
    let sent: Vec<u8> = (0..100_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    let received = std::thread::scope(|scope| {
        let reader = scope.spawn(|| -> Result<Vec<u8>, Errno> {
            let mut all = vec![];
            let mut buffer = [0; 3000];
            loop {
                match server.receive(&mut buffer, Flags::NONE)? {
                    0 => return Ok(all),
                    len => all.extend_from_slice(&buffer[..len]),
                }
            }
        });
        let mut rest = &sent[..];
        while !rest.is_empty() {
            rest = &rest[client.send(rest, Flags::NO_SIGNAL)?..];
        }
        client.shutdown(Shutdown::Sending)?;
        reader.join().unwrap()
    })?;
    assert!(received == sent, "what was sent differs from what came");
    t.note("after shutdown", client.send(b"late", Flags::NO_SIGNAL));

    server.send(b"answer", Flags::NONE)?;
    let mut buffer = [b'.'; 10];
    t.note("peeked", client.receive(&mut buffer[..3], Flags::PEEK));
    t.note("received", client.receive(&mut buffer, Flags::NONE));
    t.note("buffer", buffer.escape_ascii().to_string());
    t.note("nothing there", client.receive(&mut buffer, Flags::DONT_WAIT));

    let second = Socket::new(way, family, Type::STREAM | Type::NON_BLOCKING, 0)?;
    // A local connection is there at once, another one soon.
    let _ = second.connect(&here);
    let (third, _) = listener.accept_with(Type::NON_BLOCKING)?;
    t.note("not blocking", third.receive(&mut buffer, Flags::NONE));
    t.note("closed", server.close());
    client.close()
}

fn datagrams<W: Way + Sync>(way: W, family: Family, t: &mut Transcript) -> Result<(), Errno> {
    let one = Socket::new(way, family, Type::DATAGRAM, 0)?;
    let other = Socket::new(way, family, Type::DATAGRAM, 0)?;
    one.bind(&loopback(family))?;
    other.bind(&loopback(family))?;
    let address = one.local_address()?;
    t.note("sent", other.send_to(b"a datagram", Flags::NONE, &address));
    let mut buffer = [b'.'; 12];
    let (len, from) = one.receive_from(&mut buffer[..4], Flags::TRUNCATED)?;
    t.note("truncated", (len, from.map(portless)));
    assert_eq!(from, Some(other.local_address()?));
    t.note("buffer", buffer.escape_ascii().to_string());
    t.note("empty", other.send_to(b"", Flags::NONE, &address));
    t.note("nothing", one.receive(&mut buffer, Flags::NONE));
    t.note("too long", other.send_to(&[0; 70_000], Flags::NONE, &address));

    one.set_option(SocketOption::RECEIVE_TIMEOUT, Duration::from_millis(20))?;
    t.note("timeout", one.option(SocketOption::RECEIVE_TIMEOUT)?);
    t.note("in time", one.receive(&mut buffer, Flags::NONE));
    t.note("type", one.option(SocketOption::TYPE)?);
    t.note("domain", one.option(SocketOption::DOMAIN)?);
    t.note("protocol", one.option(SocketOption::PROTOCOL)?);
    t.note("linger", one.option(SocketOption::LINGER)?);
    one.set_option(SocketOption::LINGER, Linger(Some(3)))?;
    t.note("linger", one.option(SocketOption::LINGER)?);
    t.note("listen", one.listen(1));
    t.note("tcp's option", one.set_option(SocketOption::NO_DELAY, true));

    // An error that waits at the socket.
    other.connect(&address)?;
    drop(one);
    t.note("to nobody", other.send(b"?", Flags::NONE));
    t.note("error", other.option(SocketOption::ERROR)?);
    t.note("error", other.option(SocketOption::ERROR)?);
    Ok(())
}

fn pairs<W: Way + Sync>(way: W, t: &mut Transcript) -> Result<(), Errno> {
    let (one, other) = Socket::pair(way, Family::Unix, Type::SEQUENCED, 0)?;
    t.note("pair", (one.descriptor(), other.descriptor()));
    t.note("address", one.local_address()?);
    one.send(b"first", Flags::NONE)?;
    one.send(b"second", Flags::NONE)?;
    let mut buffer = [0; 16];
    t.note("one", other.receive_from(&mut buffer, Flags::NONE));
    t.note("two", other.receive(&mut buffer, Flags::NONE));
    drop(one);
    t.note("no peer", other.send(b"x", Flags::NO_SIGNAL));
    t.note("inet has none", Socket::pair(way, Family::Inet, Type::STREAM, 0).map(drop));
    Ok(())
}

fn all<W: Way + Sync>(way: W) -> String {
    let mut t = Transcript(String::new());
    let unix = Address::Unix(UnixAddress::abstract_name(b"invoke\0ways").unwrap());
    let file = std::env::temp_dir().join(format!("invoke-ways-{}", std::process::id()));
    let path = UnixAddress::path(file.as_os_str().as_encoded_bytes()).unwrap();
    for (family, address) in [
        (Family::Inet, loopback(Family::Inet)),
        (Family::Inet6, loopback(Family::Inet6)),
        (Family::Unix, unix),
        (Family::Unix, Address::Unix(path)),
    ] {
        stream(way, family, &address, &mut t).unwrap_or_else(|error| panic!("{family:?}: {error}\n{}", t.0));
    }
    std::fs::remove_file(&file).unwrap();
    for family in [Family::Inet, Family::Inet6] {
        datagrams(way, family, &mut t).unwrap_or_else(|error| panic!("{family:?}: {error}\n{}", t.0));
    }
    pairs(way, &mut t).unwrap_or_else(|error| panic!("{error}\n{}", t.0));
    t.note("no such type", Socket::new(way, Family::Inet, Type(77), 0).map(drop));
    t.0
}

/// The oracle is std, which has its own system calls: a few steps must be as it sees them.
#[test]
fn std_sees_the_same_sockets() {
    let _guard = ONE_AT_A_TIME.lock();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = Socket::new(Multiplexed(Int80), Family::Inet, Type::STREAM, 0).unwrap();
    client.connect(&address.into()).unwrap();
    let (mut server, peer) = listener.accept().unwrap();
    assert_eq!(client.local_address(), Ok(peer.into()));
    client.send(b"hello", Flags::NONE).unwrap();
    drop(client);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut server, &mut text).unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn every_way_agrees() {
    let _guard = ONE_AT_A_TIME.lock();
    let multiplexed = all(Multiplexed(Int80));
    // Some of what it must say whatever the way.
    for line in ["not connected: Err(EPIPE)", "error: Some(ECONNREFUSED)", "truncated: (10, ", "sent: Ok(10)"]
    {
        assert!(multiplexed.contains(line), "{line}\n{multiplexed}");
    }
    assert_eq!(all(Direct(Int80)), multiplexed);
    #[cfg(target_arch = "x86_64")]
    {
        assert_eq!(all(invoke::Native), multiplexed);
        assert_eq!(all(invoke::Emulated), multiplexed);
    }
    #[cfg(target_arch = "x86")]
    {
        // SAFETY: AT_SYSINFO (32, asm/auxvec.h) is the kernel's, or 0.
        let vdso = unsafe { invoke::Vdso::from_sysinfo(libc::getauxval(32) as usize) }.expect("AT_SYSINFO");
        assert_eq!(all(Multiplexed(vdso)), multiplexed);
        assert_eq!(all(Direct(vdso)), multiplexed);
        let bare = invoke::Bare::of(vdso).expect("a processor with a fast entry");
        assert_eq!(all(Multiplexed(bare)), multiplexed);
        assert_eq!(all(Direct(bare)), multiplexed);
    }
}

/// Where the kernel has no 32-bit entry, this is what is left to compare.
#[cfg(target_arch = "x86_64")]
#[test]
fn emulation_agrees_with_the_64_bit_calls() {
    let _guard = ONE_AT_A_TIME.lock();
    assert_eq!(all(invoke::Emulated), all(invoke::Native));
}
