//! Where programs of our own are executed from: memory, or files where memory can't be executed.

use std::ffi::{CStr, CString, OsString};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::{env, fs, process, ptr};

use crate::program::last_errno;
use crate::{Error, trial};

/// Executables, for this process and its children. They are gone when this is.
#[derive(Debug)]
pub struct Place {
    files: Vec<Executable>,
    /// Their directory, if they are not in memory.
    directory: Option<PathBuf>,
    /// Whether they are executed by their paths alone: a filter kills for the other way.
    by_path: bool,
}

#[derive(Debug)]
struct Executable {
    /// Of one in memory.
    descriptor: Option<OwnedFd>,
    /// None in memory where /proc is missing.
    path: Option<CString>,
}

/// A file's name, and what it is to hold.
pub type Content = (String, Vec<u8>);

/// Why a place won't do.
#[derive(Debug)]
pub enum Refusal {
    /// Another may.
    Here(String),
    /// None will.
    Everywhere(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Everywhere(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Here(error.to_string())
    }
}

impl Place {
    /// Puts files in the first place from which `tried` can execute them, and answers what that answers.
    ///
    /// # Errors
    /// [`Error::NoPlace`], or what [`Refusal::Everywhere`] holds.
    pub fn find<T>(
        files: &[Content],
        mut tried: impl FnMut(&Place) -> Result<T, Refusal>,
    ) -> Result<(Place, T), Error> {
        let mut refusals = Vec::new();
        let directories = [env::temp_dir(), "/dev/shm".into(), "/var/tmp".into(), "/run".into()];
        for parent in std::iter::once(None).chain(directories.iter().map(Some)) {
            let made = match parent {
                None => Place::in_memory(files),
                Some(parent) => Place::in_directory(parent, files).map_err(Refusal::from),
            };
            match made.and_then(|place| tried(&place).map(|found| (place, found))) {
                Ok(found) => return Ok(found),
                Err(Refusal::Everywhere(error)) => return Err(error),
                Err(Refusal::Here(reason)) => {
                    let name = parent.map_or_else(|| "memory".into(), |parent| parent.display().to_string());
                    refusals.push(format!("{name}: {reason}"));
                }
            }
        }
        Err(Error::NoPlace(refusals.join("; ")))
    }

    fn in_memory(files: &[Content]) -> Result<Place, Refusal> {
        let killing = trial::killing(&[trial::MEMFD_CREATE, trial::EXECVEAT])?;
        if killing.contains(&"memfd_create") {
            return Err(Refusal::Here("an outer seccomp filter kills whoever calls memfd_create".into()));
        }
        // Not "self": whoever this process becomes is to find them too. The link tells our id as this /proc knows it,
        // which may belong to another pid namespace.
        let shown = fs::read_link("/proc/self").map(|own| Path::new("/proc").join(own).join("fd"));
        let executable = |(name, content): &Content| -> io::Result<Executable> {
            let file = memory_file(name, content)?;
            let path = shown.as_ref().ok().map(|shown| c_path(shown.join(file.as_raw_fd().to_string())));
            Ok(Executable { descriptor: Some(file), path: path.transpose()? })
        };
        let files = files.iter().map(executable).collect::<io::Result<_>>()?;
        Ok(Place { files, directory: None, by_path: killing.contains(&"execveat") })
    }

    fn in_directory(parent: &Path, files: &[Content]) -> io::Result<Place> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("socketcall-{}-{}", process::id(), NEXT.fetch_add(1, Relaxed));
        let directory = parent.join(name);
        // Fails where the name is taken, be it by a link that somebody else has put there.
        DirBuilder::new().mode(0o700).create(&directory)?;
        let mut place = Place { files: vec![], directory: Some(directory.clone()), by_path: true };
        for (name, content) in files {
            let path = directory.join(name);
            new_file(&path, content)?;
            place.files.push(Executable { descriptor: None, path: Some(c_path(path)?) });
        }
        Ok(place)
    }

    /// The path of the file with this index, for this process and its children.
    ///
    /// # Errors
    /// Files in memory have paths where /proc is mounted only.
    pub fn path(&self, index: usize) -> io::Result<PathBuf> {
        let path = self.files.get(index).and_then(|file| file.path.clone());
        let path = path.ok_or_else(|| io::Error::other("/proc is not mounted"))?;
        Ok(OsString::from_vec(path.into_bytes()).into())
    }

