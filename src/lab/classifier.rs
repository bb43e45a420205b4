//! A classifier of the noised data, trained beside the model, and how often it is right along t: what classifier guidance goes by.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pace::Share;
use super::run::{RunProgress, fresh_version};
use super::setup::Setup;
use engine::{Classifier, ClassifierSpec, ClassifierTraining, EngineError, Noised, TrainingData};
use maths::data::labels::Labels;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Schedule;
use maths::measure::Estimate;
use maths::philox::{Stream, normal};

/// Times at which it is measured.
const TIMES: u32 = 16;
/// Held-out draws at each.
const DRAWS: usize = 2048;
/// What sets held-out draws apart from those of the training.
const HELD_OUT: u64 = 0x68_656c_646f_7574;
/// Share of a piece's progress that the training has; the rest is the measurement.
const OF_TRAINING: f32 = 0.9;
/// A piece lasts about so long.
const PIECE: Duration = Duration::from_millis(30);
/// The longest that one is kept waiting beside a training.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How often a classifier is right at one time, on draws that it was not trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccuracyAt {
    /// t/T.
    pub tau: f64,
    /// ln SNR there.
    pub log_snr: f64,
    /// Share of the draws of which it names the class.
    pub trained: Estimate,
    /// The same by the exact posterior, at the same draws: no classifier can be right more often but by chance (Bayes).
    pub best: Estimate,
    /// How much less the former is. Of the same draws, so that most of their chance falls out.
    pub behind: Estimate,
}

/// A classifier, and how good it is.
#[derive(Debug)]
pub struct TrainedClassifier {
    /// What was asked for.
    pub spec: ClassifierSpec,
    /// The classifier, for [`engine::GuideBy::Classifier`].
    pub classifier: Arc<Classifier>,
    /// Its accuracy, t ascending.
    pub accuracy: Vec<AccuracyAt>,
    /// Mean cross entropy of its last updates, nats.
    pub loss: f64,
    /// Seconds that it took.
    pub secs: f64,
    /// Another with every classifier.
    pub version: u64,
}

/// Where a classifier stands that is asked for.
#[derive(Clone, Debug)]
pub struct ClassifierState {
    /// What is asked for.
    pub spec: ClassifierSpec,
    /// Waiting or under way: the share of the work done so far, read at any time.
    pub progress: Option<RunProgress>,
    /// The result.
    pub done: Option<Arc<TrainedClassifier>>,
}

/// A classifier being trained and then measured.
pub struct ClassifierWork {
    spec: ClassifierSpec,
    training: Option<ClassifierTraining>,
    trained: Option<(Classifier, f64)>,
    accuracy: Vec<AccuracyAt>,
    mixture: Arc<Mixture>,
    labels: Labels,
    schedule: Schedule,
    timesteps: u32,
    spent: Duration,
}

impl ClassifierWork {
    /// Of the data and the schedule of a setup, whatever its network learns.
    ///
    /// # Errors
    /// Data without classes, and a classifier that there cannot be.
    pub fn begin(spec: ClassifierSpec, setup: &Setup) -> Result<Self, EngineError> {
        let experiment = &setup.experiment;
        let none = || {
            let text = "these data have no classes to tell apart: choose data with labels, as moons or rings";
            EngineError::Invalid(text.to_owned())
        };
        let labels = setup.dataset.labels.clone().ok_or_else(none)?;
        let of_rows = if experiment.fresh {
            &labels.of_components
        } else {
            &labels.of_points
        };
        let path = (experiment.schedule, experiment.timesteps);
        let classes = (of_rows, labels.count());
        // The data themselves, whatever pairs a model is trained on.
        let data = if experiment.fresh {
            TrainingData::Fresh(setup.dataset.mixture.clone())
        } else {
            TrainingData::Finite(setup.dataset.points.clone())
        };
        let training = ClassifierTraining::begin(spec, &data, classes, path)?;
        Ok(Self {
            spec,
            training: Some(training),
            trained: None,
            accuracy: Vec::new(),
            mixture: setup.dataset.mixture.clone(),
            labels,
            schedule: experiment.schedule,
            timesteps: experiment.timesteps,
            spent: Duration::ZERO,
        })
    }

    /// Go on until it is trained and measured, or until `goes_on` answers false, which is told the share of the work done: the next call
    /// goes on from there. The classifier comes once.
    pub fn advance(&mut self, goes_on: &dyn Fn(f32) -> bool) -> Option<TrainedClassifier> {
        let began = Instant::now();
        let done = self.work(goes_on);
        self.spent += began.elapsed();
        let (classifier, loss) = done?;
        Some(TrainedClassifier {
            spec: self.spec,
            classifier: Arc::new(classifier),
            accuracy: std::mem::take(&mut self.accuracy),
            loss,
            secs: self.spent.as_secs_f64(),
            version: fresh_version(),
        })
    }

    fn work(&mut self, goes_on: &dyn Fn(f32) -> bool) -> Option<(Classifier, f64)> {
        if let Some(mut training) = self.training.take() {
            let share = Cell::new(training.share());
            while training.share() < 1.0 {
                if !goes_on(OF_TRAINING * share.get()) {
                    self.training = Some(training);
                    return None;
                }
                // A dozen updates, between two looks at the clock.
                let left = Cell::new(12_u32);
                training.advance(&|| {
                    left.set(left.get().saturating_sub(1));
                    left.get() > 0
                });
                share.set(training.share());
            }
            let loss = training.loss().unwrap_or(f64::NAN);
            self.trained = Some((training.into_classifier(), loss));
        }
        let (classifier, _) = self.trained.as_ref()?;
        let times = TIMES.min(self.timesteps);
        while (self.accuracy.len() as u32) < times {
            let number = self.accuracy.len() as u32;
            let measured = number as f32 / times as f32;
            if !goes_on(OF_TRAINING + (1.0 - OF_TRAINING) * measured) {
                return None;
            }
            // Timesteps that are trained, evenly spread, T the last.
            let t = (number + 1) * self.timesteps / times;
            let accuracy = self.accuracy_at(classifier, t);
            self.accuracy.push(accuracy);
        }
        self.trained.take()
    }

