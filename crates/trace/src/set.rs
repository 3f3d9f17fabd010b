//! Sets of calls and signals, as options name them.

use std::sync::LazyLock;

use decode::Abi;

use crate::{Error, signals};

/// Which calls are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSet {
    inverted: bool,
    names: Vec<(&'static str, Option<Abi>)>,
}

/// The groups that hold all network calls, by their names in strace. What the multiplexer is asked for in vain is of none.
const GROUPS: [&str; 3] = ["%network", "%net", "network"];
/// The multiplexer, where it can't be taken apart.
const MULTIPLEXER: &str = "socketcall";
/// The suffixes that say which interface is meant.
const SUFFIXES: [(&str, Abi); 3] = [("@32", Abi::I386), ("@64", Abi::X86_64), ("@x32", Abi::X32)];

/// All names that a network call can have, by the multiplexer or by number.
fn names() -> impl Iterator<Item = &'static str> {
    const LAST: u32 = 1024;
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let direct = (0..LAST).flat_map(|number| {
            let x32 = number | Abi::X32_BIT;
            [Abi::I386.name_of(number), Abi::X86_64.name_of(number), Abi::X32.name_of(x32)]
        });
        let mut names: Vec<_> = abi::Call::ALL.iter().map(|call| call.name()).collect();
        for name in direct.flatten().chain([MULTIPLEXER]) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    });
    NAMES.iter().copied()
}

impl CallSet {
    /// All.
    #[must_use]
    pub const fn all() -> CallSet {
        CallSet { inverted: true, names: Vec::new() }
    }

    /// All that are for the network. What the multiplexer is asked for in vain is not.
    #[must_use]
    pub fn network() -> CallSet {
        let members = names().filter(|name| *name != MULTIPLEXER);
        CallSet { inverted: false, names: members.map(|name| (name, None)).collect() }
    }

    /// None.
    #[must_use]
    pub const fn none() -> CallSet {
        CallSet { inverted: false, names: Vec::new() }
    }

    /// What stands behind `trace=`: `connect,accept`, `!%network`, `all`, `none`. A `?` in front of a name allows it to be
    /// none of a call.
    ///
    /// # Errors
    /// [`Error::Call`]
    pub fn parse(text: &str) -> Result<CallSet, Error> {
        let (inverted, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut set = CallSet { inverted, names: Vec::new() };
        if text == "none" {
            return Ok(set);
        }
        for word in text.split(',') {
            set.add(word)?;
        }
        Ok(set)
    }

    fn add(&mut self, word: &str) -> Result<(), Error> {
        let (optional, name) = match word.strip_prefix('?') {
            Some(rest) => (true, rest),
            None => (false, word),
        };
        let suffix = SUFFIXES.iter().find(|(suffix, _)| name.ends_with(suffix));
        let (name, abi) =
            suffix.map_or((name, None), |(suffix, abi)| (&name[..name.len() - suffix.len()], Some(*abi)));
        if name == "all" || GROUPS.contains(&name) {
            let members = names().filter(|member| name == "all" || *member != MULTIPLEXER);
            self.names.extend(members.map(|member| (member, abi)));
            return Ok(());
        }
        match names().find(|known| *known == name) {
            Some(known) => self.names.push((known, abi)),
            None if optional => {}
            None => {
                let near = names().filter(|known| is_near(known, name)).collect();
                return Err(Error::Call { name: name.to_owned(), near });
            }
        }
        Ok(())
    }

    /// Whether a call of this name is among them, where it is made by this interface.
    #[must_use]
    pub fn has(&self, abi: Abi, name: &str) -> bool {
        let named =
            |(known, only): &(&str, Option<Abi>)| *known == name && only.is_none_or(|only| only == abi);
        self.names.iter().any(named) != self.inverted
    }
}

/// Whether a name may have been meant by another: one is in the other, or they differ in one character.
fn is_near(known: &str, given: &str) -> bool {
    if given.len() >= 4 && (known.contains(given) || given.contains(known)) {
        return true;
    }
    let (known, given) = (known.as_bytes(), given.as_bytes());
    let front = known.iter().zip(given).take_while(|(a, b)| a == b).count();
    let back = known.iter().rev().zip(given.iter().rev()).take_while(|(a, b)| a == b).count();
    let longest = known.len().max(given.len());
    known.len().abs_diff(given.len()) <= 1 && front + back + 1 >= longest
        // Two neighbours in each other's place.
        || known.len() == given.len() && front + back + 2 >= longest && known.len() > 3
}

/// Which signals are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSet(u128);

impl SignalSet {
    /// All.
    #[must_use]
    pub const fn all() -> SignalSet {
        SignalSet(u128::MAX)
    }

