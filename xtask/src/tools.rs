//! Programs of the host that the tests need, and the one line that installs them.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A program of the host, and how to see that it works.
pub struct Tool {
    /// What a person calls it.
    pub name: &'static str,
    /// Debian's package.
    package: &'static str,
    /// A command that succeeds where the tool works.
    probe: &'static [&'static str],
}

/// The compiler for C and assembly guests.
pub const GCC32: Tool = Tool {
    name: "gcc -m32",
    package: "gcc-multilib",
    // Linking shows that the 32-bit C library is there, not only the compiler.
    probe: &["sh", "-c", "echo 'int main(void) { return 0; }' | gcc -m32 -static -x c -o /dev/null -"],
};

/// The compiler for C++ guests.
pub const GXX32: Tool = Tool {
    name: "g++ -m32",
    package: "g++-multilib",
    probe: &["sh", "-c", "echo 'int main() { throw 1; }' | g++ -m32 -static -x c++ -o /dev/null -"],
};

/// What looks into a program, from outside and inside of `run`.
pub const GDB: Tool = Tool { name: "gdb", package: "gdb", probe: &["gdb", "--version"] };

/// The container runtime.
pub const RUNC: Tool = Tool { name: "runc", package: "runc", probe: &["runc", "--version"] };

/// What `cargo xtask bench` compares with.
pub const STRACE: Tool = Tool { name: "strace", package: "strace", probe: &["strace", "--version"] };

/// What `cargo xtask bench` compares with.
pub const QEMU: Tool = Tool { name: "qemu-i386", package: "qemu-user", probe: &["qemu-i386", "--version"] };

/// Unpacks kernels.
pub const LZ4: Tool = Tool { name: "lz4", package: "lz4", probe: &["lz4", "--version"] };

/// Unpacks kernels too.
pub const ZSTD: Tool = Tool { name: "zstd", package: "zstd", probe: &["zstd", "--version"] };

/// Says whether a unit is understood.
pub const SYSTEMD: Tool =
    Tool { name: "systemd-analyze", package: "systemd", probe: &["systemd-analyze", "--version"] };

/// Unpacks packages for another architecture.
pub const APT: Tool =
    Tool { name: "apt-get", package: "apt", probe: &["sh", "-c", "apt-get --version && dpkg-deb --version"] };

/// Everything that `cargo xtask test --install` provides. apt-get must be there to provide anything.
pub const FOR_TEST: &[Tool] = &[GCC32, GXX32, GDB, RUNC, STRACE, QEMU, LZ4, ZSTD, SYSTEMD];

/// Everything that `cargo xtask bench --install` provides.
pub const FOR_BENCH: &[Tool] = &[STRACE, QEMU];

impl Tool {
    /// Whether it works.
    pub fn works(&self) -> bool {
        let Some((program, arguments)) = self.probe.split_first() else { return false };
        let null = Stdio::null;
        let status =
            Command::new(program).args(arguments).stdin(null()).stdout(null()).stderr(null()).status();
        status.is_ok_and(|status| status.success())
    }
}

/// Installs what is missing of `wanted`, or says how; `verb` is the one that wants it.
pub fn provide(wanted: &[Tool], verb: &str, install: bool) -> Result<()> {
    let missing: Vec<&Tool> = wanted.iter().filter(|tool| !tool.works()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ");
    let mut words = vec!["apt-get", "install", "--yes", "--no-install-recommends"];
    words.extend(missing.iter().map(|tool| tool.package));
    if !nix::unistd::geteuid().is_root() {
        words.insert(0, "sudo");
    }
    let line = words.join(" ");
    if !install {
        println!("missing: {names}; install with `{line}`, or run `cargo xtask {verb} --install`\n");
        return Ok(());
    }
    println!("missing: {names}; {line}");
    // Lists that are partly stale or unreachable need not stop the installation, which then says so itself.
    let update: Vec<&str> =
        words.iter().take_while(|word| **word != "install").copied().chain(["update"]).collect();
    let _ = apt(&update);
    apt(&words).with_context(|| format!("`{line}` failed"))?;
    if let Some(tool) = missing.iter().find(|tool| !tool.works()) {
        bail!("{} does not work although {} was installed", tool.name, tool.package);
    }
    Ok(())
}

fn apt(words: &[&str]) -> Result<()> {
    let (program, arguments) = words.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments).arg("-qq").env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    let output = command.output().with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}
