//! The batch of one training step, drawn by Philox: the same on every engine.

use rayon::prelude::*;

use super::network::{BLOCK, Samples};
use crate::draws::Draws;
use crate::network::timetable::Timetable;
use crate::{Pairing, TrainLabels, TrainSpec, TrainingData};
use maths::philox::{Stream, below, draw, normal_pair, uniform};

/// The batch in memory.
#[derive(Default)]
pub struct Batch {
    x: Vec<[f32; 2]>,
    t: Vec<u32>,
    target: Vec<[f32; 2]>,
    /// One more than the class; 0 where the network is told none.
    labels: Vec<u32>,
    /// The clean points.
    clean: Vec<[f32; 2]>,
}

/// What is drawn for one sample of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The clean point.
    pub x_0: [f32; 2],
    /// The timestep, in 1..=T.
    pub t: u32,
    /// The noise, or what stands in its place.
    pub epsilon: [f32; 2],
    /// The class that the network is told; `None` where it learns none, and where it is left out.
    pub label: Option<u32>,
}

/// The training points, ready to draw from.
pub struct Source {
    data: TrainingData,
    labels: Option<TrainLabels>,
    pairing: Pairing,
    /// Of fresh data.
    fresh: Option<Draws>,
    /// Of a source that is no noise.
    starts: Option<Draws>,
}

impl Source {
    /// Prepare the training points of a specification.
    pub fn new(spec: &TrainSpec) -> Self {
        let TrainSpec {
            data,
            labels,
            pairing,
            ..
        } = spec;
        Self::of_data(data, labels.as_ref(), pairing)
    }

    pub(super) fn of_data(
        data: &TrainingData,
        labels: Option<&TrainLabels>,
        pairing: &Pairing,
    ) -> Self {
        let fresh = match data {
            TrainingData::Finite(_) => None,
            TrainingData::Fresh(mixture) => Some(Draws::new(mixture)),
        };
        Self {
            data: data.clone(),
            labels: labels.cloned(),
            pairing: pairing.clone(),
            fresh,
            starts: pairing.source.as_ref().map(Draws::new),
        }
    }

    /// The `size` samples of the step after `step` updates, points and noise paired.
    pub fn samples(&self, timetable: &Timetable, seed: u64, step: u32, size: usize) -> Vec<Sample> {
        let mut samples = Vec::with_capacity(size);
        (0..size as u32)
            .into_par_iter()
            .with_min_len(BLOCK)
            .map(|index| self.sample(timetable, seed, step, index))
            .collect_into_vec(&mut samples);
        let coupling = self.pairing.coupling;
        if coupling.is_transport() {
            let x_0: Vec<_> = samples.iter().map(|sample| sample.x_0).collect();
            let epsilon: Vec<_> = samples.iter().map(|sample| sample.epsilon).collect();
            let partners = coupling.partners(&x_0, &epsilon, |row| {
                uniform(draw(seed, Stream::Coupling, step, row as u32)[0])
            });
            for (sample, partner) in samples.iter_mut().zip(partners) {
                sample.epsilon = epsilon[partner];
            }
        }
        samples
    }

    /// Sample `index` of the step after `step` updates, before points and noise are paired: x_0 and t by words 0 and 1 of its draw, ε by words 2 and 3. Whether its label is
    /// left out is said by word 1 of the draw of fresh data.
    pub(super) fn sample(&self, timetable: &Timetable, seed: u64, step: u32, index: u32) -> Sample {
        let words = draw(seed, Stream::Batch, step, index);
        let (x_0, row) = self.point(seed, step, index, words[0]);
        let label = self.labels.as_ref().and_then(|labels| {
            let word = draw(seed, Stream::FreshData, step, index)[1];
            // Numbers are above 0 and at most 1.
            let told = uniform(word) > labels.dropout;
            told.then(|| labels.classes[row])
        });
        let z = normal_pair(words[2], words[3]);
        let epsilon = match (&self.pairing.starts, &self.starts) {
            (Some(starts), _) => starts[row],
            (None, Some(source)) => {
                let component = draw(seed, Stream::Coupling, step, index)[1];
                source.point(component, z).0
            }
            (None, None) => z,
        };
        Sample {
            x_0,
            t: timetable.draw(words[1]),
            epsilon,
            label,
        }
    }

    /// The clean point of sample `index` of the step after `step` updates, and the number of the point or component that it is of; `word` is
    /// word 0 of its batch draw.
    fn point(&self, seed: u64, step: u32, index: u32, word: u32) -> ([f32; 2], usize) {
        match (&self.data, &self.fresh) {
            (TrainingData::Finite(points), _) => {
                let row = below(word, points.len() as u32) as usize;
                (points[row], row)
            }
            (TrainingData::Fresh(_), Some(fresh)) => {
                let words = draw(seed, Stream::FreshData, step, index);
                fresh.point(words[0], normal_pair(words[2], words[3]))
            }
            // Fresh data are always ready to draw from.
            (TrainingData::Fresh(_), None) => ([0.0; 2], 0),
        }
    }
}

