//! Compiling the guests with the host's gcc, for musl with the i386 tree's library.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, anyhow, bail};

use super::table::{Build, Guest};
use super::{Shared, script};
use crate::suites::World;

/// The guests' builds, each kind in a directory of its own.
pub struct Builder<'a> {
    world: &'a World,
    sources: PathBuf,
    shared: Shared,
    failures: Mutex<BTreeMap<PathBuf, String>>,
}

impl<'a> Builder<'a> {
    pub fn new(world: &'a World) -> Result<Builder<'a>> {
        let sources = world.workspace.source.join("tests/guests");
        Ok(Builder { world, sources, shared: Shared::new()?, failures: Mutex::default() })
    }

    /// Builds each guest once. Failures are told by [`Builder::built`], to the cases that they concern.
    pub fn build_all(&self, wanted: impl Iterator<Item = (&'static Guest, Build)>) -> Result<()> {
        let mut jobs: Vec<(&Guest, Build)> = Vec::new();
        for (guest, build) in wanted {
            if !jobs.iter().any(|job| std::ptr::eq(job.0, guest) && job.1 == build) {
                jobs.push((guest, build));
            }
        }
        let jobs = Mutex::new(jobs);
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some((guest, build)) = jobs.lock().ok().and_then(|mut jobs| jobs.pop()) {
                        if let Err(error) = self.build(guest, build)
                            && let Ok(mut failures) = self.failures.lock()
                        {
                            failures.insert(self.directory(build).join(guest.name), format!("{error:#}"));
                        }
                    }
                });
            }
        });
        Ok(())
    }

    /// Builds a guest; answers where it lies.
    pub fn make(&self, guest: &Guest, build: Build) -> Result<PathBuf> {
        self.build(guest, build)?;
        Ok(self.directory(build).join(guest.name))
    }

    /// The directory in which a guest lies, if it was built.
    pub fn built(&self, guest: &Guest, build: Build) -> Result<PathBuf> {
        let directory = self.directory(build);
        let failures = self.failures.lock().map_err(|_| anyhow!("a compiling thread panicked"))?;
        match failures.get(&directory.join(guest.name)) {
            Some(failure) => bail!("{failure}"),
            None => Ok(directory),
        }
    }

    fn directory(&self, build: Build) -> PathBuf {
        self.shared.0.join(build.name().replace(' ', "-"))
    }

    fn build(&self, guest: &Guest, build: Build) -> Result<()> {
        let directory = self.directory(build);
        fs::create_dir_all(&directory)?;
        let program = directory.join(guest.name);
        // A musl tree that is missing is the case's to tell, by skipping.
        let Ok((mut gcc, libraries)) = self.compiler(guest, build) else { return Ok(()) };
        gcc.arg("-o").arg(&program);
        compile(gcc, guest, &self.sources, &libraries)?;
        if guest.name == "chain" {
            let mut gcc = Command::new("gcc");
            gcc.args(["-m64", "-O2", "-o"]).arg(directory.join("chain64"));
            compile(gcc, guest, &self.sources, &[])?;
            script(&directory.join("script"), &format!("#!{} script\n", program.display()))?;
        }
        Ok(())
    }

    /// gcc with its flags, and what comes after the sources.
    fn compiler(&self, guest: &Guest, build: Build) -> Result<(Command, Vec<OsString>)> {
        let mut gcc = Command::new("gcc");
        if guest.is_cplusplus() {
            gcc = Command::new("g++");
            // Exceptions may come from anywhere: from signal handlers.
            gcc.args(["-fnon-call-exceptions", "-fasynchronous-unwind-tables"]);
        }
        gcc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]);
        let flags: &[&str] = match build {
            Build::Dynamic => &["-m32", "-fpie", "-pie"],
            Build::Static => &["-m32", "-static", "-no-pie", "-fno-pie"],
            Build::StaticPie => &["-m32", "-static-pie", "-fpie"],
            Build::Bare => &["-m32", "-nostdlib", "-static", "-no-pie"],
            Build::SixtyFour => &["-m64"],
            Build::MuslDynamic => &["-m32", "-nostdinc", "-nostdlib", "-fno-pie", "-no-pie"],
            Build::MuslStatic => &["-m32", "-nostdinc", "-nostdlib", "-fno-pie", "-no-pie", "-static"],
        };
        gcc.args(flags);
        let mut libraries = Vec::new();
        if build.is_musl() {
            // What musl-gcc's specification file does, for a library that is not installed.
            let tree = self.world.debian.as_ref().map_err(|why| anyhow!("{why}"))?;
            let library = tree.join("usr/lib/i386-linux-musl");
            gcc.arg("-isystem").arg(tree.join("usr/include/i386-linux-musl"));
            gcc.arg(format!("-Wl,--dynamic-linker={}", tree.join("lib/ld-musl-i386.so.1").display()));
            gcc.arg(library.join("crt1.o")).arg(library.join("crti.o")).arg("-L").arg(&library);
            libraries.extend(["-lc", "-lgcc"].map(OsString::from));
            libraries.push(library.join("crtn.o").into());
        }
        Ok((gcc, libraries))
    }
}

fn compile(mut gcc: Command, guest: &Guest, sources: &Path, libraries: &[OsString]) -> Result<()> {
    gcc.args(guest.sources.iter().map(|name| sources.join(name))).args(libraries);
    let output = gcc.output().context("cannot start gcc")?;
    if !output.status.success() {
        bail!("{}\n{}", crate::process::line(&gcc), String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}
