//! Kernel versions, as far as this crate needs them: ordered and printable.

use core::fmt;

/// A Linux release, such as 2.6.33 or 4.3.
///
/// Ordered by age. Up to 2.6 a release has three numbers; from 3.0 on the third one belongs to
/// the stable series and is 0 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
    /// The third number; not shown from 3.0 on where it is 0.
    pub patch: u16,
}

impl Version {
    /// The release `major.minor.patch`.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` would need a buffer; the longest text is three numbers of five digits.
        let Self { major, minor, patch } = *self;
        if major >= 3 && patch == 0 {
            write!(f, "{major}.{minor}")
        } else {
            write!(f, "{major}.{minor}.{patch}")
        }
    }
}
