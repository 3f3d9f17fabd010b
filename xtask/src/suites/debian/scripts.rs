//! Languages whose standard libraries reach for every socket call there is.

use anyhow::Result;

use super::Stage;

/// A script prints what it saw, and nothing that changes from run to run.
fn script(stage: &Stage, program: &'static str, name: &str, text: &str) -> Result<String> {
    let path = stage.file(name, text)?;
    Ok(stage.run(program, &[program, &path], b"")?.success()?.text())
}

pub fn python(stage: &Stage) -> Result<String> {
    script(stage, "python3", "all.py", include_str!("all.py"))
}

pub fn node(stage: &Stage) -> Result<String> {
    script(stage, "node", "all.js", include_str!("all.js"))
}
