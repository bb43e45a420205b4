//! What each sampler reaches by each count of steps: measured one after the other, and again as the weights change.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::Context;

use super::PARTICLES;
use crate::chapters::shared::chain::{Chain, ChainWish, Field};
use crate::desk::Desk;
use crate::desk::background::Background;
use crate::desk::run_slot::RunSlot;
use engine::Start;
use lab::choice::Choice;
use lab::contest::{Judged, Sampled, Scored, Yardstick, plan_to_the_end, tell_orders};
use lab::contest_table::Row;
use lab::entrant::Entrant;
use lab::message::{RunRequest, RunResult, Slot};
use maths::data::dataset::Dataset;
use maths::diffusion::solver::Sampler;
use maths::measure::trajectories::rms_distance;
use maths::measure::{Estimate, MeasureError};

/// Once all is measured, a training has so many times as long between two measurements as one takes.
const REST: f64 = 7.0;

/// A picture waits so long for a lab that has not taken up what it was asked for.
const PATIENCE: Duration = Duration::from_secs(1);
/// And so long for one that has.
const LONG_PATIENCE: Duration = Duration::from_mins(1);

/// Stands for where the flow leads, which is run by a plan of its own.
const FLOW: Choice = Choice {
    sampler: Sampler::Rk4,
    steps: 1,
    placement: None,
};

/// What all measurements share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// By the exact x̂_0.
    pub exact: bool,
    /// Measure again as the weights change.
    pub follow: bool,
    /// Which noise.
    pub noise: u64,
}

/// The data that are measured against.
#[derive(Clone)]
struct Against(Arc<Dataset>);

impl PartialEq for Against {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What is under way: the run of a sampler, or of the flow to its end.
#[derive(Clone, Debug, PartialEq)]
enum Under {
    Way(Entrant),
    ToTheEnd,
}

/// A wish of the slot: the number makes each another one.
type Wish = (Under, ChainWish, u64);

/// What one has reached, and when.
pub struct Found {
    /// The numbers.
    pub scored: Scored,
    /// Updates that the weights had seen.
    pub step: u64,
    /// Updates when it was asked for: an answer by older weights is not asked for again before there are newer ones.
    asked: u64,
    /// By the exact field: of no update.
    exact: bool,
    /// It leads to where the flow does, but for its error.
    follows_the_flow: bool,
    ends: Vec<[f32; 2]>,
}

impl Found {
    /// Of which update it is; the exact field is of none.
    pub fn update(&self) -> Option<u64> {
        (!self.exact).then_some(self.step)
    }
}

/// What is known, and what is being measured.
pub struct Contest {
    of: Option<(Against, ChainWish)>,
    found: Vec<Found>,
    yardstick: Background<Against, Result<Yardstick, MeasureError>>,
    slot: RunSlot<Wish>,
    /// What is asked for, and since when.
    under_way: Option<(Under, Instant)>,
    /// Updates when it was asked for.
    asked: u64,
    number: u64,
    judging: Option<Arc<RunResult>>,
    judged: Background<u64, Result<Judged, MeasureError>>,
    /// Where the flow of these weights leads.
    flow: Option<(u64, Vec<[f32; 2]>)>,
    /// Updates when that was asked for last.
    flow_asked: Option<u64>,
    /// Who was not to be measured, and by what weights.
    failed: Vec<(Entrant, u64, String)>,
    rest_until: Option<Instant>,
    progress: [usize; 2],
    /// The lab has what was asked for.
    is_taken_up: bool,
    /// One of the wanted was never measured, or it is not known where the flow leads.
    is_missing: bool,
}

impl Default for Contest {
    fn default() -> Self {
        Self {
            of: None,
            found: Vec::new(),
            yardstick: Background::default(),
            slot: RunSlot::new(Slot::Contest),
            under_way: None,
            asked: 0,
            number: 0,
            judging: None,
            judged: Background::default(),
            flow: None,
            flow_asked: None,
            failed: Vec::new(),
            rest_until: None,
            progress: [0; 2],
            is_taken_up: false,
            is_missing: true,
        }
    }
}

impl Contest {
    /// What one has reached.
    pub fn found(&self, entrant: &Entrant) -> Option<&Found> {
        self.found
            .iter()
            .find(|found| found.scored.entrant == *entrant)
    }

    /// What draws of the data score against draws.
    pub fn floor(&self) -> Option<Estimate> {
        let yardstick = self.yardstick.value()?;
        Some(yardstick.as_ref().as_ref().ok()?.floor())
    }

    /// Why nothing can be measured, or the last could not.
    pub fn refusal(&self) -> Option<String> {
        let refused = self.yardstick.value();
        let refused =
            refused.and_then(|made| made.as_ref().as_ref().err().map(ToString::to_string));
        refused.or_else(|| Some(self.failed.last()?.2.clone()))
    }

