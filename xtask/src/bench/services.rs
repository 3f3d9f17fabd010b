//! Servers of Debian's for i386, and what asks them.
//!
//! A server runs under a rival, as does a client that belongs to the measured programs (iperf3's). What only makes
//! the load runs under nothing, and is the same for all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};

use super::contestant::{Contestant, LIMIT, Place, at, end, ended, family};
use super::http::Connections;
use super::rows::{Row, Verb};
use super::world::{Rival, World, command, typed};
use crate::process::{Running, line};
use crate::suites::{free_port, listens};

/// A server, and what it is asked.
pub struct Service {
    /// What is needed of the tree.
    pub programs: &'static [&'static str],
    /// The server's command line.
    serve: fn(&Home) -> Result<Vec<String>>,
    /// Asks so often, and says how many nanoseconds that took.
    ask: fn(&mut Server, u32) -> Result<f64>,
}

/// A server's port, and its directory.
pub struct Home {
    port: u16,
    /// As seen inside the tree.
    inside: String,
    /// As seen from outside.
    outside: PathBuf,
}

/// GET over connections that stay, by redis-benchmark.
pub const REDIS: Service = Service {
    programs: &["usr/bin/redis-server", "usr/bin/redis-benchmark"],
    serve: redis,
    ask: |server, times| redis_benchmark(server, times, &[]),
};

/// The same with a connection for each request.
pub const REDIS_RECONNECTING: Service =
    Service { ask: |server, times| redis_benchmark(server, times, &["-k", "0"]), ..REDIS };

/// A page of a few bytes over connections that stay.
pub const NGINX: Service = Service { programs: &["usr/sbin/nginx"], serve: nginx, ask: ask_nginx };

/// Blocks of 128 KiB over one connection.
pub const IPERF3: Service = Service { programs: &["usr/bin/iperf3"], serve: iperf3, ask: ask_iperf3 };

/// A server that runs.
pub struct Server {
    service: &'static Service,
    home: Home,
    place: Place,
    /// What is in front of a command under the rival, and under nothing.
    under: Vec<String>,
    enter: Vec<String>,
    command: String,
    child: Child,
    connections: Option<Connections>,
}

impl Server {
    /// Starts it, and waits until it listens.
    pub fn start(world: &World, row: &Row, rival: Rival, service: &'static Service) -> Result<Server> {
        let root = world.debian.as_ref().map_err(|why| anyhow::anyhow!("{why}"))?;
        let port = free_port()?;
        let inside = format!("/tmp/bench-{port}");
        let home = Home { port, outside: root.join(&inside[1..]), inside };
        fs::create_dir_all(&home.outside).with_context(|| typed(&home.outside))?;
        let enter = vec![typed(&world.xtask), "enter".into(), typed(root), "--".into()];
        let under = if row.verb == Verb::Run && matches!(rival, Rival::Ours | Rival::Bare) {
            // Rules keep a program from entering a tree, so `run` is inside already.
            let copy = "socketcall";
            fs::copy(&world.socketcall, home.outside.join(copy)).with_context(|| typed(&home.outside))?;
            [enter.clone(), world.under(row, rival, &Path::new(&home.inside).join(copy))].concat()
        } else {
            [world.under(row, rival, &world.socketcall), enter.clone()].concat()
        };
        let mut command = command(&[&under[..], &(service.serve)(&home)?].concat());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let line = line(&command);
        let child = at(row.place, || command.spawn().with_context(|| format!("cannot start {line}")))?;
        let place = row.place;
        let mut server =
            Server { service, home, place, under, enter, command: line, child, connections: None };
        let deadline = Instant::now() + LIMIT;
        while !listens(server.home.port)? {
            server.is_there()?;
            ensure!(Instant::now() < deadline, "does not listen: {}", server.command);
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(server)
    }

    /// Fails where it has ended by itself.
    fn is_there(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{status}: {}", self.command),
        }
    }

    /// Runs a program of the tree, and returns what it printed.
    fn output(&self, under: &[String], words: &[&str]) -> Result<String> {
        let words = words.iter().map(|word| (*word).to_owned());
        let command: Command = command(&under.iter().cloned().chain(words).collect::<Vec<_>>());
        let running = at(self.place, || Running::start(command, vec![], LIMIT))?;
        Ok(running.wait()?.success()?.text())
    }

    /// Asks the server itself to end, which may be a descendant of what was started.
    fn stop(&mut self) -> Result<()> {
        self.is_there()?;
        let program = self.service.programs[0];
        let name = program.rsplit('/').next().unwrap_or(program);
        let processes = family(self.child.id())?;
        let server = processes.iter().find(|(_, called)| called == name);
        let (server, _) = server.with_context(|| format!("no process {name}: {}", self.command))?;
        kill(*server, Signal::SIGTERM)?;
        // How servers take a SIGTERM is their own affair.
        ended(&mut self.child).map(|_| ()).with_context(|| self.command.clone())
    }
}

