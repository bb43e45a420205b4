//! The plain-Rust engine: the oracle of the tests, and what runs where there is no adapter.
#![allow(
    clippy::inline_always,
    reason = "only what is inlined into a kernel is compiled for its instruction set"
)]

mod activation;
pub mod batch;
mod density;
mod exact;
mod matmul;
mod muon;
mod near;
pub mod network;
mod real;
pub(crate) mod sample;
mod simd;
mod train;
mod update;

use crate::Wait;
use std::sync::Arc;
use std::time::Instant;

pub use real::Real;

use self::network::{BLOCK, Network, Samples, Workspace};
use self::sample::{CpuRun, Follows, SliceRun};
use self::train::Trainer;
use super::{
    Cloud, Engine, EngineError, EngineInfo, EngineKind, ModelState, Piece, Progress, Run,
    TrainSpec, TrainingData, Underway,
};
use crate::Weights;
use crate::adaptive::{AdaptiveRun, AdaptiveSlice, Outputs};
use crate::network::timetable::TIME_FEATURES;
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;

/// One model in training, in host memory. All threads of rayon's current pool take part.
pub struct CpuEngine {
    info: EngineInfo,
    trainer: Option<Trainer>,
    /// The slice of the live picture that was worked on last.
    slice: Option<SliceRun>,
    /// The same of a picture whose particles choose their own steps.
    adaptive_slice: Option<AdaptiveSlice>,
}

/// What a run whose particles choose their own steps asks.
impl Outputs for Network<f32> {
    fn outputs(
        &mut self,
        taus: &[f64],
        inputs: &[[f32; 2]],
        label: Option<u32>,
    ) -> Result<Vec<[f32; 2]>, EngineError> {
        use rayon::prelude::*;
        let network = &*self;
        let mut outputs = vec![[0.0; 2]; inputs.len()];
        outputs
            .par_chunks_mut(BLOCK)
            .zip(inputs.par_chunks(BLOCK).zip(taus.par_chunks(BLOCK)))
            .for_each_init(
                || Workspace::new(network.shape()),
                |work, (outputs, (inputs, taus))| {
                    let found = network.predict_each(inputs, taus, label, work);
                    outputs.iter_mut().zip(found).for_each(|(to, of)| *to = of);
                },
            );
        Ok(outputs)
    }
}

impl CpuEngine {
    /// An engine on all cores.
    pub fn new() -> Self {
        let threads = rayon::current_num_threads();
        let adapter = if threads == 1 {
            "1 thread".into()
        } else {
            format!("{threads} threads")
        };
        let info = EngineInfo {
            kind: EngineKind::Cpu,
            adapter,
            backend: "Rust".into(),
            software: true,
        };
        Self {
            info,
            trainer: None,
            slice: None,
            adaptive_slice: None,
        }
    }

    fn trainer(&mut self) -> Result<&mut Trainer, EngineError> {
        self.trainer
            .as_mut()
            .ok_or_else(|| invalid("the engine holds no model yet: load one first"))
    }
}

