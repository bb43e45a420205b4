//! The session and its worker: against a scripted engine for the faults, and against the real ones for the training.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use noise_compass::data::bounds::Bounds;
use noise_compass::data::csv_io::points_csv;
use noise_compass::data::mixture::Mixture;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::{Scales, Schedule};
use noise_compass::diffusion::solver::Plan;
use noise_compass::diffusion::solver::{Sampler, Variance};
use noise_compass::diffusion::target::Quantity;
use noise_compass::engine::{
    self, Cloud, Engine, EngineChoice, EngineError, EngineInfo, EngineKind, Frames, ModelState,
    Piece, Progress, Recording, Run, Start, TrainSpec, Underway, Wait, Weights,
};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{
    Command, DensityView, Notice, Restart, RunRequest, Slot, Snapshot, Status,
};
use noise_compass::lab::session::{EngineFactory, Pictures, Session};
use noise_compass::lab::setup::Setup;
use noise_compass::lab::worker::Worker;
use noise_compass::measure::wasserstein2;
use noise_compass::philox;

const SLICE: Duration = Duration::from_millis(5);

/// What the scripted engines of one test do, and what was done to them.
#[derive(Debug, Default)]
struct Script {
    /// The loss of this update, and of those after it, is NaN.
    nan_at: Option<u64>,
    /// From this update on the losses are sound and one of the four vectors is not.
    spoilt: Option<(u64, usize)>,
    /// The device is lost when this update is handed over.
    lost_at: Option<u64>,
    /// Panic in the next training slice.
    panic: bool,
    /// The next training slice takes this long, as on a device that does not answer.
    stuck: Duration,
    refresh_time: Duration,
    /// Particles refreshed since the weights last changed.
    refreshed: u32,
    refresh_spent: Duration,
    loads: Vec<(EngineChoice, u64)>,
    updates: u32,
}

/// An engine whose weights are the number of the update, and whose loss is its inverse.
struct FakeEngine {
    choice: EngineChoice,
    info: EngineInfo,
    script: Arc<Mutex<Script>>,
    step: u64,
    losses: Vec<(u64, f32)>,
}

fn factory(script: &Arc<Mutex<Script>>) -> EngineFactory {
    let script = script.clone();
    Arc::new(move |choice| {
        let info = EngineInfo {
            kind: EngineKind::Cpu,
            adapter: "script".into(),
            backend: "none".into(),
            software: true,
        };
        Ok(Box::new(FakeEngine {
            choice,
            info,
            script: script.clone(),
            step: 0,
            losses: Vec::new(),
        }))
    })
}

/// As one that was stopped: no run is part of the script.
struct NeverDone;

impl Underway for NeverDone {
    fn advance(&mut self, _: &dyn Fn(f32) -> bool) -> Result<Option<Recording>, EngineError> {
        Ok(None)
    }
}

impl Engine for FakeEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }
    fn load(&mut self, _: &TrainSpec, state: &ModelState) -> Result<(), EngineError> {
        self.step = state.step;
        self.losses.clear();
        self.script
            .lock()
            .unwrap()
            .loads
            .push((self.choice, state.step));
        Ok(())
    }
    fn update(&mut self, _: &TrainSpec) -> Result<(), EngineError> {
        self.script.lock().unwrap().updates += 1;
        Ok(())
    }
    fn train(&mut self, max_steps: u32, _: f64) -> Result<u32, EngineError> {
        let stuck = self.script.lock().unwrap().stuck;
        std::thread::sleep(Duration::from_millis(1) + stuck);
        let mut script = self.script.lock().unwrap();
        assert!(!script.panic, "told to");
        script.refreshed = 0;
        let steps = max_steps.min(5);
        for _ in 0..steps {
            self.step += 1;
            if self.choice != EngineChoice::Cpu && script.lost_at.is_some_and(|at| self.step >= at)
            {
                return Err(EngineError::DeviceLost("unplugged".into()));
            }
            let bad = script.nan_at.is_some_and(|at| self.step >= at);
            self.losses.push((
                self.step,
                if bad {
                    f32::NAN
                } else {
                    1.0 / self.step as f32
                },
            ));
        }
        Ok(steps)
    }
    fn poll(&mut self, _: Wait) -> Result<Progress, EngineError> {
        Ok(Progress {
            step: self.step,
            losses: std::mem::take(&mut self.losses),
            histogram: None,
        })
    }
    fn state(&mut self) -> Result<ModelState, EngineError> {
        let mut state = ModelState::fresh(vec![self.step as f32; 4]);
        state.step = self.step;
        if let Some((at, vector)) = self.script.lock().unwrap().spoilt
            && self.step >= at
        {
            let vectors = [
                &mut state.weights,
                &mut state.ema,
                &mut state.adam_m,
                &mut state.adam_v,
            ];
            vectors.into_iter().nth(vector).unwrap()[3] = f32::INFINITY;
        }
        Ok(state)
    }
    fn begin(&mut self, _: &Run<'_>) -> Result<Box<dyn Underway>, EngineError> {
        Ok(Box::new(NeverDone))
    }
    fn refresh(
        &mut self,
        cloud: Option<Cloud>,
        run: &Run<'_>,
        piece: Piece,
    ) -> Result<Cloud, EngineError> {
        let mut script = self.script.lock().unwrap();
        let pretended = script.refresh_time;
        std::thread::sleep(pretended);
        script.refresh_spent += pretended;
        script.refreshed += if piece.end_stage as usize == run.plan.steps.len() {
            piece.count
        } else {
            0
        };
        Ok(cloud.unwrap_or_else(|| Cloud::Host(Arc::new(vec![[0.0; 2]; run.start.len()]))))
    }
    fn predict_labelled(
        &mut self,
        _: f64,
        points: &[[f32; 2]],
        _: Weights,
        _: Option<u32>,
    ) -> Result<Vec<[f32; 2]>, EngineError> {
        Ok(vec![[0.0; 2]; points.len()])
    }
    fn log_density(
        &mut self,
        _: &Mixture,
        _: Scales,
        _: Bounds,
        n: u32,
    ) -> Result<Vec<f32>, EngineError> {
        Ok(vec![0.0; (n * n) as usize])
    }
    fn gradient(
        &mut self,
        _: &[[f32; 2]],
        _: &[u32],
        _: &[[f32; 2]],
    ) -> Result<(f32, Vec<f32>), EngineError> {
        Err(EngineError::Invalid("not part of the script".into()))
    }
    fn step_on(&mut self, _: &[[f32; 2]], _: &[u32], _: &[[f32; 2]]) -> Result<f32, EngineError> {
        Err(EngineError::Invalid("not part of the script".into()))
    }
}

