//! The values of a rule's keys: one word each, in a file and in a short rule alike.

use std::ops::RangeInclusive;

use abi::{Call, Errno};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::address::Pattern;
use crate::error::{Problem, near};
use crate::glob::Glob;
use crate::model::{Calls, GROUPS, OptionPattern, Protocol};
use crate::names;

/// A value: a word, or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Text(String),
    Number(i64),
}

impl Word {
    /// A word of a short rule, where digits are a number.
    pub fn bare(text: &str) -> Word {
        text.parse().map_or_else(|_| Word::Text(text.to_owned()), Word::Number)
    }

    /// As it was written.
    fn text(&self) -> String {
        match self {
            Word::Text(text) => text.clone(),
            Word::Number(number) => number.to_string(),
        }
    }
}

fn unknown(what: &'static str, name: &str, names: impl Iterator<Item = String>) -> Problem {
    Problem::Name { what, name: name.to_owned(), near: near(name, names) }
}

fn number(what: &'static str, number: i64, least: u32, most: u32) -> Result<u32, Problem> {
    let fits = u32::try_from(number).ok().filter(|number| (least..=most).contains(number));
    fits.ok_or(Problem::Number { what, least, most })
}

pub(crate) fn calls(word: &Word) -> Result<Calls, Problem> {
    let name = word.text();
    let group = GROUPS.iter().find(|(group, _)| *group == name).map(|(_, calls)| *calls);
    let call = || Call::ALL.into_iter().find(|call| call.name() == name).map(Calls::of);
    let names = GROUPS.iter().map(|(group, _)| *group).chain(Call::ALL.map(Call::name));
    group.or_else(call).ok_or_else(|| unknown("call", &name, names.map(str::to_owned)))
}

pub(crate) fn family(word: &Word) -> Result<u32, Problem> {
    match word {
        Word::Number(family) => number("a family", *family, 0, 255),
        Word::Text(name) => names::family(name).ok_or_else(|| unknown("family", name, names::families())),
    }
}

pub(crate) fn socket_type(word: &Word) -> Result<u32, Problem> {
    match word {
        Word::Number(ty) => number("a type", *ty, 0, 15),
        Word::Text(name) => names::socket_type(name).ok_or_else(|| unknown("type", name, names::types())),
    }
}

pub(crate) fn protocol(word: &Word) -> Result<Protocol, Problem> {
    match word {
        Word::Number(protocol) => {
            let number = number("a protocol", *protocol, 0, i32::MAX.unsigned_abs())?;
            Ok(Protocol { named: Vec::new(), number })
        }
        Word::Text(name) => match names::protocol(name) {
            named if named.is_empty() => Err(unknown("protocol", name, names::protocols())),
            named => Ok(Protocol { number: named[0].1, named }),
        },
    }
}

pub(crate) fn errno(word: &Word) -> Result<Errno, Problem> {
    const MOST: u32 = 4095;
    let by_number = |raw: u32| i32::try_from(raw).ok().and_then(Errno::from_raw);
    match word {
        Word::Number(raw) => {
            let raw = number("an errno", *raw, 1, MOST)?;
            by_number(raw).ok_or(Problem::Number { what: "an errno", least: 1, most: MOST })
        }
        Word::Text(name) => {
            let all = || (1..=MOST).filter_map(by_number).filter_map(|errno| Some((errno, errno.name()?)));
            let found = all().find(|(_, own)| own.eq_ignore_ascii_case(name)).map(|(errno, _)| errno);
            found.ok_or_else(|| unknown("errno", name, all().map(|(_, own)| own.to_owned())))
        }
    }
}

pub(crate) fn port(word: &Word) -> Result<RangeInclusive<u32>, Problem> {
    let text = word.text();
    let bad = || Problem::Port(text.clone());
    let (low, high) = match word {
        Word::Number(number) => {
            let port = u32::try_from(*number).map_err(|_| bad())?;
            (port, port)
        }
        Word::Text(text) => {
            let (low, high) = text.split_once('-').unwrap_or((text, text));
            (low.parse().map_err(|_| bad())?, high.parse().map_err(|_| bad())?)
        }
    };
    if low > high { Err(Problem::Backwards(low, high)) } else { Ok(low..=high) }
}

