//! Debian's packages without root, for i386 and for 64 bits: an apt with lists, cache and state of its own, and a tree
//! to which the packages are unpacked. Nothing of it touches the host's packages; it only reads where its mirrors are.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::unistd::{getegid, geteuid};

use crate::workspace::fresh;

mod kernels;
mod private;
mod sources;
mod strace;

pub use kernels::{Kernel, kernels};
use private::Apt;
pub use strace::Strace;

/// What is unpacked with everything it depends on.
const PACKAGES: &[&str] = &[
    "bind9-dnsutils",
    "busybox-static",
    "coreutils",
    "curl",
    "dash",
    "dropbear-bin",
    "hey",
    "iperf3",
    "iproute2",
    "iputils-ping",
    "libc-bin",
    "mptcpize",
    "musl",
    "netcat-openbsd",
    "nginx-light",
    "nodejs",
    "openssh-client",
    "openssh-server",
    "perl",
    "python3",
    "redis-server",
    "redis-tools",
    "socat",
    "wget",
];

/// What is unpacked alone: musl-dev depends on a compiler, and the host's is used; a game's data on fonts.
const ALONE: &[&str] = &["musl-dev", "teeworlds-data", "teeworlds-server"];

/// What no test reads.
const LEFT_OUT: &[&str] = &["doc", "icons", "info", "lintian", "locale", "man"];

/// Change it when the way of unpacking changes.
const FORMAT: u32 = 3;

/// Debian's name for 32-bit x86.
pub const I386: &str = "i386";
/// Its name for the architecture of the tests themselves.
pub const AMD64: &str = "amd64";

/// Debian for an architecture, under the target directory.
pub struct Debian {
    apt: Apt,
}

impl Debian {
    /// The tree, made or brought up to date: a directory to chroot(2) to.
    pub fn prepare(target: &Path, architecture: &'static str) -> Result<PathBuf> {
        let home = target.join(architecture);
        let (root, stamp) = (home.join("root"), home.join("stamp"));
        let debian = Debian { apt: Apt { home, architecture } };
        let wanted = format!("format {FORMAT}\n{}\n{}\n", PACKAGES.join(" "), ALONE.join(" "));
        if !fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == wanted) {
            debian.unpack(&root).with_context(|| format!("Debian's packages for {architecture}"))?;
            fs::write(&stamp, wanted)?;
        }
        accounts(&root)?;
        Ok(root)
    }

    fn unpack(&self, root: &Path) -> Result<()> {
        self.apt.configure(&sources::of_host()?)?;
        self.apt.update();
        let archives = self.apt.archives();
        let mut names = Vec::new();
        for line in self.apt.run("apt-get", &[&["install", "--simulate"], PACKAGES].concat())?.lines() {
            names.extend(archive_name(line));
        }
        ensure!(names.len() >= PACKAGES.len(), "apt-get --simulate named only {} packages", names.len());
        let architecture = self.apt.architecture;
        println!("unpacking {} {architecture} packages to {}", names.len() + ALONE.len(), root.display());
        self.apt.run("apt-get", &[&["install", "--download-only", "--yes", "-qq"], PACKAGES].concat())?;
        for package in ALONE {
            self.apt.run("apt-get", &["download", "-qq", package])?;
            let fields = self.apt.run("apt-cache", &["show", "--no-all-versions", package])?;
            names.push(archive_name_of_fields(package, &fields)?);
        }
        fresh(root)?;
        for directory in ["bin", "lib", "lib64", "sbin"] {
            fs::create_dir_all(root.join("usr").join(directory))?;
            symlink(Path::new("usr").join(directory), root.join(directory))?;
        }
        for name in names {
            unpack_archive(&archives.join(name), root)?;
        }
        for directory in ["dev", "proc", "run/sshd", "tmp", "root", "home/user"] {
            fs::create_dir_all(root.join(directory))?;
        }
        let shell = root.join("usr/bin/sh");
        if !shell.exists() {
            symlink("dash", shell)?;
        }
        Ok(())
    }
}

