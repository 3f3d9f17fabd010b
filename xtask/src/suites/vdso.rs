//! The stub in the vDSOs of other kernels, as files: the tests of its crate are run over each.

use std::fs;

use anyhow::{Context, Result, bail};
use stub::{FRONT_SIZE, Place, Variant, Vdso};

use super::World;
use crate::apt::{Kernel, kernels};
use crate::report::{Outcome, Report};
use crate::tools::{APT, LZ4, ZSTD};

/// A case for every kernel.
pub fn run(world: &World, report: &mut Report) -> Result<()> {
    report.suite("vdso");
    let kernels = match super::missing(&[APT, LZ4, ZSTD]) {
        None => kernels(&world.workspace.target).map_err(|error| format!("{error:#}")),
        Some(why) => Err(why),
    };
    match kernels {
        Ok(kernels) => {
            for kernel in kernels {
                report.case(&kernel.release, || agree(world, &kernel));
            }
        }
        Err(why) => report.case("Debian's kernels", || Ok(Outcome::Skipped(why))),
    }
    report.end_suite();
    Ok(())
}

fn agree(world: &World, kernel: &Kernel) -> Result<Outcome> {
    let vdso = Vdso::parse(&fs::read(&kernel.vdso)?)?;
    let mut places = vec![];
    for (name, variant) in
        [("plain", Variant::Plain), ("counting", Variant::Counting), ("handling", Variant::Handling)]
    {
        let in_front = Place::InFront(FRONT_SIZE as u32);
        vdso.place(in_front, variant).with_context(|| format!("{name}, in front"))?;
        let inside = vdso.place(Place::InVdso, variant).is_ok();
        places.push(format!("{name} {}", if inside { "inside" } else { "in front" }));
    }
    let output = world.workspace.test_stub(&kernel.vdso)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let result = said.lines().find_map(|line| line.strip_prefix("test result: ok. "));
    let passed = result.and_then(|result| result.split_once(" passed"));
    let Some((passed, _)) = passed.filter(|(passed, _)| output.status.success() && *passed != "0") else {
        bail!("{said}{}", String::from_utf8_lossy(&output.stderr));
    };
    Ok(Outcome::Passed(format!("{}; {passed} tests", places.join(", "))))
}
