//! setsockopt and getsockopt: the options whose values have another layout in a 32-bit process.
//!
//! The kernel asks `in_compat_syscall()` where it reads such a value; these are the places that ask, as of Linux
//! 6.12: `net/core/sock.c` (timeouts), `net/core/filter.c` (`copy_bpf_fprog_from_user`), `net/ipv4/ip_sockglue.c` and
//! `net/ipv6/ipv6_sockglue.c` (groups, control messages), `net/vmw_vsock/af_vsock.c`, `net/xfrm/xfrm_state.c`,
//! `net/netfilter/x_tables.c` and its users, `net/sctp/socket.c`.

use core::ops::RangeInclusive;

use abi::{Call, Errno};

use super::memory::OwnMemory;
use super::message::{Buffer, scratch};
use super::{control, native, unless_bad_descriptor};
use crate::low::Mapping;

/// How a value is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conversion {
    /// Two longs. Read by getsockopt, as much of it is written as there is room for.
    Timeval,
    /// Two longs, for which getsockopt must have room.
    WholeTimeval,
    /// A `sock_fprog`: a length and a pointer.
    Filter,
    /// An interface (4 bytes) and addresses, which are aligned to 8 in the 64-bit layout only. The kernel wants so
    /// many bytes of the 32-bit layout, or up to so many of a `group_filter`.
    Padded(usize),
    /// The same, of this length and no other.
    PaddedExactly(usize),
    /// Control messages.
    Control,
    /// Not converted: this error.
    Refused(Errno),
}
use Conversion::{Control, Filter, Padded, PaddedExactly, Refused, Timeval, WholeTimeval};

/// A level, options, and their conversion.
type Row = (u32, RangeInclusive<u32>, Conversion);

// Levels: linux/socket.h, and linux/vm_sockets.h, whose level is its family.
const SOL_IP: u32 = 0;
const SOL_SOCKET: u32 = 1;
const SOL_IPV6: u32 = 41;
const SOL_SCTP: u32 = 132;
const SOL_PACKET: u32 = 263;
const AF_VSOCK: u32 = 40;

/// More than the kernel takes of a `group_filter`: it refuses what is over `net.core.optmem_max`.
const MAX_VALUE: usize = 1 << 24;

/// What setsockopt converts.
const SET: &[Row] = &[
    // SO_RCVTIMEO_OLD, SO_SNDTIMEO_OLD
    (SOL_SOCKET, 20..=21, Timeval),
    // SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF
    (SOL_SOCKET, 26..=26, Filter),
    (SOL_SOCKET, 51..=51, Filter),
    // PACKET_FANOUT_DATA
    (SOL_PACKET, 22..=22, Filter),
    // SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD
    (AF_VSOCK, 6..=6, Timeval),
    // IP_IPSEC_POLICY, IP_XFRM_POLICY; IPV6_IPSEC_POLICY, IPV6_XFRM_POLICY
    (SOL_IP, 16..=17, Refused(Errno::EOPNOTSUPP)),
    (SOL_IPV6, 34..=35, Refused(Errno::EOPNOTSUPP)),
    // MCAST_JOIN_GROUP; four with a source; MCAST_LEAVE_GROUP among them; MCAST_MSFILTER
    (SOL_IP, 42..=42, Padded(132)),
    (SOL_IP, 43..=44, PaddedExactly(260)),
    (SOL_IP, 45..=45, Padded(132)),
    (SOL_IP, 46..=47, PaddedExactly(260)),
    (SOL_IP, 48..=48, Padded(MAX_VALUE)),
    (SOL_IPV6, 42..=42, Padded(132)),
    (SOL_IPV6, 43..=44, PaddedExactly(260)),
    (SOL_IPV6, 45..=45, Padded(132)),
    (SOL_IPV6, 46..=47, PaddedExactly(260)),
    (SOL_IPV6, 48..=48, Padded(MAX_VALUE)),
    // IPT_SO_SET_REPLACE, IPT_SO_SET_ADD_COUNTERS, and those of IP6T, ARPT and EBT
    (SOL_IP, 64..=65, Refused(Errno::ENOPROTOOPT)),
    (SOL_IP, 96..=97, Refused(Errno::ENOPROTOOPT)),
    (SOL_IP, 128..=129, Refused(Errno::ENOPROTOOPT)),
    (SOL_IPV6, 64..=65, Refused(Errno::ENOPROTOOPT)),
];

