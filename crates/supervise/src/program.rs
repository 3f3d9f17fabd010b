//! Finding the program, and executing it.

use std::env;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::ptr;

use object::LittleEndian;
use object::elf::{EM_386, EM_X86_64, FileHeader32, FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::Error;

/// Where execvp(3) looks when there is no PATH.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// What execvp(3) gives a file to that is no program the kernel knows.
const SHELL: &CStr = c"/bin/sh";

/// What a program's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A 32-bit x86 ELF file.
    I386,
    /// Any other ELF file.
    X86_64,
    /// A file that begins with `#!`.
    Script,
    /// Something else, which the kernel may know by binfmt_misc, and a shell may take for a script.
    Other,
}

/// A program that was found, with all that execve needs allocated beforehand: between fork and exec nothing
/// may be.
pub(crate) struct Program {
    given: PathBuf,
    in_path: bool,
    file: CString,
    argv: Strings,
    /// With which arguments the shell gets the file, if execve does not know what it is.
    shell_argv: Option<Strings>,
    /// The environment, if not the caller's.
    envp: Option<Strings>,
}

/// Strings as execve takes them: a list of pointers that ends with a null.
struct Strings {
    /// What the pointers point to.
    _strings: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

// SAFETY: the pointers are to the strings beside them, which nobody changes.
unsafe impl Send for Strings {}

impl Strings {
    fn new(strings: Vec<CString>) -> Strings {
        let pointers = strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
        Strings { _strings: strings, pointers }
    }
}

impl Program {
    /// Finds `program` as execvp(3) does: by PATH if it holds no slash. `args` come after its name; `env` is the
    /// whole environment, or that of the caller.
    ///
    /// # Errors
    /// It is not there, can't be executed, or can't be read; an argument can't be passed on.
    pub(crate) fn find(
        program: &OsStr,
        args: &[OsString],
        env: Option<&[(OsString, OsString)]>,
    ) -> Result<Program, Error> {
        let in_path = !program.as_bytes().contains(&b'/');
        let given = PathBuf::from(program);
        let file = if in_path { search(program)? } else { given.clone() };
        let file_name = c_string(file.as_os_str())?;
        let head = match open(&file) {
            Ok(Some(file)) => {
                let mut head = Vec::new();
                let _ = file.take(4).read_to_end(&mut head);
                head
            }
            // execve refuses it.
            Ok(None) => vec![],
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_executable(&file) => {
                return Err(Error::Unreadable(file));
            }
            Err(error) => return Err(failure(&file, in_path, error)),
        };
        let args = args.iter().map(|arg| c_string(arg)).collect::<Result<Vec<_>, _>>()?;
        let with =
            |first: Vec<CString>| Strings::new(first.into_iter().chain(args.iter().cloned()).collect());
        let shell_argv = (head != *b"\x7fELF").then(|| with(vec![SHELL.into(), file_name.clone()]));
        let variable = |(name, value): &(OsString, OsString)| {
            c_string(&[name.as_os_str(), OsStr::new("="), value].into_iter().collect::<OsString>())
        };
        let envp = env.map(|env| env.iter().map(variable).collect::<Result<_, _>>()).transpose()?;
        Ok(Program {
            argv: with(vec![c_string(program)?]),
            given,
            in_path,
            file: file_name,
            shell_argv,
            envp: envp.map(Strings::new),
        })
    }

    /// The file that is executed.
    pub(crate) fn file(&self) -> PathBuf {
        OsStr::from_bytes(self.file.as_bytes()).into()
    }

    /// Whether execve would take the file, as far as that can be told without calling it.
    ///
    /// # Errors
    /// What [`Program::error`] would tell after execve.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let file = self.file();
        if !is_executable(&file) {
            return Err(self.error(libc::EACCES));
        }
        // For other machines' programs binfmt_misc may bring what loads them.
        match interpreter(&file) {
            Some(interpreter) if is_ours(&file) && !interpreter.exists() => Err(self.error(libc::ENOENT)),
            _ => Ok(()),
        }
    }

    /// What the file is.
    pub(crate) fn kind(&self) -> Kind {
        let file = self.file();
        match head(&file) {
            _ if is_i386(&file) => Kind::I386,
            Some(head) if head.starts_with(b"\x7fELF") => Kind::X86_64,
            Some(head) if head.starts_with(b"#!") => Kind::Script,
            _ => Kind::Other,
        }
    }

    /// Becomes the program. Returns on failure only, with an errno for [`Program::error`]. Async-signal-safe.
    pub(crate) fn execute(&self) -> i32 {
        // SAFETY: the C library's list of the environment, which ends with a null; nobody changes it between
        // fork and exec.
        let own = unsafe { environ };
        let envp = self.envp.as_ref().map_or(own, |strings| strings.pointers.as_ptr());
        // SAFETY: a string that ends with a zero, and lists of such that end with a null.
        unsafe { libc::execve(self.file.as_ptr(), self.argv.pointers.as_ptr(), envp) };
        let errno = last_errno();
        if let Some(argv) = &self.shell_argv
            && errno == libc::ENOEXEC
        {
            // SAFETY: as above.
            unsafe { libc::execve(SHELL.as_ptr(), argv.pointers.as_ptr(), envp) };
        }
        errno
    }

