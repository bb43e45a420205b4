//! What each of several weights does to the cloud: measured one after the other, and again as the network's weights change.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::Context;

use super::{Guidance, Lead, Of};
use crate::chapters::shared::chain::ChainWish;
use crate::desk::Desk;
use crate::desk::background::Background;
use crate::desk::run_slot::RunSlot;
use engine::GuideKind;
use engine::network::layout::NetworkShape;
use lab::guided::{ClassYardstick, GuidedWorth};
use lab::message::{RunResult, Slot};
use maths::measure::MeasureError;

/// The weights of the curves.
const WEIGHTS: [f64; 11] = [-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0];
/// Once all is measured, a training has so many times as long between two measurements as one takes.
const REST: f64 = 7.0;
/// A picture waits so long for a lab that has not taken up what it was asked for, and so long for one that has.
const PATIENCE: Duration = Duration::from_secs(1);
const LONG_PATIENCE: Duration = Duration::from_mins(1);

/// What the measurements are of, beside the weight.
#[derive(Clone, PartialEq)]
struct Case {
    data: Of,
    /// The chain by weight 1, which says the rest.
    wish: ChainWish,
    lead: Lead,
    shape: NetworkShape,
}

/// What one weight has given.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub weight: f64,
    pub worth: GuidedWorth,
    /// Updates that the network's weights had seen; 0 by the exact field.
    pub step: u64,
}

/// What is known, and what is being measured.
pub(super) struct Weights {
    of: Option<Case>,
    found: Vec<Found>,
    /// The weight on show.
    on_show: Option<f64>,
    yardstick: Background<(Of, Option<u32>), Option<ClassYardstick>>,
    slot: RunSlot<(ChainWish, u64)>,
    /// The weight that is run, and the wish.
    under_way: Option<(f64, ChainWish)>,
    /// Since when, and whether the lab has what was asked for.
    since: Option<Instant>,
    is_taken_up: bool,
    number: u64,
    judging: Option<Arc<RunResult>>,
    judged: Background<u64, Option<Result<GuidedWorth, MeasureError>>>,
    /// Weights whose samples cannot be measured, by how many updates, and why.
    failed: Vec<(f64, u64, String)>,
    rest_until: Option<Instant>,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            of: None,
            found: Vec::new(),
            on_show: None,
            yardstick: Background::default(),
            slot: RunSlot::new(Slot::GuidedWeights),
            under_way: None,
            since: None,
            is_taken_up: false,
            number: 0,
            judging: None,
            judged: Background::default(),
            failed: Vec::new(),
            rest_until: None,
        }
    }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

impl Weights {
    /// What a weight has given.
    pub fn found(&self, weight: f64) -> Option<&Found> {
        self.found.iter().find(|found| same(found.weight, weight))
    }

    /// All that is known, by weight.
    pub fn all(&self) -> &[Found] {
        &self.found
    }

    /// Why the samples of a weight cannot be measured.
    pub fn failed(&self, weight: f64) -> Option<&str> {
        let mut failed = self.failed.iter();
        let (.., why) = failed.find(|(of, ..)| same(*of, weight))?;
        Some(why)
    }

    fn is_known(&self, weight: f64) -> bool {
        self.found(weight).is_some() || self.failed(weight).is_some()
    }

    /// True while something is measured for the first time.
    pub fn is_busy(&self) -> bool {
        let mut wanted = WEIGHTS.iter().chain(&self.on_show);
        let all = wanted.all(|weight| self.is_known(*weight));
        let patience = if self.is_taken_up {
            LONG_PATIENCE
        } else {
            PATIENCE
        };
        let waits = self.since.is_some_and(|since| since.elapsed() < patience);
        let is_on_its_way = self.under_way.is_some() && (self.judging.is_some() || waits);
        !all && self.of.is_some() && (is_on_its_way || self.yardstick.is_busy())
    }

    fn end_run(&mut self, desk: &Desk) {
        self.slot.leave(desk);
        (self.under_way, self.judging) = (None, None);
    }

    /// Nothing is known any more. The chapter that closes does not see what becomes of the weights.
    pub fn forget(&mut self, desk: &Desk) {
        self.found.clear();
        self.failed.clear();
        self.rest_until = None;
        self.end_run(desk);
        self.slot.forget();
    }

    /// Take the samples that have arrived.
    fn take_run(&mut self, desk: &Desk) {
        if self.judging.is_none() && self.under_way.is_some() {
            self.slot.take_news(desk);
            let answer = self.slot.shown().filter(|_| self.slot.is_answered());
            self.judging = answer.cloned();
        }
    }

