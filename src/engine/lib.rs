//! The `Engine` trait and its two implementations: [`gpu`] (WGSL) and [`cpu`] (plain Rust, the oracle).
//!
//! An engine holds one model in training. The lab asks it for steps, samples and fields; what it answers with may
//! still lie in the engine's own memory ([`Cloud`]), so that the canvas can draw it without a read-back.

mod adaptive;
mod consistency;
pub mod cpu;
mod draws;
pub mod gpu;
mod guidance;
pub mod network;
mod pairing;
mod run;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::cpu::classifier::{Classifier, ClassifierSpec, ClassifierTraining, Noised};
pub use crate::guidance::{Guidance, GuideBy, GuideKind, WeakModel};
use crate::network::layout::NetworkShape;
pub use crate::network::objective::{Objective, Teacher};
use crate::network::optimiser::UpdateRule;
use crate::network::timetable::Timetable;
pub use crate::network::weights::ModelState;
pub use crate::pairing::Pairing;
pub use crate::run::{Denoiser, Frames, OwnSteps, Piece, Recording, Run, Start, Underway};
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;

/// Bins of the per-timestep loss histogram; bin b holds the t with b = (t − 1)·64 / T.
pub const LOSS_BINS: usize = 64;

/// Which engine to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// The GPU engine where there is a graphics card, else the plain-Rust one, which is faster than a software adapter.
    #[default]
    Auto,
    /// WGSL compute shaders; an error where there is no adapter.
    Gpu,
    /// Plain Rust.
    Cpu,
}

/// Which engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// WGSL compute shaders.
    Gpu,
    /// Plain Rust.
    Cpu,
}

/// What the window and `doctor` say of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EngineInfo {
    /// Which engine.
    pub kind: EngineKind,
    /// Adapter (`llvmpipe (LLVM 15.0.6, 256 bits)`) or `2 threads`.
    pub adapter: String,
    /// `Vulkan`, `Metal`, `Dx12`, or `Rust`.
    pub backend: String,
    /// True where the adapter runs on the processor: painting and training then share its cores.
    pub software: bool,
}

/// Every way an engine can fail. The texts are shown to the user as they are.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// No adapter, or none that will do.
    #[error(
        "no usable graphics adapter: {0}; install a Vulkan driver (on Debian `mesa-vulkan-drivers`) or use --engine cpu"
    )]
    NoAdapter(String),
    /// The device went away: driver reset, unplugged, or out of memory.
    #[error(
        "the graphics device was lost ({0}); the weights are kept as of the last snapshot: switch the engine to CPU, or restart the lab"
    )]
    DeviceLost(String),
    /// The device refused a request, typically for memory.
    #[error(
        "the graphics device refused the work: {0}; use a smaller batch or width, or --engine cpu"
    )]
    Device(String),
    /// The device is there and does not answer.
    #[error(
        "the graphics device stands still: {0}; the weights are kept as of the last safe copy: switch the engine to CPU, or restart the lab"
    )]
    Stalled(String),
    /// The request itself makes no sense (a wrong length, an impossible shape).
    #[error("{0}")]
    Invalid(String),
}

/// Where the training points come from.
#[derive(Clone, Debug)]
pub enum TrainingData {
    /// A finite set of points in standardised units; every batch draws from it with replacement.
    Finite(Arc<Vec<[f32; 2]>>),
    /// Fresh draws from the mixture, never the same point twice.
    Fresh(Arc<Mixture>),
}

