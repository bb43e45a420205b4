//! The training step: draw, forward, backward, update, moving average.
//!
//! A batch is cut into at most [`MAX_PARTS`] parts by its size alone. Each part sums its own gradient and the parts are
//! added in their order, so a run is the same bit for bit on any number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::batch::{Batch, Source};
use super::network::{BLOCK, Network, Samples, Workspace};
use super::update::{Slices, Update};
use crate::consistency::Consistency;
use crate::{LOSS_BINS, LossHistogram, ModelState, Progress, TrainSpec, Weights};

/// The most parts of a batch, and so the most threads that a step can use.
const MAX_PARTS: usize = 16;
/// Parameters that one task of the update works on.
const UPDATE_CHUNK: usize = 4096;

/// A model and all that its training needs.
pub struct Trainer {
    spec: TrainSpec,
    source: Source,
    /// What makes the targets where they are the student's own.
    consistency: Option<Consistency>,
    network: Network<f32>,
    step: u64,
    ema: Vec<f32>,
    adam_m: Vec<f32>,
    adam_v: Vec<f32>,
    batch: Batch,
    parts: Vec<Part>,
    losses: Vec<f32>,
    news: Progress,
}

/// What one part of a batch works in.
struct Part {
    work: Workspace<f32>,
    gradient: Vec<f32>,
}

impl Trainer {
    /// A trainer of a checked specification and a state of its shape.
    pub fn new(spec: &TrainSpec, state: &ModelState) -> Self {
        Self {
            spec: spec.clone(),
            source: Source::new(spec),
            consistency: Consistency::new(spec),
            network: Network::new(spec.shape, &state.weights),
            step: state.step,
            ema: state.ema.clone(),
            adam_m: state.adam_m.clone(),
            adam_v: state.adam_v.clone(),
            batch: Batch::default(),
            parts: Vec::new(),
            losses: Vec::new(),
            news: Progress {
                step: state.step,
                ..Progress::default()
            },
        }
    }

    /// Train on something else, or otherwise; the shape stays.
    pub fn update(&mut self, spec: &TrainSpec) {
        self.source = Source::new(spec);
        self.consistency = Consistency::new(spec);
        self.spec = spec.clone();
    }

    /// What is trained on, and how.
    pub fn spec(&self) -> &TrainSpec {
        &self.spec
    }

    /// The network with these weights, to evaluate.
    pub fn network(&self, weights: Weights) -> Network<f32> {
        let parameters = match weights {
            Weights::Raw => self.network.parameters(),
            Weights::Ema => &self.ema,
        };
        Network::new(self.spec.shape, parameters)
    }

    /// A copy of the state.
    pub fn state(&self) -> ModelState {
        ModelState {
            step: self.step,
            weights: self.network.parameters().to_vec(),
            ema: self.ema.clone(),
            adam_m: self.adam_m.clone(),
            adam_v: self.adam_v.clone(),
        }
    }

    /// News since the last call.
    pub fn take_news(&mut self) -> Progress {
        std::mem::replace(
            &mut self.news,
            Progress {
                step: self.step,
                ..Progress::default()
            },
        )
    }

    /// One step on a batch of its own drawing; its losses become news.
    pub fn step(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        batch.fill(&self.source, &self.spec, self.step as u32);
        if let Some(consistency) = &self.consistency {
            let (neighbours, timetable) = (consistency.neighbours(&batch), &self.spec.timetable);
            let outputs = neighbours.outputs(&self.network, timetable);
            neighbours.retarget(&mut batch, timetable, &outputs);
        }
        let loss = self.step_on(batch.samples());
        self.news.step = self.step;
        self.news.losses.push((self.step, loss));
        let histogram = self.news.histogram.get_or_insert_default();
        self.losses
            .iter()
            .zip(batch.samples().t)
            .for_each(|(loss, t)| {
                add_to_bin(histogram, *t, self.spec.timetable.timesteps(), *loss);
            });
        self.batch = batch;
    }

