//! The time of an event.

use decode::Stamp;

/// Which clocks are read. Each costs, at both ends of every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// CLOCK_REALTIME, for [`Stamp::wall`].
    pub wall: bool,
    /// CLOCK_MONOTONIC, for [`Stamp::monotonic`] and how long a call took.
    pub monotonic: bool,
}

impl Clocks {
    /// Both.
    pub const ALL: Clocks = Clocks { wall: true, monotonic: true };

    /// What they say; zero of one that is not read.
    pub(super) fn now(self) -> Stamp {
        let read = |wanted, clock| if wanted { nanoseconds(clock) } else { 0 };
        Stamp {
            wall: read(self.wall, libc::CLOCK_REALTIME),
            monotonic: read(self.monotonic, libc::CLOCK_MONOTONIC),
        }
    }
}

fn nanoseconds(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: one structure; both clocks are always there.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}
