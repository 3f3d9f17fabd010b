//! A profile as it is written: JSON in Docker's and Podman's form, or in the runtime specification's.

use seccomp::Action;

use crate::arches::{self, ProfileArch};
use crate::error::{Error, Position, Problem};
use crate::json::{self, Node};
use crate::read::{Fields, Reader};
use crate::target::{self, Kernel};

/// A seccomp profile that was read and is well-formed.
///
/// Taken are Docker's and Podman's profiles (rules with `includes` and `excludes`, an `archMap`), the
/// `seccomp` object of the OCI runtime specification, and a bundle's whole `config.json` with one in
/// `linux.seccomp`.
#[derive(Clone, Debug)]
pub struct Profile {
    pub(crate) text: String,
    pub(crate) default_action: Action,
    pub(crate) default_at: usize,
    pub(crate) architectures: Vec<(ProfileArch, usize)>,
    pub(crate) arch_map: Vec<(ProfileArch, Vec<(ProfileArch, usize)>)>,
    pub(crate) rules: Vec<Rule>,
    /// The array of rules, and the architectures, for whoever edits the text.
    pub(crate) syscalls: Option<(usize, usize)>,
    warnings: Vec<Warning>,
}

/// Something that is no error for runtimes, and likely not what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub position: Position,
    /// What, as a sentence without a full stop.
    pub text: String,
}

/// One entry of `syscalls`.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub names: Vec<Name>,
    pub action: Action,
    pub args: Vec<Placed>,
    pub includes: Only,
    pub excludes: Only,
    /// The object in the text.
    pub start: usize,
    pub end: usize,
}

/// A system call's name, and the bytes of its string.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub text: String,
    pub start: usize,
    pub end: usize,
}

/// One entry of `args`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The argument, `0..=5`.
    pub index: u8,
    /// How it is compared, as an unsigned 64-bit number.
    pub op: Operator,
    /// With what; of [`Operator::MaskedEqual`] the mask.
    pub value: u64,
    /// Of [`Operator::MaskedEqual`] the value.
    pub value_two: u64,
}

/// A condition, and the bytes of its object and of its operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub condition: Condition,
    pub object: (usize, usize),
    pub op: (usize, usize),
}

/// A comparison (`SCMP_CMP_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    NotEqual,
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    MaskedEqual,
}

const OPERATORS: [(&str, Operator); 7] = [
    ("SCMP_CMP_NE", Operator::NotEqual),
    ("SCMP_CMP_LT", Operator::Less),
    ("SCMP_CMP_LE", Operator::LessOrEqual),
    ("SCMP_CMP_EQ", Operator::Equal),
    ("SCMP_CMP_GE", Operator::GreaterOrEqual),
    ("SCMP_CMP_GT", Operator::Greater),
    ("SCMP_CMP_MASKED_EQ", Operator::MaskedEqual),
];

impl Operator {
    /// How profiles write it.
    #[must_use]
    pub fn profile_name(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator)| *operator == self).map_or("", |(name, _)| name)
    }
}

/// Where a rule applies (`includes`), or does not (`excludes`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Only {
    pub caps: Vec<&'static str>,
    pub arches: Vec<String>,
    pub min_kernel: Option<Kernel>,
}

/// Actions whose answer carries a number take it from `errnoRet`: without, it is EPERM.
type MakeAction = fn(u16) -> Action;

const ACTIONS: [(&str, MakeAction); 9] = [
    ("SCMP_ACT_KILL", |_| Action::KillThread),
    ("SCMP_ACT_KILL_THREAD", |_| Action::KillThread),
    ("SCMP_ACT_KILL_PROCESS", |_| Action::KillProcess),
    ("SCMP_ACT_TRAP", |_| Action::Trap(0)),
    ("SCMP_ACT_ERRNO", Action::Errno),
    ("SCMP_ACT_TRACE", Action::Trace),
    ("SCMP_ACT_ALLOW", |_| Action::Allow),
    ("SCMP_ACT_LOG", |_| Action::Log),
    ("SCMP_ACT_NOTIFY", |_| Action::UserNotif),
];

const EPERM: u16 = abi::Errno::EPERM.raw() as u16;

const PROFILE: [&str; 9] = [
    "defaultAction",
    "defaultErrnoRet",
    "defaultErrno",
    "architectures",
    "archMap",
    "flags",
    "listenerPath",
    "listenerMetadata",
    "syscalls",
];

/// What the runtime specification knows of these.
const SPECIFIED: [&str; 7] = [
    "defaultAction",
    "defaultErrnoRet",
    "architectures",
    "flags",
    "listenerPath",
    "listenerMetadata",
    "syscalls",
];

