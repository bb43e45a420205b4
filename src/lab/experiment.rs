//! The one configuration of a run: the same struct is the command line, the saved file and the panel.

use serde::{Deserialize, Serialize};

pub use crate::data::dataset::DataSource;
use crate::data::shapes::Shape;
use crate::diffusion::path::Path;
use crate::diffusion::solver::{PlanContext, Sampler};
use crate::diffusion::target::Target;
use crate::nn::layout::{Activation, NetworkShape};

/// One experiment. Missing fields of a file take the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
pub struct Experiment {
    /// Data: a built-in name or FILE.csv
    #[arg(long, value_name = "NAME|FILE.csv", default_value = "figure8")]
    pub data: DataSource,
    /// Size of the finite training set
    #[arg(long, default_value_t = 8192)]
    pub points: u32,
    /// Draw fresh samples from the mixture instead of a finite set
    #[arg(long)]
    pub fresh: bool,
    /// Noise schedule: linear, cosine, ve, flow, literal (the DDPM table unscaled), or custom:L0,L1,L2,L3,L4, the falling
    /// log SNR at t/T = 0, 1/4, 1/2, 3/4 and 1
    #[arg(long = "schedule", value_name = "NAME", default_value = "linear")]
    pub path: Path,
    /// What the network predicts
    #[arg(long, default_value = "eps")]
    pub target: Target,
    /// Number of diffusion timesteps T
    #[arg(long, default_value_t = 1000)]
    pub timesteps: u32,
    /// Coordinate octaves of the input, 0 to 6
    #[arg(long, default_value_t = 3)]
    pub octaves: u32,
    /// Width of the hidden layers: 32, 64, 128 or 256
    #[arg(long, default_value_t = 128)]
    pub width: u32,
    /// Number of hidden layers, 1 to 6
    #[arg(long, default_value_t = 3)]
    pub depth: u32,
    /// Nonlinearity
    #[arg(long, default_value = "silu")]
    pub activation: Activation,
    /// Samples per training step, 32 to 16384
    #[arg(long, default_value_t = 256)]
    pub batch: u32,
    /// Adam's learning rate
    #[arg(long = "lr", default_value_t = 3e-3)]
    pub learning_rate: f32,
    /// Upper limit of the EMA decay
    #[arg(long, default_value_t = 0.999)]
    pub ema_decay: f32,
    /// Seed of data, initial weights, batches and noise
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Sampler of the live picture
    #[arg(skip = Sampler::Ddim { eta: 0.0 })]
    pub sampler: Sampler,
    /// Steps of the live picture's sampler
    #[arg(skip = 20_u32)]
    pub sampler_steps: u32,
    /// Clip x̂_0 to the data's bounding box × 1.1 in samplers
    #[arg(skip = true)]
    pub clip: bool,
}

impl Default for Experiment {
    fn default() -> Self {
        Self {
            data: DataSource::Shape(Shape::Figure8),
            points: 8192,
            fresh: false,
            path: Path::Linear,
            target: Target::Eps,
            timesteps: 1000,
            octaves: 3,
            width: 128,
            depth: 3,
            activation: Activation::Silu,
            batch: 256,
            learning_rate: 3e-3,
            ema_decay: 0.999,
            seed: 0,
            sampler: Sampler::Ddim { eta: 0.0 },
            sampler_steps: 20,
            clip: true,
        }
    }
}

impl Experiment {
    /// Shape of the network. A change of it starts the training anew.
    pub fn shape(&self) -> NetworkShape {
        NetworkShape { octaves: self.octaves, width: self.width, depth: self.depth, activation: self.activation }
    }

    /// What plans are compiled for.
    pub fn plan_context(&self) -> PlanContext {
        PlanContext { path: self.path, target: self.target, timesteps: self.timesteps }
    }

    /// True where the two differ at most in how they sample: their trainings are the same.
    pub fn trains_like(&self, other: &Self) -> bool {
        let Self { sampler, sampler_steps, clip, .. } = *other;
        *other == Self { sampler, sampler_steps, clip, ..self.clone() }
    }

    /// Check every setting.
    ///
    /// # Errors
    /// One sentence naming the setting and its limits.
    pub fn validate(&self) -> Result<(), String> {
        self.shape().validate()?;
        if !(32..=16_384).contains(&self.batch) {
            return Err(format!("batch {} is not between 32 and 16384", self.batch));
        }
        if !(2..=10_000).contains(&self.timesteps) {
            return Err(format!("{} timesteps are not between 2 and 10000", self.timesteps));
        }
        if !(2..=1_000_000).contains(&self.points) {
            return Err(format!("a training set of {} points is not between 2 and 1000000", self.points));
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0 && self.learning_rate <= 10.0) {
            return Err(format!("learning rate {} is not between 0 and 10", self.learning_rate));
        }
        if !(0.0..1.0).contains(&self.ema_decay) {
            return Err(format!("EMA decay {} is not in [0, 1)", self.ema_decay));
        }
        Ok(())
    }
}
