//! How good a model has become: its samples against the data, its score against the exact one, as the training goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::message::QualityPoint;
use super::pace::Share;
use super::setup::Setup;
use crate::data::mixture::Mixture;
use crate::diffusion::path::Path;
use crate::diffusion::target::Pair;
use crate::engine::philox::{Stream, normal};
use crate::engine::{Cloud, Engine, EngineError};
use crate::measure::sliced_wasserstein2;

/// Share of the wall time that measuring may take.
const SHARE: f64 = 0.02;
/// Share of the time that pictures and measuring may each take while the training has doubled its updates since the last
/// measurement: at the beginning a number is old after a few updates. It comes to a dozen measurements in all.
pub const EARLY_SHARE: f64 = 0.5;
/// Updates after which numbers no longer age so fast.
const EARLY_UPDATES: u64 = 4096;
/// Draws of the data that samples are held against, and that give the floor among themselves.
const DRAWS: u64 = 4;
/// Times at which the score is compared, and draws of x_t at each.
const TIMES: usize = 8;
const POINTS: usize = 256;
/// Most points of the curve; beyond it every other one goes.
const MOST: usize = 2000;
/// Mixed into seeds ("qual"): what is measured against is drawn apart from any training set, and is the same for all.
const SALT: u64 = 0x7175_616C;

/// Measures, now and then, and keeps the curve.
#[derive(Debug)]
pub struct QualityMeter {
    curve: Arc<Vec<QualityPoint>>,
    /// Version of the picture that was measured last, well or in vain.
    measured: Option<u64>,
    /// Update at which it was tried last.
    tried: Option<u64>,
    share: Share,
    data: Option<Data>,
    scores: Option<Scores>,
}

/// Draws of the data.
#[derive(Debug)]
struct Data {
    of: Arc<Mixture>,
    size: usize,
    draws: Vec<Vec<[f32; 2]>>,
    floor: f64,
}

/// Draws of x_t at each time, and ε* = −s ∇ log p_t there.
#[derive(Debug)]
struct Scores {
    of: Arc<Mixture>,
    path: Path,
    timesteps: u32,
    at: Vec<Level>,
}

/// One time: t/T, draws of x_t [n, 2], and ε* there [n, 2].
type Level = (f64, Vec<[f32; 2]>, Vec<[f64; 2]>);

impl Default for QualityMeter {
    fn default() -> Self {
        Self { curve: Arc::default(), measured: None, tried: None, share: Share::new(SHARE), data: None, scores: None }
    }
}

impl QualityMeter {
    /// What was measured, ascending by step.
    pub fn curve(&self) -> &Arc<Vec<QualityPoint>> {
        &self.curve
    }

    /// Go on from this curve.
    pub fn go_on_from(&mut self, curve: Arc<Vec<QualityPoint>>) {
        self.curve = curve;
    }

    /// The training starts anew, or what is measured is no longer what was.
    pub fn clear(&mut self) {
        self.curve = Arc::default();
        (self.measured, self.tried) = (None, None);
        self.share.set_share(SHARE);
    }

    /// The training goes back to this step.
    pub fn rewind(&mut self, step: u64) {
        Arc::make_mut(&mut self.curve).retain(|point| point.step <= step);
        self.tried = self.tried.filter(|tried| *tried <= step);
    }

    /// Take only this part of the usual share of the time.
    pub fn set_share_factor(&mut self, factor: f64) {
        self.share.set_factor(factor);
    }

    /// True where the picture of this version was not measured, and, while training, it is measuring's turn.
    pub fn is_due(&self, version: u64, training: bool, step: u64, now: Instant) -> bool {
        let early = || self.is_behind(step) && self.share.is_due_at(EARLY_SHARE, now);
        self.is_news(version) && (!training || self.share.is_due(now) || early())
    }

    /// True where the last measurement is of no more than half the updates, at the beginning of a training, or where there
    /// is none.
    pub fn is_behind(&self, step: u64) -> bool {
        self.tried.is_none_or(|tried| tried < EARLY_UPDATES && step >= 2 * tried)
    }

    /// True where the picture of this version was not measured.
    pub fn is_news(&self, version: u64) -> bool {
        self.measured != Some(version)
    }

