//! A game's server, and others at the ports of one: who plays is on the internet, and nobody at home is talked to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;

use super::network::{Lazy, Network};
use super::{Add, Place, Tree, refusal, same};
use crate::report::Outcome;
use crate::suites::World;
use crate::suites::debian::{HERE, Stage};
use crate::suites::ports::{is_bound, listens};

const POLICY: &str = "game-server";
/// Of those that the policy names: the game's port, and its console's.
const GAME: u16 = 27015;
const CONSOLE: u16 = 27020;
/// Where the server is asked, a player, and who is at home.
const SERVER: &str = "192.0.2.1";
const PLAYER: &str = "192.0.2.2:51001";
const AT_HOME: &str = "10.1.2.3:51001";

/// How long an answer may take, and how long none has to.
const SOON: Duration = Duration::from_secs(10);
const NEVER: Duration = Duration::from_millis(300);

pub fn cases(world: &World, tree: Tree, network: &Lazy, add: &mut Add<'_>) {
    let mut case = |title: &str, play: fn(&Place, &Network) -> Result<Outcome>| {
        add(&format!("{POLICY}: {title}, {}", tree.name()), &|| {
            tree.with(world, |place| network.play(place, |network| play(place, network)))
        });
    };
    case("teeworlds-server, a player and its console", |place, _| {
        same(place, &[(POLICY, None, &[])], teeworlds)
    });
    case("socat answers datagrams and connections", |place, _| same(place, &[(POLICY, None, &[])], socat));
    case("socat does not answer who is at home", |place, _| home(place));
    case("nc -u, which connects to who asks, is refused connect", |place, _| netcat(place));
}

