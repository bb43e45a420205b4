//! The runs that chapters ask for: piece by piece, the latest wish of each slot, again as the weights change where asked.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::choice::told_of;
use super::message::{RunProgress, RunRequest, RunResult, RunState, Slot, fresh_version};
use super::pace::{Recent, Share};
use engine::{Denoiser, Engine, EngineError, Frames, Recording, Run, Underway};
use maths::data::mixture::Mixture;

/// A recording and its frames on the host.
type Read = (Recording, Option<Arc<Vec<[f32; 2]>>>);

/// Share of the wall time that runs which follow the training may take.
const SHARE: f64 = 0.12;
/// Share of the wall time that runs which somebody asks for may take from a training.
pub const ASKED_SHARE: f64 = 1.0 / 3.0;
/// The longest that one of them is kept waiting for it.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// A piece of a run lasts about so long: what is asked for meanwhile, and a training, wait no longer.
const PIECE: Duration = Duration::from_millis(30);

/// A run that has begun.
struct Begun {
    request: Arc<RunRequest>,
    run: Box<dyn Underway>,
    /// Updates that its weights have seen.
    step: u64,
    spent: Duration,
}

/// How a slot stands whose run is done again as the weights change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// Its result is of other weights, and none is on its way.
    Waits,
    /// Its run is on its way.
    UnderWay,
    /// Its run is done, and not shown before the other side's.
    Held,
    /// Nobody asks for it, or it waits to be run for the first time, or is of the present weights.
    Not,
}

/// Every slot, and whose turn it is.
pub struct Runs {
    states: Arc<BTreeMap<Slot, RunState>>,
    begun: BTreeMap<Slot, Begun>,
    /// Runs that follow the training begin where somebody says so, and their results are held until somebody shows them.
    in_step: bool,
    held: BTreeMap<Slot, Arc<RunResult>>,
    share: Share,
    factor: f64,
    recent: Recent,
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            states: Arc::default(),
            begun: BTreeMap::new(),
            in_step: false,
            held: BTreeMap::new(),
            share: Share::new(SHARE),
            factor: 1.0,
            recent: Recent::default(),
        }
    }
}

impl Runs {
    /// Beside a training, runs take this part of their usual share of the time.
    pub fn set_share_factor(&mut self, factor: f64) {
        self.factor = factor;
        self.share.set_factor(factor);
    }

    /// Beside another training that is in step with this one, runs that follow begin and are shown together with the other's:
    /// somebody calls [`Runs::begin`] and [`Runs::show`]. True where this shows results that were held.
    pub fn set_in_step(&mut self, in_step: bool) -> bool {
        self.in_step = in_step;
        if in_step {
            return false;
        }
        // Nobody waits any more.
        self.share.set_factor(self.factor);
        let shows = !self.held.is_empty();
        for slot in self.held.keys().copied().collect::<Vec<_>>() {
            self.show(slot);
        }
        shows
    }

    /// Where the other side waits for this one, this one has the time of both.
    pub fn set_other_waits(&mut self, waits: bool) {
        self.share.set_factor(if waits { 1.0 } else { self.factor });
    }

    /// The slots that follow the training.
    pub fn following(&self) -> impl Iterator<Item = Slot> {
        let follow = self.states.iter().filter(|(_, s)| follows(&s.request));
        follow.map(|(slot, _)| *slot)
    }

    /// How one of them stands, where the weights have seen `step` updates.
    pub fn stands(&self, slot: Slot, step: u64) -> Follows {
        match self.states.get(&slot) {
            Some(state) if follows(&state.request) && state.progress.is_none() => {
                if self.held.contains_key(&slot) {
                    Follows::Held
                } else if self.begun.contains_key(&slot) {
                    Follows::UnderWay
                } else if waits(state, step) {
                    Follows::Waits
                } else {
                    Follows::Not
                }
            }
            _ => Follows::Not,
        }
    }

    /// True where it is the turn of one that follows the training.
    pub fn following_is_due(&self, now: Instant) -> bool {
        self.share.is_due(now)
    }