    /// Measure the model on the engine by the picture of its samples, given with its version. A point of the same step
    /// is replaced. `None` where a sample or the score is not finite: then there is no distance.
    ///
    /// # Errors
    /// The engine's.
    pub fn measure(
        &mut self,
        engine: &mut dyn Engine,
        setup: &Setup,
        (samples, version): (&Cloud, u64),
        step: u64,
        secs: f64,
    ) -> Result<Option<QualityPoint>, EngineError> {
        self.measured = Some(version);
        self.tried = Some(step);
        // What is made once for a data set and a path is not counted in the share.
        let (data, scores) = self.prepare(setup, samples.len());
        let begun = Instant::now();
        let samples = samples.to_host()?;
        let score_error = score_error(engine, setup, scores)?;
        let floor = data.floor;
        let distances: Result<Vec<f64>, _> =
            data.draws.par_iter().map(|draw| sliced_wasserstein2(&samples, draw)).collect();
        let now = Instant::now();
        log::trace!("measuring took {:?}", now.duration_since(begun));
        // Even a measurement that failed is not tried again at once.
        self.share.spend(now, now.duration_since(begun).max(Duration::from_millis(1)));
        let Ok(distances) = distances else { return Ok(None) };
        let distance = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
        if !score_error.is_finite() {
            return Ok(None);
        }
        let point = QualityPoint { step, secs, distance, floor, score_error };
        let curve = Arc::make_mut(&mut self.curve);
        curve.retain(|earlier| earlier.step < step);
        curve.push(point);
        if curve.len() > MOST {
            let mut index = 0;
            curve.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
        Ok(Some(point))
    }

    /// What `size` samples and the score are held against.
    fn prepare(&mut self, setup: &Setup, size: usize) -> (&Data, &Scores) {
        let mixture = &setup.dataset.mixture;
        let (path, timesteps) = (setup.experiment.path, setup.experiment.timesteps);
        let data = self.data.take().filter(|data| Arc::ptr_eq(&data.of, mixture) && data.size == size);
        let scores = self
            .scores
            .take()
            .filter(|scores| Arc::ptr_eq(&scores.of, mixture) && (scores.path, scores.timesteps) == (path, timesteps));
        (
            self.data.insert(data.unwrap_or_else(|| Data::new(mixture.clone(), size))),
            self.scores.insert(scores.unwrap_or_else(|| Scores::new(mixture.clone(), path, timesteps))),
        )
    }
}

/// Mean over t/T of s² E‖learned − exact score‖² = E‖ε̂ − ε*‖² under p_t: by how much the loss of ε̂ exceeds the least
/// possible (Vincent 2011).
fn score_error(engine: &mut dyn Engine, setup: &Setup, scores: &Scores) -> Result<f64, EngineError> {
    let mut sum = 0.0;
    for (tau, points, exact) in &scores.at {
        let Pair(k_x, k_o) = setup.experiment.target.to_eps(scores.path.scales(*tau, scores.timesteps));
        let output = engine.predict(*tau, points, true)?;
        for ((x, out), exact) in points.iter().zip(&output).zip(exact) {
            for axis in 0..2 {
                let learned = k_x * f64::from(x[axis]) + k_o * f64::from(out[axis]);
                sum += (learned - exact[axis]).powi(2);
            }
        }
    }
    Ok(sum / (TIMES * POINTS) as f64)
}

impl Data {
    fn new(of: Arc<Mixture>, size: usize) -> Self {
        let draws: Vec<_> = (0..DRAWS).map(|k| of.draw(size, SALT.wrapping_add(k << 32))).collect();
        let pairs: Vec<_> = (0..draws.len()).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
        let distances: Vec<f64> =
            pairs.par_iter().filter_map(|&(i, j)| sliced_wasserstein2(&draws[i], &draws[j]).ok()).collect();
        let floor = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
        Self { of, size, draws, floor }
    }
}

impl Scores {
    fn new(of: Arc<Mixture>, path: Path, timesteps: u32) -> Self {
        let x_0 = of.draw(POINTS, SALT);
        let at = (0..TIMES).into_par_iter().map(|k| {
            let tau = (k as f64 + 0.5) / TIMES as f64;
            let scales = path.scales(tau, timesteps);
            let marginal = of.marginal(scales);
            let noised = |(i, x_0): (usize, &[f32; 2])| {
                let epsilon = normal(SALT, Stream::Forward, k as u32, i as u32);
                [0, 1].map(|axis| (scales.a * f64::from(x_0[axis]) + scales.s * f64::from(epsilon[axis])) as f32)
            };
            let points: Vec<[f32; 2]> = x_0.iter().enumerate().map(noised).collect();
            let exact = points.iter().map(|p| marginal.score(p.map(f64::from)).map(|v| -scales.s * v)).collect();
            (tau, points, exact)
        });
        let at = at.collect();
        Self { of, path, timesteps, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;
    use crate::diffusion::target::Target;
    use crate::engine::ModelState;
    use crate::engine::cpu::CpuEngine;
    use crate::lab::experiment::{DataSource, Experiment};
    use approx::assert_relative_eq;

    /// N(0, I) as data, and a network whose every weight is 0: its ε̂ is 0 everywhere.
    fn zero() -> (Setup, CpuEngine) {
        let data = DataSource::Shape(Shape::Gaussian);
        let setup = Setup::new(Experiment { data, width: 32, depth: 1, ..Experiment::default() }).unwrap();
        let weights = vec![0.0; setup.spec.shape.parameters()];
        let mut engine = CpuEngine::new();
        engine.load(&setup.spec, &ModelState::fresh(weights)).unwrap();
        (setup, engine)
    }

    /// The exact score of N(0, (a² + s²) I) is −x/(a² + s²), so E‖0 − ε*‖² = 2 s²/(a² + s²).
    #[test]
    fn the_score_error_of_a_network_that_says_nothing_has_a_closed_form() {
        let (setup, mut engine) = zero();
        let samples = Cloud::Host(Arc::new(setup.dataset.mixture.draw(512, 77)));
        let mut meter = QualityMeter::default();
        let point = meter.measure(&mut engine, &setup, (&samples, 1), 3, 0.5).unwrap().unwrap();
        let at = |k: usize| setup.experiment.path.scales((k as f64 + 0.5) / TIMES as f64, 1000);
        let expected =
            (0..TIMES).map(at).map(|c| 2.0 * c.s * c.s / (c.a * c.a + c.s * c.s)).sum::<f64>() / TIMES as f64;
        // Each time has 256 draws of ‖x_t‖², of relative variance 1, and all share x_0: one standard error is 2 to 6 %.
        assert_relative_eq!(point.score_error, expected, max_relative = 0.1);
        assert_eq!((point.step, point.secs), (3, 0.5));
        assert_eq!(meter.curve().len(), 1);
    }

    /// With v as the target, an output of 0 means x̂_0 = a x/(a² + s²): the posterior mean of N(0, I), so there is no error.
    #[test]
    fn a_network_that_happens_to_be_right_has_no_score_error() {
        let (setup, mut engine) = zero();
        let experiment = Experiment { target: Target::V, ..Experiment::clone(&setup.experiment) };
        let setup = setup.changed(experiment).unwrap();
        engine.update(&setup.spec).unwrap();
        let samples = Cloud::Host(Arc::new(setup.dataset.mixture.draw(64, 1)));
        let mut meter = QualityMeter::default();
        let point = meter.measure(&mut engine, &setup, (&samples, 1), 1, 0.0).unwrap().unwrap();
        assert!(point.score_error < 1e-9, "{point:?}");
        // Another picture of the same step takes the place of the first.
        meter.measure(&mut engine, &setup, (&samples, 2), 1, 0.0).unwrap();
        assert_eq!(meter.curve().len(), 1);
        assert!(!meter.is_news(2) && meter.is_news(3));
    }

    /// All projections of a set shifted by d are shifted by d·cos, whose mean square is d²/2.
    #[test]
    fn honest_samples_are_at_the_floor_and_shifted_ones_as_far_as_they_were_shifted() {
        let (setup, mut engine) = zero();
        let honest = setup.dataset.mixture.draw(2048, 99);
        let shifted = honest.iter().map(|p| [p[0] + 3.0, p[1]]).collect();
        let mut meter = QualityMeter::default();
        let mut distance = |points: Vec<[f32; 2]>, step| {
            let cloud = Cloud::Host(Arc::new(points));
            meter.measure(&mut engine, &setup, (&cloud, step), step, 0.0).unwrap().unwrap()
        };
        let point = distance(honest, 1);
        assert!((0.6..1.5).contains(&(point.distance / point.floor)), "{point:?}");
        assert_relative_eq!(distance(shifted, 2).distance, 3.0 / 2.0_f64.sqrt(), max_relative = 0.05);
        let spoilt = Cloud::Host(Arc::new(vec![[f32::NAN, 0.0]; 2048]));
        assert!(meter.measure(&mut engine, &setup, (&spoilt, 3), 3, 0.0).unwrap().is_none());
        assert_eq!(meter.curve().len(), 2);
        meter.rewind(1);
        assert_eq!(meter.curve().len(), 1);
    }

    #[test]
    fn measuring_leaves_the_model_as_it_is() {
        let (setup, mut engine) = zero();
        engine.train(20, 10.0).unwrap();
        engine.poll(true).unwrap();
        let before = engine.state().unwrap();
        let samples = Cloud::Host(Arc::new(setup.dataset.mixture.draw(64, 1)));
        QualityMeter::default().measure(&mut engine, &setup, (&samples, 1), 20, 0.0).unwrap();
        assert!(engine.state().unwrap() == before);
    }
}