/// What getsockopt converts.
const GET: &[Row] = &[
    (SOL_SOCKET, 20..=21, Timeval),
    (AF_VSOCK, 6..=6, WholeTimeval),
    // IP_PKTOPTIONS. Of IPV6_2292PKTOPTIONS a 32-bit process gets the 64-bit layout (seen on Linux 6.18).
    (SOL_IP, 9..=9, Control),
    (SOL_IP, 48..=48, Padded(MAX_VALUE)),
    (SOL_IPV6, 48..=48, Padded(MAX_VALUE)),
    // IPT_SO_GET_ENTRIES, and those of IP6T, ARPT and EBT
    (SOL_IP, 65..=65, Refused(Errno::ENOPROTOOPT)),
    (SOL_IP, 97..=97, Refused(Errno::ENOPROTOOPT)),
    (SOL_IP, 128..=131, Refused(Errno::ENOPROTOOPT)),
    (SOL_IPV6, 65..=65, Refused(Errno::ENOPROTOOPT)),
    // SCTP_SOCKOPT_CONNECTX3
    (SOL_SCTP, 111..=111, Refused(Errno::EOPNOTSUPP)),
];

fn conversion(rows: &[Row], level: u32, name: u32) -> Option<Conversion> {
    rows.iter()
        .find(|(of, names, _)| *of == level && names.contains(&name))
        .map(|(_, _, conversion)| *conversion)
}

const TIMEVAL32: usize = 8;
const TIMEVAL64: usize = 16;
const FILTER32: u32 = 8;
const FILTER64: u32 = 16;
/// What the 64-bit layout has between the interface and the first address.
const PADDING: usize = 4;

/// # Safety
/// As [`super::socketcall`].
pub(super) unsafe fn set(words: [u32; 6]) -> Result<u32, Errno> {
    let [descriptor, level, name, value, len, _] = words;
    let Some(conversion) = conversion(SET, level, name) else {
        // SAFETY: the caller's; the layouts are the same.
        return unsafe { native(Call::Setsockopt, words.map(|word| word as usize)) };
    };
    // SAFETY: the value of the option, converted or as it is, in memory that holds `len` bytes.
    let call = |value: usize, len: usize| unsafe {
        native(Call::Setsockopt, [descriptor as usize, level as usize, name as usize, value, len, 0])
    };
    // What can't be read is left to the kernel to find, in its own order of checks.
    match conversion {
        Refused(errno) => Err(unless_bad_descriptor(descriptor, errno)),
        // As it is, it is shorter than the kernel wants it.
        Timeval | WholeTimeval if (len as i32) < TIMEVAL32 as i32 => call(value as usize, len as usize),
        Timeval | WholeTimeval => match OwnMemory.read_array::<2>(value) {
            Ok(time) => {
                let time = time.map(|part| i64::from(part as i32));
                call((&raw const time).expose_provenance(), TIMEVAL64)
            }
            Err(_) => call(value as usize, TIMEVAL64),
        },
        Filter if len == FILTER32 => match OwnMemory.read_array::<2>(value) {
            Ok([len, pointer]) => {
                // unsigned short, padding, pointer
                let filter = [u64::from(len as u16), u64::from(pointer)];
                call((&raw const filter).expose_provenance(), FILTER64 as usize)
            }
            Err(_) => call(value as usize, FILTER64 as usize),
        },
        // The one length that the 64-bit call takes is wrong here; any other is refused by it too.
        Filter => call(value as usize, if len == FILTER64 { FILTER32 } else { len } as usize),
        // Up to the length itself the 64-bit call refuses what is not the whole.
        PaddedExactly(whole) if len as usize != whole => call(value as usize, whole.min(len as usize)),
        Padded(_) if len as i32 <= PADDING as i32 => call(value as usize, len as usize),
        Padded(most) | PaddedExactly(most) => {
            let len = most.min(len as usize);
            match padded(value, len) {
                Ok(memory) => call(memory.start().expose_provenance(), len + PADDING),
                Err(Errno::EFAULT) => call(value as usize, len + PADDING),
                Err(errno) => Err(errno),
            }
        }
        Control => call(value as usize, len as usize),
    }
}

/// The value's first `len` bytes, with the padding.
fn padded(value: u32, len: usize) -> Result<Mapping, Errno> {
    let mut memory = scratch(len + PADDING)?;
    let (interface, rest) = memory.bytes().split_at_mut(4);
    OwnMemory.read(value, interface)?;
    OwnMemory.read(value.wrapping_add(4), &mut rest[PADDING..len - 4 + PADDING])?;
    Ok(memory)
}

