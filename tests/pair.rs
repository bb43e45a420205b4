//! Two experiments side by side: nothing sets them apart but their settings.

use std::sync::Arc;
use std::time::Duration;

use noise_compass::data::bounds::Bounds;
use noise_compass::diffusion::schedule::{Scales, Schedule};
use noise_compass::diffusion::solver::{Plan, Sampler};
use noise_compass::diffusion::target::Quantity;
use noise_compass::engine::gpu::GpuContext;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::{
    self, Engine, EngineChoice, EngineError, EngineKind, ModelState, Start,
};
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{
    Command, DensityView, InStep, Notice, Order, Restart, RunRequest, Side, Slot, Snapshot,
    Snapshots, Status,
};
use noise_compass::lab::pair::Pair;
use noise_compass::lab::session::{EngineFactory, Session};
use noise_compass::lab::setup::Setup;

/// Length of a slice.
const SLICE: Duration = Duration::from_millis(20);

fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 2,
        batch: 64,
        points: 512,
        sampler_steps: 8,
        ..Experiment::default()
    }
}

/// A lab of one experiment, on plain Rust or on one device shared by all engines.
fn lab(experiment: Experiment, kind: EngineKind) -> Pair {
    let factory: EngineFactory = match kind {
        EngineKind::Cpu => Arc::new(|_| engine::create(EngineChoice::Cpu, None)),
        EngineKind::Gpu => {
            let context = GpuContext::headless().unwrap();
            Arc::new(move |_| engine::create(EngineChoice::Gpu, Some(&context)))
        }
    };
    let engine = factory(EngineChoice::Auto).unwrap();
    Pair::new(Session::new(Setup::new(experiment).unwrap(), engine, factory).unwrap())
}

/// Work until nothing is left to do.
fn settle(pair: &mut Pair) {
    for _ in 0..20_000 {
        if pair.tick(SLICE).idle {
            return;
        }
    }
    panic!("the lab does not come to rest");
}

/// Train both to this step.
fn train(pair: &mut Pair, step: u64) {
    pair.train_until(step);
    pair.handle(Command::Play.into());
    settle(pair);
}

fn model(pair: &mut Pair, side: Side) -> ModelState {
    pair.session_mut(side).unwrap().model()
}

fn steps(pair: &Pair) -> [u64; 2] {
    Side::BOTH.map(|side| pair.session(side).unwrap().submitted())
}

fn run(sampler: Sampler, particles: u32, seed: u64, follow: bool) -> Arc<RunRequest> {
    let context = small().plan_context();
    let plan = sampler.plan(10, context, None);
    Arc::new(RunRequest {
        plan,
        start: Start::Noise(particles),
        seed,
        exact: false,
        every: 1,
        follow,
        read_back: true,
        given: None,
        guidance: None,
    })
}

/// What chapters ask for: a cloud on A, a field that follows the training on B, a density on A alone; and each changes.
fn open_a_chapter(pair: &mut Pair, round: u32) {
    let bounds = Bounds {
        min: [-2.0, -2.0],
        max: [2.0, 2.0],
    };
    let view = DensityView {
        scales: Scales {
            a: 1.0,
            s: 0.1 * f64::from(round % 9),
        },
        bounds,
        resolution: 16,
    };
    pair.handle(Order::To(Side::A, Command::ShowDensity(view)));
    pair.handle(Order::To(
        Side::A,
        Command::Run(
            Slot::Reverse,
            run(Sampler::Heun, 20 + round, u64::from(round), true),
        ),
    ));
    let points = Arc::new((0..64).map(|i| [0.05 * i as f32 - 1.6, 0.3]).collect());
    let plan = Plan::field(
        small().plan_context(),
        0.1 + 0.05 * f64::from(round % 9),
        Quantity::Score,
    );
    let field = RunRequest {
        plan,
        start: Start::Points(points),
        seed: 0,
        exact: false,
        every: 1,
        follow: true,
        read_back: true,
        given: None,
        guidance: None,
    };
    pair.handle(Order::To(
        Side::B,
        Command::Run(Slot::LearnedArrows, Arc::new(field)),
    ));
    if round % 3 == 2 {
        pair.handle(Order::To(Side::A, Command::StopRun(Slot::Reverse)));
        pair.handle(Order::To(
            Side::B,
            Command::Run(
                Slot::PathsByNoise,
                run(Sampler::Ddim { eta: 1.0 }, 5, 3, false),
            ),
        ));
    }
}

