//! i386 servers as process 1 of a container that denies socketcall: the capabilities are Docker's default
//! ones, the seccomp profile is our own. They are stopped by SIGTERM, as `docker stop` does.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::geteuid;
use serde_json::{Value, json};

use super::guests::{Build, Builder, Guest};
use super::ports::{free_port, listens};
use super::{IN_TREE, LIMIT, Mode, Way, World, command, nothing_left, words};
use crate::deny::TELLTALE;
use crate::process::{Finished, Running, ending};
use crate::report::{Outcome, Report, difference};
use crate::tools::{GCC32, RUNC};
use crate::workspace::fresh;

/// A server, what it is asked, and how it is stopped.
struct Server {
    name: &'static str,
    /// Its command line; PORT stands for the port.
    line: &'static [&'static str],
    /// Sent to it; every byte of the answer counts, until it closes the connection.
    question: &'static str,
    /// The signals that end it. All but the last are to be survived.
    signals: &'static [&'static str],
    /// The modes of `run` in which it does what it does natively.
    modes: &'static [Mode],
}

/// The supervisor is root without CAP_SYS_PTRACE here: the program's memory is closed to it, and whom it has let go
/// it can't trace again.
const GOSU: Server = Server {
    name: "redis-server as another user, by a program like gosu",
    line: &[
        "python3",
        "-c",
        BECOME_NOBODY,
        "redis-server",
        "--bind",
        "127.0.0.1",
        "--port",
        "PORT",
        "--save",
        "",
    ],
    question: "SET key value\r\nGET key\r\nQUIT\r\n",
    signals: &["TERM"],
    modes: Mode::TRACED,
};

const SERVERS: &[Server] = &[
    Server {
        name: "redis-server, SIGTERM",
        line: &["redis-server", "--bind", "127.0.0.1", "--port", "PORT", "--save", "", "--dir", "/tmp"],
        question: "SET key value\r\nGET key\r\nINCR n\r\nQUIT\r\n",
        signals: &["TERM"],
        modes: Mode::ALL,
    },
    GOSU,
    Server {
        name: "python3 that gets each signal once, and reaps orphans",
        line: &["python3", "-c", include_str!("container/first.py"), "PORT"],
        question: "who are you?\n",
        signals: &["HUP", "INT", "QUIT", "USR1", "USR2", "WINCH", "TERM"],
        modes: Mode::ALL,
    },
    Server {
        name: "busybox httpd, to which SIGTERM means nothing as process 1",
        line: &["busybox", "httpd", "-f", "-p", "127.0.0.1:PORT", "-h", "/etc"],
        question: "GET /shells HTTP/1.0\r\n\r\n",
        signals: &["TERM", "KILL"],
        modes: Mode::ALL,
    },
];

const BECOME_NOBODY: &str = "import os, sys\n\
    os.setgroups([]), os.setgid(65534), os.setuid(65534), os.chdir('/tmp')\n\
    os.execvp(sys.argv[1], sys.argv[1:])";

const ALL20: Guest = Guest { name: "all20", sources: &["all20.c", "entry.S"], builds: &[] };

/// Docker's default capabilities.
const CAPABILITIES: &[&str] = &[
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// Calls that a container's profile refuses because they reach beyond it.
const REFUSED: &[&str] = &[
    "acct",
    "add_key",
    "bpf",
    "delete_module",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "init_module",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pivot_root",
    "quotactl",
    "reboot",
    "request_key",
    "setns",
    "swapoff",
    "swapon",
    "umount",
    "umount2",
    "unshare",
    "userfaultfd",
    "vm86",
    "vm86old",
];

pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("container");
    let missing = super::missing(&[RUNC, GCC32])
        .or_else(|| world.debian.as_ref().err().cloned())
        .or_else(|| (!geteuid().is_root()).then(|| "needs root".into()));
    let mut case = |name, act: &dyn Fn() -> Result<Outcome>| {
        report.case(name, || match &missing {
            Some(why) => Ok(Outcome::Skipped(why.clone())),
            None => nothing_left(act()),
        });
    };
    for server in SERVERS {
        case(server.name, &|| agree(world, server));
    }
    case("a program like gosu, untraced, is told why it can't", &|| gosu_untraced(world));
    case(CHECK.name, &|| check(world));
    case(SCRATCH.name, &|| scratch(world));
    report.end_suite();
    Ok(())
}

