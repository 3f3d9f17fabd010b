//! Figures as lines of a table, and as JSON.

use serde_json::{Value, json};

use super::contest::Figures;
use super::rows::{Bound, Row};
use super::statistics::Estimate;
use super::world::Rival;

/// The columns: what stands above them, and how wide they are.
const COLUMNS: [(&str, usize); 12] = [
    ("row", 27),
    ("bound", 16),
    ("native", 8),
    ("native again", 20),
    ("socketcall", 20),
    ("socketcall - native", 26),
    ("strace", 6),
    ("filter", 6),
    ("qemu-i386", 9),
    ("socketcall / filter", 20),
    ("/ strace, run", 20),
    ("", 4),
];

/// The two lines above the rows.
pub fn head() -> String {
    let rule = COLUMNS.map(|(_, width)| "-".repeat(width));
    format!("{}\n{}", line(&COLUMNS.map(|(name, _)| name.to_owned())), line(&rule))
}

/// A row with its figures.
pub fn text(row: &Row, figures: &Figures) -> String {
    let native = |rival| figures.ratio(rival, Rival::Native);
    let short = |estimate: Option<Estimate>| or_dash(estimate, |estimate| factor(estimate.median));
    line(&[
        row.name.into(),
        row.bound.map_or(String::new(), bound),
        or_dash(figures.cost(Rival::Native), |cost| time(cost.median)),
        or_dash(native(Rival::Again), ratio),
        or_dash(native(Rival::Ours), ratio),
        or_dash(figures.difference(Rival::Ours, Rival::Native), difference),
        short(native(Rival::Strace)),
        short(native(Rival::StraceFilter)),
        short(native(Rival::Qemu)),
        or_dash(figures.ratio(Rival::Ours, Rival::StraceFilter), ratio),
        or_dash(figures.ratio(Rival::Ours, Rival::Strace).or(figures.ratio(Rival::Ours, Rival::Bare)), ratio),
        verdict(row, figures).map_or("", Verdict::text).into(),
    ])
}

/// A row with its figures, for programs. Times are in nanoseconds.
pub fn json(row: &Row, figures: &Figures) -> Value {
    let estimate = |estimate: Option<Estimate>| estimate.map(estimate_json);
    let native = |rival| estimate(figures.ratio(rival, Rival::Native));
    json!({
        "row": row.name,
        "verb": row.verb.name(),
        "options": row.options,
        "bound": row.bound.map(bound),
        "verdict": verdict(row, figures).map(Verdict::text),
        "native_ns": estimate(figures.cost(Rival::Native)),
        "socketcall_minus_native_ns": estimate(figures.difference(Rival::Ours, Rival::Native)),
        "ratio": {
            "native_again": native(Rival::Again),
            "socketcall": native(Rival::Ours),
            "strace": native(Rival::Strace),
            "strace_filter": native(Rival::StraceFilter),
            "qemu": native(Rival::Qemu),
            "socketcall_to_strace": estimate(figures.ratio(Rival::Ours, Rival::Strace)),
            "socketcall_to_strace_filter": estimate(figures.ratio(Rival::Ours, Rival::StraceFilter)),
            "socketcall_to_run": estimate(figures.ratio(Rival::Ours, Rival::Bare)),
        },
    })
}

/// An estimate for programs.
pub fn estimate_json(Estimate { median, low, high }: Estimate) -> Value {
    json!({ "median": median, "low": low, "high": high })
}

/// What is measured once, and stands below the table.
pub struct Line {
    /// For people.
    pub text: String,
    /// Of its bounds.
    pub verdict: Verdict,
    /// For programs.
    pub json: Value,
}

