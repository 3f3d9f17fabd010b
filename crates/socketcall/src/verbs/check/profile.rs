//! `socketcall check --profile`: which socket families a container under a seccomp profile can create, and by
//! which way, without running it.

mod json;
mod read;
mod text;
mod words;

pub use text::wrapped;
pub use words::families;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use profile::{
    Compiled, Family, FindingKind, Kernel, Machine, Profile, Report, Runtime, Target, Verdict,
    parse_capability,
};

/// The options of `check` that are about a profile.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ProfileArgs {
    /// Judge a seccomp profile of Docker, Podman or an OCI runtime, instead of this machine
    ///
    /// The profile is compiled as runtimes do through libseccomp. FILE is JSON: a profile as `docker run
    /// --security-opt seccomp=FILE` takes it, the `seccomp` object of the runtime specification, or a bundle's
    /// config.json; `-` is standard input.
    #[arg(long, value_name = "FILE", help_heading = "A profile instead of this machine")]
    pub profile: Option<PathBuf>,

    /// Write a profile that closes what was found open, and that runtimes drop nothing of
    ///
    /// What need not change stays as it is. It goes to standard output, or to --output; what was changed is
    /// said on standard error. The exit status is that of the new profile.
    #[arg(
        long,
        requires = "profile",
        conflicts_with = "json",
        help_heading = "A profile instead of this machine"
    )]
    pub fix: bool,

    /// Where --fix writes
    #[arg(
        long,
        short,
        value_name = "FILE",
        requires = "fix",
        help_heading = "A profile instead of this machine"
    )]
    pub output: Option<PathBuf>,

    /// The architecture: amd64 (the default) or 386
    ///
    /// Others have no socketcall, or one that `run` does not know; see `socketcall calls --arch`.
    #[arg(
        long,
        value_name = "ARCH",
        requires = "profile",
        value_parser = machine,
        help_heading = "A profile instead of this machine"
    )]
    pub arch: Option<Machine>,

    /// A capability of the container, instead of Docker's default ones; may be repeated
    ///
    /// `NET_RAW`, `CAP_NET_RAW` and `net_raw` are the same, commas separate several, and `none` and `all` are
    /// what they say. Rules of a profile can depend on capabilities.
    #[arg(
        long,
        value_name = "CAP",
        value_delimiter = ',',
        requires = "profile",
        value_parser = capabilities,
        help_heading = "A profile instead of this machine"
    )]
    pub cap: Vec<Capabilities>,

    /// The kernel's release, for rules with `minKernel`; this machine's, if not given
    #[arg(
        long,
        value_name = "RELEASE",
        requires = "profile",
        value_parser = kernel,
        help_heading = "A profile instead of this machine"
    )]
    pub kernel: Option<Kernel>,

    /// Who compiles the profile
    #[arg(long, value_enum, requires = "profile", help_heading = "A profile instead of this machine")]
    pub runtime: Option<RuntimeName>,

    /// Ignore names that no system call has, as runtimes do
    #[arg(long, requires = "profile", help_heading = "A profile instead of this machine")]
    pub ignore_unknown: bool,
}

/// A container runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RuntimeName {
    /// runc, which Docker and containerd use: calls newer than the profile get ENOSYS
    Runc,
    /// crun, which Podman uses
    Crun,
}

/// A word of `--cap`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities(Vec<&'static str>);

fn machine(name: &str) -> Result<Machine, String> {
    Machine::parse(name).ok_or_else(|| {
        "only amd64 and 386 can be judged: others have no socketcall, or another table of calls".to_owned()
    })
}

fn kernel(release: &str) -> Result<Kernel, String> {
    Kernel::parse(release).ok_or_else(|| "not a release such as 6.12".to_owned())
}

fn capabilities(name: &str) -> Result<Capabilities, String> {
    match name {
        "none" => Ok(Capabilities(Vec::new())),
        "all" => Ok(Capabilities(profile::CAPABILITIES.to_vec())),
        _ => parse_capability(name).map(|name| Capabilities(vec![name])).map_err(|near| {
            match near.as_slice() {
                [] => "no such capability".to_owned(),
                near => format!("no such capability; near names: {}", near.join(", ")),
            }
        }),
    }
}

/// What a verdict exits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Every family is open or closed, whatever the way.
    Fine = 0,
    /// A family is refused directly, and possible another way.
    BackDoor = 1,
    /// The profile does not say: a listener or a tracer decides.
    Unknown = 2,
    /// No back door, but 32-bit programs fail.
    Broken = 3,
}

/// A profile, and all that was found.
struct Judged<'a> {
    file: &'a str,
    profile: &'a Profile,
    target: &'a Target,
    compiled: Compiled,
    report: Report,
}

