//! ui.

pub mod offscreen;

use crate::engine::EngineChoice;
use crate::lab::experiment::Experiment;

/// Open the window.
pub fn run_window(_experiment: Experiment, _choice: EngineChoice) -> anyhow::Result<()> {
    anyhow::bail!("this build has no window; use the commands, see --help")
}
