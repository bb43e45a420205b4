//! The one configuration of a run: the same struct is the command line, the saved file and the panel.

use std::fmt::Display;
use std::ops::RangeInclusive;

use clap::ArgAction::Set;
use serde::{Deserialize, Serialize};

use engine::network::layout::{Activation, MAX_DEPTH, MAX_OCTAVES, NetworkShape, WIDTHS};
use engine::network::objective::ObjectiveChoice;
use engine::network::optimiser::{Optimiser, UpdateRule};
use engine::network::rate::{Decay, RateSchedule};
use engine::network::timetable::{Emphasis, Timetable};
pub use maths::data::dataset::DataSource;
use maths::data::shapes::Shape;
use maths::diffusion::log_snr::LogSnr;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::{Placement, PlanContext, Sampler};
use maths::diffusion::target::Target;
use maths::diffusion::times::Times;
use maths::diffusion::weighting::Weighting;
use maths::names::Words;
use maths::transport::{Coupling, Source};

pub use super::limits;

/// What the command line says of a number with limits.
fn ranged<N: Display>(what: &str, range: &RangeInclusive<N>) -> String {
    format!("{what}, {} to {}", range.start(), range.end())
}

/// What the command line says of something that is chosen by name: `eps (the noise ε), ...`.
fn chosen<const N: usize>(what: &str, words: [&Words; N]) -> String {
    let each = words.map(|words| format!("{} ({})", words.name, words.help));
    format!("{what}: {}", each.join(", "))
}

/// What the command line says of schedules.
fn schedule_help() -> String {
    let own = Schedule::Custom(LogSnr::default()).words();
    let formulas = chosen("Noise schedule", Schedule::ALL.map(Schedule::words));
    format!(
        "{formulas}, {}:L0,L1,…,Ln ({}), or a CSV with the header t,log_snr",
        own.name, own.help
    )
}

/// Titles of the data sets that have labels.
fn labelled() -> String {
    let all = Shape::ALL.into_iter();
    let names: Vec<_> = all
        .filter(|shape| !shape.classes().is_empty())
        .map(Shape::name)
        .collect();
    names.join(", ")
}

/// What the command line says of labels.
fn labels_help() -> String {
    format!(
        "Learn the labels of the data beside the points; {} have some, and files with a column label or class",
        labelled()
    )
}

/// What the command line says of couplings.
fn coupling_help() -> String {
    let what = "How points and noise come together in a batch, of --schedule flow";
    chosen(what, Coupling::ALL.map(Coupling::words))
}

/// What the command line says of a bandwidth.
pub fn bandwidth_help() -> String {
    let what =
        "Bandwidth of the kernels on a file's rows, which are its truth: in standardised units";
    ranged(what, &limits::BANDWIDTH) + " [default: the likeliest]"
}

/// A bandwidth within its limits, as the command line gives it.
///
/// # Errors
/// One sentence with the limits.
pub fn parse_bandwidth(text: &str) -> Result<f32, String> {
    let bandwidth = text
        .parse()
        .map_err(|_| format!("'{text}' is not a number"))?;
    within("bandwidth", &bandwidth, &limits::BANDWIDTH).map(|()| bandwidth)
}

