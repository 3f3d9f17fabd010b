//! Trees of few rules, by hand.

use super::*;

const ALLOW: Action = Action::Allow;
const DENY: Action = Action::Errno(5);

fn origin(at: usize) -> Origin {
    Origin { rule: at, at }
}

fn is(index: u8, op: Operator, value: u64) -> Condition {
    Condition { index, op, value, value_two: 0 }
}

fn tree(wide: bool, rules: &[(&[Condition], Action)]) -> Result<Tree, Refusal> {
    let mut tree = None;
    for (at, (conditions, action)) in rules.iter().enumerate() {
        Tree::add(&mut tree, conditions, wide, (*action, origin(at)))?;
    }
    Ok(tree.unwrap())
}

fn answers(tree: &Tree, values: &[u64]) -> Vec<Option<Action>> {
    values.iter().map(|value| tree.judge(&[*value, 0, 0, 0, 0, 0]).map(|answer| answer.0)).collect()
}

#[test]
fn all_operators_in_both_widths() {
    let high = 5 | 1 << 32;
    let cases = [
        (Operator::Equal, [false, true, false, false]),
        (Operator::NotEqual, [true, false, true, true]),
        (Operator::Less, [true, false, false, false]),
        (Operator::LessOrEqual, [true, true, false, false]),
        (Operator::Greater, [false, false, true, true]),
        (Operator::GreaterOrEqual, [false, true, true, true]),
    ];
    for (op, expected) in cases {
        let rule = [is(0, op, 5)];
        let wide = tree(true, &[(&rule, ALLOW)]).unwrap();
        let expected = expected.map(|allowed| allowed.then_some(ALLOW));
        assert_eq!(answers(&wide, &[4, 5, 6, high]), expected, "{op:?}");
        let narrow = tree(false, &[(&rule, ALLOW)]).unwrap();
        assert_eq!(answers(&narrow, &[4, 5, 6]), expected[..3], "{op:?}");
        // In a 32-bit call the upper half is not there.
        assert_eq!(answers(&narrow, &[high]), [expected[1]], "{op:?}");
    }
}

#[test]
fn a_rule_without_conditions_replaces_those_with() {
    let five = [is(0, Operator::Equal, 5)];
    for rules in [[(&five[..], ALLOW), (&[][..], DENY)], [(&[], DENY), (&five, ALLOW)]] {
        assert_eq!(answers(&tree(true, &rules).unwrap(), &[5, 6]), [Some(DENY); 2]);
    }
}

#[test]
fn the_same_conditions_with_another_answer_are_refused() {
    let five = [is(0, Operator::Equal, 5)];
    for wide in [false, true] {
        assert_eq!(tree(wide, &[(&five, ALLOW), (&five, DENY)]).unwrap_err(), Refusal::Conflict(origin(0)));
        assert!(tree(wide, &[(&five, ALLOW), (&five, ALLOW)]).is_ok());
    }
}

#[test]
fn of_a_beginning_the_shorter_stays_if_it_was_first() {
    let short = [is(0, Operator::Equal, 5)];
    let long = [is(0, Operator::Equal, 5), is(1, Operator::Equal, 1)];
    let first = tree(true, &[(&short, ALLOW), (&long, DENY)]).unwrap();
    assert_eq!(first.judge(&[5, 1, 0, 0, 0, 0]), Some((ALLOW, origin(0))));
    assert_eq!(tree(true, &[(&long, DENY), (&short, ALLOW)]).unwrap_err(), Refusal::Conflict(origin(0)));
}

#[test]
fn the_order_of_a_level_decides() {
    // Equality comes before ranges, whatever the profile's order is.
    let (any, five) = ([is(0, Operator::Greater, 3)], [is(0, Operator::Equal, 5)]);
    for rules in [[(&any[..], ALLOW), (&five[..], DENY)], [(&five, DENY), (&any, ALLOW)]] {
        assert_eq!(answers(&tree(true, &rules).unwrap(), &[4, 5]), [Some(ALLOW), Some(DENY)]);
    }
    // Higher arguments come first.
    let second = [is(1, Operator::Equal, 0)];
    let both = tree(false, &[(&five, DENY), (&second, ALLOW)]).unwrap();
    assert_eq!(answers(&both, &[5]), [Some(ALLOW)]);
}

#[test]
fn branches_end_where_a_filter_does() {
    // Of each rule's six conditions every one goes on to the next from two sides, so what is small as a tree has
    // more branches than fit into memory.
    let rule = |value: u64| (0..6).map(|index| is(index, Operator::NotEqual, value)).collect::<Vec<_>>();
    let rules: Vec<_> = (0..300).map(rule).collect();
    let rules: Vec<_> = rules.iter().map(|rule| (rule.as_slice(), ALLOW)).collect();
    assert_eq!(tree(true, &rules).unwrap().branches(), Err(BuildError::TooLong));
    // Each of these is two comparisons of three instructions, and an answer.
    let equal: Vec<_> = (0..586).map(|value| [is(0, Operator::Equal, value)]).collect();
    let equal: Vec<_> = equal.iter().map(|rule| (&rule[..], ALLOW)).collect();
    assert_eq!(tree(true, &equal[..585]).unwrap().branches().unwrap().len(), 585);
    assert_eq!(tree(true, &equal).unwrap().branches(), Err(BuildError::TooLong));
}

#[test]
fn shared_levels_are_walked_once_for_a_conflict() {
    // A shorter rule with the same answer is compared with all that is below: 2^6 ways for each of 300 rules.
    let long = |value: u64| {
        let first = is(0, Operator::Equal, 7);
        [first]
            .into_iter()
            .chain((1..6).map(|index| is(index, Operator::NotEqual, value)))
            .collect::<Vec<_>>()
    };
    let rules: Vec<_> = (0..300).map(long).collect();
    let short = [is(0, Operator::Equal, 7)];
    let mut rules: Vec<_> = rules.iter().map(|rule| (rule.as_slice(), ALLOW)).collect();
    rules.push((&short, ALLOW));
    let tree = tree(true, &rules).unwrap();
    assert_eq!(tree.judge(&[7, 0, 0, 0, 0, 0]).map(|answer| answer.0), Some(ALLOW));
}

#[test]
fn a_tree_ends_where_a_filter_does() {
    let rules: Vec<_> = (0..20_000).map(|value| [is(0, Operator::Equal, value)]).collect();
    let rules: Vec<_> = rules.iter().map(|rule| (&rule[..], ALLOW)).collect();
    assert!(tree(false, &rules[..MAX_LEVEL]).is_ok());
    assert_eq!(tree(false, &rules[..=MAX_LEVEL]).unwrap_err(), Refusal::TooLarge);
    // The same rule again and again is one branch, but takes room.
    let same: Vec<_> = rules.iter().map(|_| rules[0]).collect();
    assert!(tree(false, &same[..1000]).is_ok());
    assert_eq!(tree(false, &same).unwrap_err(), Refusal::TooLarge);
}
