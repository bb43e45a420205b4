//! One experiment being run: the state machine behind the window and the headless commands alike.
//!
//! Nothing here knows threads: [`Session::handle`] obeys a command, [`Session::tick`] does a short piece of work,
//! [`Session::snapshot`] says how things stand. How it trains is in `training.rs`, how it changes in `change.rs`.

mod change;
mod pictures;
mod reflow;
mod training;

pub use change::Parked;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::classifier::ClassifierSlot;
use super::divergence::Watch;
use super::experiment::Experiment;
use super::follow::Follow;
use super::live::LivePicture;
use super::message::{Command, DensityField, DensityView, Notice, Notices, Snapshot, Status};
use super::pace::{Rate, rest_after};
use super::quality::QualityMeter;
use super::record::LossRecord;
use super::runs::Runs;
use super::safe_copies::SafeCopies;
use super::setup::Setup;
use super::shelved::Replaced;
use super::snapshot::TrainingMark;
use super::weak::WeakState;
use engine::{Engine, EngineChoice, EngineError, EngineInfo, ModelState};

/// Makes an engine of the wanted kind.
pub type EngineFactory =
    Arc<dyn Fn(EngineChoice) -> Result<Box<dyn Engine>, EngineError> + Send + Sync>;

/// Seconds of training between two safe copies of the weights.
const SAFE_COPY_SECS: f64 = 2.0;
/// Most steps handed over at once; the time budget nearly always ends a slice before.
const MAX_STEPS: u64 = 10_000;
/// Share of the time that work may take on a software adapter while somebody drags: the rest is for painting.
const INTERACTING_SHARE: f64 = 0.35;
/// Of that, the share for runs that are asked for, which the hand may be waiting for.
const HAND_SHARE: f64 = 0.5;

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tick {
    /// Training steps handed over.
    pub steps: u32,
    /// True where the snapshot changed.
    pub changed: bool,
    /// True where there is nothing to do until the next command.
    pub idle: bool,
    /// How long to leave the machine to others before the next tick.
    pub rest: Duration,
}

/// When the live picture is sampled and measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictures {
    /// By the ticks, when it is their turn.
    InTurn,
    /// When somebody asks, by [`Session::renew_picture`] and [`Session::measure_picture`].
    Asked,
}

/// Why training stands still against the user's wish.
#[derive(Clone, Debug)]
enum Fault {
    /// A loss was not finite, or the training diverged: the weights are spoilt, the engine is sound.
    Loss(String),
    /// The engine cannot be used any more: the weights are those of the last safe copy.
    Engine(String),
}

/// One experiment on one engine.
pub struct Session {
    setup: Setup,
    engine: Box<dyn Engine>,
    factory: EngineFactory,
    playing: bool,
    fault: Option<Fault>,
    /// Updates known to be done.
    step: u64,
    /// Updates handed to the engine.
    submitted: u64,
    /// Training pauses at this update.
    goal: Option<u64>,
    /// It does so once at this update: who plays again goes on.
    stop_at: Option<u64>,
    record: LossRecord,
    rate: Rate,
    /// Seconds of training before `clock`.
    trained_secs: f64,
    /// Since when training has been running.
    clock: Option<Instant>,
    /// Sound weights of the recent past, and at how many seconds of training the last were copied.
    safe: SafeCopies,
    safe_secs: f64,
    watch: Watch,
    live: LivePicture,
    runs: Runs,
    classifier: ClassifierSlot,
    weak: Option<WeakState>,
    follow: Follow,
    quality: QualityMeter,
    hidden: bool,
    interacting_until: Option<Instant>,
    density_wanted: Option<DensityView>,
    density: Option<DensityField>,
    /// Trainings that were replaced since the last [`Session::take_replaced`].
    replaced: Vec<(Replaced, Arc<Parked>)>,
    /// Updates of the model that the user saved last.
    saved: Option<u64>,
    /// Where a setting that training depends on was changed under the same weights.
    changed_at: Option<u64>,
    /// What was changed while it trained.
    marks: Arc<Vec<TrainingMark>>,
    /// Another session works on the same machine, in turn with this one.
    shared: bool,
    notices: Notices,
    version: u64,
}

