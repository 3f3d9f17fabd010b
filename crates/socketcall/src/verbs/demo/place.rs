//! Where the demo's programs are executed from: memory, or files where memory can't be executed.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, process};

use anyhow::{Context, Result, bail};
use guest32::{Entry, Guest, Program};
use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};

/// What the demo runs.
const PROGRAMS: [Program; 3] = [Program::Article, Program::EchoServer, Program::EchoClient];

/// Executables of the demo's guests. They are gone when this is.
pub enum Place {
    /// Files in memory, and the directory of /proc that shows them to this process's children.
    Memory { files: Vec<(Guest, OwnedFd)>, shown: PathBuf },
    /// Files in a directory of their own.
    Directory(PathBuf),
}

impl Place {
    /// The first place that programs can be executed from.
    ///
    /// # Errors
    /// [`socketcall::Error::No32Bit`], or there is no such place.
    pub fn find() -> Result<Place> {
        let mut refusals = vec![];
        let directories = [env::temp_dir(), "/dev/shm".into(), "/var/tmp".into(), "/run".into()];
        let places = [(PathBuf::from("memory"), Place::in_memory as fn(&Path) -> Result<Place>)]
            .into_iter()
            .chain(directories.map(|directory| (directory, Place::in_directory as _)));
        for (name, make) in places {
            match make(&name).and_then(|place| place.tried()) {
                Ok(place) => return Ok(place),
                Err(error) if error.is::<socketcall::Error>() => return Err(error),
                Err(error) => refusals.push(format!("{}: {error}", name.display())),
            }
        }
        bail!(
            "the demo's programs can't be executed from anywhere ({}): name a directory by TMPDIR=DIR that is \
             writable and not mounted noexec",
            refusals.join("; ")
        )
    }

    fn in_memory(_: &Path) -> Result<Place> {
        // Not "self": whoever `socketcall run` becomes is to find them too. The link tells our id as this
        // /proc knows it, which may belong to another pid namespace.
        let own = fs::read_link("/proc/self").context("/proc")?;
        let files = guests().map(|guest| Ok((guest, memory_file(&guest)?))).collect::<io::Result<_>>()?;
        Ok(Place::Memory { files, shown: Path::new("/proc").join(own).join("fd") })
    }

    fn in_directory(parent: &Path) -> Result<Place> {
        let directory = parent.join(format!("socketcall-demo-{}", process::id()));
        // Fails where the name is taken, be it by a link that somebody else has put there.
        DirBuilder::new().mode(0o700).create(&directory)?;
        let place = Place::Directory(directory.clone());
        for guest in guests() {
            write(guest, &directory.join(guest.name()))?;
        }
        Ok(place)
    }

    /// Executes the smallest program.
    fn tried(self) -> Result<Place> {
        let article = Guest { program: Program::Article, entry: Entry::Int80 };
        let tried = Command::new(self.path(article)).stdin(Stdio::null()).stdout(Stdio::null()).status();
        match tried {
            Ok(_) => Ok(self),
            Err(error) if error.raw_os_error() == Some(Errno::ENOEXEC as i32) => {
                Err(socketcall::Error::No32Bit.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The path of a guest's executable, for this process and its children.
    pub fn path(&self, guest: Guest) -> PathBuf {
        match self {
            Place::Memory { files, shown } => {
                let file = files.iter().find(|(of, _)| *of == guest).map(|(_, file)| file.as_raw_fd());
                shown.join(file.expect("one of the demo's guests").to_string())
            }
            Place::Directory(directory) => directory.join(guest.name()),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Place::Directory(directory) = self {
            // What can't be removed stays; nobody can do better.
            let _ = fs::remove_dir_all(directory);
        }
    }
}

fn guests() -> impl Iterator<Item = Guest> {
    Guest::ALL.into_iter().filter(|guest| PROGRAMS.contains(&guest.program))
}

/// A file in memory that can be executed.
fn memory_file(guest: &Guest) -> io::Result<OwnedFd> {
    /// Asks for it where `vm.memfd_noexec` makes the opposite the default (linux/memfd.h; since Linux 6.3).
    const MFD_EXEC: MFdFlags = MFdFlags::from_bits_retain(0x10);
    let create = |flags| memfd_create(guest.name().as_str(), MFdFlags::MFD_CLOEXEC | flags);
    let file = match create(MFD_EXEC) {
        Err(Errno::EINVAL) => create(MFdFlags::empty()),
        other => other,
    };
    let mut file = File::from(file?);
    file.write_all(&guest.image())?;
    Ok(file.into())
}

/// Writes a guest to a new file.
fn write(guest: Guest, path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(path)?;
    file.write_all(&guest.image())
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
        match write(guest, &path) {
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