/// One experiment. Missing fields of a file take the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
pub struct Experiment {
    /// Data: a built-in name or FILE.csv
    #[arg(long, value_name = "NAME|FILE.csv", default_value = "figure8")]
    pub data: DataSource,
    /// Size of the finite training set
    #[arg(long, default_value_t = 8192, help = ranged("Size of the finite training set", &limits::POINTS))]
    pub points: u32,
    /// Draw fresh samples from the mixture instead of a finite set
    #[arg(long, value_name = "true|false", action = Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true")]
    pub fresh: bool,
    /// Bandwidth of the kernels on a file's rows
    #[arg(long, value_name = "H", help = bandwidth_help())]
    pub bandwidth: Option<f32>,
    /// Noise schedule
    #[arg(long, value_name = "NAME", default_value = "linear", help = schedule_help())]
    #[serde(alias = "path")]
    pub schedule: Schedule,
    /// What the network predicts
    #[arg(long, default_value = "eps", help = chosen("What the network predicts", Target::ALL.map(Target::words)))]
    pub target: Target,
    /// What the network's x̂_0 is to be
    #[arg(long, value_name = "NAME", default_value = "denoise", help = chosen("What the network's x̂_0 is to be", ObjectiveChoice::ALL.map(ObjectiveChoice::words)))]
    pub objective: ObjectiveChoice,
    /// Number of diffusion timesteps T
    #[arg(long, default_value_t = 1000, help = ranged("Number of diffusion timesteps T", &limits::TIMESTEPS))]
    pub timesteps: u32,
    /// Coordinate octaves of the input
    #[arg(long, default_value_t = 3, help = ranged("Coordinate octaves of the input", &(0..=MAX_OCTAVES)))]
    pub octaves: u32,
    /// Width of the hidden layers
    #[arg(long, default_value_t = 128, help = format!("Width of the hidden layers, one of {WIDTHS:?}"))]
    pub width: u32,
    /// Number of hidden layers
    #[arg(long, default_value_t = 3, help = ranged("Number of hidden layers", &(1..=MAX_DEPTH)))]
    pub depth: u32,
    /// Nonlinearity
    #[arg(long, default_value = "silu", help = chosen("Nonlinearity", Activation::ALL.map(Activation::words)))]
    pub activation: Activation,
    /// Learn the variance of the steps back beside the target
    #[arg(long, value_name = "true|false", action = Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true", help = "Learn the variance of the steps back beside the target, between β̃ and β (Nichol & Dhariwal 2021)")]
    pub learn_variance: bool,
    /// Learn the labels of the data beside the points
    #[arg(long, value_name = "true|false", action = Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true", help = labels_help())]
    pub labels: bool,
    /// How many classes a file gives its rows, where they are learned: known once it is read
    #[arg(skip)]
    #[serde(skip_serializing_if = "limits::is_zero")]
    pub file_classes: u32,
    /// Share of the samples that are told no label
    #[arg(long, value_name = "P", default_value_t = 0.1, help = ranged("Share of the samples that are told no label, so that the field of all is learned as well", &limits::LABEL_DROPOUT))]
    pub label_dropout: f32,
    /// How points and noise come together in a batch
    #[arg(long, value_name = "NAME", default_value = "independent", help = coupling_help())]
    pub coupling: Coupling,
    /// Where paths begin
    #[arg(
        long,
        value_name = "NAME|FILE.json",
        default_value = "noise",
        help = "Where paths begin, of --schedule flow: noise, a built-in data set by name, or a mixture.json in the data's standardised units"
    )]
    pub source: Source,
    /// Samples per training step
    #[arg(long, default_value_t = 256, help = ranged("Samples per training step", &limits::BATCH))]
    pub batch: u32,
    /// How the timestep of a training sample is drawn
    #[arg(long, value_name = "NAME", default_value = "uniform", help = chosen("How the timestep of a training sample is drawn", Times::ALL.map(Times::words)))]
    pub times: Times,
    /// What the error of a timestep weighs in training
    #[arg(long, value_name = "NAME", default_value = "plain", help = chosen("What the error of a timestep weighs in training", Weighting::ALL.map(Weighting::words)))]
    pub weighting: Weighting,
    /// How a gradient changes the weights
    #[arg(long, value_name = "NAME", default_value = "adam", help = chosen("How a gradient changes the weights", Optimiser::ALL.map(Optimiser::words)))]
    pub optimiser: Optimiser,
    /// Learning rate
    #[arg(long = "lr", default_value_t = 3e-3, help = format!("Learning rate, above 0 and at most {}", limits::LEARNING_RATE.end()))]
    pub learning_rate: f32,
    /// Weight decay of AdamW and Muon
    #[arg(long, default_value_t = 0.01, help = ranged("Weight decay of AdamW and Muon", &limits::WEIGHT_DECAY))]
    pub weight_decay: f32,
    /// Updates in which the learning rate rises to its height
    #[arg(long, value_name = "N", default_value_t = 0, help = ranged("Updates in which the learning rate rises to its height", &limits::WARMUP))]
    pub warmup: u32,
    /// How the learning rate falls after the warm-up
    #[arg(long, value_name = "NAME", default_value = "constant", help = chosen("How the learning rate falls after the warm-up", Decay::ALL.map(Decay::words)))]
    pub decay: Decay,
    /// Updates of that fall
    #[arg(long, value_name = "N", default_value_t = 10_000, help = ranged("Updates of that fall", &limits::DECAY_STEPS))]
    pub decay_steps: u32,
    /// Where that fall ends, as a factor of the rate
    #[arg(long, value_name = "F", default_value_t = 0.01, help = ranged("Where that fall ends, as a factor of the rate", &limits::DECAY_END))]
    pub decay_end: f32,
    /// Upper limit of the EMA decay
    #[arg(long, default_value_t = 0.999)]
    pub ema_decay: f32,
    /// Seed of data, initial weights, batches and noise
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Sampler of the live picture
    #[arg(
        long,
        value_name = "NAME",
        default_value = "heun",
        help = format!("Sampler of the live picture: {}", Sampler::known())
    )]
    pub sampler: Sampler,
    /// Steps of the live picture's sampler
    #[arg(long, default_value_t = 20, help = ranged("Steps of the live picture's sampler, no more than T of them", &limits::SAMPLER_STEPS))]
    pub sampler_steps: u32,
    /// Where the sampler's steps are placed [default: as the sampler has them]
    #[arg(long, value_name = "NAME", help = format!("Where the sampler's steps are placed: {} [default: as the sampler has them]", Placement::known()))]
    pub placement: Option<Placement>,
    /// Clip x̂_0 to the data's bounding box × 1.1 in samplers
    #[arg(long, value_name = "true|false", action = Set, num_args = 0..=1, default_value_t = true, default_missing_value = "true")]
    pub clip: bool,
}