impl Session {
    /// Put a fresh model of this experiment on an engine. `factory` makes the others for [`Command::SwitchEngine`].
    pub fn new(
        setup: Setup,
        engine: Box<dyn Engine>,
        factory: EngineFactory,
    ) -> Result<Self, EngineError> {
        let state = setup.fresh_model();
        Self::resume(setup, state, engine, factory)
    }

    /// Put a model that was trained before on an engine.
    pub fn resume(
        setup: Setup,
        state: ModelState,
        mut engine: Box<dyn Engine>,
        factory: EngineFactory,
    ) -> Result<Self, EngineError> {
        engine.load(&setup.spec, &state)?;
        let watch = Watch::new(&setup.spec);
        let mut live = LivePicture::new(setup.plan.clone(), engine.info().software);
        if state.step == 0 {
            live.show_noise(&setup.spec.pairing);
        }
        Ok(Self {
            setup,
            engine,
            factory,
            playing: false,
            fault: None,
            step: state.step,
            submitted: state.step,
            goal: None,
            stop_at: None,
            record: LossRecord::default(),
            rate: Rate::default(),
            trained_secs: 0.0,
            clock: None,
            safe: SafeCopies::new(state, 0.0),
            safe_secs: 0.0,
            watch,
            live,
            runs: Runs::default(),
            classifier: ClassifierSlot::default(),
            weak: None,
            follow: Follow::default(),
            quality: QualityMeter::default(),
            hidden: false,
            interacting_until: None,
            density_wanted: None,
            density: None,
            replaced: Vec::new(),
            saved: None,
            changed_at: None,
            marks: Arc::default(),
            shared: false,
            notices: Notices::default(),
            version: 1,
        })
    }

    /// Training pauses by itself when this many updates are done.
    pub fn train_until(&mut self, step: u64) {
        self.goal = Some(step);
    }

    /// As [`Session::train_until`], once; `None` for no end.
    pub fn stop_at(&mut self, step: Option<u64>) {
        self.stop_at = step.filter(|step| *step > self.submitted);
        self.version += 1;
    }

    /// Where training pauses once.
    pub fn stops_at(&self) -> Option<u64> {
        self.stop_at
    }

    /// The losses so far.
    pub fn record(&self) -> &LossRecord {
        &self.record
    }

    /// The model as it is now; after a fault, the one that it goes back to. Waits for work handed over.
    pub fn model(&mut self) -> ModelState {
        if self.fault.is_none() {
            match self.engine.state() {
                Ok(state) if state.is_finite() => return state,
                Ok(state) => self.stop_at_bad_weights(state.step),
                Err(error) => self.fail(&error),
            }
        }
        self.good_model().clone()
    }

    /// What a fault goes back to: after a loss that went wrong the weights from before that, else the last ones.
    fn good_model(&self) -> &ModelState {
        match &self.fault {
            Some(Fault::Engine(_)) => self.safe.last(),
            _ => self.safe.before_the_rise(),
        }
    }

    /// Updates handed to the engine so far; known to be done are [`Session::step`].
    pub fn submitted(&self) -> u64 {
        self.submitted
    }

    /// Seconds of training so far.
    pub fn trained_secs(&self) -> f64 {
        self.trained_secs
            + self
                .clock
                .map_or(0.0, |since| since.elapsed().as_secs_f64())
    }

    /// Which engine runs.
    pub fn engine_info(&self) -> &EngineInfo {
        self.engine.info()
    }

    /// Grows with every change of the snapshot.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// True where the user saved the model as it is.
    pub fn is_saved(&self) -> bool {
        self.saved == Some(self.step)
    }

