//! Servers that are asked: a database, shells, names.

use std::fs;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use super::{HERE, Stage, dns, free_port, intact, noise};

pub fn redis(stage: &Stage) -> Result<String> {
    let port = free_port()?.to_string();
    let socket = format!("{HERE}/redis.sock");
    let serve =
        ["redis-server", "--bind", "127.0.0.1", "--port", &port, "--unixsocket", &socket, "--dir", HERE];
    let server = stage.serve(
        "redis-server",
        &[&serve[..], &["--save", "", "--appendonly", "no"]].concat(),
        port.parse()?,
    )?;
    let ask = |line: &[&str], input: &[u8]| {
        let answer = stage.run(
            "redis-cli",
            &[&["redis-cli", "-h", "127.0.0.1", "-p", &port], line].concat(),
            input,
        )?;
        anyhow::Ok(answer.success()?.text())
    };
    let mut seen = ask(&["ping"], b"")?;
    let commands: String = (0..2000).map(|i| format!("INCRBY sum {i}\r\nRPUSH list {i}\r\n")).collect();
    seen += &ask(&["--pipe"], commands.as_bytes())?;
    seen += &ask(&["get", "sum"], b"")?;
    seen += &ask(&["lrange", "list", "1990", "-1"], b"")?;
    let data: String = noise(1 << 19).iter().map(|byte| format!("{byte:02x}")).collect();
    seen += &ask(&["-x", "set", "large"], data.as_bytes())?;
    seen += &intact(data.as_bytes(), ask(&["get", "large"], b"")?.trim_end().as_bytes(), "a large value")?;
    let load = ["redis-benchmark", "-h", "127.0.0.1", "-p", &port, "-t", "set,get", "-n", "4000", "-c", "20"];
    let said = stage.run("redis-benchmark", &[&load[..], &["-P", "16", "--csv"]].concat(), b"")?.success()?;
    // A line of names, and one for each test.
    seen += &format!("redis-benchmark: {} lines\n", said.text().lines().count());
    let local = stage.run("redis-cli", &["redis-cli", "-s", &socket, "strlen", "large"], b"")?.success()?;
    seen += &local.text();
    let server = server.stop(Signal::SIGTERM)?;
    Ok(seen + &format!("redis-server: {:?}\n", server.status.code()))
}

/// The account that the servers let in: the one that they run as.
fn account(stage: &Stage) -> Result<(String, String)> {
    let uid = geteuid().as_raw().to_string();
    let passwd = fs::read_to_string(stage.root.join("etc/passwd"))?;
    let fields =
        passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[2] == uid);
    let Some(&[name, .., home, _]) = fields.as_deref() else { bail!("no account for user {uid}") };
    Ok((name.to_owned(), home.to_owned()))
}

/// What is asked of a shell at the other end: to echo, to take a file, and to fail.
fn shell(stage: &Stage, program: &'static str, client: &[&str]) -> Result<String> {
    let data = noise(1 << 20);
    let ask = |command: &str, input: &[u8]| stage.run(program, &[client, &[command]].concat(), input);
    let mut seen = ask("echo to you; id -u", b"")?.success()?.text();
    seen += &intact(&data, &ask("cat", &data)?.success()?.stdout, "there and back")?;
    seen += &format!("status {:?}\n", ask("exit 3", b"")?.status.code());
    Ok(seen)
}

pub fn dropbear(stage: &Stage) -> Result<String> {
    let (user, home) = account(stage)?;
    let port = free_port()?.to_string();
    let (host_key, key) = (format!("{HERE}/host"), format!("{HERE}/key"));
    stage.prepare(&["dropbearkey", "-t", "ed25519", "-f", &host_key])?;
    let made = stage.prepare(&["dropbearkey", "-t", "ed25519", "-f", &key])?.text();
    let public =
        made.lines().find(|line| line.starts_with("ssh-ed25519")).context("dropbearkey made no key")?;
    let ssh = stage.root.join(&home[1..]).join(".ssh");
    super::fresh(&ssh)?;
    fs::write(ssh.join("authorized_keys"), public)?;
    restrict(&ssh)?;
    let listen = format!("127.0.0.1:{port}");
    let serve = ["/usr/sbin/dropbear", "-F", "-E", "-p", &listen, "-r", &host_key, "-P", "", "-s"];
    let server = stage.serve("dropbear", &serve, port.parse()?)?;
    let at = format!("{user}@127.0.0.1");
    let seen = shell(stage, "dbclient", &["dbclient", "-y", "-y", "-i", &key, "-p", &port, &at])?;
    server.insist(Signal::SIGTERM)?;
    Ok(seen)
}

pub fn openssh(stage: &Stage) -> Result<String> {
    let (user, _) = account(stage)?;
    let port = free_port()?.to_string();
    let (host_key, key) = (format!("{HERE}/host"), format!("{HERE}/key"));
    for key in [&host_key, &key] {
        stage.prepare(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])?;
    }
    let configuration = stage.file(
        "sshd_config",
        format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {host_key}\nAuthorizedKeysFile {key}.pub\n\
             StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n"
        ),
    )?;
    let server = stage.serve("sshd", &["/usr/sbin/sshd", "-D", "-e", "-f", &configuration], port.parse()?)?;
    let at = format!("{user}@127.0.0.1");
    let client = ["ssh", "-q", "-F", "none", "-i", &key, "-p", &port, "-o", "StrictHostKeyChecking=no"];
    let seen = shell(stage, "ssh", &[&client[..], &["-o", "UserKnownHostsFile=/dev/null", &at]].concat())?;
    server.stop(Signal::SIGTERM)?;
    Ok(seen)
}

/// authorized_keys counts only where nobody else can write.
fn restrict(directory: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    Ok(fs::set_permissions(directory.join("authorized_keys"), fs::Permissions::from_mode(0o600))?)
}

pub fn dig(stage: &Stage) -> Result<String> {
    let server = dns::Server::start()?;
    let port = server.port().to_string();
    let ask = |question: &[&str]| {
        let options = ["dig", "@127.0.0.1", "-p", &port, "+noall", "+answer", "+tries=1", "+time=5"];
        anyhow::Ok(stage.run("dig", &[&options, question].concat(), b"")?.success()?.text())
    };
    let mut seen = String::new();
    for question in [
        &["www.example.test", "A"][..],
        &["www.example.test", "A", "+tcp"],
        &["text.example.test", "TXT"],
        // Too long for a datagram: dig asks again over TCP.
        &["long.example.test", "TXT"],
        &["absent.example.test", "A", "+comments"],
    ] {
        let answer = ask(question)?;
        let stable = answer.lines().filter(|line| !line.contains(", id: "));
        let status = answer.split("status: ").nth(1).and_then(|rest| rest.split(',').next());
        seen += &format!("{question:?} {status:?}\n{}\n", stable.collect::<Vec<_>>().join("\n"));
    }
    let (datagrams, connections) = server.served();
    Ok(seen + &format!("{datagrams} datagrams, {connections} connections\n"))
}
