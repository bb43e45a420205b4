//! What an experiment has reached, as one table: the window's strip, the table of `train --vs` and its JSON read it.

use super::quality::QualityPoint;
use super::snapshot::Snapshot;
use maths::measure::Estimate;
use maths::measure::chi_square::ChiSquare;
use maths::measure::score_error::common_mean;

/// One experiment at one moment, as its numbers are read.
#[derive(Clone, Copy, Debug)]
pub struct Reached<'a> {
    snapshot: &'a Snapshot,
    /// Its last measurement.
    quality: Option<&'a QualityPoint>,
    /// The error of x̂_0 over the levels of log SNR that both experiments reach, and how many these are.
    x_0: Option<(f64, usize)>,
}

impl<'a> Reached<'a> {
    /// By the last measurement of its own; `other` is the experiment beside it, if there is one.
    pub fn of(snapshot: &'a Snapshot, other: Option<&Snapshot>) -> Self {
        let quality = snapshot.quality.last();
        Self::by(
            snapshot,
            quality,
            other.and_then(|other| other.quality.last()).or(quality),
        )
    }

    /// By a measurement; `other` is that of the experiment beside it.
    pub fn by(
        snapshot: &'a Snapshot,
        quality: Option<&'a QualityPoint>,
        other: Option<&QualityPoint>,
    ) -> Self {
        let means = quality
            .zip(other)
            .and_then(|(own, other)| common_mean(&own.x0_errors, &other.x0_errors));
        Self {
            snapshot,
            quality,
            x_0: means.map(|(means, levels)| (means[0], levels)),
        }
    }

    fn estimate(&self, of: fn(&QualityPoint) -> Estimate) -> Option<Estimate> {
        self.quality.map(of)
    }
}

/// A number, in a form that says how it is written. `None` where it is not known.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// Whole.
    Count(u64),
    /// So many a second; 0 while nothing runs.
    Rate(f64),
    /// Seconds.
    Seconds(f64),
    /// A training loss.
    Loss(Option<f32>),
    /// A number without an error of its own.
    Plain(Option<f64>),
    /// A distance, data units.
    Distance(Option<Estimate>),
    /// A number that may lie on either side of 0, seen with its error.
    Signed(Option<Estimate>),
    /// A share of all.
    Share(Option<Estimate>),
    /// A mean square error.
    MeanSquare(Option<Estimate>),
    /// χ² of counts.
    ChiSquare(Option<ChiSquare>),
    /// A mean square error over so many levels of log SNR.
    OverLevels(Option<(f64, usize)>),
}

impl Value {
    /// A number with its standard error, where it has one.
    pub fn estimate(self) -> Option<Estimate> {
        match self {
            Self::Distance(estimate)
            | Self::Signed(estimate)
            | Self::Share(estimate)
            | Self::MeanSquare(estimate) => estimate,
            _ => None,
        }
    }

    /// True for what belongs to the last measurement, not to the present step.
    pub fn is_measured(self) -> bool {
        !matches!(
            self,
            Self::Count(_) | Self::Rate(_) | Self::Seconds(_) | Self::Loss(_)
        )
    }
}

/// Where the strip shows a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Always.
    Always,
    /// For one experiment by itself.
    Alone,
    /// For two side by side.
    Compared,
}

/// A column of the strip.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// From left to right.
    pub place: u8,
    /// What stands above it.
    pub head: &'static str,
    /// When.
    pub shown: Shown,
    /// What it is of, for whoever asks.
    pub tip: &'static str,
}

/// A number that an experiment reaches.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// In JSON; empty where it is not there. A standard error follows as `KEY_error`.
    pub key: &'static str,
    /// The row of a comparison's table; empty where it has none.
    pub row: &'static str,
    /// The column of the strip, if it has one.
    pub column: Option<Column>,
    /// Its value.
    pub read: Read,
}