/// Whether a bound is kept, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// By the whole interval.
    Kept,
    /// By no part of it.
    Missed,
    /// The interval lies on both sides.
    Open,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Verdict; 3] = [Verdict::Kept, Verdict::Missed, Verdict::Open];

    /// As it stands in the table.
    pub const fn text(self) -> &'static str {
        match self {
            Verdict::Kept => "ok",
            Verdict::Missed => "over",
            Verdict::Open => "open",
        }
    }

    /// Of a measured figure. One that is not there leaves it open.
    pub fn of(measured: Option<Estimate>, most: f64) -> Verdict {
        match measured {
            Some(measured) if measured.high <= most => Verdict::Kept,
            Some(measured) if measured.low > most => Verdict::Missed,
            _ => Verdict::Open,
        }
    }
}

/// What is to be said of a row's bound, if it has one.
pub fn verdict(row: &Row, figures: &Figures) -> Option<Verdict> {
    let (bound, ours) = (row.bound?, Rival::Ours);
    let other = bound.against();
    Some(match bound {
        Bound::Ratio(most) | Bound::OfStrace(most) | Bound::OfRun(most) => {
            Verdict::of(figures.ratio(ours, other), most)
        }
        Bound::Over(most) => Verdict::of(figures.difference(ours, other), most),
        // Two losses that are both close to 0 have no ratio; what one loses beyond a part of the other can be told.
        Bound::OfStraceLoss(most) => Verdict::of(figures.loss_beyond(most, ours, other, Rival::Native), 0.0),
    })
}

fn line(cells: &[String; COLUMNS.len()]) -> String {
    let cells = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("| {cell:<width$} "));
    cells.collect::<String>() + "|"
}

fn or_dash(estimate: Option<Estimate>, show: impl Fn(Estimate) -> String) -> String {
    estimate.map_or("-".into(), show)
}

fn bound(bound: Bound) -> String {
    match bound {
        Bound::Ratio(most) => format!("{most}"),
        Bound::Over(most) => format!("+{}", time(most)),
        Bound::OfStrace(most) => format!("{most} of strace"),
        Bound::OfStraceLoss(most) => format!("{most} of its loss"),
        Bound::OfRun(most) => format!("{most} of run"),
    }
}

fn ratio(Estimate { median, low, high }: Estimate) -> String {
    format!("{} [{}, {}]", factor(median), factor(low), factor(high))
}

/// Three digits behind the point where they tell something.
fn factor(value: f64) -> String {
    if value < 2.0 { format!("{value:.3}") } else { format!("{value:.2}") }
}

fn difference(estimate: Estimate) -> String {
    scaled(estimate, |value, digits| format!("{value:+.digits$}"))
}

/// A time with its interval.
pub fn interval(estimate: Estimate) -> String {
    scaled(estimate, |value, digits| format!("{value:.digits$}"))
}

