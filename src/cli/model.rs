//! What `sample` and `field` share: a trained model read from disk and put on an engine.

use std::path::{Path, PathBuf};

use engine::{Engine, EngineChoice};
use lab::model_dir;
use lab::setup::Setup;

/// Arguments that name a model and where to run it.
#[derive(Debug, clap::Args)]
pub struct ModelArgs {
    /// A model directory, or its model.safetensors
    #[arg(long, value_name = "DIR|FILE.safetensors")]
    pub model: PathBuf,
    /// Which engine computes
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineChoice,
}

/// A model on an engine.
pub struct LoadedModel {
    /// Its experiment, made ready on its own data.
    pub setup: Setup,
    /// The engine that holds it.
    pub engine: Box<dyn Engine>,
}

impl ModelArgs {
    /// Read the model and load it.
    pub fn load(&self) -> anyhow::Result<LoadedModel> {
        load(&self.model, self.engine)
    }
}

fn load(path: &Path, choice: EngineChoice) -> anyhow::Result<LoadedModel> {
    let saved = model_dir::load(path)?;
    let setup = saved.setup()?;
    let mut engine = engine::create(choice, None)?;
    engine.load(&setup.spec, &saved.state)?;
    Ok(LoadedModel { setup, engine })
}