    /// How many of the wanted are measured by the present weights, and how many there are.
    pub fn progress(&self) -> [usize; 2] {
        self.progress
    }

    /// True while something is missing that is on its way: of a lab that does not answer nothing is.
    pub fn is_busy(&self) -> bool {
        let patience = if self.is_taken_up {
            LONG_PATIENCE
        } else {
            PATIENCE
        };
        let waits = self
            .under_way
            .as_ref()
            .is_some_and(|(_, since)| since.elapsed() < patience);
        let is_on_its_way = self.yardstick.is_busy() || self.judging.is_some() || waits;
        self.is_missing && is_on_its_way && self.refusal().is_none()
    }

    /// The rows of the table, with the orders of those that are of one update.
    pub fn rows(&self, wanted: &[Entrant]) -> Vec<Row> {
        let Some(floor) = self.floor() else {
            return Vec::new();
        };
        let scored = wanted.iter().filter_map(|entrant| self.found(entrant));
        let mut scored: Vec<Scored> = scored.map(|found| found.scored.clone()).collect();
        tell_orders(&mut scored);
        scored.iter().map(|one| Row::of(one, floor)).collect()
    }

    /// The chapter closes: what is known stays.
    pub fn leave(&mut self, desk: &Desk) {
        self.slot.leave(desk);
        if let Some((Under::ToTheEnd, _)) = self.under_way.take() {
            self.flow_asked = None;
        }
    }

    /// Take what has arrived, and ask for what is missing or old.
    pub fn go_on(&mut self, ctx: &Context, desk: &Desk, settings: Settings, wanted: &[Entrant]) {
        let snapshot = &desk.here.snapshot;
        let against = Against(snapshot.dataset.clone());
        let of = (against.clone(), wish_of(desk, settings, FLOW.into()));
        if self.of.as_ref() != Some(&of) {
            self.of = Some(of);
            self.is_missing = true;
            self.forget(desk);
        }
        self.is_taken_up = snapshot.runs.contains_key(&Slot::Contest);
        let now = if settings.exact { 0 } else { snapshot.step };
        // Weights that are gone: the training began anew, or went back.
        self.found.retain(|found| found.step <= now);
        self.flow = self.flow.take().filter(|(step, _)| *step <= now);
        // What was taken away takes with it what was wrong with it.
        self.failed
            .retain(|(who, step, _)| *step <= now && wanted.contains(who));
        let dataset = snapshot.dataset.clone();
        let made = self.yardstick.follow(ctx, against, move || {
            Yardstick::new(dataset, PARTICLES as usize)
        });
        let Some(yardstick) = made.filter(|made| made.is_ok()) else {
            return;
        };
        self.take_run(desk, settings.exact);
        self.take_judgement(ctx, &yardstick, settings.exact);
        self.tell_apart();
        let is_current =
            |entrant: &&Entrant| self.found(entrant).is_some_and(|found| found.step == now);
        let current = wanted.iter().filter(is_current).count();
        self.progress = [current, wanted.len()];
        if self.under_way.is_none()
            && let Some(next) = self.next(ctx, desk, settings, wanted)
        {
            self.number += 1;
            self.asked = now;
            if next == Under::ToTheEnd {
                self.flow_asked = Some(now);
            }
            self.under_way = Some((next, Instant::now()));
        }
        let measures_last = matches!(self.under_way, Some((Under::ToTheEnd, _)));
        let unknown = |entrant: &Entrant| self.found(entrant).is_none();
        self.is_missing = measures_last || wanted.iter().any(unknown);
        if let Some((under, _)) = self.under_way.clone().filter(|_| self.judging.is_none()) {
            let entrant = match &under {
                Under::Way(entrant) => entrant.clone(),
                Under::ToTheEnd => FLOW.into(),
            };
            let wish = wish_of(desk, settings, entrant);
            let leads_to_the_end = under == Under::ToTheEnd;
            let key = (under, wish.clone(), self.number);
            self.slot
                .want(desk, key, || request(leads_to_the_end, &wish));
        }
    }

    /// Nothing that is known is of the present settings.
    fn forget(&mut self, desk: &Desk) {
        self.found.clear();
        self.failed.clear();
        (self.flow, self.flow_asked) = (None, None);
        self.judging = None;
        self.rest_until = None;
        self.leave(desk);
        self.slot.forget();
    }

    fn take_run(&mut self, desk: &Desk, exact: bool) {
        if self.judging.is_some() || self.under_way.is_none() {
            return;
        }
        self.slot.take_news(desk);
        let Some(result) = self.slot.shown().filter(|_| self.slot.is_answered()) else {
            return;
        };
        if let Some((Under::ToTheEnd, _)) = self.under_way {
            let step = if exact { 0 } else { result.step };
            self.flow = Some((step, ends_of(result)));
            self.under_way = None;
        } else {
            self.judging = Some(result.clone());
        }
    }