fn scaled(Estimate { median, low, high }: Estimate, show: impl Fn(f64, usize) -> String) -> String {
    let largest = median.abs().max(low.abs()).max(high.abs());
    let (unit, name) = unit(largest);
    // Three digits say what can be told.
    let digits = match largest / unit {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    let show = |value: f64| show(value / unit, digits);
    format!("{} [{}, {}] {name}", show(median), show(low), show(high))
}

/// A time in the unit that fits.
pub fn time(nanoseconds: f64) -> String {
    let (unit, name) = unit(nanoseconds);
    match nanoseconds / unit {
        value if value < 10.0 => format!("{value:.2} {name}"),
        value => format!("{value:.0} {name}"),
    }
}

fn unit(nanoseconds: f64) -> (f64, &'static str) {
    match nanoseconds {
        few if few < 1e3 => (1.0, "ns"),
        more if more < 1e6 => (1e3, "us"),
        more if more < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::contestant::Place;
    use crate::bench::rows::{Verb, Work};

    #[test]
    fn times_have_the_unit_that_fits() {
        assert_eq!(time(163.4), "163 ns");
        assert_eq!(time(2_345.0), "2.35 us");
        assert_eq!(time(1_550_000.0), "1.55 ms");
        assert_eq!(time(1e9), "1.00 s");
        assert_eq!(bound(Bound::Over(500_000.0)), "+500 us");
        assert_eq!(bound(Bound::Ratio(1.02)), "1.02");
        assert_eq!(bound(Bound::OfStrace(0.55)), "0.55 of strace");
    }

    #[test]
    fn intervals_are_shown_with_their_median() {
        let estimate = Estimate { median: 0.941, low: 0.938, high: 2.25 };
        assert_eq!(ratio(estimate), "0.941 [0.938, 2.25]");
        let estimate = Estimate { median: 477_321.0, low: 456_700.0, high: 698_000.0 };
        assert_eq!(difference(estimate), "+477 [+457, +698] us");
        let estimate = Estimate { median: -4.0, low: -1500.0, high: 20.0 };
        assert_eq!(difference(estimate), "-0.00 [-1.50, +0.02] us");
        let estimate = Estimate { median: 45.6e6, low: 41e6, high: 812e6 };
        assert_eq!(interval(estimate), "46 [41, 812] ms");
    }

    fn row(bound: Option<Bound>) -> Row {
        let work = Work::Start { denied: false };
        Row { name: "", work, verb: Verb::Run, options: &[], place: Place::Free, bound }
    }

    #[test]
    fn a_bound_is_kept_missed_or_open() {
        let estimate = |low, high| Some(Estimate { median: 1.0, low, high });
        assert_eq!(Verdict::of(estimate(0.9, 1.02), 1.02), Verdict::Kept);
        assert_eq!(Verdict::of(estimate(1.03, 1.1), 1.02), Verdict::Missed);
        assert_eq!(Verdict::of(estimate(0.9, 1.1), 1.02), Verdict::Open);
        assert_eq!(Verdict::of(None, 1.02), Verdict::Open);
    }

    /// Six sessions alike, so that intervals are points: 100 ns natively, ours and strace's as given.
    #[test]
    fn each_bound_looks_at_its_own_figure() {
        let told = |bound, ours, strace: &[f64]| {
            let session =
                || [vec![100.0], vec![100.0], vec![ours], strace.to_vec(), vec![200.0], vec![], vec![125.0]];
            verdict(&row(Some(bound)), &Figures::of((0..6).map(|_| session()).collect()))
        };
        for (bound, ours, strace, expected) in [
            (Bound::Ratio(1.3), 130.0, 500.0, Verdict::Kept),
            (Bound::Ratio(1.3), 131.0, 500.0, Verdict::Missed),
            (Bound::Over(50.0), 150.0, 500.0, Verdict::Kept),
            (Bound::Over(50.0), 151.0, 500.0, Verdict::Missed),
            (Bound::OfStrace(0.5), 250.0, 500.0, Verdict::Kept),
            (Bound::OfStrace(0.5), 251.0, 500.0, Verdict::Missed),
            (Bound::OfRun(1.2), 150.0, 500.0, Verdict::Kept),
            (Bound::OfRun(1.2), 151.0, 500.0, Verdict::Missed),
            // strace loses 80% of what is done in a second; 0.5 of that are 40%.
            (Bound::OfStraceLoss(0.5), 166.0, 500.0, Verdict::Kept),
            (Bound::OfStraceLoss(0.5), 167.0, 500.0, Verdict::Missed),
        ] {
            assert_eq!(told(bound, ours, &[strace]), Some(expected), "{ours} and {strace}");
        }
        assert_eq!(told(Bound::OfStrace(0.5), 250.0, &[]), Some(Verdict::Open), "without strace");
        let session = || [vec![1.0], vec![1.0], vec![1.0], vec![], vec![], vec![], vec![]];
        assert_eq!(verdict(&row(None), &Figures::of((0..6).map(|_| session()).collect())), None);
    }

    #[test]
    fn cells_stand_below_each_other() {
        let head = head();
        let lines: Vec<&str> = head.lines().collect();
        assert_eq!(lines[0].len(), lines[1].len());
    }
}
