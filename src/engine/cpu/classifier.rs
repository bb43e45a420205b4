//! A classifier of noised points, p(y | x_t): what classifier guidance goes by (Dhariwal & Nichol 2021, section 4).
//!
//! It is a small network of the kind that the engine trains, with a softmax over the classes at its end. It sees x_t a/(a² + s²), which is
//! the best guess at x_0 for data of variance 1, and t/T. So what it adds to x̂_0 is bounded at every noise level: s²/a ∇ log p(y | x_t) is
//! s²/(a² + s²) times the gradient by what it sees.

use std::ops::Range;

use super::batch::Source;
use super::matmul::LANES;
use super::network::{BLOCK, Network, Workspace};
use super::real::Real;
use super::update::{Slices, Update};
use crate::network::init::uniform_weights;
use crate::network::layout::{LayerSpan, MAX_CLASSES, NetworkShape};
use crate::network::optimiser::{Optimiser, Scalars, UpdateRule};
use crate::network::rate::{Decay, RateSchedule};
use crate::network::timetable::Timetable;
use crate::{EngineError, Pairing, TrainLabels, TrainingData};
use maths::diffusion::schedule::{Scales, Schedule};
use maths::diffusion::target::{Quantity, Target};

/// A noised point, and at which noise level it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noised {
    /// x_t.
    pub x: [f64; 2],
    /// t/T.
    pub tau: f64,
    /// (a, s) there.
    pub scales: Scales,
}

/// Which classifier, and how it is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassifierSpec {
    /// Width of the hidden layers.
    pub width: u32,
    /// Number of hidden layers.
    pub depth: u32,
    /// Updates of the training, along which the rate falls as half a cosine.
    pub updates: u32,
    /// Samples an update.
    pub batch: u32,
    /// Adam's rate at the beginning.
    pub learning_rate: f32,
    /// Key of the initial weights and of every draw.
    pub seed: u64,
}

impl Default for ClassifierSpec {
    fn default() -> Self {
        Self {
            width: 64,
            depth: 2,
            updates: 2000,
            batch: 256,
            learning_rate: 3e-3,
            seed: 0,
        }
    }
}

impl ClassifierSpec {
    /// The numbers of updates that are trained.
    pub const UPDATES: Range<u32> = 1..1_000_001;

    /// The shape of its network but for the outputs, of which there is one a class.
    fn shape(&self) -> NetworkShape {
        NetworkShape {
            width: self.width,
            depth: self.depth,
            learns_variance: false,
            classes: 0,
            ..NetworkShape::default()
        }
    }
}

/// The layers of a network of this shape with so many outputs.
fn layers(shape: NetworkShape, outputs: usize) -> Vec<LayerSpan> {
    let mut spans = shape.layers();
    if let Some(last) = spans.last_mut() {
        last.outputs = outputs;
        last.bias = last.weight + last.inputs * outputs;
    }
    spans
}

/// A classifier of noised points.
pub struct Classifier<T = f32> {
    network: Network<T>,
    classes: usize,
}

impl<T> std::fmt::Debug for Classifier<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Classifier of {} classes", self.classes)
    }
}

impl<T: Real> PartialEq for Classifier<T> {
    fn eq(&self, other: &Self) -> bool {
        self.classes == other.classes
            && self.network.shape() == other.network.shape()
            && self.network.parameters() == other.network.parameters()
    }
}

/// Factor of x_t in what the classifier sees.
fn input_scale(Scales { a, s }: Scales) -> f64 {
    a / (a * a + s * s)
}

impl<T: Real> Classifier<T> {
    /// A classifier with these weights, layer by layer as in [`NetworkShape::layers`], the last with one output a class.
    ///
    /// # Errors
    /// A shape that no network has, fewer than two classes or too many, and weights of another number.
    pub fn new(spec: &ClassifierSpec, classes: u32, weights: &[T]) -> Result<Self, EngineError> {
        let shape = spec.shape();
        shape.validate().map_err(EngineError::Invalid)?;
        if !(2..=MAX_CLASSES).contains(&classes) {
            return Err(EngineError::Invalid(format!(
                "a classifier tells 2 to {MAX_CLASSES} classes apart, not {classes}"
            )));
        }
        let spans = layers(shape, classes as usize);
        let parameters = spans.last().map_or(0, |last| last.bias + last.outputs);
        if weights.len() != parameters {
            let found = weights.len();
            return Err(EngineError::Invalid(format!(
                "the classifier's weights are {found} numbers where its shape has {parameters}"
            )));
        }
        Ok(Self {
            network: Network::of_layers(shape, spans, weights),
            classes: classes as usize,
        })
    }

