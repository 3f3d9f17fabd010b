//! Where the host gets its packages from: its configured mirrors, read in both formats of sources.list(5).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The host's sources for its own release, in the deb822 format. Others (a vendor's, say) have no i386
/// packages that the tests want, and are left out.
pub fn of_host() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").context("/etc/os-release")?;
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let codename = codename.context("/etc/os-release has no VERSION_CODENAME")?.trim_matches('"');
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    for entry in fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten() {
        files.push(entry?.path());
    }
    let mut stanzas = Vec::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        stanzas.extend(of_file(file, &text, codename));
    }
    ensure!(!stanzas.is_empty(), "no source for {codename} in /etc/apt/sources.list and sources.list.d");
    Ok(stanzas.join("\n"))
}

/// Debian's main archive as the host has it, for another release.
pub fn of_release(wanted: &str) -> Result<String> {
    let text = of_host()?;
    let main = text.split("\n\n").flat_map(|text| text.split("Types: deb\n")).find_map(|stanza| {
        let suites = stanza.lines().find_map(|line| line.strip_prefix("Suites: "))?;
        // The suite that has no addition is the release itself, and not its security updates.
        let line = format!("Suites: {suites}");
        let main = suites.split_whitespace().any(|suite| !suite.contains('-'));
        main.then(|| format!("Types: deb\n{}", stanza.replace(&line, &format!("Suites: {wanted}"))))
    });
    main.context("the host's sources name no release of Debian's alone")
}

fn of_file(file: &Path, text: &str, codename: &str) -> Vec<String> {
    let of_release =
        |suite: &str| suite.strip_prefix(codename).is_some_and(|s| s.is_empty() || s.starts_with('-'));
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("list") => text.lines().filter_map(|line| of_line(line, of_release)).collect(),
        Some("sources") => {
            let without_comments =
                text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
            let stanzas = without_comments.split("\n\n").filter_map(|stanza| of_stanza(stanza, of_release));
            stanzas.collect()
        }
        _ => Vec::new(),
    }
}

/// `deb [option=value ...] URI SUITE COMPONENT...`
fn of_line(line: &str, of_release: impl Fn(&str) -> bool) -> Option<String> {
    let rest = line.trim().strip_prefix("deb")?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    if !uri.contains(':') || !of_release(suite) {
        return None;
    }
    let components = words.collect::<Vec<_>>().join(" ");
    let key = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    let key = key.map_or_else(String::new, |key| format!("Signed-By: {}\n", key.replace(',', " ")));
    Some(format!("Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {components}\n{key}"))
}

/// A stanza as it is, but for the suites of other releases, and for the fields that choose an architecture.
fn of_stanza(stanza: &str, of_release: impl Fn(&str) -> bool) -> Option<String> {
    let mut kept = String::new();
    let mut found = false;
    for line in stanza.lines() {
        let field = line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value));
        match field.as_ref().map(|(name, value)| (name.as_str(), *value)) {
            Some(("suites", value)) => {
                let suites: Vec<&str> = value.split_whitespace().filter(|suite| of_release(suite)).collect();
                found = !suites.is_empty();
                kept += &format!("Suites: {}\n", suites.join(" "));
            }
            Some(("types", value)) if !value.split_whitespace().any(|word| word == "deb") => return None,
            Some(("types", _)) => kept += "Types: deb\n",
            Some(("enabled", value)) if value.trim().eq_ignore_ascii_case("no") => return None,
            Some(("architectures", _)) => {}
            _ => {
                kept += line;
                kept.push('\n');
            }
        }
    }
    found.then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_releases_own_suites_are_taken() {
        let text = "# deb http://mirror/debian bookworm main\n\
                    deb [arch=amd64 signed-by=/k.gpg] http://mirror/debian bookworm main contrib\n\
                    deb-src http://mirror/debian bookworm main\n\
                    deb http://vendor/apt cloud-bookworm main\n\
                    deb http://mirror/debian bookworm-updates main\n";
        assert_eq!(
            of_file(Path::new("a.list"), text, "bookworm"),
            [
                "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm\nComponents: main contrib\nSigned-By: /k.gpg\n",
                "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm-updates\nComponents: main\n",
            ]
        );
        let text = "Types: deb deb-src\n# a comment\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates sid\n\
                    Components: main\nSigned-By: /k.gpg\n\nTypes: deb\nURIs: http://vendor\nSuites: nodistro\n\
                    Components: main\n\nTypes: deb\nEnabled: no\nURIs: http://x\nSuites: bookworm\nComponents: main\n";
        assert_eq!(
            of_file(Path::new("a.sources"), text, "bookworm"),
            ["Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\
              Signed-By: /k.gpg\n"]
        );
        assert!(of_file(Path::new("a.sources.bak"), text, "bookworm").is_empty());
    }
}
