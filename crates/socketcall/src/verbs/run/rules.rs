//! The rules that a program is held to: `--policy`, `--deny`, `--allow`; and where refusals are told.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueHint};
use policy::{Compiled, Policy};

use crate::verbs::policy::rules::{Read, ShortRules};

/// Options that make a policy.
#[derive(Clone, Debug, Default, Args)]
pub struct Rules {
    /// Hold the program, and all that it starts, to the rules in FILE
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,

    /// Rules of the command line.
    #[command(flatten)]
    short: ShortRules,

    /// Write refusals to FILE, not to standard error
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,

    /// Write refusals to FILE as JSON, an object a line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "log")]
    pub log_json: Option<PathBuf>,
}

impl Rules {
    /// The option that says where refusals are written.
    pub fn log_option(&self) -> Option<&'static str> {
        let options = [("--log", &self.log), ("--log-json", &self.log_json)];
        options.into_iter().find(|(_, file)| file.is_some()).map(|(option, _)| option)
    }

    /// The policy; `None` without any rules.
    ///
    /// # Errors
    /// A file that can't be read, and every mistake, with its place; a log that nothing would be written to.
    pub fn policy(&self) -> Result<Option<Compiled>> {
        let short = self.short.rules()?;
        if self.policy.is_none() && short.is_empty() {
            return match self.log_option() {
                Some(option) => bail!(
                    "{option} is for refusals, and without rules there are none: add --policy, --deny or --allow"
                ),
                None => Ok(None),
            };
        }
        let file = self.policy.as_deref().map(|file| Read::file(file)?.policy()).transpose()?;
        Ok(Some(Policy::with_short(file, short).compile()))
    }
}
