//! How things stand at one moment: what the window reads of the lab.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::classifier::ClassifierState;
use super::experiment::Experiment;
use super::follow::FollowedBatch;
use super::picture::PictureOf;
use super::quality::QualityPoint;
use super::run::RunState;
use super::setup::Setup;
use super::shelved::Shelved;
use super::side::Side;
use super::slot::Slot;
use super::weak::WeakState;
use engine::{Cloud, EngineInfo, LOSS_BINS};
use maths::data::bounds::Bounds;
use maths::data::dataset::Dataset;
use maths::diffusion::schedule::Scales;
use serde::{Deserialize, Serialize};

/// What two experiments that train side by side have equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum InStep {
    /// The number of updates.
    #[default]
    Steps,
    /// The time that the device spent on each.
    Time,
}

/// Which density is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DensityView {
    /// (a, s) at the noise level that it is of.
    pub scales: Scales,
    /// Box in data units.
    pub bounds: Bounds,
    /// Cells per side.
    pub resolution: u32,
}

/// A density on a grid, ready to be drawn.
#[derive(Clone, Debug)]
pub struct DensityField {
    /// What it shows.
    pub view: DensityView,
    /// log p at the cell centres, row-major from the lower left.
    pub log_p: Arc<Vec<f32>>,
    /// Another with every new field: the canvas uploads when it changes.
    pub version: u64,
}

/// What the worker is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// Training.
    Training,
    /// Waiting for the user.
    Paused,
    /// Stopped by a fault; the text is one clear sentence that says what to do.
    Fault {
        /// What happened and what to do.
        message: String,
        /// True where [`super::message::Command::RestoreLastGood`] can help.
        can_restore: bool,
    },
}

/// The loss curve: every update up to a limit, then thinned evenly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossCurve {
    /// (update, mean loss), ascending.
    pub raw: Vec<(u64, f32)>,
    /// (update, exponentially smoothed loss), at the same updates.
    pub smooth: Vec<(u64, f32)>,
}

/// A change of settings while a training went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingMark {
    /// Updates done by then.
    pub step: u64,
    /// What holds from then on: `circle`, `lr 0.001`.
    pub words: String,
}

/// Both experiments at one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshots {
    /// A.
    pub a: Arc<Snapshot>,
    /// B, while the lab is split.
    pub b: Option<Arc<Snapshot>>,
    /// What both have equal while they train.
    pub in_step: InStep,
    /// How often A and B have changed places.
    pub swaps: u64,
    /// The steps of A and, where there was one, of B to which [`super::message::Order::Return`] leads back; `None` where it leads nowhere.
    pub before: Option<(u64, Option<u64>)>,
    /// Trainings that were replaced, the latest first.
    pub shelf: Arc<Vec<Shelved>>,
    /// Most updates a second; `None` for as many as there can be.
    pub speed: Option<f64>,
    /// Where training pauses by itself.
    pub stop_at: Option<u64>,
}

impl Snapshots {
    /// A lab that is not split.
    pub fn one(a: Arc<Snapshot>) -> Self {
        Self {
            a,
            b: None,
            in_step: InStep::default(),
            swaps: 0,
            before: None,
            shelf: Arc::default(),
            speed: None,
            stop_at: None,
        }
    }

    /// One side's; `None` for B where the lab is not split.
    pub fn of(&self, side: Side) -> Option<&Arc<Snapshot>> {
        match side {
            Side::A => Some(&self.a),
            Side::B => self.b.as_ref(),
        }
    }
}

