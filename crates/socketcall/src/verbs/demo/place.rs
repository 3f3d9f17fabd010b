//! Where the demo's programs are executed from: memory, or files where memory can't be executed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use guest32::{Entry, Guest, Program};
use nix::errno::Errno;
use supervise::place::{self, Refusal};

/// What the demo runs.
const PROGRAMS: [Program; 3] = [Program::Article, Program::EchoServer, Program::EchoClient];

/// Executables of the demo's guests. They are gone when this is.
pub struct Place {
    paths: Vec<(Guest, PathBuf)>,
    /// What keeps them.
    _files: place::Place,
}

impl Place {
    /// The first place that programs can be executed from.
    ///
    /// # Errors
    /// [`socketcall::Error::No32Bit`], or there is no such place.
    pub fn find() -> Result<Place> {
        let files: Vec<_> = guests().map(|guest| (guest.name(), guest.image())).collect();
        let paths = |place: &place::Place| -> io::Result<Vec<(Guest, PathBuf)>> {
            guests().enumerate().map(|(index, guest)| Ok((guest, place.path(index)?))).collect()
        };
        let found = place::Place::find(&files, |place| {
            let paths = paths(place)?;
            tried(&paths)?;
            Ok(paths)
        });
        match found {
            Ok((files, paths)) => Ok(Place { paths, _files: files }),
            Err(socketcall::Error::NoPlace(refusals)) => bail!(
                "the demo's programs can't be executed from anywhere ({refusals}): name a directory by TMPDIR=DIR \
                 that is writable and not mounted noexec"
            ),
            Err(error) => Err(error.into()),
        }
    }

    /// The path of a guest's executable, for this process and its children.
    pub fn path(&self, guest: Guest) -> PathBuf {
        let path = self.paths.iter().find(|(of, _)| *of == guest).map(|(_, path)| path.clone());
        path.expect("one of the demo's guests")
    }
}

/// Executes the smallest program.
fn tried(paths: &[(Guest, PathBuf)]) -> Result<(), Refusal> {
    let article = Guest { program: Program::Article, entry: Entry::Int80 };
    let path = paths.iter().find(|(guest, _)| *guest == article).map(|(_, path)| path);
    let path = path.expect("one of the demo's guests");
    match Command::new(path).stdin(Stdio::null()).stdout(Stdio::null()).status() {
        Ok(_) => Ok(()),
        Err(error) if error.raw_os_error() == Some(Errno::ENOEXEC as i32) => {
            Err(socketcall::Error::No32Bit.into())
        }
        Err(error) => Err(error.into()),
    }
}

fn guests() -> impl Iterator<Item = Guest> {
    Guest::ALL.into_iter().filter(|guest| PROGRAMS.contains(&guest.program))
}

/// Writes every guest into `directory`, which is made if it isn't there. A file that is there already and
/// holds something else is left alone.
///
/// # Errors
/// What could not be written, and why.
pub fn write_all(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    for guest in Guest::ALL {
        let path = directory.join(guest.name());
        match place::new_file(&path, &guest.image()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(&path).ok() != Some(guest.image()) {
                    bail!(
                        "{}: something else is there: remove it, or name another directory",
                        path.display()
                    );
                }
            }
            other => other.with_context(|| path.display().to_string())?,
        }
    }
    Ok(())
}