    /// The settings that it runs under.
    pub fn experiment(&self) -> &Arc<Experiment> {
        &self.setup.experiment
    }

    /// Updates known to be done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// What it is doing.
    pub fn status(&self) -> Status {
        match &self.fault {
            Some(Fault::Loss(message)) => Status::Fault {
                message: message.clone(),
                can_restore: true,
            },
            Some(Fault::Engine(message)) => Status::Fault {
                message: message.clone(),
                can_restore: false,
            },
            None if self.playing => Status::Training,
            None => Status::Paused,
        }
    }

    /// True where a fault keeps it from training.
    pub fn has_fault(&self) -> bool {
        self.fault.is_some()
    }

    /// How things stand.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::starting(&self.setup, self.engine.info().clone());
        snapshot.status = self.status();
        snapshot.step = self.step;
        snapshot.saved = self.saved;
        snapshot.loss = self.record.smoothed();
        snapshot.curve = self.record.curve().clone();
        snapshot.timestep_loss = self.record.by_timestep().clone();
        snapshot.steps_per_sec = self.rate.per_sec(Instant::now());
        snapshot.trained_secs = self.trained_secs();
        snapshot.quality = self.quality.curve().clone();
        snapshot.changed_at = self.changed_at;
        snapshot.marks = self.marks.clone();
        snapshot.samples = self.live.shown().cloned();
        snapshot.samples_version = self.live.version();
        snapshot.samples_of = self.live.shown_of();
        snapshot.density.clone_from(&self.density);
        snapshot.runs = self.runs.states().clone();
        snapshot.runs_share = self.runs.recent_share(Instant::now());
        snapshot.classifier = self.classifier.state().cloned();
        snapshot.weak.clone_from(&self.weak);
        snapshot.follows = self.follow.count();
        snapshot.followed = self.follow.latest().cloned();
        snapshot.version = self.version;
        snapshot.notices = self.notices.clone();
        snapshot.warning = self.setup.warning();
        snapshot
    }

    /// True while somebody drags or plays an animation.
    pub fn is_interacting(&self) -> bool {
        self.interacting_until
            .is_some_and(|until| Instant::now() < until)
    }

    /// True while most of the machine is left to painting.
    fn makes_room(&self) -> bool {
        self.engine.info().software && self.is_interacting()
    }

    /// Obey a command. Whatever goes wrong becomes a fault or a notice of the snapshot.
    pub fn handle(&mut self, command: Command) {
        if let Err(error) = self.obey(command) {
            self.fail(&error);
        }
    }

    fn obey(&mut self, command: Command) -> Result<(), EngineError> {
        match command {
            Command::Play => self.play(),
            Command::Pause => self.pause()?,
            Command::StepOnce => self.step_once()?,
            Command::Reset => self.start_anew(self.setup.clone(), Replaced::Anew)?,
            Command::Configure {
                experiment,
                restart,
            } => self.configure(*experiment, restart)?,
            Command::TrainOnPairs(pairs) => self.train_on(pairs)?,
            Command::SwitchEngine(choice) => self.switch_engine(choice),
            Command::ShowDensity(view) => {
                let is_known = view.scales.s == 0.0 || self.setup.experiment.has_exact_field();
                if is_known && self.density.as_ref().is_none_or(|field| field.view != view) {
                    self.density_wanted = Some(view);
                }
            }
            // Asked before the window knew of other data, or of a network that says no variance or knows no labels.
            Command::Run(_, request) if !request.fits(&self.setup) => {}
            Command::Run(slot, request) => {
                self.runs.want(slot, request);
                self.version += 1;
            }
            Command::StopRun(slot) => {
                self.runs.stop(slot);
                self.version += 1;
            }
            Command::TrainClassifier(spec) => {
                self.classifier.want(spec);
                self.version += 1;
            }
            Command::DropClassifier => {
                self.classifier.drop_it();
                self.version += 1;
            }
            Command::Follow(count) => {
                if self.follow.want(count) {
                    self.version += 1;
                }
            }
            Command::Interacting(duration) => {
                self.interacting_until = Some(Instant::now() + duration);
            }
            Command::Hidden(hidden) => self.hidden = hidden,
            Command::Save(directory) => self.save(&directory),
            Command::RestoreLastGood => self.restore_last_good()?,
            Command::Quit => self.stop_clock(),
        }
        Ok(())
    }

    /// Do a short piece of work: a slice of training of about `budget`, a slice of the live picture, a density.
    pub fn tick(&mut self, budget: Duration) -> Tick {
        self.tick_within(budget, MAX_STEPS, Pictures::InTurn)
    }

    /// As [`Session::tick`], with at most so many training steps; 0 leaves it at the other work. See [`Pictures`].
    pub fn tick_within(&mut self, budget: Duration, most_steps: u64, pictures: Pictures) -> Tick {
        let begun = Instant::now();
        let version = self.version;
        let steps = self
            .work(budget, most_steps, pictures)
            .unwrap_or_else(|error| {
                self.fail(&error);
                0
            });
        let rest = if self.makes_room() {
            rest_after(begun.elapsed(), INTERACTING_SHARE)
        } else {
            Duration::ZERO
        };
        Tick {
            steps,
            changed: self.version != version,
            idle: self.is_idle(),
            rest,
        }
    }

    fn work(
        &mut self,
        budget: Duration,
        most_steps: u64,
        pictures: Pictures,
    ) -> Result<u32, EngineError> {
        if matches!(self.fault, Some(Fault::Engine(_))) {
            return Ok(0);
        }
        self.compute_density()?;
        let steps = if self.is_training() && most_steps > 0 {
            self.train(budget, most_steps)?
        } else {
            0
        };
        if !self.hidden && self.fault.is_none() {
            self.look_at_batch()?;
            if self.runs.set_in_step(pictures == Pictures::Asked) {
                self.version += 1;
            }
            let done = self.do_run();
            self.told_if_refused(done)?;
            let done = self.work_on_classifier();
            self.told_if_refused(done)?;
        }
        if pictures == Pictures::InTurn && self.picture_is_due() {
            self.refresh_picture(self.live.turn())?;
        }
        if pictures == Pictures::InTurn && self.measuring_is_due() {
            self.measure()?;
        }
        Ok(steps)
    }

    /// True while it trains.
    pub fn is_training(&self) -> bool {
        self.playing && self.fault.is_none()
    }

    fn is_idle(&self) -> bool {
        let picture =
            self.hidden || self.fault.is_some() || self.submitted == 0 || self.live.is_current();
        let density = self.density_wanted.is_none() || matches!(self.fault, Some(Fault::Engine(_)));
        let runs = self.hidden
            || self.fault.is_some()
            || !(self.runs.is_waiting(self.step) || self.classifier.is_waiting());
        let follow = self.hidden || self.fault.is_some() || !self.follow.is_waiting(self.submitted);
        let quality = !self.may_measure() || !self.quality.is_news(self.live.version());
        !self.is_training() && picture && density && runs && follow && quality
    }

    /// Tell the user something once.
    pub fn notify(&mut self, notice: Notice) {
        self.notices.tell(notice);
        self.version += 1;
    }

    /// An engine's error: a request that makes no sense is refused, anything else ends the engine's use.
    fn fail(&mut self, error: &EngineError) {
        log::debug!("{error}");
        if let EngineError::Invalid(message) = error {
            self.stop_clock();
            self.notify(Notice::Error(message.clone()));
            return;
        }
        // Whether it was training is kept: another engine carries on.
        self.trained_secs = self.trained_secs();
        self.clock = None;
        self.rate.clear();
        self.fault = Some(Fault::Engine(error.to_string()));
        self.version += 1;
    }
}