/// The archive's name for a line `Inst curl (7.88.1-10 Debian:12.1/stable [i386])` of `--simulate`.
fn archive_name(line: &str) -> Option<String> {
    let (name, rest) = line.strip_prefix("Inst ")?.split_once(" (")?;
    // After the parentheses may come, in brackets, what is broken until then.
    let (version, rest) = rest.split_once(')')?.0.split_once(' ')?;
    let architecture = rest.rsplit_once('[')?.1.strip_suffix(']')?;
    Some(quoted(name, version, architecture))
}

fn archive_name_of_fields(package: &str, fields: &str) -> Result<String> {
    let field = |name: &str| {
        let value = fields.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.with_context(|| format!("apt-cache show {package}: no {name}"))
    };
    Ok(quoted(package, field("Version")?, field("Architecture")?))
}

/// apt writes the colon of an epoch as %3a.
fn quoted(name: &str, version: &str, architecture: &str) -> String {
    let name = name.split(':').next().unwrap_or(name);
    format!("{name}_{}_{architecture}.deb", version.replace(':', "%3a"))
}

/// `dpkg-deb --extract` replaces /bin and its like, which are symbolic links here; tar can keep them.
fn unpack_archive(archive: &Path, root: &Path) -> Result<()> {
    let failed = || format!("cannot unpack {}", archive.display());
    let mut dpkg = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(archive)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(failed)?;
    let pipe = dpkg.stdout.take().with_context(failed)?;
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--no-same-owner", "--keep-directory-symlink", "--exclude=./dev/*"]);
    tar.args(LEFT_OUT.iter().map(|name| format!("--exclude=./usr/share/{name}")));
    let tar = tar.arg("--directory").arg(root).stdin(pipe).status().with_context(failed)?;
    ensure!(dpkg.wait()?.success() && tar.success(), failed());
    Ok(())
}

/// The few files of /etc that programs look names up in.
fn accounts(root: &Path) -> Result<()> {
    let mut users = BTreeSet::from([(0, "root", "/root"), (65534, "nobody", "/tmp")]);
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    if users.iter().all(|user| user.0 != uid) {
        users.insert((uid, "user", "/home/user"));
    }
    let (mut passwd, mut group) = (String::new(), String::new());
    for (id, name, home) in users {
        let gid = if id == uid { gid } else { id };
        passwd += &format!("{name}:x:{id}:{gid}:{name}:{home}:/bin/sh\n");
        group += &format!("{name}:x:{gid}:\n");
    }
    group += "nogroup:x:65534:\n";
    passwd += "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n";
    let files = [
        ("passwd", passwd.as_str()),
        ("group", group.as_str()),
        ("hosts", "127.0.0.1 localhost\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
        ("resolv.conf", "nameserver 127.0.0.1\n"),
        ("shells", "/bin/sh\n"),
    ];
    for (name, text) in files {
        fs::write(root.join("etc").join(name), text).with_context(|| format!("/etc/{name} in the tree"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_named_as_apt_names_them() {
        for (line, name) in [
            (
                "Inst curl (7.88.1-10+deb12u15 Debian:12.15/oldstable [i386])",
                "curl_7.88.1-10+deb12u15_i386.deb",
            ),
            (
                "Inst openssh-client (1:9.2p1-2 Debian:12/stable [i386]) []",
                "openssh-client_1%3a9.2p1-2_i386.deb",
            ),
            (
                "Inst debconf (1.5.82 Debian:12/stable, Debian-Security:12/stable-security [all])",
                "debconf_1.5.82_all.deb",
            ),
        ] {
            assert_eq!(archive_name(line).as_deref(), Some(name));
        }
        assert_eq!(archive_name("Conf curl (7.88.1-10+deb12u15 Debian:12.15/oldstable [i386])"), None);
        let fields = "Package: musl-dev\nArchitecture: i386\nVersion: 1.2.3-1\n";
        assert_eq!(archive_name_of_fields("musl-dev", fields).unwrap(), "musl-dev_1.2.3-1_i386.deb");
    }
}