impl Default for Experiment {
    fn default() -> Self {
        Self {
            data: DataSource::Shape(Shape::Figure8),
            points: 8192,
            fresh: false,
            bandwidth: None,
            schedule: Schedule::Linear,
            target: Target::Eps,
            objective: ObjectiveChoice::Denoise,
            timesteps: 1000,
            octaves: 3,
            width: 128,
            depth: 3,
            activation: Activation::Silu,
            learn_variance: false,
            labels: false,
            file_classes: 0,
            label_dropout: 0.1,
            coupling: Coupling::Independent,
            source: Source::Noise,
            batch: 256,
            times: Times::Uniform,
            weighting: Weighting::Plain,
            optimiser: Optimiser::Adam,
            learning_rate: 3e-3,
            weight_decay: 0.01,
            warmup: 0,
            decay: Decay::Constant,
            decay_steps: 10_000,
            decay_end: 0.01,
            ema_decay: 0.999,
            seed: 0,
            // Second order: its twenty steps leave no strays, where those of DDIM do.
            sampler: Sampler::Heun,
            sampler_steps: 20,
            placement: None,
            clip: true,
        }
    }
}

impl Experiment {
    /// What a setting of a file is called now. Files of before say `path` for the schedule, and are read for ever.
    pub fn present_name(name: &str) -> &str {
        if name == "path" { "schedule" } else { name }
    }

    /// Shape of the network.
    pub fn shape(&self) -> NetworkShape {
        NetworkShape {
            octaves: self.octaves,
            width: self.width,
            depth: self.depth,
            activation: self.activation,
            learns_variance: self.learn_variance,
            classes: match &self.data {
                _ if !self.labels => 0,
                DataSource::Shape(shape) => shape.classes().len() as u32,
                DataSource::Csv(_) => self.file_classes,
            },
        }
    }

    /// True where the least possible loss is that which is measured: of points without labels, at timesteps that are drawn alike.
    pub fn has_least_loss(&self) -> bool {
        self.times == Times::Uniform && !self.labels && self.has_exact_field()
    }

    /// True where its network can say what a sampler asks.
    pub fn can_sample_by(&self, sampler: Sampler) -> bool {
        (self.learn_variance || !sampler.asks_variance()) && self.leads_by(sampler)
    }

    /// The schedule and the target, tabulated for training.
    pub fn timetable(&self) -> Timetable {
        let emphasis = Emphasis {
            times: self.times,
            weighting: self.weighting,
            learns_variance: self.learn_variance,
        };
        Timetable::with_emphasis(self.schedule, self.target, self.timesteps, emphasis)
    }

    /// How a training moves the weights, besides its rate.
    pub fn update_rule(&self) -> UpdateRule {
        UpdateRule {
            optimiser: self.optimiser,
            weight_decay: self.weight_decay,
            schedule: RateSchedule {
                warmup: self.warmup,
                decay: self.decay,
                updates: self.decay_steps,
                end: self.decay_end,
            },
        }
    }

    /// The learning rate of update number `n` ≥ 1.
    pub fn rate(&self, n: u64) -> f32 {
        self.update_rule().schedule.rate(self.learning_rate, n)
    }

    /// What plans are compiled for.
    pub fn plan_context(&self) -> PlanContext {
        PlanContext {
            schedule: self.schedule,
            target: self.target,
            timesteps: self.timesteps,
        }
    }

    /// True where a run of one means the same as that of the other: one data set, one schedule, one target, one network.
    pub fn runs_like(&self, other: &Self) -> bool {
        let context = self.plan_context() == other.plan_context();
        let data = (&self.data, self.bandwidth, &self.source)
            == (&other.data, other.bandwidth, &other.source);
        context && self.shape() == other.shape() && data
    }