impl Judged<'_> {
    fn status(&self) -> Status {
        let has = |verdict| self.report.has(verdict);
        if has(Verdict::BackDoor) {
            Status::BackDoor
        } else if has(Verdict::Asked) {
            Status::Unknown
        } else if has(Verdict::Broken) {
            Status::Broken
        } else if self.report.found(FindingKind::UpperBits) {
            Status::BackDoor
        } else {
            Status::Fine
        }
    }

    /// The whole profile in few words.
    fn headline(&self) -> &'static str {
        let has = |verdict| self.report.has(verdict);
        if has(Verdict::BackDoor) {
            Verdict::BackDoor.name()
        } else if has(Verdict::Asked) {
            Verdict::Asked.name()
        } else if has(Verdict::Broken) {
            if has(Verdict::Closed) { "closed and broken" } else { Verdict::Broken.name() }
        } else if has(Verdict::Closed) {
            Verdict::Closed.name()
        } else {
            Verdict::Open.name()
        }
    }
}

/// Judges the profile `file`; `families` are those to tell about. The result goes to `out`; what --fix
/// changes, and what is waited for, to `err`.
///
/// # Errors
/// With the file's name, line and column, why the profile can't be judged: exit status 2.
pub fn run(
    args: &ProfileArgs,
    file: &Path,
    families: &[Family],
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Status> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let text = read::read(file, &name, err)?;
    let target = target(args)?;
    if args.fix {
        return fix(args, &name, &text, &target, out, err);
    }
    let profile = parse(args, &name, &text)?;
    let judged = judge(&name, &profile, &target, families)?;
    if json {
        json::write(&judged, out)?
    } else {
        text::write(&judged, out)?
    }
    Ok(judged.status())
}

fn target(args: &ProfileArgs) -> Result<Target> {
    let kernel = match args.kernel {
        Some(kernel) => kernel,
        None => this_kernel()?,
    };
    let mut target = Target::new(kernel);
    target.machine = args.arch.unwrap_or(target.machine);
    if !args.cap.is_empty() {
        target.caps = args.cap.iter().flat_map(|word| word.0.iter().copied()).collect();
    }
    if args.runtime == Some(RuntimeName::Crun) {
        target.runtime = Runtime::Crun;
    }
    Ok(target)
}

/// By uname(2), which needs no /proc.
fn this_kernel() -> Result<Kernel> {
    let name = nix::sys::utsname::uname().context("uname")?;
    let release = name.release().to_string_lossy();
    Kernel::parse(&release).with_context(|| format!("this kernel's release is {release:?}: give --kernel"))
}

fn parse(args: &ProfileArgs, name: &str, text: &str) -> Result<Profile> {
    let profile = Profile::parse(text).map_err(|error| anyhow!("{name}:{error}"))?;
    if !args.ignore_unknown {
        profile
            .check_names()
            .map_err(|error| anyhow!("{name}:{error}; runtimes ignore it (--ignore-unknown does so here)"))?;
    }
    Ok(profile)
}

fn judge<'a>(
    file: &'a str,
    profile: &'a Profile,
    target: &'a Target,
    families: &[Family],
) -> Result<Judged<'a>> {
    let compiled = profile.compile(target).map_err(|error| anyhow!("{file}:{error}"))?;
    // What is judged is what would be installed, so it must be one that the kernel takes.
    compiled.filter().map_err(|error| anyhow!("{file}: {error}"))?;
    let report = Report::new(&compiled, families.iter().copied());
    Ok(Judged { file, profile, target, compiled, report })
}

fn fix(
    args: &ProfileArgs,
    name: &str,
    text: &str,
    target: &Target,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Status> {
    let profile = parse(args, name, text)?;
    let fixed = profile::fix(&profile, target).map_err(|error| match error {
        profile::FixError::Profile(error) => anyhow!("{name}:{error}"),
        other => anyhow!("{name}: {other}"),
    })?;
    match &args.output {
        None => out.write_all(fixed.text.as_bytes())?,
        Some(path) => {
            std::fs::write(path, &fixed.text).with_context(|| path.display().to_string())?;
        }
    }
    for change in &fixed.changes {
        writeln!(err, "socketcall: {name}: {change}")?;
    }
    if fixed.changes.is_empty() {
        writeln!(err, "socketcall: {name}: nothing to close, so nothing is changed")?;
    }
    let profile = parse(args, name, &fixed.text)?;
    let families: Vec<_> = Family::all().collect();
    let judged = judge(name, &profile, target, &families)?;
    if judged.report.found(FindingKind::Broken) {
        writeln!(err, "socketcall: {name}: 32-bit programs need `socketcall run` there")?;
    }
    if let Some(sentence) = words::no_socket_for_32_bits(&judged) {
        writeln!(err, "socketcall: {name}: {sentence}")?;
    }
    Ok(judged.status())
}