    fn accuracy_at(&self, classifier: &Classifier, t: u32) -> AccuracyAt {
        let tau = f64::from(t) / f64::from(self.timesteps);
        let scales = self.schedule.scales(tau, self.timesteps);
        let seed = self.spec.seed ^ HELD_OUT;
        let draws = self
            .mixture
            .draw_with_components(DRAWS, seed.wrapping_add(u64::from(t)));
        let noised = |(index, (x_0, _)): (usize, &([f32; 2], usize))| {
            let epsilon = normal(seed, Stream::Forward, t, index as u32);
            let at =
                |axis: usize| scales.a * f64::from(x_0[axis]) + scales.s * f64::from(epsilon[axis]);
            Noised {
                x: [0, 1].map(at),
                tau,
                scales,
            }
        };
        let points: Vec<Noised> = draws.iter().enumerate().map(noised).collect();
        let marginal = self.mixture.marginal(scales);
        let likeliest = |of: &[f64]| (0..of.len()).max_by(|a, b| of[*a].total_cmp(&of[*b]));
        let by_classifier = classifier.log_probabilities(&points);
        let right: Vec<[f64; 2]> = points
            .iter()
            .zip(&draws)
            .zip(&by_classifier)
            .map(|((at, (_, component)), log_p)| {
                let class = self.labels.of_components.get(*component);
                let class = class.map(|class| *class as usize);
                let exact = self.labels.posterior(&marginal, at.x);
                [likeliest(log_p), likeliest(&exact)]
                    .map(|named| f64::from(u8::from(named == class)))
            })
            .collect();
        let mean = |of: &dyn Fn(&[f64; 2]) -> f64| {
            let observed: Vec<f64> = right.iter().map(of).collect();
            Estimate::of_mean(&observed)
        };
        AccuracyAt {
            tau,
            log_snr: 2.0 * (scales.a / scales.s).ln(),
            trained: mean(&|[trained, _]| *trained),
            best: mean(&|[_, best]| *best),
            behind: mean(&|[trained, best]| best - trained),
        }
    }
}

/// The classifier that a session has or trains.
#[derive(Default)]
pub struct ClassifierSlot {
    state: Option<ClassifierState>,
    work: Option<ClassifierWork>,
    share: Option<Share>,
}

impl ClassifierSlot {
    /// For the snapshot.
    pub fn state(&self) -> Option<&ClassifierState> {
        self.state.as_ref()
    }

    /// One is asked for. The same that is there already stays.
    pub fn want(&mut self, spec: ClassifierSpec) {
        if self.state.as_ref().is_none_or(|state| state.spec != spec) {
            self.state = Some(ClassifierState {
                spec,
                progress: Some(RunProgress::default()),
                done: None,
            });
            self.work = None;
        }
    }

    /// None is asked for any more.
    pub fn drop_it(&mut self) {
        (self.state, self.work) = (None, None);
    }

    /// The data or the schedule are others: it is trained anew, where these have classes.
    pub fn forget(&mut self, setup: &Setup) {
        let spec = self.state.take().map(|state| state.spec);
        self.work = None;
        if let Some(spec) = spec.filter(|_| setup.dataset.labels.is_some()) {
            self.want(spec);
        }
    }

    /// True where there is something to do, whatever the time.
    pub fn is_waiting(&self) -> bool {
        self.state
            .as_ref()
            .is_some_and(|state| state.progress.is_some())
    }

    /// True where it is its turn; `beside` is its share of the time beside a training, `None` where nothing trains.
    pub fn is_due(&self, beside: Option<f64>, now: Instant) -> bool {
        let rested = |share: &Share| {
            beside.is_none_or(|beside| share.is_due_within(beside, LONGEST_WAIT, now))
        };
        self.is_waiting() && self.share.as_ref().is_none_or(rested)
    }

    /// Do a piece of it. True where it is done.
    ///
    /// # Errors
    /// As [`ClassifierWork::begin`]; what cannot be done is asked for no longer.
    pub fn advance(&mut self, setup: &Setup, factor: f64) -> Result<bool, EngineError> {
        let Some(state) = &mut self.state else {
            return Ok(false);
        };
        let progress = state.progress.clone().unwrap_or_default();
        let began = Instant::now();
        let mut work = match self.work.take() {
            Some(work) => work,
            None => match ClassifierWork::begin(state.spec, setup) {
                Ok(work) => work,
                Err(error) => {
                    self.drop_it();
                    return Err(error);
                }
            },
        };
        let pieces = Cell::new(0_u32);
        let done = work.advance(&|share| {
            progress.set(share);
            pieces.set(pieces.get() + 1);
            pieces.get() == 1 || began.elapsed() < PIECE
        });
        let ended = Instant::now();
        let share = self.share.get_or_insert_with(|| Share::new(1.0));
        share.set_factor(factor);
        share.spend(ended, ended - began);
        let Some(done) = done else {
            self.work = Some(work);
            return Ok(false);
        };
        (state.progress, state.done) = (None, Some(Arc::new(done)));
        Ok(true)
    }
}