/// What becomes another user can't be looked at again when it executes.
fn gosu_untraced(world: &World) -> Result<Outcome> {
    let finished = Container::start(world, &GOSU, Way::Run(Mode::Untraced))?.wait()?;
    let told = finished.stderr.lines().find(|line| line.contains("run without --untraced"));
    let told = told.with_context(|| format!("{}\n{}", ending(finished.status), finished.stderr))?;
    ensure!(finished.stderr.contains("PermissionError"), "execve answers EPERM: {}", finished.stderr);
    Ok(Outcome::Passed(told.to_owned()))
}

/// Asked from inside a container: `check` finds what its profile does.
const CHECK: Server = Server {
    name: "check, in a container that is open and in one that is broken",
    line: &[IN_TREE, "check"],
    question: "",
    signals: &[],
    modes: &[],
};

fn check(world: &World) -> Result<Outcome> {
    for (way, verdict, status) in [(Way::Native, "here: open", 0), (Way::Denied, "here: broken", 3)] {
        let finished = Container::start(world, &CHECK, way)?.wait()?;
        let text = finished.text();
        let found = text.lines().any(|line| line.starts_with(verdict));
        ensure!(
            found && finished.status.code() == Some(status),
            "{verdict}, status {status} expected; {}: {text}{}",
            ending(finished.status),
            finished.stderr
        );
    }
    Ok(Outcome::Passed(String::new()))
}

/// Nothing is there but the program and ours.
const SCRATCH: Server = Server {
    name: "an image from scratch, of a static program",
    line: &["/program", "int80"],
    question: "",
    signals: &[],
    modes: Mode::ALL,
};

fn scratch(world: &World) -> Result<Outcome> {
    let root = world.workspace.target.join("i386/scratch");
    fresh(&root)?;
    let builder = Builder::new(world)?;
    fs::copy(builder.make(&ALL20, Build::Static)?, root.join("program"))?;
    let ours = root.join(&IN_TREE[1..]);
    fs::create_dir_all(ours.parent().context("a directory")?)?;
    fs::copy(&world.socketcall, ours)?;
    // Where a runtime mounts, which could not make them in a root that can't be written.
    for name in ["proc", "dev", "tmp"] {
        fs::create_dir(root.join(name))?;
    }
    let play = |way| Container::start_in(world, &root, &SCRATCH, way)?.wait();
    let native = play(Way::Native)?.success()?;
    ensure!(play(Way::Denied)?.stdout != native.stdout, "the filter does not reach it");
    for &mode in SCRATCH.modes {
        let finished = play(Way::Run(mode))?.success()?;
        if let Some(difference) = difference(&native.text(), &finished.text()) {
            bail!("{}: standard output differs: {difference}\n{}", mode.name(), finished.stderr);
        }
    }
    Ok(Outcome::Passed(format!("the same in {} modes", SCRATCH.modes.len())))
}

/// A server in a container without the filter, with it, and with it under `run`.
fn agree(world: &World, server: &Server) -> Result<Outcome> {
    let native = Container::start(world, server, Way::Native)?.play().context("natively")?;
    match Container::start(world, server, Way::Denied)?.play() {
        Ok(transcript) => bail!("the filter does not reach it: {transcript:?}"),
        Err(error) if error.is::<crate::process::Hang>() => return Err(error.context("denied")),
        Err(_) => {}
    }
    let mut times = vec![];
    for &mode in server.modes {
        let supervised = Container::start(world, server, Way::Run(mode))?.play().context(mode.name())?;
        if let Some(difference) = difference(&native.said, &supervised.said) {
            bail!("{}: what came through differs from the native run: {difference}", mode.name());
        }
        times.push(supervised.stopping.as_millis().to_string());
    }
    let native = native.stopping.as_millis();
    Ok(Outcome::Passed(format!("stopped in {} ms, natively {native} ms", times.join(", "))))
}

/// What came of a server's life.
#[derive(Debug)]
struct Transcript {
    /// Its answers, and its end.
    said: String,
    /// From the last signal to its end.
    stopping: Duration,
}

/// A container that runs.
struct Container<'a> {
    server: &'a Server,
    state: PathBuf,
    id: String,
    port: u16,
    running: Option<Running>,
}

