//! The socket families (`include/linux/socket.h`).

use std::fmt;

/// A socket family: its number is the first argument of socket(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family(u8);

/// Names by number, from 1 on. `AF_UNSPEC`, 0, is no family that a socket can have.
const NAMES: [&str; 45] = [
    "UNIX",
    "INET",
    "AX25",
    "IPX",
    "APPLETALK",
    "NETROM",
    "BRIDGE",
    "ATMPVC",
    "X25",
    "INET6",
    "ROSE",
    "DECnet",
    "NETBEUI",
    "SECURITY",
    "KEY",
    "NETLINK",
    "PACKET",
    "ASH",
    "ECONET",
    "ATMSVC",
    "RDS",
    "SNA",
    "IRDA",
    "PPPOX",
    "WANPIPE",
    "LLC",
    "IB",
    "MPLS",
    "CAN",
    "TIPC",
    "BLUETOOTH",
    "IUCV",
    "RXRPC",
    "ISDN",
    "PHONET",
    "IEEE802154",
    "CAIF",
    "ALG",
    "NFC",
    "VSOCK",
    "KCM",
    "QIPCRTR",
    "SMC",
    "XDP",
    "MCTP",
];

/// Second names.
const ALIASES: [(&str, u8); 3] = [("LOCAL", 1), ("ROUTE", 16), ("FILE", 1)];

impl Family {
    /// `AF_UNIX`
    pub const UNIX: Family = Family(1);
    /// `AF_INET`
    pub const INET: Family = Family(2);
    /// `AF_NETLINK`
    pub const NETLINK: Family = Family(16);
    /// `AF_ALG`
    pub const ALG: Family = Family(38);
    /// `AF_VSOCK`
    pub const VSOCK: Family = Family(40);

    /// Every family, by number.
    pub fn all() -> impl ExactSizeIterator<Item = Family> {
        (1..=NAMES.len() as u8).map(Family)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    /// The name without `AF_`, as the kernel spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        NAMES[self.0 as usize - 1]
    }

    /// The family of a name, with or without `AF_` or `PF_`, in upper or lower case, or of a number.
    ///
    /// # Errors
    /// Names near to it, where there is none.
    pub fn parse(text: &str) -> Result<Family, Vec<String>> {
        if let Ok(number) = text.parse::<u8>() {
            return Family::all().nth(usize::from(number).wrapping_sub(1)).ok_or_else(Vec::new);
        }
        let upper = text.to_uppercase();
        let name = upper.strip_prefix("AF_").or(upper.strip_prefix("PF_")).unwrap_or(&upper);
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, number)| Family(*number));
        let found = alias.or_else(|| Family::all().find(|family| family.name().eq_ignore_ascii_case(name)));
        found.ok_or_else(|| crate::near::near(name, NAMES))
    }
}

/// `AF_ALG`
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("AF_{}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::Family;
    use std::io::Write as _;

    #[test]
    fn names_and_numbers() {
        let cases =
            [("alg", 38), ("AF_ALG", 38), ("38", 38), ("pf_local", 1), ("decnet", 12), ("AF_DECnet", 12)];
        for (text, number) in cases {
            assert_eq!(Family::parse(text).unwrap().number(), number, "{text}");
        }
        assert_eq!(Family::parse("AF_INTE6"), Err(vec!["INET6".into()]));
        for text in ["0", "46", "256", "-1", ""] {
            assert_eq!(Family::parse(text), Err(vec![]), "{text}");
        }
        let known = [Family::UNIX, Family::INET, Family::NETLINK, Family::ALG, Family::VSOCK];
        assert_eq!(known.map(|family| family.name()), ["UNIX", "INET", "NETLINK", "ALG", "VSOCK"]);
    }

    /// glibc repeats the kernel's table for programs.
    #[test]
    fn the_c_librarys_header_agrees() {
        let files = ["/usr/include/x86_64-linux-gnu/bits/socket.h", "/usr/include/bits/socket.h"];
        let Some(header) = files.iter().find_map(|file| std::fs::read_to_string(file).ok()) else {
            let note = b"skipped: bits/socket.h: not here; the package libc6-dev has it\n";
            std::io::stderr().write_all(note).unwrap();
            return;
        };
        let mut compared = 0;
        for line in header.lines() {
            let mut words = line.split_whitespace();
            let (Some("#define"), Some(name), Some(value)) = (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let (Some(name), Ok(number)) = (name.strip_prefix("PF_"), value.parse::<u32>()) else { continue };
            if number == 0 || name == "MAX" {
                continue;
            }
            assert_eq!(Family::parse(name).unwrap().number(), number, "{name}");
            compared += 1;
        }
        assert!(compared >= 44, "{compared}");
    }
}
