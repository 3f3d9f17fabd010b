//! Figures as lines of a table, and as JSON.

use serde_json::{Value, json};

use super::contest::{Figures, Rival};
use super::rows::{Bound, Row};
use super::statistics::Estimate;

/// The columns: what stands above them, and how wide they are.
const COLUMNS: [(&str, usize); 10] = [
    ("row", 26),
    ("bound", 8),
    ("native", 8),
    ("native again", 20),
    ("run", 20),
    ("run - native", 26),
    ("strace", 7),
    ("qemu-i386", 9),
    ("run / strace", 12),
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
        or_dash(native(Rival::Run), ratio),
        or_dash(figures.difference(Rival::Run, Rival::Native), difference),
        short(native(Rival::Strace)),
        short(native(Rival::Qemu)),
        short(figures.ratio(Rival::Run, Rival::Strace)),
        verdict(row, figures).into(),
    ])
}

/// A row with its figures, for programs. Times are in nanoseconds.
pub fn json(row: &Row, figures: &Figures) -> Value {
    let estimate = |estimate: Option<Estimate>| {
        estimate.map(|Estimate { median, low, high }| json!({ "median": median, "low": low, "high": high }))
    };
    let native = |rival| estimate(figures.ratio(rival, Rival::Native));
    json!({
        "row": row.name,
        "bound": row.bound.map(bound),
        "verdict": verdict(row, figures),
        "native_ns": estimate(figures.cost(Rival::Native)),
        "run_minus_native_ns": estimate(figures.difference(Rival::Run, Rival::Native)),
        "ratio": {
            "native_again": native(Rival::Again),
            "run": native(Rival::Run),
            "strace": native(Rival::Strace),
            "qemu": native(Rival::Qemu),
            "run_to_strace": estimate(figures.ratio(Rival::Run, Rival::Strace)),
        },
    })
}

/// Whether the bound is kept, as far as can be told: `open` where the interval lies on both sides of it.
fn verdict(row: &Row, figures: &Figures) -> &'static str {
    let (measured, most) = match row.bound {
        None => return "",
        Some(Bound::Ratio(most)) => (figures.ratio(Rival::Run, Rival::Native), most),
        Some(Bound::Over(most)) => (figures.difference(Rival::Run, Rival::Native), most),
    };
    match measured {
        Some(measured) if measured.high <= most => "ok",
        Some(measured) if measured.low > most => "over",
        _ => "open",
    }
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
    }
}

fn ratio(Estimate { median, low, high }: Estimate) -> String {
    format!("{} [{}, {}]", factor(median), factor(low), factor(high))
}

/// Three digits behind the point where they tell something.
fn factor(value: f64) -> String {
    if value < 2.0 { format!("{value:.3}") } else { format!("{value:.2}") }
}

fn difference(Estimate { median, low, high }: Estimate) -> String {
    let largest = median.abs().max(low.abs()).max(high.abs());
    let (unit, name) = unit(largest);
    // Three digits say what can be told.
    let digits = match largest / unit {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    let show = |value: f64| format!("{:+.digits$}", value / unit);
    format!("{} [{}, {}] {name}", show(median), show(low), show(high))
}

fn time(nanoseconds: f64) -> String {
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
        _ => (1e6, "ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_fits() {
        assert_eq!(time(163.4), "163 ns");
        assert_eq!(time(2_345.0), "2.35 us");
        assert_eq!(time(1_550_000.0), "1.55 ms");
        assert_eq!(bound(Bound::Over(500_000.0)), "+500 us");
        assert_eq!(bound(Bound::Ratio(1.02)), "1.02");
    }

    #[test]
    fn intervals_are_shown_with_their_median() {
        let estimate = Estimate { median: 0.941, low: 0.938, high: 2.25 };
        assert_eq!(ratio(estimate), "0.941 [0.938, 2.25]");
        let estimate = Estimate { median: 477_321.0, low: 456_700.0, high: 698_000.0 };
        assert_eq!(difference(estimate), "+477 [+457, +698] us");
        let estimate = Estimate { median: -4.0, low: -1500.0, high: 20.0 };
        assert_eq!(difference(estimate), "-0.00 [-1.50, +0.02] us");
    }

    #[test]
    fn cells_stand_below_each_other() {
        let head = head();
        let lines: Vec<&str> = head.lines().collect();
        assert_eq!(lines[0].len(), lines[1].len());
    }
}