const RULE: [&str; 9] =
    ["names", "name", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes"];
const SPECIFIED_RULE: [&str; 4] = ["names", "action", "errnoRet", "args"];

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// [`Error`]: no JSON, a value of a wrong type, an unknown name.
    pub fn parse(text: &str) -> Result<Profile, Error> {
        let root = json::parse(text).map_err(|error| Error::syntax(text, error))?;
        let mut reader = Reader::new(text);
        let all = reader.object(&root, "a profile")?;
        let bundle = all.get("linux").or_else(|| all.get("ociVersion")).is_some();
        let node = match all.get("linux") {
            Some(linux) => reader.object(linux, "`linux`")?.get("seccomp"),
            None if bundle => None,
            None => Some(&root),
        };
        let Some(node) = node else {
            return Err(
                reader.error(root.start, Problem::NoProfile("this configuration has no `linux.seccomp`"))
            );
        };
        Self::read(&mut reader, node, bundle)
    }

    /// Reads the profile's object. In a bundle's configuration it is the runtime specification's, which knows
    /// fewer fields.
    fn read(reader: &mut Reader<'_>, node: &Node, bundle: bool) -> Result<Profile, Error> {
        let known: &[&str] = if bundle { &SPECIFIED } else { &PROFILE };
        let fields = reader.fields(node, "a profile", known)?;
        let syscalls = fields.get("syscalls");
        let Some(action) = fields.get("defaultAction") else {
            let empty = Problem::NoProfile("neither `defaultAction` nor a rule is given");
            let missing = Problem::Missing { what: "a profile", field: "defaultAction" };
            return Err(reader.error(node.start, if syscalls.is_none() { empty } else { missing }));
        };
        let errno = errno(reader, &fields, "defaultErrno", "defaultErrnoRet")?;
        let default_action = self::action(reader, action, errno)?;
        if default_action == Action::UserNotif {
            let why = "SCMP_ACT_NOTIFY cannot be the default action".to_owned();
            return Err(reader.error(action.start, Problem::Refused(why)));
        }
        let architectures = arches::list(reader, fields.get("architectures"), "`architectures`")?;
        let arch_map = arches::map(reader, fields.get("archMap"))?;
        if let (Some(at), false, false) =
            (fields.at("archMap"), arch_map.is_empty(), architectures.is_empty())
        {
            return Err(reader.error(at, Problem::Both("architectures", "archMap")));
        }
        for field in ["listenerPath", "listenerMetadata"] {
            fields.get(field).map(|node| reader.string(node, field)).transpose()?;
        }
        fields.get("flags").map(|node| reader.strings(node, "`flags`")).transpose()?;
        let mut rules = Vec::new();
        for node in reader.array(syscalls, "`syscalls`")? {
            rules.push(rule(reader, node, bundle)?);
        }
        Ok(Profile {
            text: reader.text().to_owned(),
            default_action,
            default_at: action.start,
            architectures,
            arch_map,
            rules,
            syscalls: syscalls.map(|node| (node.start, node.end)),
            warnings: reader.take_warnings(),
        })
    }

    /// What runtimes accept, and what is likely not meant so.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The text it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place of byte `at`.
    pub(crate) fn position(&self, at: usize) -> Position {
        Position::of(&self.text, at)
    }

    pub(crate) fn error(&self, at: usize, problem: Problem) -> Error {
        Error::at(&self.text, at, problem)
    }
}

/// The errno of an action: by Podman's field, which has a name or a number in a string, or by the one of the
/// specification.
fn errno(reader: &Reader<'_>, fields: &Fields<'_>, named: &str, numbered: &str) -> Result<u16, Error> {
    // Runtimes cast to 16 bits.
    let number = fields.get(numbered).map(|node| reader.unsigned(node, numbered)).transpose()?;
    let number = number.map_or(EPERM, |number| number as u16);
    let Some(node) = fields.get(named) else { return Ok(number) };
    let text = reader.string(node, named)?;
    if text.is_empty() {
        return Ok(number);
    }
    if let Ok(number) = text.parse::<u32>() {
        return Ok(number as u16);
    }
    let mut errnos = (1..134).filter_map(abi::Errno::from_raw);
    let found = errnos.find(|errno| errno.name() == Some(text));
    found.map(|errno| errno.raw() as u16).ok_or_else(|| {
        let names = (1..134).filter_map(|raw| abi::Errno::from_raw(raw)?.name());
        reader.unknown(node.start, "errno", text, names)
    })
}

