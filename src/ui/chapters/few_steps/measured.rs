//! What is measured of the paths: runs of the lab, and their numbers in a thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::Context;

use crate::desk::Desk;
use crate::desk::background::Background;
use crate::desk::run_slot::RunSlot;
use engine::Start;
use engine::network::objective::ObjectiveChoice;
use lab::experiment::Experiment;
use lab::few_steps::{ADAPTIVE, Numbers, PATH_STEPS, Recorded, pairs_of};
use lab::message::{Command, Order, RunRequest, RunResult, Side, Slot};
use lab::setup::Setup;
use maths::data::dataset::Dataset;
use maths::diffusion::solver::{Plan, Sampler};

/// Paths on the canvas.
const SHOWN: u32 = 48;
/// Paths that are measured, and samples whose distance is.
const MEASURED: u32 = 512;
/// Pairs that reflow trains on.
const PAIRS: u32 = 8192;
/// Between two measurements while the weights change.
const REST: Duration = Duration::from_secs(2);
/// Key of all starts: those of A and B are the same.
const SEED: u64 = 0x6665_7720;

/// What a run of this chapter follows from, beside its weights.
#[derive(Clone, PartialEq)]
struct Asked {
    experiment: Arc<Experiment>,
    dataset: *const Dataset,
}

/// All of it, on one side.
pub(super) struct Measured {
    paths: RunSlot<Asked>,
    many: RunSlot<Asked>,
    one_step: RunSlot<Asked>,
    adaptive: RunSlot<Asked>,
    pairs: RunSlot<u64>,
    /// How often pairs were asked for; the wish that waits for its pairs.
    wishes: u64,
    waits: bool,
    /// Of which training pairs were asked for, and after how many updates.
    wished: Option<(Asked, u64)>,
    /// Why the last pairs were not made.
    why_not: Option<String>,
    numbers: Background<[u64; 3], Option<Numbers>>,
    shown: Option<Arc<Option<Numbers>>>,
    /// The versions that are measured, and when that began.
    of: Option<([u64; 3], Instant)>,
    asked: Option<Asked>,
    /// Other runs have come in since.
    is_behind: bool,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            paths: RunSlot::new(Slot::FewPaths),
            many: RunSlot::new(Slot::ManyPaths),
            one_step: RunSlot::new(Slot::OneStep),
            adaptive: RunSlot::new(Slot::Adaptive),
            pairs: RunSlot::new(Slot::Pairs),
            wishes: 0,
            waits: false,
            wished: None,
            why_not: None,
            numbers: Background::default(),
            shown: None,
            of: None,
            asked: None,
            is_behind: false,
        }
    }
}

/// A plan of what runs here.
fn plan(desk: &Desk, sampler: Sampler, steps: u32) -> Plan {
    let (experiment, dataset) = (&desk.here.snapshot.experiment, &desk.here.snapshot.dataset);
    let clip = (experiment.clip).then(|| dataset.clip_box(experiment.fresh));
    sampler.plan(steps, experiment.plan_context(), clip)
}

fn request(plan: Plan, count: u32, every: u32) -> RunRequest {
    RunRequest {
        start: Start::Noise(count),
        seed: SEED,
        every,
        ..RunRequest::at(Arc::default(), plan, false)
    }
}

impl Measured {
    /// Ask for what is missing, and take what is there.
    pub(super) fn keep(&mut self, ctx: &Context, desk: &Desk) {
        let snapshot = &desk.here.snapshot;
        let asked = Asked {
            experiment: snapshot.experiment.clone(),
            dataset: Arc::as_ptr(&snapshot.dataset),
        };
        if self.asked.as_ref() != Some(&asked) {
            (self.shown, self.of) = (None, None);
            self.asked = Some(asked.clone());
        }
        let by = |sampler, steps, count, every| {
            move || request(plan(desk, sampler, steps), count, every)
        };
        let euler = Sampler::FlowEuler;
        self.paths
            .want(desk, asked.clone(), by(euler, PATH_STEPS, SHOWN, 1));
        self.many
            .want(desk, asked.clone(), by(euler, PATH_STEPS, MEASURED, 1));
        self.one_step
            .want(desk, asked.clone(), by(euler, 1, MEASURED, 1));
        self.adaptive
            .want(desk, asked, by(ADAPTIVE, 8, MEASURED, 8));
        self.measure(ctx, desk);
        self.reflow(desk);
    }

