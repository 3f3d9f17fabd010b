//! Kernel versions, as far as this crate needs them: ordered and printable.

use core::fmt;

/// A Linux release, such as 2.6.33 or 4.3. Ordered by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
    /// The third number; 0 from 3.0 on, where it counts a stable series' fixes.
    pub patch: u16,
}

impl Version {
    /// The release `major.minor.patch`.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

/// `4.3`, `2.6.33`: the third number stands where it is not 0.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, patch } = *self;
        match patch {
            0 => write!(f, "{major}.{minor}"),
            _ => write!(f, "{major}.{minor}.{patch}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;

    use super::Version;

    #[test]
    fn ordered_by_age_and_printed_as_spoken() {
        let releases = ["1.0", "2.0", "2.6.28", "2.6.33", "3.0", "4.3", "6.12"];
        let versions = [(1, 0, 0), (2, 0, 0), (2, 6, 28), (2, 6, 33), (3, 0, 0), (4, 3, 0), (6, 12, 0)]
            .map(|(major, minor, patch)| Version::new(major, minor, patch));
        assert!(versions.is_sorted());
        assert_eq!(versions.map(|version| version.to_string()), releases);
    }
}
