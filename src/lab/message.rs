//! The whole vocabulary between the window and the worker: the UI sends an [`Order`], mostly a [`Command`] to one of two
//! experiments, and reads the latest [`Snapshots`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::network::objective::ObjectiveChoice;
use engine::{ClassifierSpec, EngineChoice};
use maths::data::dataset::Pairs;

pub use super::classifier::{AccuracyAt, ClassifierState, TrainedClassifier};
use super::experiment::Experiment;
pub use super::follow::{FollowedBatch, FollowedPoint};
pub use super::picture::PictureOf;
pub use super::quality::QualityPoint;
pub use super::run::{RunProgress, RunRequest, RunResult, RunState, fresh_version};
pub use super::side::Side;
pub use super::slot::Slot;
pub use super::snapshot::{
    DensityField, DensityView, InStep, LossCurve, Notice, Notices, Snapshot, Snapshots, Status,
    TrainingMark,
};
pub use super::weak::WeakState;

/// What the window may ask of the lab.
#[derive(Clone, Debug)]
pub enum Order {
    /// For one experiment. For B while there is none it goes nowhere.
    To(Side, Command),
    /// For every experiment there is.
    Both(Command),
    /// B becomes a copy of A: settings, weights, optimiser, losses, kind of engine. Splits the lab that is not split.
    Equalise,
    /// Split, with these experiments for A and B. Where they differ from what A runs only in how they sample, the weights
    /// of A are kept and B gets a copy; else both start anew.
    Compare(Box<[Experiment; 2]>),
    /// A becomes B and B becomes A.
    Swap,
    /// End the comparison; this one stays, as A.
    Keep(Side),
    /// Go back to what there was before the first comparison that replaced a training: A, and B where there was one.
    Return,
    /// Bring a training back from the shelf, by its number, in the place of this side's, which is laid there in turn.
    BringBack(u64, Side),
    /// Open a saved model (its directory, or `model.safetensors`) in the place of this side's training, which is laid on the
    /// shelf. As B in a lab that is not split, it splits it.
    Open(PathBuf, Side),
    /// Hand a model to a side as the weak one that its runs are led away from ([`Snapshot::weak`]): that of a side as it is now.
    TakeWeak {
        /// Whose model.
        from: Side,
        /// Who gets it.
        to: Side,
        /// Instead of the present one the latest kept copy of at most so many updates.
        most_updates: Option<u64>,
    },
    /// A student of A's model as it is becomes B, of one or two steps, and is trained to this end; A pauses. Splits the lab that is not
    /// split.
    Student(ObjectiveChoice),
    /// What both have equal while they train.
    InStep(InStep),
    /// So many updates a second at most; `None` for as many as there can be.
    Speed(Option<f64>),
    /// Pause when this many updates are done; `None` for no end.
    StopAt(Option<u64>),
}

impl Order {
    /// The command that this means for one side, if it is one.
    pub fn command_for(self, side: Side) -> Option<Command> {
        match self {
            Self::To(to, command) if to == side => Some(command),
            Self::Both(command) => Some(command),
            _ => None,
        }
    }
}

impl From<Command> for Order {
    fn from(command: Command) -> Self {
        Self::Both(command)
    }
}

/// Whether a change of settings starts the training anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Not where the weights can be kept.
    Keep,
    /// In any case.
    Anew,
}

impl Restart {
    /// Anew where this is so.
    pub fn when(anew: bool) -> Self {
        if anew { Self::Anew } else { Self::Keep }
    }

    /// Anew where either is.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::when(self == Self::Anew || other == Self::Anew)
    }
}

/// What the window may ask of one experiment.
#[derive(Clone, Debug)]
pub enum Command {
    /// Train until paused.
    Play,
    /// Stop training; what is in flight is finished.
    Pause,
    /// One training step, then pause.
    StepOnce,
    /// Start anew from the experiment's seed.
    Reset,
    /// Change the experiment. What that costs is said by [`Experiment::change_to`]; weights that can be kept are kept, unless
    /// they shall be [`Restart::Anew`].
    Configure {
        /// The wanted experiment, whole.
        experiment: Box<Experiment>,
        /// What becomes of weights that could be kept.
        restart: Restart,
    },
    /// Reflow: train on pairs that a model made from here on, under the same weights (Liu et al. 2023).
    TrainOnPairs(Arc<Pairs>),
    /// Run on another engine; the model moves over.
    SwitchEngine(EngineChoice),
    /// Show the exact density at this noise level over these bounds (data units).
    ShowDensity(DensityView),
    /// Record a run for a chapter; it replaces what the slot asked for before, even while that runs.
    Run(Slot, Arc<RunRequest>),
    /// The slot asks for nothing any more; its result goes.
    StopRun(Slot),
    /// Train a classifier of the present data and schedule beside the model, for runs to be led by; of other data it is trained anew. Where it
    /// stands is [`Snapshot::classifier`].
    TrainClassifier(ClassifierSpec),
    /// No classifier is asked for any more; it goes.
    DropClassifier,
    /// Say of this many points of the next batch what the weights make of them, again as these change; 0: of none any more.
    Follow(u32),
    /// Somebody is dragging, or playing an animation: give painting more of the machine for this long.
    Interacting(Duration),
    /// The window is hidden (or shown again): no samples are drawn while it is.
    Hidden(bool),
    /// Write the model directory (as `train --out`).
    Save(PathBuf),
    /// Go back to the last weights whose loss was finite.
    RestoreLastGood,
    /// End the worker.
    Quit,
}
