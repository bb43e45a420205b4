//! What leads the particles of a run through a stage, beside the x̂_0 that they follow.

use super::classifier::{Classifier, Noised};
use super::exact::Posterior;
use super::network::{Network, Workspace};
use crate::guidance::guided;
use crate::{Guidance, GuideBy};
use maths::diffusion::solver::PlanStep;

/// A guidance, ready for every stage.
pub struct Leader {
    guidance: Guidance,
    weak: Option<Network<f32>>,
}

/// The same at one stage.
pub enum Lead<'a> {
    /// Nothing changes.
    Nowhere,
    /// The output becomes that of this network plus `weight` times what the run's own has more.
    From {
        /// The run's own network without a label, or the weak model's.
        network: &'a Network<f32>,
        /// Its first bias at this time.
        time_bias: Vec<f32>,
        /// The weight, other than 1.
        weight: f32,
    },
    /// `weight` times what the posterior mean of the class has more than that of all is added.
    Posterior {
        /// Of the class, and of all.
        of: Box<[Posterior; 2]>,
        /// The weight, other than 0.
        weight: f32,
    },
    /// `weight` times the shift of a classifier is added.
    Classifier {
        /// The classifier.
        classifier: &'a Classifier,
        /// The class.
        label: u32,
        /// The noise level.
        stage: &'a PlanStep,
        /// The weight, other than 0.
        weight: f64,
    },
}

/// Where a lead is worked out.
#[derive(Default)]
pub struct Room {
    work: Option<Workspace<f32>>,
    near: Vec<u32>,
}

impl Leader {
    /// Of a run.
    pub fn of(guidance: &Guidance) -> Self {
        let weak = match &guidance.by {
            GuideBy::WeakModel(weak) => Some(Network::new(weak.shape(), weak.weights())),
            _ => None,
        };
        Self {
            guidance: guidance.clone(),
            weak,
        }
    }

    /// The guidance.
    pub fn guidance(&self) -> &Guidance {
        &self.guidance
    }

    /// At a stage of a run that follows this network; `None` where it follows the exact x̂_0, to which classifier-free guidance adds nothing
    /// here: that is two posteriors of its own.
    pub fn at<'a>(&'a self, stage: &'a PlanStep, own: Option<&'a Network<f32>>) -> Lead<'a> {
        let Guidance {
            label, class, by, ..
        } = &self.guidance;
        let weight = self.guidance.weight_at(stage.scales);
        if weight == by.kind().idle_weight() {
            return Lead::Nowhere;
        }
        let from = |network: &'a Network<f32>, told| Lead::From {
            network,
            time_bias: network.time_bias(stage.tau, told),
            weight: weight as f32,
        };
        match (by, class, label) {
            (GuideBy::ClassifierFree, ..) => own.map_or(Lead::Nowhere, |own| from(own, None)),
            (GuideBy::WeakModel(_), ..) => {
                let weak = self.weak.as_ref();
                weak.map_or(Lead::Nowhere, |weak| from(weak, *label))
            }
            (GuideBy::Posterior(all), Some(class), _) => Lead::Posterior {
                of: Box::new(
                    [class, all].map(|of| Posterior::new(of, stage.scales, stage.quantity)),
                ),
                weight: weight as f32,
            },
            (GuideBy::Classifier(classifier), _, Some(label)) => Lead::Classifier {
                classifier,
                label: *label,
                stage,
                weight,
            },
            // Refused when the run began.
            _ => Lead::Nowhere,
        }
    }
}

impl Lead<'_> {
    /// Room to work in.
    pub fn room(&self) -> Room {
        let work = match self {
            Self::From { network, .. } => Some(Workspace::new(network.shape())),
            Self::Classifier { classifier, .. } => Some(classifier.workspace()),
            Self::Nowhere | Self::Posterior { .. } => None,
        };
        Room {
            work,
            near: Vec::new(),
        }
    }

    /// What the network's outputs become at up to a block of points.
    pub fn outputs(
        &self,
        points: &[[f32; 2]],
        input_scale: f32,
        outputs: &mut [[f32; 2]],
        room: &mut Room,
    ) {
        let (
            Self::From {
                network,
                time_bias,
                weight,
            },
            Some(work),
        ) = (self, &mut room.work)
        else {
            return;
        };
        let others = network.predict(points, input_scale, time_bias, work);
        for (output, other) in outputs.iter_mut().zip(others) {
            *output = guided(other.output, *output, *weight);
        }
    }

    /// What x̂_0 becomes there, or what stands in its place.
    pub fn shift(&self, points: &[[f32; 2]], x_0: &mut [[f32; 2]], room: &mut Room) {
        match (self, &mut room.work) {
            (Self::Posterior { of, weight }, _) => {
                let [class, all] = &**of;
                for (x_0, x) in x_0.iter_mut().zip(points) {
                    let own = class.mean(*x, &mut room.near);
                    let other = all.mean(*x, &mut room.near);
                    *x_0 = [0, 1].map(|axis| x_0[axis] + weight * (own[axis] - other[axis]));
                }
            }
            (
                Self::Classifier {
                    classifier,
                    label,
                    stage,
                    weight,
                },
                Some(work),
            ) => {
                let noised = |x: &[f32; 2]| Noised {
                    x: x.map(f64::from),
                    tau: stage.tau,
                    scales: stage.scales,
                };
                let noised: Vec<Noised> = points.iter().map(noised).collect();
                let shifts = classifier.shifts(*label, stage.quantity, &noised, work);
                for (x_0, shift) in x_0.iter_mut().zip(shifts) {
                    *x_0 = [0, 1].map(|axis| x_0[axis] + (weight * shift[axis]) as f32);
                }
            }
            _ => {}
        }
    }
}
