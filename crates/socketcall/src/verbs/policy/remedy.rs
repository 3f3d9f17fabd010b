//! Rules that would permit a call, as they are offered. What a program chose, such as a path, stands in them: no shell and no
//! terminal may take it for anything else.

use ::policy::{Policy, Remedy, Rule};

/// The options that a command line needs, for a shell: `--allow 'family=alg type=seqpacket'`. `None`, if no short rules say
/// it.
pub fn options(remedy: &Remedy) -> Option<String> {
    let Remedy::Short(rules) = remedy else { return None };
    let option = |rule: &String| Some(format!("--allow {}", shlex::try_quote(rule).ok()?));
    rules.iter().map(option).collect::<Option<Vec<_>>>().map(|options| options.join(" "))
}

/// Rules of a file, where no short ones say it.
pub fn tables(remedy: &Remedy) -> Option<&[String]> {
    if let Remedy::File(rules) = remedy { Some(rules) } else { None }
}

/// For people; `lead` is how it begins: `to permit it`.
pub fn words(lead: &str, remedy: &Remedy, policy: &Policy) -> String {
    match remedy {
        Remedy::Short(_) => {
            // A rule of the command line counts before those that stand behind it.
            let place = if policy.rules.iter().any(Rule::is_short) { ", in front" } else { "" };
            format!("{lead}{place}: {}", options(remedy).unwrap_or_default())
        }
        Remedy::File(rules) => {
            format!("{lead}, in a file, since no short rule can say it: rule = [{}]", rules.join(", "))
        }
        Remedy::Unsayable => "no rule can name this address and no other".to_owned(),
    }
}

/// The text without anything that a terminal would obey, or that would end a line.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\'' | '"' | '\\' => shown.push(letter),
            letter => shown.extend(letter.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_was_meant() {
        for rule in ["address=/tmp/x';touch$IFS/tmp/y;echo'", "address=/a\"`$(b)!\\*", "address=/a'b!\"c^"] {
            let remedy = Remedy::Short(vec![rule.to_owned(), "option=ip.*".to_owned()]);
            let text = options(&remedy).expect("short rules");
            assert_eq!(shlex::split(&text).expect("words"), ["--allow", rule, "--allow", "option=ip.*"]);
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(printable("a 'b' \\\x1b[31m\n\u{9b}\u{202e}ä"), "a 'b' \\\\u{1b}[31m\\n\\u{9b}\\u{202e}ä");
    }
}