impl Batch {
    /// Draw the batch of the step after `step` updates ([`Source::samples`]), then x_t = a x_0 + s ε, and the target.
    pub fn fill(&mut self, source: &Source, spec: &TrainSpec, step: u32) {
        let size = spec.batch as usize;
        let samples = source.samples(&spec.timetable, spec.seed, step, size);
        self.take(&samples, &spec.timetable);
    }

    /// What the network sees of some samples, and what it is to say of them.
    fn take(&mut self, samples: &[Sample], timetable: &Timetable) {
        let row = |sample: &Sample| timetable.rows[sample.t as usize - 1];
        let Self {
            x,
            t,
            target,
            labels,
            clean,
        } = self;
        let put = samples.par_iter().with_min_len(BLOCK);
        put.clone()
            .map(|sample| row(sample).noised(sample.x_0, sample.epsilon))
            .collect_into_vec(x);
        put.map(|sample| row(sample).target(sample.x_0, sample.epsilon))
            .collect_into_vec(target);
        clean.clear();
        clean.extend(samples.iter().map(|sample| sample.x_0));
        t.clear();
        t.extend(samples.iter().map(|sample| sample.t));
        labels.clear();
        labels.extend(
            samples
                .iter()
                .map(|sample| sample.label.map_or(0, |label| label + 1)),
        );
    }

    /// The clean points that the samples were made of.
    pub fn clean(&self) -> &[[f32; 2]] {
        &self.clean
    }

    /// Other targets: where one is said to be mapped to a point, what `output` says of (t, x_t, the point).
    pub fn retarget(
        &mut self,
        ends: impl Iterator<Item = Option<[f32; 2]>>,
        output: impl Fn(u32, [f32; 2], [f32; 2]) -> [f32; 2],
    ) {
        let samples = self.x.iter().zip(&self.t).zip(&mut self.target);
        for (((x, t), target), end) in samples.zip(ends) {
            if let Some(end) = end {
                *target = output(*t, *x, end);
            }
        }
    }