impl TrainingData {
    /// True where both are the very same points, or the very same mixture.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => Arc::ptr_eq(a, b),
            (Self::Fresh(a), Self::Fresh(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// The labels that are learned beside the points.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainLabels {
    /// The class of each point, or of each component where draws are fresh.
    pub classes: Arc<Vec<u32>>,
    /// Share of the samples whose label is left out, so that the network learns the field of all as well (Ho & Salimans 2022,
    /// algorithm 1).
    pub dropout: f32,
}

/// Everything a training step depends on besides the weights.
#[derive(Clone, Debug)]
pub struct TrainSpec {
    /// Shape of the network.
    pub shape: NetworkShape,
    /// The schedule and target, tabulated.
    pub timetable: Arc<Timetable>,
    /// The training points.
    pub data: TrainingData,
    /// Their labels, where the network takes any.
    pub labels: Option<TrainLabels>,
    /// How points and noise come together.
    pub pairing: Pairing,
    /// What the network's x̂_0 is to be.
    pub objective: Objective,
    /// Samples a step.
    pub batch: u32,
    /// The optimiser's step size, before its schedule.
    pub learning_rate: f32,
    /// The optimiser, and the schedule of its rate.
    pub rule: UpdateRule,
    /// Key of every random draw of the training.
    pub seed: u64,
    /// Upper limit of the EMA decay; decay_n = min(this, (1 + n)/(10 + n)) after update n = 1, 2, ….
    pub ema_decay: f32,
}

impl TrainSpec {
    /// True where batches are made on the host ([`cpu::batch::Batch::fill`]) for either engine, because no kernel draws them.
    pub fn draws_on_host(&self) -> bool {
        self.pairing != Pairing::default() || self.objective != Objective::Denoise
    }

    /// Refuse labels that are not one a point, or of a class that the network does not know, and pairs that are not one a point.
    fn check_data(&self) -> Result<(), EngineError> {
        self.check_objective()?;
        self.pairing.check(match &self.data {
            TrainingData::Finite(points) => Some(points.len()),
            TrainingData::Fresh(_) => None,
        })?;
        let Some(labels) = &self.labels else {
            return Ok(());
        };
        let rows = match &self.data {
            TrainingData::Finite(points) => points.len(),
            TrainingData::Fresh(mixture) => mixture.components.len(),
        };
        let (given, classes) = (labels.classes.len(), self.shape.classes);
        let known = labels.classes.iter().all(|class| *class < classes);
        if given == rows && known {
            return Ok(());
        }
        Err(EngineError::Invalid(format!(
            "{given} labels do not fit {rows} points of {classes} classes"
        )))
    }
}

/// Losses that became known since the last call of [`Engine::poll`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Updates that are known to be done.
    pub step: u64,
    /// (number of the update, its mean loss), ascending; a non-finite loss is reported as it is.
    pub losses: Vec<(u64, f32)>,
    /// Per-timestep losses since the last report, if there is news.
    pub histogram: Option<LossHistogram>,
}

/// Sums of per-sample losses by timestep bin.
#[derive(Clone, Debug, PartialEq)]
pub struct LossHistogram {
    /// Sum of the losses, per bin.
    pub sum: [f64; LOSS_BINS],
    /// Number of samples, per bin.
    pub count: [u64; LOSS_BINS],
}

impl Default for LossHistogram {
    fn default() -> Self {
        Self {
            sum: [0.0; LOSS_BINS],
            count: [0; LOSS_BINS],
        }
    }
}

/// Points that may lie in host memory or in the engine's.
#[derive(Clone, Debug)]
pub enum Cloud {
    /// Host memory.
    Host(Arc<Vec<[f32; 2]>>),
    /// A storage buffer of `vec2<f32>` on the device.
    Gpu(gpu::GpuCloud),
}

impl Cloud {
    /// Number of points.
    pub fn len(&self) -> usize {
        match self {
            Self::Host(points) => points.len(),
            Self::Gpu(cloud) => cloud.len(),
        }
    }

    /// True for no points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The points on the host. Blocks until the device has them: for headless work and tests, never in a frame.
    pub fn to_host(&self) -> Result<Arc<Vec<[f32; 2]>>, EngineError> {
        match self {
            Self::Host(points) => Ok(points.clone()),
            Self::Gpu(cloud) => cloud.read().map(Arc::new),
        }
    }
}

/// Whether to wait for work that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Take what is there.
    No,
    /// Until all of it is done.
    UntilDone,
}

/// Which weights of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Those that the optimiser moves.
    Raw,
    /// Their exponential moving average, by which samples are drawn.
    Ema,
}

/// One model in training. Implementations agree with each other within stated float tolerances.
pub trait Engine: Send {
    /// Which engine this is.
    fn info(&self) -> &EngineInfo;

