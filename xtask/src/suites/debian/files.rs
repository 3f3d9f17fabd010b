//! Programs that bring files and streams from here to there.

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::{HERE, Process, Stage, free_port, intact, is_bound, listens_at, noise, words};

/// nginx with a master and two workers, which become nobody where they may. `listen` is where.
pub fn nginx_line(stage: &Stage, listen: &str) -> Result<Vec<String>> {
    let configuration = stage.file(
        "nginx.conf",
        format!(
            "daemon off; worker_processes 2; pid {HERE}/nginx.pid; error_log stderr error;\n\
             events {{ worker_connections 64; }}\n\
             http {{\n\
               access_log off; sendfile on;\n\
               client_body_temp_path {HERE}/body; proxy_temp_path {HERE}/proxy; fastcgi_temp_path {HERE}/f;\n\
               uwsgi_temp_path {HERE}/u; scgi_temp_path {HERE}/s;\n\
               server {{ listen {listen}; root {HERE};\n\
                 location /said/ {{ return 200 \"$request_method $uri $remote_addr\\n\"; }} }}\n\
             }}\n"
        ),
    )?;
    Ok(words(&["/usr/sbin/nginx", "-e", "stderr", "-c", &configuration]))
}

fn nginx<'a>(stage: &'a Stage<'a>, port: u16) -> Result<Process<'a>> {
    let line = nginx_line(stage, &format!("127.0.0.1:{port}"))?;
    stage.serve("nginx", &line.iter().map(String::as_str).collect::<Vec<_>>(), port)
}

pub fn curl_from_nginx(stage: &Stage) -> Result<String> {
    let (port, data) = (free_port()?, noise(8 << 20));
    stage.file("data", &data)?;
    let server = nginx(stage, port)?;
    let url = |path: &str| format!("http://127.0.0.1:{port}/{path}");
    let got = stage.run("curl", &["curl", "-sS", &url("data")], b"")?.success()?;
    let mut seen = intact(&data, &got.stdout, "one file")?;
    // Several connections at a time, and a host's name, for which curl's resolver makes a thread.
    let parallel = ["curl", "-sS", "--parallel", "--no-progress-meter", "-H", "Connection: close"];
    let named = format!("http://localhost:{port}/said/[1-20]");
    let got = stage.run("curl", &[&parallel[..], &[&named]].concat(), b"")?.success()?;
    let mut lines: Vec<_> = got.text().lines().map(str::to_owned).collect();
    lines.sort();
    seen += &lines.join("\n");
    let got = stage.run("curl", &["curl", "-sSf", &url("absent")], b"")?;
    seen += &format!("\nabsent: {:?} {}\n", got.status.code(), got.stderr.replace(&port.to_string(), "PORT"));
    let server = server.stop(Signal::SIGQUIT)?;
    Ok(seen + &format!("nginx: {:?}\n", server.status.code()))
}

pub fn hey_to_nginx(stage: &Stage) -> Result<String> {
    let port = free_port()?;
    let server = nginx(stage, port)?;
    let url = format!("http://127.0.0.1:{port}/said/hello");
    let got = stage.run("hey", &["hey", "-n", "600", "-c", "12", &url], b"")?.success()?;
    server.stop(Signal::SIGTERM)?.success()?;
    // What is not a duration.
    let text = got.text();
    let start = text.find("Status code distribution").with_context(|| format!("hey said:\n{text}"))?;
    let sizes = text.lines().filter(|line| line.contains("Total data") || line.contains("Size/request"));
    Ok(format!("{}\n{}", sizes.collect::<Vec<_>>().join("\n"), &text[start..]))
}

pub fn wget_from_python(stage: &Stage) -> Result<String> {
    let (port, data) = (free_port()?, noise(3 << 20));
    stage.file("data", &data)?;
    let serve =
        ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", HERE, &port.to_string()];
    let server = stage.serve("python3", &serve, port)?;
    let url = format!("http://localhost:{port}/data");
    let got = stage.run("wget", &["wget", "-q", "--tries=1", "-O", "-", &url], b"")?.success()?;
    let server = server.stop(Signal::SIGINT)?;
    let requests = server.stderr.lines().filter(|line| line.contains("GET /data HTTP/1.1\" 200")).count();
    Ok(intact(&data, &got.stdout, "one file")?
        + &format!("python3: {:?}, {requests} requests\n", server.status.code()))
}

pub fn busybox(stage: &Stage) -> Result<String> {
    let (port, data) = (free_port()?, noise(1 << 20));
    stage.file("data", &data)?;
    let address = format!("127.0.0.1:{port}");
    let server = stage.serve("busybox", &["busybox", "httpd", "-f", "-p", &address, "-h", HERE], port)?;
    let url = format!("http://{address}/data");
    let got = stage.run("busybox", &["busybox", "wget", "-q", "-O", "-", &url], b"")?.success()?;
    let request = b"GET /absent HTTP/1.0\r\n\r\n";
    let answer =
        stage.run("busybox", &["busybox", "nc", "127.0.0.1", &port.to_string()], request)?.success()?;
    server.stop(Signal::SIGTERM)?;
    let text = answer.text();
    let first = text.lines().next().unwrap_or_default();
    Ok(intact(&data, &got.stdout, "one file")? + first + "\n")
}