    /// The samples.
    pub fn samples(&self) -> Samples<'_> {
        Samples {
            x: &self.x,
            t: &self.t,
            target: &self.target,
            labels: &self.labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::data::mixture::{Component, Mixture};
    use maths::diffusion::schedule::Schedule;
    use maths::diffusion::target::Target;
    use maths::transport::Coupling;
    use std::sync::Arc;

    const STEP: u32 = 5;

    /// With ε as the target, the batch can be turned back: x_0 = (x_t − s ε)/a must be points of the data.
    #[test]
    fn finite_batches_hold_noised_points_of_the_data() {
        let points = vec![[1.0, 2.0], [-3.0, 0.5], [0.25, -1.0]];
        let timetable = Timetable::new(Schedule::Cosine, Target::Eps, 50);
        let mut batch = Batch::default();
        let source = Source::of_data(
            &TrainingData::Finite(Arc::new(points.clone())),
            None,
            &Pairing::default(),
        );
        batch.take(&source.samples(&timetable, 9, STEP, 3000), &timetable);
        let (mut used, mut times) = ([0; 3], [0; 50]);
        for i in 0..3000 {
            let row = timetable.rows[batch.t[i] as usize - 1];
            times[batch.t[i] as usize - 1] += 1;
            if row.a < 0.3 {
                continue;
            }
            let x_0 = [0, 1].map(|axis| (batch.x[i][axis] - row.s * batch.target[i][axis]) / row.a);
            let near = |p: &[f32; 2]| (p[0] - x_0[0]).abs() < 1e-4 && (p[1] - x_0[1]).abs() < 1e-4;
            let which = points.iter().position(near);
            assert!(which.is_some(), "sample {i} came from {x_0:?}");
            used[which.unwrap()] += 1;
        }
        assert!(used.iter().all(|&n| n > 600), "{used:?}");
        assert!(times.iter().all(|&n| n > 20), "{times:?}");
    }

    /// What makes a comparison fair: whatever the schedule, the target and the size, equal seeds draw the same x_0, the same t
    /// and the same ε. They are read back from x_t and the target by solving two equations.
    #[test]
    fn with_one_seed_other_settings_draw_the_same_points_times_and_noise() {
        let points = (0..100)
            .map(|i| [0.03 * i as f32 - 1.5, 1.0 - 0.01 * i as f32])
            .collect();
        let source = Source::of_data(
            &TrainingData::Finite(Arc::new(points)),
            None,
            &Pairing::default(),
        );
        let drawn = |schedule, target, size| {
            let timetable = Timetable::new(schedule, target, 100);
            let mut batch = Batch::default();
            batch.take(&source.samples(&timetable, 3, STEP, size), &timetable);
            let of = |i: usize| {
                let row = timetable.rows[batch.t[i] as usize - 1];
                let [a, s, x, e] = [row.a, row.s, row.target_x0, row.target_eps].map(f64::from);
                let determinant = a * e - s * x;
                let solve = |axis: usize| {
                    let (x_t, target) = (
                        f64::from(batch.x[i][axis]),
                        f64::from(batch.target[i][axis]),
                    );
                    [
                        (x_t * e - s * target) / determinant,
                        (a * target - x * x_t) / determinant,
                    ]
                };
                (batch.t[i], determinant.abs(), [solve(0), solve(1)])
            };
            (0..256).map(of).collect::<Vec<_>>()
        };
        let one = drawn(Schedule::Linear, Target::V, 256);
        for (schedule, target, size) in [
            (Schedule::Cosine, Target::V, 256),
            (Schedule::Linear, Target::Velocity, 1024),
            (Schedule::Flow, Target::Velocity, 300),
        ] {
            for (i, (one, other)) in one.iter().zip(drawn(schedule, target, size)).enumerate() {
                assert_eq!(one.0, other.0, "t of sample {i}");
                let margin = 1e-5 / one.1.min(other.1);
                for (axis, values) in one.2.iter().zip(other.2).enumerate() {
                    for (which, (v, w)) in values.0.iter().zip(values.1).enumerate() {
                        assert!(
                            (v - w).abs() < margin,
                            "{schedule:?} sample {i} axis {axis} {which}: {v} and {w}"
                        );
                    }
                }
            }
        }
    }

    /// Noise and points are the same as without a coupling, and only who belongs to whom is other: of all ways the cheapest.
    #[test]
    fn an_optimal_coupling_gives_the_same_noises_to_nearer_points() {
        let points = (0..40).map(|k| [0.1 * k as f32 - 2.0, 0.0]).collect();
        let data = TrainingData::Finite(Arc::new(points));
        let timetable = Timetable::new(Schedule::Flow, Target::Velocity, 10);
        let drawn = |coupling| {
            let source = Source::of_data(
                &data,
                None,
                &Pairing {
                    coupling,
                    ..Pairing::default()
                },
            );
            source.samples(&timetable, 4, STEP, 128)
        };
        let (own, best) = (drawn(Coupling::Independent), drawn(Coupling::Optimal));
        let sorted = |samples: &[Sample]| {
            let mut noises: Vec<_> = samples.iter().map(|s| s.epsilon).collect();
            noises.sort_by(|a, b| a[0].total_cmp(&b[0]));
            noises
        };
        assert_eq!(sorted(&own), sorted(&best));
        let kept =
            |samples: &[Sample]| -> Vec<_> { samples.iter().map(|s| (s.x_0, s.t)).collect() };
        assert_eq!(kept(&own), kept(&best));
        let cost = |samples: &[Sample]| -> f64 {
            let each = samples
                .iter()
                .map(|s| maths::transport::squared_distance(s.x_0, s.epsilon));
            each.sum::<f64>() / samples.len() as f64
        };
        // Points on a line: the noise's own height, 1, is paid in any case.
        assert!(
            cost(&best) < 1.4 && cost(&own) > 2.5,
            "{} {}",
            cost(&best),
            cost(&own)
        );
    }

    /// With x_0 as the target the batch shows the fresh points: mean and variance of each component, by its weight.
    #[test]
    fn fresh_batches_have_the_moments_of_the_mixture() {
        let component = |x: f32, sigma, weight| Component {
            mean: [x, -x],
            sigma,
            weight,
        };
        let mixture = Mixture {
            components: vec![component(-10.0, 0.5, 0.25), component(10.0, 2.0, 0.75)],
        };
        let timetable = Timetable::new(Schedule::Linear, Target::X0, 10);
        let mut batch = Batch::default();
        let n = 40_000;
        let data = TrainingData::Fresh(Arc::new(mixture));
        let source = Source::of_data(&data, None, &Pairing::default());
        batch.take(&source.samples(&timetable, 1, STEP, n), &timetable);
        let left: Vec<_> = batch.target.iter().filter(|p| p[0] < 0.0).collect();
        let right: Vec<_> = batch.target.iter().filter(|p| p[0] > 0.0).collect();
        assert!((left.len() as f64 / n as f64 - 0.25).abs() < 0.011);
        for (points, mean, sigma) in [(left, -10.0, 0.5), (right, 10.0, 2.0)] {
            let count = points.len() as f64;
            for (axis, mean) in [(0, mean), (1, -mean)] {
                let average = points.iter().map(|p| f64::from(p[axis])).sum::<f64>() / count;
                let variance = points
                    .iter()
                    .map(|p| (f64::from(p[axis]) - mean).powi(2))
                    .sum::<f64>()
                    / count;
                assert!((average - mean).abs() < 5.0 * sigma / count.sqrt());
                assert!((variance / (sigma * sigma) - 1.0).abs() < 5.0 * (2.0 / count).sqrt());
            }
        }
    }
}
