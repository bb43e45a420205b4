//! What a sampler alone does to a picture: by the exact x̂_0 no network is at fault.

use std::sync::Arc;

use noise_compass::data::mixture::Mixture;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{PlanContext, Sampler};
use noise_compass::diffusion::target::Target;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::layout::{Activation, NetworkShape};
use noise_compass::engine::network::optimiser::UpdateRule;
use noise_compass::engine::network::timetable::Timetable;
use noise_compass::engine::{
    Denoiser, Engine, Frames, ModelState, Objective, Pairing, Run, Start, TrainSpec, TrainingData,
};
use noise_compass::lab::experiment::Experiment;

/// An engine; its network is not asked.
fn engine() -> CpuEngine {
    let shape = NetworkShape {
        octaves: 0,
        width: 32,
        depth: 1,
        activation: Activation::Silu,
        learns_variance: false,
        classes: 0,
    };
    let mut engine = CpuEngine::new();
    let spec = TrainSpec {
        shape,
        timetable: Arc::new(Timetable::new(Schedule::Linear, Target::Eps, 1000)),
        data: TrainingData::Fresh(Arc::new(Shape::Moons.mixture())),
        labels: None,
        pairing: Pairing::default(),
        objective: Objective::Denoise,
        batch: 32,
        learning_rate: 1e-3,
        rule: UpdateRule::default(),
        seed: 0,
        ema_decay: 0.9,
    };
    engine
        .load(&spec, &ModelState::fresh(initial_weights(shape, 0)))
        .unwrap();
    engine
}

/// Share of the samples by the exact x̂_0 that lie more than six standard deviations from every component.
fn strays(mixture: &Arc<Mixture>, schedule: Schedule, sampler: Sampler, steps: u32) -> f64 {
    let context = PlanContext {
        schedule,
        target: Target::Eps,
        timesteps: 1000,
    };
    let plan = sampler.plan(steps, context, None);
    let count = 4096;
    let run = Run {
        plan: &plan,
        start: &Start::Noise(count),
        seed: 0x5EED,
        denoiser: &Denoiser::Exact(mixture.clone()),
        guidance: None,
        frames: Frames::End,
    };
    let ends = engine()
        .run(&run, &|_| true)
        .unwrap()
        .unwrap()
        .points
        .to_host()
        .unwrap();
    let far = |x: &&[f32; 2]| {
        mixture
            .components
            .iter()
            .all(|c| (x[0] - c.mean[0]).hypot(x[1] - c.mean[1]) > 6.0 * c.sigma)
    };
    ends.iter().filter(far).count() as f64 / f64::from(count)
}

/// Twenty steps of DDIM do leave some: the picture that a lab opens with must not.
#[test]
fn the_sampler_that_a_lab_opens_with_leaves_no_strays_of_its_own() {
    let Experiment {
        sampler,
        sampler_steps,
        ..
    } = Experiment::default();
    for schedule in Schedule::ALL {
        for shape in Shape::ALL {
            let share = strays(&Arc::new(shape.mixture()), schedule, sampler, sampler_steps);
            // Of four thousand honest draws none lies so far out.
            assert!(share < 2.0 / 4096.0, "{schedule} {shape:?}: {share}");
        }
    }
    let ddim = Sampler::Ddim { eta: 0.0 };
    let share = strays(
        &Arc::new(Shape::Figure8.mixture()),
        Schedule::Linear,
        ddim,
        20,
    );
    assert!(
        share > 0.003,
        "what the sheet of Reverse says of DDIM: {share}"
    );
}