pub fn netcat(stage: &Stage) -> Result<String> {
    let (port, data) = (free_port()?.to_string(), noise(2 << 20));
    let server = stage.serve("nc -l", &["nc.openbsd", "-l", "-n", "127.0.0.1", &port], port.parse()?)?;
    let sent = stage.run("nc", &["nc.openbsd", "-N", "-n", "127.0.0.1", &port], &data)?.success()?;
    let got = server.wait()?.success()?;
    ensure!(sent.stdout.is_empty(), "the server sent something back");
    let mut seen = intact(&data, &got.stdout, "through a connection")?;

    // A datagram's end is not seen: the server takes one, and the client does not wait.
    let number = free_port()?;
    let port = number.to_string();
    let receive = ["nc.openbsd", "-l", "-u", "-W", "1", "-n", "127.0.0.1", &port];
    let server = stage.serve_at("nc -l", &receive, &|| is_bound(number))?;
    stage.run("nc", &["nc.openbsd", "-u", "-q", "0", "-n", "127.0.0.1", &port], b"a datagram")?.success()?;
    seen += &format!("UDP: {}\n", server.wait()?.success()?.text());

    let local = format!("{HERE}/socket");
    let server = stage.serve_at("nc -l", &["nc.openbsd", "-l", "-U", &local], &|| listens_at(&local))?;
    stage.run("nc", &["nc.openbsd", "-N", "-U", &local], &data)?.success()?;
    Ok(seen + &intact(&data, &server.wait()?.success()?.stdout, "a local socket")?)
}

pub fn socat(stage: &Stage) -> Result<String> {
    let (port, data) = (free_port()?.to_string(), noise(1 << 20));
    // Each connection is a child, which executes cat at the other end of a socket pair.
    let listen = format!("TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork");
    let server = stage.serve("socat", &["socat", &listen, "EXEC:/usr/bin/cat"], port.parse()?)?;
    let mut seen = String::new();
    for turn in ["the first", "the second"] {
        let got =
            stage.run("socat", &["socat", "-t5", "-", &format!("TCP:127.0.0.1:{port}")], &data)?.success()?;
        seen += &intact(&data, &got.stdout, turn)?;
    }
    server.stop(Signal::SIGTERM)?;

    // A datagram's answer comes back to the port that it came from.
    let port = free_port()?;
    let receive = format!("UDP-RECVFROM:{port},bind=127.0.0.1");
    let server = stage.serve_at("socat", &["socat", &receive, "EXEC:/usr/bin/cat"], &|| is_bound(port))?;
    let ask = format!("UDP:127.0.0.1:{port},readbytes=10");
    let got = stage.run("socat", &["socat", "-t20", "-", &ask], b"a datagram")?.success()?;
    server.wait()?.success()?;
    seen += &format!("UDP: {}\n", got.text());

    let local = format!("{HERE}/socket");
    let server = stage.start("socat", &["socat", "-u", &format!("UNIX-LISTEN:{local}"), "-"], b"")?;
    let connect = format!("UNIX-CONNECT:{local},retry=200,interval=0.02");
    stage.run("socat", &["socat", "-u", "-", &connect], &data)?.success()?;
    Ok(seen + &intact(&data, &server.wait()?.success()?.stdout, "a local socket")?)
}

pub fn iperf3(stage: &Stage) -> Result<String> {
    let port = free_port()?.to_string();
    let mut seen = String::new();
    for direction in [&[][..], &["--reverse", "--parallel", "3"], &["--udp", "--bitrate", "0"]] {
        let serve = ["iperf3", "--server", "--one-off", "--bind", "127.0.0.1", "--port", &port];
        let server = stage.serve("iperf3", &serve, port.parse()?)?;
        let ask = ["iperf3", "--client", "127.0.0.1", "--port", &port, "--bytes", "16M", "--json"];
        let got = stage.run("iperf3", &[&ask, direction].concat(), b"")?.success()?;
        server.wait()?.success()?;
        let result: serde_json::Value = serde_json::from_slice(&got.stdout)?;
        let sum = |name: &str| result["end"][name]["bytes"].as_u64().unwrap_or_default();
        let (sent, received) = (sum("sum_sent").max(sum("sum")), sum("sum_received").max(sum("sum")));
        ensure!(sent >= 16 << 20 && received > 0, "iperf3 {direction:?}: {sent} sent, {received} received");
        let streams = result["end"]["streams"].as_array().map_or(0, Vec::len);
        seen += &format!("{direction:?}: at least 16 MiB in {streams} streams\n");
    }
    Ok(seen)
}