    /// Check every setting.
    ///
    /// # Errors
    /// One sentence naming the setting and its limits.
    pub fn validate(&self) -> Result<(), String> {
        self.shape().validate()?;
        within("batch", &self.batch, &limits::BATCH)?;
        within("timesteps", &self.timesteps, &limits::TIMESTEPS)?;
        within("size of the training set", &self.points, &limits::POINTS)?;
        if let Some(bandwidth) = &self.bandwidth {
            within("bandwidth", bandwidth, &limits::BANDWIDTH)?;
        }
        within("learning rate", &self.learning_rate, &limits::LEARNING_RATE)?;
        within("weight decay", &self.weight_decay, &limits::WEIGHT_DECAY)?;
        within("warm-up", &self.warmup, &limits::WARMUP)?;
        within(
            "steps of the decay",
            &self.decay_steps,
            &limits::DECAY_STEPS,
        )?;
        within("end of the decay", &self.decay_end, &limits::DECAY_END)?;
        within("EMA decay", &self.ema_decay, &limits::EMA_DECAY)?;
        within("sampler steps", &self.sampler_steps, &limits::SAMPLER_STEPS)?;
        within("label dropout", &self.label_dropout, &limits::LABEL_DROPOUT)?;
        let is_shape = matches!(self.data, DataSource::Shape(_));
        if self.labels && is_shape && self.data.classes().is_empty() {
            return Err(format!(
                "{} has no labels to learn: give --labels false, or take one of {}, or a file with a column label",
                self.data,
                labelled()
            ));
        }
        self.check_coupling()?;
        if self.can_sample_by(self.sampler) {
            return Ok(());
        }
        let sampler = self.sampler.name();
        Err(format!(
            "the sampler {sampler} takes its variance from the network, which is to learn none: add --learn-variance, or choose another sampler"
        ))
    }
}

/// NaN is within nothing.
fn within<N: PartialOrd + Display>(
    name: &str,
    value: &N,
    range: &RangeInclusive<N>,
) -> Result<(), String> {
    if range.contains(value) {
        return Ok(());
    }
    Err(format!(
        "{name} {value} is not between {} and {}",
        range.start(),
        range.end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings of before, whose schedule is called `path`.
    #[test]
    fn settings_of_before_are_read() {
        let old: Experiment = serde_json::from_str(r#"{"path": "cosine", "width": 64}"#).unwrap();
        assert_eq!(
            old,
            Experiment {
                schedule: Schedule::Cosine,
                width: 64,
                ..Experiment::default()
            }
        );
        assert!(!serde_json::to_string(&old).unwrap().contains("path"));
    }

    /// Each number at both ends of its limits is taken, and one beyond each end is refused with the limits.
    #[test]
    fn limits_are_those_of_the_table() {
        fn probe<N: Copy>(
            set: impl Fn(&mut Experiment, N),
            taken: &[N],
            refused: &[N],
            word: &str,
        ) {
            for (values, good) in [(taken, true), (refused, false)] {
                for &value in values {
                    let mut experiment = Experiment::default();
                    set(&mut experiment, value);
                    let verdict = experiment.validate();
                    assert_eq!(verdict.is_ok(), good, "{word}: {verdict:?}");
                    assert!(
                        verdict.err().is_none_or(|text| text.contains(word)),
                        "{word}"
                    );
                }
            }
        }
        probe(
            |e, v| e.batch = v,
            &[32, 16_384],
            &[31, 16_385],
            "between 32 and 16384",
        );
        probe(
            |e, v| e.timesteps = v,
            &[2, 10_000],
            &[1, 10_001],
            "between 2 and 10000",
        );
        probe(
            |e, v| e.points = v,
            &[2, 1_000_000],
            &[1, 1_000_001],
            "between 2 and 1000000",
        );
        probe(
            |e, v| e.bandwidth = Some(v),
            &[1e-3, 0.99],
            &[0.0, 1.0, f32::NAN],
            "between 0.001 and 0.99",
        );
        probe(
            |e, v| e.learning_rate = v,
            &[1e-12, 10.0],
            &[0.0, 10.1, f32::NAN, -1.0, f32::INFINITY],
            "and 10",
        );
        probe(
            |e, v| e.weight_decay = v,
            &[0.0, 1.0],
            &[-0.1, 1.1, f32::NAN],
            "weight decay",
        );
        probe(
            |e, v| e.warmup = v,
            &[0, 1_000_000],
            &[1_000_001],
            "warm-up",
        );
        probe(
            |e, v| e.decay_steps = v,
            &[1, 10_000_000],
            &[0, 10_000_001],
            "steps of the decay",
        );
        probe(
            |e, v| e.decay_end = v,
            &[0.0, 1.0],
            &[-0.1, 1.1, f32::NAN],
            "end of the decay",
        );
        probe(
            |e, v| e.ema_decay = v,
            &[0.0, 0.999_999],
            &[1.0, -0.1, f32::NAN],
            "EMA decay",
        );
        probe(
            |e, v| e.sampler_steps = v,
            &[1, 10_000],
            &[0, 10_001],
            "between 1 and 10000",
        );
    }
}