    fn measure(&mut self, ctx: &Context, desk: &Desk) {
        let snapshot = &desk.here.snapshot;
        let runs = [&self.many, &self.one_step, &self.adaptive];
        let results: Vec<_> = runs
            .iter()
            .filter(|run| run.is_answered())
            .filter_map(|run| run.shown().cloned())
            .collect();
        let Ok([many, one_step, adaptive]) = <[Arc<RunResult>; 3]>::try_from(results) else {
            return;
        };
        let versions = [many.version, one_step.version, adaptive.version];
        let rested = (self.of).is_none_or(|(_, began)| began.elapsed() > REST);
        let of = match self.of {
            Some((of, _)) if of == versions || !rested || self.numbers.is_busy() => of,
            _ => {
                self.of = Some((versions, Instant::now()));
                versions
            }
        };
        self.is_behind = of != versions;
        if self.is_behind {
            ctx.request_repaint_after(REST);
        }
        let (experiment, dataset) = (snapshot.experiment.clone(), snapshot.dataset.clone());
        let numbers = self.numbers.follow(ctx, of, move || {
            let ends = |result: &RunResult| {
                let count = result.recording.particles;
                let host = result.host.clone().unwrap_or_default();
                Arc::new(host[host.len().saturating_sub(count)..].to_vec())
            };
            let recorded = Recorded {
                taus: many.recording.taus.clone(),
                paths: many.host.clone().unwrap_or_default(),
                one_step: ends(&one_step),
                adaptive: ends(&adaptive),
            };
            // What it is trained to is not asked here, and a teacher is not at hand.
            let (objective, dataset) = (ObjectiveChoice::Denoise, Dataset::clone(&dataset));
            let experiment = Experiment {
                objective,
                ..Experiment::clone(&experiment)
            };
            let setup = Setup::taught(experiment, dataset, None).ok()?;
            Numbers::of(&setup, many.step, &recorded).ok()
        });
        if numbers.is_some() {
            self.shown = numbers;
        }
    }

    /// Ask for the pairs of this side's model, to be trained on by B.
    pub(super) fn want_pairs(&mut self) {
        self.wishes += 1;
        self.waits = true;
        (self.wished, self.why_not) = (None, None);
    }

    /// Why the last pairs were not made.
    pub(super) fn why_not(&self) -> Option<&str> {
        self.why_not.as_deref()
    }

    /// Give up the pairs that are being made.
    pub(super) fn stop_pairs(&mut self, desk: &Desk) {
        self.waits = false;
        self.pairs.end(desk);
    }

    /// The share of the pairs that is made, while they are.
    pub(super) fn pairs_progress(&self, desk: &Desk) -> Option<f32> {
        self.waits.then(|| self.pairs.progress(desk).unwrap_or(0.0))
    }

    fn reflow(&mut self, desk: &Desk) {
        if !self.waits {
            return;
        }
        let Some(asked) = self.asked.clone() else {
            return;
        };
        let now = desk.here.snapshot.step;
        let wished = self.wished.get_or_insert_with(|| (asked.clone(), now));
        // Pairs of another training than that of the click are not wanted.
        if wished.0 != asked || now < wished.1 {
            let why = "The training has changed while its pairs were made: press Reflow again.";
            self.why_not = Some(why.to_owned());
            return self.stop_pairs(desk);
        }
        self.pairs.want(desk, self.wishes, || {
            let plan = plan(desk, Sampler::Heun, PATH_STEPS);
            let every = plan.steps.len().max(1) as u32;
            RunRequest {
                follow: false,
                // Another wish has other starts.
                seed: SEED.wrapping_add(self.wishes),
                ..request(plan, PAIRS, every)
            }
        });
        let Some(result) = self.pairs.shown().filter(|_| self.pairs.is_answered()) else {
            return;
        };
        let host = result.host.clone().unwrap_or_default();
        match pairs_of(&host, result.recording.particles) {
            Ok(pairs) => {
                // A stays as it is; B begins as a copy of it, unless it is B that goes on.
                if desk.side() == Side::A {
                    desk.order(Order::Equalise);
                }
                desk.order(Order::To(Side::B, Command::TrainOnPairs(Arc::new(pairs))));
            }
            Err(error) => self.why_not = Some(error),
        }
        self.waits = false;
        self.pairs.end(desk);
    }

    /// The paths on the canvas.
    pub(super) fn paths(&self) -> Option<&Arc<RunResult>> {
        self.paths.shown()
    }

    /// The numbers, as measured last.
    pub(super) fn numbers(&self) -> Option<Numbers> {
        self.shown.as_ref().and_then(|numbers| **numbers)
    }

    /// True while a thread computes.
    pub(super) fn is_busy(&self) -> bool {
        self.numbers.is_busy() || self.is_behind
    }

    /// The chapter closes.
    pub(super) fn leave(&mut self, desk: &Desk) {
        for run in [
            &mut self.paths,
            &mut self.many,
            &mut self.one_step,
            &mut self.adaptive,
        ] {
            run.end(desk);
        }
        self.stop_pairs(desk);
        self.is_behind = false;
        (self.shown, self.of, self.asked) = (None, None, None);
    }
}
