//! The kernels of Debian's releases, of which only the 32-bit vDSO is wanted: it lies in the kernel's image.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::private::Apt;
use super::sources;

/// Releases whose kernels' vDSOs are looked at.
const RELEASES: &[&str] = &["bookworm", "trixie"];

/// The smallest of a release's kernels: the vDSO is the same in all.
const PACKAGE: &str = "linux-image-cloud-amd64";

/// A kernel of Debian's.
pub struct Kernel {
    /// As `uname -r` would tell it.
    pub release: String,
    /// Its 32-bit vDSO as processes see it, in two pages.
    pub vdso: PathBuf,
}

/// The kernels, fetched once.
pub fn kernels(target: &Path) -> Result<Vec<Kernel>> {
    let all = RELEASES.iter().map(|release| {
        let home = target.join("kernels").join(release);
        kernel(&home, release).with_context(|| format!("the kernel of Debian's {release}"))
    });
    all.collect()
}

fn kernel(home: &Path, release: &str) -> Result<Kernel> {
    let (name, vdso) = (home.join("release"), home.join("vdso32"));
    if !name.exists() {
        let (release, bytes) = fetch(home, release)?;
        fs::write(&vdso, bytes)?;
        // Last, since it says that all is there.
        fs::write(&name, release)?;
    }
    Ok(Kernel { release: fs::read_to_string(&name)?, vdso })
}

fn fetch(home: &Path, release: &str) -> Result<(String, Vec<u8>)> {
    let apt = Apt { home: home.to_owned(), architecture: "amd64" };
    apt.configure(&sources::of_release(release)?)?;
    apt.update();
    // `linux-image-cloud-amd64` depends on the one that it stands for at present.
    let depends = apt.run("apt-cache", &["depends", "--important", PACKAGE])?;
    let image = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: linux-image-"));
    let image = image.with_context(|| format!("{PACKAGE} depends on no image: {depends}"))?;
    let package = format!("linux-image-{image}");
    println!("fetching {package} for its vDSO");
    apt.run("apt-get", &["download", "-qq", &package])?;
    let mut archives = fs::read_dir(apt.archives())?.flatten().map(|entry| entry.path());
    let of_package = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&format!("{package}_")) && name.ends_with(".deb")
    };
    let archive = archives.find(of_package).with_context(|| format!("no archive of {package}"))?;
    let vmlinuz = member(&archive, &format!("./boot/vmlinuz-{image}"))?;
    let vdso = vdso32(&unpacked(&vmlinuz)?)?.to_vec();
    fs::remove_file(archive)?;
    Ok((image.to_owned(), vdso))
}

/// A file of a package.
fn member(archive: &Path, name: &str) -> Result<Vec<u8>> {
    let mut dpkg = Command::new("dpkg-deb");
    let mut dpkg = dpkg.arg("--fsys-tarfile").arg(archive).stdout(Stdio::piped()).spawn()?;
    let tarfile = dpkg.stdout.take().context("dpkg-deb has no output")?;
    let tar =
        Command::new("tar").args(["--extract", "--to-stdout", "--file=-", name]).stdin(tarfile).output()?;
    ensure!(dpkg.wait()?.success() && tar.status.success(), "no {name} in {}", archive.display());
    Ok(tar.stdout)
}

/// What a compressed kernel is unpacked to when it is booted (Documentation/arch/x86/boot.rst, "The real-mode
/// kernel header").
fn unpacked(vmlinuz: &[u8]) -> Result<Vec<u8>> {
    let word = |at: usize| -> Result<usize> {
        let bytes = vmlinuz.get(at..at + 4).context("a short kernel")?;
        Ok(u32::from_le_bytes(bytes.try_into()?) as usize)
    };
    ensure!(vmlinuz.get(0x202..0x206) == Some(b"HdrS"), "it is no x86 kernel");
    let protected_mode = (usize::from(vmlinuz[0x1f1]) + 1) * 512;
    let begin = protected_mode + word(0x248)?;
    // The last four bytes are the unpacked size.
    let payload = vmlinuz.get(begin..begin + word(0x24c)? - 4).context("its payload lies outside")?;
    let tool: &[&str] = match payload {
        [0xfd, b'7', b'z', b'X', b'Z', ..] => &["xz", "--decompress", "--stdout", "--single-stream"],
        [0x28, 0xb5, 0x2f, 0xfd, ..] => &["zstd", "--decompress", "--stdout"],
        [0x02, 0x21, 0x4c, 0x18, ..] => &["lz4", "--decompress", "--stdout"],
        [0x1f, 0x8b, ..] => &["gzip", "--decompress", "--stdout"],
        other => bail!("a compression that is not known: {:02x?}", &other[..other.len().min(6)]),
    };
    let mut child = Command::new(tool[0])
        .args(&tool[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", tool[0]))?;
    let mut input = child.stdin.take().context("a pipe")?;
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(payload));
        child.wait_with_output()
    })?;
    ensure!(output.status.success(), "{} failed", tool[0]);
    Ok(output.stdout)
}

/// The one ELF image for i386 in a kernel, in its two pages.
fn vdso32(kernel: &[u8]) -> Result<&[u8]> {
    const ELF32: &[u8] = b"\x7fELF\x01\x01\x01";
    const EM_386: [u8; 2] = [3, 0];
    let mut found = kernel
        .windows(ELF32.len())
        .enumerate()
        .filter(|(at, magic)| *magic == ELF32 && kernel.get(at + 18..at + 20) == Some(&EM_386));
    let (at, _) = found.next().context("no 32-bit vDSO in it")?;
    ensure!(found.next().is_none(), "more than one 32-bit vDSO in it");
    kernel.get(at..at + stub::SIZE).context("its vDSO is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernels_vdso_is_the_one_for_i386() {
        let mut kernel = vec![0; 5 * 4096];
        kernel[4096..4103].copy_from_slice(b"\x7fELF\x01\x01\x01");
        kernel[4096 + 18] = 62;
        assert!(vdso32(&kernel).is_err());
        kernel[8192..8199].copy_from_slice(b"\x7fELF\x01\x01\x01");
        kernel[8192 + 18] = 3;
        assert_eq!(vdso32(&kernel).unwrap(), &kernel[8192..16384]);
        assert!(vdso32(&kernel[..16000]).is_err());
    }

    #[test]
    fn what_is_no_kernel_is_refused() {
        assert!(unpacked(&[0; 4096]).is_err());
        assert!(unpacked(b"").is_err());
    }
}
