//! The runs behind the chapter: what is asked for, one after the other where one follows from another.

use std::sync::Arc;

use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use engine::Start;
use lab::message::{RunRequest, RunResult, Slot};
use maths::data::bounds::Bounds;
use maths::data::dataset::Dataset;
use maths::diffusion::solver::{Plan, PlanContext, Sampler, Variance, Wanted, noised};

/// The methods of the ODE, in the order of the menu.
pub const METHODS: [Sampler; 3] = [Sampler::Euler, Sampler::Heun, Sampler::Rk4];
/// What fills in and what lets a cloud go.
const ANCESTRAL: Sampler = Sampler::Ddpm(Variance::BetaTilde);
/// The same where noise leads elsewhere than to the data.
const WITHOUT_NOISE: Sampler = Sampler::Ddim { eta: 0.0 };
/// Samples where a coordinate is held.
const HELD: u32 = 1000;

/// What is carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// Up to the noise and down again.
    RoundTrip(Sampler, Vec<[f32; 2]>),
    /// Down from latents.
    Down(Sampler, Vec<[f32; 2]>),
    /// From a cloud that is noised to t/T.
    FromCloud(f64, Vec<[f32; 2]>),
    /// From noise with coordinates held, each step taken so often.
    Held([Wanted; 2], u32),
}

/// What a run depends on besides weights and data.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// What is carried out.
    pub job: Job,
    /// In how many steps.
    pub steps: u32,
    context: PlanContext,
    clip: Option<Bounds>,
    lets_go: Sampler,
    seed: u64,
    exact: bool,
    follow: bool,
}

impl Wish {
    /// Of the experiment on show; by the exact field or by the network, and again as it learns.
    pub fn new(desk: &Desk, job: Job, steps: u32, (exact, follow): (bool, bool)) -> Self {
        let snapshot = &desk.here.snapshot;
        let experiment = &snapshot.experiment;
        Self {
            job,
            steps: steps.min(experiment.timesteps),
            context: experiment.plan_context(),
            // The exact x̂_0 lies where it should.
            clip: (experiment.clip && !exact)
                .then_some(snapshot.dataset.clip_box(experiment.fresh)),
            lets_go: if exact || experiment.is_plainly_paired() {
                ANCESTRAL
            } else {
                WITHOUT_NOISE
            },
            seed: experiment.seed,
            exact,
            follow,
        }
    }

    /// Once, whatever is trained meanwhile.
    #[must_use]
    pub fn once(self) -> Self {
        Self {
            follow: false,
            ..self
        }
    }

    fn plan(&self) -> Option<Plan> {
        let Self {
            steps,
            context,
            clip,
            lets_go,
            ..
        } = *self;
        match &self.job {
            Job::RoundTrip(sampler, _) => sampler.round_trip(None, steps, context, clip),
            Job::Down(sampler, _) => Some(sampler.plan(steps, context, clip)),
            Job::FromCloud(tau, _) => Some(lets_go.plan_from(*tau, None, steps, context, clip)),
            Job::Held(wanted, times) => {
                let plan = lets_go.plan(steps, context, clip);
                plan.held(*wanted, *times, context).ok()
            }
        }
    }

    fn request(&self) -> Option<RunRequest> {
        let start = match &self.job {
            Job::RoundTrip(_, points) | Job::Down(_, points) => {
                Start::Points(Arc::new(points.clone()))
            }
            Job::FromCloud(tau, points) => {
                let along = (self.context.schedule, self.context.timesteps);
                Start::Points(Arc::new(noised(points, along, *tau, self.seed)))
            }
            Job::Held(..) => Start::Noise(HELD),
        };
        if start.is_empty() {
            return None;
        }
        Some(RunRequest {
            start,
            seed: self.seed,
            every: match self.job {
                Job::RoundTrip(..) => 1,
                _ => u32::MAX,
            },
            follow: self.follow && !self.exact,
            ..RunRequest::at(Arc::default(), self.plan()?, self.exact)
        })
    }
}

/// The frames of a result: one slice each.
pub fn frames(result: &RunResult) -> impl DoubleEndedIterator<Item = &[[f32; 2]]> {
    let points = result.host.as_deref().map_or(&[][..], Vec::as_slice);
    points.chunks_exact(result.recording.particles.max(1))
}

/// The last frame.
pub fn ends(result: &RunResult) -> &[[f32; 2]] {
    frames(result).next_back().unwrap_or_default()
}

/// Where a round trip is at t = T: the latents.
pub fn latents(result: &RunResult) -> &[[f32; 2]] {
    let taus = &result.recording.taus;
    let top = (0..taus.len()).max_by(|&a, &b| taus[a].total_cmp(&taus[b]));
    let frame = top.and_then(|top| frames(result).nth(top));
    frame.unwrap_or_default()
}

