//! `render`: the chapters as PNG, without a window.

use std::path::PathBuf;

use super::say;
use ui::shell::offscreen::{RenderOptions, render_figures};

/// Arguments of `render`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A chapter's name, or all
    #[arg(long, value_name = "NAME|all", default_value = "all")]
    figure: String,
    /// A model directory, or its model.safetensors; without it a model is trained for the picture
    #[arg(long, value_name = "DIR|FILE.safetensors")]
    model: Option<PathBuf>,
    /// Directory of the PNG files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Width in pixels
    #[arg(long, default_value_t = 1280, value_parser = clap::value_parser!(u32).range(320..=7680))]
    width: u32,
    /// Height in pixels
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u32).range(240..=4320))]
    height: u32,
    /// The light theme
    #[arg(long)]
    light: bool,
    /// Seed of data, weights and noise
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Replace a file that is not from this program
    #[arg(long)]
    force: bool,
}

/// Draw and say where.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let options = RenderOptions {
        width: args.width,
        height: args.height,
        light: args.light,
        seed: args.seed,
    };
    for path in render_figures(
        &args.figure,
        args.model.as_deref(),
        &args.out,
        options,
        args.force,
    )? {
        say(&format!("{}", path.display()));
    }
    Ok(())
}
