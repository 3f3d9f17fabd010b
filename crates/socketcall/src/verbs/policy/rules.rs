//! Where rules come from: files, and the options --deny and --allow.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches};

use ::policy::{Policy, Rule};

/// A policy's text, and its name for messages.
#[derive(Debug)]
pub struct Read {
    /// The file's name.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Read {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// That it can't be read, or is no text.
    pub fn file(file: &Path) -> Result<Read> {
        let stdin = file == Path::new("-");
        let name = if stdin { "standard input".to_owned() } else { file.display().to_string() };
        let bytes = if stdin {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map(|_| bytes)
        } else {
            std::fs::read(file)
        };
        let text = String::from_utf8(bytes.with_context(|| name.clone())?).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            anyhow!("{name}: line {} is not UTF-8", 1 + before.iter().filter(|byte| **byte == b'\n').count())
        })?;
        Ok(Read { name, text })
    }

    /// The policy.
    ///
    /// # Errors
    /// Every mistake in it, with its place.
    pub fn policy(&self) -> Result<Policy> {
        let parsed = Policy::parse(&self.name, &self.text);
        parsed.map_err(|errors| anyhow!("{} has mistakes\n{}", self.name, errors.render(false)))
    }
}

/// `--deny RULE` and `--allow RULE`, in the order of the command line, which clap keeps for each option alone.
#[derive(Clone, Debug, Default)]
pub struct ShortRules(Vec<(bool, String)>);

const OPTIONS: [(&str, bool); 2] = [("deny", true), ("allow", false)];

impl ShortRules {
    /// The rules, in order.
    ///
    /// # Errors
    /// The first mistake, and its place.
    pub fn rules(&self) -> Result<Vec<Rule>> {
        let rule = |(denies, text): &(bool, String)| {
            let option = if *denies { "--deny" } else { "--allow" };
            Rule::short(option, *denies, text).map_err(super::shown)
        };
        self.0.iter().map(rule).collect()
    }
}

impl FromArgMatches for ShortRules {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut rules = Self::default();
        rules.update_from_arg_matches(matches)?;
        Ok(rules)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let mut all = Vec::new();
        for (name, denies) in OPTIONS {
            let indices = matches.indices_of(name).into_iter().flatten();
            let values = matches.get_many::<String>(name).into_iter().flatten();
            all.extend(indices.zip(values).map(|(at, text)| (at, (denies, text.clone()))));
        }
        all.sort_by_key(|(at, _)| *at);
        self.0 = all.into_iter().map(|(_, rule)| rule).collect();
        Ok(())
    }
}

impl Args for ShortRules {
    fn augment_args(command: Command) -> Command {
        OPTIONS.into_iter().fold(command, |command, (name, denies)| {
            let (what, other) = if denies { ("Refuse", "--allow") } else { ("Permit", "--deny") };
            let help = format!("{what} what RULE matches, such as `family=alg,vsock`; may be repeated");
            let long = format!(
                "{help}\n\nA rule is words of the form KEY=VALUE,VALUE with the keys call, family, type, protocol, \
                 address, port and option: `address=10.0.0.0/8 port=443`. Such rules and those of {other} are tried \
                 in the order in which they stand here, in front of a policy's."
            );
            command.arg(
                clap::Arg::new(name)
                    .long(name)
                    .value_name("RULE")
                    .action(ArgAction::Append)
                    .help(help)
                    .long_help(long),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
