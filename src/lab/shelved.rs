//! A training that was replaced, in words: what the window shows of it.

use std::sync::Arc;
use std::time::Instant;

use super::experiment::Experiment;
use super::side::Side;

/// What took the place of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The same experiment from its first step.
    Anew,
    /// Another experiment under new weights.
    Settings,
    /// The weights stayed, and learn under other settings.
    UnderSameWeights,
    /// The experiments of a comparison.
    Comparison,
    /// A copy of the other experiment.
    Copy,
    /// Nothing: the comparison ended.
    Ended,
    /// Another training that was brought back.
    BroughtBack,
    /// A saved model that was opened.
    Opened,
    /// Nothing: the lab was closed.
    LastTime,
}

impl Replaced {
    /// What happened, in words after the name of a side: `A: started anew`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Anew => "started anew",
            Self::Settings => "started anew with other settings",
            Self::UnderSameWeights => "before other settings under the same weights",
            Self::Comparison => "before a comparison",
            Self::Copy => "replaced by a copy",
            Self::Ended => "the comparison ended",
            Self::BroughtBack => "another was brought back",
            Self::Opened => "before a model was opened",
            Self::LastTime => "From the last time",
        }
    }
}

/// A training on the shelf, as the window sees it.
#[derive(Clone, Debug)]
pub struct Shelved {
    /// Its number: no other bears it.
    pub id: u64,
    /// Whose it was.
    pub side: Side,
    /// What happened to it.
    pub replaced: Replaced,
    /// When.
    pub at: Instant,
    /// Updates that it had seen.
    pub step: u64,
    /// Its latest smoothed loss.
    pub loss: Option<f32>,
    /// Its settings.
    pub experiment: Arc<Experiment>,
}