    /// How old what a slot shows is: the smaller, the older.
    pub fn age(&self, slot: Slot) -> u64 {
        let done = self.states.get(&slot).and_then(|state| state.done.as_ref());
        done.map_or(0, |done| done.version)
    }

    /// Begin the run of a slot that follows, by the weights as they are.
    ///
    /// # Errors
    /// The engine's; a request that it refuses is dropped.
    pub fn begin(
        &mut self,
        slot: Slot,
        engine: &mut dyn Engine,
        mixture: &Arc<Mixture>,
        step: u64,
    ) -> Result<(), EngineError> {
        let Some(state) = self.states.get(&slot) else {
            return Ok(());
        };
        match begin(&state.request, engine, mixture, step) {
            Ok(begun) => {
                self.begun.insert(slot, begun);
                Ok(())
            }
            Err(error) => {
                self.stop(slot);
                Err(error)
            }
        }
    }

    /// Show the result of a slot that is held.
    pub fn show(&mut self, slot: Slot) {
        if let Some(mut result) = self.held.remove(&slot)
            && let Some(state) = Arc::make_mut(&mut self.states).get_mut(&slot)
        {
            Arc::make_mut(&mut result).version = fresh_version();
            state.done = Some(result);
        }
    }

    /// The slots, for the snapshot.
    pub fn states(&self) -> &Arc<BTreeMap<Slot, RunState>> {
        &self.states
    }

    /// A slot wants a run.
    pub fn want(&mut self, slot: Slot, request: Arc<RunRequest>) {
        self.drop_run(slot);
        let states = Arc::make_mut(&mut self.states);
        let done = states.remove(&slot).and_then(|state| state.done);
        states.insert(
            slot,
            RunState {
                request,
                progress: Some(RunProgress::default()),
                done,
            },
        );
    }

    /// A slot wants nothing any more.
    pub fn stop(&mut self, slot: Slot) {
        self.drop_run(slot);
        Arc::make_mut(&mut self.states).remove(&slot);
    }

    fn drop_run(&mut self, slot: Slot) {
        self.begun.remove(&slot);
        self.held.remove(&slot);
    }

    /// Everything is to be run again: the engine or the data changed.
    pub fn again(&mut self) {
        self.begun.clear();
        self.held.clear();
        for state in Arc::make_mut(&mut self.states).values_mut() {
            state.progress = Some(RunProgress::default());
        }
    }

    /// These results are no longer of what runs: they go, and are computed again.
    pub fn forget(&mut self, which: impl Fn(&RunRequest) -> bool) {
        self.begun.retain(|_, begun| !which(&begun.request));
        self.held.retain(|_, held| !which(&held.request));
        for state in Arc::make_mut(&mut self.states)
            .values_mut()
            .filter(|state| which(&state.request))
        {
            (state.progress, state.done) = (Some(RunProgress::default()), None);
        }
    }

    /// These are asked for no longer.
    pub fn drop_asked(&mut self, which: impl Fn(&RunRequest) -> bool) {
        self.begun.retain(|_, begun| !which(&begun.request));
        self.held.retain(|_, held| !which(&held.request));
        let states = Arc::make_mut(&mut self.states);
        states.retain(|_, state| !which(&state.request));
    }

    /// The share of the last seconds that runs took, 0 to 1.
    pub fn recent_share(&self, now: Instant) -> f64 {
        self.recent.share(now)
    }

    /// True where a run waits, whatever the time.
    pub fn is_waiting(&self, step: u64) -> bool {
        self.states.values().any(|state| waits(state, step))
    }

    /// The slot whose turn it is: those never run before those that only follow the training. Beside a training
    /// both wait for their share of the time; `beside` is that of the former, `None` where nothing trains.
    pub fn next(&self, step: u64, beside: Option<f64>, now: Instant) -> Option<Slot> {
        if beside.is_some_and(|share| !self.share.is_due_within(share, LONGEST_WAIT, now)) {
            return None;
        }
        let asked = self
            .states
            .iter()
            .find(|(_, state)| state.progress.is_some());
        let oldest = || {
            let may = |slot: &Slot| !self.in_step || self.begun.contains_key(slot);
            let following = self.states.iter().filter(|(_, state)| waits(state, step));
            let following = following.filter(|(slot, _)| may(slot));
            following.min_by_key(|(_, state)| state.done.as_ref().map_or(0, |done| done.version))
        };
        let due = beside.is_none() || self.share.is_due(now);
        asked
            .or_else(|| due.then(oldest).flatten())
            .map(|(slot, _)| *slot)
    }

