//! A few points of the next batch, with what the weights make of them before that batch changes them.
//!
//! Which x_0, t and ε a step draws follows from the seed and the number of the step alone, so the batch to come is known.

use std::sync::Arc;
use std::time::Instant;

use super::pace::Share;
use engine::cpu::batch::{Sample, Source};
use engine::{Engine, EngineError, TrainSpec, Weights};
use maths::diffusion::schedule::Scales;

/// Share of the wall time that it may take while training.
const SHARE: f64 = 0.04;

/// One point of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FollowedPoint {
    /// The clean point.
    pub x_0: [f32; 2],
    /// The timestep, in 1..=T.
    pub t: u32,
    /// a and s of this timestep, as the training has them.
    pub scales: Scales,
    /// The noise.
    pub epsilon: [f32; 2],
    /// a x_0 + s ε.
    pub x_t: [f32; 2],
    /// What the network is to predict of x_t and t.
    pub target: [f32; 2],
    /// What it predicts, by the weights that the optimiser moves.
    pub output: [f32; 2],
    /// Its part of the loss: the weighted squared error, the mean over the coordinates.
    pub error: f32,
}

/// The first points of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowedBatch {
    /// Updates that the weights have seen; the batch is that of the next one.
    pub step: u64,
    /// Its points, in the order of the batch.
    pub points: Vec<FollowedPoint>,
}

/// How many points are followed, and what was found last.
pub struct Follow {
    count: u32,
    latest: Option<Arc<FollowedBatch>>,
    share: Share,
}

impl Default for Follow {
    fn default() -> Self {
        Self {
            count: 0,
            latest: None,
            share: Share::new(SHARE),
        }
    }
}

impl Follow {
    /// Follow so many points from now on. True where these are others than before.
    pub fn want(&mut self, count: u32) -> bool {
        let other = self.count != count;
        if other {
            self.count = count;
            self.forget();
        }
        other
    }

    /// Points that are followed.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// What was found last.
    pub fn latest(&self) -> Option<&Arc<FollowedBatch>> {
        self.latest.as_ref()
    }

    /// Other weights, or other settings: what was found is not of these.
    pub fn forget(&mut self) {
        self.latest = None;
    }

    /// Take this part of the usual share of the time.
    pub fn set_share_factor(&mut self, factor: f64) {
        self.share.set_factor(factor);
    }

    /// True where the batch after `step` updates was not looked at yet.
    pub fn is_waiting(&self, step: u64) -> bool {
        self.count > 0 && self.latest.as_ref().is_none_or(|batch| batch.step != step)
    }

    /// True where it is time to look at it.
    pub fn is_due(&self, step: u64, training: bool, now: Instant) -> bool {
        self.is_waiting(step) && (!training || self.share.is_due(now))
    }

    /// Draw the points of the batch after `step` updates, and ask the engine for their predictions.
    ///
    /// # Errors
    /// The engine's.
    pub fn look(
        &mut self,
        engine: &mut dyn Engine,
        spec: &TrainSpec,
        step: u64,
    ) -> Result<(), EngineError> {
        let begun = Instant::now();
        let source = Source::new(spec);
        let mut points = Vec::new();
        // Engines count updates in 32 bits where they draw. Who is paired with whom is known of the whole batch alone.
        let samples = source.samples(&spec.timetable, spec.seed, step as u32, spec.batch as usize);
        for sample in samples.into_iter().take(self.count as usize) {
            points.push(follow(engine, spec, sample)?);
        }
        self.latest = Some(Arc::new(FollowedBatch { step, points }));
        let now = Instant::now();
        self.share.spend(now, now.duration_since(begun));
        Ok(())
    }
}

/// What the raw weights make of one sample.
fn follow(
    engine: &mut dyn Engine,
    spec: &TrainSpec,
    Sample {
        x_0,
        t,
        epsilon,
        label,
    }: Sample,
) -> Result<FollowedPoint, EngineError> {
    let row = spec.timetable.rows[t as usize - 1];
    let x_t = row.noised(x_0, epsilon);
    let target = row.target(x_0, epsilon);
    let tau = f64::from(t) / f64::from(spec.timetable.timesteps());
    let output = engine.predict_labelled(tau, &[x_t], Weights::Raw, label)?[0];
    let squares = (0..2).map(|axis| (output[axis] - target[axis]).powi(2));
    Ok(FollowedPoint {
        x_0,
        t,
        scales: Scales {
            a: f64::from(row.a),
            s: f64::from(row.s),
        },
        epsilon,
        x_t,
        target,
        output,
        error: 0.5 * row.loss_weight * squares.sum::<f32>(),
    })
}