/// Bit by bit: weights, EMA, Adam's moments, and every loss; and all as in a lab that was never split.
fn stays_bit_equal(kind: EngineKind) {
    let mut lone = lab(small(), kind);
    train(&mut lone, 500);
    let mut pair = lab(small(), kind);
    train(&mut pair, 20);
    pair.handle(Order::Equalise);
    for round in 1..=24 {
        open_a_chapter(&mut pair, round);
        pair.train_until(20 + 20 * u64::from(round));
        pair.handle(Command::Play.into());
        // Short slices: what the chapters ask for is done between them.
        while pair.tick(Duration::from_millis(2)).steps > 0 {}
        settle(&mut pair);
    }
    let [a, b] = Side::BOTH.map(|side| model(&mut pair, side));
    assert_eq!(a.step, 500);
    assert!(a == b, "A and B parted");
    assert!(
        a == model(&mut lone, Side::A),
        "being split changed the training"
    );
    let Snapshots { a, b, .. } = pair.snapshots();
    let b = b.unwrap();
    assert_eq!(a.curve.raw.len(), b.curve.raw.len());
    assert!(
        a.curve
            .raw
            .iter()
            .zip(&b.curve.raw)
            .all(|(a, b)| a.0 == b.0 && a.1.to_bits() == b.1.to_bits())
    );
    assert_eq!(a.curve.raw, lone.snapshots().a.curve.raw);
    // They were measured on the way, and at the end by the same picture.
    let [of_a, of_b] = [&a.quality, &b.quality].map(|curve| *curve.last().unwrap());
    assert!(a.quality.len() > 1 && of_a.step == 500);
    assert_eq!(
        (of_a.distance, of_a.floor, of_a.score_error),
        (of_b.distance, of_b.floor, of_b.score_error)
    );
    assert!(
        a.runs.contains_key(&Slot::Reverse) != b.runs.contains_key(&Slot::Reverse)
            || b.runs.contains_key(&Slot::PathsByNoise)
    );
}

#[test]
fn two_equal_experiments_stay_bit_equal_on_plain_rust() {
    stays_bit_equal(EngineKind::Cpu);
}

#[test]
fn two_equal_experiments_stay_bit_equal_on_one_device() {
    stays_bit_equal(EngineKind::Gpu);
}

#[test]
fn they_train_in_step_and_pause_level_though_one_is_slower() {
    let mut pair = lab(small(), EngineKind::Cpu);
    pair.handle(Order::Equalise);
    let wide = Experiment {
        width: 128,
        depth: 3,
        ..small()
    };
    pair.handle(Order::To(
        Side::B,
        Command::Configure {
            experiment: Box::new(wide),
            restart: Restart::Anew,
        },
    ));
    for _ in 0..5 {
        pair.handle(Command::Play.into());
        for _ in 0..7 {
            pair.tick(SLICE);
        }
        pair.handle(Command::Pause.into());
        let [a, b] = steps(&pair);
        assert_eq!(a, b);
        assert!(pair.is_level());
    }
    assert!(steps(&pair)[0] > 20, "{:?}", steps(&pair));
    pair.handle(Command::StepOnce.into());
    let [a, b] = steps(&pair);
    assert_eq!(a, b);
}