fn scripted() -> (Session, Arc<Mutex<Script>>) {
    let script = Arc::new(Mutex::new(Script::default()));
    let factory = factory(&script);
    let engine = factory(EngineChoice::Auto).unwrap();
    (
        Session::new(Setup::new(Experiment::default()).unwrap(), engine, factory).unwrap(),
        script,
    )
}

/// A real session, small enough to be quick.
fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 2,
        batch: 64,
        points: 512,
        ..Experiment::default()
    }
}

fn on_cpu(experiment: Experiment) -> Session {
    let factory: EngineFactory = Arc::new(|choice| engine::create(choice, None));
    let engine = factory(EngineChoice::Cpu).unwrap();
    Session::new(Setup::new(experiment).unwrap(), engine, factory).unwrap()
}

fn configure(change: impl FnOnce(&mut Experiment), session: &Session, restart: bool) -> Command {
    let mut experiment = (*session.snapshot().experiment).clone();
    change(&mut experiment);
    Command::Configure {
        experiment: Box::new(experiment),
        restart: Restart::when(restart),
    }
}

fn run_to(session: &mut Session, step: u64) {
    session.train_until(step);
    session.handle(Command::Play);
    while session.status() == Status::Training {
        session.tick(SLICE);
    }
}

fn run_until_idle(session: &mut Session) {
    for _ in 0..10_000 {
        if session.tick(SLICE).idle {
            return;
        }
    }
    panic!("the session never came to rest");
}

/// Another bandwidth is another truth, and no other training; an edited file that is opened again is another one.
#[test]
fn a_bandwidth_leaves_the_training_alone_and_an_edited_file_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows.csv");
    let write =
        |n: usize| std::fs::write(&path, points_csv(&Shape::Moons.mixture().draw(n, 1))).unwrap();
    write(600);
    let mut session = on_cpu(Experiment {
        data: DataSource::Csv(path.clone()),
        ..small()
    });
    run_to(&mut session, 30);
    let before = session.snapshot();
    session.handle(configure(|e| e.bandwidth = Some(0.4), &session, false));
    let after = session.snapshot();
    assert!(!Arc::ptr_eq(
        &after.dataset.mixture,
        &before.dataset.mixture
    ));
    assert_eq!(
        (after.step, after.changed_at, session.take_replaced().len()),
        (30, None, 0)
    );
    assert_eq!(after.curve.raw.len(), before.curve.raw.len());
    write(700);
    session.handle(configure(|_| {}, &session, false));
    let after = session.snapshot();
    assert_eq!(
        (after.dataset.points.len(), after.changed_at),
        (613, Some(30))
    );
    let Some(Notice::Info(text)) = after.notices.last() else {
        panic!("{:?}", after.notices)
    };
    assert_eq!(
        text,
        "rows.csv has changed and was read again: 613 rows to train on"
    );
    assert_eq!(session.take_replaced().len(), 1, "the way back");
    run_to(&mut session, 40);
}