    /// Executes the first file, with no environment. Returns on failure only, with the errno. Async-signal-safe.
    pub(crate) fn execute(&self, argv: &[*const libc::c_char]) -> i32 {
        const NONE: [*const libc::c_char; 1] = [ptr::null()];
        let mut errno = libc::ENOENT;
        let Some(file) = self.files.first() else { return errno };
        if let Some(file) = &file.descriptor
            && !self.by_path
        {
            let (fd, flags) = (file.as_raw_fd(), libc::AT_EMPTY_PATH);
            // SAFETY: an empty path, and lists of strings that end with a null.
            unsafe {
                libc::syscall(libc::SYS_execveat, fd, c"".as_ptr(), argv.as_ptr(), NONE.as_ptr(), flags);
            }
            errno = last_errno();
        }
        if let Some(path) = &file.path
            && errno != libc::ENOEXEC
        {
            // SAFETY: as above.
            unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), NONE.as_ptr()) };
            errno = last_errno();
        }
        errno
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            // What can't be removed stays; nobody can do better.
            let _ = fs::remove_dir_all(directory);
        }
    }
}

fn c_path(path: PathBuf) -> io::Result<CString> {
    Ok(CString::new(path.into_os_string().into_vec())?)
}

/// A file in memory that can be executed.
fn memory_file(name: &str, content: &[u8]) -> io::Result<OwnedFd> {
    let name = CString::new(name)?;
    let create = |name: &CStr, flags| {
        // SAFETY: the name ends with a zero.
        unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | flags) }
    };
    // Where vm.memfd_noexec is 1, executing is to be asked for; before Linux 6.3 there is no such flag.
    let fd = match create(&name, libc::MFD_EXEC) {
        -1 if last_errno() == libc::EINVAL => create(&name, 0),
        fd => fd,
    };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made, and nobody else knows it.
    let mut file = unsafe { File::from_raw_fd(fd) };
    write_all(&mut file, content)?;
    Ok(file.into())
}

/// Writes an executable to a new file.
///
/// # Errors
/// It can't be written; something has this path already.
pub fn new_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(path)?;
    write_all(&mut file, content)
}

/// Writes, and answers EFBIG where files must not get so long (RLIMIT_FSIZE), instead of dying of SIGXFSZ.
fn write_all(file: &mut File, content: &[u8]) -> io::Result<()> {
    // SAFETY: both dispositions are the kernel's own or what was there.
    let before = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let written = file.write_all(content);
    if before != libc::SIG_ERR {
        // SAFETY: as above.
        unsafe { libc::signal(libc::SIGXFSZ, before) };
    }
    written
}

#[cfg(test)]
mod tests {
    use super::{Place, Refusal};
    use crate::Error;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn one_place_after_the_other_is_tried_and_nothing_is_left() {
        let files = [("one".to_owned(), b"1".to_vec()), ("two".to_owned(), b"2".to_vec())];
        let mut seen = vec![];
        let found = Place::find(&files, |place| -> Result<(), Refusal> {
            for (index, (_, content)) in files.iter().enumerate() {
                assert_eq!(std::fs::read(place.path(index)?)?, *content);
            }
            if let Some(directory) = &place.directory {
                assert_eq!(std::fs::metadata(directory)?.permissions().mode() & 0o777, 0o700);
                seen.push(directory.clone());
            }
            Err(Refusal::Here("no".into()))
        });
        let Err(Error::NoPlace(refusals)) = found else { panic!("{found:?}") };
        assert!(refusals.starts_with("memory: no; /") && !seen.is_empty(), "{refusals}");
        assert!(seen.iter().all(|directory| !directory.exists()), "{seen:?}");
    }

    #[test]
    fn what_holds_everywhere_is_tried_once() {
        let mut tried = 0;
        let found = Place::find(&[], |_| -> Result<(), Refusal> {
            tried += 1;
            Err(Error::No32Bit.into())
        });
        assert!(matches!(found, Err(Error::No32Bit)) && tried == 1);
    }
}