    /// Do a piece of the run of a slot: of the weights at its beginning, whatever is trained between its pieces. `Ok(true)` where
    /// there is a new result. Where nothing trains, one that follows the weights and has old ones begins anew.
    ///
    /// # Errors
    /// The engine's; a request that it refuses is dropped.
    pub fn run(
        &mut self,
        slot: Slot,
        engine: &mut dyn Engine,
        mixture: &Arc<Mixture>,
        (step, trains): (u64, bool),
    ) -> Result<bool, EngineError> {
        let Some(state) = self.states.get(&slot) else {
            return Ok(false);
        };
        let (request, progress) = (
            state.request.clone(),
            state.progress.clone().unwrap_or_default(),
        );
        let began = Instant::now();
        let is_old = |begun: &Begun| follows(&request) && begun.step != step && !trains;
        let begun = self.begun.remove(&slot).filter(|begun| !is_old(begun));
        let done = match begun {
            Some(begun) => Ok(begun),
            None => begin(&request, engine, mixture, step),
        }
        .and_then(|begun| advance(begun, &progress));
        let ended = Instant::now();
        let spent = ended - began;
        self.share.spend(ended, spent);
        self.recent.add(ended, spent);
        let (mut begun, read) = match done {
            Ok(done) => done,
            Err(error) => {
                self.stop(slot);
                return Err(error);
            }
        };
        begun.spent += spent;
        let Some((recording, host)) = read else {
            self.begun.insert(slot, begun);
            return Ok(false);
        };
        let version = fresh_version();
        let result = Arc::new(RunResult {
            request,
            recording,
            host,
            step: begun.step,
            version,
            secs: begun.spent.as_secs_f64(),
        });
        if let Some(state) = Arc::make_mut(&mut self.states).get_mut(&slot) {
            // What is run for the first time is shown at once.
            if self.in_step && state.progress.is_none() {
                self.held.insert(slot, result);
                return Ok(false);
            }
            state.progress = None;
            state.done = Some(result);
        }
        Ok(true)
    }
}

/// Begin what is asked for, with the weights as they are.
fn begin(
    request: &Arc<RunRequest>,
    engine: &mut dyn Engine,
    mixture: &Arc<Mixture>,
    step: u64,
) -> Result<Begun, EngineError> {
    let denoiser = match &request.given {
        Some(clean) => Denoiser::Given(clean.clone()),
        None if request.exact => Denoiser::Exact(mixture.clone()),
        None => Denoiser::Learned,
    };
    // What a class alone asks for is known; what lies beyond it has no variance of its own.
    let class = request.guidance.as_ref().and_then(|led| led.class.as_ref());
    let of = class.unwrap_or(mixture);
    let plan = match &denoiser {
        // An x_0 that is given has no variance.
        Denoiser::Given(_) => request.plan.clone().with_posterior_variance(|_| 0.0),
        _ => told_of(of, request.plan.clone()),
    };
    let run = engine.begin(&Run {
        plan: &plan,
        start: &request.start,
        seed: request.seed,
        denoiser: &denoiser,
        guidance: request.guidance.as_ref(),
        frames: Frames::Every(request.every),
    })?;
    Ok(Begun {
        request: request.clone(),
        run,
        step,
        spent: Duration::ZERO,
    })
}

