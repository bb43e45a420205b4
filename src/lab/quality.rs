//! How good a model has become: its samples against the data, its score against the exact one, as the training goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::by_exact::ByExact;
use super::pace::Share;
use super::setup::Setup;
use engine::{Cloud, Engine, EngineError};
use maths::data::dataset::Dataset;
use maths::diffusion::schedule::Schedule;
use maths::measure::chi_square::ChiSquare;
use maths::measure::floor::{distance_to_draws, size_within};
use maths::measure::law::{Law, Likeness};
use maths::measure::score_error::{GridErrors, Levels};
use maths::measure::sliced::Projections;
use maths::measure::{Estimate, MeasureError};
use serde::Serialize;

/// How good a model was at some step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QualityPoint {
    /// Updates that the weights had seen.
    pub step: u64,
    /// Seconds of training.
    pub secs: f64,
    /// Sliced W₂ of the live picture to as many fresh draws of the data, data units: the mean over some draws.
    pub distance: Estimate,
    /// The same between independent draws: what honest samples score on average.
    pub floor: Estimate,
    /// Sliced W₂ of samples by the exact x̂_0 and the same sampler: what the sampler alone does. `None` where it is not measured.
    pub by_exact: Option<Estimate>,
    /// −E ln p_0 of the live picture's samples − h(p_0), nats: above 0 for stray samples, below it for samples that are too thin.
    pub surprise: Estimate,
    /// Share of the samples in the densest half of p_0: 0.5 of honest samples, more of samples that are too thin.
    pub densest_half: Estimate,
    /// χ² of how many samples each part of the data got; `None` for fewer than two parts.
    pub shares: Option<ChiSquare>,
    /// Mean over the trained timesteps of (s²/D) E‖learned − exact score‖² under p_t = (1/D) E‖ε̂ − ε*‖²: the loss of an
    /// ε-model is the least possible loss and this.
    pub score_error: Estimate,
    /// The least possible loss of the experiment's target: that of E[target | x_t].
    pub least_loss: Estimate,
    /// (1/D) E‖x̂_0 − E[x_0 | x_t]‖² on the common log-SNR grid: what compares different targets and schedules.
    pub x0_errors: GridErrors,
}

/// Share of the wall time that measuring may take.
const SHARE: f64 = 0.02;
/// Share of the time that pictures and measuring may each take while the training has doubled its updates since the last
/// measurement: at the beginning a number is old after a few updates. It comes to a dozen measurements in all.
pub const EARLY_SHARE: f64 = 0.5;
/// Updates after which numbers no longer age so fast.
const EARLY_UPDATES: u64 = 4096;
/// Pairs of draws of the data: samples are held against the first of each, and the second gives the floor.
const PAIRS: u64 = 6;
/// Most components times samples that a surprise asks: some milliseconds, of 512 components all samples of a picture.
const EVALUATIONS: usize = 1 << 23;
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
    levels: Option<ReadAt>,
    by_exact: ByExact,
}

/// Draws of the data, and its law.
#[derive(Debug)]
pub(crate) struct Data {
    of: Arc<Dataset>,
    size: usize,
    /// Sets of this many are compared: fewer than `size` where the data have no more rows to give.
    n: usize,
    draws: Vec<Projections>,
    /// The distances of each draw to another one.
    among: Vec<f64>,
    law: Law,
}

/// Where the network is read.
#[derive(Debug)]
struct ReadAt {
    of: Arc<Dataset>,
    schedule: Schedule,
    timesteps: u32,
    levels: Levels,
}

