//! Names of numbers. Each table is written once, and read by the decoder, the filters and the documentation.
//!
//! The numbers are the kernel's (include/uapi/linux and include/linux/socket.h); the names are those that
//! the manual pages and the headers use.

pub mod addresses;
pub mod control;
mod families;
mod hardware;
mod levels;
mod message;
pub mod netlink;
pub mod options;
pub mod protocols;
pub mod signals;
mod socketcall;
pub mod syscalls;
mod types;

pub use families::FAMILIES;
pub use hardware::HARDWARE;
pub use levels::LEVELS;
pub use message::{MESSAGE_FLAGS, SHUTDOWN};
pub use options::{OPTION_LEVELS, Options, option_level, options};
pub use protocols::protocols;
pub use socketcall::SOCKETCALLS;
pub use types::{ACCEPT_FLAGS, TYPE_FLAGS, TYPE_MASK, TYPES};

/// Numbers and their names.
#[derive(Debug)]
pub struct Table {
    /// What a number without a name is shown with: `AF_???`; nothing, if empty.
    pub unknown: &'static str,
    /// Numbers and names. Of two names of one number the first is the one that is shown; of two sets of bits,
    /// too: wider sets come first.
    pub rows: &'static [(u64, &'static str)],
}

impl PartialEq for Table {
    /// Tables are what they are by their address in the program.
    fn eq(&self, other: &Table) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Table {
    /// A number's name.
    #[must_use]
    pub fn name(&self, value: u64) -> Option<&'static str> {
        self.rows.iter().find(|(number, _)| *number == value).map(|(_, name)| *name)
    }

    /// A name's number, whatever the case of its letters.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<u64> {
        self.rows.iter().find(|(_, own)| own.eq_ignore_ascii_case(name)).map(|(number, _)| *number)
    }

    /// The names of the bits of `value`, in the table's order, and the bits that have none.
    #[must_use]
    pub fn bits(&self, value: u64) -> (Vec<&'static str>, u64) {
        let mut left = value;
        let mut names = Vec::new();
        for (bits, name) in self.rows {
            if *bits != 0 && left & bits == *bits {
                names.push(*name);
                left &= !bits;
            }
        }
        (names, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_go_there_and_back() {
        let protocols = (0..64).filter_map(protocols);
        for table in
            [&FAMILIES, &HARDWARE, &LEVELS, &MESSAGE_FLAGS, &SOCKETCALLS, &TYPES].into_iter().chain(protocols)
        {
            for (number, name) in table.rows {
                assert_eq!(table.value(name), Some(*number), "{name}");
                assert!(table.name(*number).is_some());
            }
        }
    }
}
