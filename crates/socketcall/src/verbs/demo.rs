//! `socketcall demo`: the multiplexer, what denying it breaks, and what `run` does about it.

mod article;
mod emulated;
mod instructions;
mod observe;
mod parts;
mod place;
mod process;
mod talk;
mod text;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use abi::Errno;
use anyhow::Result;
use clap::{Args, ValueEnum};
use guest32::{Entry, Guest, Program};
use nix::sys::signal::Signal;

use place::Place;
use text::Page;

/// Shows the multiplexer at work, and what `run` is good for
///
/// Runs small 32-bit programs that socketcall carries, so nothing 32-bit needs to be installed: (1) one call
/// after the other, with registers and parameter array; (2) a client and a server; (3) both under a seccomp
/// filter that denies socketcall; (4) both under the same filter by `socketcall run`.
///
/// Exit status: 0 if all went as the text says, 1 if something did not (it is named at the end), 2 if the
/// programs can't be run here.
#[derive(Debug, Args)]
pub struct Demo {
    /// The part to show alone
    pub part: Option<Only>,

    /// Write the 32-bit programs to DIR as executables, and show nothing
    #[arg(long, value_name = "DIR", conflicts_with = "part")]
    pub write: Option<PathBuf>,
}

/// A part that can be shown alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// The first: the article's program, call by call
    Article,
}

/// What was found to be so on this machine.
struct Findings {
    /// Whether seccomp filters judge this process and what it starts.
    filtered: bool,
    /// What these filters do to whoever makes a socketcall.
    denied: Option<Denial>,
    /// The ways into the kernel that a program can take.
    entries: Vec<Entry>,
    /// What is not as the text says.
    unexpected: Vec<String>,
}

/// How an outer filter denies socketcall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    /// The call answers this.
    Errno(Errno),
    /// The caller is killed; or trapped, which kills who does not expect it.
    Sigsys,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this demo is under a seccomp filter already, and there ")?;
        match self {
            Denial::Errno(errno) => write!(f, "socketcall answers {errno} ({})", explain(*errno)),
            Denial::Sigsys => f.write_str("whoever makes a socketcall is killed"),
        }
    }
}

impl Findings {
    fn unexpected(&mut self, what: String) {
        self.unexpected.push(what);
    }
}

/// Carries out the verb; answers whether all went as the text says.
///
/// # Errors
/// Nothing can be shown here; or what is shown could not be written, and the error has the
/// [`io::Error`] in its chain.
pub fn run(args: &Demo, out: &mut dyn Write) -> Result<bool> {
    let mut page = Page::new(out);
    if let Some(directory) = &args.write {
        place::write_all(directory)?;
        wrote(&mut page, directory)?;
        page.flush()?;
        return Ok(true);
    }
    let place = match Place::find() {
        Err(error) if matches!(error.downcast_ref(), Some(socketcall::Error::No32Bit)) => {
            let done = emulated::show(&mut page)?;
            page.flush()?;
            return Ok(done);
        }
        place => place?,
    };
    let filtered = seccomp::mode() == seccomp::Mode::Filter;
    let mut findings = Findings { filtered, denied: None, entries: Entry::ALL.to_vec(), unexpected: vec![] };
    page.paragraph(
        "On 32-bit x86, Linux programs make every socket operation through one system call, socketcall. Its \
         arguments lie behind a pointer, so no seccomp filter can judge them; and whoever denies it breaks \
         such programs. The small 32-bit programs below are carried along: nothing 32-bit is needed here.",
    )?;

    let shown = article::show(&mut page, &place, &mut findings);
    unless_written(shown, &mut page, &mut findings)?;
    if args.part.is_none() {
        let shown = parts::show(&mut page, &place, &mut findings);
        unless_written(shown, &mut page, &mut findings)?;
    }
    if !findings.unexpected.is_empty() {
        page.blank()?;
        page.paragraph("Not as it should be:")?;
        for what in &findings.unexpected {
            page.item(what)?;
        }
    }
    if args.part.is_none() {
        next(&mut page)?;
    }
    page.flush()?;
    Ok(findings.unexpected.is_empty())
}

/// A part that can't be shown here does not end the demo; one that can't be written does.
fn unless_written(shown: Result<()>, page: &mut Page, findings: &mut Findings) -> Result<()> {
    match shown {
        Err(error) if !error.is::<io::Error>() => {
            findings.unexpected(format!("{error:#}"));
            Ok(page.body(&format!("This can't be shown here: {error:#}."))?)
        }
        shown => shown,
    }
}

/// Which programs there are now.
fn wrote(page: &mut Page, directory: &Path) -> io::Result<()> {
    page.paragraph(&format!(
        "{} programs are in {}, each by two entries, as {} files: NAME-int80, and NAME-vdso.",
        Program::ALL.len(),
        directory.display(),
        Guest::ALL.len()
    ))?;
    page.rows(&Program::ALL.map(|program| [program.name().to_owned(), program.arguments().to_owned()]))?;
    page.paragraph("For instance:")?;
    page.line(format_args!("socketcall run -v -- {}", directory.join("all-calls-int80").display()))
}

/// What the user can do next, each by itself or after the one above it.
fn next(page: &mut Page) -> io::Result<()> {
    page.blank()?;
    page.paragraph("To try next:")?;
    page.rows(
        &[
            ["socketcall calls connect", "a call: its arguments and numbers"],
            ["socketcall demo --write guests", "these programs, as files"],
            ["socketcall run -v -- guests/all-calls-vdso", "all of the twenty calls"],
        ]
        .map(|row| row.map(String::from)),
    )
}

/// A signal's name.
fn signal(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| signal.to_string())
}

/// What an error means, in the words of strerror(3).
fn explain(errno: Errno) -> String {
    nix::errno::Errno::from_raw(errno.raw()).desc().to_owned()
}
