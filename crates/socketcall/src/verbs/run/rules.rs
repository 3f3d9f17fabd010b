//! The rules that a program is held to: `--policy`, `--deny`, `--allow`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, ValueHint};
use policy::{Action, Compiled, Policy, Rule};

/// Options that make a policy, in their order on the command line.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    file: Option<PathBuf>,
    short: Vec<Short>,
    /// Where refusals are written instead of standard error.
    pub log: Option<PathBuf>,
    /// Likewise, as JSON.
    pub log_json: Option<PathBuf>,
}

/// `--deny RULE` or `--allow RULE`.
#[derive(Clone, Debug)]
struct Short {
    denies: bool,
    text: String,
}

const POLICY: &str = "policy";
const DENY: &str = "deny";
const ALLOW: &str = "allow";
const LOG: &str = "log";
const LOG_JSON: &str = "log_json";

impl clap::Args for Rules {
    fn augment_args(command: Command) -> Command {
        let rule = |name: &'static str, help: &'static str| {
            Arg::new(name).long(name).value_name("RULE").action(ArgAction::Append).help(help).long_help(format!(
                "{help}.\n\nA RULE is KEY=VALUE[,VALUE]..., several with spaces between: call, family, type, protocol, \
                 address, port, option; in --deny errno too. Rules are tried in their order, those of the command line \
                 before a policy's, and the first that matches decides. Example: --{name} 'family=alg,vsock'"
            ))
        };
        let file = |name: &'static str, help: &'static str| {
            Arg::new(name)
                .value_name("FILE")
                .value_hint(ValueHint::FilePath)
                .value_parser(clap::value_parser!(PathBuf))
                .help(help)
        };
        command
            .arg(
                file(POLICY, "Hold the program, and all that it starts, to the rules in FILE").long("policy"),
            )
            .arg(rule(DENY, "Refuse calls that match RULE"))
            .arg(rule(ALLOW, "Permit calls that match RULE"))
            .arg(file(LOG, "Write refusals to FILE, not to standard error").long("log"))
            .arg(
                file(LOG_JSON, "Write refusals to FILE as JSON, an object a line")
                    .long("log-json")
                    .conflicts_with(LOG),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Rules::augment_args(command)
    }
}

impl FromArgMatches for Rules {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Rules, clap::Error> {
        let mut rules = Rules::default();
        rules.update_from_arg_matches(matches)?;
        Ok(rules)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let mut short = Vec::new();
        for (name, denies) in [(DENY, true), (ALLOW, false)] {
            let texts = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            short.extend(places.zip(texts.map(|text| Short { denies, text: text.clone() })));
        }
        short.sort_by_key(|(place, _)| *place);
        self.short = short.into_iter().map(|(_, short)| short).collect();
        let path = |name| matches.get_one::<PathBuf>(name).cloned();
        (self.file, self.log, self.log_json) = (path(POLICY), path(LOG), path(LOG_JSON));
        Ok(())
    }
}

impl Rules {
    /// The policy; `None` without any rules.
    ///
    /// # Errors
    /// A file that can't be read, and every mistake in it, with its place.
    pub fn policy(&self) -> Result<Option<Compiled>> {
        if self.file.is_none() && self.short.is_empty() {
            return Ok(None);
        }
        let mut policy = match &self.file {
            Some(file) => {
                let name = file.display().to_string();
                let text = fs::read_to_string(file).with_context(|| name.clone())?;
                Policy::parse(&name, &text)
                    .map_err(|errors| anyhow!("{}", errors.render(false).trim_end()))?
            }
            // What is only permitted is all that is permitted; who only forbids permits the rest.
            None if self.short.iter().all(|short| !short.denies) => Policy::new(deny()),
            None => Policy::new(Action::Allow),
        };
        let rules = self.short.iter().map(|Short { denies, text }| {
            let option = if *denies { "--deny" } else { "--allow" };
            Rule::short(option, *denies, text).map_err(|error| anyhow!("{}", error.render(false).trim_end()))
        });
        let rules = rules.collect::<Result<Vec<_>>>()?;
        policy.rules.splice(0..0, rules);
        Ok(Some(policy.compile()))
    }
}

const fn deny() -> Action {
    Action::Deny(abi::Errno::EACCES)
}