/// # Safety
/// As [`super::socketcall`].
pub(super) unsafe fn get(words: [u32; 6]) -> Result<u32, Errno> {
    let [descriptor, level, name, ..] = words;
    let Some(conversion) = conversion(GET, level, name) else {
        // SAFETY: the caller's; the layouts are the same.
        return unsafe { native(Call::Getsockopt, words.map(|word| word as usize)) };
    };
    let value = Value { words };
    let result = match conversion {
        Refused(errno) => Err(errno),
        Timeval | WholeTimeval => value.timeval(conversion == WholeTimeval),
        Control => value.control(),
        Padded(most) | PaddedExactly(most) => value.padded(most),
        // SAFETY: the caller's.
        Filter => unsafe { native(Call::Getsockopt, words.map(|word| word as usize)) },
    };
    result.map_err(|error| unless_bad_descriptor(descriptor, error))
}

/// A value that getsockopt reads.
struct Value {
    words: [u32; 6],
}

impl Value {
    /// How much room the program has.
    fn room(&self) -> Result<usize, Errno> {
        let [len] = OwnMemory.read_array(self.words[4])?;
        usize::try_from(len as i32).map_err(|_| Errno::EINVAL)
    }

    /// Writes what was read: the value first, then its length, as the kernel does.
    fn answer(&self, value: &[u8]) -> Result<u32, Errno> {
        OwnMemory.write(self.words[3], value)?;
        OwnMemory.write_word(self.words[4], value.len() as u32)?;
        Ok(0)
    }

    /// Makes the call with memory of our own; how much of it was used.
    fn call(&self, memory: *mut u8, room: usize) -> Result<usize, Errno> {
        let [descriptor, level, name, ..] = self.words.map(|word| word as usize);
        let mut len = room as u32;
        let len_at = (&raw mut len).expose_provenance();
        // SAFETY: `memory` has as much room.
        unsafe {
            native(Call::Getsockopt, [descriptor, level, name, memory.expose_provenance(), len_at, 0])
        }?;
        Ok(room.min(len as usize))
    }

    fn timeval(&self, whole: bool) -> Result<u32, Errno> {
        let room = self.room()?;
        if whole && room < TIMEVAL32 {
            return Err(Errno::EINVAL);
        }
        let mut time = [0i64; 2];
        self.call((&raw mut time).cast(), TIMEVAL64)?;
        let time = time.map(|part| (part as i32).to_ne_bytes());
        self.answer(&time.as_flattened()[..room.min(TIMEVAL32)])
    }

    fn control(&self) -> Result<u32, Errno> {
        let room = self.room()?;
        let mut memory = scratch(control::room64(room))?;
        let used = self.call(memory.start(), control::room64(room))?;
        let narrowed = control::narrow(&memory.bytes()[..used], room, &mut Buffer(self.words[3]));
        OwnMemory.write_word(self.words[4], narrowed.used as u32)?;
        Ok(0)
    }

    fn padded(&self, most: usize) -> Result<u32, Errno> {
        /// The interface, the group, the mode and the number of sources.
        const HEAD: usize = 140;
        let room = self.room()?.min(most);
        if room < HEAD {
            return Err(Errno::EINVAL);
        }
        let mut memory = scratch(room + PADDING)?;
        let head = HEAD + PADDING;
        memory.bytes()[..head].copy_from_slice(&padded(self.words[3], HEAD)?.bytes()[..head]);
        let used = self.call(memory.start(), room + PADDING)?;
        let all = memory.bytes();
        all.copy_within(4 + PADDING..used, 4);
        self.answer(&all[..used - PADDING])
    }
}

#[cfg(test)]
mod tests {
    use super::{GET, SET, conversion};

    /// An option has one conversion.
    #[test]
    fn rows_do_not_overlap() {
        for rows in [SET, GET] {
            for (level, names, expected) in rows {
                for name in names.clone() {
                    assert_eq!(conversion(rows, *level, name), Some(*expected));
                    let all = rows.iter().filter(|row| row.0 == *level && row.1.contains(&name));
                    assert_eq!(all.count(), 1, "{level}, {name}");
                }
            }
        }
        assert_eq!(conversion(SET, 1, 2), None);
    }
}