fn action(reader: &Reader<'_>, node: &Node, errno: u16) -> Result<Action, Error> {
    let name = reader.string(node, "action")?;
    match ACTIONS.iter().find(|(action, _)| *action == name) {
        Some((_, make)) => Ok(make(errno)),
        None => Err(reader.unknown(node.start, "action", name, ACTIONS.map(|(name, _)| name))),
    }
}

fn rule(reader: &mut Reader<'_>, node: &Node, bundle: bool) -> Result<Rule, Error> {
    let known: &[&str] = if bundle { &SPECIFIED_RULE } else { &RULE };
    let fields = reader.fields(node, "a rule", known)?;
    if let (Some(_), Some(at)) = (fields.get("name"), fields.at("names")) {
        return Err(reader.error(at, Problem::Both("name", "names")));
    }
    let mut nodes: Vec<&Node> = fields.get("name").into_iter().collect();
    nodes.extend(reader.array(fields.get("names"), "`names`")?);
    let mut names = Vec::new();
    for node in nodes {
        let text = reader.string(node, "a system call's name")?;
        if text.is_empty() {
            let why = "a system call's name is empty".to_owned();
            return Err(reader.error(node.start, Problem::Refused(why)));
        }
        names.push(Name { text: text.to_owned(), start: node.start, end: node.end });
    }
    let Some(action) = fields.get("action") else {
        return Err(reader.error(node.start, Problem::Missing { what: "a rule", field: "action" }));
    };
    let action = self::action(reader, action, errno(reader, &fields, "errno", "errnoRet")?)?;
    let mut args = Vec::new();
    for node in reader.array(fields.get("args"), "`args`")? {
        args.push(condition(reader, node)?);
    }
    let includes = only(reader, fields.get("includes"), "`includes`")?;
    let excludes = only(reader, fields.get("excludes"), "`excludes`")?;
    Ok(Rule { names, action, args, includes, excludes, start: node.start, end: node.end })
}

fn condition(reader: &mut Reader<'_>, node: &Node) -> Result<Placed, Error> {
    let fields = reader.fields(node, "a condition", &["index", "value", "valueTwo", "op"])?;
    let number = |field| match fields.get(field) {
        Some(node) => reader.unsigned(node, field),
        None => Ok(0),
    };
    let (index, value, value_two) = (number("index")?, number("value")?, number("valueTwo")?);
    let Some(index) = u8::try_from(index).ok().filter(|index| *index < 6) else {
        let at = fields.get("index").map_or(node.start, |node| node.start);
        let why = format!("a system call has no argument {index}: they are 0 to 5");
        return Err(reader.error(at, Problem::Refused(why)));
    };
    let Some(op_node) = fields.get("op") else {
        return Err(reader.error(node.start, Problem::Missing { what: "a condition", field: "op" }));
    };
    let name = reader.string(op_node, "op")?;
    let Some((_, op)) = OPERATORS.iter().find(|(operator, _)| *operator == name) else {
        return Err(reader.unknown(op_node.start, "operator", name, OPERATORS.map(|(name, _)| name)));
    };
    let condition = Condition { index, op: *op, value, value_two };
    Ok(Placed { condition, object: (node.start, node.end), op: (op_node.start, op_node.end) })
}

fn only(reader: &mut Reader<'_>, node: Option<&Node>, what: &'static str) -> Result<Only, Error> {
    let Some(node) = node else { return Ok(Only::default()) };
    let fields = reader.fields(node, what, &["caps", "arches", "minKernel"])?;
    let mut only = Only::default();
    for node in reader.array(fields.get("caps"), "`caps`")? {
        let name = reader.string(node, "a capability")?;
        only.caps.push(
            target::capability(name)
                .ok_or_else(|| reader.unknown(node.start, "capability", name, target::CAPABILITIES))?,
        );
    }
    for node in reader.array(fields.get("arches"), "`arches`")? {
        let name = reader.string(node, "an architecture")?;
        if !arches::NATIVE.contains(&name) {
            return Err(reader.unknown(node.start, "architecture", name, arches::NATIVE));
        }
        only.arches.push(name.to_owned());
    }
    if let Some(node) = fields.get("minKernel") {
        let text = reader.string(node, "minKernel")?;
        let kernel = Kernel::parse(text);
        only.min_kernel = Some(kernel.ok_or_else(|| {
            reader.error(
                node.start,
                Problem::Type {
                    what: "`minKernel`".to_owned(),
                    expected: "a release such as \"4.8\"",
                    found: format!("{text:?}"),
                },
            )
        })?);
    }
    Ok(only)
}
