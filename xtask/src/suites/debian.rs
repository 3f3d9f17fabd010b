use super::World;
use crate::report::Report;
use anyhow::Result;
pub fn run(_world: &World, _report: &mut Report) -> Result<()> {
    Ok(())
}