/// Sends a datagram to the game's port, and waits for the answer.
fn ask(socket: &UdpSocket, question: &[u8]) -> Result<Option<Vec<u8>>> {
    socket.send_to(question, (SERVER, GAME))?;
    let mut buffer = [0; 2048];
    match socket.recv_from(&mut buffer) {
        Ok((length, from)) => {
            // All of these are this machine's addresses, of which it takes the one that it answers to.
            ensure!(from.port() == GAME, "an answer from {from}");
            Ok(Some(buffer[..length].to_vec()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn socket(address: &str, patience: Duration) -> Result<UdpSocket> {
    let socket = UdpSocket::bind(address).with_context(|| address.to_owned())?;
    socket.set_read_timeout(Some(patience))?;
    Ok(socket)
}

/// The server of a real game: it is found by a player, asked for its name, and ended by its console.
fn teeworlds(stage: &Stage) -> Result<String> {
    let home = format!("HOME={HERE}");
    let options =
        [&format!("sv_port {GAME}"), "sv_name a server", "ec_bindaddr 0.0.0.0", "ec_password secret"];
    let line = [&["env", &home, "/usr/games/teeworlds-server"][..], &options].concat();
    let console = format!("ec_port {CONSOLE}");
    let waits = || Ok(is_bound(GAME)? && listens(CONSOLE)?);
    let server = stage.serve_at("teeworlds-server", &[&line[..], &[&console]].concat(), &waits)?;

    // Its protocol since 0.7 (src/engine/shared/network.h): flags and numbers in three bytes, the token of whom it is
    // for, a message. The player asks for a token by its own, in a datagram so long that nothing is won by forging one.
    let player = socket(PLAYER, SOON)?;
    let (own, nobody) = (*b"mine", [0xff; 4]);
    let mut hello = [&[0x04, 0, 0][..], &nobody, &[5], &own].concat();
    hello.resize(520, 0);
    let answer = ask(&player, &hello)?.context("no answer to a player")?;
    let token = match answer.split_at_checked(8) {
        Some((head, rest)) if head == [&[0x04, 0, 0][..], &own, &[5]].concat() && rest.len() >= 4 => {
            &rest[..4]
        }
        _ => bail!("not a token: {answer:02x?}"),
    };
    // Without a connection: both tokens, "gie3", and a number that comes back with what the server is.
    let question = [&[0x21][..], token, &own, &nobody, b"gie3", &[7]].concat();
    let answer = ask(&player, &question)?.context("no answer to who asks what it is")?;
    let told = answer.get(9 + 4..).context("a short answer")?;
    let told: Vec<String> =
        told.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into()).collect();
    ensure!(told[0].starts_with("inf3\u{7}"), "not what it is: {told:?}");

    let mut console = TcpStream::connect((SERVER, CONSOLE))?;
    console.set_read_timeout(Some(SOON))?;
    let mut lines = BufReader::new(console.try_clone()?).lines();
    let mut until = |text: &str| -> Result<String> {
        for line in lines.by_ref() {
            let line = line.with_context(|| format!("waiting for {text:?}"))?;
            if line.contains(text) {
                return Ok(line.trim_matches(['\0', '\r', '\n']).to_owned());
            }
        }
        bail!("the console never says {text:?}")
    };
    let prompt = until("password")?;
    console.write_all(b"secret\n")?;
    let authenticated = until("uthentication successful")?;
    console.write_all(b"shutdown\n")?;
    let finished = server.wait()?.success()?;
    ensure!(finished.text().contains("server name is 'a server'"), "{}", finished.text());
    Ok(format!("{told:?}\n{prompt}\n{authenticated}\n"))
}

/// Starts what sends each datagram back. It makes a child of each, which executes cat.
fn echo<'a>(stage: &'a Stage<'a>) -> Result<crate::suites::debian::Process<'a>> {
    let listen = format!("UDP-RECVFROM:{GAME},fork");
    stage.serve_at("socat", &["socat", &listen, "EXEC:/usr/bin/cat"], &|| is_bound(GAME))
}

fn socat(stage: &Stage) -> Result<String> {
    let server = echo(stage)?;
    let player = socket(PLAYER, SOON)?;
    let mut seen = String::new();
    for question in ["one", "two"] {
        let answer = ask(&player, question.as_bytes())?.context("no answer")?;
        seen += &format!("{}\n", String::from_utf8_lossy(&answer));
    }
    server.stop(Signal::SIGTERM)?;
    let listen = format!("TCP-LISTEN:{CONSOLE},fork,reuseaddr");
    let server = stage.serve("socat", &["socat", &listen, "EXEC:/usr/bin/cat"], CONSOLE)?;
    let mut console = TcpStream::connect((SERVER, CONSOLE))?;
    console.set_read_timeout(Some(SOON))?;
    console.write_all(b"by a connection\n")?;
    let mut line = String::new();
    BufReader::new(&console).read_line(&mut line)?;
    drop(console);
    server.stop(Signal::SIGTERM)?;
    Ok(seen + &line)
}

/// Both ask; natively both are answered.
fn home(place: &Place) -> Result<Outcome> {
    let play = |stage: &Stage| {
        let server = echo(stage)?;
        let answered = |from, patience| anyhow::Ok(ask(&socket(from, patience)?, b"hello")?.is_some());
        let player = answered(PLAYER, SOON)?;
        // Natively an answer comes soon, or never.
        let at_home = answered(AT_HOME, if stage.is_used() { NEVER } else { SOON })?;
        let again = answered(PLAYER, SOON)?;
        server.stop(Signal::SIGTERM)?;
        anyhow::Ok((player, at_home, again))
    };
    let native = place.native(play)?;
    ensure!(native == (true, true, true), "it proves nothing: {native:?}");
    let (ruled, told) = place.ruled(POLICY, None, play)?;
    ensure!(ruled == (true, false, true), "{ruled:?}: {told:#?}");
    ensure!(told.len() == 1, "{told:#?}");
    Ok(Outcome::Passed(refusal(&told, "sendto")?))
}

/// It connects its socket to who asks first, and so could talk to somebody only whom the policy names.
fn netcat(place: &Place) -> Result<Outcome> {
    let play = |stage: &Stage| {
        let line = ["nc.openbsd", "-n", "-u", "-l", "0.0.0.0", &GAME.to_string()];
        let server = stage.serve_at("nc -l", &line, &|| is_bound(GAME))?;
        let player = socket(PLAYER, SOON)?;
        player.send_to(b"hello", (SERVER, GAME))?;
        if stage.is_used() {
            return anyhow::Ok(server.wait()?.status.code());
        }
        // It never ends by itself.
        std::thread::sleep(NEVER);
        server.stop(Signal::SIGTERM)?;
        Ok(None)
    };
    place.native(play)?;
    let (status, told) = place.ruled(POLICY, None, play)?;
    ensure!(status == Some(1), "{status:?}: {told:#?}");
    Ok(Outcome::Passed(refusal(&told, "connect")?))
}
