//! What a network learns: the mean of the clean points behind x_t, or where the probability flow through x_t ends.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::layout::NetworkShape;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::target::Target;
use maths::names::{self, Words};

/// An objective by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum ObjectiveChoice {
    /// The mean of the clean points (Ho et al. 2020).
    #[default]
    Denoise,
    /// The end of the path, without a teacher (Song et al. 2023, algorithm 3).
    Consistency,
    /// The end of a teacher's path (Song et al. 2023, algorithm 2).
    Distillation,
}

impl std::str::FromStr for ObjectiveChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        names::find(Self::ALL, "an objective", text, |one| [one.words().name])
    }
}

impl TryFrom<String> for ObjectiveChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl ObjectiveChoice {
    /// Every objective, in the order of the menus.
    pub const ALL: [Self; 3] = [Self::Denoise, Self::Consistency, Self::Distillation];

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Denoise => &Words {
                name: "denoise",
                title: "Denoise",
                symbol: "E[x₀ | x]",
                short: "denoises",
                help: "the mean of the clean points behind x, as diffusion models",
            },
            Self::Consistency => &Words {
                name: "consistency",
                title: "Consistency",
                symbol: "f(x, t)",
                short: "consistency",
                help: "where the path through x ends, without a teacher, Song et al. 2023",
            },
            Self::Distillation => &Words {
                name: "distillation",
                title: "Distillation",
                symbol: "f(x, t) of a teacher",
                short: "distilled",
                help: "where the path of a teacher through x ends, Song et al. 2023",
            },
        }
    }

    /// True where x̂_0 is the end of a path and no mean.
    pub const fn is_consistency(self) -> bool {
        matches!(self, Self::Consistency | Self::Distillation)
    }
}

/// What the network's x̂_0 is to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Objective {
    /// E[x_0 | x_t], by regression on what was drawn (Ho et al. 2020).
    #[default]
    Denoise,
    /// The end of the probability flow through x_t (Song et al. 2023): that of another network, or, without one, that which the draws
    /// say in the mean.
    Consistency(Option<Arc<Teacher>>),
}

/// A network whose probability flow is followed, in the student's units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Teacher {
    /// Its shape.
    pub shape: NetworkShape,
    /// What it predicts.
    pub target: Target,
    /// Its noise, which is the student's.
    pub schedule: Schedule,
    /// Its T, which is the student's.
    pub timesteps: u32,
    /// Its weights, flat in the order of [`NetworkShape::layers`].
    #[serde(skip)]
    pub weights: Vec<f32>,
}