impl Default for QualityMeter {
    fn default() -> Self {
        Self {
            curve: Arc::default(),
            measured: None,
            tried: None,
            share: Share::new(SHARE),
            data: None,
            levels: None,
            by_exact: ByExact::default(),
        }
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
        self.tried
            .is_none_or(|tried| tried < EARLY_UPDATES && step >= 2 * tried)
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
        // What is made once for a data set and a schedule is not counted in the share.
        if let Err(error) = self.prepare(setup, samples.len()) {
            log::warn!("quality is not measured: {error}");
            return Ok(None);
        }
        let (Some(data), Some(ReadAt { levels, .. })) = (&self.data, &self.levels) else {
            return Ok(None);
        };
        let alone = |samples: &[[f32; 2]]| data.distance(samples).ok();
        let by_exact = if setup.experiment.has_exact_field() {
            self.by_exact.distance(engine, setup, alone)?
        } else {
            None
        };
        let begun = Instant::now();
        let samples = samples.to_host()?;
        let read = levels.read(setup.experiment.target, |tau, points| {
            engine.predict(tau, points, engine::Weights::Ema)
        })?;
        let found = data.compare(&samples);
        let floor = data.floor();
        let least_loss = levels.least_loss(setup.experiment.target);
        let now = Instant::now();
        log::trace!("measuring took {:?}", now.duration_since(begun));
        // Even a measurement that failed is not tried again at once.
        self.share
            .spend(now, now.duration_since(begun).max(Duration::from_millis(1)));
        let Ok((
            distance,
            Likeness {
                surprise,
                densest_half,
                shares,
                ..
            },
        )) = found
        else {
            return Ok(None);
        };
        if !read.epsilon.value.is_finite() {
            return Ok(None);
        }
        let point = QualityPoint {
            step,
            secs,
            distance,
            floor,
            by_exact,
            surprise,
            densest_half,
            shares,
            score_error: read.epsilon,
            least_loss,
            x0_errors: read.x0,
        };
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
    fn prepare(&mut self, setup: &Setup, size: usize) -> Result<(), MeasureError> {
        let dataset = &setup.dataset;
        let (schedule, timesteps) = (setup.experiment.schedule, setup.experiment.timesteps);
        let data = self
            .data
            .take()
            .filter(|data| Arc::ptr_eq(&data.of, dataset) && data.size == size);
        let same = |at: &ReadAt| {
            Arc::ptr_eq(&at.of, dataset) && (at.schedule, at.timesteps) == (schedule, timesteps)
        };
        let levels = self.levels.take().filter(same).unwrap_or_else(|| ReadAt {
            of: dataset.clone(),
            schedule,
            timesteps,
            levels: Levels::new(&dataset.mixture, schedule, timesteps),
        });
        let data = match data {
            Some(data) => data,
            None => Data::new(dataset.clone(), size)?,
        };
        (self.data, self.levels) = (Some(data), Some(levels));
        Ok(())
    }
}

impl Data {
    /// To hold sets of so many samples against.
    ///
    /// # Errors
    /// Data that keep nothing to measure against.
    pub(crate) fn new(of: Arc<Dataset>, size: usize) -> Result<Self, MeasureError> {
        let n = size_within(&of.reference, size)?;
        let (mut draws, mut among) = (Vec::new(), Vec::new());
        for pair in 0..PAIRS {
            let [draw, other] = of.reference.pair(n, SALT.wrapping_add(pair << 32));
            let draw = Projections::of(&draw)?;
            among.push(draw.distance(&Projections::of(&other)?)?);
            draws.push(draw);
        }
        let law = Law::new(of.mixture.clone(), EVALUATIONS);
        Ok(Self {
            of,
            size,
            n,
            draws,
            among,
            law,
        })
    }

    /// What draws score against draws.
    pub(crate) fn floor(&self) -> Estimate {
        Estimate::of_mean(&self.among)
    }

    /// The sliced distance of samples to the draws, and how they look under the law.
    pub(crate) fn compare(
        &self,
        samples: &[[f32; 2]],
    ) -> Result<(Estimate, Likeness), MeasureError> {
        Ok((self.distance(samples)?, self.law.likeness(samples, SALT)?))
    }