    /// Judge them, and take what that gives.
    fn take_judgement(&mut self, ctx: &Context, yardstick: &Arc<Option<ClassYardstick>>) {
        let (Some(result), Some((weight, _))) = (self.judging.clone(), self.under_way.clone())
        else {
            return;
        };
        let (yardstick, run) = (yardstick.clone(), result.clone());
        // Away from a weak model the field is no tilted density's.
        let led = run.request.guidance.as_ref().map(|led| led.by.kind());
        let tilt = (led != Some(GuideKind::Model)).then_some(weight);
        let judged = self.judged.follow(ctx, result.version, move || {
            let samples = run.host.as_deref()?;
            let ends = &samples[samples.len().saturating_sub(run.recording.particles)..];
            Some((*yardstick).as_ref()?.judge(ends, tilt))
        });
        let Some(judged) = judged else { return };
        self.found.retain(|found| !same(found.weight, weight));
        self.failed.retain(|(of, ..)| !same(*of, weight));
        let step = if result.request.exact { 0 } else { result.step };
        match *judged {
            Some(Ok(worth)) => {
                self.found.push(Found {
                    weight,
                    worth,
                    step,
                });
                self.found.sort_by(|a, b| a.weight.total_cmp(&b.weight));
            }
            Some(Err(ref error)) => self.failed.push((weight, step, error.to_string())),
            None => {}
        }
        (self.judging, self.under_way) = (None, None);
        self.rest_until = Some(Instant::now() + Duration::from_secs_f64(REST * result.secs));
    }

    /// Whose turn it is: what was never measured, the weight on show first; then what is oldest.
    fn next(&self, ctx: &Context, trains: bool, follow: bool, now: u64, shown: f64) -> Option<f64> {
        let mut wanted = std::iter::once(shown).chain(WEIGHTS);
        if let Some(missing) = wanted.find(|weight| !self.is_known(*weight)) {
            return Some(missing);
        }
        let found = self.found.iter().map(|found| (found.weight, found.step));
        let failed = self.failed.iter().map(|(weight, step, _)| (*weight, *step));
        let old = found.chain(failed).filter(|(_, step)| *step < now);
        let (oldest, _) = old.min_by_key(|(_, step)| *step)?;
        if trains {
            let rest = self.rest_until?.saturating_duration_since(Instant::now());
            if !follow {
                return None;
            }
            if !rest.is_zero() {
                ctx.request_repaint_after(rest);
                return None;
            }
        }
        follow.then_some(oldest)
    }
}

impl Guidance {
    /// Take what has arrived, and ask for what is missing or old.
    pub(super) fn follow_weights(&mut self, ctx: &Context, desk: &Desk) {
        let data = Of(desk.here.snapshot.dataset.clone());
        let Some(wish) = self.wish(desk, 1.0, false) else {
            (self.weights.of, self.weights.on_show) = (None, None);
            return self.weights.forget(desk);
        };
        let case = Case {
            data: data.clone(),
            wish,
            shape: desk.here.snapshot.experiment.shape(),
            lead: Lead {
                weight: 0.0,
                ..self.lead
            },
        };
        if self.weights.of.as_ref() != Some(&case) {
            self.weights.of = Some(case);
            self.weights.forget(desk);
        }
        let (label, exact) = (self.asked_class(desk), self.exact(desk));
        let now = if exact { 0 } else { desk.here.snapshot.step };
        let (weight, trains) = (self.lead.weight, desk.here.is_training() && !exact);
        let weights = &mut self.weights;
        weights.on_show = Some(weight);
        weights.is_taken_up = desk.here.snapshot.runs.contains_key(&Slot::GuidedWeights);
        let kept = |of: f64, step: u64| {
            let wanted = same(of, weight) || WEIGHTS.iter().any(|w| same(*w, of));
            // Weights that are gone: the training began anew, or went back.
            wanted && step <= now
        };
        weights.found.retain(|found| kept(found.weight, found.step));
        weights.failed.retain(|(of, step, _)| kept(*of, *step));
        let made = weights
            .yardstick
            .follow(ctx, (data.clone(), label), move || {
                ClassYardstick::new(&data.0, label)
            });
        let Some(yardstick) = made else { return };
        weights.take_run(desk);
        weights.take_judgement(ctx, &yardstick);
        if weights.under_way.is_none()
            && let Some(next) = weights.next(ctx, trains, self.show.follow, now, weight)
            && let Some(wish) = self.wish(desk, next, false)
        {
            self.weights.number += 1;
            self.weights.since = Some(Instant::now());
            self.weights.under_way = Some((next, wish));
        }
        let weights = &mut self.weights;
        if let Some((_, wish)) = weights
            .under_way
            .clone()
            .filter(|_| weights.judging.is_none())
        {
            let key = (wish.clone(), weights.number);
            weights.slot.want(desk, key, || wish.request_ends());
        }
    }
}