#[test]
fn for_equal_time_the_faster_does_more_steps() {
    let mut pair = lab(small(), EngineKind::Cpu);
    pair.handle(Order::Equalise);
    let wide = Experiment {
        width: 128,
        depth: 3,
        ..small()
    };
    pair.handle(Order::To(
        Side::B,
        Command::Configure {
            experiment: Box::new(wide),
            restart: Restart::Anew,
        },
    ));
    pair.handle(Order::InStep(InStep::Time));
    pair.handle(Command::Play.into());
    for _ in 0..40 {
        pair.tick(SLICE);
    }
    pair.handle(Command::Pause.into());
    let secs = Side::BOTH.map(|side| pair.session(side).unwrap().trained_secs());
    // A slice of each is half of the budget; the last may be longer where the machine is busy.
    assert!((secs[0] - secs[1]).abs() < 0.2 * secs[0], "{secs:?}");
    let [a, b] = steps(&pair);
    assert!(a > 2 * b, "{a} and {b} steps in the same time");
}

#[test]
fn what_is_started_anew_catches_up_while_the_other_waits() {
    let mut pair = lab(small(), EngineKind::Cpu);
    train(&mut pair, 300);
    pair.handle(Order::Equalise);
    let cosine = Experiment {
        schedule: Schedule::Cosine,
        ..small()
    };
    pair.handle(Order::To(
        Side::B,
        Command::Configure {
            experiment: Box::new(cosine),
            restart: Restart::Anew,
        },
    ));
    assert_eq!(steps(&pair), [300, 0]);
    pair.train_until(400);
    pair.handle(Command::Play.into());
    let mut waited = 0;
    while steps(&pair)[1] < 300 {
        pair.tick(Duration::from_millis(4));
        assert_eq!(steps(&pair)[0], 300, "A waits");
        waited += 1;
    }
    assert!(waited > 1);
    settle(&mut pair);
    assert_eq!(steps(&pair), [400, 400]);
    // Pausing far apart does not hold up the hand.
    let linear = Experiment {
        schedule: Schedule::Linear,
        ..small()
    };
    pair.handle(Order::To(
        Side::B,
        Command::Configure {
            experiment: Box::new(linear),
            restart: Restart::Anew,
        },
    ));
    pair.train_until(800);
    pair.handle(Command::Play.into());
    pair.tick(Duration::from_millis(2));
    pair.handle(Command::Pause.into());
    assert!(steps(&pair)[1] < 300, "{:?}", steps(&pair));
}

#[test]
fn a_copy_is_whole_a_swap_changes_places_and_one_can_be_kept() {
    let mut pair = lab(small(), EngineKind::Cpu);
    train(&mut pair, 50);
    assert!(pair.snapshots().b.is_none());
    pair.handle(Order::Equalise);
    settle(&mut pair);
    let Snapshots { a, b, .. } = pair.snapshots();
    let b = b.unwrap();
    assert_eq!((b.step, &b.curve, b.loss), (a.step, &a.curve, a.loss));
    assert_eq!(*b.experiment, *a.experiment);
    assert!((b.trained_secs - a.trained_secs).abs() < 1e-9);
    assert!(model(&mut pair, Side::A) == model(&mut pair, Side::B));
    // B goes its own way.
    let cosine = Experiment {
        schedule: Schedule::Cosine,
        ..small()
    };
    pair.handle(Order::To(
        Side::B,
        Command::Configure {
            experiment: Box::new(cosine.clone()),
            restart: Restart::Anew,
        },
    ));
    train(&mut pair, 60);
    let [first, second] = Side::BOTH.map(|side| model(&mut pair, side));
    assert!(first != second);
    pair.handle(Order::Swap);
    assert_eq!(pair.snapshots().swaps, 1);
    assert!(model(&mut pair, Side::A) == second && model(&mut pair, Side::B) == first);
    assert_eq!(*pair.snapshots().a.experiment, cosine);
    pair.handle(Order::Swap);
    // B = A once more: the engine that is there is used again.
    pair.handle(Order::Equalise);
    assert!(model(&mut pair, Side::B) == first);
    pair.handle(Order::Swap);
    pair.handle(Order::To(
        Side::B,
        Command::Configure {
            experiment: Box::new(cosine.clone()),
            restart: Restart::Anew,
        },
    ));
    pair.handle(Order::Keep(Side::B));
    assert!(pair.snapshots().b.is_none());
    assert_eq!(*pair.snapshots().a.experiment, cosine);
    assert_eq!(pair.snapshots().swaps, 4);
    train(&mut pair, 20);
    assert_eq!(pair.session(Side::A).unwrap().submitted(), 20);
}