    /// What an errno of [`Program::execute`] means.
    pub(crate) fn error(&self, errno: i32) -> Error {
        let error = io::Error::from_raw_os_error(errno);
        match failure(&self.file(), self.in_path, error) {
            Error::NotFound { in_path, .. } => Error::NotFound { program: self.given.clone(), in_path },
            other => other,
        }
    }
}

unsafe extern "C" {
    static environ: *const *const libc::c_char;
}

pub(crate) fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn c_string(string: &OsStr) -> Result<CString, Error> {
    CString::new(string.as_bytes()).map_err(|_| Error::ZeroByte(string.to_owned()))
}

/// The first executable file of this name in PATH. One that may not be executed is remembered, for its
/// error is of more use than that nothing was found.
fn search(name: &OsStr) -> Result<PathBuf, Error> {
    let not_found = || Error::NotFound { program: name.into(), in_path: true };
    if name.is_empty() {
        return Err(not_found());
    }
    let path = env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let mut refused = None;
    for directory in env::split_paths(&path) {
        // An empty entry is the current directory.
        let file =
            if directory.as_os_str().is_empty() { Path::new(".").join(name) } else { directory.join(name) };
        if is_executable(&file) {
            return Ok(file);
        }
        if file.is_file() {
            refused = refused.or(Some(file));
        }
    }
    match refused {
        Some(program) => {
            Err(Error::NotExecutable { program, error: io::Error::from_raw_os_error(libc::EACCES) })
        }
        None => Err(not_found()),
    }
}

/// Whether this is a file that we may execute.
fn is_executable(file: &Path) -> bool {
    let Ok(name) = c_string(file.as_os_str()) else { return false };
    // SAFETY: the path is a string that ends with a zero; faccessat reads nothing else.
    let allowed =
        unsafe { libc::faccessat(libc::AT_FDCWD, name.as_ptr(), libc::X_OK, libc::AT_EACCESS) } == 0;
    allowed && file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What an error about `file` means.
fn failure(file: &Path, in_path: bool, error: io::Error) -> Error {
    let program = file.to_owned();
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => match interpreter(file) {
            Some(interpreter) => Error::NoInterpreter { program, interpreter },
            None => Error::NotFound { program, in_path },
        },
        Some(libc::ENOEXEC) if is_i386(file) => Error::No32Bit,
        _ => Error::NotExecutable { program, error },
    }
}

/// Opens a file for reading. None if it is no regular one: to open a FIFO waits for a writer, and a device may do anything.
fn open(file: &Path) -> io::Result<Option<File>> {
    if file.metadata()?.is_file() { File::open(file).map(Some) } else { Ok(None) }
}

/// Enough of a file for its ELF headers.
fn head(file: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    open(file).ok()??.take(65536).read_to_end(&mut head).ok()?;
    Some(head)
}

/// Whether this is a 32-bit x86 ELF file.
fn is_i386(file: &Path) -> bool {
    let Some(head) = head(file) else { return false };
    FileHeader32::<LittleEndian>::parse(&*head)
        .is_ok_and(|header| header.e_machine.get(LittleEndian) == EM_386)
}

/// Whether this is a script, or an ELF file for this machine.
fn is_ours(file: &Path) -> bool {
    let Some(head) = head(file) else { return false };
    let is_64 = FileHeader64::<LittleEndian>::parse(&*head)
        .is_ok_and(|header| header.e_machine.get(LittleEndian) == EM_X86_64);
    head.starts_with(b"#!") || is_64 || is_i386(file)
}

/// What a file's first line or PT_INTERP names to load it.
fn interpreter(file: &Path) -> Option<PathBuf> {
    let head = head(file)?;
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?.trim_ascii();
        let word = line.split(u8::is_ascii_whitespace).next()?;
        return Some(OsString::from_vec(word.to_vec()).into());
    }
    let place = match FileHeader32::<LittleEndian>::parse(&*head) {
        Ok(header) => program_interpreter(header, &head),
        Err(_) => program_interpreter(FileHeader64::<LittleEndian>::parse(&*head).ok()?, &head),
    };
    let (offset, size) = place?;
    let mut path = vec![0; usize::try_from(size).ok().filter(|size| *size <= libc::PATH_MAX as usize)?];
    open(file).ok()??.read_exact_at(&mut path, offset).ok()?;
    path.truncate(path.iter().position(|byte| *byte == 0).unwrap_or(path.len()));
    Some(OsString::from_vec(path).into())
}

/// PT_INTERP's offset and size.
fn program_interpreter<H: FileHeader<Endian = LittleEndian>>(header: &H, head: &[u8]) -> Option<(u64, u64)> {
    let programs = header.program_headers(LittleEndian, head).ok()?;
    let program = programs.iter().find(|program| program.p_type(LittleEndian) == PT_INTERP)?;
    Some((program.p_offset(LittleEndian).into(), program.p_filesz(LittleEndian).into()))
}