#[test]
fn a_nan_loss_pauses_says_so_and_the_last_good_weights_come_back() {
    let (mut session, script) = scripted();
    run_to(&mut session, 20);
    assert_eq!((session.step(), session.status()), (20, Status::Paused));
    script.lock().unwrap().nan_at = Some(33);
    run_to(&mut session, 1000);
    let Status::Fault {
        message,
        can_restore: true,
    } = session.status()
    else {
        panic!("no fault but {:?}", session.status());
    };
    for part in [
        "not a number at step 33",
        "lower the learning rate (now 0.003)",
        "(step 20)",
    ] {
        assert!(message.contains(part), "{message}");
    }
    // Playing on spoilt weights is refused, in the same words.
    session.handle(Command::Play);
    assert_eq!(
        session.snapshot().notices.last().unwrap(),
        &Notice::Error(message)
    );
    assert!(session.tick(SLICE).steps == 0 && session.tick(SLICE).idle);

    session.handle(Command::RestoreLastGood);
    assert_eq!((session.step(), session.status()), (20, Status::Paused));
    assert_eq!(
        script.lock().unwrap().loads.last(),
        Some(&(EngineChoice::Auto, 20))
    );
    assert!(
        session
            .snapshot()
            .curve
            .raw
            .iter()
            .all(|(step, loss)| *step <= 20 && loss.is_finite())
    );
    script.lock().unwrap().nan_at = None;
    run_to(&mut session, 60);
    assert_eq!((session.step(), session.status()), (60, Status::Paused));
}

/// Whichever of the four vectors breaks while the losses are still finite, and wherever that is noticed.
#[test]
fn a_broken_model_is_neither_kept_as_the_last_good_one_nor_saved() {
    for vector in 0..4 {
        for noticed_by in ["the end of a training", "a pause", "a save"] {
            let (mut session, script) = scripted();
            run_to(&mut session, 20);
            script.lock().unwrap().spoilt = Some((30, vector));
            let directory = tempfile::tempdir().unwrap();
            let out = directory.path().join("model");
            if noticed_by == "the end of a training" {
                run_to(&mut session, 30);
            } else {
                session.train_until(1000);
                session.handle(Command::Play);
                while session.step() < 30 {
                    session.tick(SLICE);
                }
                let command = if noticed_by == "a pause" {
                    Command::Pause
                } else {
                    Command::Save(out.clone())
                };
                session.handle(command);
            }
            let what = format!("vector {vector}, noticed by {noticed_by}");
            let Status::Fault {
                message,
                can_restore: true,
            } = session.status()
            else {
                panic!("no fault but {:?}: {what}", session.status());
            };
            assert!(
                message.contains("after step 30") && message.contains("(step 20)"),
                "{message}: {what}"
            );
            let model = session.model();
            assert!(model.step == 20 && model.is_finite(), "{what}");
            session.handle(Command::RestoreLastGood);
            assert_eq!(
                (session.step(), session.status()),
                (20, Status::Paused),
                "{what}"
            );
        }
    }
}

/// Where the program was started is seen nowhere in the window.
#[test]
fn a_save_is_told_with_the_whole_path() {
    let (mut session, _) = scripted();
    // A file, so that nothing is written into the directory of the tests.
    session.handle(Command::Save("Cargo.toml".into()));
    let Some(Notice::Error(text)) = session.snapshot().notices.last().cloned() else {
        panic!("nothing was refused")
    };
    let whole = std::path::absolute("Cargo.toml").unwrap();
    assert_eq!(
        text,
        format!(
            "cannot write {}: it is a file, not a directory; choose another place",
            whole.display()
        )
    );
    let directory = tempfile::tempdir().unwrap();
    let mut session = on_cpu(small());
    session.handle(Command::Save(directory.path().join("model")));
    let Some(Notice::Info(text)) = session.snapshot().notices.last().cloned() else {
        panic!("nothing was saved")
    };
    assert_eq!(
        text,
        format!(
            "saved step 0 in {}",
            directory.path().join("model").display()
        )
    );
}

#[test]
fn starting_anew_ends_a_nan_fault() {
    let (mut session, script) = scripted();
    script.lock().unwrap().nan_at = Some(3);
    run_to(&mut session, 10);
    assert!(matches!(session.status(), Status::Fault { .. }));
    session.handle(Command::Reset);
    assert_eq!((session.step(), session.status()), (0, Status::Paused));
}

#[test]
fn after_a_lost_device_the_other_engine_carries_on_from_the_last_good_weights() {
    let (mut session, script) = scripted();
    run_to(&mut session, 20);
    script.lock().unwrap().lost_at = Some(42);
    run_to(&mut session, 100);
    let Status::Fault {
        message,
        can_restore: false,
    } = session.status()
    else {
        panic!("no fault but {:?}", session.status());
    };
    assert!(
        message.contains("unplugged") && message.contains("switch the engine to CPU"),
        "{message}"
    );
    assert!(session.tick(SLICE).idle);
    // A model can still be had: the last good one.
    assert_eq!(session.model().step, 20);

    session.handle(Command::SwitchEngine(EngineChoice::Cpu));
    assert_eq!(
        script.lock().unwrap().loads.last(),
        Some(&(EngineChoice::Cpu, 20))
    );
    assert_eq!(
        (session.step(), session.status()),
        (20, Status::Training),
        "it was training, so it goes on"
    );
    while session.status() == Status::Training {
        session.tick(SLICE);
    }
    assert_eq!(session.step(), 100);
}

