//! The strace that traces are compared with, of a newer release than the host's, with the libraries it needs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::private::Apt;
use super::{archive_name, sources, unpack_archive};
use crate::workspace::fresh;

/// Debian's releases that have one, and the versions whose output is known, the newest first. A release moves on;
/// then the next one's strace is taken, until somebody has looked at what the new version prints.
const KNOWN: &[(&str, &str)] = &[("sid", "7.2"), ("trixie", "6.13")];

/// Where the dynamic linker and the libraries of amd64 are in a tree.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// An unpacked strace.
pub struct Strace {
    /// Its version, as `strace --version` tells it.
    pub version: String,
    root: PathBuf,
}

impl Strace {
    /// Finds or fetches it.
    pub fn prepare(target: &Path) -> Result<Strace> {
        let mut failures = Vec::new();
        for (release, version) in KNOWN {
            match of_release(&target.join("strace").join(release), release, version) {
                Ok(strace) => {
                    for failure in failures {
                        println!("note: {failure}");
                    }
                    return Ok(strace);
                }
                Err(error) => failures.push(format!("strace {version} of Debian's {release}: {error:#}")),
            }
        }
        anyhow::bail!("{}", failures.join("; "))
    }

    /// The words that start it: by its own dynamic linker, since the host's C library may be older.
    pub fn words(&self) -> Vec<String> {
        let libraries = self.root.join(LIBRARIES);
        let linker = libraries.join("ld-linux-x86-64.so.2").display().to_string();
        let libraries = libraries.display().to_string();
        let program = self.root.join("usr/bin/strace").display().to_string();
        let linked = ["--library-path".to_owned(), libraries, "--argv0".to_owned(), "strace".to_owned()];
        [linker].into_iter().chain(linked).chain([program]).collect()
    }
}

fn of_release(home: &Path, release: &str, version: &str) -> Result<Strace> {
    let root = home.join("root");
    let strace = Strace { version: version.to_owned(), root };
    if !strace.works() {
        fetch(home, &strace.root, release, version)?;
        ensure!(strace.works(), "it does not start");
    }
    Ok(strace)
}

impl Strace {
    fn works(&self) -> bool {
        let words = self.words();
        let output = Command::new(&words[0]).args(&words[1..]).arg("--version").output();
        let says = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        says.is_ok_and(|says| says.lines().next() == Some(&format!("strace -- version {}", self.version)))
    }
}

fn fetch(home: &Path, root: &Path, release: &str, version: &str) -> Result<()> {
    let apt = Apt { home: home.to_owned(), architecture: "amd64" };
    apt.configure(&sources::of_release(release)?)?;
    apt.update();
    let simulated = apt.run("apt-get", &["install", "--simulate", "strace"])?;
    let names: Vec<String> = simulated.lines().filter_map(archive_name).collect();
    let archive = names.iter().find_map(|name| name.strip_prefix("strace_")).context("it has none")?;
    let is_known = archive
        .strip_prefix(version)
        .is_some_and(|rest| !rest.starts_with(|c: char| c == '.' || c.is_ascii_digit()));
    ensure!(is_known, "it has moved on to {archive}");
    println!("fetching strace {version} of Debian's {release}");
    apt.run("apt-get", &["install", "--download-only", "--yes", "-qq", "strace"])?;
    fresh(root)?;
    for name in names {
        unpack_archive(&apt.archives().join(name), root)?;
    }
    Ok(())
}
