//! Where the sources and the build are.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

/// The directories of this workspace.
pub struct Workspace {
    /// The root of the sources.
    pub source: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
}

impl Workspace {
    /// Asks cargo, which knows about CARGO_TARGET_DIR and its configuration files.
    pub fn find() -> Result<Workspace> {
        let output = cargo()
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .context("cargo metadata")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let directory = |key: &str| -> Result<PathBuf> {
            let path = metadata[key].as_str().with_context(|| format!("cargo metadata has no {key}"))?;
            Ok(PathBuf::from(path))
        };
        Ok(Workspace { source: directory("workspace_root")?, target: directory("target_directory")? })
    }

    /// The released program, built if need be.
    pub fn socketcall(&self) -> Result<PathBuf> {
        let status = cargo()
            .args(["build", "--quiet", "--release", "--package", "socketcall"])
            .current_dir(&self.source)
            .status()
            .context("cargo build")?;
        ensure!(status.success(), "the program does not build");
        let program = self.target.join("x86_64-unknown-linux-gnu/release/socketcall");
        if !program.is_file() {
            bail!("cargo built no {}: .cargo/config.toml names the target", program.display());
        }
        Ok(program)
    }

    /// The tests of the stub, with a kernel's vDSO in the place of this one's.
    pub fn test_stub(&self, vdso: &Path) -> Result<Output> {
        let mut cargo = cargo();
        cargo.args(["test", "--quiet", "--package", "socketcall-stub", "--test", "stub"]);
        cargo.current_dir(&self.source).env("SOCKETCALL_VDSO", vdso);
        cargo.output().context("cargo test")
    }

    /// `cargo test` of `invoke` for 32-bit code.
    pub fn cargo_test_i686(&self) -> Result<bool> {
        let arguments = ["test", "--package", "socketcall-invoke", "--target", I686];
        Ok(cargo().args(arguments).current_dir(&self.source).status()?.success())
    }

    /// `cargo test` for every crate.
    pub fn cargo_test(&self) -> Result<bool> {
        let status =
            cargo().args(["test", "--workspace", "--no-fail-fast"]).current_dir(&self.source).status()?;
        Ok(status.success())
    }
}

/// The 32-bit target that the crate `invoke` is for, too.
pub const I686: &str = "i686-unknown-linux-gnu";

/// Whether this toolchain has that target's standard library.
pub fn has_i686() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", I686]).output();
    let libraries =
        output.ok().and_then(|output| Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()));
    let files = libraries.and_then(|directory| std::fs::read_dir(directory).ok());
    files.is_some_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libcore-")))
    })
}

/// The cargo that started us, or the one in PATH.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Makes `directory` anew and empty.
pub fn fresh(directory: &Path) -> Result<()> {
    if directory.exists() {
        std::fs::remove_dir_all(directory)
            .with_context(|| format!("cannot clear {}", directory.display()))?;
    }
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))
}
