//! Names near to one that is unknown.

/// Names that `text` begins or continues, or that a few edits make of it; the nearest first, five at most.
pub(crate) fn near<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut near: Vec<_> = names
        .into_iter()
        .map(|name| (edits(&lower, &name.to_lowercase()), name))
        .filter(|&(edits, name)| edits <= (name.len() / 4).clamp(1, 2) && edits < text.len())
        .collect();
    near.sort_unstable();
    near.into_iter().map(|(_, name)| name.to_owned()).take(5).collect()
}

/// How many letters must be inserted, removed, replaced or exchanged with their neighbour to make `b` of `a`.
/// Names are short: of a long text it is enough to know that it is far.
fn edits(a: &str, b: &str) -> usize {
    if a.len() > 2 * b.len() + 4 {
        return a.len();
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1)
            };
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn the_nearest_come_first() {
        let names = ["socket", "socketcall", "socketpair", "read", "SCMP_ACT_ERRNO"];
        assert_eq!(near("scoket", names), ["socket"]);
        assert_eq!(near("socketcal", names), ["socketcall"]);
        assert_eq!(near("scmp_act_erno", names), ["SCMP_ACT_ERRNO"]);
        assert!(near("frobnicate", names).is_empty());
        assert!(near("", names).is_empty());
        assert!(near(&"x".repeat(100_000), names).is_empty());
    }
}