impl Contestant for Server {
    fn ask(&mut self, repetitions: u32) -> Result<f64> {
        (self.service.ask)(self, repetitions).with_context(|| self.command.clone())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.stop()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
        let _ = fs::remove_dir_all(&self.home.outside);
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(Into::into).into()
}

/// Without anything that it does by itself now and then.
fn redis(home: &Home) -> Result<Vec<String>> {
    let port = home.port.to_string();
    let server = ["redis-server", "--bind", "127.0.0.1", "--port", &port, "--dir", &home.inside];
    let quiet = ["--save", "", "--appendonly", "no", "--hz", "1"];
    Ok([&words(server)[..], &words(quiet)].concat())
}

fn redis_benchmark(server: &mut Server, times: u32, options: &[&str]) -> Result<f64> {
    let (port, requests) = (server.home.port.to_string(), times.to_string());
    let ask = ["redis-benchmark", "-h", "127.0.0.1", "-p", &port, "--csv", "-t", "get", "-n", &requests];
    let said = server.output(&server.enter, &[&ask[..], options].concat())?;
    let rate = requests_per_second(&said).with_context(|| format!("redis-benchmark said: {said}"))?;
    Ok(f64::from(times) / rate * 1e9)
}

/// Of `"GET","138888.89",...`. Infinite where it took less than a millisecond.
fn requests_per_second(csv: &str) -> Option<f64> {
    let line = csv.lines().find_map(|line| line.strip_prefix("\"GET\",\""))?;
    line.split_once('"')?.0.parse().ok()
}

/// One worker, which becomes nobody where it may.
fn nginx(home: &Home) -> Result<Vec<String>> {
    let Home { port, inside, outside } = home;
    let configuration = format!(
        "daemon off; worker_processes 1; pid {inside}/pid; error_log stderr error;\n\
         events {{ worker_connections 64; }}\n\
         http {{\n\
           access_log off; keepalive_requests 1000000000;\n\
           client_body_temp_path {inside}/body; proxy_temp_path {inside}/proxy;\n\
           fastcgi_temp_path {inside}/f; uwsgi_temp_path {inside}/u; scgi_temp_path {inside}/s;\n\
           server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"hello\\n\"; }} }}\n\
         }}\n"
    );
    fs::write(outside.join("conf"), configuration).with_context(|| typed(outside))?;
    Ok(words(["/usr/sbin/nginx", "-e", "stderr", "-c", &format!("{inside}/conf")]))
}

fn ask_nginx(server: &mut Server, times: u32) -> Result<f64> {
    let connections = match &mut server.connections {
        Some(connections) => connections,
        none => none.insert(Connections::open(server.home.port)?),
    };
    at(server.place, || connections.get(times))
}

fn iperf3(home: &Home) -> Result<Vec<String>> {
    Ok(words(["iperf3", "--server", "--bind", "127.0.0.1", "--port", &home.port.to_string()]))
}

fn ask_iperf3(server: &mut Server, times: u32) -> Result<f64> {
    let (port, blocks) = (server.home.port.to_string(), times.to_string());
    let ask = ["iperf3", "--client", "127.0.0.1", "--port", &port, "--blockcount", &blocks, "--json"];
    let mut tries = 0;
    loop {
        match server.output(&server.under, &ask) {
            Ok(said) => {
                return nanoseconds_per_block(&said)
                    .map(|time| time * f64::from(times))
                    .with_context(|| format!("iperf3 said: {said}"));
            }
            // The server may not be done with the one before.
            Err(error) if tries < 5 && error.to_string().contains("busy") => tries += 1,
            Err(error) => return Err(error),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Of what a client sent.
fn nanoseconds_per_block(json: &str) -> Option<f64> {
    const BLOCK: f64 = (128 << 10) as f64;
    let result: serde_json::Value = serde_json::from_str(json).ok()?;
    let sent = &result["end"]["sum_sent"];
    let (seconds, bytes) = (sent["seconds"].as_f64()?, sent["bytes"].as_f64()?);
    (bytes > 0.0).then(|| seconds * 1e9 / (bytes / BLOCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_clients_say_is_understood() {
        let csv = "\"test\",\"rps\",\"avg_latency_ms\"\n\"GET\",\"138888.89\",\"0.323\"\n";
        assert_eq!(requests_per_second(csv), Some(138_888.89));
        assert_eq!(requests_per_second("\"GET\",\"inf\",\"0\"\n"), Some(f64::INFINITY));
        assert_eq!(requests_per_second("Could not connect"), None);
        let json = r#"{"end":{"sum_sent":{"seconds":0.5,"bytes":262144}}}"#;
        assert_eq!(nanoseconds_per_block(json), Some(0.25e9));
        assert_eq!(nanoseconds_per_block(r#"{"error":"busy"}"#), None);
    }
}
