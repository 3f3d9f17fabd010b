//! Names of families, types, protocols and options, as a policy writes them.
//!
//! The tables are those of the crate `decode`. A policy leaves their prefixes out (`inet`, `stream`,
//! `tcp.TCP_NODELAY`), and may write them (`AF_INET`, `SOCK_STREAM`).

use decode::tables::{self, FAMILIES, LEVELS, TYPES, Table};

/// The number of a name, whose prefix may be left out.
fn number(table: &Table, prefixes: &[&str], name: &str) -> Option<u32> {
    let prefixed = || prefixes.iter().find_map(|prefix| table.value(&format!("{prefix}{name}")));
    table.value(name).or_else(prefixed).and_then(|number| u32::try_from(number).ok())
}

/// A number's name without its prefix, in lower case; or the number.
fn shown(table: &Table, prefix: &str, number: u32) -> String {
    match table.name(number.into()) {
        Some(name) => name.strip_prefix(prefix).unwrap_or(name).to_lowercase(),
        None => number.to_string(),
    }
}

fn all(table: &'static Table, prefix: &'static str) -> impl Iterator<Item = String> {
    table.rows.iter().map(move |(_, name)| name.strip_prefix(prefix).unwrap_or(name).to_lowercase())
}

/// Second names of families (bits/socket.h).
const FAMILY_ALIASES: [(&str, u32); 3] = [("local", 1), ("file", 1), ("route", 16)];

/// A family by name.
pub(crate) fn family(name: &str) -> Option<u32> {
    let bare = strip(strip(name, "AF_"), "PF_");
    let alias = FAMILY_ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(bare));
    alias.map(|(_, number)| *number).or_else(|| number(&FAMILIES, &["AF_"], bare))
}

/// The text without a prefix, whatever its case.
fn strip<'a>(text: &'a str, prefix: &str) -> &'a str {
    match text.get(..prefix.len()) {
        Some(front) if front.eq_ignore_ascii_case(prefix) => &text[prefix.len()..],
        _ => text,
    }
}

/// A family's name: `inet6`.
pub(crate) fn family_name(family: u32) -> String {
    shown(&FAMILIES, "AF_", family)
}

/// The names of all families.
pub(crate) fn families() -> impl Iterator<Item = String> {
    all(&FAMILIES, "AF_").skip(1).chain(FAMILY_ALIASES.iter().map(|(alias, _)| (*alias).to_owned()))
}

/// A type by name.
pub(crate) fn socket_type(name: &str) -> Option<u32> {
    number(&TYPES, &["SOCK_"], name)
}

/// A type's name: `stream`.
pub(crate) fn type_name(ty: u32) -> String {
    shown(&TYPES, "SOCK_", ty)
}

/// The names of all types.
pub(crate) fn types() -> impl Iterator<Item = String> {
    all(&TYPES, "SOCK_")
}

/// The families whose protocols have names, and the names' prefix.
const PROTOCOLS: [(&[u32], &str); 3] = [(&[2], "IPPROTO_"), (&[10], "IPPROTO_"), (&[16], "NETLINK_")];

/// What a protocol's name means: in which families, which number.
pub(crate) fn protocol(name: &str) -> Vec<(u32, u32)> {
    let in_family = |(families, prefix): (&'static [u32], &'static str)| {
        families.iter().filter_map(move |family| {
            let table = tables::protocols((*family).into())?;
            Some((*family, number(table, &[prefix], name)?))
        })
    };
    PROTOCOLS.into_iter().flat_map(in_family).collect()
}

/// A protocol's name in its family: `tcp`.
pub(crate) fn protocol_name(family: u32, protocol: u32) -> String {
    let known = PROTOCOLS.iter().find(|(families, _)| families.contains(&family));
    match known.and_then(|(_, prefix)| Some((tables::protocols(family.into())?, prefix))) {
        Some((table, prefix)) => shown(table, prefix, protocol),
        None => protocol.to_string(),
    }
}

/// The names of all protocols.
pub(crate) fn protocols() -> impl Iterator<Item = String> {
    PROTOCOLS
        .into_iter()
        .filter_map(|(families, prefix)| {
            let table = tables::protocols(families[0].into())?;
            Some(all(table, prefix))
        })
        .flatten()
}

/// An option level by name: `socket`, `SOL_TCP`.
pub(crate) fn level(name: &str) -> Option<u32> {
    let short = tables::options::option_level(name).and_then(|options| u32::try_from(options.level).ok());
    short.or_else(|| number(&LEVELS, &["SOL_"], name))
}

/// A level's name: `tcp`.
pub(crate) fn level_name(level: u32) -> String {
    let short = tables::options::options(level.into()).map(|options| options.short.to_owned());
    short.unwrap_or_else(|| shown(&LEVELS, "SOL_", level))
}

/// The names of all levels.
pub(crate) fn levels() -> impl Iterator<Item = String> {
    all(&LEVELS, "SOL_")
}

/// An option of a level by name.
pub(crate) fn option(level: u32, name: &str) -> Option<u32> {
    tables::options::options(level.into())?.number(name).and_then(|number| u32::try_from(number).ok())
}

/// `tcp.TCP_NODELAY`, or `tcp.*`.
pub(crate) fn option_name(level: u32, name: Option<u32>) -> String {
    let option = name.map_or_else(
        || "*".to_owned(),
        |number| {
            let options = tables::options::options(level.into());
            // Of the few that can't be set under this name, it is what can be got.
            let own =
                options.and_then(|o| o.name(number.into(), false).or_else(|| o.name(number.into(), true)));
            own.map_or_else(|| number.to_string(), str::to_owned)
        },
    );
    format!("{}.{option}", level_name(level))
}

/// The names of all options of a level.
pub(crate) fn options(level: u32) -> impl Iterator<Item = String> {
    let options = tables::options::options(level.into());
    options.into_iter().flat_map(|options| options.all()).map(|(_, name)| name.to_owned())
}
