//! `socketcall check`: which socket families can a program create, and by which way? Asked of this machine, or
//! of a seccomp profile.

mod ask;
mod here;
mod json;
mod judge;
pub mod profile;
mod text;
mod words;

use std::io::{self, Write};

use ::profile::Family;
use anyhow::Result;
use clap::Args;

use self::profile::{ProfileArgs, Status};
use ask::Asked;
use here::Here;
use judge::{FamilyReport, Finding, Verdict};

/// Tells whether socketcall is a back door here, or closed and 32-bit programs broken
///
/// Tries every socket family by every way into the kernel: socket(2) of x86-64, with upper bits, and of x32; the
/// direct and the multiplexed call of i386, from a 64-bit and from a 32-bit program; io_uring. Each is tried
/// in a process of its own, so that being killed is an answer. Needs no privileges, and changes nothing: no kernel
/// module is loaded, unless --create asks for it.
///
/// Exit status: 0 fine, 1 a back door, 2 could not be checked, 3 no back door, but 32-bit programs are broken.
#[derive(Debug, Args)]
pub struct Check {
    /// Create a socket of every family, not only of those that are loaded
    ///
    /// The kernel may load modules for them. Otherwise, seccomp alone is asked about the others.
    #[arg(long, conflicts_with = "profile")]
    pub create: bool,

    /// Check this family alone: a name such as ALG, AF_ALG, or a number; may be repeated
    #[arg(long = "family", value_name = "NAME", value_parser = family)]
    pub families: Vec<Family>,

    /// Write one JSON object; docs/check.md describes it
    #[arg(long)]
    pub json: bool,

    /// A profile instead of this machine.
    #[command(flatten)]
    pub profile: ProfileArgs,
}

fn family(name: &str) -> Result<Family, String> {
    Family::parse(name).map_err(|near| match near.as_slice() {
        [] => "no such family: names and numbers are those of linux/socket.h, 1 to 45".to_owned(),
        near => format!("no such family; near names: {}", near.join(", ")),
    })
}

/// All that was found on this machine.
struct Checked {
    asked: Asked,
    here: Here,
    families: Vec<FamilyReport>,
    findings: Vec<Finding>,
}

impl Checked {
    fn has(&self, verdict: Verdict) -> bool {
        self.families.iter().any(|report| report.verdict == verdict)
    }

    fn status(&self) -> Status {
        if self.has(Verdict::BackDoor) {
            Status::BackDoor
        } else if self.has(Verdict::Unknown) {
            Status::Unknown
        } else if self.has(Verdict::Broken) {
            Status::Broken
        } else {
            Status::Fine
        }
    }

    /// The worst verdict, and whether what decides is seccomp.
    fn verdict(&self) -> Verdict {
        let by_seccomp = |report: &&FamilyReport| report.verdict == Verdict::Closed && report.by_seccomp();
        match self.families.iter().map(|report| report.verdict).max() {
            Some(worst) if worst > Verdict::Open => worst,
            Some(_) if self.families.iter().any(|report| by_seccomp(&report)) => Verdict::Closed,
            Some(worst) => worst,
            None => Verdict::Open,
        }
    }

    /// Whether 64-bit programs can create sockets, and 32-bit ones none.
    fn closes_32_bit(&self) -> bool {
        self.has(Verdict::Open)
            && !self.asked.has_no_32_bit()
            && self.families.iter().all(|report| judge::is_closed_to_32_bit(&report.ways))
    }

    /// Everything in few words.
    fn headline(&self) -> String {
        let closed =
            self.families.iter().any(|report| report.verdict == Verdict::Closed && report.by_seccomp());
        let verdict = match self.verdict() {
            Verdict::Broken if closed => "closed and broken",
            verdict => verdict.name(),
        };
        let no_entry = if self.asked.has_no_32_bit() { ", no 32-bit support" } else { "" };
        format!("{verdict}{no_entry}")
    }
}

/// The verdict counts even if nobody reads it to its end: who has closed the pipe gets no more, and no error.
struct Unread<'a>(&'a mut dyn Write);

impl Write for Unread<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

/// Carries out the verb. What `--profile --fix` changes is said on `err`.
///
/// # Errors
/// Why nothing could be checked: exit status 2.
pub fn run(args: &Check, out: &mut dyn Write, err: &mut dyn Write) -> Result<Status> {
    let out = &mut Unread(out);
    let families = match args.families.as_slice() {
        [] => Family::all().collect(),
        named => {
            let mut families = named.to_vec();
            families.sort_unstable();
            families.dedup();
            families
        }
    };
    if let Some(file) = &args.profile.profile {
        return profile::run(&args.profile, file, &families, args.json, out, err);
    }
    let asked = Asked::here(&families, args.create);
    let here = Here::find();
    let reports = judge::families(&families, &asked);
    let findings = judge::findings(&reports, &here);
    let checked = Checked { asked, here, families: reports, findings };
    if args.json {
        json::write(&checked, out)?
    } else {
        text::write(&checked, out)?
    }
    Ok(checked.status())
}