    /// One step on given samples. Returns their mean loss before the step.
    pub fn step_on(&mut self, samples: Samples) -> f32 {
        let loss = self.backpropagate(samples);
        self.step += 1;
        self.news.step = self.step;
        let update = Update::new(self.step, &self.spec);
        let matrices = self.spec.rule.optimiser.matrices(self.spec.shape);
        let (parts, ema, m, v) = (
            &self.parts,
            &mut self.ema,
            &mut self.adam_m,
            &mut self.adam_v,
        );
        self.network.change(|weights| {
            let total = weights.len();
            let mut rest = Slices { weights, ema, m, v };
            let pieces: Vec<_> = pieces(total, matrices.ranges())
                .map(|(range, is_matrix)| (range.start, is_matrix, rest.take(range.len())))
                .collect();
            pieces
                .into_par_iter()
                .for_each(|(first, is_matrix, slices)| {
                    let gradient = sum_of_parts(parts, first, slices.weights.len());
                    if is_matrix {
                        update.apply_orthogonal(slices, &gradient, matrices.side);
                    } else {
                        update.apply(slices, &gradient);
                    }
                });
        });
        loss
    }

    /// Mean loss and gradient (flat) of given samples; the model stays as it is.
    pub fn gradient(&mut self, samples: Samples) -> (f32, Vec<f32>) {
        let loss = self.backpropagate(samples);
        (
            loss,
            sum_of_parts(&self.parts, 0, self.network.parameters().len()),
        )
    }

    /// Fill `self.losses` and the gradients of `self.parts`. Returns the mean loss.
    fn backpropagate(&mut self, samples: Samples) -> f32 {
        let count = samples.x.len();
        self.losses.resize(count, 0.0);
        let size = count.div_ceil(MAX_PARTS).next_multiple_of(BLOCK);
        let (shape, parameters) = (self.spec.shape, self.network.parameters().len());
        self.parts.resize_with(count.div_ceil(size), || Part {
            work: Workspace::new(shape),
            gradient: vec![0.0; parameters],
        });
        let (network, timetable, scale) = (&self.network, &self.spec.timetable, 1.0 / count as f32);
        let chunks = samples
            .x
            .par_chunks(size)
            .zip(samples.t.par_chunks(size))
            .zip(samples.target.par_chunks(size));
        // Told nowhere, there is no chunk of them.
        let labels = |part: usize| {
            let from = (part * size).min(samples.labels.len());
            &samples.labels[from..(from + size).min(samples.labels.len())]
        };
        let parts = self
            .parts
            .par_iter_mut()
            .zip(self.losses.par_chunks_mut(size));
        chunks
            .zip(parts)
            .enumerate()
            .for_each(|(number, (((x, t), target), (part, losses)))| {
                part.gradient.fill(0.0);
                let samples = Samples {
                    x,
                    t,
                    target,
                    labels: labels(number),
                };
                network.accumulate(
                    timetable,
                    samples,
                    scale,
                    &mut part.work,
                    &mut part.gradient,
                    losses,
                );
            });
        (self.losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / count as f64) as f32
    }
}

/// The parameters in their order, in the pieces that tasks of the update work on: each of `matrices` (ascending) whole and
/// marked true, and what lies between them cut by [`UPDATE_CHUNK`].
fn pieces(
    total: usize,
    matrices: impl Iterator<Item = Range<usize>>,
) -> impl Iterator<Item = (Range<usize>, bool)> {
    let mut first = 0;
    let end = std::iter::once(total..total);
    matrices.chain(end).flat_map(move |matrix| {
        let between = (first..matrix.start)
            .step_by(UPDATE_CHUNK)
            .map(move |from| (from..(from + UPDATE_CHUNK).min(matrix.start), false));
        first = matrix.end;
        // `total..total` ends the list and is no matrix.
        between.chain((!matrix.is_empty()).then_some((matrix, true)))
    })
}

/// The gradient of `len` parameters from `first` on: the parts added in their order.
fn sum_of_parts(parts: &[Part], first: usize, len: usize) -> Vec<f32> {
    let mut sum = vec![0.0; len];
    for part in parts {
        for (sum, gradient) in sum.iter_mut().zip(&part.gradient[first..first + len]) {
            *sum += *gradient;
        }
    }
    sum
}

/// Count one sample's loss at timestep `t` of `timesteps`.
fn add_to_bin(histogram: &mut LossHistogram, t: u32, timesteps: u32, loss: f32) {
    let bin = (t as usize - 1) * LOSS_BINS / timesteps as usize;
    histogram.sum[bin] += f64::from(loss);
    histogram.count[bin] += 1;
}