    fn take_judgement(
        &mut self,
        ctx: &Context,
        yardstick: &Arc<Result<Yardstick, MeasureError>>,
        exact: bool,
    ) {
        let (Some(result), Some((Under::Way(entrant), _))) =
            (self.judging.clone(), self.under_way.clone())
        else {
            return;
        };
        let (yardstick, run) = (yardstick.clone(), result.clone());
        let judged = self
            .judged
            .follow(ctx, result.version, move || match &*yardstick {
                Ok(yardstick) => yardstick.judge(&ends_of(&run), None),
                Err(error) => Err(error.clone()),
            });
        let Some(judged) = judged else { return };
        let step = if exact { 0 } else { result.step };
        self.found.retain(|found| found.scored.entrant != entrant);
        self.failed.retain(|(failed, ..)| *failed != entrant);
        match &*judged {
            Ok(judged) => {
                let plan = &result.request.plan;
                let sampled = Sampled {
                    secs: result.secs,
                    evaluations: result.recording.evaluations(plan).unwrap_or(f64::NAN),
                    judged: *judged,
                };
                self.found.push(Found {
                    follows_the_flow: entrant.follows_the_flow(plan),
                    scored: Scored::of(entrant, &[sampled]),
                    step,
                    asked: self.asked,
                    exact,
                    ends: ends_of(&result),
                });
            }
            Err(error) => {
                let why = format!("{}: {error}", entrant.pick());
                self.failed.push((entrant, step.max(self.asked), why));
            }
        }
        self.judging = None;
        self.under_way = None;
        self.rest_until = Some(Instant::now() + Duration::from_secs_f64(REST * result.secs));
    }

    /// How far each is from where the flow of its own weights leads.
    fn tell_apart(&mut self) {
        for found in &mut self.found {
            let flow = self.flow.as_ref().filter(|(step, _)| *step == found.step);
            match flow {
                None => found.scored.apart = None,
                Some((_, ends)) if found.scored.apart.is_none() && found.follows_the_flow => {
                    found.scored.apart = rms_distance(&found.ends, ends).ok();
                }
                Some(_) => {}
            }
        }
    }

    /// Whose turn it is: what was never measured, then what is oldest, and last where the flow leads.
    fn next(
        &self,
        ctx: &Context,
        desk: &Desk,
        settings: Settings,
        wanted: &[Entrant],
    ) -> Option<Under> {
        let trains = desk.here.is_training() && !settings.exact;
        let now = if settings.exact {
            0
        } else {
            desk.here.snapshot.step
        };
        let failed = |entrant: &Entrant| self.failed.iter().any(|(who, ..)| who == entrant);
        let missing = wanted
            .iter()
            .find(|entrant| self.found(entrant).is_none() && !failed(entrant));
        if let Some(missing) = missing {
            return Some(Under::Way(missing.clone()));
        }
        if trains {
            let rest = self
                .rest_until
                .map(|until| until.saturating_duration_since(Instant::now()));
            if !settings.follow {
                return None;
            }
            if let Some(rest) = rest.filter(|rest| !rest.is_zero()) {
                ctx.request_repaint_after(rest);
                return None;
            }
        }
        let found = self
            .found
            .iter()
            .map(|found| (&found.scored.entrant, found.step.max(found.asked)));
        let failed = self
            .failed
            .iter()
            .map(|(entrant, step, _)| (entrant, *step));
        let old = found
            .chain(failed)
            .filter(|(entrant, step)| *step < now && settings.follow && wanted.contains(entrant))
            .min_by_key(|(_, step)| *step);
        if let Some((old, _)) = old {
            return Some(Under::Way(old.clone()));
        }
        let is_known = self.flow_asked == Some(now);
        let asks = self.found.iter().any(|found| found.follows_the_flow);
        (!trains && !is_known && asks).then_some(Under::ToTheEnd)
    }
}

fn wish_of(desk: &Desk, settings: Settings, entrant: Entrant) -> ChainWish {
    let chain = Chain {
        entrant,
        particles: PARTICLES,
        field: Field::exact(settings.exact),
        follow: false,
        noise: settings.noise,
    };
    ChainWish::new(desk, chain)
}

fn request(leads_to_the_end: bool, wish: &ChainWish) -> Option<RunRequest> {
    let request = wish.request_ends()?;
    if !leads_to_the_end {
        return Some(request);
    }
    let (context, clip) = wish.compiled_for();
    Some(RunRequest {
        plan: plan_to_the_end(context, clip),
        start: Start::Noise(PARTICLES),
        ..request
    })
}

/// The last frame of a run.
fn ends_of(result: &RunResult) -> Vec<[f32; 2]> {
    let host = result
        .host
        .as_deref()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let particles = result.recording.particles;
    host[host.len().saturating_sub(particles)..].to_vec()
}
