//! The programs of tests/guests/trace, each built for 32 and for 64 bits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::line;

/// By which entry a guest makes its calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    Int80,
    Vdso,
    Direct,
    X86_64,
}

impl Entry {
    /// The guests' first argument.
    pub fn name(self) -> &'static str {
        match self {
            Entry::Int80 => "int80",
            Entry::Vdso => "vdso",
            Entry::Direct => "direct",
            Entry::X86_64 => "x86-64",
        }
    }

    fn bits(self) -> &'static str {
        if self == Entry::X86_64 { "64" } else { "32" }
    }
}

/// The guests' builds.
pub struct Guests {
    sources: PathBuf,
    built: PathBuf,
}

impl Guests {
    pub fn new(source: &Path, target: &Path) -> Guests {
        Guests { sources: source.join("tests/guests/trace"), built: target.join("oracle") }
    }

    /// A guest's program for an entry, built if its sources are newer.
    pub fn program(&self, name: &str, entry: Entry) -> Result<PathBuf> {
        let directory = self.built.join(entry.bits());
        fs::create_dir_all(&directory)?;
        let program = directory.join(name);
        let assembly = self.sources.join("../entry.S");
        let sources = [self.sources.join(name).with_extension("c"), assembly];
        let headers = [self.sources.join("trace.h"), self.sources.join("../guest.h")];
        let changed = |path: &PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let newest = sources.iter().chain(&headers).map(changed).max().flatten();
        if changed(&program).is_some_and(|built| Some(built) > newest) {
            return Ok(program);
        }
        let mut gcc = Command::new("gcc");
        gcc.args(crate::suites::STATIC_GUEST).arg(format!("-m{}", entry.bits())).arg("-o").arg(&program);
        // The entries by hand are 32-bit code.
        gcc.args(if entry == Entry::X86_64 { &sources[..1] } else { &sources[..] });
        let output = gcc.output().context("cannot start gcc")?;
        if !output.status.success() {
            bail!("{}\n{}", line(&gcc), String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(program)
    }
}