    /// A classifier as PyTorch would begin it.
    ///
    /// # Errors
    /// As [`Classifier::new`].
    pub fn fresh(spec: &ClassifierSpec, classes: u32) -> Result<Self, EngineError> {
        let weights = uniform_weights(&layers(spec.shape(), classes as usize), spec.seed);
        let weights: Vec<T> = weights.into_iter().map(T::from_f32).collect();
        Self::new(spec, classes, &weights)
    }

    /// The weights, flat.
    pub fn weights(&self) -> &[T] {
        self.network.parameters()
    }

    /// How many classes it tells apart.
    pub fn classes(&self) -> u32 {
        self.classes as u32
    }

    /// Room to work in.
    pub fn workspace(&self) -> Workspace<T> {
        Workspace::new(self.network.shape())
    }

    /// log p(y | x_t) of every class y at up to [`BLOCK`] points.
    fn forward(&self, points: &[Noised], work: &mut Workspace<T>) -> Vec<Vec<f64>> {
        let seen: Vec<[f32; 2]> = points
            .iter()
            .map(|at| at.x.map(|x| (input_scale(at.scales) * x) as f32))
            .collect();
        let taus: Vec<f64> = points.iter().map(|at| at.tau).collect();
        self.network.forward_each(&seen, &taus, None, work);
        let rows = work.output.chunks(LANES).take(points.len());
        let log_softmax = |row: &[T]| {
            let logits = row[..self.classes].iter().map(|logit| logit.to_f64());
            let logits: Vec<f64> = logits.collect();
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.iter().map(|logit| (logit - top).exp()).sum();
            let log_sum = top + sum.ln();
            logits.into_iter().map(|logit| logit - log_sum).collect()
        };
        rows.map(log_softmax).collect()
    }

    /// log p(y | x_t) of every class y at every point.
    pub fn log_probabilities(&self, points: &[Noised]) -> Vec<Vec<f64>> {
        let mut work = self.workspace();
        let blocks = points.chunks(BLOCK);
        blocks
            .flat_map(|points| self.forward(points, &mut work))
            .collect()
    }

    /// What guidance of weight 1 towards a class adds to a quantity of x_t at up to [`BLOCK`] points: s²/a ∇ log p(y | x_t) to x̂_0 (the
    /// shift of the mean in Dhariwal & Nichol 2021, eq. 10, by Tweedie's formula), −s times the gradient to ε̂ (eq. 14), the gradient to the score.
    pub fn shifts(
        &self,
        label: u32,
        quantity: Quantity,
        points: &[Noised],
        work: &mut Workspace<T>,
    ) -> Vec<[f64; 2]> {
        let probabilities = self.forward(points, work);
        // ∂ log p_y/∂ logit_k = [k = y] − p_k.
        let deltas = work.delta.chunks_mut(LANES);
        for (delta, log_p) in deltas.zip(&probabilities) {
            delta.fill(T::ZERO);
            for (k, (delta, log_p)) in delta.iter_mut().zip(log_p).enumerate() {
                let own = f64::from(u8::from(k == label as usize));
                *delta = T::from_f64(own - log_p.exp());
            }
        }
        let gradients = self.network.point_gradients(points.len(), work);
        let shift = |(at, gradient): (&Noised, [T; 2])| {
            let Scales { a, s } = at.scales;
            let factor = match quantity {
                // s²/a · a/(a² + s²).
                Quantity::X0 => s * s / (a * a + s * s),
                Quantity::Eps => -s * input_scale(at.scales),
                Quantity::Score => input_scale(at.scales),
            };
            gradient.map(|slope| factor * slope.to_f64())
        };
        points.iter().zip(gradients).map(shift).collect()
    }

    /// Mean cross entropy −log p(y | x_t) of some labelled points, and its gradient by the weights, flat.
    pub fn loss_and_gradient(&self, points: &[Noised], labels: &[u32]) -> (f64, Vec<T>) {
        let scale = 1.0 / points.len() as f64;
        let mut gradient = vec![T::ZERO; self.weights().len()];
        let (mut work, mut loss) = (self.workspace(), 0.0);
        for (points, labels) in points.chunks(BLOCK).zip(labels.chunks(BLOCK)) {
            let probabilities = self.forward(points, &mut work);
            let deltas = work.delta.chunks_mut(LANES);
            for ((delta, log_p), label) in deltas.zip(&probabilities).zip(labels) {
                loss -= scale * log_p.get(*label as usize).copied().unwrap_or(f64::NAN);
                delta.fill(T::ZERO);
                for (k, (delta, log_p)) in delta.iter_mut().zip(log_p).enumerate() {
                    let own = f64::from(u8::from(k == *label as usize));
                    *delta = T::from_f64(scale * (log_p.exp() - own));
                }
            }
            self.network
                .backward(points.len(), &mut work, &mut gradient);
        }
        (loss, gradient)
    }
}

