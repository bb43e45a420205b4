//! Whither a run is led, how strongly, and by what.

use std::sync::Arc;

use crate::network::layout::NetworkShape;
use crate::network::timetable::Timetable;
use crate::{Classifier, Denoiser, EngineError};
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;
use maths::names::{self, Words};

/// Whither a run is led, and how strongly. x̂_0 is moved along a second direction, which [`GuideBy`] names, in proportion to a weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Guidance {
    /// The class. `None` leads away from a weak model alone.
    pub label: Option<u32>,
    /// How far along the second direction.
    pub weight: f64,
    /// ln SNR between which the weight counts; elsewhere it is that of a run that is not led (Kynkäänniemi et al. 2024).
    pub log_snr: [f64; 2],
    /// The distribution of the class alone: what exact runs follow, and what the exact posterior is of. `None` where only networks are asked.
    pub class: Option<Arc<Mixture>>,
    /// How the second direction is made.
    pub by: GuideBy,
}

/// How the second direction is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum GuideBy {
    /// x̂_0 = all + w (class − all), by one network that is asked twice, with the label and without (Ho & Salimans 2022, "Classifier-free
    /// guidance", eq. 6, whose w is this one less 1). 0: as without a label; 1: as the class; above: beyond it.
    #[default]
    ClassifierFree,
    /// x̂_0 + w (s²/a) ∇ log p_t(y | x_t), by a network that needs no labels (Dhariwal & Nichol 2021, eq. 14), with the exact posterior of
    /// the class in closed form: by Bayes' rule the gradient is the score of the class less that of all, which is given here.
    Posterior(Arc<Mixture>),
    /// The same with the gradient of a trained classifier.
    Classifier(Arc<Classifier>),
    /// x̂_0 = weak + w (x̂_0 − weak): away from a weaker model of the same (Karras et al. 2024, "Guiding a diffusion model with a bad version
    /// of itself", eq. 3). 1: as without it. With a label, both are told it.
    WeakModel(Arc<WeakModel>),
}

/// What there is to lead a run, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GuideKind {
    /// [`GuideBy::ClassifierFree`].
    #[default]
    ClassifierFree,
    /// [`GuideBy::Posterior`].
    Posterior,
    /// [`GuideBy::Classifier`].
    Classifier,
    /// [`GuideBy::WeakModel`].
    Model,
}

impl std::str::FromStr for GuideKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        names::find(Self::ALL, "a guidance", text, |one| [one.words().name])
    }
}

impl GuideKind {
    /// Every kind, in the order of the menus.
    pub const ALL: [Self; 4] = [
        Self::ClassifierFree,
        Self::Posterior,
        Self::Classifier,
        Self::Model,
    ];

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::ClassifierFree => &Words {
                name: "classifier-free",
                title: "Classifier-free",
                symbol: "CFG",
                short: "classifier-free",
                help: "one network with the label and without, Ho & Salimans 2022",
            },
            Self::Posterior => &Words {
                name: "posterior",
                title: "Exact classifier",
                symbol: "p(y|x)",
                short: "posterior",
                help: "the exact posterior of the class at each noise level",
            },
            Self::Classifier => &Words {
                name: "classifier",
                title: "Trained classifier",
                symbol: "p̂(y|x)",
                short: "classifier",
                help: "a classifier of noised points, Dhariwal & Nichol 2021",
            },
            Self::Model => &Words {
                name: "model",
                title: "Weaker model",
                symbol: "weak",
                short: "weak model",
                help: "away from a weaker model, Karras et al. 2024",
            },
        }
    }

    /// True where a run cannot do without a class.
    pub const fn needs_label(self) -> bool {
        !matches!(self, Self::Model)
    }

    /// True where the network itself must have learned labels to be led towards a class.
    pub const fn tells_network(self) -> bool {
        matches!(self, Self::ClassifierFree | Self::Model)
    }

    /// The weight that leaves a run as it would be: of classifier-free guidance as the class, of a weak model as without it, of a classifier as
    /// without a class.
    pub const fn idle_weight(self) -> f64 {
        match self {
            Self::ClassifierFree | Self::Model => 1.0,
            Self::Posterior | Self::Classifier => 0.0,
        }
    }
}

/// A weaker model of the same data: an earlier state of a training, or a smaller network.
#[derive(Clone, Debug, PartialEq)]
pub struct WeakModel {
    shape: NetworkShape,
    weights: Vec<f32>,
    timetable: Arc<Timetable>,
}