    /// Put a model in place of whatever was there.
    fn load(&mut self, spec: &TrainSpec, state: &ModelState) -> Result<(), EngineError>;

    /// Change what is trained on and how (data, timetable, batch, learning rate, optimiser, seed); the model is kept.
    /// The shape must be the loaded one.
    fn update(&mut self, spec: &TrainSpec) -> Result<(), EngineError>;

    /// Do, or hand to the device, up to `max_steps` training steps, but no more than about `budget_secs` of work;
    /// at least one. Returns how many. The losses come later by [`Engine::poll`].
    fn train(&mut self, max_steps: u32, budget_secs: f64) -> Result<u32, EngineError>;

    /// News since the last call.
    fn poll(&mut self, wait: Wait) -> Result<Progress, EngineError>;

    /// The whole state, read back. Waits for all work handed over.
    fn state(&mut self) -> Result<ModelState, EngineError>;

    /// Begin a run, by the EMA weights as they are now where it follows the network: it keeps a copy of them, so that the
    /// training may go on between its pieces.
    fn begin(&mut self, run: &Run<'_>) -> Result<Box<dyn Underway>, EngineError>;

    /// Carry out a run at one go. `goes_on` is told the share of the work done, between pieces of it, and ends the run by
    /// answering false: with `Ok(None)`.
    fn run(
        &mut self,
        run: &Run<'_>,
        goes_on: &dyn Fn(f32) -> bool,
    ) -> Result<Option<Recording>, EngineError> {
        self.begin(run)?.advance(goes_on)
    }

    /// A piece of a run from noise by the network, of which the end alone is kept; a run in pieces never holds up a frame. It
    /// gives the points of [`Engine::run`]. The weights are those of the slice's first stage. Points of the cloud change with
    /// the last stage; without a cloud, or with one that lies elsewhere, a new one is made, of zeros.
    ///
    /// # Errors
    /// Besides the engine's: another run, and a piece that neither begins a slice nor goes on where the last piece of it ended.
    fn refresh(
        &mut self,
        cloud: Option<Cloud>,
        run: &Run<'_>,
        piece: Piece,
    ) -> Result<Cloud, EngineError>;

    /// The network's raw output [n, 2] at points [n, 2] and one time, by these weights.
    /// Convert it with [`maths::diffusion::target::Target`]. Blocks.
    fn predict(
        &mut self,
        tau: f64,
        points: &[[f32; 2]],
        weights: Weights,
    ) -> Result<Vec<[f32; 2]>, EngineError> {
        self.predict_labelled(tau, points, weights, None)
    }

    /// The same where all points are told a class, of a network that has learned labels.
    fn predict_labelled(
        &mut self,
        tau: f64,
        points: &[[f32; 2]],
        weights: Weights,
        label: Option<u32>,
    ) -> Result<Vec<[f32; 2]>, EngineError>;

    /// Log density of the diffused mixture at `resolution`² cell centres of a box, row-major from the lower left. Blocks.
    fn log_density(
        &mut self,
        mixture: &Mixture,
        scales: Scales,
        bounds: Bounds,
        resolution: u32,
    ) -> Result<Vec<f32>, EngineError>;

    /// Loss and gradient (flat, as the weights) of one given batch: x_t [n, 2], t in 1..=T `[n]`, target [n, 2].
    /// For tests and for inspection; the training step uses the same kernels. Blocks.
    fn gradient(
        &mut self,
        x: &[[f32; 2]],
        t: &[u32],
        target: &[[f32; 2]],
    ) -> Result<(f32, Vec<f32>), EngineError>;

    /// One training step (loss, backward, update, EMA) on a given batch of any size, as in [`Engine::gradient`]: for tests
    /// and replay. Returns the mean loss before the update; [`Engine::poll`] does not report it again. Blocks.
    fn step_on(
        &mut self,
        x: &[[f32; 2]],
        t: &[u32],
        target: &[[f32; 2]],
    ) -> Result<f32, EngineError>;
}

/// What `auto` runs where this is the adapter, and why: in words that follow upon the engine's name.
pub fn auto(gpu: Result<&EngineInfo, &EngineError>) -> (EngineKind, String) {
    match gpu {
        Ok(info) if !info.software => (
            EngineKind::Gpu,
            format!("{} is a graphics card", info.adapter),
        ),
        Ok(info) => {
            let name = info.adapter.split(" (").next().unwrap_or(&info.adapter);
            let why = format!(
                "{name} runs shaders on the processor, where plain Rust trains several times faster"
            );
            (EngineKind::Cpu, why)
        }
        Err(_) => (
            EngineKind::Cpu,
            "there is no usable graphics adapter".to_owned(),
        ),
    }
}

/// Make an engine. `device` is the device that the window paints with, if there is a window: an engine on it can be
/// drawn from without a copy. Without one, the GPU engine opens a device of its own.
pub fn create(
    choice: EngineChoice,
    device: Option<&Arc<gpu::GpuContext>>,
) -> Result<Box<dyn Engine>, EngineError> {
    Ok(create_and_say(choice, device)?.0)
}

/// As [`create`], with the reason why `auto` took the one that it took.
pub fn create_and_say(
    choice: EngineChoice,
    device: Option<&Arc<gpu::GpuContext>>,
) -> Result<(Box<dyn Engine>, Option<String>), EngineError> {
    let context = || device.map_or_else(gpu::GpuContext::headless, |context| Ok(context.clone()));
    let on_gpu = |context| -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(gpu::GpuEngine::new(context)?))
    };
    let on_cpu = || -> Box<dyn Engine> { Box::new(cpu::CpuEngine::new()) };
    match choice {
        EngineChoice::Gpu => Ok((on_gpu(context()?)?, None)),
        EngineChoice::Cpu => Ok((on_cpu(), None)),
        EngineChoice::Auto => {
            let context = context();
            let (kind, why) = auto(context.as_ref().map(|context| context.info()));
            let engine = match context {
                Ok(context) if kind == EngineKind::Gpu => on_gpu(context),
                Ok(_) => return Ok((on_cpu(), Some(why))),
                Err(error) => Err(error),
            };
            match engine {
                Ok(engine) => Ok((engine, Some(why))),
                Err(error) => {
                    log::warn!("{error}; running on the plain-Rust engine instead");
                    Ok((on_cpu(), None))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, software: bool) -> EngineInfo {
        EngineInfo {
            kind: EngineKind::Gpu,
            adapter: name.into(),
            backend: "Vulkan".into(),
            software,
        }
    }

    #[test]
    fn auto_takes_a_graphics_card_else_plain_rust_and_says_why() {
        let card = adapter("AMD Radeon (RADV)", false);
        let llvmpipe = adapter("llvmpipe (LLVM 15.0.6, 256 bits)", true);
        let none = EngineError::NoAdapter("nothing found".into());
        for (gpu, kind, word) in [
            (
                Ok(&card),
                EngineKind::Gpu,
                "AMD Radeon (RADV) is a graphics card",
            ),
            (
                Ok(&llvmpipe),
                EngineKind::Cpu,
                "llvmpipe runs shaders on the processor",
            ),
            (Err(&none), EngineKind::Cpu, "no usable graphics adapter"),
        ] {
            let (chosen, why) = auto(gpu);
            assert_eq!(chosen, kind);
            assert!(why.contains(word), "{why}");
        }
    }

    /// What is made is what was said, whatever adapter this machine has; an explicit choice is obeyed.
    #[test]
    fn what_auto_makes_is_what_it_says() {
        let context = gpu::GpuContext::headless();
        let (kind, why) = auto(context.as_ref().map(|context| context.info()));
        let (engine, said) = create_and_say(EngineChoice::Auto, context.as_ref().ok()).unwrap();
        assert_eq!(engine.info().kind, kind);
        assert_eq!(said, context.is_ok().then_some(why));
        if let Ok(context) = &context {
            assert_eq!(
                create(EngineChoice::Gpu, Some(context))
                    .unwrap()
                    .info()
                    .kind,
                EngineKind::Gpu
            );
        }
        assert_eq!(
            create(EngineChoice::Cpu, None).unwrap().info().kind,
            EngineKind::Cpu
        );
    }
}
