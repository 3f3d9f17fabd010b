//! A network of the cases' own, in which addresses of the internet, of networks at home and of clouds are this machine's: a
//! name server, others who are asked, and how many of them were.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::thread;

use anyhow::{Context, Result, anyhow};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::geteuid;

use super::Place;
use super::asked::Asked;
use crate::report::Outcome;
use crate::suites::debian::dns;

/// What this machine is called in it, by orders of ip(8): what dns.rs names, another's of the internet, one of a network at
/// home, and where clouds have their metadata.
const ADDRESSES: &str = "\
link set lo up
address add 192.0.2.1/32 dev lo
address add 192.0.2.2/32 dev lo
address add 198.51.100.7/32 dev lo
address add 10.1.2.3/32 dev lo
address add 169.254.169.254/32 dev lo
address add 2001:db8::1/128 dev lo nodad
";

/// The ports that are served, on each of the addresses.
const TCP: [u16; 4] = [22, 80, 443, 8080];
const UDP: [u16; 4] = [443, 5353, 27011, 51000];

/// Made when the first case needs it.
#[derive(Default)]
pub struct Lazy(OnceCell<Result<Network, String>>);

impl Lazy {
    /// Plays something in the network. That and servers at ports below 1024 take root.
    pub fn play(
        &self,
        place: &Place,
        play: impl FnOnce(&Network) -> Result<Outcome> + Send,
    ) -> Result<Outcome> {
        if !geteuid().is_root() {
            return Ok(Outcome::Skipped("needs root".into()));
        }
        let network = self.0.get_or_init(|| Network::make(place).map_err(|error| format!("{error:#}")));
        let network = network.as_ref().map_err(|why| anyhow!("no network: {why}"))?;
        network.enter(|| play(network))
    }
}

/// A network namespace.
pub struct Network {
    namespace: File,
    asked: Asked,
    names: Option<dns::Server>,
}

impl Network {
    fn make(place: &Place) -> Result<Network> {
        // A thread can have a network of its own, which all that it starts has too.
        within(|| {
            unshare(CloneFlags::CLONE_NEWNET).context("a network namespace")?;
            let ip = |stage: &super::Stage| stage.run("ip", &["ip", "-batch", "-"], ADDRESSES.as_bytes());
            place.native(ip)?.success()?;
            // Ping sockets, and so ping without a capability, are for groups (icmp(7)).
            fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647").context("ping_group_range")?;
            let namespace = File::open("/proc/thread-self/ns/net").context("/proc/thread-self/ns/net")?;
            let address = |port| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            let tcp = TCP.map(|port| TcpListener::bind(address(port)));
            let udp = UDP.map(|port| UdpSocket::bind(address(port)));
            let asked = Asked::start(
                tcp.into_iter().collect::<Result<_, _>>()?,
                udp.into_iter().collect::<Result<_, _>>()?,
            )?;
            let names = dns::Server::at(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 53)))?;
            Ok(Network { namespace, asked, names: Some(names) })
        })
    }

    fn enter<T: Send>(&self, play: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        within(|| {
            setns(&self.namespace, CloneFlags::CLONE_NEWNET).context("entering the network")?;
            play()
        })
    }

    /// How many connections and datagrams came, other than for names, and how many echo requests.
    pub fn served(&self) -> Result<u64> {
        Ok(self.asked.served()? + echo_requests()?)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let names = self.names.take();
        // It connects to itself.
        let _ = self.enter(|| {
            drop(names);
            Ok(())
        });
    }
}

/// Does something in a thread of its own.
fn within<T: Send>(play: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| scope.spawn(play).join()).map_err(|_| anyhow!("a thread panicked"))?
}

/// The network's count of those, of IPv4 and IPv6 (Documentation/networking/snmp_counter.rst).
fn echo_requests() -> Result<u64> {
    let snmp = fs::read_to_string("/proc/thread-self/net/snmp").context("/proc/thread-self/net/snmp")?;
    // A line of names, and one of numbers.
    let mut lines = snmp.lines().filter(|line| line.starts_with("Icmp:"));
    let names = lines.next().unwrap_or_default().split_whitespace();
    let numbers = lines.next().unwrap_or_default().split_whitespace();
    let echos = names.zip(numbers).find(|(name, _)| *name == "InEchos").map(|(_, number)| number);
    let four: u64 = echos.context("no InEchos")?.parse()?;
    let snmp6 = fs::read_to_string("/proc/thread-self/net/snmp6").unwrap_or_default();
    let six = snmp6.lines().find_map(|line| line.strip_prefix("Icmp6InEchos"));
    Ok(four + six.map_or(Ok(0), |number| number.trim().parse())?)
}