    /// None.
    #[must_use]
    pub const fn none() -> SignalSet {
        SignalSet(0)
    }

    /// What stands behind `signal=`: `SIGHUP,TERM`, `!io`, `all`, `none`.
    ///
    /// # Errors
    /// [`Error::Signal`]
    pub fn parse(text: &str) -> Result<SignalSet, Error> {
        let (inverted, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut set = 0;
        match text {
            "none" => {}
            "all" => set = u128::MAX,
            _ => {
                for name in text.split(',') {
                    let signal = signals::parse(name).ok_or_else(|| Error::Signal(name.to_owned()))?;
                    set |= 1 << signal;
                }
            }
        }
        Ok(SignalSet(if inverted { !set } else { set }))
    }

    /// Whether a signal is among them.
    #[must_use]
    pub const fn has(&self, signal: i32) -> bool {
        0 <= signal && signal < 128 && self.0 >> signal & 1 != 0
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let set = CallSet::parse("connect,accept@32").unwrap();
        assert!(set.has(Abi::X86_64, "connect") && set.has(Abi::I386, "accept"));
        assert!(!set.has(Abi::X86_64, "accept") && !set.has(Abi::I386, "bind"));
        let but = CallSet::parse("!connect").unwrap();
        assert!(!but.has(Abi::I386, "connect") && but.has(Abi::I386, "bind"));
        for (all, multiplexer) in
            [("all", true), ("%network", false), ("%net", false), ("network", false), ("!none", true)]
        {
            let all = CallSet::parse(all).unwrap();
            assert!(all.has(Abi::I386, "recvmmsg_time64"), "{all:?}");
            assert_eq!(all.has(Abi::I386, "socketcall"), multiplexer, "{all:?}");
        }
        for none in ["none", "!all", "!network", "?open"] {
            assert!(!CallSet::parse(none).unwrap().has(Abi::I386, "connect"), "{none}");
        }
    }

    #[test]
    fn near_names_are_told() {
        let error = |text| CallSet::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(error("connnect"), @"no network call or group is called 'connnect'; near names: connect");
        insta::assert_snapshot!(error("lisen"), @"no network call or group is called 'lisen'; near names: listen");
        insta::assert_snapshot!(error("bidn"), @"no network call or group is called 'bidn'; near names: bind");
        insta::assert_snapshot!(error("open"), @"no network call or group is called 'open'; `socketcall calls` lists them, and %network is all of them");
        insta::assert_snapshot!(error(""), @"no network call or group is called ''; `socketcall calls` lists them, and %network is all of them");
    }

    #[test]
    fn signals() {
        let set = SignalSet::parse("SIGHUP,term,9").unwrap();
        assert!([1, 15, 9].map(|signal| set.has(signal)) == [true; 3] && !set.has(2));
        let but = SignalSet::parse("!io").unwrap();
        assert!(!but.has(29) && but.has(64));
        assert!(SignalSet::parse("none").unwrap().is_empty());
        assert!(SignalSet::parse("SIGRTMIN,SIGRT_2").unwrap().has(34));
        assert!(SignalSet::parse("SIGNOPE").is_err() && SignalSet::parse("").is_err());
    }
}
