//! What the options for times say.

use ::trace::Time;
use clap::ValueEnum;

/// How exactly a time is shown: strace's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Seconds
    S,
    /// Milliseconds
    Ms,
    /// Microseconds
    Us,
    /// Nanoseconds
    Ns,
}

impl Precision {
    /// Digits behind the seconds' point.
    pub const fn digits(self) -> u8 {
        match self {
            Precision::S => 0,
            Precision::Ms => 3,
            Precision::Us => 6,
            Precision::Ns => 9,
        }
    }
}

/// What can stand in front of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    None,
    Time,
    Unix,
}

const FORMATS: [(&str, Format); 3] = [("none", Format::None), ("time", Format::Time), ("unix", Format::Unix)];

/// One argument of `--absolute-timestamps`: a format, a precision, both, or neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamps {
    format: Option<Format>,
    precision: Option<Precision>,
}

impl Stamps {
    /// Words with commas between them; each may say of what it is one. The last of a kind counts.
    pub fn parse(text: &str) -> Result<Stamps, String> {
        let mut stamps = Stamps::default();
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let (of, name) = word.split_once(':').unwrap_or(("", word));
            let format = FORMATS.iter().find(|(format, _)| *format == name).filter(|_| of != "precision");
            let precision = Precision::from_str(name, false).ok().filter(|_| of != "format");
            match (of, format, precision) {
                ("" | "format", Some((_, format)), _) => stamps.format = Some(*format),
                ("" | "precision", _, Some(precision)) => stamps.precision = Some(precision),
                _ => {
                    return Err(format!(
                        "`{}` is neither a format (none, time, unix) nor a precision (s, ms, us, ns)",
                        word.escape_debug()
                    ));
                }
            }
        }
        Ok(stamps)
    }

    /// What all arguments say together. As with strace, one that names no format asks for the time of day, unless
    /// another was asked for before.
    pub fn time(all: &[Stamps]) -> Time {
        let (mut format, mut precision) = (Format::None, Precision::S);
        for stamps in all {
            let before = if format == Format::None { Format::Time } else { format };
            format = stamps.format.unwrap_or(before);
            precision = stamps.precision.unwrap_or(precision);
        }
        let digits = precision.digits();
        match format {
            Format::None => Time::None,
            Format::Time => Time::Clock { digits },
            Format::Unix => Time::Unix { digits },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(arguments: &[&str]) -> Result<Time, String> {
        let stamps: Result<Vec<_>, _> = arguments.iter().map(|text| Stamps::parse(text)).collect();
        stamps.map(|stamps| Stamps::time(&stamps))
    }

    /// Each was tried with strace 7.2.
    #[test]
    fn as_strace_takes_them() {
        let clock = |digits| Time::Clock { digits };
        let unix = |digits| Time::Unix { digits };
        for (arguments, expected) in [
            (&[][..], Time::None),
            (&[""], clock(0)),
            (&[","], clock(0)),
            (&["", ""], clock(0)),
            (&["ms"], clock(3)),
            (&["precision:s"], clock(0)),
            (&["time,us"], clock(6)),
            (&["unix"], unix(0)),
            (&["unix,ns"], unix(9)),
            (&["ns,,unix"], unix(9)),
            (&["precision:ms,format:unix"], unix(3)),
            (&["ns,ms"], clock(3)),
            (&["ns", "unix"], unix(9)),
            (&["us,us", ""], clock(6)),
            (&["none"], Time::None),
            (&["none,ns"], Time::None),
            (&["none", ""], clock(0)),
            (&["none", "ns"], clock(9)),
        ] {
            assert_eq!(time(arguments), Ok(expected), "{arguments:?}");
        }
        for wrong in ["foo", "format:ns", "precision:unix", "precision:", "format:", "ms,x", "of:ms", "MS"] {
            let error = time(&[wrong]).unwrap_err();
            assert!(error.contains("none, time, unix"), "{error}");
        }
    }
}
