//! Calls that are disturbed, while rules permit them: each as natively.

use anyhow::{Result, bail, ensure};

use super::{Add, Bits, Guests, under};
use crate::process::{Finished, Running};
use crate::report::{Outcome, difference};
use crate::suites::{LIMIT, World, command, unfiltered};

/// The calls that carry addresses.
const CALLS: [&str; 6] = ["bind", "listen", "connect", "sendto", "sendmsg", "sendmmsg"];

/// The ways to make them.
const FORMS: [(Bits, &str); 5] = [
    (Bits::SixtyFour, "syscall"),
    (Bits::SixtyFour, "socketcall"),
    (Bits::ThirtyTwo, "int80"),
    (Bits::ThirtyTwo, "socketcall"),
    (Bits::ThirtyTwo, "socketcall-vdso"),
];

/// Rules that permit it all: by address alone, and for some types of sockets only, so that descriptors are held.
const RULES: [(&str, &str); 2] = [
    ("", r#"{ action = "allow", address = "@cells-*" }"#),
    (
        ", held",
        r#"{ action = "allow", type = ["dgram", "stream"], address = "@cells-*" }, { action = "allow", call = "create" }"#,
    ),
];

/// Cells of each call: seven that are disturbed, and one after each that ends a program.
const CELLS: usize = 9;

pub fn cases(world: &World, guests: &Guests, add: &mut Add<'_>) {
    for call in CALLS {
        for ((bits, way), (held, rules)) in FORMS.iter().flat_map(|form| RULES.map(|rules| (*form, rules))) {
            add(&format!("disturbed: {call}, {} bits, {way}{held}", bits.name()), &|| {
                let policy = guests.policy("cells", &format!("default = \"deny\"\nrule = [{rules}]\n"))?;
                let program = guests.program("cells", bits)?.display().to_string();
                let program = [program, call.to_owned(), way.to_owned()];
                let native = run(&[], &program)?;
                let ruled = run(&under(world, &policy), &program)?;
                if let Some(difference) = difference(&native.text(), &ruled.text()) {
                    bail!("{}\ndiffers from the native one: {difference}\n{}", ruled.command, ruled.stderr);
                }
                let cells = native.text().lines().count();
                ensure!(cells == CELLS, "{cells} cells:\n{}", native.text());
                Ok(Outcome::Passed(format!("{cells} cells")))
            });
        }
    }
}

fn run(prefix: &[String], program: &[String]) -> Result<Finished> {
    let finished = Running::start(command(&[prefix, program].concat())?, vec![], LIMIT)?.wait()?.success()?;
    unfiltered(&finished)?;
    Ok(finished)
}