/// The state of one experiment as the window sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The experiment that runs.
    pub experiment: Arc<Experiment>,
    /// Its data: training points, mixture, outline, bounds.
    pub dataset: Arc<Dataset>,
    /// Which engine runs.
    pub engine: EngineInfo,
    /// What it is doing.
    pub status: Status,
    /// Updates done.
    pub step: u64,
    /// Updates of the model that the user saved last; `None` where none of this training was saved.
    pub saved: Option<u64>,
    /// Latest smoothed loss.
    pub loss: Option<f32>,
    /// The loss curve.
    pub curve: Arc<LossCurve>,
    /// Mean loss per timestep bin, over the recent past; NaN where nothing is known.
    pub timestep_loss: Arc<[f32; LOSS_BINS]>,
    /// Updates per second, over the last second or so; 0 while paused.
    pub steps_per_sec: f64,
    /// Seconds of training so far (pauses do not count).
    pub trained_secs: f64,
    /// How good the live picture and the score were, as training went on; ascending.
    pub quality: Arc<Vec<QualityPoint>>,
    /// The step at which a setting that training depends on was changed under the same weights; `None` where all updates
    /// were made under the present settings.
    pub changed_at: Option<u64>,
    /// What was changed while it trained, ascending.
    pub marks: Arc<Vec<TrainingMark>>,
    /// Samples by the live sampler; `None` before the first.
    pub samples: Option<Cloud>,
    /// By which weights the samples are; `None` for the noise that samples start from.
    pub samples_of: Option<PictureOf>,
    /// Another with every refresh of `samples`.
    pub samples_version: u64,
    /// The exact density last asked for.
    pub density: Option<DensityField>,
    /// Runs asked for by chapters, by slot.
    pub runs: Arc<BTreeMap<Slot, RunState>>,
    /// The share of the last five seconds that these runs took, 0 to 1: while it trains, from the training.
    pub runs_share: f64,
    /// The classifier that was asked for.
    pub classifier: Option<ClassifierState>,
    /// The weak model that was taken.
    pub weak: Option<WeakState>,
    /// How many points of the next batch are followed.
    pub follows: u32,
    /// What the weights make of them; while training, of a batch of a moment ago.
    pub followed: Option<Arc<FollowedBatch>>,
    /// Grows with every change of any kind: the window repaints when it does.
    pub version: u64,
    /// What was worth a toast lately (saved, restored, engine switched).
    pub notices: Notices,
    /// One sentence where the live picture's sampler, without the clip, makes much of a small error.
    pub warning: Option<String>,
}

impl Snapshot {
    /// A training before its first step. This is where a snapshot is put together: who knows more says so afterwards.
    pub fn starting(setup: &Setup, engine: EngineInfo) -> Self {
        Self {
            experiment: setup.experiment.clone(),
            dataset: setup.dataset.clone(),
            engine,
            status: Status::Paused,
            step: 0,
            saved: None,
            loss: None,
            curve: Arc::default(),
            timestep_loss: Arc::new([f32::NAN; LOSS_BINS]),
            steps_per_sec: 0.0,
            trained_secs: 0.0,
            quality: Arc::default(),
            changed_at: None,
            marks: Arc::default(),
            samples: None,
            samples_of: None,
            samples_version: 0,
            density: None,
            runs: Arc::default(),
            runs_share: 0.0,
            classifier: None,
            weak: None,
            follows: 0,
            followed: None,
            version: 0,
            notices: Notices::default(),
            warning: None,
        }
    }
}

/// Something to tell the user once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It worked.
    Info(String),
    /// It did not; what to do.
    Error(String),
}

/// The notices of a session: the last few, and how many there were. Who looks now and then misses none of a handful that
/// come together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    recent: Vec<Notice>,
    /// All that were ever told.
    told: u64,
}

impl Notices {
    /// As many as a window shows at once.
    const KEPT: usize = 4;

    /// One more.
    pub fn tell(&mut self, notice: Notice) {
        self.told += 1;
        self.recent.push(notice);
        if self.recent.len() > Self::KEPT {
            self.recent.remove(0);
        }
    }

    /// How many were told so far.
    pub fn told(&self) -> u64 {
        self.told
    }

    /// Those after the first `seen`, as far as they are kept, oldest first. A session that began anew has told fewer: then all.
    pub fn after(&self, seen: u64) -> &[Notice] {
        let unseen = self.told.checked_sub(seen).unwrap_or(self.told);
        let kept = self.recent.len();
        &self.recent[kept - kept.min(usize::try_from(unseen).unwrap_or(kept))..]
    }

    /// The latest.
    pub fn last(&self) -> Option<&Notice> {
        self.recent.last()
    }
}

impl Notice {
    /// The same, said of one of two experiments.
    #[must_use]
    pub fn of(&self, side: Side) -> Self {
        match self {
            Self::Info(text) => Self::Info(format!("{}: {text}", side.letter())),
            Self::Error(text) => Self::Error(format!("{}: {text}", side.letter())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who looks once after six sees the last four, who looks after each sees each once.
    #[test]
    fn no_notice_of_a_handful_is_missed() {
        let mut notices = Notices::default();
        let mut each = Vec::new();
        let said: Vec<Notice> = (0..6).map(|i| Notice::Info(i.to_string())).collect();
        for notice in &said {
            let seen = notices.told();
            notices.tell(notice.clone());
            each.extend(notices.after(seen).to_vec());
        }
        assert_eq!(each, said);
        assert_eq!(notices.after(0), &said[2..]);
        assert_eq!(notices.after(4), &said[4..]);
        assert!(notices.after(6).is_empty());
        // Another session under the same side has told fewer.
        assert_eq!(notices.after(9), &said[2..]);
    }
}