/// Do a piece of it. Its frames, where it was the last one.
fn advance(mut begun: Begun, progress: &RunProgress) -> Result<(Begun, Option<Read>), EngineError> {
    let began = Instant::now();
    // Whatever a piece of the engine's own lasts, there is at least one: a run always comes to its end.
    let pieces = Cell::new(0_u32);
    let recording = begun.run.advance(&|share| {
        progress.set(share);
        pieces.set(pieces.get() + 1);
        pieces.get() == 1 || began.elapsed() < PIECE
    })?;
    let read = recording.map(|recording| with_host(recording, begun.request.read_back));
    Ok((begun, read.transpose()?))
}

/// A recording, and its copy on the host where that is asked for.
fn with_host(recording: Recording, read_back: bool) -> Result<Read, EngineError> {
    let host = if read_back {
        Some(recording.points.to_host()?)
    } else {
        None
    };
    Ok((recording, host))
}

/// True where a run is done again as the weights change.
fn follows(request: &RunRequest) -> bool {
    request.follow && !request.exact
}

fn waits(state: &RunState, step: u64) -> bool {
    state.progress.is_some()
        || (follows(&state.request) && state.done.as_ref().is_none_or(|done| done.step != step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Start;
    use maths::diffusion::schedule::Schedule;
    use maths::diffusion::solver::{PlanContext, Sampler};
    use maths::diffusion::target::Target;

    fn request() -> Arc<RunRequest> {
        let context = PlanContext {
            schedule: Schedule::Linear,
            target: Target::Eps,
            timesteps: 10,
        };
        Arc::new(RunRequest {
            plan: Sampler::Euler.plan(2, context, None),
            start: Start::Noise(1),
            seed: 0,
            exact: true,
            every: 1,
            follow: false,
            read_back: false,
            given: None,
            guidance: None,
        })
    }

    /// After a run of half a second the next one waits for a whole one, in which the training has the machine; never longer; and not at
    /// all where nothing trains.
    #[test]
    fn what_is_asked_for_gives_way_to_a_training() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut runs = Runs::default();
        runs.want(Slot::EndsByOde, request());
        assert_eq!(runs.next(0, Some(ASKED_SHARE), now), Some(Slot::EndsByOde));
        let at = |runs: &Runs, training: bool, secs| {
            let beside = training.then_some(ASKED_SHARE);
            runs.next(0, beside, now + second.mul_f64(secs))
        };
        runs.share.spend(now, second / 2);
        assert_eq!(at(&runs, true, 0.9), None);
        assert_eq!(at(&runs, true, 1.1), Some(Slot::EndsByOde));
        assert_eq!(at(&runs, false, 0.0), Some(Slot::EndsByOde));
        runs.share.spend(now, 60 * second);
        assert_eq!(at(&runs, true, 1.9), None);
        assert_eq!(at(&runs, true, 2.1), Some(Slot::EndsByOde));
    }

    /// The time of both sides is one's own only while the other waits.
    #[test]
    fn the_time_of_the_other_side_is_given_back() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut runs = Runs::default();
        runs.set_share_factor(0.5);
        runs.set_in_step(true);
        runs.share.spend(now, second.mul_f64(0.06));
        // 0.06 s are 12 % of half a second, and 6 % of a whole one.
        let due = |runs: &Runs| runs.following_is_due(now + second.mul_f64(0.7));
        assert!(!due(&runs));
        runs.set_other_waits(true);
        assert!(due(&runs));
        runs.set_in_step(false);
        assert!(!due(&runs));
    }

    /// What the hand waits for is run before what is drawn, and that before what is only measured, whoever asked first.
    #[test]
    fn who_waits_most_is_served_first() {
        let request = request();
        let mut runs = Runs::default();
        let waiting = [
            Slot::EndsByOde,
            Slot::PathsByHeun,
            Slot::ExactDraws,
            Slot::ScoreAtPointer,
        ];
        for slot in waiting {
            runs.want(slot, request.clone());
        }
        let served = std::iter::from_fn(|| {
            let slot = runs.next(0, None, Instant::now())?;
            runs.stop(slot);
            Some(slot)
        });
        let served: Vec<_> = served.collect();
        assert_eq!(
            served,
            [
                Slot::ScoreAtPointer,
                Slot::PathsByHeun,
                Slot::EndsByOde,
                Slot::ExactDraws
            ]
        );
    }
}
