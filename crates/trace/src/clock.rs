//! The time in front of a line.

use std::fmt::Write;

use decode::Stamp;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::{Options, Time};

const SECOND: u64 = 1_000_000_000;

/// Writes times, and remembers the last.
#[derive(Debug)]
pub(crate) struct Clock {
    time: Time,
    relative: Option<u8>,
    zone: TimeZone,
    /// The second since 1970 that `text` is the time of day of.
    second: u64,
    text: String,
    /// When the line before was written.
    last: Option<u64>,
}

impl Clock {
    pub(crate) fn new(options: &Options) -> Clock {
        let zone =
            if matches!(options.time, Time::Clock { .. }) { TimeZone::system() } else { TimeZone::UTC };
        let Options { time, relative, .. } = *options;
        Clock { time, relative, zone, second: u64::MAX, text: String::new(), last: None }
    }

    /// Appends what stands in front of a line of this moment.
    pub(crate) fn write(&mut self, out: &mut String, at: Stamp) {
        match self.time {
            Time::None => {}
            Time::Clock { digits } => {
                let second = at.wall / SECOND;
                if second != self.second {
                    self.second = second;
                    self.text = time_of_day(&self.zone, second);
                }
                out.push_str(&self.text);
                fraction(out, at.wall % SECOND, digits);
                out.push(' ');
            }
            Time::Unix { digits } => {
                let _ = write!(out, "{}", at.wall / SECOND);
                fraction(out, at.wall % SECOND, digits);
                out.push(' ');
            }
        }
        if let Some(digits) = self.relative {
            let since = at.monotonic.saturating_sub(self.last.replace(at.monotonic).unwrap_or(at.monotonic));
            let (open, close) = if self.time == Time::None { ("", " ") } else { ("(+", ") ") };
            let _ = write!(out, "{open}{:6}", since / SECOND);
            fraction(out, since % SECOND, digits);
            out.push_str(close);
        }
    }
}

/// So many digits of a second's fraction, behind a point; nothing for none.
pub(crate) fn fraction(out: &mut String, nanoseconds: u64, digits: u8) {
    let digits = usize::from(digits.min(9));
    if digits > 0 {
        let _ = write!(out, ".{:0digits$}", nanoseconds / 10_u64.pow(9 - digits as u32));
    }
}

fn time_of_day(zone: &TimeZone, second: u64) -> String {
    let timestamp = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    let time = zone.to_datetime(timestamp.unwrap_or_default()).time();
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(time: Time, relative: Option<u8>, stamps: &[Stamp]) -> String {
        let mut clock = Clock::new(&Options { time, relative, ..Options::default() });
        clock.zone = TimeZone::UTC;
        let mut out = String::new();
        stamps.iter().for_each(|at| clock.write(&mut out, *at));
        out
    }

    #[test]
    fn as_strace_writes_them() {
        let stamps = [
            Stamp { wall: 1_795_449_087_563_013_999, monotonic: 5_000_000_000 },
            Stamp { wall: 1_795_449_088_000_000_001, monotonic: 17_000_066_999 },
        ];
        let one = &stamps[..1];
        assert_eq!(written(Time::None, None, one), "");
        assert_eq!(written(Time::Clock { digits: 0 }, None, one), "15:51:27 ");
        assert_eq!(written(Time::Clock { digits: 6 }, None, &stamps), "15:51:27.563013 15:51:28.000000 ");
        assert_eq!(written(Time::Unix { digits: 6 }, None, one), "1795449087.563013 ");
        assert_eq!(written(Time::None, Some(6), &stamps), "     0.000000     12.000066 ");
        assert_eq!(written(Time::Clock { digits: 0 }, Some(6), one), "15:51:27 (+     0.000000) ");
        assert_eq!(written(Time::Clock { digits: 3 }, None, one), "15:51:27.563 ");
        assert_eq!(written(Time::Unix { digits: 9 }, None, one), "1795449087.563013999 ");
        assert_eq!(written(Time::None, Some(0), &stamps), "     0     12 ");
        assert_eq!(written(Time::None, Some(9), &stamps), "     0.000000000     12.000066999 ");
    }
}