impl Default for CpuEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for CpuEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn load(&mut self, spec: &TrainSpec, state: &ModelState) -> Result<(), EngineError> {
        check_spec(spec)?;
        check_state(spec, state)?;
        self.trainer = Some(Trainer::new(spec, state));
        (self.slice, self.adaptive_slice) = (None, None);
        Ok(())
    }

    fn update(&mut self, spec: &TrainSpec) -> Result<(), EngineError> {
        check_spec(spec)?;
        let trainer = self.trainer()?;
        if spec.shape != trainer.spec().shape {
            return Err(invalid(
                "the network's shape cannot change in training: start anew with the new shape",
            ));
        }
        let same_start = trainer.spec().pairing.source == spec.pairing.source;
        trainer.update(spec);
        if !same_start {
            // What is on its way started elsewhere.
            (self.slice, self.adaptive_slice) = (None, None);
        }
        Ok(())
    }

    fn train(&mut self, max_steps: u32, budget_secs: f64) -> Result<u32, EngineError> {
        let trainer = self.trainer()?;
        let begin = Instant::now();
        let mut done = 0;
        loop {
            trainer.step();
            done += 1;
            if done >= max_steps || begin.elapsed().as_secs_f64() >= budget_secs {
                return Ok(done);
            }
        }
    }

    fn poll(&mut self, _wait: Wait) -> Result<Progress, EngineError> {
        Ok(self.trainer()?.take_news())
    }

    fn state(&mut self) -> Result<ModelState, EngineError> {
        Ok(self.trainer()?.state())
    }

    fn begin(&mut self, run: &Run<'_>) -> Result<Box<dyn Underway>, EngineError> {
        let trainer = self.trainer()?;
        run.check(trainer.spec().shape)?;
        trainer.spec().pairing.check_run(run)?;
        let start = trainer.spec().pairing.start(run);
        let run = &Run {
            start: &start,
            ..*run
        };
        let network = || trainer.network(Weights::Ema);
        Ok(match run.plan.control {
            Some(control) => Box::new(AdaptiveRun::begin(control, run, Box::new(network()))),
            None => Box::new(CpuRun::begin(Follows::of(run.denoiser, network), run)),
        })
    }

    fn refresh(
        &mut self,
        cloud: Option<Cloud>,
        run: &Run<'_>,
        piece: Piece,
    ) -> Result<Cloud, EngineError> {
        piece.check(cloud.as_ref(), run, self.trainer()?.spec().shape)?;
        let pairing = &self.trainer()?.spec().pairing;
        let start = pairing.start(run);
        let run = &Run {
            start: &start,
            ..*run
        };
        let Run { plan, seed, .. } = *run;
        let mut points = match cloud {
            // Taken apart, not cloned: where nobody else holds the cloud it is written in place.
            Some(Cloud::Host(points)) => points,
            Some(cloud) => cloud.to_host()?,
            None => Arc::new(vec![[0.0; 2]; start.len()]),
        };
        let mut put = |fresh: &[[f32; 2]]| {
            let places = &mut Arc::make_mut(&mut points)[piece.first as usize..];
            places[..fresh.len()].copy_from_slice(fresh);
        };
        if let Some(control) = plan.control {
            let kept = self.adaptive_slice.take();
            let network = || -> Result<Box<dyn Outputs>, _> {
                Ok(Box::new(self.trainer()?.network(Weights::Ema)))
            };
            let mut slice = AdaptiveSlice::for_piece(kept, (control, run, piece), network)?;
            if let Some(fresh) = slice.advance(piece)? {
                put(fresh);
            }
            self.adaptive_slice = Some(slice);
            return Ok(Cloud::Host(points));
        }
        let mut slice = if piece.stage == 0 {
            SliceRun::begin(self.trainer()?.network(Weights::Ema), run, piece)
        } else {
            let kept = self
                .slice
                .take()
                .filter(|kept| kept.goes_on(plan, seed, &piece));
            kept.ok_or_else(|| piece.not_begun())?
        };
        if let Some(fresh) = slice.advance(piece) {
            put(&fresh);
        }
        self.slice = Some(slice);
        Ok(Cloud::Host(points))
    }

    fn predict_labelled(
        &mut self,
        tau: f64,
        points: &[[f32; 2]],
        weights: Weights,
        label: Option<u32>,
    ) -> Result<Vec<[f32; 2]>, EngineError> {
        use rayon::prelude::*;
        let trainer = self.trainer()?;
        let shape = trainer.spec().shape;
        shape.check_label(label).map_err(EngineError::Invalid)?;
        let network = trainer.network(weights);
        let input_scale = trainer.spec().timetable.input_scale(tau);
        let time_bias = network.time_bias(tau, label);
        let mut outputs = vec![[0.0; 2]; points.len()];
        outputs
            .par_chunks_mut(BLOCK)
            .zip(points.par_chunks(BLOCK))
            .for_each_init(
                || Workspace::new(network.shape()),
                |work, (outputs, points)| {
                    for (to, output) in outputs.iter_mut().zip(network.predict(
                        points,
                        input_scale,
                        &time_bias,
                        work,
                    )) {
                        *to = output.output;
                    }
                },
            );
        Ok(outputs)
    }

    fn log_density(
        &mut self,
        mixture: &Mixture,
        scales: Scales,
        bounds: Bounds,
        resolution: u32,
    ) -> Result<Vec<f32>, EngineError> {
        Ok(density::log_density(mixture, scales, bounds, resolution))
    }

    fn gradient(
        &mut self,
        x: &[[f32; 2]],
        t: &[u32],
        target: &[[f32; 2]],
    ) -> Result<(f32, Vec<f32>), EngineError> {
        let trainer = self.trainer()?;
        let samples = checked_samples(trainer.spec(), x, t, target)?;
        Ok(trainer.gradient(samples))
    }

    fn step_on(
        &mut self,
        x: &[[f32; 2]],
        t: &[u32],
        target: &[[f32; 2]],
    ) -> Result<f32, EngineError> {
        let trainer = self.trainer()?;
        let samples = checked_samples(trainer.spec(), x, t, target)?;
        Ok(trainer.step_on(samples))
    }
}

fn invalid(text: impl Into<String>) -> EngineError {
    EngineError::Invalid(text.into())
}

fn check_spec(spec: &TrainSpec) -> Result<(), EngineError> {
    spec.shape.validate().map_err(invalid)?;
    spec.check_data()?;
    let timesteps = spec.timetable.rows.len();
    if timesteps == 0 || spec.timetable.embedding.len() != timesteps * TIME_FEATURES {
        return Err(invalid(
            "the timetable needs at least one timestep and one embedding for each",
        ));
    }
    if spec.batch == 0 {
        return Err(invalid("a batch needs at least one sample"));
    }
    let empty = match &spec.data {
        TrainingData::Finite(points) => points.is_empty(),
        TrainingData::Fresh(mixture) => mixture.components.is_empty(),
    };
    if empty {
        Err(invalid(
            "there are no training points: choose another data set",
        ))
    } else {
        Ok(())
    }
}

fn check_state(spec: &TrainSpec, state: &ModelState) -> Result<(), EngineError> {
    let parameters = spec.shape.parameters();
    for (name, vector) in [
        ("weights", &state.weights),
        ("ema", &state.ema),
        ("adam_m", &state.adam_m),
        ("adam_v", &state.adam_v),
    ] {
        if vector.len() != parameters {
            let found = vector.len();
            return Err(invalid(format!(
                "the model's {name} hold {found} numbers where its shape has {parameters}"
            )));
        }
    }
    Ok(())
}

/// A batch that is given, as samples of the network.
pub(crate) fn checked_samples<'a>(
    spec: &TrainSpec,
    x: &'a [[f32; 2]],
    t: &'a [u32],
    target: &'a [[f32; 2]],
) -> Result<Samples<'a>, EngineError> {
    if x.is_empty() || x.len() != t.len() || x.len() != target.len() {
        let (x, t, target) = (x.len(), t.len(), target.len());
        return Err(invalid(format!(
            "a batch needs as many points as times and targets, not {x}, {t} and {target}"
        )));
    }
    let timesteps = spec.timetable.timesteps();
    if let Some(t) = t.iter().find(|t| !(1..=timesteps).contains(*t)) {
        return Err(invalid(format!(
            "timestep {t} is not between 1 and {timesteps}"
        )));
    }
    let labels = &[];
    Ok(Samples {
        x,
        t,
        target,
        labels,
    })
}
