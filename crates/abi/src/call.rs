//! The calls by number.

use crate::table::{FACTS, Facts};

/// A call of the multiplexer, by its number in `linux/net.h`.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // Each is documented by its manual page, socket(2) and so on.
pub enum Call {
    Socket = 1,
    Bind,
    Connect,
    Listen,
    Accept,
    Getsockname,
    Getpeername,
    Socketpair,
    Send,
    Recv,
    Sendto,
    Recvfrom,
    Shutdown,
    Setsockopt,
    Getsockopt,
    Sendmsg,
    Recvmsg,
    Accept4,
    Recvmmsg,
    Sendmmsg,
}

impl Call {
    /// Every call, in the order of its number.
    pub const ALL: [Self; 20] = {
        let mut all = [Self::Socket; 20];
        let mut at = 0;
        while at < all.len() {
            all[at] = FACTS[at].call;
            at += 1;
        }
        all
    };

    /// The call of a number, as `ebx` holds it; `None` where Linux answers EINVAL.
    pub const fn from_number(number: i32) -> Option<Self> {
        if number < 1 || number > Self::ALL.len() as i32 {
            return None;
        }
        Some(Self::ALL[number as usize - 1])
    }

    /// The call whose own name the direct i386 number has.
    ///
    /// [`accept`](Self::Accept), [`send`](Self::Send) and [`recv`](Self::Recv) have no direct
    /// call of their own name, so 364 is `accept4`, 369 `sendto` and 371 `recvfrom`.
    /// `recvmmsg_time64` (417) is no call of the multiplexer: its timeout has 64-bit words.
    pub const fn from_direct_i386(number: u32) -> Option<Self> {
        let mut at = 0;
        // Backwards, because accept4, sendto and recvfrom come after the calls that become them.
        while at < FACTS.len() {
            let facts = &FACTS[FACTS.len() - 1 - at];
            if facts.direct_i386.number == number {
                return Some(facts.call);
            }
            at += 1;
        }
        None
    }

    /// The number in `linux/net.h`, 1 to 20.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// All that is known about the call.
    pub const fn facts(self) -> &'static Facts {
        &FACTS[self as usize - 1]
    }

    /// The name, such as `connect`.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// How many 32-bit words the kernel copies from the array: 2 to 6.
    pub const fn words(self) -> usize {
        self.facts().words.len()
    }

    /// The number of the direct i386 call that carries it out.
    pub const fn direct_i386(self) -> u32 {
        self.facts().direct_i386.number
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Call;

    #[test]
    fn numbers_go_there_and_back() {
        for (index, call) in Call::ALL.into_iter().enumerate() {
            assert_eq!(call.number(), index as i32 + 1);
            assert_eq!(Call::from_number(call.number()), Some(call));
        }
    }

    #[test]
    fn direct_numbers_name_the_call_of_the_same_name() {
        let cases = [(337, Some(Call::Recvmmsg)), (362, Some(Call::Connect)), (364, Some(Call::Accept4))];
        let cases = cases.into_iter().chain([
            (369, Some(Call::Sendto)),
            (371, Some(Call::Recvfrom)),
            (102, None),
            (358, None),
            (374, None),
            (417, None),
            (u32::MAX, None),
        ]);
        for (number, call) in cases {
            assert_eq!(Call::from_direct_i386(number), call, "{number}");
        }
    }

    proptest! {
        #[test]
        fn any_number(number: i32) {
            let call = Call::from_number(number);
            prop_assert_eq!(call.is_some(), (1..=20).contains(&number));
            prop_assert!(call.is_none_or(|call| call.number() == number));
        }
    }
}