#[test]
fn a_lesson_keeps_the_weights_where_only_sampling_differs() {
    let mut pair = lab(small(), EngineKind::Cpu);
    train(&mut pair, 40);
    let before = model(&mut pair, Side::A);
    let of = |sampler_steps| Experiment {
        sampler_steps,
        ..small()
    };
    pair.handle(Order::Compare(Box::new([of(4), of(32)])));
    assert!(model(&mut pair, Side::A) == before && model(&mut pair, Side::B) == before);
    let snapshots = pair.snapshots();
    assert_eq!(
        (
            snapshots.a.experiment.sampler_steps,
            snapshots.b.unwrap().experiment.sampler_steps
        ),
        (4, 32)
    );
    // Another path: both anew, from the same weights.
    let of = |schedule| Experiment {
        schedule,
        ..small()
    };
    pair.handle(Order::Compare(Box::new([
        of(Schedule::Linear),
        of(Schedule::Cosine),
    ])));
    assert_eq!(steps(&pair), [0, 0]);
    assert!(model(&mut pair, Side::A).weights == model(&mut pair, Side::B).weights);
    // One that cannot be prepared leaves all as it is.
    let impossible = Experiment {
        batch: 1,
        ..small()
    };
    pair.handle(Order::Compare(Box::new([small(), impossible])));
    let snapshots = pair.snapshots();
    assert!(
        matches!(snapshots.a.notices.last(), Some(Notice::Error(text)) if text.contains("batch 1"))
    );
    assert_eq!(snapshots.b.unwrap().experiment.schedule, Schedule::Cosine);
}

/// A lesson that starts A anew lays its training aside; the way back leads to it, whatever came between.
#[test]
fn the_training_before_a_lesson_is_not_lost() {
    let mut pair = lab(small(), EngineKind::Cpu);
    train(&mut pair, 40);
    let before = model(&mut pair, Side::A);
    let curve = pair.snapshots().a.curve.clone();
    let of = |schedule, width| Experiment {
        schedule,
        width,
        ..small()
    };
    pair.handle(Order::Compare(Box::new([
        of(Schedule::Linear, 64),
        of(Schedule::Cosine, 64),
    ])));
    assert_eq!(pair.snapshots().before, Some((40, None)));
    train(&mut pair, 20);
    pair.handle(Order::Compare(Box::new([
        of(Schedule::Flow, 32),
        of(Schedule::Cosine, 32),
    ])));
    pair.handle(Order::Swap);
    train(&mut pair, 15);
    assert_eq!(
        pair.snapshots().before,
        Some((40, None)),
        "the first one counts"
    );
    pair.handle(Order::Return);
    let Snapshots {
        a, b, before: none, ..
    } = pair.snapshots();
    assert!(b.is_none() && none.is_none());
    assert_eq!((a.step, &*a.experiment, &a.curve), (40, &small(), &curve));
    assert!(model(&mut pair, Side::A) == before);
    // It goes on as if nothing had been between.
    train(&mut pair, 60);
    let mut lone = lab(small(), EngineKind::Cpu);
    train(&mut lone, 60);
    assert!(model(&mut pair, Side::A) == model(&mut lone, Side::A));
    // What is kept is kept: there is no way back any more.
    pair.handle(Order::Compare(Box::new([
        of(Schedule::Linear, 64),
        of(Schedule::Cosine, 64),
    ])));
    pair.handle(Order::Keep(Side::A));
    pair.handle(Order::Return);
    assert_eq!(
        (pair.snapshots().before, pair.snapshots().a.experiment.width),
        (None, 64)
    );
}