/// A second experiment begun beside a broken one stands at the last good weights, and so do its curves.
#[test]
fn a_copy_of_a_broken_training_begins_where_its_weights_are() {
    for lost in [false, true] {
        let (mut session, script) = scripted();
        run_to(&mut session, 20);
        if lost {
            script.lock().unwrap().lost_at = Some(42);
        } else {
            script.lock().unwrap().nan_at = Some(33);
        }
        run_to(&mut session, 1000);
        assert!(session.has_fault());
        let twin = session.copy(&mut None).unwrap().snapshot();
        assert_eq!((twin.step, twin.status), (20, Status::Paused));
        assert_eq!(twin.curve.raw.last().unwrap().0, 20);
        assert!(session.has_fault(), "the broken one is as it was");
    }
}

#[test]
fn a_sound_engine_hands_its_present_weights_over() {
    let (mut session, script) = scripted();
    run_to(&mut session, 35);
    session.handle(Command::SwitchEngine(EngineChoice::Cpu));
    assert_eq!(
        script.lock().unwrap().loads.last(),
        Some(&(EngineChoice::Cpu, 35))
    );
    assert_eq!(session.status(), Status::Paused);
}

/// Two seconds are all that closing may take, also where the engine does not come back.
#[test]
fn a_window_closes_in_time_whatever_its_engine_does() {
    for stuck in [Duration::ZERO, Duration::from_secs(20)] {
        let script = Arc::new(Mutex::new(Script {
            stuck,
            ..Script::default()
        }));
        let worker = Worker::spawn_with(
            Experiment::default(),
            EngineChoice::Auto,
            factory(&script),
            Box::new(|| {}),
        )
        .unwrap();
        worker.send(Command::Play);
        std::thread::sleep(Duration::from_millis(200));
        let begun = Instant::now();
        drop(worker);
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{stuck:?}: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn pausing_stops_and_an_idle_session_reports_no_change() {
    let (mut session, _script) = scripted();
    session.handle(Command::Play);
    for _ in 0..10 {
        assert_eq!(session.tick(SLICE).steps, 5);
    }
    session.handle(Command::Pause);
    let step = session.step();
    assert!(step >= 50);
    run_until_idle(&mut session);
    let version = session.version();
    for _ in 0..50 {
        let tick = session.tick(SLICE);
        assert!(tick.idle && !tick.changed && tick.steps == 0, "{tick:?}");
    }
    assert_eq!((session.step(), session.version()), (step, version));
    assert_eq!(session.snapshot().steps_per_sec, 0.0);
    session.handle(Command::StepOnce);
    assert_eq!(
        (session.step(), session.status()),
        (step + 1, Status::Paused)
    );
}

#[test]
fn the_picture_gets_a_bounded_share_of_a_training_and_is_finished_once_paused() {
    let (mut session, script) = scripted();
    session.handle(Command::Play);
    // The first picture is not kept waiting.
    while session.snapshot().samples_of.is_none() {
        session.tick(SLICE);
    }
    script.lock().unwrap().refresh_time = Duration::from_millis(8);
    // At the beginning, while numbers age fast, half the time at most.
    let begun = Instant::now();
    while session.step() < 9000 {
        session.tick(SLICE);
    }
    let share = std::mem::take(&mut script.lock().unwrap().refresh_spent).as_secs_f64()
        / begun.elapsed().as_secs_f64();
    assert!(share < 0.5, "sampling took {share} of the beginning");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1500) {
        session.tick(SLICE);
    }
    let spent = script.lock().unwrap().refresh_spent.as_secs_f64();
    let share = spent / begun.elapsed().as_secs_f64();
    assert!(
        spent > 0.0 && share < 0.12,
        "sampling took {share} of the time"
    );

    // What was refreshed after the last step has the present weights already, if it was of a picture begun with them.
    let before = script.lock().unwrap().refreshed;
    session.handle(Command::Pause);
    run_until_idle(&mut session);
    let refreshed = script.lock().unwrap().refreshed;
    assert!(
        refreshed == 2048 || refreshed == before + 2048,
        "every particle once: {before} before, {refreshed}"
    );
    assert_eq!(session.snapshot().samples.unwrap().len(), 2048);
}

#[test]
fn a_hidden_window_trains_on_without_pictures() {
    let (mut session, script) = scripted();
    session.handle(Command::Hidden(true));
    run_to(&mut session, 40);
    assert_eq!((session.step(), script.lock().unwrap().refreshed), (40, 0));
    assert!(session.tick(SLICE).idle);
    session.handle(Command::Hidden(false));
    run_until_idle(&mut session);
    assert_eq!(
        script.lock().unwrap().refreshed,
        2048,
        "shown again, the picture is drawn"
    );
}

#[test]
fn somebody_dragging_gets_most_of_a_software_adapter_for_a_while() {
    let (mut session, _script) = scripted();
    session.handle(Command::Play);
    assert_eq!(session.tick(SLICE).rest, Duration::ZERO);
    session.handle(Command::Interacting(Duration::from_millis(100)));
    let begun = Instant::now();
    let tick = session.tick(SLICE);
    let worked = begun.elapsed();
    assert!(tick.rest > Duration::ZERO && tick.rest.as_secs_f64() < 2.0 * worked.as_secs_f64());
    std::thread::sleep(Duration::from_millis(110));
    assert_eq!(session.tick(SLICE).rest, Duration::ZERO);
}

#[test]
fn a_density_is_computed_once_and_again_when_the_data_change() {
    let (mut session, _script) = scripted();
    let bounds = Bounds {
        min: [-1.0; 2],
        max: [1.0; 2],
    };
    let view = DensityView {
        scales: Scales { a: 0.8, s: 0.6 },
        bounds,
        resolution: 4,
    };
    session.handle(Command::ShowDensity(view));
    run_until_idle(&mut session);
    let first = session.snapshot().density.unwrap();
    assert_eq!((first.view, first.log_p.len()), (view, 16));
    session.handle(Command::ShowDensity(view));
    run_until_idle(&mut session);
    assert_eq!(
        session.snapshot().density.unwrap().version,
        first.version,
        "nothing new was asked for"
    );
    session.handle(configure(
        |e| e.data = DataSource::Shape(Shape::Moons),
        &session,
        false,
    ));
    run_until_idle(&mut session);
    let second = session.snapshot().density.unwrap();
    assert!(second.version > first.version && second.view == view);
}

#[test]
fn settings_keep_the_weights_but_another_network_starts_anew() {
    let mut session = on_cpu(small());
    session.handle(Command::Hidden(true));
    run_to(&mut session, 30);
    let before = session.model();
    for change in [
        |e: &mut Experiment| e.learning_rate = 1e-4,
        |e: &mut Experiment| e.data = DataSource::Shape(Shape::Circle),
        |e: &mut Experiment| e.schedule = Schedule::Cosine,
        |e: &mut Experiment| e.schedule = Schedule::Literal,
        |e: &mut Experiment| e.schedule = Schedule::Custom(LogSnr::default()),
        |e: &mut Experiment| e.timesteps = 100,
        |e: &mut Experiment| e.batch = 128,
        |e: &mut Experiment| e.seed = 5,
    ] {
        session.handle(configure(change, &session, false));
        assert_eq!(session.model(), before);
    }
    let experiment = session.snapshot().experiment;
    assert_eq!(
        (
            experiment.learning_rate,
            experiment.batch,
            experiment.timesteps
        ),
        (1e-4, 128, 100)
    );
    run_to(&mut session, 40);
    assert_eq!(session.step(), 40, "and it trains on");

    session.handle(configure(|e| e.width = 64, &session, false));
    assert_eq!((session.step(), session.snapshot().curve.raw.len()), (0, 0));
    assert_eq!(
        session.model().weights.len(),
        session.snapshot().experiment.shape().parameters()
    );
    assert!(
        matches!(session.snapshot().notices.last(), Some(Notice::Info(text)) if text.contains("anew"))
    );

    run_to(&mut session, 5);
    session.handle(configure(|e| e.learning_rate = 1e-3, &session, true));
    assert_eq!(session.step(), 0, "unless the user says so");
}

/// What training by the literal table and by one's own schedule comes to: the loss falls, and the live sampler carries its
/// starts, N(0, I), to data that are of another kind: eight blobs on a circle, with nothing in the middle.
#[test]
fn other_schedules_are_learned_and_sampled() {
    for schedule in [
        Schedule::Literal,
        Schedule::Custom(LogSnr::new([8.0, 3.0, 0.5, -3.0, -8.0])),
    ] {
        let mut session = on_cpu(Experiment {
            schedule,
            data: DataSource::Shape(Shape::EightGaussians),
            ..small()
        });
        run_to(&mut session, 1000);
        run_until_idle(&mut session);
        let raw = session.snapshot().curve.raw.clone();
        let mean = |losses: &[(u64, f32)]| {
            losses.iter().map(|(_, loss)| loss).sum::<f32>() / losses.len() as f32
        };
        let (first, last) = (mean(&raw[..20]), mean(&raw[980..]));
        assert!(last < 0.8 * first, "{schedule}: from {first} to {last}");
        let samples = session.snapshot().samples.unwrap().to_host().unwrap();
        let n = samples.len().min(512);
        let draw = |seed| Shape::EightGaussians.mixture().draw(n, seed);
        let starts: Vec<_> = (0..n as u32)
            .map(|i| philox::normal(5, philox::Stream::SamplerStart, 0, i))
            .collect();
        let [sampled, started, floor] = [&samples[..n], &starts, &draw(2)]
            .map(|points| wasserstein2(points, &draw(1)).unwrap());
        let text =
            format!("{schedule}: samples {sampled} from the data, starts {started}, floor {floor}");
        assert!(sampled < 1.5 * floor && started > 1.8 * floor, "{text}");
    }
}

#[test]
fn an_impossible_experiment_is_refused_and_changes_nothing() {
    let mut session = on_cpu(small());
    session.handle(Command::Hidden(true));
    run_to(&mut session, 10);
    let before = session.snapshot().experiment;
    for (change, part) in [
        ((|e| e.width = 77) as fn(&mut Experiment), "width 77"),
        (|e| e.learning_rate = f32::NAN, "learning rate"),
        (
            |e| e.data = DataSource::Csv("/nowhere/points.csv".into()),
            "/nowhere/points.csv",
        ),
    ] {
        session.handle(configure(change, &session, false));
        let Some(Notice::Error(text)) = session.snapshot().notices.last().cloned() else {
            panic!("no complaint")
        };
        assert!(text.contains(part), "{text}");
        assert_eq!(
            (session.snapshot().experiment, session.step()),
            (before.clone(), 10)
        );
    }
}

/// Mean of the first and of the last 20 losses of 200 updates.
fn losses_of_200_steps(mut session: Session) -> (f32, f32) {
    session.handle(Command::Hidden(true));
    run_to(&mut session, 200);
    let raw = session.snapshot().curve.raw.clone();
    assert_eq!(
        raw.iter().map(|(step, _)| *step).collect::<Vec<_>>(),
        (1..=200).collect::<Vec<_>>()
    );
    let mean = |losses: &[(u64, f32)]| {
        losses.iter().map(|(_, loss)| loss).sum::<f32>() / losses.len() as f32
    };
    (mean(&raw[..20]), mean(&raw[180..]))
}

#[test]
fn two_hundred_steps_lower_the_loss_by_the_same_on_both_engines() {
    let (first, last) = losses_of_200_steps(on_cpu(small()));
    assert!(last < 0.7 * first, "from {first} to {last}");
    let factory: EngineFactory = Arc::new(|choice| engine::create(choice, None));
    let engine = match factory(EngineChoice::Gpu) {
        Ok(engine) => engine,
        Err(error) => {
            eprintln!("only the CPU engine was tested: {error}");
            return;
        }
    };
    let on_gpu =
        losses_of_200_steps(Session::new(Setup::new(small()).unwrap(), engine, factory).unwrap());
    assert!(
        (on_gpu.0 - first).abs() < 1e-3 * first,
        "{on_gpu:?} against {first}"
    );
    assert!(
        (on_gpu.1 - last).abs() < 5e-3 * last,
        "{on_gpu:?} against {last}"
    );
}

/// Wait until a snapshot of the worker is as wanted.
fn wait_for(worker: &Worker, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let snapshot = worker.snapshot();
        if wanted(&snapshot) {
            return snapshot;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain for {what}: {:?}", worker.snapshot().status);
}

#[test]
fn a_paused_worker_causes_no_repaints_and_wakes_at_once() {
    let script = Arc::new(Mutex::new(Script::default()));
    let changes = Arc::new(AtomicU32::new(0));
    let counter = changes.clone();
    let on_change = Box::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let worker = Worker::spawn_with(
        Experiment::default(),
        EngineChoice::Cpu,
        factory(&script),
        on_change,
    )
    .unwrap();
    wait_for(&worker, "the first picture", |s| s.samples.is_some());
    worker.send(Command::Play);
    wait_for(&worker, "training", |s| s.step > 20);
    worker.send(Command::Pause);
    wait_for(&worker, "the pause", |s| {
        s.status == Status::Paused && s.step > 20
    });
    std::thread::sleep(Duration::from_millis(200));
    let (seen, step) = (changes.load(Ordering::Relaxed), worker.snapshot().step);
    assert!(seen > 0);
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(
        (changes.load(Ordering::Relaxed), worker.snapshot().step),
        (seen, step)
    );
    let begun = Instant::now();
    worker.send(Command::StepOnce);
    wait_for(&worker, "the single step", |s| s.step == step + 1);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_panic_in_the_thread_becomes_a_fault_that_the_window_can_show() {
    let script = Arc::new(Mutex::new(Script {
        panic: true,
        ..Script::default()
    }));
    let worker = Worker::spawn_with(
        Experiment::default(),
        EngineChoice::Cpu,
        factory(&script),
        Box::new(|| {}),
    )
    .unwrap();
    worker.send(Command::Play);
    let snapshot = wait_for(&worker, "the fault", |s| {
        matches!(s.status, Status::Fault { .. })
    });
    let Status::Fault {
        message,
        can_restore,
    } = &snapshot.status
    else {
        unreachable!()
    };
    assert!(message.contains("told to") && !can_restore, "{message}");
    // Commands after the end go nowhere, and dropping the worker does not hang.
    worker.send(Command::Play);
}

#[test]
fn without_the_wanted_engine_the_worker_runs_on_plain_rust_and_says_why() {
    let script = Arc::new(Mutex::new(Script::default()));
    let inner = factory(&script);
    let picky: EngineFactory = Arc::new(move |choice| match choice {
        EngineChoice::Cpu => inner(choice),
        _ => Err(EngineError::NoAdapter("none found".into())),
    });
    let worker = Worker::spawn_with(
        Experiment::default(),
        EngineChoice::Gpu,
        picky,
        Box::new(|| {}),
    )
    .unwrap();
    let snapshot = wait_for(&worker, "the notice", |s| s.notices.last().is_some());
    let Some(Notice::Error(text)) = snapshot.notices.last() else {
        panic!("not an error: {:?}", snapshot.notices)
    };
    assert!(text.contains("none found"), "{text}");
    worker.send(Command::StepOnce);
    wait_for(&worker, "a step", |s| s.step == 1);
}

fn field_request(session: &Session, exact: bool, follow: bool) -> Arc<RunRequest> {
    let snapshot = session.snapshot();
    let points = Start::Points(
        snapshot
            .dataset
            .points
            .iter()
            .take(50)
            .copied()
            .collect::<Vec<_>>()
            .into(),
    );
    let plan = Plan::field(snapshot.experiment.plan_context(), 0.4, Quantity::X0);
    Arc::new(RunRequest {
        plan,
        start: points,
        seed: 0,
        exact,
        every: 1,
        follow,
        read_back: exact,
        given: None,
        guidance: None,
    })
}

#[test]
fn runs_are_done_in_turn_and_follow_the_training_where_asked() {
    let mut session = on_cpu(small());
    let frame = |session: &Session, slot: Slot| {
        let result = session.snapshot().runs[&slot].done.clone().unwrap();
        let points = result.recording.points.to_host().unwrap();
        assert_eq!(
            result.host,
            result.request.read_back.then(|| points.clone()),
            "read back where asked for"
        );
        (result.step, points[50..].to_vec())
    };
    for (slot, exact, follow) in [
        (Slot::Other("exact"), true, true),
        (Slot::Other("follows"), false, true),
        (Slot::Other("once"), false, false),
    ] {
        let request = field_request(&session, exact, follow);
        session.handle(Command::Run(slot, request));
    }
    assert!(
        session
            .snapshot()
            .runs
            .values()
            .all(|run| run.progress.is_some() && run.done.is_none())
    );
    run_until_idle(&mut session);
    let before = [
        Slot::Other("exact"),
        Slot::Other("follows"),
        Slot::Other("once"),
    ]
    .map(|slot| frame(&session, slot));
    assert!(before.iter().all(|(step, _)| *step == 0));
    run_to(&mut session, 40);
    run_until_idle(&mut session);
    let after = [
        Slot::Other("exact"),
        Slot::Other("follows"),
        Slot::Other("once"),
    ]
    .map(|slot| frame(&session, slot));
    assert_eq!(
        before[0], after[0],
        "the exact field does not depend on the weights"
    );
    assert_eq!(after[1].0, 40);
    assert_ne!(before[1].1, after[1].1);
    assert_eq!(before[2], after[2]);
    // Other data: the exact field is another one.
    session.handle(configure(
        |experiment| experiment.data = DataSource::Shape(Shape::Circle),
        &session,
        false,
    ));
    run_until_idle(&mut session);
    assert_ne!(frame(&session, Slot::Other("exact")).1, after[0].1);
    session.handle(Command::StopRun(Slot::Other("exact")));
    assert!(!session.snapshot().runs.contains_key(&Slot::Other("exact")));
}

/// However much is asked for, one wish after the other, a training keeps two thirds of the time; while somebody drags, when
/// painting has most of it, half of the rest. And what it lost is told.
#[test]
fn runs_that_are_asked_for_leave_the_training_its_share() {
    for (drags, most) in [(false, 1.0 / 3.0), (true, 0.5 * 0.35)] {
        asked_beside_a_training(drags, most);
    }
}

fn asked_beside_a_training(drags: bool, most: f64) {
    let mut session = on_cpu(small());
    let plan = Sampler::Rk4.plan(50, session.snapshot().experiment.plan_context(), None);
    let slots = [Slot::Other("first"), Slot::Other("second")];
    let ask = |session: &mut Session, slot: Slot| {
        let request = RunRequest {
            plan: plan.clone(),
            start: Start::Noise(500),
            seed: 0,
            exact: false,
            every: 50,
            follow: false,
            read_back: false,
            given: None,
            guidance: None,
        };
        session.handle(Command::Run(slot, Arc::new(request)));
    };
    session.handle(Command::Play);
    session.tick(SLICE);
    assert_eq!(session.snapshot().runs_share, 0.0);
    for slot in slots {
        ask(&mut session, slot);
    }
    let (begun, mut spent, mut runs) = (Instant::now(), 0.0, 0);
    while begun.elapsed() < Duration::from_millis(2500) {
        if drags {
            session.handle(Command::Interacting(Duration::from_secs(1)));
        }
        std::thread::sleep(session.tick(SLICE).rest);
        for slot in slots {
            let state = session.snapshot().runs[&slot].clone();
            if let (None, Some(done)) = (state.progress, state.done) {
                (spent, runs) = (spent + done.secs, runs + 1);
                ask(&mut session, slot);
            }
        }
    }
    let share = spent / begun.elapsed().as_secs_f64();
    println!("{runs} runs took {share} of the time, {most} at most");
    // The last run may have had no rest yet.
    assert!(
        runs >= 3 && (0.3 * most..1.2 * most).contains(&share),
        "{runs} runs took {share}, {most} at most"
    );
    let told = session.snapshot().runs_share;
    assert!(
        (told - spent / 5.0).abs() < 0.05,
        "{told} is told of {spent} s"
    );
}

/// A chain of 100,000 particles is no single piece of work: between its pieces the training goes on, what the hand waits for is done,
/// and its result is that of the weights at its beginning.
#[test]
fn a_training_goes_on_during_a_run_of_100_000_particles() {
    const MANY: u32 = 100_000;
    let mut session = on_cpu(small());
    let context = session.snapshot().experiment.plan_context();
    let request = |particles, steps| {
        Arc::new(RunRequest {
            plan: Sampler::Euler.plan(steps, context, None),
            start: Start::Noise(particles),
            seed: 3,
            exact: false,
            every: steps,
            follow: false,
            read_back: false,
            given: None,
            guidance: None,
        })
    };
    run_to(&mut session, 10);
    let model = session.model();
    let (long, quick) = (Slot::Other("long"), Slot::ScoreAtPointer);
    session.handle(Command::Run(long, request(MANY, 25)));
    session.train_until(u64::MAX);
    // One update before would be another model: the run begins first.
    session.tick_within(SLICE, 0, Pictures::Asked);
    session.handle(Command::Play);
    session.handle(Command::Run(quick, request(10, 2)));
    let done = |session: &Session, slot| session.snapshot().runs[&slot].done.clone();
    let mut quick_first = false;
    let result = loop {
        session.tick(SLICE);
        quick_first |= done(&session, quick).is_some() && done(&session, long).is_none();
        if let Some(result) = done(&session, long) {
            break result;
        }
    };
    let updates = session.step() - 10;
    println!("{updates} updates during {} s of the run", result.secs);
    assert!(updates > 20, "{updates} updates");
    assert!(quick_first, "what the hand waits for is done in between");
    assert_eq!(result.step, 10);
    let mut engine = engine::create(EngineChoice::Cpu, None).unwrap();
    engine
        .load(&Setup::new(small()).unwrap().spec, &model)
        .unwrap();
    let request = &result.request;
    let run = Run {
        frames: Frames::Every(request.every),
        ..Run::of_samples(&request.plan, &request.start, request.seed)
    };
    let whole = engine.run(&run, &|_| true).unwrap().unwrap();
    let points = |recording: &Recording| recording.points.to_host().unwrap();
    assert!(points(&result.recording) == points(&whole));
}

#[test]
fn a_newer_wish_ends_a_long_run_at_once() {
    let experiment = small();
    let context = experiment.plan_context();
    let long = Arc::new(RunRequest {
        plan: Sampler::Ddpm(Variance::BetaTilde).plan(experiment.timesteps, context, None),
        start: Start::Noise(100_000),
        seed: 0,
        exact: false,
        every: 1000,
        follow: false,
        read_back: false,
        given: None,
        guidance: None,
    });
    let short = Arc::new(RunRequest {
        start: Start::Noise(10),
        ..RunRequest::clone(&long)
    });
    let worker = Worker::spawn(experiment, EngineChoice::Cpu, None, None, Box::new(|| {})).unwrap();
    let wait = |what: &str, done: &dyn Fn(&Snapshot) -> bool| {
        let begun = Instant::now();
        while !done(&worker.snapshot()) {
            assert!(begun.elapsed() < Duration::from_mins(1), "{what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    worker.send(Command::Run(Slot::Other("cloud"), long));
    wait("it begins", &|s| {
        s.runs
            .get(&Slot::Other("cloud"))
            .and_then(|run| run.progress.as_ref())
            .is_some_and(|progress| progress.get() > 0.0)
    });
    worker.send(Command::Run(Slot::Other("cloud"), short));
    wait("the short one is done", &|s| {
        s.runs[&Slot::Other("cloud")].done.is_some()
    });
    assert_eq!(
        worker.snapshot().runs[&Slot::Other("cloud")]
            .done
            .as_ref()
            .unwrap()
            .recording
            .particles,
        10
    );
}

/// Where the clip is switched off and a is all but 0 at t = T, samples fly apart: that is said when it begins, and once.
#[test]
fn a_clip_that_is_missed_is_told_once() {
    let mut session = on_cpu(small());
    let mut told = Vec::new();
    for (schedule, clip) in [
        (Schedule::Cosine, true),
        (Schedule::Cosine, false),
        (Schedule::Cosine, false),
        (Schedule::Linear, false),
    ] {
        let before = session.snapshot().notices.told();
        let rate = 1e-4 * (1.0 + told.len() as f32);
        let experiment = Experiment {
            schedule,
            clip,
            learning_rate: rate,
            sampler: Sampler::Ddim { eta: 0.0 },
            ..(**session.experiment()).clone()
        };
        session.handle(Command::Configure {
            experiment: Box::new(experiment),
            restart: Restart::Keep,
        });
        let snapshot = session.snapshot();
        let fold = |text: &str| text.contains("-fold");
        let said = snapshot.notices.after(before);
        told.push(
            said.iter()
                .any(|notice| matches!(notice, Notice::Info(text) if fold(text))),
        );
        // It stays to be read as long as it holds.
        assert_eq!(
            snapshot.warning.as_deref().is_some_and(fold),
            schedule == Schedule::Cosine && !clip
        );
    }
    assert_eq!(told, [false, true, false, false]);
}
