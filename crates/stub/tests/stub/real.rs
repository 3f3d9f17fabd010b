//! This kernel's own 32-bit vDSO, read out of a process; or another kernel's, from the file that the environment
//! variable SOCKETCALL_VDSO names.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use guest32::{Entry, Guest, Program};
use object::read::elf::ElfFile32;
use object::{LittleEndian, Object, ObjectSection, ObjectSymbol};
use tracee::{Options, Resume, Scope, Stop, Stopped, Waited, Waiter};

use crate::kernel_like::KernelLike;

/// None where this kernel runs no 32-bit programs, or gives them no vDSO.
pub static REAL: LazyLock<Option<KernelLike>> = LazyLock::new(|| {
    let bytes = read()?;
    let file = ElfFile32::<LittleEndian>::parse(&bytes[..]).expect("an ELF file");
    let range = |name| {
        let section = file.section_by_name(name).expect(name);
        section.address() as u32..(section.address() + section.size()) as u32
    };
    let (text, frames) = (range(".text"), range(".eh_frame"));
    let mut functions: Vec<_> = file
        .dynamic_symbols()
        .filter(|symbol| symbol.kind() == object::SymbolKind::Text)
        .map(|symbol| {
            (symbol.name().expect("a name").to_owned(), symbol.address() as u32, symbol.size() as u32)
        })
        .collect();
    functions.sort_by_key(|(name, ..)| name != "__kernel_vsyscall");
    Some(KernelLike { text, frames, functions, bytes })
});

/// The bytes at AT_SYSINFO_EHDR of a program that has not run yet.
fn read() -> Option<Vec<u8>> {
    if let Some(file) = std::env::var_os("SOCKETCALL_VDSO") {
        return Some(std::fs::read(&file).expect("the file that SOCKETCALL_VDSO names"));
    }
    let path = format!("{}/stub-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&path, Guest { program: Program::Article, entry: Entry::Int80 }.image()).expect("a file");
    // The shell waits until it is traced.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("our own file");
    let mut shell = Command::new("/bin/sh");
    let child =
        shell.args(["-c", "read go; exec \"$0\"", &path]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    let child = KilledInTheEnd(child.expect("a shell"));
    let bytes = vdso_of(child);
    std::fs::remove_file(&path).expect("the file");
    bytes
}

/// Whatever happens, nobody is left and no wait is for ever.
struct KilledInTheEnd(Child);

impl Drop for KilledInTheEnd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn vdso_of(mut child: KilledInTheEnd) -> Option<Vec<u8>> {
    let pid = child.0.id().cast_signed();
    // No tests of their own: a machine where ptrace is forbidden says so here.
    tracee::seize(pid, Options::FOLLOW).expect("a child that can be traced");
    child.0.stdin.take().expect("a pipe").write_all(b"\n").expect("a reader");
    let mut waiter = Waiter::new(Scope::One(pid));
    loop {
        match waiter.wait().expect("a child") {
            // The shell's own exec may not be over when the standard library takes it for done.
            Waited::Stopped(stopped, Stop::Exec { .. })
                if stopped.registers().expect("registers").is_32() =>
            {
                return at_sysinfo_ehdr(&stopped);
            }
            Waited::Stopped(stopped, Stop::Signal(signal)) => {
                stopped.resume(Resume::Continue(signal)).expect("a tracee");
            }
            Waited::Stopped(stopped, _) => stopped.resume(Resume::Continue(0)).expect("a tracee"),
            // The shell says that it can't execute it.
            Waited::Exited(..) | Waited::Killed { .. } | Waited::Interrupted | Waited::Nobody => return None,
        }
    }
}

fn at_sysinfo_ehdr(stopped: &Stopped) -> Option<Vec<u8>> {
    const AT_SYSINFO_EHDR: u32 = 33;
    let sp = stopped.registers().expect("registers").sp();
    let mut stack = vec![0; 32768];
    let length = stopped.read(sp, &mut stack).expect("a stack");
    let words: Vec<u32> =
        stack[..length].as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    // The arguments, a zero, the environment, a zero, and pairs.
    let environment = words[0] as usize + 2;
    let end = environment + words[environment..].iter().position(|word| *word == 0).expect("an end");
    let pairs = words[end + 1..].as_chunks::<2>().0;
    let at = pairs.iter().take_while(|pair| pair[0] != 0).find(|pair| pair[0] == AT_SYSINFO_EHDR)?[1];
    let mut bytes = vec![0; stub::SIZE];
    let length = stopped.read(at.into(), &mut bytes).expect("the vDSO");
    bytes.truncate(length);
    Some(bytes)
}

#[test]
fn the_stub_fits_into_this_kernels_vdso() {
    let Some(kernel) = &*REAL else {
        let mut stderr = std::io::stderr();
        writeln!(stderr, "skipped: real::the_stub_fits_into_this_kernels_vdso: no 32-bit vDSO here")
            .expect("stderr");
        return;
    };
    let vdso = kernel.vdso();
    assert_eq!(vdso.vsyscall(), kernel.vsyscall());
    let int80 = vdso.int80() as usize;
    assert_eq!(kernel.bytes[int80..int80 + 2], [0xcd, 0x80]);
    for variant in crate::kernel_like::VARIANTS {
        let in_place = vdso.place(stub::Place::InVdso, variant);
        let in_front = vdso.place(stub::Place::InFront(4096), variant);
        assert!(in_front.is_ok(), "{variant:?}: {in_front:?}");
        assert!(in_place.is_ok() || variant == stub::Variant::Handling, "{variant:?}: {in_place:?}");
    }
}