#[test]
fn a_fault_in_b_stops_b_alone() {
    // Both begin with spoilt weights, and A anew.
    let factory: EngineFactory = Arc::new(|_| engine::create(EngineChoice::Cpu, None));
    let mut spoilt = ModelState::fresh(initial_weights(small().shape(), 0));
    spoilt.weights[0] = f32::NAN;
    let setup = Setup::new(small()).unwrap();
    let engine = factory(EngineChoice::Cpu).unwrap();
    let mut pair = Pair::new(Session::resume(setup, spoilt, engine, factory).unwrap());
    pair.handle(Order::Equalise);
    pair.handle(Order::To(Side::A, Command::Reset));
    pair.train_until(300);
    pair.handle(Command::Play.into());
    settle(&mut pair);
    let Snapshots { a, b, .. } = pair.snapshots();
    assert!(matches!(
        b.unwrap().status,
        Status::Fault {
            can_restore: true,
            ..
        }
    ));
    assert_eq!((a.status.clone(), a.step), (Status::Paused, 300));
}

#[test]
fn where_no_second_engine_can_be_had_the_first_goes_on() {
    let factory: EngineFactory = Arc::new(|_| -> Result<Box<dyn Engine>, _> {
        Err(EngineError::Device("out of memory".into()))
    });
    let engine = engine::create(EngineChoice::Cpu, None).unwrap();
    let mut pair = Pair::new(Session::new(Setup::new(small()).unwrap(), engine, factory).unwrap());
    train(&mut pair, 10);
    let before = model(&mut pair, Side::A);
    let cosine = Experiment {
        schedule: Schedule::Cosine,
        ..small()
    };
    pair.handle(Order::Compare(Box::new([small(), cosine.clone()])));
    pair.handle(Order::Compare(Box::new([cosine, small()])));
    pair.handle(Order::Equalise);
    let snapshots = pair.snapshots();
    assert!(snapshots.b.is_none());
    assert_eq!((*snapshots.a.experiment).clone(), small());
    let Some(Notice::Error(text)) = snapshots.a.notices.last() else {
        panic!("it must be said")
    };
    assert!(
        text.contains("no second experiment") && text.contains("out of memory"),
        "{text}"
    );
    assert!(model(&mut pair, Side::A) == before);
    train(&mut pair, 20);
}

#[test]
fn orders_for_b_go_nowhere_while_there_is_no_b() {
    let mut pair = lab(small(), EngineKind::Cpu);
    pair.handle(Order::To(Side::B, Command::Play));
    pair.handle(Order::Swap);
    pair.handle(Order::Keep(Side::B));
    assert!(pair.snapshots().b.is_none());
    assert_eq!(
        (pair.snapshots().swaps, pair.snapshots().a.status.clone()),
        (0, Status::Paused)
    );
}

/// While they train, too: what is measured of equal experiments is of the same step and of the same samples.
#[test]
fn equal_experiments_look_equal_at_every_moment_of_the_training() {
    let mut pair = lab(small(), EngineKind::Cpu);
    train(&mut pair, 40);
    pair.handle(Order::Equalise);
    pair.train_until(1_000_000);
    pair.handle(Command::Play.into());
    let before = pair.snapshots().a.quality.len();
    for _ in 0..4000 {
        pair.tick(SLICE);
        if pair.snapshots().a.quality.len() >= before + 3 {
            break;
        }
    }
    let Snapshots { a, b, .. } = pair.snapshots();
    let b = b.unwrap();
    assert!(a.quality.len() >= before + 3, "nothing was measured");
    assert_eq!(a.quality.len(), b.quality.len());
    for (a, b) in a.quality.iter().zip(&*b.quality) {
        assert_eq!(
            (a.step, a.distance, a.floor, a.score_error),
            (b.step, b.distance, b.floor, b.score_error)
        );
    }
    let points =
        |cloud: &Option<noise_compass::engine::Cloud>| cloud.as_ref().unwrap().to_host().unwrap();
    assert_eq!(points(&a.samples), points(&b.samples));
}