impl WeakModel {
    /// A network of this shape by its averaged weights, trained at these timesteps.
    ///
    /// # Errors
    /// A shape that no network has, and weights that are not of it or not finite.
    pub fn new(
        shape: NetworkShape,
        weights: Vec<f32>,
        timetable: Arc<Timetable>,
    ) -> Result<Self, EngineError> {
        shape.validate().map_err(EngineError::Invalid)?;
        let (found, parameters) = (weights.len(), shape.parameters());
        if found != parameters {
            return Err(EngineError::Invalid(format!(
                "the weak model's weights are {found} numbers where its shape has {parameters}"
            )));
        }
        if weights.iter().any(|weight| !weight.is_finite()) {
            let text = "the weak model's weights are not all numbers: take another model";
            return Err(EngineError::Invalid(text.to_owned()));
        }
        Ok(Self {
            shape,
            weights,
            timetable,
        })
    }

    /// Its shape.
    pub fn shape(&self) -> NetworkShape {
        self.shape
    }

    /// True where a network that is trained at these timesteps is read as it is: by the same plans.
    pub fn reads_like(&self, timetable: &Timetable) -> bool {
        self.timetable.reads_like(timetable)
    }

    /// Its averaged weights.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }
}

impl GuideBy {
    /// Which kind it is.
    pub fn kind(&self) -> GuideKind {
        match self {
            Self::ClassifierFree => GuideKind::ClassifierFree,
            Self::Posterior(_) => GuideKind::Posterior,
            Self::Classifier(_) => GuideKind::Classifier,
            Self::WeakModel(_) => GuideKind::Model,
        }
    }
}

impl Guidance {
    /// The weights that are of use, on the command line and in the window.
    pub const WEIGHTS: std::ops::RangeInclusive<f64> = -1.0..=10.0;
    /// The weight counts at every noise level.
    pub const EVERYWHERE: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

    /// The weight at one noise level.
    pub fn weight_at(&self, Scales { a, s }: Scales) -> f64 {
        let log_snr = 2.0 * (a / s).ln();
        let [least, most] = self.log_snr;
        if (least..=most).contains(&log_snr) {
            self.weight
        } else {
            self.by.kind().idle_weight()
        }
    }

    /// The label that the run's own network is told.
    pub(crate) fn told(&self) -> Option<u32> {
        self.label.filter(|_| self.by.kind().tells_network())
    }

    /// Refuse what does not fit the denoiser, or a network of this shape that was trained at these timesteps.
    pub(crate) fn check(
        &self,
        denoiser: &Denoiser,
        timetable: &Timetable,
        shape: NetworkShape,
    ) -> Result<(), EngineError> {
        self.fault(denoiser, timetable, shape)
            .map_or(Ok(()), |text| Err(EngineError::Invalid(text)))
    }

    fn fault(
        &self,
        denoiser: &Denoiser,
        timetable: &Timetable,
        shape: NetworkShape,
    ) -> Option<String> {
        let says = |text: &str| Some(text.to_owned());
        let kind = self.by.kind();
        if let Denoiser::Given(_) = denoiser {
            return says("clean points that are given have no label and are not led");
        }
        if !self.weight.is_finite() || self.log_snr.iter().any(|at| at.is_nan()) {
            return says("the guidance is no number");
        }
        if kind.needs_label() && self.label.is_none() {
            return says("this guidance leads towards a class: give it a label");
        }
        let is_learned = matches!(denoiser, Denoiser::Learned);
        if is_learned && let Err(text) = shape.check_label(self.told()) {
            return Some(text);
        }
        let asks_class = match kind {
            GuideKind::ClassifierFree => !is_learned,
            GuideKind::Posterior => true,
            GuideKind::Classifier | GuideKind::Model => false,
        };
        if asks_class && self.class.is_none() {
            return says("the distribution of the class is not given");
        }
        match &self.by {
            GuideBy::Classifier(classifier) if self.label >= Some(classifier.classes()) => {
                Some(format!(
                    "the classifier knows the classes 0 to {}: train one on these data",
                    classifier.classes() - 1
                ))
            }
            GuideBy::WeakModel(_) if !is_learned => {
                says("the exact field has no weaker version of itself: lead the network instead")
            }
            GuideBy::WeakModel(weak) if !weak.timetable.reads_like(timetable) => says(
                "the weak model was trained for another schedule, target or number of timesteps: take one of the same",
            ),
            GuideBy::WeakModel(weak) => {
                let told = weak.shape.check_label(self.told()).err();
                told.map(|text| format!("the weak model cannot be told the label: {text}"))
            }
            _ => None,
        }
    }
}

/// Both estimates put together: `weight` 0 gives the first, 1 the second.
pub(crate) fn guided(first: [f32; 2], second: [f32; 2], weight: f32) -> [f32; 2] {
    [0, 1].map(|axis| first[axis] + weight * (second[axis] - first[axis]))
}
