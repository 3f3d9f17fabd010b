//! An apt with lists, cache and state of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// For packages of one architecture, none of which is installed.
pub struct Apt {
    pub home: PathBuf,
    pub architecture: &'static str,
}

impl Apt {
    /// Where packages are downloaded to.
    pub fn archives(&self) -> PathBuf {
        self.home.join("cache/archives")
    }

    /// Fetches the lists. A mirror that is being synchronised gives stale ones for a part; whether that matters
    /// shows when packages are resolved.
    pub fn update(&self) {
        if let Err(error) = self.run("apt-get", &["update", "-qq"]) {
            let error = format!("{error:#}");
            println!("note: {}", error.lines().next().unwrap_or_default());
        }
    }

    /// Writes apt's configuration. It comes after the host's own, so that proxies and the like hold.
    pub fn configure(&self, sources: &str) -> Result<()> {
        for directory in ["lists/partial", "cache/archives/partial", "state"] {
            fs::create_dir_all(self.home.join(directory))?;
        }
        // No package is installed, so that everything that is needed is resolved, and nothing else.
        fs::write(self.home.join("status"), "")?;
        fs::write(self.home.join("debian.sources"), sources)?;
        let architecture = self.architecture;
        let home = self.home.to_str().context("the target directory's name is not UTF-8")?;
        let configuration = format!(
            r#"#clear APT::Architectures;
#clear APT::Update;
#clear DPkg;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{home}/state";
Dir::State::lists "{home}/lists";
Dir::State::status "{home}/status";
Dir::Cache "{home}/cache";
Dir::Etc::sourcelist "{home}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"#
        );
        Ok(fs::write(self.home.join("apt.conf"), configuration)?)
    }

    /// Runs one of apt's programs, as root or not, and returns what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = Command::new(program)
            .arg("-c")
            .arg(self.home.join("apt.conf"))
            .args(arguments)
            .current_dir(self.archives())
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {program}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{program} {}: {}", arguments.join(" "), said.trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