/// How a number is read.
pub type Read = fn(&Reached<'_>) -> Value;

const fn column(place: u8, head: &'static str, shown: Shown, tip: &'static str) -> Column {
    Column {
        place,
        head,
        shown,
        tip,
    }
}

/// Every number, in the order of a comparison's table.
pub const NUMBERS: [Number; 15] = [
    Number {
        key: "steps",
        row: "steps",
        column: Some(column(
            0,
            "step",
            Shown::Always,
            "Updates of the weights so far",
        )),
        read: |r| Value::Count(r.snapshot.step),
    },
    Number {
        key: "",
        row: "",
        column: Some(column(
            1,
            "steps/s",
            Shown::Always,
            "Training steps a second",
        )),
        read: |r| Value::Rate(r.snapshot.steps_per_sec),
    },
    Number {
        key: "",
        row: "",
        column: Some(column(
            2,
            "samples/s",
            Shown::Alone,
            "Steps a second times the batch B",
        )),
        read: |r| Value::Rate(r.snapshot.steps_per_sec * f64::from(r.snapshot.experiment.batch)),
    },
    Number {
        key: "secs",
        row: "seconds of training",
        column: Some(column(
            3,
            "time",
            Shown::Always,
            "Time of training, without pauses; of two experiments, each one's own share of the device",
        )),
        read: |r| Value::Seconds(r.snapshot.trained_secs),
    },
    Number {
        key: "loss",
        row: "loss, (1/D) E‖target − prediction‖², smoothed over 50 steps (compares only under one target, schedule and data set)",
        column: Some(column(
            4,
            "loss",
            Shown::Always,
            "L = (1/D) E ‖target − prediction‖², smoothed over 50 steps; of the score, weighted by s². It is a mean \
             over the timesteps that were drawn, and the weighting of the training is not in it",
        )),
        read: |r| Value::Loss(r.snapshot.loss),
    },
    Number {
        key: "least_loss",
        row: "least possible loss",
        column: None,
        read: |r| {
            let known = r.snapshot.experiment.has_least_loss();
            let quality = r.quality.filter(|_| known);
            Value::Plain(quality.map(|point| point.least_loss.value))
        },
    },
    Number {
        key: "score_error",
        row: "score error, mean over the trained t of (s²/D) E‖learned − exact‖² (compares only under one schedule)",
        column: Some(column(
            9,
            "score error",
            Shown::Always,
            "Mean over the trained t of (s²/D) E ‖learned − exact score‖² under p_t: the loss of an ε-model is the least \
             possible loss and this",
        )),
        read: |r| {
            let known = r.snapshot.experiment.has_exact_field();
            let error = r.estimate(|point| point.score_error);
            Value::MeanSquare(error.filter(|_| known))
        },
    },
    Number {
        key: "x0_error",
        row: "x̂₀ error, (1/D) E‖x̂₀ − E[x₀ given x_t]‖², mean over log SNR −4 to 8 (compares any two)",
        column: Some(column(
            10,
            "x̂₀ error",
            Shown::Compared,
            "(1/D) E ‖x̂₀ − E[x₀ | x_t]‖²: the mean over the log SNRs from −4 to 8 that A and B both reach. It compares any \
             targets and schedules",
        )),
        read: |r| {
            let known = r.snapshot.experiment.has_exact_field();
            Value::OverLevels(r.x_0.filter(|_| known))
        },
    },
    Number {
        key: "sliced_w2",
        row: "sliced W₂ of at most 2048 samples to the data",
        column: Some(column(
            5,
            "sliced W₂",
            Shown::Always,
            "Sliced 2-Wasserstein distance of the live picture's 2048 samples (of a file fewer: half its held-out rows) to \
             the data: the mean over six draws",
        )),
        read: |r| Value::Distance(r.estimate(|point| point.distance)),
    },
    Number {
        key: "floor",
        row: "its sampling floor",
        column: Some(column(
            6,
            "floor",
            Shown::Always,
            "Sampling floor: the same distance between draws of the data, the mean over six pairs. Honest samples score about \
             this, more or less by chance",
        )),
        read: |r| Value::Distance(r.estimate(|point| point.floor)),
    },
    Number {
        key: "sampler_w2",
        row: "the same of samples by the exact x̂₀: what the sampler alone does",
        column: None,
        read: |r| Value::Distance(r.quality.and_then(|point| point.by_exact)),
    },
    Number {
        key: "",
        row: "in floors",
        column: None,
        read: |r| {
            Value::Plain(
                r.quality
                    .map(|point| point.distance.value / point.floor.value),
            )
        },
    },
    Number {
        key: "surprise",
        row: "surprise, −E ln p₀(samples) − h(p₀), nats (above 0: astray; below: too thin)",
        column: Some(column(
            7,
            "surprise",
            Shown::Always,
            "−E ln p₀(samples) − h(p₀) in nats, ± its standard error: 0 for honest samples, above it for stray ones, below it \
             for samples that are too thin",
        )),
        read: |r| Value::Signed(r.estimate(|point| point.surprise)),
    },
    Number {
        key: "densest_half",
        row: "share of the samples in the densest half of the data (above 0.5: too thin)",
        column: None,
        read: |r| Value::Share(r.estimate(|point| point.densest_half)),
    },
    Number {
        key: "shares",
        row: "χ² of the shares of the data's parts",
        column: Some(column(
            8,
            "shares χ²/dof",
            Shown::Always,
            "χ² per degree of freedom of how many samples each part of the data got (its lobes, cut into about sixteen \
             parts): 1 ± 0.4 by chance alone",
        )),
        read: |r| Value::ChiSquare(r.quality.and_then(|point| point.shares)),
    },
];

/// The columns of the strip from left to right, of one experiment ([`Shown::Alone`]) or of two ([`Shown::Compared`]).
pub fn columns(of: Shown) -> Vec<(Column, Read)> {
    let all = NUMBERS
        .iter()
        .filter_map(|number| Some((number.column?, number.read)));
    let mut columns: Vec<_> = all
        .filter(|(column, _)| [Shown::Always, of].contains(&column.shown))
        .collect();
    columns.sort_by_key(|(column, _)| column.place);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_number_is_seen_somewhere_and_none_twice() {
        let unique = |names: Vec<&str>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        let all = NUMBERS.iter();
        assert!(
            all.clone()
                .all(|number| !number.row.is_empty() || number.column.is_some())
        );
        assert!(unique(
            all.clone()
                .map(|n| n.key)
                .filter(|key| !key.is_empty())
                .collect()
        ));
        assert!(unique(
            all.clone()
                .map(|n| n.row)
                .filter(|row| !row.is_empty())
                .collect()
        ));
        let places: Vec<_> = all
            .filter_map(|number| Some(number.column?.place))
            .collect();
        assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len());
        let heads = |of| {
            columns(of)
                .iter()
                .map(|(column, _)| column.head)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            heads(Shown::Alone)[..5],
            ["step", "steps/s", "samples/s", "time", "loss"]
        );
        assert!(
            heads(Shown::Compared).contains(&"x̂₀ error")
                && !heads(Shown::Alone).contains(&"x̂₀ error")
        );
    }
}