pub(crate) fn option(word: &Word) -> Result<OptionPattern, Problem> {
    let text = word.text();
    let (level, name) = text.split_once('.').ok_or_else(|| Problem::Option(text.clone()))?;
    let level = match level.parse() {
        Ok(level) => level,
        Err(_) => names::level(level).ok_or_else(|| unknown("option level", level, names::levels()))?,
    };
    let name = match (name, name.parse()) {
        ("*", _) => None,
        (_, Ok(name)) => Some(name),
        _ => Some(names::option(level, name).ok_or_else(|| unknown("option", name, names::options(level)))?),
    };
    Ok(OptionPattern { level, name })
}

pub(crate) fn address(word: &Word) -> Result<Pattern, Problem> {
    let text = word.text();
    let glob = |text: &str| Glob::parse(text).map_err(|error| Problem::Glob(error.what));
    if text.starts_with('/') {
        return Ok(Pattern::Path(glob(&text)?, text));
    }
    if let Some(name) = text.strip_prefix('@') {
        return Ok(Pattern::Abstract(glob(name)?, name.to_owned()));
    }
    if let Some(cid) = text.strip_prefix("vsock:") {
        return match (cid, cid.parse()) {
            ("*", _) => Ok(Pattern::Vsock(None)),
            (_, Ok(cid)) => Ok(Pattern::Vsock(Some(cid))),
            _ => Err(Problem::Address(format!("`{cid}` is no context id of vsock"))),
        };
    }
    let bad = || Problem::Address(format!("`{text}`"));
    let net: IpNet = match text.split_once('/') {
        Some((address, prefix)) => {
            let address: std::net::IpAddr = address.parse().map_err(|_| bad())?;
            let prefix = prefix.parse().map_err(|_| bad())?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            IpNet::new(address, prefix)
                .map_err(|_| Problem::Address(format!("the prefix of `{text}` is longer than {most}")))?
        }
        None => text.parse::<std::net::IpAddr>().map_err(|_| bad())?.into(),
    };
    if net.network() != net.addr() {
        return Err(Problem::Prefix { network: net.trunc().to_string(), given: text });
    }
    Ok(Pattern::Net(unmapped(net)))
}

/// IPv4 networks are matched as such, however they were written.
fn unmapped(net: IpNet) -> IpNet {
    let mapped: Ipv6Net = Ipv6Net::new_assert(std::net::Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), 96);
    match net {
        IpNet::V6(net) if mapped.contains(&net) => match net.addr().to_ipv4_mapped() {
            Some(address) => Ipv4Net::new(address, net.prefix_len() - 96).map_or(IpNet::V6(net), IpNet::V4),
            None => IpNet::V6(net),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_they_say() {
        let text = Word::bare;
        assert_eq!(family(&text("AF_INET6")), Ok(10));
        assert_eq!(family(&text("pf_local")), Ok(1));
        assert_eq!(family(&text("38")), Ok(38));
        assert_eq!(socket_type(&text("SOCK_STREAM")), Ok(1));
        assert_eq!(errno(&text("epipe")), Ok(Errno::EPIPE));
        assert_eq!(port(&text("80-443")), Ok(80..=443));
        assert_eq!(option(&text("tcp.TCP_NODELAY")), Ok(OptionPattern { level: 6, name: Some(1) }));
        assert_eq!(option(&text("SOL_TCP.*")), Ok(OptionPattern { level: 6, name: None }));
        assert_eq!(option(&text("41.57")), Ok(OptionPattern { level: 41, name: Some(57) }));
        assert_eq!(protocol(&text("tcp")).unwrap().named, [(2, 6), (10, 6)]);
        assert_eq!(protocol(&text("route")).unwrap().named, [(16, 0)]);
        assert_eq!(address(&text("::ffff:10.0.0.0/104")).unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(address(&text("10.1.2.3")).unwrap().to_string(), "10.1.2.3");
        assert_eq!(address(&text("::/0")).unwrap().to_string(), "::/0");
        assert_eq!(calls(&text("recv")), calls(&text("recvfrom")));
        assert_eq!(calls(&text("send")).unwrap().iter().count(), 3);
    }
}
