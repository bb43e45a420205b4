//! The chapters drawn without a window.

use std::path::{Path, PathBuf};

/// How a figure is drawn.
#[derive(Clone, Copy, Debug)]
pub struct RenderOptions {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The light theme.
    pub light: bool,
    /// Seed of data, weights and noise.
    pub seed: u64,
}

/// Draw one chapter or all into `out`; returns the files.
pub fn render_figures(
    figure: &str,
    _model: Option<&Path>,
    _out: &Path,
    _options: RenderOptions,
) -> anyhow::Result<Vec<PathBuf>> {
    anyhow::bail!("figure {figure} cannot be drawn by this build; use the data commands")
}