/// Mean distance of points to where they were.
pub fn mean_distance(points: &[[f32; 2]], were: &[[f32; 2]], factor: f64) -> Option<f64> {
    let far = |(p, q): (&[f32; 2], &[f32; 2])| {
        let [dx, dy] = [0, 1].map(|i| factor * f64::from(p[i]) - f64::from(q[i]));
        dx.hypot(dy)
    };
    let sum: f64 = points.iter().zip(were).map(far).sum();
    (!points.is_empty() && points.len() == were.len()).then(|| sum / points.len() as f64)
}

/// What comes back of a round trip against where it began: the error of the solver, and that after the landing.
pub fn round_trip_errors(result: &RunResult) -> Option<[f64; 2]> {
    let were = frames(result).next()?;
    let landed = ends(result);
    let before = frames(result).rev().nth(1)?;
    let factor = result.request.plan.before_landing();
    Some([
        mean_distance(before, were, factor)?,
        mean_distance(landed, were, 1.0)?,
    ])
}

/// One number after the other of runs that differ in one thing.
pub struct Series {
    slot: RunSlot<(usize, Wish)>,
    wishes: Vec<Wish>,
    /// Updates of the weights that were measured.
    step: u64,
    values: Vec<[f64; 2]>,
    /// The data that they are of.
    data: Option<*const Dataset>,
}

impl Series {
    fn of(edit: usize) -> Self {
        Self {
            slot: RunSlot::new(Slot::EditSeries(edit)),
            wishes: Vec::new(),
            step: 0,
            values: Vec::new(),
            data: None,
        }
    }

    /// Measure these, one a run. Where nothing trains, again when the weights are others.
    pub fn follow(
        &mut self,
        desk: &Desk,
        wishes: Vec<Wish>,
        measure: impl Fn(&RunResult) -> Option<[f64; 2]>,
    ) {
        let step = desk.here.snapshot.step;
        let learned = wishes.first().is_some_and(|wish| !wish.exact);
        let data = Some(Arc::as_ptr(&desk.here.snapshot.dataset));
        let is_old = learned && !desk.here.is_training() && self.step != step;
        if is_old || self.wishes != wishes || self.data != data {
            self.data = data;
            self.slot.end(desk);
            (self.wishes, self.step) = (wishes, step);
            self.values.clear();
        }
        self.slot.take_news(desk);
        let answer = self.slot.shown().filter(|_| self.slot.is_answered());
        let missing = self.values.len() < self.wishes.len();
        if let Some(values) = answer
            .filter(|_| missing)
            .and_then(|result| measure(result))
        {
            self.values.push(values);
        }
        let next = self.values.len();
        if let Some(wish) = self.wishes.get(next) {
            self.slot
                .want(desk, (next, wish.clone()), || wish.request());
        }
    }

    /// What is measured so far, in the order of the wishes.
    pub fn values(&self) -> impl Iterator<Item = (&Wish, [f64; 2])> {
        self.wishes.iter().zip(self.values.iter().copied())
    }
}

/// All runs of the chapter.
pub struct EditRuns {
    /// What is drawn.
    pub main: RunSlot<Wish>,
    /// What it begins from, or is held against.
    pub beside: RunSlot<Wish>,
    /// What is measured along one setting.
    pub series: Series,
}

impl Default for EditRuns {
    fn default() -> Self {
        Self::of(0)
    }
}

impl EditRuns {
    /// Of the edit with this number: each has slots of its own, so that no result of another is taken for its own.
    fn of(edit: usize) -> Self {
        Self {
            main: RunSlot::new(Slot::Edited(edit)),
            beside: RunSlot::new(Slot::EditedBeside(edit)),
            series: Series::of(edit),
        }
    }

    /// Another edit is chosen.
    pub fn turn_to(&mut self, edit: usize, desk: &Desk) {
        self.end(desk);
        *self = Self::of(edit);
    }

    /// Ask for what is drawn.
    pub fn want(&mut self, desk: &Desk, wish: &Wish) {
        // A hand that drags is not to outrun its own answers.
        self.main
            .want_patiently(desk, wish.clone(), || wish.request());
    }

    /// Ask for what stands beside it.
    pub fn want_beside(&mut self, desk: &Desk, wish: &Wish) {
        self.beside
            .want_patiently(desk, wish.clone(), || wish.request());
    }

    /// Nothing runs unseen, and nothing is shown any more.
    pub fn end(&mut self, desk: &Desk) {
        self.main.end(desk);
        self.beside.end(desk);
        self.series.slot.end(desk);
        self.series.wishes.clear();
        self.series.values.clear();
    }
}