impl<'a> Container<'a> {
    /// In Debian's i386 tree.
    fn start(world: &World, server: &'a Server, way: Way) -> Result<Container<'a>> {
        let root = world.debian.as_ref().map_err(|why| anyhow::anyhow!("{why}"))?;
        Container::start_in(world, root, server, way)
    }

    fn start_in(world: &World, root: &Path, server: &'a Server, way: Way) -> Result<Container<'a>> {
        let port = free_port()?;
        let home = world.workspace.target.join("i386/container");
        fresh(&home)?;
        let mut line = match way {
            Way::Run(mode) => words(&[&[IN_TREE, "run"], mode.options(), &["--"]].concat()),
            _ => vec![],
        };
        line.extend(server.line.iter().map(|word| word.replace("PORT", &port.to_string())));
        let configuration = configuration(root, &line, way != Way::Native);
        fs::write(home.join("config.json"), serde_json::to_vec_pretty(&configuration)?)?;
        let state = home.join("state");
        let id = format!("socketcall-{}-{port}", std::process::id());
        let mut container = Container { server, state, id, port, running: None };
        let bundle = home.display().to_string();
        let command = command(&container.runc(&["run", "--bundle", &bundle, &container.id]))?;
        container.running = Some(Running::start(command, vec![], LIMIT)?);
        Ok(container)
    }

    fn runc(&self, arguments: &[&str]) -> Vec<String> {
        words(&[&["runc", "--root", &self.state.display().to_string()], arguments].concat())
    }

    /// Asks the server, stops it, and tells how it ended.
    fn play(mut self) -> Result<Transcript> {
        let mut said = self.ask()?;
        let Some((last, survived)) = self.server.signals.split_last() else { bail!("no signal") };
        for signal in survived {
            self.kill(signal)?;
            said += &format!("after SIG{signal}: {}", self.ask()?);
        }
        let start = Instant::now();
        self.kill(last)?;
        let finished = self.wait()?;
        let stopping = start.elapsed();
        said += &format!("{}\n", ending(finished.status));
        Ok(Transcript { said, stopping })
    }

    fn ask(&mut self) -> Result<String> {
        let deadline = Instant::now() + LIMIT;
        while !listens(self.port)? {
            let running = self.running.as_mut().context("it was waited for")?;
            if running.has_ended() {
                let finished = self.wait()?;
                bail!("{}: {}{}", ending(finished.status), finished.text(), finished.stderr);
            }
            if Instant::now() > deadline {
                bail!(crate::process::Hang(format!("does not listen: {}", running.command())));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        connection.write_all(self.server.question.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).context("no answer")?;
        Ok(answer.lines().filter(|line| !line.starts_with("Date:")).collect::<Vec<_>>().join("\n") + "\n")
    }

    fn kill(&self, signal: &str) -> Result<()> {
        let command = command(&self.runc(&["kill", &self.id, signal]))?;
        Running::start(command, vec![], LIMIT)?.wait()?.success().map(drop)
    }

    fn wait(&mut self) -> Result<Finished> {
        self.running.take().context("it was waited for")?.wait()
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // Removes what is left after a failure; after a success there is nothing, and runc says so.
        let delete = command(&self.runc(&["delete", "--force", &self.id]));
        let _ = delete.and_then(|command| Running::start(command, vec![], LIMIT)?.wait());
    }
}

/// The OCI runtime configuration. The network is the host's, so that the server can be asked from outside.
fn configuration(root: &Path, line: &[String], filtered: bool) -> Value {
    let mount = |destination: &str, kind: &str, options: &[&str]| json!({ "destination": destination, "type": kind, "source": kind, "options": options });
    let mut configuration = json!({
        "ociVersion": "1.0.0",
        "root": { "path": root.display().to_string(), "readonly": true },
        "process": {
            "args": line,
            "cwd": "/",
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"],
            "user": { "uid": 0, "gid": 0 },
            "capabilities": { "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES },
            "noNewPrivileges": false,
        },
        "mounts": [
            mount("/proc", "proc", &[]),
            mount("/dev", "tmpfs", &["nosuid", "mode=755"]),
            mount("/tmp", "tmpfs", &["nosuid", "nodev", "mode=1777"]),
        ],
        "linux": {
            "namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "ipc" }, { "type": "uts" }],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    });
    if filtered {
        configuration["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
            "syscalls": [
                { "names": ["socketcall"], "action": "SCMP_ACT_ERRNO", "errnoRet": TELLTALE },
                { "names": REFUSED, "action": "SCMP_ACT_ERRNO", "errnoRet": 1 },
                // As Docker does, since a filter cannot look at its flags: ENOSYS, so that clone is used.
                { "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38 },
            ],
        });
    }
    configuration
}
