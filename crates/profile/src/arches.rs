//! Architectures as profiles name them.

use crate::calls::Abi;
use crate::error::Error;
use crate::json::Node;
use crate::read::Reader;

/// An architecture of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProfileArch {
    /// One whose calls this crate knows.
    X86(Abi),
    /// Another: an x86 kernel never sees its calls.
    Other { big_endian: bool },
}

const LITTLE: ProfileArch = ProfileArch::Other { big_endian: false };
const BIG: ProfileArch = ProfileArch::Other { big_endian: true };

/// libseccomp's tokens (`include/seccomp.h.in`).
const ARCHES: [(&str, ProfileArch); 23] = [
    ("SCMP_ARCH_X86", ProfileArch::X86(Abi::I386)),
    ("SCMP_ARCH_X86_64", ProfileArch::X86(Abi::X86_64)),
    ("SCMP_ARCH_X32", ProfileArch::X86(Abi::X32)),
    ("SCMP_ARCH_ARM", LITTLE),
    ("SCMP_ARCH_AARCH64", LITTLE),
    ("SCMP_ARCH_LOONGARCH64", LITTLE),
    ("SCMP_ARCH_M68K", BIG),
    ("SCMP_ARCH_MIPS", BIG),
    ("SCMP_ARCH_MIPS64", BIG),
    ("SCMP_ARCH_MIPS64N32", BIG),
    ("SCMP_ARCH_MIPSEL", LITTLE),
    ("SCMP_ARCH_MIPSEL64", LITTLE),
    ("SCMP_ARCH_MIPSEL64N32", LITTLE),
    ("SCMP_ARCH_PARISC", BIG),
    ("SCMP_ARCH_PARISC64", BIG),
    ("SCMP_ARCH_PPC", BIG),
    ("SCMP_ARCH_PPC64", BIG),
    ("SCMP_ARCH_PPC64LE", LITTLE),
    ("SCMP_ARCH_RISCV64", LITTLE),
    ("SCMP_ARCH_S390", BIG),
    ("SCMP_ARCH_S390X", BIG),
    ("SCMP_ARCH_SH", LITTLE),
    ("SCMP_ARCH_SHEB", BIG),
];

/// What `includes` and `excludes` call architectures.
pub(crate) const NATIVE: [&str; 23] = [
    "amd64",
    "arm",
    "arm64",
    "loong64",
    "loongarch64",
    "m68k",
    "mips",
    "mips64",
    "mips64n32",
    "mipsel",
    "mipsel64",
    "mipsel64n32",
    "parisc",
    "parisc64",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390",
    "s390x",
    "sh",
    "x32",
    "x86",
];

fn one(reader: &Reader<'_>, node: &Node) -> Result<(ProfileArch, usize), Error> {
    let name = reader.string(node, "an architecture")?;
    match ARCHES.iter().find(|(arch, _)| *arch == name) {
        Some((_, arch)) => Ok((*arch, node.start)),
        None => Err(reader.unknown(node.start, "architecture", name, ARCHES.map(|(name, _)| name))),
    }
}

/// An array of architectures, and where each stands.
pub(crate) fn list(
    reader: &Reader<'_>,
    node: Option<&Node>,
    what: &'static str,
) -> Result<Vec<(ProfileArch, usize)>, Error> {
    reader.array(node, what)?.iter().map(|node| one(reader, node)).collect()
}

/// Docker's `archMap`: architectures, and which come with each.
#[expect(clippy::type_complexity, reason = "pairs of pairs, used once")]
pub(crate) fn map(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
) -> Result<Vec<(ProfileArch, Vec<(ProfileArch, usize)>)>, Error> {
    let mut map = Vec::new();
    for node in reader.array(node, "`archMap`")? {
        let fields = reader.fields(node, "an entry of `archMap`", &["architecture", "subArchitectures"])?;
        let Some(architecture) = fields.get("architecture") else { continue };
        let (arch, at) = one(reader, architecture)?;
        let mut all = vec![(arch, at)];
        all.extend(list(reader, fields.get("subArchitectures"), "`subArchitectures`")?);
        map.push((arch, all));
    }
    Ok(map)
}