/// A classifier in training, by Adam on noised points of the data with their classes; t is drawn evenly from 1..=T.
///
/// It has one thread: a step takes about a millisecond, and a run is the same bit for bit on every machine of one kind.
pub struct ClassifierTraining {
    spec: ClassifierSpec,
    classifier: Classifier,
    source: Source,
    timetable: Timetable,
    scales: Vec<Scales>,
    moments: [Vec<f32>; 2],
    step: u32,
    loss: Option<f64>,
}

impl ClassifierTraining {
    /// At its beginning, on these points and the class of each (of each component, where draws are fresh).
    ///
    /// # Errors
    /// As [`Classifier::new`]; no updates, no points, and classes that do not fit.
    pub fn begin(
        spec: ClassifierSpec,
        data: &TrainingData,
        (of_rows, classes): (&std::sync::Arc<Vec<u32>>, u32),
        (schedule, timesteps): (Schedule, u32),
    ) -> Result<Self, EngineError> {
        let invalid = |text: &str| Err(EngineError::Invalid(text.to_owned()));
        if !ClassifierSpec::UPDATES.contains(&spec.updates) || spec.batch == 0 || timesteps == 0 {
            return invalid(
                "a classifier is trained by 1 to a million updates of at least one sample, at one timestep or more",
            );
        }
        let rows = match data {
            TrainingData::Finite(points) => points.len(),
            TrainingData::Fresh(mixture) => mixture.components.len(),
        };
        if rows == 0 || of_rows.len() != rows || of_rows.iter().any(|class| *class >= classes) {
            return invalid("the classes do not fit the points: there is one for each");
        }
        let labels = TrainLabels {
            classes: of_rows.clone(),
            dropout: 0.0,
        };
        let classifier = Classifier::fresh(&spec, classes)?;
        let zeros = vec![0.0; classifier.weights().len()];
        let tau = |t: u32| f64::from(t) / f64::from(timesteps);
        Ok(Self {
            spec,
            classifier,
            source: Source::of_data(data, Some(&labels), &Pairing::default()),
            timetable: Timetable::new(schedule, Target::Eps, timesteps),
            scales: (1..=timesteps)
                .map(|t| schedule.scales(tau(t), timesteps))
                .collect(),
            moments: [zeros.clone(), zeros],
            step: 0,
            loss: None,
        })
    }

    /// The share of the updates that are done.
    pub fn share(&self) -> f32 {
        self.step as f32 / self.spec.updates as f32
    }

    /// The cross entropy, a mean over the last hundred updates or so; `None` before the first.
    pub fn loss(&self) -> Option<f64> {
        self.loss
    }

    /// Train until all updates are done, or until `goes_on` answers false, which is asked before each: true where all are done.
    pub fn advance(&mut self, goes_on: &dyn Fn() -> bool) -> bool {
        while self.step < self.spec.updates {
            if !goes_on() {
                return false;
            }
            self.update();
        }
        true
    }

    fn update(&mut self) {
        let (points, labels) = self.batch();
        let (loss, gradient) = self.classifier.loss_and_gradient(&points, &labels);
        self.step += 1;
        let mean = self.loss.unwrap_or(loss);
        let new = 1.0 / f64::from(self.step.min(100));
        self.loss = Some(mean + new * (loss - mean));
        let rule = UpdateRule {
            optimiser: Optimiser::Adam,
            weight_decay: 0.0,
            schedule: RateSchedule {
                warmup: 0,
                decay: Decay::Cosine,
                updates: self.spec.updates,
                end: 0.0,
            },
        };
        let n = u64::from(self.step);
        let update = Scalars::of(n, rule, self.spec.learning_rate, 0.0, self.spec.width);
        let [m, v] = &mut self.moments;
        self.classifier.network.change(|weights| {
            // The rate falls to 0, which averages well enough: there is no moving average besides.
            let mut ema = weights.clone();
            let slices = Slices {
                weights,
                ema: &mut ema,
                m,
                v,
            };
            Update::of_scalars(update).apply(slices, &gradient);
        });
    }

    /// The noised points of the next update, and their classes.
    fn batch(&self) -> (Vec<Noised>, Vec<u32>) {
        let timesteps = f64::from(self.timetable.timesteps());
        let one = |index: u32| {
            let sample = self
                .source
                .sample(&self.timetable, self.spec.seed, self.step, index);
            let scales = self.scales[sample.t as usize - 1];
            let at = |axis: usize| {
                scales.a * f64::from(sample.x_0[axis]) + scales.s * f64::from(sample.epsilon[axis])
            };
            let noised = Noised {
                x: [0, 1].map(at),
                tau: f64::from(sample.t) / timesteps,
                scales,
            };
            // No label is left out.
            Some((noised, sample.label?))
        };
        (0..self.spec.batch).filter_map(one).unzip()
    }

    /// The classifier as it is.
    pub fn into_classifier(self) -> Classifier {
        self.classifier
    }
}
