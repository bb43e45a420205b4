//! The bound as it is measured: of the network by runs of the lab, of the exact denoiser in a thread.

use std::sync::Arc;

use egui::Context;

use crate::desk::Desk;
use crate::desk::background::Background;
use crate::desk::run_slot::RunSlot;
use lab::elbo::{self, Whose};
use lab::message::Slot;
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::PlanContext;
use maths::measure::Estimate;
use maths::measure::elbo::{Bound, Draws, StepVariance};
use maths::measure::entropy::Entropy;

/// Points that are taken through all timesteps, where these are few.
const POINTS: u32 = 192;
/// Most components times points times timesteps for the exact denoiser: a second or two.
const EVALUATIONS: usize = 1 << 28;
/// Numbers of steps at which the exact bound is computed.
pub(super) const STEPS: [u32; 7] = [10, 20, 50, 100, 200, 500, 1000];

/// The bounds of one denoiser, in the order of [`StepVariance::ALL`].
pub(super) struct ByVariance {
    all: Vec<Option<Bound>>,
    /// Updates that the weights had seen; 0 of the exact one.
    pub(super) step: u64,
}

impl ByVariance {
    fn of(draws: &Draws, step: u64) -> Self {
        let all = StepVariance::ALL.map(|choice| Bound::of(draws, choice));
        Self {
            all: all.into(),
            step,
        }
    }

    /// By this choice of variance.
    pub(super) fn by(&self, choice: StepVariance) -> Option<&Bound> {
        let at = StepVariance::ALL.iter().position(|one| *one == choice)?;
        self.all.get(at)?.as_ref()
    }
}

/// What is true of the data and the schedule.
pub(super) struct Truth {
    pub(super) bounds: ByVariance,
    pub(super) entropy: Entropy,
}

/// How far the exact bound lies above the entropy by so many steps, for each choice of variance.
pub(super) type ByStep = (u32, Vec<Option<Estimate>>);

/// What a bound follows from.
#[derive(Clone)]
struct Case {
    mixture: Arc<Mixture>,
    schedule: Schedule,
    timesteps: u32,
    seed: u64,
}

impl PartialEq for Case {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mixture, &other.mixture)
            && (self.schedule, self.timesteps, self.seed)
                == (other.schedule, other.timesteps, other.seed)
    }
}

impl Case {
    fn of(desk: &Desk) -> Self {
        let experiment = &desk.here.snapshot.experiment;
        Self {
            mixture: desk.here.snapshot.dataset.mixture.clone(),
            schedule: experiment.schedule,
            timesteps: experiment.timesteps,
            seed: experiment.seed,
        }
    }

    fn exact(&self, timesteps: u32) -> Draws {
        let each = self.mixture.components.len() * timesteps as usize;
        let count = (EVALUATIONS / each.max(1)).clamp(32, POINTS as usize);
        Draws::exact(&self.mixture, self.schedule, timesteps, count, self.seed)
    }
}

/// What a run of the network follows from, beside its weights.
#[derive(Clone, PartialEq)]
struct Asked {
    case: Case,
    context: PlanContext,
    says_variance: bool,
    clip: Option<Bounds>,
}

/// All of it, on one side.
pub(super) struct Measured {
    runs: RunSlot<Asked>,
    reading: Background<u64, ByVariance>,
    learned: Option<(Case, Arc<ByVariance>)>,
    truth: Background<Case, Truth>,
    by_steps: Background<Case, Vec<ByStep>>,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            runs: RunSlot::new(Slot::Bound),
            reading: Background::default(),
            learned: None,
            truth: Background::default(),
            by_steps: Background::default(),
        }
    }
}

impl Measured {
    /// Ask for what is missing, and take what is there.
    pub(super) fn keep(&mut self, ctx: &Context, desk: &Desk) {
        let case = Case::of(desk);
        let snapshot = &desk.here.snapshot;
        let (experiment, dataset) = (&snapshot.experiment, &snapshot.dataset);
        let points = elbo::points_of_a_run(experiment.timesteps, POINTS);
        let says_variance = elbo::says_variance(experiment, Whose::Learned);
        let asked = Asked {
            case: case.clone(),
            context: experiment.plan_context(),
            says_variance,
            clip: experiment.clip.then(|| dataset.clip_box(experiment.fresh)),
        };
        self.runs.want(desk, asked, || {
            elbo::request(experiment, dataset, Whose::Learned, points)
        });
        self.learned.take_if(|(of, _)| *of != case);
        match self.runs.shown() {
            Some(result) if self.runs.is_answered() => {
                let (of, frames, step) = (case.clone(), result.host.clone(), result.step);
                let bounds = self.reading.follow(ctx, result.version, move || {
                    let frames = frames.as_deref().map_or(&[][..], Vec::as_slice);
                    let draws = Draws::of_frames(
                        &of.mixture,
                        of.schedule,
                        of.timesteps,
                        frames,
                        says_variance,
                    );
                    draws.map_or_else(ByVariance::none, |draws| ByVariance::of(&draws, step))
                });
                if let Some(bounds) = bounds {
                    self.learned = Some((case.clone(), bounds));
                }
            }
            Some(_) => {}
            None => self.learned = None,
        }
        let of = case.clone();
        self.truth.follow(ctx, case.clone(), move || {
            let draws = of.exact(of.timesteps);
            Truth {
                bounds: ByVariance::of(&draws, 0),
                entropy: elbo::entropy(&of.mixture),
            }
        });
    }

    /// Ask for the bound by the number of steps.
    pub(super) fn keep_by_steps(&mut self, ctx: &Context, desk: &Desk) {
        // It is of all T alike, but for the literal table, which is a table of its own for each.
        let case = Case {
            timesteps: 0,
            ..Case::of(desk)
        };
        let of = case.clone();
        self.by_steps.follow(ctx, case, move || {
            let at = |timesteps: u32| {
                let bounds = ByVariance::of(&of.exact(timesteps), 0);
                let above = bounds
                    .all
                    .iter()
                    .map(|bound| bound.as_ref().map(|bound| bound.above_entropy));
                (timesteps, above.collect())
            };
            STEPS.map(at).into()
        });
    }

    /// Of the network, as measured last.
    pub(super) fn learned(&self) -> Option<Arc<ByVariance>> {
        self.learned.as_ref().map(|(_, bounds)| bounds.clone())
    }

    /// Of the exact denoiser.
    pub(super) fn truth(&self) -> Option<Arc<Truth>> {
        self.truth.value()
    }

    /// Of the exact denoiser by the number of steps.
    pub(super) fn by_steps(&self) -> Option<Arc<Vec<ByStep>>> {
        self.by_steps.value()
    }

    /// True while a thread computes.
    pub(super) fn is_busy(&self) -> bool {
        self.reading.is_busy() || self.truth.is_busy() || self.by_steps.is_busy()
    }

    /// The chapter closes.
    pub(super) fn leave(&mut self, desk: &Desk) {
        self.runs.end(desk);
        self.learned = None;
    }
}

impl ByVariance {
    /// Of a run that holds nothing.
    fn none() -> Self {
        Self {
            all: Vec::new(),
            step: 0,
        }
    }
}