    /// The sliced distance of samples to the draws.
    fn distance(&self, samples: &[[f32; 2]]) -> Result<Estimate, MeasureError> {
        // Samples are independent of each other: the first are as good as any.
        let compared = Projections::of(&samples[..self.n.min(samples.len())])?;
        let distances: Vec<f64> = self
            .draws
            .iter()
            .map(|draw| compared.distance(draw))
            .collect::<Result<_, MeasureError>>()?;
        Ok(distance_to_draws(&distances, &self.among, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{DataSource, Experiment};
    use approx::assert_relative_eq;
    use engine::ModelState;
    use engine::cpu::CpuEngine;
    use maths::data::shapes::Shape;
    use maths::diffusion::target::Target;

    /// N(0, I) as data, and a network whose every weight is 0: its ε̂ is 0 everywhere.
    fn zero() -> (Setup, CpuEngine) {
        let data = DataSource::Shape(Shape::Gaussian);
        let setup = Setup::new(Experiment {
            data,
            width: 32,
            depth: 1,
            ..Experiment::default()
        })
        .unwrap();
        let weights = vec![0.0; setup.spec.shape.parameters()];
        let mut engine = CpuEngine::new();
        engine
            .load(&setup.spec, &ModelState::fresh(weights))
            .unwrap();
        (setup, engine)
    }

    /// The exact score of N(0, (a² + s²) I) is −x/(a² + s²), so (1/D) E‖0 − ε*‖² = s²/(a² + s²). With it, the loss of the
    /// network that says nothing, which is 1, is the least possible loss, the mean ᾱ, and what its error adds.
    #[test]
    fn the_score_error_of_a_network_that_says_nothing_has_a_closed_form() {
        let (setup, mut engine) = zero();
        let samples = Cloud::Host(Arc::new(setup.dataset.mixture.draw(512, 77)));
        let mut meter = QualityMeter::default();
        let point = meter
            .measure(&mut engine, &setup, (&samples, 1), 3, 0.5)
            .unwrap()
            .unwrap();
        let at = |t: u32| {
            setup
                .experiment
                .schedule
                .scales(f64::from(t) / 1000.0, 1000)
        };
        let expected = (1..=1000)
            .map(at)
            .map(|c| c.s * c.s / (c.a * c.a + c.s * c.s))
            .sum::<f64>()
            / 1000.0;
        // And what lies between the sixteen timesteps that are read.
        assert!(
            (point.score_error.value - expected).abs() < 4.0 * point.score_error.error + 0.01,
            "{point:?}"
        );
        let sum = point.least_loss.value + point.score_error.value;
        let error = point.least_loss.error.hypot(point.score_error.error);
        assert!((sum - 1.0).abs() < 4.0 * error, "{point:?}");
        assert!(error < 0.03, "{point:?}");
        assert_eq!((point.step, point.secs), (3, 0.5));
        assert_eq!(meter.curve().len(), 1);
    }

    /// With v as the target, an output of 0 means x̂_0 = a x/(a² + s²): the posterior mean of N(0, I), so there is no error.
    #[test]
    fn a_network_that_happens_to_be_right_has_no_score_error() {
        let (setup, mut engine) = zero();
        let experiment = Experiment {
            target: Target::V,
            ..Experiment::clone(&setup.experiment)
        };
        let setup = setup.changed(experiment).unwrap();
        engine.update(&setup.spec).unwrap();
        let samples = Cloud::Host(Arc::new(setup.dataset.mixture.draw(64, 1)));
        let mut meter = QualityMeter::default();
        let point = meter
            .measure(&mut engine, &setup, (&samples, 1), 1, 0.0)
            .unwrap()
            .unwrap();
        assert!(point.score_error.value < 1e-9, "{point:?}");
        // Another picture of the same step takes the place of the first.
        meter
            .measure(&mut engine, &setup, (&samples, 2), 1, 0.0)
            .unwrap();
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
            meter
                .measure(&mut engine, &setup, (&cloud, step), step, 0.0)
                .unwrap()
                .unwrap()
        };
        let point = distance(honest, 1);
        let difference = point.distance.less(point.floor);
        assert!(difference.value.abs() < 3.0 * difference.error, "{point:?}");
        assert!(
            point.surprise.value.abs() < 3.0 * point.surprise.error,
            "{point:?}"
        );
        assert!(point.shares.unwrap().p > 0.001, "{point:?}");
        let far = distance(shifted, 2);
        assert_relative_eq!(
            far.distance.value,
            3.0 / 2.0_f64.sqrt(),
            max_relative = 0.05
        );
        // |x|²/2 grows by 3²/2, and by 3 x of mean 0.
        assert!(
            (far.surprise.value - 4.5).abs() < 4.0 * far.surprise.error,
            "{far:?}"
        );
        let spoilt = Cloud::Host(Arc::new(vec![[f32::NAN, 0.0]; 2048]));
        assert!(
            meter
                .measure(&mut engine, &setup, (&spoilt, 3), 3, 0.0)
                .unwrap()
                .is_none()
        );
        assert_eq!(meter.curve().len(), 2);
        meter.rewind(1);
        assert_eq!(meter.curve().len(), 1);
    }

    #[test]
    fn measuring_leaves_the_model_as_it_is() {
        let (setup, mut engine) = zero();
        engine.train(20, 10.0).unwrap();
        engine.poll(engine::Wait::UntilDone).unwrap();
        let before = engine.state().unwrap();
        let samples = Cloud::Host(Arc::new(setup.dataset.mixture.draw(64, 1)));
        QualityMeter::default()
            .measure(&mut engine, &setup, (&samples, 1), 20, 0.0)
            .unwrap();
        assert!(engine.state().unwrap() == before);
    }
}