/// However many stages the samplers of both have, both pictures come to their end while they train in step, of the same updates,
/// and both are measured.
#[test]
fn pictures_of_samplers_of_any_length_are_made_and_measured_together() {
    let samplers = [
        (
            Sampler::Ddim { eta: 0.0 },
            8,
            Sampler::Ddim { eta: 0.0 },
            64,
        ),
        (Sampler::Ddim { eta: 0.0 }, 64, Sampler::Euler, 1),
        (Sampler::Rk4, 10, Sampler::Heun, 7),
    ];
    for (a, a_steps, b, b_steps) in samplers {
        let with = |sampler, sampler_steps| Experiment {
            sampler,
            sampler_steps,
            ..small()
        };
        let mut pair = lab(with(a, a_steps), EngineKind::Cpu);
        let both = [with(a, a_steps), with(b, b_steps)];
        pair.handle(Order::Compare(Box::new(both)));
        pair.handle(Command::Play.into());
        let measured = |pair: &Pair| {
            let snapshots = pair.snapshots();
            let b = snapshots.b.unwrap();
            [snapshots.a, b].map(|s| s.quality.len())
        };
        let mut ticks = 0;
        while measured(&pair).iter().any(|count| *count < 3) {
            pair.tick(SLICE);
            ticks += 1;
            assert!(ticks < 2000, "{a:?} and {b:?}: {:?}", measured(&pair));
        }
        let snapshots = pair.snapshots();
        let b = snapshots.b.unwrap();
        let steps = |s: &Snapshot| -> Vec<u64> { s.quality.iter().map(|p| p.step).collect() };
        assert_eq!(
            steps(&snapshots.a),
            steps(&b),
            "measured at the same updates"
        );
    }
}

/// Chains of 8 and of 64 steps are compared on equal weights: whatever each takes, both are begun and shown together, and again.
/// Paused, both are of the last weights.
#[test]
fn chains_of_any_length_are_of_the_same_update_on_both_sides() {
    let with = |sampler_steps| Experiment {
        sampler: Sampler::Heun,
        sampler_steps,
        ..small()
    };
    let mut pair = lab(with(8), EngineKind::Cpu);
    pair.handle(Order::Compare(Box::new([with(8), with(64)])));
    for side in Side::BOTH {
        let steps = if side == Side::A { 8 } else { 64 };
        let request = RunRequest {
            plan: Sampler::Heun.plan(steps, small().plan_context(), None),
            ..(*run(Sampler::Heun, 512, 1, true)).clone()
        };
        let command = Command::Run(Slot::Reverse, Arc::new(request));
        pair.handle(Order::To(side, command));
    }
    pair.handle(Command::Play.into());
    let of = |pair: &Pair| {
        let snapshots = pair.snapshots();
        [snapshots.a, snapshots.b.unwrap()]
            .map(|side| Some(side.runs[&Slot::Reverse].done.as_ref()?.step))
    };
    let mut seen = std::collections::BTreeSet::new();
    let begun = std::time::Instant::now();
    while seen.len() < 4 {
        pair.tick(SLICE);
        // The first one of each is shown at once.
        if let [Some(a), Some(b)] = of(&pair)
            && (a == b || !seen.is_empty())
        {
            assert_eq!(a, b, "after {seen:?}");
            seen.insert(a);
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{seen:?}");
    }
    pair.handle(Command::Pause.into());
    settle(&mut pair);
    let last = pair.snapshots().a.step;
    assert_eq!(of(&pair), [Some(last); 2]);
}

/// A change that the training feels is remembered; one of sampling is not; starting anew forgets it.
#[test]
fn a_training_that_was_changed_on_its_way_says_so() {
    let mut pair = lab(small(), EngineKind::Cpu);
    let configure = |experiment, restart| {
        Order::To(
            Side::A,
            Command::Configure {
                experiment: Box::new(experiment),
                restart: Restart::when(restart),
            },
        )
    };
    train(&mut pair, 30);
    pair.handle(configure(
        Experiment {
            sampler_steps: 5,
            ..small()
        },
        false,
    ));
    assert_eq!(pair.snapshots().a.changed_at, None);
    pair.handle(configure(
        Experiment {
            schedule: Schedule::Cosine,
            ..small()
        },
        false,
    ));
    assert_eq!(pair.snapshots().a.changed_at, Some(30));
    pair.handle(Order::Equalise);
    assert_eq!(pair.snapshots().b.unwrap().changed_at, Some(30));
    pair.handle(Command::Reset.into());
    assert_eq!(pair.snapshots().a.changed_at, None);
}
